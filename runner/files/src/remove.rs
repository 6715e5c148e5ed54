//! Removing: one thing that is known, a folder that is empty, or a whole tree that is ours.
//!
//! Nothing is removed behind a link or on another mount: both are errors that name the place.

use crate::below::Below;
use crate::error::{FilesError, failed, failed_io};
use crate::place::{self, Over};
use crate::root::Root;
use crate::stamp::Stamp;
use crate::walk::{self, Level};
use crate::way::{self, Crossing, LIST, PASS, Way};
use nix::dir::Type;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Root {
    /// Removes a file, a link or another thing that is no folder. Between looking whether it is the
    /// one that is known and removing it lies no other call. True if something was there.
    pub fn remove(&self, path: &Below, over: Over<'_>) -> Result<bool, FilesError> {
        let full = self.full(path);
        let folder = match self.parent(path, Crossing::Nothing) {
            Err(error) if error.is_missing() => return Ok(false),
            folder => folder?,
        };
        let there = match fstatat(&folder, path.name(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(false),
            there => there.map_err(failed("look at", &full))?,
        };
        let is_known = match over {
            Over::Nothing => false,
            Over::Known(stamp) => Stamp::from(&there) == *stamp,
            Over::Anything => true,
        };
        if !is_known {
            return Err(FilesError::Changed(full));
        }
        match unlinkat(&folder, path.name(), UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) => Ok(false),
            Err(Errno::EISDIR) => Err(FilesError::Changed(full)),
            // A file that something is mounted over.
            Err(Errno::EBUSY) => Err(FilesError::Mount(full)),
            removed => removed.map(|()| true).map_err(failed("remove", full)),
        }
    }

    /// Removes a folder in which nothing is. False if something is, and it stays.
    pub fn remove_folder(&self, path: &Below) -> Result<bool, FilesError> {
        let full = self.full(path);
        let folder = match self.parent(path, Crossing::Nothing) {
            Err(error) if error.is_missing() => return Ok(true),
            folder => folder?,
        };
        match unlinkat(&folder, path.name(), UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(true),
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(false),
            Err(Errno::ENOTDIR) => Err(FilesError::Changed(full)),
            Err(Errno::EBUSY) => Err(FilesError::Mount(full)),
            Err(error) => Err(failed("remove", full)(error)),
        }
    }

    /// Removes whatever is at a path, a folder with all that is in it, whatever permissions that
    /// has. What cannot go stays, the rest goes; the error is of the first that stayed.
    pub fn remove_tree(&self, path: &Below) -> Result<(), FilesError> {
        let folder = match self.parent(path, Crossing::Nothing) {
            Err(error) if error.is_missing() => return Ok(()),
            folder => folder?,
        };
        let removal = Removal {
            way: self.way,
            open: folder,
            levels: Vec::new(),
            at: self
                .full(path)
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned(),
            first: None,
        };
        removal.run(path.name())
    }
}

/// Removes a folder of our own with all that is in it, such as a temporary one. An error names the
/// first thing that could not go; the rest is gone. Nothing there is no error.
pub fn remove_tree(folder: &Path) -> Result<(), FilesError> {
    let above = folder.parent().unwrap_or(Path::new("/"));
    let name = folder.file_name().unwrap_or_default();
    let parent = match above.canonicalize() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        parent => parent.map_err(failed_io("find", above))?,
    };
    Root::open(&parent)?.remove_tree(&Below::new(name)?)
}

/// One folder is open at a time, as in a walk.
struct Removal {
    way: Way,
    open: Arc<OwnedFd>,
    levels: Vec<Level>,
    /// Where the open folder is.
    at: PathBuf,
    first: Option<FilesError>,
}

impl Removal {
    fn run(mut self, name: &OsStr) -> Result<(), FilesError> {
        let identity = fstat(&self.open).map_err(failed("look at", &self.at))?;
        let mut first = Level {
            identity: (&identity).into(),
            folders: Vec::new(),
        };
        self.unlink(name, None, &mut first);
        self.levels.push(first);
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.folders.pop() {
                self.at.push(&name);
                match self.enter(&name) {
                    Ok(Some(below)) => self.levels.push(below),
                    Ok(None) => {
                        self.at.pop();
                    }
                    Err(error) => {
                        self.note(error);
                        self.at.pop();
                    }
                }
                continue;
            }
            self.levels.pop();
            let Some(above) = self.levels.last() else {
                break;
            };
            let Some(open) = walk::up(self.open.as_fd(), 1, above.identity) else {
                let error = FilesError::Changed(self.at.clone());
                return Err(self.first.unwrap_or(error));
            };
            self.open = open.into();
            let name = self.at.file_name().unwrap_or_default();
            match unlinkat(&self.open, name, UnlinkatFlags::RemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(Errno::EBUSY) => self.note(FilesError::Mount(self.at.clone())),
                Err(error) => self.note(failed("remove", &self.at)(error)),
            }
            self.at.pop();
        }
        self.first.map_or(Ok(()), Err)
    }

    /// Opens a folder and removes what is in it but for folders; nothing if it is gone.
    fn enter(&mut self, name: &OsStr) -> Result<Option<Level>, FilesError> {
        let (way, parent, path) = (self.way, self.open.as_fd(), Path::new(name));
        let entered = way.open(parent, path, PASS, Crossing::Nothing);
        let entered = match entered {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
            entered => entered.map_err(failed("remove", &self.at))?,
        };
        // Whether that was needed and of use shows below.
        let _ = way::open_up_itself(entered.as_fd());
        let listed = way.open(entered.as_fd(), Path::new("."), LIST, Crossing::Nothing);
        let open = listed.map_err(failed("list", &self.at))?;
        let names = open
            .try_clone()
            .map_err(|_| Errno::EMFILE)
            .and_then(way::names);
        let names = names.map_err(failed("list", &self.at))?;
        let identity = fstat(&open).map_err(failed("look at", &self.at))?;
        let mut level = Level {
            identity: (&identity).into(),
            folders: Vec::new(),
        };
        self.open = open.into();
        for (name, kind) in names {
            self.unlink(&name, kind, &mut level);
        }
        Ok(Some(level))
    }

    /// Removes what is no folder; a folder has its turn later.
    fn unlink(&mut self, name: &OsStr, kind: Option<Type>, level: &mut Level) {
        let is_folder = || {
            let there = fstatat(&self.open, name, AtFlags::AT_SYMLINK_NOFOLLOW);
            there.is_ok_and(|there| place::is_folder(&there))
        };
        if kind == Some(Type::Directory) || kind.is_none() && is_folder() {
            level.folders.push(name.into());
            return;
        }
        match unlinkat(&self.open, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(Errno::EISDIR) => level.folders.push(name.into()),
            Err(Errno::EBUSY) => self.note(FilesError::Mount(self.at.join(name))),
            Err(error) => {
                let path = self.at.join(name);
                self.note(failed("remove", path)(error));
            }
        }
    }

    fn note(&mut self, error: FilesError) {
        self.first.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests;
