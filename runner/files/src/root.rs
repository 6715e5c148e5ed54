//! A folder that was opened once, and looking into it.

use crate::below::Below;
use crate::error::{FilesError, Limit, failed, failed_io};
use crate::found::{Found, Kind};
use crate::stamp::{Identity, Stamp, coarse_now};
use crate::way::{self, Crossing, PASS, Way};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, fstat, fstatat};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that is what it was when it was opened. What lies at its path may be another one by now,
/// which [`Root::check`] tells; all else goes by the folder itself.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    pub(crate) folder: Arc<OwnedFd>,
    identity: Identity,
    pub(crate) way: Way,
}

impl Root {
    /// Opens a folder. A link in its place is an error; links above it are followed.
    pub fn open(path: &Path) -> Result<Root, FilesError> {
        let folder = at(path).map_err(|error| match error {
            Errno::ENOTDIR | Errno::ELOOP => FilesError::Replaced(path.to_owned()),
            error => failed("open", path)(error),
        })?;
        let identity = (&fstat(&folder).map_err(failed("look at", path))?).into();
        Ok(Root {
            path: path.to_owned(),
            way: Way::there(folder.as_fd()),
            folder: folder.into(),
            identity,
        })
    }

    /// Opens a folder, after making it and those above it where they are missing.
    pub fn make(path: &Path) -> Result<Root, FilesError> {
        match Root::open(path) {
            Err(error) if error.is_missing() => {
                std::fs::create_dir_all(path).map_err(failed_io("make", path))?;
                Root::open(path)
            }
            opened => opened,
        }
    }

    /// Goes paths name by name, as where the kernel has no `openat2`.
    pub fn stepwise(mut self) -> Root {
        self.way = Way::Stepwise;
        self
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which folder it is. Where this is kept: a device may have another number after a restart.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// An error if another folder, a link or a mount is at its path now.
    pub fn check(&self) -> Result<(), FilesError> {
        let now = at(&self.path).and_then(|now| fstat(&now));
        match now {
            Ok(now) if Identity::from(&now) == self.identity => Ok(()),
            Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                Err(FilesError::Replaced(self.path.clone()))
            }
            Err(error) => Err(failed("look at", &self.path)(error)),
        }
    }

    /// Gives its owner all permissions, whatever it had.
    pub fn open_up(&self) -> Result<(), FilesError> {
        way::open_up_itself(self.folder.as_fd()).map_err(failed("open", &self.path))
    }

    /// A folder below it as one of its own.
    pub fn below(&self, path: &Below) -> Result<Root, FilesError> {
        self.open_below(path, Crossing::Mounts)
    }

    /// The same, and neither it nor a folder on the way to it is a mount.
    pub fn within(&self, path: &Below) -> Result<Root, FilesError> {
        self.open_below(path, Crossing::Nothing)
    }

    fn open_below(&self, path: &Below, across: Crossing) -> Result<Root, FilesError> {
        let full = self.full(path);
        let folder = self
            .way
            .open(self.folder.as_fd(), path.path(), PASS, across);
        let folder = folder.map_err(failed("open", &full))?;
        let identity = (&fstat(&folder).map_err(failed("look at", &full))?).into();
        Ok(Root {
            path: full,
            folder: folder.into(),
            identity,
            way: self.way,
        })
    }

    /// Describes the file at a path; nothing if nothing is there. A link is not followed.
    pub fn look(&self, path: &Below) -> Result<Option<Found>, FilesError> {
        let now = coarse_now().map_err(failed_io("look at", self.full(path)))?;
        match self.look_at(path, now) {
            Err(error) if error.is_missing() => Ok(None),
            found => found.map(Some),
        }
    }

    fn look_at(&self, path: &Below, now: i64) -> Result<Found, FilesError> {
        let (folder, full) = (self.parent(path, Crossing::Mounts)?, self.full(path));
        let found = found(folder.as_fd(), path, now).map_err(failed("look at", &full))?;
        found.ok_or_else(|| failed("look at", full)(Errno::ENOENT))
    }

