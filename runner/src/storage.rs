//! The files that `tutor` keeps on the disk outside of courses: how large they are, and removing them.

use crate::folders::Folders;
use crate::workspace::{self, WorkspaceError, WorkspaceSummary};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use tutor_files::{FilesError, Limits, Root, remove_tree};
use tutor_lab::cache::Cache;
use tutor_lab::tidy::CHECKPOINTS;

/// The purpose that files are kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Lessons run there, and the learner works there.
    Workspaces,
    /// Folders that were put aside beside those.
    Aside,
    /// The steps' homes, and what is known of workspaces.
    Homes,
    /// Progress, consent, what the last runs saw.
    Remembered,
    /// Kernels of the lab.
    Kernels,
    /// States and archives that the lab's machines start from, and remains of downloads.
    Starts,
    /// States that a lesson can be taken back to.
    Moments,
    /// Temporary folders that `--keep` kept.
    Temporary,
}

/// All that is kept for one purpose.
#[derive(Debug)]
pub struct StorageRow {
    /// The purpose.
    pub purpose: Purpose,
    /// Where.
    pub places: Vec<PathBuf>,
    /// How much all files hold, in bytes.
    pub bytes: u64,
}

/// All that is kept.
#[derive(Debug)]
pub struct Storage {
    /// A row for each purpose that has files.
    pub rows: Vec<StorageRow>,
    /// The workspaces with files of the learner's own.
    pub edited: Vec<WorkspaceSummary>,
}

impl Storage {
    /// Looks at it.
    pub fn of(folders: &Folders) -> Result<Storage, WorkspaceError> {
        let surveyed = workspace::survey(folders)?;
        let (workspaces, aside): (Vec<_>, Vec<_>) =
            surveyed.iter().partition(|one| one.edits.is_some());
        let cache = Cache::below(&folders.cache);
        let lab = cache.folder();
        let paths = |surveyed: &[&WorkspaceSummary]| -> Vec<PathBuf> {
            surveyed.iter().map(|one| one.folder.clone()).collect()
        };
        let starts = below(lab, |name| !["kernels", CHECKPOINTS].contains(&name));
        let all = [
            (Purpose::Workspaces, paths(&workspaces)),
            (Purpose::Aside, paths(&aside)),
            (
                Purpose::Homes,
                below(&folders.state.join("workspaces"), |_| true),
            ),
            (Purpose::Remembered, remembered(folders)),
            (Purpose::Kernels, below(&lab.join("kernels"), |_| true)),
            (Purpose::Starts, starts),
            (Purpose::Moments, below(&lab.join(CHECKPOINTS), |_| true)),
            (Purpose::Temporary, workspace::kept_folders()),
        ];
        let rows = all.into_iter().map(|(purpose, places)| StorageRow {
            purpose,
            bytes: places.iter().map(|place| bytes(place)).sum(),
            places,
        });
        let rows = rows.filter(|row| !row.places.is_empty()).collect();
        let is_edited =
            |one: &WorkspaceSummary| one.edits.as_ref().is_some_and(|edits| !edits.is_empty());
        let edited = surveyed.into_iter().filter(is_edited).collect();
        Ok(Storage { rows, edited })
    }

    /// How much all of it is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes).sum()
    }
}

/// Removes all of it, unless some lesson is being run. Returns what stays, and why.
pub fn remove_all(folders: &Folders) -> Result<Vec<FilesError>, WorkspaceError> {
    let held = workspace::hold_all(folders)?;
    let mut stays = Vec::new();
    let whole = [
        folders.data.join("workspaces"),
        Cache::below(&folders.cache).folder().to_owned(),
        // What an earlier `tutor` left there.
        folders.runtime.join("locks"),
        folders.state.join("workspaces"),
    ];
    let whole = whole.into_iter().chain(remembered(folders));
    for place in whole.chain(workspace::kept_folders()) {
        let is_link = fs::symlink_metadata(&place).is_ok_and(|there| there.is_symlink());
        match is_link {
            // The user made it, and knows what is behind it.
            true => stays.push(FilesError::Behind(place)),
            false => stays.extend(remove_tree(&place).err()),
        }
    }
    drop(held);
    for folder in [
        &folders.data,
        &folders.cache,
        &folders.runtime,
        &folders.state,
    ] {
        // A folder that holds something else stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(stays)
}

/// A size for people: in powers of ten, as package managers count.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        10_000_000_000.. => format!("{} GB", (bytes + 500_000_000) / 1_000_000_000),
        _ => format!("{} MB", (bytes + 500_000) / 1_000_000),
    }
}

/// The files that are remembered between runs, as far as they exist.
fn remembered(folders: &Folders) -> Vec<PathBuf> {
    let names = [
        "progress",
        "runs",
        "last-lesson.json",
        "consent.json",
        "trust.json",
    ];
    below(&folders.state, |name| names.contains(&name))
}

/// The paths in a folder, in order.
fn below(folder: &Path, is_meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let meant = entries.filter(|entry| is_meant(&entry.file_name().to_string_lossy()));
    let mut paths: Vec<PathBuf> = meant.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The size of a file, or of all files in a folder. Files that cannot be read do not count.
fn bytes(place: &Path) -> u64 {
    let there = match fs::symlink_metadata(place) {
        Ok(there) if there.is_dir() => Root::open(place),
        there => return there.map_or(0, |there| there.len()),
    };
    let listing = there.and_then(|root| root.walk(&Limits::default()));
    let entries = listing.map_or_else(|_| Vec::new(), |listing| listing.entries);
    entries.iter().map(|found| found.kind.bytes()).sum()
}
