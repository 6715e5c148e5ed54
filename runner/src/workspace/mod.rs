//! The folder that a lesson's steps run in, and what in it belongs to whom.
//!
//! Three kinds of files live there: those that the lesson wrote, those that its steps made, and
//! those that the learner wrote or edited. The last are never overwritten and never removed.
//! What appears while a step runs counts as made by it, though the learner may have written it at
//! that moment. So it goes aside when a new run begins, and for good once steps made it again.
//! The steps' own home folder lies beside it; all in there is theirs.

mod aside;
pub(crate) mod paths;
mod tree;

pub use aside::{Aside, set_aside};
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
use tree::{Seen, Stamp, Tree, open_up, remove_folder};

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
    /// What was there when it was last looked at.
    seen: BTreeMap<PathBuf, Seen>,
    /// What of the learner's changed while a step ran, until it is known whether a step did that.
    overwritten: BTreeSet<PathBuf>,
    manifest: Manifest,
    manifest_file: Option<PathBuf>,
    saved: Vec<u8>,
    _lock: Option<File>,
    _temporary: Option<Temporary>,
}

/// A folder that goes, whatever permissions steps gave to what is in it.
#[derive(Debug)]
struct Temporary(tempfile::TempDir);

impl Drop for Temporary {
    fn drop(&mut self) {
        open_up(self.0.path());
    }
}

/// What `tutor` knows of a lasting workspace.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// What the lesson wrote: SHA-256 of the content, in hexadecimal.
    #[serde(with = "paths")]
    written: BTreeMap<PathBuf, String>,
    /// What its steps made in the last run, and what the lesson wrote and they changed.
    #[serde(with = "paths")]
    made: BTreeMap<PathBuf, Stamp>,
    /// While which steps that changed.
    #[serde(default, with = "paths")]
    by: BTreeMap<PathBuf, BTreeSet<String>>,
    /// The folders that they made. They go only when nothing is in them.
    #[serde(default, with = "paths::set")]
    folders: BTreeSet<PathBuf>,
    /// What was put aside when a run began, until steps had their chance to make it again: below
    /// the folder of all workspaces, with the steps while which it changed.
    #[serde(default, with = "paths")]
    aside: BTreeMap<PathBuf, BTreeSet<String>>,
}

/// What steps had made at some moment, by path: in the workspace, and in their home folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "C: Serialize", deserialize = "C: Deserialize<'de>"))]
pub struct Works<C> {
    /// Below [`Workspace::files`].
    #[serde(with = "paths")]
    pub files: BTreeMap<PathBuf, Made<C>>,
    /// Below [`Workspace::home`].
    #[serde(with = "paths")]
    pub home: BTreeMap<PathBuf, Made<C>>,
}

/// What steps had made, with how it looked then.
#[derive(Clone, Debug)]
pub struct Kept<C> {
    /// What they had made.
    pub works: Works<C>,
    files: BTreeMap<PathBuf, Seen>,
    home: BTreeMap<PathBuf, Seen>,
}

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Kept::from(Works::default())
    }
}

impl<C> From<Works<C>> for Kept<C> {
    /// Nobody has looked at it yet.
    fn from(works: Works<C>) -> Self {
        Kept {
            works,
            files: BTreeMap::new(),
            home: BTreeMap::new(),
        }
    }
}

impl<C> Default for Works<C> {
    fn default() -> Self {
        Works {
            files: BTreeMap::new(),
            home: BTreeMap::new(),
        }
    }
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
            seen: BTreeMap::new(),
            overwritten: BTreeSet::new(),
            manifest: Manifest::default(),
            manifest_file: None,
            saved: Vec::new(),
            _lock: Some(lock),
            _temporary: (!keep).then_some(Temporary(temporary)),
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
            seen: BTreeMap::new(),
            overwritten: BTreeSet::new(),
            manifest,
            manifest_file: Some(manifest_file),
            saved: Vec::new(),
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

