//! Why the cache could not be used.

use crate::kernel::KernelError;
use std::path::PathBuf;
use tutor_files::FilesError;

/// Why the cache could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Files(#[from] FilesError),
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
