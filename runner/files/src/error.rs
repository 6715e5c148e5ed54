//! Errors of reading, writing and listing files.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A folder, or something in it, could not be used as was asked.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A path leads out of its folder, is too long, or is none.
    #[error("`{}` is no path below a folder", .0.display())]
    NotBelow(PathBuf),
    /// On the way lies a symbolic link, or something else that is no folder.
    #[error("`{}` lies behind a symbolic link, or something else that is no folder", .0.display())]
    Behind(PathBuf),
    /// It is another file system's, and whose that is nobody knows.
    #[error("something is mounted at `{}`, or above it", .0.display())]
    Mount(PathBuf),
    /// The folder is not the one that was opened.
    #[error("`{}` is not the folder that it was: it was moved, replaced or mounted over", .0.display())]
    Replaced(PathBuf),
    /// Something else is there now than was to be replaced or removed.
    #[error("`{}` was changed meanwhile", .0.display())]
    Changed(PathBuf),
    /// It is no plain file.
    #[error("`{}` is no regular file", .0.display())]
    NotRegular(PathBuf),
    /// There is too much.
    #[error("`{}` holds more than {limit}", .path.display())]
    Limit {
        /// In which file or folder.
        path: PathBuf,
        /// Of what.
        limit: Limit,
    },
    /// A listing contradicts itself.
    #[error("a listing has `{}` {what}", .path.display())]
    Listing {
        /// Where.
        path: PathBuf,
        /// How.
        what: &'static str,
    },
    /// The system refused.
    #[error("cannot {doing} `{}`: {error}", .path.display())]
    Io {
        /// The action that failed.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// A quantity that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Files, folders and links.
    Entries(usize),
    /// Folders in each other.
    Depth(usize),
    /// The length of a file, or of all files together.
    Bytes(u64),
    /// The text of all paths together.
    PathBytes(usize),
    /// The time that a listing takes.
    Time(Duration),
}

impl Display for Limit {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Entries(count) => write!(formatter, "{count} files and folders"),
            Limit::Depth(depth) => write!(formatter, "{depth} folders in each other"),
            Limit::Bytes(bytes) if *bytes > 0 && bytes.is_multiple_of(1 << 20) => {
                write!(formatter, "{} MiB", bytes >> 20)
            }
            Limit::Bytes(bytes) => write!(formatter, "{bytes} bytes"),
            Limit::PathBytes(bytes) => write!(formatter, "{bytes} bytes of names"),
            Limit::Time(time) => {
                write!(formatter, "can be listed within {} seconds", time.as_secs())
            }
        }
    }
}

impl FilesError {
    /// The kind of error, in the terms of the system.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            FilesError::Io { error, .. } => error.kind(),
            FilesError::NotBelow(_) | FilesError::Listing { .. } => io::ErrorKind::InvalidInput,
            FilesError::Behind(_) => io::ErrorKind::NotADirectory,
            FilesError::Mount(_) => io::ErrorKind::CrossesDevices,
            FilesError::Replaced(_) | FilesError::Changed(_) => io::ErrorKind::AlreadyExists,
            FilesError::NotRegular(_) | FilesError::Limit { .. } => io::ErrorKind::Other,
        }
    }

    /// True if nothing is there.
    pub fn is_missing(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

impl From<FilesError> for io::Error {
    fn from(error: FilesError) -> io::Error {
        match error {
            FilesError::Io { error, .. } => error,
            error => io::Error::new(error.kind(), error),
        }
    }
}

/// Makes an error of what the system said of a path.
pub(crate) fn failed(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(nix::Error) -> FilesError {
    use nix::errno::Errno;
    let path = path.into();
    move |error| match error {
        Errno::ELOOP | Errno::ENOTDIR => FilesError::Behind(path),
        Errno::EXDEV => FilesError::Mount(path),
        error => FilesError::Io {
            doing,
            path,
            error: error.into(),
        },
    }
}

/// Makes an error of what the standard library said while something was being done to a path.
pub fn failed_io(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.into();
    move |error| FilesError::Io { doing, path, error }
}
