//! Keeps one bash for a lesson and place, runs steps in it and guards their processes.
