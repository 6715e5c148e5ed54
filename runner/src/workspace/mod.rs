//! The folder that a lesson's steps run in, and what in it belongs to whom.
//!
//! Three kinds of files live there: those that the lesson wrote, those that its steps made, and
//! those that the learner wrote or edited. The last are never overwritten and never removed.
//! The steps' own home folder lies beside it; all in there is theirs.

mod tree;

pub use tree::Made;

use crate::event::Written;
use crate::folders::Folders;
use crate::lesson::FileStep;
use crate::normalize::StepFolders;
use crate::say;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tree::{Tree, remove_folder};

/// How the names of files begin that are being written: here, and by the lab, which brings what
/// its steps made.
const UNFINISHED: [&str; 2] = [".tutor-writing-", ".tutor-fetching-"];

/// The most that what steps made may hold to be kept, in bytes.
const LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// A folder to run a lesson in.
#[derive(Debug)]
pub struct Workspace {
    files: Tree,
    home: Tree,
    manifest: Manifest,
    manifest_file: Option<PathBuf>,
    _lock: Option<File>,
    _temporary: Option<tempfile::TempDir>,
}

/// What `tutor` knows of a lasting workspace.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// What the lesson wrote: SHA-256 of the content, in hexadecimal.
    written: BTreeMap<PathBuf, String>,
    /// What its steps made in the last run: length in bytes and time of change in nanoseconds.
    made: BTreeMap<PathBuf, (u64, u128)>,
    /// The folders that they made. They go only when nothing is in them.
    #[serde(default)]
    folders: BTreeSet<PathBuf>,
}

/// What steps had made at some moment, by path: in the workspace, and in their home folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Works<C> {
    /// Below [`Workspace::files`].
    pub files: BTreeMap<PathBuf, Made<C>>,
    /// Below [`Workspace::home`].
    pub home: BTreeMap<PathBuf, Made<C>>,
}

