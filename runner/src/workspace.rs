//! The folder that a lesson's steps run in, and what in it belongs to whom.
//!
//! Three kinds of files live there: those that the lesson wrote, those that its steps made, and
//! those that the learner wrote or edited. The last are never overwritten and never removed.

use crate::event::Written;
use crate::folders::Folders;
use crate::lesson::FileStep;
use crate::say;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A folder to run a lesson in.
#[derive(Debug)]
pub struct Workspace {
    files: PathBuf,
    home: PathBuf,
    manifest: Manifest,
    manifest_file: Option<PathBuf>,
    before: BTreeSet<PathBuf>,
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
        let home = temporary.path().join("home");
        for folder in [&files, &home] {
            fs::create_dir(folder).map_err(failed("make", folder))?;
        }
        Ok(Workspace {
            files,
            home,
            manifest: Manifest::default(),
            manifest_file: None,
            before: BTreeSet::new(),
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
        Ok(Workspace {
            files,
            home,
            manifest,
            manifest_file: Some(manifest_file),
            before: BTreeSet::new(),
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
        &self.files
    }

    /// The steps' own home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Begins a whole run: what steps of the last run made, and nobody changed since, goes.
    pub fn begin(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        for (path, seen) in std::mem::take(&mut self.manifest.made) {
            let file = self.files.join(&path);
            if stamp(&file) == Some(seen) {
                fs::remove_file(&file).map_err(failed("remove", &file))?;
            }
        }
        self.before = self.listing();
        Ok(())
    }

    /// Begins a run that goes on from the last one: what its steps made stays, and stays theirs.
    pub fn go_on(&mut self) {
        self.before = self.listing();
        for (path, seen) in &self.manifest.made {
            // What was changed since is the learner's.
            if stamp(&self.files.join(path)).as_ref() == Some(seen) {
                self.before.remove(path);
            }
        }
    }

    /// Ends a whole run: remembers what its steps made.
    pub fn end(&mut self) -> Result<(), WorkspaceError> {
        if self.manifest_file.is_none() {
            return Ok(());
        }
        self.manifest.made = self
            .made()
            .into_iter()
            .filter_map(|path| stamp(&self.files.join(&path)).map(|seen| (path, seen)))
            .collect();
        self.save()
    }

    /// Puts a file of the lesson into the workspace, unless the learner has edited it.
    pub fn write(&mut self, file: &FileStep) -> Result<Written, WorkspaceError> {
        let target = self.files.join(&file.path);
        let written = match fs::read(&target) {
            Ok(found) if found == file.content.as_bytes() => Written::Unchanged,
            Ok(found) if self.manifest.written.get(&file.path) == Some(&hash(&found)) => {
                Written::Updated
            }
            Ok(_) => return Ok(Written::KeptEdits),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Written::New,
            Err(error) => return Err(failed("read", &target)(error)),
        };
        if written != Written::Unchanged {
            self.place(&file.path, &target, file.content.as_bytes())?;
        }
        self.manifest
            .written
            .insert(file.path.clone(), hash(file.content.as_bytes()));
        if self.manifest_file.is_some() {
            self.save()?;
        }
        Ok(written)
    }

    /// The files that steps made in this run, or in the runs that it goes on from.
    pub fn made(&self) -> Vec<PathBuf> {
        let found = self.listing().into_iter();
        found
            .filter(|path| !self.before.contains(path) && !self.manifest.written.contains_key(path))
            .collect()
    }

    /// Makes what steps made what it was at some moment: `then` has those files. A file that is
    /// the learner's by now stays, and so does one whose content `is_kept` does not know.
    pub fn restore(
        &mut self,
        then: &BTreeMap<PathBuf, (u32, Vec<u8>)>,
        is_kept: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(), WorkspaceError> {
        for path in self.made() {
            let file = self.files.join(&path);
            let is_link = fs::symlink_metadata(&file).is_ok_and(|there| there.is_symlink());
            let is_theirs = is_link || fs::read(&file).is_ok_and(|content| !is_kept(&content));
            if is_theirs {
                self.before.insert(path);
            } else if !then.contains_key(&path) {
                fs::remove_file(&file).map_err(failed("remove", &file))?;
            }
        }
        for (path, (mode, content)) in then {
            if self.before.contains(path) || self.manifest.written.contains_key(path) {
                continue;
            }
            let file = self.files.join(path);
            self.place(path, &file, content)?;
            fs::set_permissions(&file, Permissions::from_mode(*mode))
                .map_err(failed("write", &file))?;
        }
        self.end()
    }

    fn place(&self, path: &Path, target: &Path, content: &[u8]) -> Result<(), WorkspaceError> {
        let folder = target.parent().unwrap_or(&self.files);
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let root = self
            .files
            .canonicalize()
            .map_err(failed("find", &self.files))?;
        let real = folder.canonicalize().map_err(failed("find", folder))?;
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || !real.starts_with(&root) {
            return Err(WorkspaceError::Escape(path.to_owned()));
        }
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(&real)
            .map_err(failed("write", target))?;
        file.write_all(content).map_err(failed("write", target))?;
        file.persist(target)
            .map_err(|error| failed("write", target)(error.error))?;
        Ok(())
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

    /// The files below the workspace; symbolic links and other file systems are not followed.
    fn listing(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.files.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(_) => {
                        if let Ok(path) = entry.path().strip_prefix(&self.files) {
                            found.insert(path.to_owned());
                        }
                    }
                    Err(_) => {}
                }
            }
        }
        found
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
    let files = workspace.files.clone();
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
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> FileStep {
        FileStep {
            path: path.into(),
            language: "c".into(),
            content: content.into(),
            span: 0..0,
        }
    }

    fn lasting(home: &Path) -> Workspace {
        Workspace::lasting(&Folders::below(home), "hello").unwrap()
    }

    #[test]
    fn what_the_learner_edited_is_kept_and_what_the_lesson_changed_is_renewed() {
        let home = tempfile::tempdir().unwrap();
        let mut workspace = lasting(home.path());
        assert_eq!(
            workspace.write(&file("a.c", "one\n")).unwrap(),
            Written::New
        );
        assert_eq!(
            workspace.write(&file("a.c", "one\n")).unwrap(),
            Written::Unchanged
        );
        assert_eq!(
            workspace.write(&file("a.c", "two\n")).unwrap(),
            Written::Updated
        );
        fs::write(workspace.files().join("a.c"), "mine\n").unwrap();
        assert_eq!(
            workspace.write(&file("a.c", "three\n")).unwrap(),
            Written::KeptEdits
        );
        assert_eq!(
            fs::read_to_string(workspace.files().join("a.c")).unwrap(),
            "mine\n"
        );
    }

    #[test]
    fn what_steps_made_goes_at_the_next_run_and_the_learners_own_files_stay() {
        let home = tempfile::tempdir().unwrap();
        let mut workspace = lasting(home.path());
        fs::write(workspace.files().join("notes"), "mine").unwrap();
        workspace.begin().unwrap();
        fs::write(workspace.files().join("made.o"), "object").unwrap();
        fs::write(workspace.files().join("made-and-edited"), "object").unwrap();
        workspace.end().unwrap();
        drop(workspace);
        fs::write(
            home.path().join("data/workspaces/hello/made-and-edited"),
            "by the learner",
        )
        .unwrap();
        let mut workspace = lasting(home.path());
        workspace.begin().unwrap();
        let left: Vec<_> = workspace.listing().into_iter().collect();
        assert_eq!(
            left,
            [PathBuf::from("made-and-edited"), PathBuf::from("notes")]
        );
    }

    #[test]
    fn a_run_that_goes_on_keeps_what_steps_made_and_claims_nothing_of_the_learners() {
        let home = tempfile::tempdir().unwrap();
        let files = home.path().join("data/workspaces/hello");
        let mut workspace = lasting(home.path());
        workspace.begin().unwrap();
        fs::write(files.join("made.o"), "object").unwrap();
        workspace.end().unwrap();
        drop(workspace);
        fs::write(files.join("notes"), "mine").unwrap();
        let mut workspace = lasting(home.path());
        workspace.go_on();
        assert!(files.join("made.o").exists());
        workspace.end().unwrap();
        drop(workspace);
        let mut workspace = lasting(home.path());
        workspace.begin().unwrap();
        let left: Vec<_> = workspace.listing().into_iter().collect();
        assert_eq!(left, [PathBuf::from("notes")]);
    }

    #[test]
    fn folders_of_processes_that_are_gone_are_removed_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let ended = std::process::Command::new("true").spawn().unwrap();
        let gone = ended.id();
        ended.wait_with_output().unwrap();
        let here = std::process::id();
        let mut names = vec![
            format!("{FRESH}{gone}-locked"),
            format!("{FRESH}{here}-ours"),
            format!("{FRESH}{gone}"),
            format!("{KEPT}{gone}-x"),
            "somebody's".to_owned(),
        ];
        let abandoned = place.path().join(format!("{FRESH}{gone}-abandoned"));
        fs::create_dir_all(abandoned.join("hello/sub")).unwrap();
        for name in &names {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let lock = File::open(place.path().join(&names[0])).unwrap();
        lock.try_lock_shared().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let link = format!("{FRESH}{gone}-link");
        std::os::unix::fs::symlink(outside.path(), place.path().join(&link)).unwrap();
        names.push(link);
        remove_abandoned_in(place.path());
        let left = fs::read_dir(place.path()).unwrap().flatten();
        let mut left: Vec<String> = left
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        names.sort();
        assert_eq!(left, names);
        assert!(outside.path().exists());
    }

    #[test]
    fn two_runs_at_once_in_one_workspace_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let _first = lasting(home.path());
        let second = Workspace::lasting(&Folders::below(home.path()), "hello");
        assert!(matches!(second, Err(WorkspaceError::Busy(_))));
    }

    #[test]
    fn a_link_that_a_step_made_does_not_lead_a_file_out() {
        let home = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let mut workspace = lasting(home.path());
        std::os::unix::fs::symlink(outside.path(), workspace.files().join("sub")).unwrap();
        let result = workspace.write(&file("sub/a.c", "text"));
        assert!(matches!(result, Err(WorkspaceError::Escape(_))));
        assert!(!outside.path().join("a.c").exists());
    }
}
