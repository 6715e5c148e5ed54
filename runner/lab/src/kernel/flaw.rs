//! MissingReason a kernel cannot be used.

use super::config::MissingOption;
use std::io;
use std::path::{Path, PathBuf};

/// MissingReason a kernel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The file could not be read.
    #[error("cannot read the kernel `{path}`: {error}")]
    Read {
        /// The file that was to be read.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is of no kind that is known.
    #[error(
        "`{path}` is no kernel: it is neither a `.deb` package, nor a bzImage, nor an ELF vmlinux, nor an arm64 image"
    )]
    NoKernel {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged or cut off.
    #[error("`{path}` is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The flaw.
        what: String,
    },
    /// The kernel is for another processor than this machine has.
    #[error(
        "the kernel `{path}` is for {kernel}, and this machine is {}",
        std::env::consts::ARCH
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The architecture, as Rust names it.
        kernel: &'static str,
    },
    /// The kernel lacks what the lab needs.
    #[error("the kernel `{path}` cannot run in the lab: {}", lacks(.lacking))]
    Lacking {
        /// The file.
        path: PathBuf,
        /// Each option, and what is wrong with it.
        lacking: Vec<MissingOption>,
    },
}

fn lacks(lacking: &[MissingOption]) -> String {
    let lines: Vec<String> = lacking.iter().map(MissingOption::to_string).collect();
    lines.join("; ")
}

/// A flaw inside a file; the file is named where it was opened.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("{0}")]
    Damaged(String),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is for {0}")]
    Foreign(&'static str),
    #[error("it lacks what the lab needs")]
    Lacking(Vec<MissingOption>),
}

impl Flaw {
    pub fn damaged(what: impl Into<String>) -> Flaw {
        Flaw::Damaged(what.into())
    }

    pub fn at(self, path: &Path) -> KernelError {
        let path = path.to_owned();
        match self {
            Flaw::Damaged(what) => KernelError::Damaged { path, what },
            // Readers of packed data say so when the data is wrong or ends too early.
            Flaw::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::Other
                ) =>
            {
                let what = error.to_string();
                KernelError::Damaged { path, what }
            }
            Flaw::Io(error) => KernelError::Read { path, error },
            Flaw::Foreign(kernel) => KernelError::Foreign { path, kernel },
            Flaw::Lacking(lacking) => KernelError::Lacking { path, lacking },
        }
    }
}
