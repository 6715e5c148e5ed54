//! The reasons why a workspace cannot be used.

use crate::say;
use crate::versioned::TooNew;
use std::path::PathBuf;
use tutor_files::FilesError;

/// A workspace could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Another `tutor` runs the lesson there.
    #[error("{}", say!("workspace-busy", folder = .0.display().to_string()))]
    Busy(PathBuf),
    /// A path of the lesson leads out of the workspace, by a symbolic link a step made.
    #[error("{}", say!("workspace-escape", file = .0.display().to_string()))]
    Escape(PathBuf),
    /// Something else is where the workspace was.
    #[error("{}", say!("workspace-replaced", folder = .0.display().to_string()))]
    Replaced(PathBuf),
    /// A newer `tutor` keeps it.
    #[error(transparent)]
    TooNew(TooNew),
    /// Reading or writing failed.
    #[error(transparent)]
    Files(FilesError),
}

impl From<FilesError> for WorkspaceError {
    fn from(error: FilesError) -> WorkspaceError {
        match error {
            FilesError::Replaced(folder) => WorkspaceError::Replaced(folder),
            error => WorkspaceError::Files(error),
        }
    }
}

impl From<TooNew> for WorkspaceError {
    fn from(error: TooNew) -> WorkspaceError {
        WorkspaceError::TooNew(error)
    }
}
