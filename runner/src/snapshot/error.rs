//! Errors with the files of snapshots. Nothing is overwritten when one occurs.

use super::form::Damage;
use std::io;
use std::path::{Path, PathBuf};
use tutor_files::FilesError;

/// Why a snapshot could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The machine refused: a full disk, a folder that may not be written.
    #[error("cannot {doing} `{}`: {}", path.display(), reason(source))]
    Refused {
        /// The action that failed: `write snapshot`.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is there and is no snapshot.
    #[error("cannot read snapshot `{}`: line {line}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The fault there.
        reason: String,
        /// How to mend it.
        help: &'static str,
    },
}

impl SnapshotError {
    /// How to go on.
    pub fn help(&self) -> &str {
        match self {
            SnapshotError::Refused { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => "free some space on that disk and try again",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make the folder writable for you, or work in a copy of the course"
                }
                io::ErrorKind::NotADirectory => {
                    "outputs are kept in the course itself: put a folder in place of the link"
                }
                _ => "mend the cause and try again",
            },
            SnapshotError::Damaged { help, .. } => help,
        }
    }

    pub(super) fn reading(path: PathBuf, source: io::Error) -> SnapshotError {
        SnapshotError::refused("read snapshot", path, source)
    }

    pub(super) fn listing(path: PathBuf, source: io::Error) -> SnapshotError {
        SnapshotError::refused("list the snapshots in", path, source)
    }

    /// A link in place of the folder of all snapshots, or on the way below it, is one sort of error.
    pub(super) fn files(doing: &'static str, path: &Path, error: FilesError) -> SnapshotError {
        let error = match error {
            FilesError::Replaced(folder) => FilesError::Behind(folder),
            error => error,
        };
        SnapshotError::refused(doing, path.to_owned(), error.into())
    }

    pub(super) fn refused(doing: &'static str, path: PathBuf, source: io::Error) -> SnapshotError {
        SnapshotError::Refused {
            doing,
            path,
            source,
        }
    }

    pub(super) fn damaged(path: PathBuf, damage: Damage) -> SnapshotError {
        SnapshotError::Damaged {
            path,
            line: damage.line,
            reason: damage.reason,
            help: damage.help,
        }
    }
}

/// The system's words without its number: `No space left on device`.
fn reason(error: &io::Error) -> String {
    let words = error.to_string();
    match words.find(" (os error ") {
        Some(at) => words[..at].to_owned(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn a_full_disk_is_named_with_what_was_being_written() {
        let path = PathBuf::from("snapshots/hello/build.snap.new");
        let full = io::Error::from_raw_os_error(28);
        let error = SnapshotError::refused("write snapshot", path, full);
        assert_snapshot!(format!("{error}\n{}", error.help()), @"
        cannot write snapshot `snapshots/hello/build.snap.new`: No space left on device
        free some space on that disk and try again
        ");
    }
}
