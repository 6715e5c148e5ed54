//! Keeps one bash for a lesson and place, runs steps in it and guards their processes.
//!
//! The agent is a process of its own, so that what steps start ends even when `tutor` is killed.
//! It speaks [`protocol`] over one channel; [`client`] is the other end. The same agent is the init
//! of a small guest: [`guest`] is what it does more there.

pub mod client;
pub mod confine;
pub mod guarded;
pub mod guest;
pub mod isolation;
mod pipes;
pub mod processes;
pub mod processor;
pub mod protocol;
mod runs;
mod serve;
mod shell;
mod sys;
mod waiting;

pub use serve::{AgentError, serve, serve_guarded};
pub use waiting::Waiting;
