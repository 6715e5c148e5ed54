//! The reasons why a workspace cannot be used.

use crate::say;
use crate::versioned::TooNew;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tutor_files::FilesError;

/// A workspace could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Another `tutor` runs the lesson there.
    #[error("{}", say!("workspace-busy", folder = .0.display().to_string()))]
    Busy(PathBuf),
    /// Something else is where a file of the lesson needs a folder. Nothing is written behind it.
    #[error("{}", match .is_link {
        true => say!("workspace-link", file = shown(.file), way = shown(.way)),
        false => say!("workspace-no-folder", file = shown(.file), way = shown(.way)),
    })]
    InTheWay {
        /// The lesson's file.
        file: PathBuf,
        /// What lies there, below the workspace.
        way: PathBuf,
        /// True of a symbolic link.
        is_link: bool,
    },
    /// Something else is where the workspace was.
    #[error("{}", say!("workspace-replaced", folder = .0.display().to_string()))]
    Replaced(PathBuf),
    /// A newer `tutor` keeps it.
    #[error(transparent)]
    TooNew(TooNew),
    /// Its disk is full.
    #[error("{}", say!("workspace-full", error = .0.to_string()))]
    Full(FilesError),
    /// There is more in it than is looked through.
    #[error("{}", say!("workspace-too-much", error = .0.to_string()))]
    TooMuch(FilesError),
    /// Reading or writing failed.
    #[error(transparent)]
    Files(FilesError),
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl From<FilesError> for WorkspaceError {
    fn from(error: FilesError) -> WorkspaceError {
        match error {
            FilesError::Replaced(folder) => WorkspaceError::Replaced(folder),
            error @ FilesError::Limit { .. } => WorkspaceError::TooMuch(error),
            error => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => WorkspaceError::Full(error),
                _ => WorkspaceError::Files(error),
            },
        }
    }
}

impl From<TooNew> for WorkspaceError {
    fn from(error: TooNew) -> WorkspaceError {
        WorkspaceError::TooNew(error)
    }
}
