//! What `tutor` knows of a lasting workspace.

use super::{Place, WorkspaceError};
use crate::versioned::{self, Versioned};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;
use tutor_files::{Below, Found, Stamp};

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
    pub(super) fn read(place: &Place) -> Result<Manifest, WorkspaceError> {
        let manifest: Option<Manifest> = versioned::read(&place.manifest(), 1, FORMAT)?;
        let mut manifest = manifest.unwrap_or_default();
        for (path, left) in &mut manifest.made {
            if let Left::Changed(bytes, changed) = left
                && let Some(stamp) = stamp_of(place, path, *bytes, *changed)
            {
                *left = Left::Stamp(stamp);
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

/// The stamp of a file, if it is as the first format says.
fn stamp_of(place: &Place, path: &Below, bytes: u64, changed: u128) -> Option<Stamp> {
    let found = place.root().ok()?.look(path).ok()??;
    let there = std::fs::symlink_metadata(place.files.join(path)).ok()?;
    let now = there.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    (there.len() == bytes && now.as_nanos() == changed).then_some(found.stamp)
}
