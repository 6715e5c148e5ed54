//! Moments of a lesson's run that it can be taken back to: one after each step, or after every few
//! steps of a long lesson.
//!
//! A moment is the files that steps had made, what the shell of host steps knew, and the state of
//! the guest if a kernel step had run by then.

mod kept;
mod shell;
mod trail;

pub use kept::Moments;
pub(super) use trail::{Scene, Trail};