/// A workspace could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Another `tutor` runs the lesson there.
    #[error("{}", say!("workspace-busy", folder = .0.display().to_string()))]
    Busy(PathBuf),
    /// A path of the lesson leads out of the workspace, by a symbolic link a step made.
    #[error("{}", say!("workspace-escape", file = .0.display().to_string()))]
    Escape(PathBuf),
    /// Reading or writing failed.
    #[error("{}", say!("workspace-io", doing = *.doing, path = .path.display().to_string(), error = .error.to_string()))]
    Io {
        /// What was being done: `write`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl Workspace {
    /// Makes a fresh folder below the system's temporary one; it goes when the workspace does,
    /// unless it is to be kept.
    pub fn fresh(lesson: &str, keep: bool) -> Result<Workspace, WorkspaceError> {
        let place = std::env::temp_dir();
        let prefix = match keep {
            true => KEPT.to_owned(),
            false => format!("{FRESH}{}-", std::process::id()),
        };
        let temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .disable_cleanup(keep)
            .tempdir_in(&place)
            .map_err(failed("make a folder in", &place))?;
        // Held until this process ends, however it ends; see `remove_abandoned`.
        let lock = File::open(temporary.path()).map_err(failed("lock", temporary.path()))?;
        lock.try_lock_shared()
            .map_err(|error| failed("lock", temporary.path())(error.into()))?;
        let files = temporary.path().join(lesson);
        // No lesson is called `.home`.
        let home = temporary.path().join(".home");
        for folder in [&files, &home] {
            fs::create_dir(folder).map_err(failed("make", folder))?;
        }
        Ok(Workspace {
            files: Tree::new(files),
            home: Tree::new(home),
            manifest: Manifest::default(),
            manifest_file: None,
            _lock: Some(lock),
            _temporary: Some(temporary),
        })
    }

    /// Opens the learner's lasting workspace for a lesson; `key` tells courses apart.
    pub fn lasting(folders: &Folders, key: &str) -> Result<Workspace, WorkspaceError> {
        let files = Workspace::folder(folders, key);
        let state = folders.state.join("workspaces").join(key);
        let home = state.join("home");
        for folder in [&files, &home] {
            fs::create_dir_all(folder).map_err(failed("make", folder))?;
        }
        let lock_file = state.join("lock");
        let lock = File::create(&lock_file).map_err(failed("lock", &lock_file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WorkspaceError::Busy(files)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_file)(error)),
        }
        let manifest_file = state.join("manifest.json");
        // A manifest that cannot be read is as good as none: then every file counts as the learner's.
        let manifest = fs::read(&manifest_file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let (files, home) = (Tree::new(files), Tree::new(home));
        for tree in [&files, &home] {
            tree.sweep();
        }
        Ok(Workspace {
            files,
            home,
            manifest,
            manifest_file: Some(manifest_file),
            _lock: Some(lock),
            _temporary: None,
        })
    }

    /// Where a lasting workspace's files are.
    pub fn folder(folders: &Folders, key: &str) -> PathBuf {
        folders.data.join("workspaces").join(key)
    }

    /// The folder that steps start in.
    pub fn files(&self) -> &Path {
        &self.files.root
    }

    /// The steps' own home folder.
    pub fn home(&self) -> &Path {
        &self.home.root
    }

    /// Both, for whoever looks at what steps printed.
    pub fn folders(&self) -> StepFolders {
        StepFolders {
            workspace: self.files().to_owned(),
            home: self.home().to_owned(),
        }
    }

    /// Begins a whole run: what steps of the last run made, and nobody changed since, goes.
    pub fn begin(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        for (path, seen) in std::mem::take(&mut self.manifest.made) {
            let file = self.files().join(&path);
            if stamp(&file) == Some(seen) {
                fs::remove_file(&file).map_err(failed("remove", &file))?;
            }
        }
        // What is in a folder goes before the folder.
        for path in std::mem::take(&mut self.manifest.folders).iter().rev() {
            remove_folder(&self.files().join(path))?;
        }
        self.home.take_back(&BTreeMap::new(), &|_, _| false)?;
        self.files.before = self.files.listing();
        Ok(())
    }

    /// Begins a run that goes on from the last one: what its steps made stays, and stays theirs.
    pub fn go_on(&mut self) {
        let mut before = self.files.listing();
        for (path, seen) in &self.manifest.made {
            // What was changed since is the learner's.
            if stamp(&self.files().join(path)).as_ref() == Some(seen) {
                before.remove(path);
            }
        }
        for path in &self.manifest.folders {
            before.remove(path);
        }
        self.files.before = before;
    }

    /// Ends a whole run: remembers what its steps made.
    pub fn end(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        let is_folder =
            |path: &Path| fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_dir());
        let (folders, made): (Vec<_>, Vec<_>) = self
            .made()
            .into_iter()
            .partition(|path| is_folder(&self.files().join(path)));
        self.manifest.folders = folders.into_iter().collect();
        self.manifest.made = made
            .into_iter()
            .filter_map(|path| stamp(&self.files().join(&path)).map(|seen| (path, seen)))
            .collect();
        self.save()
    }

    /// Puts a file of the lesson into the workspace, unless the learner has edited it.
    pub fn write(&mut self, file: &FileStep) -> Result<Written, WorkspaceError> {
        let target = self.files().join(&file.path);
        let written = match crate::regular_file::read(&target) {
            Ok(found) if found == file.content.as_bytes() => Written::Unchanged,
            Ok(found) if self.manifest.written.get(&file.path) == Some(&hash(&found)) => {
                Written::Updated
            }
            Ok(_) => return Ok(Written::KeptEdits),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Written::New,
            Err(error) => return Err(failed("read", &target)(error)),
        };
        if written != Written::Unchanged {
            self.files.place(&file.path, file.content.as_bytes())?;
        }
        self.manifest
            .written
            .insert(file.path.clone(), hash(file.content.as_bytes()));
        if self.manifest_file.is_some() {
            self.save()?;
        }
        Ok(written)
    }

    /// What steps made in this run, or in the runs that it goes on from; a folder comes before
    /// what is in it.
    fn made(&self) -> Vec<PathBuf> {
        let found = self.files.listing().into_iter();
        found
            .filter(|path| {
                !self.files.before.contains(path) && !self.manifest.written.contains_key(path)
            })
            .collect()
    }

    /// What steps made until now, each file's content as `keep` has it. Nothing if that cannot be
    /// kept: it is too much, or neither a file nor a folder nor a link, or `keep` fails.
    pub fn works<C>(&self, keep: &mut dyn FnMut(&[u8]) -> Option<C>) -> Option<Works<C>> {
        let mut left_bytes = LIMIT_BYTES;
        let mut kept = |tree: &Tree, paths: Vec<PathBuf>| {
            let of = |path: PathBuf| {
                let made = match tree.look(&path).ok()?? {
                    Made::Folder(mode) => Made::Folder(mode),
                    Made::Link(target) => Made::Link(target),
                    Made::File(mode, bytes) => {
                        left_bytes = left_bytes.checked_sub(bytes)?;
                        Made::File(mode, keep(&tree.content(&path, bytes)?)?)
                    }
                };
                Some((path, made))
            };
            paths
                .into_iter()
                .map(of)
                .collect::<Option<BTreeMap<_, _>>>()
        };
        Some(Works {
            files: kept(&self.files, self.made())?,
            home: kept(&self.home, self.home.listing().into_iter().collect())?,
        })
    }

    /// Takes what is at a path for a step's, if `is_known` says that steps made this there once: a
    /// step wrote it anew where the learner had something else.
    pub fn claim(&mut self, is_known: &dyn Fn(&Path, &Made<Vec<u8>>) -> bool) {
        let mut before = std::mem::take(&mut self.files.before);
        before.retain(|path| {
            let now = self.files.made(path);
            !now.is_some_and(|now| is_known(path, &now))
        });
        self.files.before = before;
    }

    /// Puts there what steps made `later`, wherever it is now as it was at `first`. The rest stays.
    pub fn put_again(
        &mut self,
        later: &Works<Vec<u8>>,
        first: &Works<Vec<u8>>,
    ) -> Result<(), WorkspaceError> {
        self.files.put_again(&later.files, &first.files)?;
        self.home.put_again(&later.home, &first.home)?;
        self.end()
    }

    /// Makes what steps made what it was at some moment. `is_known` says that steps made this at
    /// that path once. What they did not make, or somebody changed since, is the learner's and
    /// stays.
    pub fn restore(
        &mut self,
        then: &Works<Vec<u8>>,
        is_known: &dyn Fn(&Path, &Made<Vec<u8>>) -> bool,
    ) -> Result<(), WorkspaceError> {
        let mut files = std::mem::replace(&mut self.files, Tree::new(PathBuf::new()));
        let root = files.root.clone();
        let manifest = &self.manifest;
        let is_unchanged = |path: &Path| {
            let seen = manifest.made.get(path);
            seen.is_some() && stamp(&root.join(path)).as_ref() == seen
        };
        let now_there = Tree::new(root.clone());
        let taken = files.take_back(&then.files, &|path, now| match now {
            _ if manifest.written.contains_key(path) => true,
            Some(Made::Folder(mode)) => {
                !manifest.folders.contains(path) && !is_known(path, &Made::Folder(mode))
            }
            Some(Made::Link(target)) => !is_unchanged(path) && !is_known(path, &Made::Link(target)),
            Some(Made::File(..)) => {
                let is_known = |made| is_known(path, &made);
                !is_unchanged(path) && !now_there.made(path).is_some_and(is_known)
            }
            None => !is_unchanged(path),
        });
        self.files = files;
        taken?;
        let before = &self.files.before;
        let is_theirs =
            |path: &Path| before.contains(path) || self.manifest.written.contains_key(path);
        self.files.bring_back(&then.files, &is_theirs)?;
        self.home.take_back(&then.home, &|_, _| false)?;
        self.home.bring_back(&then.home, &|_| false)?;
        self.end()
    }

    fn save(&self) -> Result<(), WorkspaceError> {
        let Some(file) = &self.manifest_file else {
            return Ok(());
        };
        let folder = file.parent().unwrap_or(file);
        let json = serde_json::to_vec(&self.manifest)
            .map_err(|error| failed("write", file)(error.into()))?;
        let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(failed("write", file))?;
        fresh.write_all(&json).map_err(failed("write", file))?;
        fresh
            .persist(file)
            .map_err(|error| failed("write", file)(error.error))?;
        Ok(())
    }
}

