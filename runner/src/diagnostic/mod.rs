//! Faults in a lesson's text, each with its place and a way to mend it.
//!
//! Parsing collects diagnostics and never stops at the first.

mod guesses;
mod model;
mod place;
mod render;

pub use guesses::{Guesses, nearest};
pub use model::{Complaint, Diagnostic, Findings, Severity, sort};
pub use place::{Lines, line_column, within};
pub use render::{Drawing, render};

pub(crate) use place::{line_end, line_start};
