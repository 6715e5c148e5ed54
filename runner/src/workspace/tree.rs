//! One folder of a workspace: what steps made in it, and making it what it was at some moment.

use super::{LIMIT_BYTES, UNFINISHED, WorkspaceError, failed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// What steps made at a path. `C` stands for a file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made<C> {
    /// A folder with these permissions.
    Folder(u32),
    /// A symbolic link that leads there.
    Link(PathBuf),
    /// A file with these permissions.
    File(u32, C),
}

/// Tells one content of a file from another: its length in bytes and its time of change in
/// nanoseconds.
pub(super) type Stamp = (u64, u128);

/// How something looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Nothing of what is neither a file nor a folder nor a link.
    pub(super) kind: Option<Made<()>>,
    /// None of a folder, whose stamp changes with what is in it.
    pub(super) stamp: Option<Stamp>,
    /// Which file it is, and when it changed by the kernel's clock; none if that was only just now,
    /// so that another change may not show.
    sure: Option<(u64, i64, i64)>,
}

/// The kernel's clock for files may stand still for so long.
const TICK: Duration = Duration::from_millis(20);

impl Seen {
    /// Returns how what is at a path looks; nothing if nothing is there.
    pub(super) fn of(file: &Path) -> Option<Seen> {
        let there = fs::symlink_metadata(file).ok()?;
        let mode = there.permissions().mode() & 0o777;
        let kind = match there.file_type() {
            kind if kind.is_dir() => Some(Made::Folder(mode)),
            kind if kind.is_symlink() => Some(Made::Link(fs::read_link(file).ok()?)),
            kind if kind.is_file() => Some(Made::File(mode, ())),
            _ => None,
        };
        let changed = there.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let is_folder = matches!(kind, Some(Made::Folder(_)));
        let seconds = u64::try_from(there.ctime()).unwrap_or(0);
        let nanoseconds = there.ctime_nsec().try_into().unwrap_or(0);
        let is_sure = (UNIX_EPOCH + Duration::new(seconds, nanoseconds))
            .elapsed()
            .is_ok_and(|age| age > TICK);
        Some(Seen {
            kind,
            stamp: (!is_folder).then_some((there.len(), changed.as_nanos())),
            sure: is_sure.then_some((there.ino(), there.ctime(), there.ctime_nsec())),
        })
    }

    /// True if it is as it was for sure.
    pub(super) fn is_still(&self, then: &Seen) -> bool {
        self == then && self.sure.is_some()
    }
}

/// A folder and what is in it that steps did not make.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) before: BTreeSet<PathBuf>,
}

impl Tree {
    pub(super) fn new(root: PathBuf) -> Tree {
        Tree {
            root,
            before: BTreeSet::new(),
        }
    }

