//! What is said to the agent of a guest, beside what is said to every agent.

use crate::protocol::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The most paths that a listing names.
pub const LISTED_PATHS: usize = 20_000;

/// The most bytes that the paths, targets and stamps of a listing have together.
pub const LISTED_BYTES: usize = 4 * 1024 * 1024;

/// How many paths stand in one frame: also with the longest that Linux takes, and each byte of them
/// written as six, that is less than a frame may have.
pub const LISTED_AT_ONCE: usize = 32;

/// What only the agent of a guest does. The ids are picked by `tutor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GuestRequest {
    /// Make a file, folder or link, in place of whatever is there. A file's bytes follow as data of
    /// this id. [`GuestReply::Done`] answers.
    Put {
        /// Names the request.
        id: u32,
        /// Where; folders on the way are made.
        path: PathBuf,
        /// What.
        kind: Kind,
    },
    /// Remove what is there, if anything is. [`GuestReply::Done`] answers.
    Remove {
        /// Names the request.
        id: u32,
        /// Where.
        path: PathBuf,
    },
    /// Send a file's bytes as data of this id; [`GuestReply::Done`] follows them.
    Get {
        /// Names the request.
        id: u32,
        /// Which file.
        path: PathBuf,
        /// The most that is wanted of it: what it was said to have. It may have grown since.
        at_most_bytes: u64,
    },
    /// Name all that is below a folder. One or more [`GuestReply::Listed`] answer, or
    /// [`GuestReply::Done`] with what stood in the way.
    List {
        /// Names the request.
        id: u32,
        /// Which folder.
        folder: PathBuf,
    },
    /// Set the clock (UTC).
    Clock {
        /// Names the request.
        id: u32,
        /// Seconds since 1970.
        seconds: i64,
        /// Nanoseconds beyond them.
        nanoseconds: i64,
    },
    /// Give the random number generator something that no other guest was given.
    Seed {
        /// Names the request.
        id: u32,
        /// The secret.
        bytes: [u8; 32],
    },
    /// Start a command on a terminal of its own. What it shows comes as data of this id, what is
    /// typed goes there as such; [`GuestReply::TerminalEnded`] ends it.
    Terminal {
        /// Names the request.
        id: u32,
        /// The program and its arguments.
        command: Vec<String>,
        /// The folder to start in.
        cwd: PathBuf,
        /// The whole environment.
        env: Vec<(String, String)>,
        /// Lines that fit.
        rows: u16,
        /// Columns that fit.
        columns: u16,
    },
    /// A terminal's window has another size.
    Resize {
        /// The request that started it.
        id: u32,
        /// Lines that fit.
        rows: u16,
        /// Columns that fit.
        columns: u16,
    },
    /// Switch the guest off.
    PowerOff,
}

/// What the agent of a guest answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GuestReply {
    /// A request was done, or could not be.
    Done {
        /// Which one.
        id: u32,
        /// What stood in the way.
        error: Option<String>,
    },
    /// What is below a folder.
    Listed {
        /// The request.
        id: u32,
        /// What is there, folders before what is in them.
        entries: Vec<Entry>,
        /// True if more of the same listing follows.
        more: bool,
    },
    /// A command on a terminal ended.
    TerminalEnded {
        /// The request that started it.
        id: u32,
        /// How.
        status: Status,
    },
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A plain file.
    File {
        /// Its permissions.
        mode: u32,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A folder.
    Folder {
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: PathBuf,
    },
}

/// One path below a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From the folder on.
    pub path: PathBuf,
    /// What is there.
    pub kind: Kind,
    /// Changes with what is there, unless that changed within the clock tick of the listing.
    pub stamp: String,
    /// True if it changed so shortly ago that another change might leave the stamp as it is.
    pub fresh: bool,
}

impl Entry {
    /// How many bytes its path, target and stamp have.
    pub fn bytes(&self) -> usize {
        let target = match &self.kind {
            Kind::Link { target } => target.as_os_str().len(),
            Kind::File { .. } | Kind::Folder { .. } => 0,
        };
        self.path.as_os_str().len() + target + self.stamp.len()
    }
}