    /// Begins a whole run: what steps of the last run made, and nobody changed since, goes aside.
    pub fn begin(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        self.files.open_up(&self.manifest.folders);
        // What lies behind a link is not what steps made.
        self.seen = self.files.seen();
        let mut made = std::mem::take(&mut self.manifest.made);
        made.retain(|path, stamp| self.is_stamped(path, stamp));
        let mut by = std::mem::take(&mut self.manifest.by);
        let made = made.into_keys().map(|path| {
            let by = by.remove(&path).unwrap_or_default();
            (path, by)
        });
        self.put_aside(made.collect())?;
        // What is in a folder goes before the folder.
        for path in std::mem::take(&mut self.manifest.folders).iter().rev() {
            remove_folder(&self.files().join(path))?;
        }
        open_up(self.home());
        self.home.take_back(&BTreeMap::new(), &|_, _| false)?;
        self.seen = self.files.seen();
        self.files.before = self.seen.keys().cloned().collect();
        Ok(())
    }

    /// True if what was seen at a path has that stamp.
    fn is_stamped(&self, path: &Path, stamp: &Stamp) -> bool {
        self.seen
            .get(path)
            .is_some_and(|seen| seen.stamp == Some(*stamp))
    }

    /// Begins a run that goes on from the last one: what its steps made stays, and stays theirs.
    pub fn go_on(&mut self) {
        self.seen = self.files.seen();
        let mut before: BTreeSet<PathBuf> = self.seen.keys().cloned().collect();
        for (path, stamp) in &self.manifest.made {
            // What was changed since is the learner's.
            if self.is_stamped(path, stamp) {
                before.remove(path);
            }
        }
        for path in &self.manifest.folders {
            before.remove(path);
        }
        self.files.before = before;
    }

    /// Looks at what changed since the last look, and notes while which steps that was; what
    /// changed while none ran is the learner's.
    pub fn look(&mut self, by: &BTreeSet<String>) {
        if self.manifest_file.is_none() {
            return;
        }
        let now = self.files.seen();
        let stamp = |seen: &Seen| seen.stamp;
        for path in now
            .iter()
            .filter(|(path, seen)| self.seen.get(*path).map(stamp) != Some(seen.stamp))
            .map(|(path, _)| path)
        {
            if by.is_empty() {
                self.files.before.insert(path.clone());
            } else if self.files.before.contains(path) {
                self.overwritten.insert(path.clone());
            } else if !self.files.before.contains(path) {
                let noted = self.manifest.by.entry(path.clone()).or_default();
                noted.extend(by.iter().cloned());
            }
        }
        self.seen = now;
    }

    /// Ends a whole run: remembers what its steps made, as of the last look.
    pub fn end(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        let (mut folders, mut made) = (BTreeSet::new(), BTreeMap::new());
        for (path, seen) in self.made() {
            match seen.stamp {
                Some(stamp) => drop(made.insert(path.clone(), stamp)),
                None => drop(folders.insert(path.clone())),
            }
        }
        for path in self.manifest.written.keys() {
            if self.is_changed_by_steps(path)
                && let Some(stamp) = self.seen.get(path).and_then(|seen| seen.stamp)
            {
                made.insert(path.clone(), stamp);
            }
        }
        self.manifest.folders = folders;
        self.manifest.made = made;
        let made = &self.manifest.made;
        self.manifest.by.retain(|path, _| made.contains_key(path));
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
            Ok(_)
                if self.is_changed_by_steps(&file.path)
                    && stamp(&target).is_some_and(|now| self.is_stamped(&file.path, &now)) =>
            {
                return Ok(Written::KeptChanged);
            }
            Ok(_) => {
                self.files.before.insert(file.path.clone());
                return Ok(Written::KeptEdits);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Written::New,
            Err(error) => return Err(failed("read", &target)(error)),
        };
        if written != Written::Unchanged {
            self.files.place(&file.path, file.content.as_bytes())?;
        }
        self.files.before.remove(&file.path);
        self.manifest.by.remove(&file.path);
        self.seen
            .extend(Seen::of(&target).map(|seen| (file.path.clone(), seen)));
        self.manifest
            .written
            .insert(file.path.clone(), hash(file.content.as_bytes()));
        if self.manifest_file.is_some() {
            self.save()?;
        }
        Ok(written)
    }

