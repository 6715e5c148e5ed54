//! Why the cache could not be used.

use crate::kernel::KernelError;
use std::io;
use std::path::{Path, PathBuf};

/// Why the cache could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} `{path}`: {error}")]
    Files {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The kernel cannot be used.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The files of a kernel are not those that were unpacked.
    #[error(
        "the lab's kernel {release} is damaged: what is in `{folder}` is not what was unpacked"
    )]
    Damaged {
        /// The kernel's release.
        release: String,
        /// Where it is.
        folder: PathBuf,
    },
}

/// Says which file or folder an error is about.
pub fn files(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |error| CacheError::Files { doing, path, error }
}
