//! Keeps one bash for a lesson and place, runs steps in it and guards their processes.
//!
//! The agent is a process of its own, so that what steps start ends even when `tutor` is killed.
//! It speaks [`protocol`] over one channel; [`client`] is the other end. The same agent is the init
//! of a small guest: [`init()`].
//!
//! The modules, in reading order:
//!
//! - `sys`: the system calls that nix lacks.
//! - [`processes`]: the processes below this one.
//! - `network`: the loopback device of a network namespace.
//! - [`isolation`]: mounts of its own for steps that need a kernel.
//! - [`guarded`]: a program that ends with its parent and reaches what it is given: QEMU.
//! - [`confine`]: what keeps steps from the learner's files, processes and network.
//! - [`protocol`]: what `tutor` and the agent say to each other.
//! - `pipes`: the pipes that runs print to.
//! - `control`: the channel on which bash reports.
//! - `shell`: one bash, and what it is told.
//! - `runs`: the runs that were begun.
//! - `guest`: files and terminals of a guest.
//! - `serve`: the loop.
//! - `init`: the init of a guest.
//! - `waiting`: what an agent said and `tutor` has not heard yet.
//! - [`client`]: starts an agent and talks to it.

mod sys;

pub mod processes;

mod network;

pub mod isolation;

pub mod guarded;

pub mod confine;

pub mod protocol;

mod pipes;

mod control;

mod shell;

mod runs;

mod guest;

mod serve;

mod init;

mod waiting;

pub mod client;

pub use init::run as init;
pub use serve::{AgentError, serve, serve_guarded};
pub use waiting::Waiting;