    /// True of a file of the lesson that steps changed, and the learner did not.
    fn is_changed_by_steps(&self, path: &Path) -> bool {
        self.manifest.by.contains_key(path) && !self.files.before.contains(path)
    }

    /// True of what is not for steps to take away.
    pub fn is_theirs(&self, path: &Path) -> bool {
        self.files.before.contains(path) || self.manifest.written.contains_key(path)
    }

    /// What steps made in this run, or in the runs that it goes on from, as of the last look; a
    /// folder comes before what is in it.
    fn made(&self) -> impl Iterator<Item = (&PathBuf, &Seen)> {
        self.seen.iter().filter(|(path, _)| !self.is_theirs(path))
    }

    /// What steps had made at the last look, each file's content as `keep` has it. What has not
    /// changed since `last` is not read again. Nothing if that cannot be kept: it is too much, or
    /// neither a file nor a folder nor a link, or `keep` fails.
    pub fn works<C: Clone>(
        &self,
        last: &Kept<C>,
        keep: &mut dyn FnMut(&[u8]) -> Option<C>,
    ) -> Option<Kept<C>> {
        let files = self.made();
        let files = files.map(|(path, seen)| (path.clone(), seen.clone()));
        let files: BTreeMap<PathBuf, Seen> = files.collect();
        let home = self.home.seen();
        let mut left_bytes = LIMIT_BYTES;
        let mut works = |tree: &Tree, now: &BTreeMap<PathBuf, Seen>, then, made| {
            tree.works(now, (then, made), &mut left_bytes, keep)
        };
        let works = Works {
            files: works(&self.files, &files, &last.files, &last.works.files)?,
            home: works(&self.home, &home, &last.home, &last.works.home)?,
        };
        Some(Kept { works, files, home })
    }

    /// Takes what a step wrote where the learner had something else for the step's, if `is_known`
    /// says that steps made this there once.
    pub fn claim(&mut self, is_known: &dyn Fn(&Path, &Made<Vec<u8>>) -> bool) {
        for path in std::mem::take(&mut self.overwritten) {
            let now = self.files.made(&path);
            if now.is_some_and(|now| is_known(&path, &now)) {
                self.files.before.remove(&path);
            }
        }
    }

    /// Puts there what steps made `later`, wherever it is now as it was at `first`. The rest stays.
    pub fn put_again(
        &mut self,
        later: &Works<Vec<u8>>,
        first: &Works<Vec<u8>>,
    ) -> Result<(), WorkspaceError> {
        self.files.put_again(&later.files, &first.files)?;
        self.home.put_again(&later.home, &first.home)?;
        self.seen = self.files.seen();
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
        self.files.open_up(&self.manifest.folders);
        open_up(self.home());
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
        // A file of the lesson stays as steps changed it, which is no edit of the learner's.
        let changed = manifest.written.keys().filter(|path| is_unchanged(path));
        for path in changed {
            files.before.remove(path);
        }
        self.files = files;
        taken?;
        let before = &self.files.before;
        let is_theirs =
            |path: &Path| before.contains(path) || self.manifest.written.contains_key(path);
        self.files.bring_back(&then.files, &is_theirs)?;
        self.home.take_back(&then.home, &|_, _| false)?;
        self.home.bring_back(&then.home, &|_| false)?;
        self.seen = self.files.seen();
        self.overwritten.clear();
        self.end()
    }

    /// Writes down what is known, if that is not what was written last.
    fn save(&mut self) -> Result<(), WorkspaceError> {
        let Some(file) = &self.manifest_file else {
            return Ok(());
        };
        let folder = file.parent().unwrap_or(file);
        let json = serde_json::to_vec(&self.manifest)
            .map_err(|error| failed("write", file)(error.into()))?;
        if json == self.saved {
            return Ok(());
        }
        let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(failed("write", file))?;
        fresh.write_all(&json).map_err(failed("write", file))?;
        fresh
            .persist(file)
            .map_err(|error| failed("write", file)(error.error))?;
        self.saved = json;
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
            open_up(&entry.path());
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

fn hash(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn stamp(file: &Path) -> Option<Stamp> {
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