    /// Opens a plain file.
    pub fn file(&self, path: &Below) -> Result<File, FilesError> {
        let full = self.full(path);
        let folder = self.folder.as_fd();
        let file = self
            .way
            .open(folder, path.path(), OFlag::O_RDONLY, Crossing::Mounts);
        // A socket cannot be opened at all.
        let file = file.map_err(|error| match error {
            Errno::ENXIO => FilesError::NotRegular(full.clone()),
            error => failed("read", &full)(error),
        })?;
        regular(File::from(file), &full)
    }

    /// A plain file's bytes; an error if there are more than `most`.
    pub fn read(&self, path: &Below, most: u64) -> Result<Vec<u8>, FilesError> {
        let file = self.file(path)?;
        bytes(file, &self.full(path), most)
    }

    /// The folder that a path lies in.
    pub(crate) fn parent(
        &self,
        path: &Below,
        across: Crossing,
    ) -> Result<Arc<OwnedFd>, FilesError> {
        match way::parent(path) {
            Some(parent) => {
                let folder = self.way.open(self.folder.as_fd(), parent, PASS, across);
                Ok(Arc::new(folder.map_err(failed("reach", self.full(path)))?))
            }
            None => Ok(Arc::clone(&self.folder)),
        }
    }

    /// A path below it, to be shown; for use it is another one by the time that somebody uses it.
    pub fn full(&self, path: &Below) -> PathBuf {
        self.path.join(path)
    }
}

/// Describes the file at a path, seen from the folder that it lies in; nothing if it goes meanwhile.
pub(crate) fn found(folder: BorrowedFd<'_>, path: &Below, now: i64) -> nix::Result<Option<Found>> {
    let name = path.name();
    let there = match fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(None),
        there => there?,
    };
    let target = || readlinkat(folder, name).ok().map(PathBuf::from);
    let stamp = Stamp::from(&there);
    Ok(Kind::of(&there, target).map(|kind| Found {
        path: path.clone(),
        kind,
        fresh: stamp.is_fresh(now),
        stamp,
    }))
}

fn at(path: &Path) -> nix::Result<OwnedFd> {
    let flags = PASS | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(AT_FDCWD, path, flags, Mode::empty())
}

/// Opens a plain file at a path of our own, whatever links lead there; a pipe or a device is an error
/// and keeps nobody waiting.
pub fn regular_file(path: &Path) -> Result<File, FilesError> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = openat(AT_FDCWD, path, flags, Mode::empty());
    let file = file.map_err(|error| match error {
        Errno::ENXIO => FilesError::NotRegular(path.to_owned()),
        error => failed_io("read", path)(error.into()),
    })?;
    regular(File::from(file), path)
}

/// The bytes of such a file; an error if there are more than `most`.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>, FilesError> {
    bytes(regular_file(path)?, path, most)
}

fn regular(file: File, path: &Path) -> Result<File, FilesError> {
    let there = file.metadata().map_err(failed_io("read", path))?;
    match there.file_type() {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(failed_io("read", path)(Errno::EISDIR.into())),
        _ => Err(FilesError::NotRegular(path.to_owned())),
    }
}

fn bytes(file: File, path: &Path, most: u64) -> Result<Vec<u8>, FilesError> {
    let long = || FilesError::Limit {
        path: path.to_owned(),
        limit: Limit::Bytes(most),
    };
    let there = file.metadata().map_err(failed_io("read", path))?.len();
    if there > most {
        return Err(long());
    }
    // Room for one more byte, so that the end is seen.
    let mut bytes = Vec::with_capacity(there as usize + 1);
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(failed_io("read", path))?;
    match bytes.len() as u64 > most {
        true => Err(long()),
        false => Ok(bytes),
    }
}

#[cfg(test)]
pub(crate) mod tests;
