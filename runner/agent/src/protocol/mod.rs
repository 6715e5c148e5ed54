//! The protocol of `tutor` and the agent: requests and replies, in [`frame`]s on one stream of bytes.

pub mod frame;
mod guest;
pub mod run;

use crate::confine::limits::ResourceLimits;
use crate::confine::{Confinement, Held};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub use guest::{
    GuestReply, GuestRequest, LISTED_AT_ONCE_BYTES, LISTED_BYTES, LISTED_PATHS, listing_limits,
};
pub use run::{LeftoverProcess, Mode, ShellFate, Status, Stream};

/// The version of this protocol.
pub const VERSION: u32 = 6;

/// How much of a file is sent in one frame.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The most processes that a reply names.
pub const LEFTOVERS: usize = 500;

/// The most of a text that a reply quotes, in bytes.
pub const QUOTED_BYTES: usize = 1000;

/// A request of `tutor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Which protocol is spoken?
    Hello {
        /// The version that `tutor` speaks.
        version: u32,
    },
    /// Make ready to run; the shell starts now.
    Start {
        /// The folder to start in.
        #[serde(with = "tutor_files::text")]
        cwd: PathBuf,
        /// The whole environment.
        env: Vec<(String, String)>,
        /// Whether to ask for mounts of its own.
        isolate: bool,
        /// The files and ports that steps may use, where the agent was started to confine them.
        #[serde(default)]
        confine: Option<Confinement>,
        /// The most that they may use; no limits if none is said.
        #[serde(default)]
        limits: Option<ResourceLimits>,
    },
    /// Run a script. The ids are picked by `tutor`; 0 is the shell itself.
    Run {
        /// Names the run in all that follows.
        id: u32,
        /// The text for bash.
        script: String,
        /// In which shell.
        mode: Mode,
    },
    /// End a run and all that it started.
    End {
        /// Which one.
        id: u32,
        /// Milliseconds between SIGTERM and SIGKILL.
        grace_ms: u64,
    },
    /// Close the shell and end whatever is left. Another start may follow.
    Finish {
        /// Milliseconds that EXIT traps, and then leftovers, get to end by themselves.
        grace_ms: u64,
    },
    /// Do what only the agent of a guest does.
    Guest(GuestRequest),
}

/// An answer of the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The protocol it speaks.
    Hello {
        /// Its version.
        version: u32,
    },
    /// The shell is there.
    Started {
        /// The protections around it.
        held: Held,
    },
    /// Steps are not confined as they were to be, so there is no shell.
    Unconfined {
        /// The reason.
        why: String,
    },
    /// A run ended.
    Ended {
        /// Which one.
        id: u32,
        /// How.
        status: Status,
        /// Whether the shell is still there.
        shell: ShellFate,
        /// True if it was being ended, and had not ended by itself before.
        on_request: bool,
    },
    /// The shell is closed and nothing is left.
    Finished {
        /// The processes that had to be ended.
        leftovers: Vec<LeftoverProcess>,
    },
    /// Something could not be done.
    Failed {
        /// Says what was being done, and what stood in the way.
        what: String,
    },
    /// The agent of a guest answers.
    Guest(GuestReply),
}

/// Cuts a text to what a reply quotes of one.
pub fn quoted(mut text: String) -> String {
    if text.len() > QUOTED_BYTES {
        let end = (0..=QUOTED_BYTES).rfind(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// A message of an agent to `tutor`.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// An answer.
    Reply(Reply),
    /// Something that a run printed.
    Output {
        /// The run.
        id: u32,
        /// Where.
        stream: Stream,
        /// The bytes as they came.
        bytes: Vec<u8>,
    },
    /// Part of a file, or what a terminal shows.
    Data {
        /// The request that it belongs to.
        id: u32,
        /// The bytes as they are.
        bytes: Vec<u8>,
    },
    /// The agent is gone.
    HungUp,
}
