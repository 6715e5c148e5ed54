//! The words for one run: where it runs, where it prints, how it ends.

use serde::{Deserialize, Serialize};

/// In which shell a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The lesson's own.
    Step,
    /// A subshell of it, which cannot change it.
    Check,
    /// A subshell of it that goes on: `&`.
    Background,
    /// A new one with the same folder and environment.
    Aside,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

/// The fate of the lesson's shell during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShellFate {
    /// Variables and functions are as the run left them.
    #[default]
    Kept,
    /// The run ended it; the next run gets a new one in the folder that the first one started in.
    Lost,
    /// The one before had been ended between two runs; the run began in a new one.
    New,
}

/// A process that outlived its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftoverProcess {
    /// Its process id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
    /// The run that started it, if that is known.
    pub run_id: Option<u32>,
}

/// Where something was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
