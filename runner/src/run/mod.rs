//! Runs a plan and says what happened. Judging is left to [`crate::report`].
//!
//! The modules, in reading order:
//!
//! - [`interrupt`]: Ctrl-C, counted.
//! - `places`: the places that a run has, and what holds for all of it.
//! - `environment`: what steps find in their environment.
//! - `ready`: whether a background step is ready.
//! - `runs`: the runs that were begun, and what they printed.
//! - `stage`: the shells of a lesson, and the only loop that waits for them: [`Stage`].
//! - [`exclusive`]: what only one step on the machine may hold at a time.
//! - [`probes`]: what probes answered, and what it means for needs and facets.
//! - [`reach`]: programs that the learner has and steps do not find.
//! - `needs`: what a lesson asks of its places by probes.
//! - `records`: what is known of the steps and checks.
//! - `outdated`: what was made before a file of the lesson changed.
//! - `moments`: what a run can be taken back to.
//! - `sitting`: goes through a plan and keeps the records: [`Sitting`].
//! - `check`, `exercise`: what it does at a check, and at an exercise.

mod check;
mod environment;
pub mod exclusive;
mod exercise;
pub mod interrupt;
mod moments;
mod needs;
mod outdated;
mod places;
pub mod probes;
pub mod reach;
mod ready;
mod records;
mod runs;
mod sitting;
mod stage;

pub use environment::PATH;
pub use interrupt::Interrupt;
pub use moments::Moments;
pub use places::{KernelPlace, Options, Places};
pub use probes::ProbeCache;
pub use sitting::Sitting;
pub use stage::Stage;

#[cfg(test)]
mod tests;
