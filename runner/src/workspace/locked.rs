//! Where a lesson's lasting workspace is: its files, and what is known of them.

use super::error::WorkspaceError;
use crate::folders::Folders;
use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tutor_files::error::failed_io;
use tutor_files::{Below, FilesError, Kind, Over, Root};

/// The folders of one lesson, held by a lock against another `tutor`.
#[derive(Debug)]
pub(super) struct LockedFolders {
    /// The folder of all workspaces.
    pub(super) all: Root,
    /// The name of the workspace in it.
    pub(super) name: Below,
    /// The workspace, as its steps find it.
    pub(super) files: PathBuf,
    /// The folder with its ledger and the steps' home.
    pub(super) state: Root,
    /// A message about a file or link in place of that folder.
    pub(super) was: Option<String>,
    _lock: File,
}

/// A folder beside a workspace that keeps what was in that: what an earlier run left and no step made
/// again, or what steps wrote over.
#[derive(Debug, PartialEq, Eq)]
pub struct AsideFolder {
    /// The folder.
    pub folder: PathBuf,
    /// Its files, below the folder.
    pub files: Vec<PathBuf>,
}

impl LockedFolders {
    pub(super) fn open(folders: &Folders, key: &str) -> Result<LockedFolders, WorkspaceError> {
        let files = folders.data.join("workspaces").join(key);
        let name = Below::new(key)?;
        let states = made(&folders.state.join("workspaces"))?;
        let (state, was) = ours(&states, &name)?;
        let lock = File::open(state.path()).map_err(failed_io("lock", state.path()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WorkspaceError::Busy(files)),
            Err(TryLockError::Error(error)) => {
                return Err(failed_io("lock", state.path())(error).into());
            }
        }
        Ok(LockedFolders {
            all: made(&folders.data.join("workspaces"))?,
            name,
            files,
            state,
            was,
            _lock: lock,
        })
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.state.path().join("manifest.json")
    }

    /// The workspace itself; an error if something else is in its place.
    pub(super) fn root(&self) -> Result<Root, WorkspaceError> {
        let root = within(&self.all, &self.name)?;
        root.open_up()?;
        Ok(root)
    }

    /// The steps' home; the second value says what was in its place.
    pub(super) fn home(&self) -> Result<(Root, Option<String>), WorkspaceError> {
        ours(&self.state, &Below::new("home")?)
    }

    /// The steps' home, empty. Returns why something in it stays.
    pub(super) fn empty_home(&self) -> Result<(Root, Option<FilesError>), WorkspaceError> {
        let name = Below::new("home")?;
        let stays = self.state.remove_tree(&name).err();
        Ok((within(&self.state, &name)?, stays))
    }

    /// Moves the workspace to a folder of its own beside it, whatever it is. None if nothing is in
    /// it.
    pub(super) fn put_aside(&self) -> Result<Option<PathBuf>, WorkspaceError> {
        let is_empty = match self.all.look(&self.name)? {
            None => true,
            Some(found) if found.kind.is_folder() => {
                let root = self.all.within(&self.name)?;
                // A folder that may not be read is not known to be empty.
                let listed = root.walk(&tutor_files::Limits::default());
                listed.is_ok_and(|listing| listing.entries.is_empty())
            }
            Some(_) => false,
        };
        if is_empty {
            return Ok(None);
        }
        let aside = self.free()?;
        self.all.rename(&self.name, &self.all, &aside)?;
        Ok(Some(self.files.with_file_name(aside.name())))
    }

    /// A name beside the workspace that nothing has yet.
    pub(super) fn free(&self) -> Result<Below, WorkspaceError> {
        let mut number = 1;
        loop {
            let name = Path::new(self.name.name()).with_extension(format!("old-{number}"));
            let name = Below::new(name)?;
            if self.all.look(&name)?.is_none() {
                return Ok(name);
            }
            number += 1;
        }
    }
}

/// A folder that holds nothing of the learner's. What else lies in its place is removed, and not
/// what that leads to; the second value says what it was.
fn ours(above: &Root, name: &Below) -> Result<(Root, Option<String>), WorkspaceError> {
    let folder = || above.full(name).display().to_string();
    let was = match above.look(name)?.map(|found| found.kind) {
        None | Some(Kind::Folder { .. }) => None,
        Some(Kind::Link { target }) => {
            let target = target.display().to_string();
            Some(crate::say!("home-link", home = folder(), target = target))
        }
        Some(Kind::File { .. } | Kind::Other) => Some(crate::say!("home-file", home = folder())),
    };
    if was.is_some() {
        above.remove(name, Over::Anything)?;
    }
    let root = within(above, name)?;
    root.open_up()?;
    Ok((root, was))
}

/// A folder of ours, made where it is missing; links that lead to it are the learner's own.
///
/// It is closed to others, as the XDG Base Directory Specification has it: a program that a step made
/// and gave the set-user-ID bit would make them this user.
fn made(folder: &Path) -> Result<Root, FilesError> {
    std::fs::create_dir_all(folder).map_err(failed_io("make", folder))?;
    let mode = std::fs::symlink_metadata(folder).map(|there| (there.is_dir(), there.mode()));
    if let Ok((true, mode)) = mode
        && mode & 0o077 != 0
    {
        // Whose else it is keeps it as it is.
        let _ = std::fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    let real = folder.canonicalize();
    Root::open(&real.map_err(failed_io("find", folder))?)
}

/// A folder in one of ours, made where it is missing; neither a link nor a mount.
fn within(above: &Root, name: &Below) -> Result<Root, WorkspaceError> {
    let opened = match above.make_folder(name, 0o755) {
        Ok(()) | Err(FilesError::Changed(_)) => above.within(name),
        Err(error) => Err(error),
    };
    opened.map_err(|error| match error {
        FilesError::Behind(path) => WorkspaceError::Replaced(path),
        error => error.into(),
    })
}
