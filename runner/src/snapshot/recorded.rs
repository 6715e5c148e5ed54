//! An output that was accepted or waits to be.

use super::name::{Environment, SnapshotName};
use crate::normalize::StableText;
use std::path::PathBuf;

/// An output with its provenance, as a snapshot holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which snapshot it is.
    pub name: SnapshotName,
    /// The output, made stable.
    pub text: StableText,
    /// The exit status, or how else it ended: `0`, `signal 9`, `stopped`.
    pub exit: String,
    /// The script that printed it.
    pub command: String,
    /// Where it was recorded.
    pub environment: Environment,
    /// The day: `2026-11-23`.
    pub recorded: Option<String>,
}

impl Recorded {
    /// The file, relative to the folder of all snapshots: `hello/build.snap`.
    pub fn file(&self) -> PathBuf {
        self.name.file()
    }
}
