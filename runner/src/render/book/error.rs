//! The reasons why a book is not written, and how to mend them.

use crate::snapshot::SnapshotError;
use std::path::PathBuf;
use tutor_files::FilesError;

/// The reason why a book is not written.
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
    /// How to mend it.
    pub fn help(&self) -> Option<String> {
        match self {
            EmitError::Occupied(_) => Some("name a new or empty folder".to_owned()),
            EmitError::Reserved(stem) => Some(format!("call it something else than `{stem}`")),
            EmitError::Snapshot(error) => Some(error.help().to_owned()),
            EmitError::Files(_) => None,
        }
    }
}
