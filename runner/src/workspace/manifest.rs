//! What `tutor` knows of a lasting workspace.

use crate::versioned::{self, TooNew, Versioned};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::UNIX_EPOCH;
use tutor_files::{Below, Found, Root, Stamp};

/// The format that is written. In the first one, stamps were times of change.
const FORMAT: u64 = 2;

/// What is known of a lasting workspace. One that is damaged is as good as none: then every file
/// counts as the learner's.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// What the lesson wrote: SHA-256 of the content, in hexadecimal.
    pub(super) written: BTreeMap<Below, String>,
    /// What its steps made in the last run, and what the lesson wrote and they changed.
    pub(super) made: BTreeMap<Below, Left>,
    /// While which steps that changed.
    #[serde(default)]
    pub(super) by: BTreeMap<Below, BTreeSet<String>>,
    /// The folders that they made. They go only when nothing is in them.
    #[serde(default)]
    pub(super) folders: BTreeSet<Below>,
    /// What was put aside when a run began, until steps had their chance to make it again: below
    /// the folder of all workspaces, with the steps while which it changed.
    #[serde(default)]
    pub(super) aside: BTreeMap<Below, BTreeSet<String>>,
}

/// How a file was left.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Left {
    /// With this stamp.
    Stamp(Stamp),
    /// Of this length in bytes, and changed so many nanoseconds after 1970: as long as nobody has
    /// looked at a manifest of the first format.
    Changed(u64, u128),
}

impl Left {
    /// True if it is as it was left.
    pub(super) fn is_still(&self, now: &Found) -> bool {
        match self {
            Left::Stamp(then) => then.is_of_same(&now.stamp),
            Left::Changed(..) => false,
        }
    }
}

impl From<Stamp> for Left {
    fn from(stamp: Stamp) -> Left {
        Left::Stamp(stamp)
    }
}

impl Manifest {
    /// Reads a manifest. Where the workspace is given, and where that is, stamps of the first format
    /// become those of now if they are of the same files.
    pub(super) fn read(file: &Path, of: Option<(&Root, &Path)>) -> Result<Manifest, TooNew> {
        let manifest: Option<Manifest> = versioned::read(file, 1, FORMAT)?;
        let mut manifest = manifest.unwrap_or_default();
        for (path, left) in &mut manifest.made {
            if let (Left::Changed(bytes, changed), Some((root, folder))) = (&*left, of)
                && let Some(found) = root.look(path).ok().flatten()
                && is_of(&folder.join(path), *bytes, *changed)
            {
                *left = Left::Stamp(found.stamp);
            }
        }
        Ok(manifest)
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