/// What the names of folders begin with that go with their `tutor`; its process id follows.
const FRESH: &str = "tutor-run-";
/// And of those that somebody asked to keep.
const KEPT: &str = "tutor-kept-";

/// Removes the fresh folders of this user that a `tutor` left which was killed. One is abandoned if
/// its process is gone and nobody holds its lock: a process id alone may be another's by now.
pub fn remove_abandoned() {
    remove_abandoned_in(&std::env::temp_dir());
}

fn remove_abandoned_in(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FRESH));
        let owner = owner.and_then(|rest| rest.split_once('-')?.0.parse::<i32>().ok());
        // What is not as expected is not ours to remove, and what does not go now may go later.
        if let Some(owner) = owner
            && is_abandoned(&entry.path(), owner).unwrap_or(false)
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path, owner: i32) -> io::Result<bool> {
    let seen = fs::symlink_metadata(folder)?;
    if !seen.is_dir() || seen.uid() != nix::unistd::geteuid().as_raw() {
        return Ok(false);
    }
    // EPERM says that it is there as well (kill(2)).
    if kill(Pid::from_raw(owner), None) != Err(Errno::ESRCH) {
        return Ok(false);
    }
    Ok(File::open(folder)?.try_lock().is_ok())
}

/// Moves a lasting workspace's files to a folder of their own beside it and forgets what was
/// known of them. Returns that folder; none if there were no files.
pub fn set_aside(workspace: Workspace) -> Result<Option<PathBuf>, WorkspaceError> {
    let files = workspace.files().to_owned();
    if let Some(manifest) = &workspace.manifest_file
        && manifest.exists()
    {
        fs::remove_file(manifest).map_err(failed("remove", manifest))?;
    }
    if fs::read_dir(&files)
        .map_err(failed("read", &files))?
        .next()
        .is_none()
    {
        return Ok(None);
    }
    let free = (1..)
        .map(|number| files.with_extension(format!("old-{number}")))
        .find(|folder| !folder.exists());
    let Some(aside) = free else { return Ok(None) };
    fs::rename(&files, &aside).map_err(failed("move", &files))?;
    Ok(Some(aside))
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn stamp(file: &Path) -> Option<(u64, u128)> {
    let seen = fs::symlink_metadata(file).ok()?;
    let changed = seen.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((seen.len(), changed.as_nanos()))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_owned();
    move |error| WorkspaceError::Io { doing, path, error }
}

#[cfg(test)]
mod tests;