    /// What is below the folder, a folder before what is in it. Symbolic links are not followed.
    pub(super) fn listing(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path.clone());
                }
                if let Ok(path) = path.strip_prefix(&self.root) {
                    found.insert(path.to_owned());
                }
            }
        }
        found
    }

    /// The same, with how each looks.
    pub(super) fn seen(&self) -> BTreeMap<PathBuf, Seen> {
        let seen = self.listing().into_iter().filter_map(|path| {
            let seen = Seen::of(&self.root.join(&path))?;
            Some((path, seen))
        });
        seen.collect()
    }

    /// Lets what is in these folders be removed, whatever permissions steps gave them.
    pub(super) fn open_up(&self, folders: &BTreeSet<PathBuf>) {
        let is_plain = |path: &&PathBuf| {
            let mut above = path.ancestors().filter(|above| *above != Path::new(""));
            above.all(|above| is_folder(&self.root.join(above)))
        };
        // A folder comes before what is in it.
        for path in folders {
            if is_plain(&path) {
                make_writable(&self.root.join(path));
            }
        }
    }

    /// Removes what a `tutor` left that was killed while it wrote.
    pub(super) fn sweep(&self) {
        let is_unfinished = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| UNFINISHED.iter().any(|prefix| name.starts_with(prefix)))
        };
        for path in self.listing().iter().filter(|path| is_unfinished(path)) {
            // What does not go now may go later.
            let _ = fs::remove_file(self.root.join(path));
        }
    }

    /// Returns what is at a path, with a file's length in bytes; nothing if that is neither a file
    /// nor a folder nor a link.
    pub(super) fn look(&self, path: &Path) -> io::Result<Option<Made<u64>>> {
        let path = self.root.join(path);
        let there = fs::symlink_metadata(&path)?;
        let mode = there.permissions().mode() & 0o777;
        Ok(match there.file_type() {
            kind if kind.is_dir() => Some(Made::Folder(mode)),
            kind if kind.is_symlink() => Some(Made::Link(fs::read_link(&path)?)),
            kind if kind.is_file() => Some(Made::File(mode, there.len())),
            _ => None,
        })
    }

    /// Returns a file's content, unless that is too much to be kept.
    pub(super) fn content(&self, path: &Path, bytes: u64) -> Option<Vec<u8>> {
        let file = self.root.join(path);
        (bytes <= LIMIT_BYTES).then(|| fs::read(file).ok())?
    }

    /// Returns what is there `now`; what has not changed since `then` was made of it before.
    pub(super) fn works<C: Clone>(
        &self,
        now: &BTreeMap<PathBuf, Seen>,
        (then, made): (&BTreeMap<PathBuf, Seen>, &BTreeMap<PathBuf, Made<C>>),
        left_bytes: &mut u64,
        keep: &mut dyn FnMut(&[u8]) -> Option<C>,
    ) -> Option<BTreeMap<PathBuf, Made<C>>> {
        let of = |(path, seen): (&PathBuf, &Seen)| {
            let works = match seen.kind.as_ref()? {
                Made::Folder(mode) => Made::Folder(*mode),
                Made::Link(target) => Made::Link(target.clone()),
                Made::File(mode, ()) => {
                    let bytes = seen.stamp.map_or(0, |(bytes, _)| bytes);
                    *left_bytes = left_bytes.checked_sub(bytes)?;
                    let is_still = then.get(path).is_some_and(|then| seen.is_still(then));
                    match made.get(path).filter(|_| is_still) {
                        Some(made) => made.clone(),
                        None => Made::File(*mode, keep(&self.content(path, bytes)?)?),
                    }
                }
            };
            Some((path.clone(), works))
        };
        now.iter().map(of).collect()
    }

    /// Returns what is at a path with its content; nothing if nothing is there, or that cannot be
    /// kept.
    pub(super) fn made(&self, path: &Path) -> Option<Made<Vec<u8>>> {
        Some(match self.look(path).ok()?? {
            Made::Folder(mode) => Made::Folder(mode),
            Made::Link(target) => Made::Link(target),
            Made::File(mode, bytes) => Made::File(mode, self.content(path, bytes)?),
        })
    }

    /// Puts there what was there `later`, wherever it is now as it was at `first`, and not the
    /// learner's.
    pub(super) fn put_again(
        &self,
        later: &BTreeMap<PathBuf, Made<Vec<u8>>>,
        first: &BTreeMap<PathBuf, Made<Vec<u8>>>,
    ) -> Result<(), WorkspaceError> {
        let mut missing = BTreeMap::new();
        for (path, made) in later {
            let file = self.root.join(path);
            let now = self.made(path);
            let is_there = fs::symlink_metadata(&file).is_ok();
            let is_changed = now.is_some() != is_there || now.as_ref() != first.get(path);
            if is_changed || now.as_ref() == Some(made) || self.before.contains(path) {
                continue;
            }
            if is_there && !is_folder(&file) {
                fs::remove_file(&file).map_err(failed("remove", &file))?;
            }
            missing.insert(path.clone(), made.clone());
        }
        self.bring_back(&missing, &|_| false)
    }

    /// Removes what is there now and was not there `then`, but for what `is_theirs` says to be the
    /// learner's; that is what was there before any steps from now on.
    pub(super) fn take_back(
        &mut self,
        then: &BTreeMap<PathBuf, Made<Vec<u8>>>,
        is_theirs: &dyn Fn(&Path, Option<Made<u64>>) -> bool,
    ) -> Result<(), WorkspaceError> {
        self.before.clear();
        // What is in a folder goes before the folder.
        for path in self.listing().into_iter().rev() {
            let file = self.root.join(&path);
            let now = match self.look(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                now => now.map_err(failed("read", &file))?,
            };
            if is_theirs(&path, now.clone()) {
                self.before.insert(path);
                continue;
            }
            match (now, then.get(&path)) {
                (Some(Made::Folder(_)), Some(Made::Folder(_)))
                | (Some(Made::File(..)), Some(Made::File(..))) => {}
                (Some(Made::Folder(_)), _) => remove_folder(&file)?,
                _ => fs::remove_file(&file).map_err(failed("remove", &file))?,
            }
        }
        Ok(())
    }

    /// Puts there what was there then, but for what the learner has at those paths.
    pub(super) fn bring_back(
        &self,
        then: &BTreeMap<PathBuf, Made<Vec<u8>>>,
        is_theirs: &dyn Fn(&Path) -> bool,
    ) -> Result<(), WorkspaceError> {
        for (path, made) in then {
            let file = self.root.join(path);
            let mut above = path.ancestors().skip(1).map(|above| self.root.join(above));
            // The learner put a file where the folder was.
            let is_blocked = above.any(|above| above.exists() && !above.is_dir());
            if is_theirs(path) || is_blocked {
                continue;
            }
            match made {
                Made::Folder(_) if file.is_dir() => {}
                Made::Folder(_) => {
                    self.parent_of(path)?;
                    let made = DirBuilder::new().mode(0o700).create(&file);
                    made.map_err(failed("make", &file))?;
                }
                // A folder that the learner has something in.
                Made::Link(_) | Made::File(..) if is_folder(&file) => {}
                Made::Link(target) => {
                    self.parent_of(path)?;
                    symlink(target, &file).map_err(failed("write", &file))?;
                }
                Made::File(mode, content) => {
                    self.place(path, content)?;
                    let permissions = Permissions::from_mode(*mode);
                    fs::set_permissions(&file, permissions).map_err(failed("write", &file))?;
                }
            }
        }
        // Last, as one may forbid to put something into it.
        for (path, made) in then.iter().rev() {
            let file = self.root.join(path);
            if let Made::Folder(mode) = made
                && is_folder(&file)
                && !is_theirs(path)
            {
                let permissions = Permissions::from_mode(*mode);
                fs::set_permissions(&file, permissions).map_err(failed("write", &file))?;
            }
        }
        Ok(())
    }

    /// Puts a file there as a whole.
    pub(super) fn place(&self, path: &Path, content: &[u8]) -> Result<(), WorkspaceError> {
        let target = self.root.join(path);
        let folder = self.parent_of(path)?;
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED[0])
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&folder)
            .map_err(failed("write", &target))?;
        file.write_all(content).map_err(failed("write", &target))?;
        file.persist(&target)
            .map_err(|error| failed("write", &target)(error.error))?;
        Ok(())
    }

    /// Makes the folder that a path lies in, and returns it without links; an error if it is
    /// outside.
    fn parent_of(&self, path: &Path) -> Result<PathBuf, WorkspaceError> {
        let target = self.root.join(path);
        let folder = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let root = self.root.canonicalize();
        let root = root.map_err(failed("find", &self.root))?;
        let real = folder.canonicalize().map_err(failed("find", folder))?;
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || !real.starts_with(&root) {
            return Err(WorkspaceError::Escape(path.to_owned()));
        }
        Ok(real)
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_dir())
}

/// Lets all that is in a folder be removed, whatever permissions steps gave it. Symbolic links are
/// not followed.
pub(super) fn open_up(folder: &Path) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        make_writable(&folder);
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
        let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(below.map(|entry| entry.path()));
    }
}

/// What cannot be changed shows itself when something is to be removed there.
fn make_writable(folder: &Path) {
    if let Ok(there) = fs::symlink_metadata(folder)
        && there.is_dir()
        && there.permissions().mode() & 0o700 != 0o700
    {
        let mode = there.permissions().mode() | 0o700;
        let _ = fs::set_permissions(folder, Permissions::from_mode(mode));
    }
}

/// Removes a folder, unless somebody has something in it.
pub(super) fn remove_folder(folder: &Path) -> Result<(), WorkspaceError> {
    match fs::remove_dir(folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::DirectoryNotEmpty
                    | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        removed => removed.map_err(failed("remove", folder)),
    }
}
