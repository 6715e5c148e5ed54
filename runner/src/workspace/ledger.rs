//! The owner of each file of a workspace, as far as `tutor` knows.
//!
//! The learner's files are never overwritten and never removed: code that would do either asks here,
//! and names to `tutor-files` the stamp that the answer was about.

use crate::versioned::{self, TooNew, Versioned};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::UNIX_EPOCH;
use tutor_files::{Below, Found, Root, Stamp, hash};

/// The format that is written. In the first one, stamps were times of change.
const FORMAT: u64 = 2;

/// The authors of a workspace's files. That of a lasting workspace is kept in a file; a damaged one
/// is as good as none, and then every file counts as the learner's.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// The files that the lesson wrote: SHA-256 of the content, in hexadecimal.
    pub(super) written: BTreeMap<Below, String>,
    /// The files that its steps made in the last run, and those of the lesson that they changed.
    pub(super) made: BTreeMap<Below, LastState>,
    /// The steps that may have made them: those that ran when they changed.
    #[serde(default)]
    pub(super) by: BTreeMap<Below, BTreeSet<String>>,
    /// The folders that they made. They go only when nothing is in them.
    #[serde(default)]
    pub(super) folders: BTreeSet<Below>,
    /// The files that were put aside when a run began, until steps had their chance to make them
    /// again: below the folder of all workspaces, with the steps that may have made them.
    #[serde(default)]
    pub(super) aside: BTreeMap<Below, BTreeSet<String>>,
    /// The last run of each step, by its id.
    #[serde(default)]
    pub(super) last_runs: BTreeMap<String, LastRun>,
    /// The learner's own, in this run.
    #[serde(skip)]
    pub(super) learners: BTreeSet<Below>,
}

/// The last run of a step.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LastRun {
    /// The lesson's files above the step as they were when it began: SHA-256 of the content.
    pub(super) found: BTreeMap<Below, String>,
    /// The files that changed while it ran.
    pub(super) made: BTreeSet<Below>,
}

/// How a file was left.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum LastState {
    /// With this stamp.
    Stamp(Stamp),
    /// Of this length in bytes, and changed so many nanoseconds after 1970: as long as nobody has
    /// looked at a ledger of the first format.
    Changed(u64, u128),
}

impl LastState {
    /// True if it is as it was left.
    fn is_still(&self, now: &Found) -> bool {
        match self {
            LastState::Stamp(then) => then.is_of_same(&now.stamp),
            LastState::Changed(..) => false,
        }
    }
}

impl From<Stamp> for LastState {
    fn from(stamp: Stamp) -> LastState {
        LastState::Stamp(stamp)
    }
}

impl Ledger {
    /// True of what is not for steps to take away: the learner's own, and what the lesson wrote.
    pub(super) fn is_theirs(&self, path: &Below) -> bool {
        self.learners.contains(path) || self.written.contains_key(path)
    }

    /// True if steps left just this there, and nobody has changed it since.
    pub(super) fn is_as_left(&self, now: &Found) -> bool {
        let left = self.made.get(&now.path);
        left.is_some_and(|left| left.is_still(now))
    }

    /// True if the lesson wrote just this there.
    pub(super) fn is_as_written(&self, path: &Below, content: &[u8]) -> bool {
        self.written.get(path) == Some(&hash(content).to_string())
    }

    /// True of a file of the lesson that steps changed, and the learner did not.
    pub(super) fn is_changed_by_steps(&self, path: &Below) -> bool {
        self.by.contains_key(path) && !self.learners.contains(path)
    }

    /// Reads a ledger. Where the workspace is given, and where that is, stamps of the first format
    /// become those of now if they are of the same files.
    pub(super) fn read(file: &Path, of: Option<(&Root, &Path)>) -> Result<Ledger, TooNew> {
        let ledger: Option<Ledger> = versioned::read(file, 1, FORMAT)?;
        let mut ledger = ledger.unwrap_or_default();
        for (path, left) in &mut ledger.made {
            if let (LastState::Changed(bytes, changed), Some((root, folder))) = (&*left, of)
                && let Some(found) = root.look(path).ok().flatten()
                && is_of(&folder.join(path), *bytes, *changed)
            {
                *left = LastState::Stamp(found.stamp);
            }
        }
        Ok(ledger)
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let versioned = Versioned {
            format: FORMAT,
            value: self,
        };
        // Paths and numbers always become JSON.
        serde_json::to_vec(&versioned).unwrap_or_default()
    }
}

/// True if a file is as the first format says.
fn is_of(file: &Path, bytes: u64, changed: u128) -> bool {
    std::fs::symlink_metadata(file).is_ok_and(|there| {
        let now = there.modified().ok();
        let now = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        there.len() == bytes && now.is_some_and(|now| now.as_nanos() == changed)
    })
}
