//! What is said to the agent of a guest, beside what is said to every agent.

use crate::protocol::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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
    },
    /// Name all that is below a folder. [`GuestReply::Listed`] answers, or [`GuestReply::Done`]
    /// with what stood in the way.
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
