//! Draws what a run says and what a report found. Drawing neither runs nor compares.

pub mod paint;
pub mod prose;
