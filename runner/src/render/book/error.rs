//! What keeps a book from being written, and what to do about it.

use crate::snapshot::SnapshotError;
use std::path::PathBuf;
use tutor_files::FilesError;

/// What keeps a book from being written.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The folder holds something that is not ours.
    #[error("cannot write the book to `{}`: it holds files that are not the book's", .0.display())]
    Occupied(PathBuf),
    /// A lesson has a name that a page cannot have.
    #[error("cannot make a page of `lessons/{0}.md`: the book has a page of that name")]
    Reserved(String),
    /// A recorded output cannot be read.
    #[error("cannot make the book: {0}")]
    Snapshot(#[from] SnapshotError),
    /// A file of the book cannot be written.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl EmitError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            EmitError::Occupied(_) => Some("name a new or empty folder".to_owned()),
            EmitError::Reserved(stem) => Some(format!("call it something else than `{stem}`")),
            EmitError::Snapshot(error) => Some(error.help().to_owned()),
            EmitError::Files(_) => None,
        }
    }
}
