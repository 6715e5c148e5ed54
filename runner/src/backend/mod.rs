//! Where steps run: one trait, so that the host, the lab and a script of canned answers look alike.

#[doc(hidden)]
pub mod host;
pub mod lab;
#[cfg(test)]
pub mod scripted;
mod told;

use crate::event::{KeptYours, Stream};
use crate::say;
use crate::transcript::{Ending, Output, ShellFate};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use tutor_agent::protocol::{Mode, Status};

/// A place that can keep a shell for a lesson.
pub trait Backend: Sync {
    /// Starts a shell there.
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError>;
    /// Returns a shell as it was when [`Session::save`] wrote that file; nothing if that cannot be.
    fn reopen(&self, _file: &Path) -> Option<Box<dyn Session>> {
        None
    }
    /// Whose kernel steps there meet.
    fn kernel(&self) -> KernelOwner;
    /// Returns what a probe said there before, in any process, where the machine begins as the
    /// same one each time.
    fn known(&self, _probe: &str) -> Option<Answer> {
        None
    }
    /// Remembers what a probe said there, if [`known`](Backend::known) can ever tell.
    fn note(&self, _probe: &str, _answer: &Answer) {}
}

/// Whose kernel it is that steps meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelOwner {
    /// This machine's, which other lessons and programs share.
    ThisMachine,
    /// A guest's, for one lesson alone.
    Guest {
        /// The machine that it runs on, as outputs are recorded with it: `QEMU 7.2`; none if it is
        /// not known.
        machine: Option<String>,
    },
}

/// The answer of a probe about its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It exited with 0, and printed this: stdout and then stderr.
    Yes(String),
    /// It exited with another status, and printed this.
    No(String),
    /// It did not come to its own end, so it says nothing of the machine; this is why.
    Unknown(String),
}

impl Answer {
    /// An answer from how a probe ended and what it printed.
    pub fn of(ending: &Ending, output: &Output) -> Answer {
        let printed = || {
            let mut text = String::from_utf8_lossy(&output.stdout.bytes()).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr.bytes()));
            text
        };
        match ending {
            Ending::Exited(0) => Answer::Yes(printed()),
            Ending::Exited(_) => Answer::No(printed()),
            Ending::TimedOut(_) => Answer::Unknown(say!("probe-timeout")),
            Ending::Interrupted | Ending::Stopped => Answer::Unknown(say!("probe-interrupted")),
            Ending::Signaled(signal) => Answer::Unknown(say!("probe-killed", signal = *signal)),
            Ending::Skipped(_) => Answer::Unknown(say!("probe-interrupted")),
            Ending::Broken(why) => Answer::Unknown(why.clone()),
        }
    }

    /// Returns what it printed, or why it is not known.
    pub fn text(&self) -> &str {
        match self {
            Answer::Yes(text) | Answer::No(text) | Answer::Unknown(text) => text,
        }
    }
}

/// The settings that a shell starts with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'o> {
    /// The folder it starts in.
    pub folder: &'o Path,
    /// The home folder of its steps.
    pub home: &'o Path,
    /// Its whole environment.
    pub environment: &'o [(String, String)],
    /// Whether to ask for mounts of its own: a private mount namespace with its own bpffs.
    pub own_mounts: bool,
}

/// One shell, kept for a lesson. Runs are told apart by ids that the caller picks, from 1; those that
/// take their turn in the shell run one after the other.
pub trait Session {
    /// Begins a run.
    fn run(&mut self, id: u32, mode: Mode, script: &str) -> Result<(), BackendError>;
    /// Takes the state of the shell and of the whole machine around it, between two runs, and has
    /// it written to a file, which may take longer than this call. Returns false if this place
    /// cannot do that, or not now.
    fn save(&mut self, _file: &Path) -> Result<bool, BackendError> {
        Ok(false)
    }
    /// Waits this long for something to happen.
    fn next(&mut self, wait: Duration) -> Result<Option<Happening>, BackendError>;
    /// Ends a run and all that it started: first kindly, after `grace` surely.
    fn end(&mut self, id: u32, grace: Duration) -> Result<(), BackendError>;
    /// Closes the shell; [`Happening::Finished`] follows, and then nothing.
    fn finish(&mut self, grace: Duration) -> Result<(), BackendError>;
}

/// An event of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Something was printed.
    Output {
        /// The run that printed it; 0 is the shell as it closes.
        id: u32,
        /// Where.
        stream: Stream,
        /// The bytes as they came.
        bytes: Vec<u8>,
    },
    /// Something stayed as the learner changed it, and not as the lab did.
    KeptYours(KeptYours),
    /// Something that was to keep steps from the rest of the machine was refused.
    Unguarded(String),
    /// The machine ran out of memory, and its kernel ended the process of this name.
    OutOfMemory(String),
    /// A run ended.
    Ended {
        /// Which one.
        id: u32,
        /// How.
        status: Status,
        /// Whether its shell is still there.
        shell: ShellFate,
        /// True if it was being ended, and had not ended by itself before.
        on_request: bool,
    },
    /// The shell is closed and nothing of it is left.
    Finished {
        /// Processes that had to be ended: the run they came from, their command line.
        leftovers: Vec<(Option<u32>, String)>,
    },
}

/// A place could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The process that keeps the shell did not start.
    #[error("{}", say!("backend-start", program = .program.display().to_string(), error = .error.as_str()))]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's error.
        error: String,
    },
    /// The process that keeps the shell is gone.
    #[error("{}", say!("backend-gone"))]
    Gone,
    /// The virtual machine ended.
    #[error("{}", say!("backend-ended", why = .0.as_str()))]
    Ended(String),
    /// The place cannot be used on this machine.
    #[error("{reason}")]
    Unusable {
        /// Why not.
        reason: String,
        /// The remedy, if one is known.
        remedy: Option<String>,
    },
    /// A further virtual machine did not start, though one did before.
    #[error("{}", say!("backend-not-again", why = .reason.as_str()))]
    NotAgain {
        /// Why not.
        reason: String,
    },
    /// Steps cannot be confined as they are to be.
    #[error("{}", say!("backend-unconfined", why = .0.as_str()))]
    Unconfined(String),
    /// It could not do what was asked.
    #[error("{}", say!("backend-failed", what = .0.as_str()))]
    Failed(String),
}

impl BackendError {
    /// True if the shell is gone, and with it what ran there.
    pub fn is_end(&self) -> bool {
        match self {
            BackendError::Gone | BackendError::Ended(_) => true,
            BackendError::Start { .. }
            | BackendError::Unusable { .. }
            | BackendError::NotAgain { .. }
            | BackendError::Unconfined(_)
            | BackendError::Failed(_) => false,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            BackendError::Unusable { remedy, .. } => remedy.as_deref(),
            BackendError::Start { .. }
            | BackendError::Gone
            | BackendError::Ended(_)
            | BackendError::NotAgain { .. }
            | BackendError::Unconfined(_)
            | BackendError::Failed(_) => None,
        }
    }
}
