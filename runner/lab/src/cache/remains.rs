//! The remains of processes that ended while they changed the cache.

use std::fs;
use std::path::{Path, PathBuf};

/// The beginning of the name of a folder that is being made.
pub const UNFINISHED: &str = ".new-";

/// Returns the folders of processes that ended while they wrote. The caller holds the lock.
pub fn unfinished(parent: &Path) -> Vec<PathBuf> {
    named(parent, |name| name.starts_with(UNFINISHED))
}

/// Returns the entries of a folder that have such a name.
pub fn named(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let wanted = entries.filter(|entry| is_wanted(&entry.file_name().to_string_lossy()));
    wanted.map(|entry| entry.path()).collect()
}

/// Removes folders, and returns their size in bytes.
pub fn sweep(folders: &[PathBuf]) -> u64 {
    let mut bytes = 0;
    for folder in folders {
        bytes += size(folder);
        // A folder that cannot be removed does no harm.
        let _ = fs::remove_dir_all(folder);
    }
    bytes
}

/// Returns how many bytes the files in a folder have, at any depth.
pub fn size(folder: &Path) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        sum += match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        };
    }
    sum
}
