//! The memory of `tutor` between runs, in the XDG state folder: progress, the last run,
//! and in `consent` what may run.

mod consent;
mod files;
mod progress;

pub use consent::Consents;
pub use files::{Store, StoreError, key};
pub use progress::{Prediction, Progress, StepProgress};
