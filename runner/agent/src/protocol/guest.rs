//! The requests that only the agent of a guest gets, and its answers.

use super::run::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tutor_files::{Below, Found, Kind, Limits, Mounts, text};

/// The most paths that a listing names.
pub const LISTED_PATHS: usize = 20_000;

/// The most bytes that the paths of a listing and the targets of its links have together.
pub const LISTED_BYTES: usize = 4 * 1024 * 1024;

/// How much of a folder travels between a guest and its host, but for the sum of its files.
pub fn listing_limits() -> Limits {
    Limits {
        entries: LISTED_PATHS,
        path_bytes: LISTED_BYTES,
        mounts: Mounts::Enter,
        ..Limits::default()
    }
}

/// How many bytes of paths stand in one frame before the last one in it: also with each byte written
/// as six, that is less than a frame may have.
pub const LISTED_AT_ONCE_BYTES: usize = 128 * 1024;

/// A request that only the agent of a guest gets. The ids are picked by `tutor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GuestRequest {
    /// Make a folder and those above it, where they are missing. [`GuestReply::Done`] answers.
    Make {
        /// Names the request.
        id: u32,
        /// Which one.
        #[serde(with = "text")]
        folder: PathBuf,
    },
    /// Make a file, folder or link below a folder, in place of whatever is there, and behind no link.
    /// A file's bytes follow as data of this id. [`GuestReply::Done`] answers.
    Put {
        /// Names the request.
        id: u32,
        /// Below which folder; it is made where it is missing.
        #[serde(with = "text")]
        folder: PathBuf,
        /// Where in it; folders on the way are made.
        path: Below,
        /// The file, folder or link.
        kind: Kind,
    },
    /// Remove what is there, if anything is, and is no folder that holds something.
    /// [`GuestReply::Done`] answers.
    Remove {
        /// Names the request.
        id: u32,
        /// Below which folder.
        #[serde(with = "text")]
        folder: PathBuf,
        /// Where in it.
        path: Below,
    },
    /// Send a file's bytes as data of this id; [`GuestReply::Done`] follows them.
    Get {
        /// Names the request.
        id: u32,
        /// Below which folder.
        #[serde(with = "text")]
        folder: PathBuf,
        /// Which file in it.
        path: Below,
        /// The most that is wanted of it: what it was said to have. It may have grown since.
        at_most_bytes: u64,
    },
    /// Name all that is below a folder: files, folders and links. One or more
    /// [`GuestReply::Listed`] answer, or [`GuestReply::Done`] with what stood in the way.
    List {
        /// Names the request.
        id: u32,
        /// Which folder.
        #[serde(with = "text")]
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
    /// Start a command on a terminal of its own. Its output comes as data of this id, typed input
    /// goes there as such; [`GuestReply::TerminalEnded`] ends it.
    Terminal {
        /// Names the request.
        id: u32,
        /// The program and its arguments.
        command: Vec<String>,
        /// The folder to start in.
        #[serde(with = "text")]
        cwd: PathBuf,
        /// The whole environment.
        env: Vec<(String, String)>,
        /// Lines that fit.
        rows: u16,
        /// Columns that fit.
        columns: u16,
    },
    /// A terminal's window has a different size.
    Resize {
        /// The request that started it.
        id: u32,
        /// Lines that fit.
        rows: u16,
        /// Columns that fit.
        columns: u16,
    },
}

/// An answer of the agent of a guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GuestReply {
    /// A request was done, or could not be.
    Done {
        /// Which one.
        id: u32,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// The contents of a folder.
    Listed {
        /// The request.
        id: u32,
        /// The entries, folders before what is in them.
        entries: Vec<Found>,
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
