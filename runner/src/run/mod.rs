//! Runs a plan and says what happened. Judging is left to [`crate::report`].
//!
//! [`Sitting`] goes through a plan and keeps records; [`Stage`] has the shells and waits for what
//! runs in them; [`Moments`] are what a run can be taken back to.

mod environment;
pub mod exclusive;
pub mod interrupt;
mod moments;
mod needs;
mod places;
pub mod probes;
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
