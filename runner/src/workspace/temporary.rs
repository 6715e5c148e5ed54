//! Folders that go with the run that they are for, and those that a `tutor` left which was killed.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tutor_files::error::failed_io;
use tutor_files::{FilesError, remove_tree};

/// The prefix of folders that go with their `tutor`; its process id follows.
pub(super) const FRESH: &str = "tutor-run-";
/// And of those that somebody asked to keep.
pub(super) const KEPT: &str = "tutor-kept-";

/// A folder that goes, whatever permissions steps gave to what is in it.
#[derive(Debug)]
pub(super) struct Temporary {
    folder: PathBuf,
    /// Held until this process ends, however it ends; see [`remove_abandoned`].
    _lock: File,
    goes: bool,
}

impl Temporary {
    /// Makes a folder below the system's temporary one; it goes when this does, unless it is to be
    /// kept.
    pub(super) fn make(keep: bool) -> Result<Temporary, FilesError> {
        let place = std::env::temp_dir();
        let prefix = match keep {
            true => KEPT.to_owned(),
            false => format!("{FRESH}{}-", std::process::id()),
        };
        let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(&place);
        let folder = made.map_err(failed_io("make a folder in", &place))?.keep();
        let lock = File::open(&folder).map_err(failed_io("lock", &folder))?;
        lock.try_lock_shared()
            .map_err(|error| failed_io("lock", &folder)(error.into()))?;
        Ok(Temporary {
            folder,
            _lock: lock,
            goes: !keep,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder; an error names what stays.
    pub(super) fn remove(&mut self) -> Result<(), FilesError> {
        match std::mem::take(&mut self.goes) {
            true => remove_tree(&self.folder),
            false => Ok(()),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// Removes the fresh folders of this user that a `tutor` left which was killed. One is abandoned if
/// its process is gone and nobody holds its lock: a process id alone may be another's by now.
/// Returns why some of it stays.
pub fn remove_abandoned() -> Vec<FilesError> {
    remove_abandoned_in(&std::env::temp_dir())
}

/// The folders of this user that somebody asked to keep.
pub fn kept_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir());
    let entries = entries.into_iter().flatten().flatten();
    let is_kept = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let there = entry.metadata();
        name.to_str().is_some_and(|name| name.starts_with(KEPT))
            && there.is_ok_and(|there| there.is_dir() && is_ours(&there))
    };
    let mut folders: Vec<PathBuf> = entries.filter(is_kept).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

fn is_ours(there: &fs::Metadata) -> bool {
    there.uid() == nix::unistd::geteuid().as_raw()
}

pub(super) fn remove_abandoned_in(place: &Path) -> Vec<FilesError> {
    let mut stays = Vec::new();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FRESH));
        let owner = owner.and_then(|rest| rest.split_once('-')?.0.parse::<i32>().ok());
        // A folder that is not as expected is not ours to remove.
        if let Some(owner) = owner
            && is_abandoned(&entry.path(), owner).unwrap_or(false)
        {
            stays.extend(remove_tree(&entry.path()).err());
        }
    }
    stays
}

fn is_abandoned(folder: &Path, owner: i32) -> io::Result<bool> {
    let seen = fs::symlink_metadata(folder)?;
    if !seen.is_dir() || !is_ours(&seen) {
        return Ok(false);
    }
    // EPERM says that it is there as well (kill(2)).
    if kill(Pid::from_raw(owner), None) != Err(Errno::ESRCH) {
        return Ok(false);
    }
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(folder)?;
    Ok(folder.try_lock().is_ok())
}
