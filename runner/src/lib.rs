//! Lessons in Markdown that run for real.
