//! Says what each step and check of a transcript amounts to. Drawing it is left to `render`.

mod check;
mod diff;
mod emphasis;
mod judge;
pub mod matrix;
mod model;
mod verdict;

pub use diff::{Diff, DiffLine, Hunk, LineKind, diff, patch};
pub use emphasis::Segment;
pub use judge::{Judge, recorded};
pub use model::{Item, Lookup, Report, exit};
pub use verdict::{Counts, Strictness, Verdict};
