//! Putting something where it belongs: it is made beside, and renamed.

use crate::below::Below;
use crate::error::{FilesError, failed, failed_io};
use crate::root::Root;
use crate::stamp::Stamp;
use crate::way::{self, Crossing, PASS};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How the name of something begins that is being written. A `tutor` that was killed leaves it.
pub const UNFINISHED: &str = ".tutor-writing-";

/// The state that a place may have before something is put there.
#[derive(Clone, Copy, Debug)]
pub enum Over<'s> {
    /// Nothing.
    Nothing,
    /// The file with this stamp.
    Known(&'s Stamp),
    /// Anything but a folder.
    Anything,
}

/// A new file or link, beside its place. It goes when this is dropped, unless it was placed.
#[derive(Debug)]
pub struct Beside {
    folder: Arc<OwnedFd>,
    name: OsString,
    file: Option<File>,
    full: PathBuf,
    is_placed: bool,
}

impl Root {
    /// Begins a file beside a path, in a folder that is there already. Nobody else may read it yet.
    pub fn beside(&self, path: &Below) -> Result<Beside, FilesError> {
        let folder = self.parent(path, Crossing::Mounts)?;
        Beside::file(folder, &self.full(path))
    }

    /// Puts a whole file there.
    pub fn write(
        &self,
        path: &Below,
        bytes: &[u8],
        mode: u32,
        over: Over<'_>,
    ) -> Result<(), FilesError> {
        self.write_from(path, &mut &*bytes, mode, over)
    }

    /// Puts a file there that has all that is read.
    pub fn write_from(
        &self,
        path: &Below,
        bytes: &mut dyn Read,
        mode: u32,
        over: Over<'_>,
    ) -> Result<(), FilesError> {
        let mut beside = self.beside(path)?;
        io::copy(bytes, &mut beside).map_err(failed_io("write", self.full(path)))?;
        beside.set_mode(mode)?;
        beside.place(path.name(), over)
    }

    /// Makes a symbolic link.
    pub fn link(&self, path: &Below, target: &Path, over: Over<'_>) -> Result<(), FilesError> {
        let folder = self.parent(path, Crossing::Mounts)?;
        let full = self.full(path);
        let made = fresh(|name| symlinkat(target, &folder, name));
        let (name, ()) = made.map_err(failed("write", &full))?;
        let mut beside = Beside {
            folder,
            name,
            file: None,
            full,
            is_placed: false,
        };
        beside.place(path.name(), over)
    }

    /// Makes a folder where nothing is.
    pub fn make_folder(&self, path: &Below, mode: u32) -> Result<(), FilesError> {
        let (folder, full) = (self.parent(path, Crossing::Mounts)?, self.full(path));
        let made = mkdirat(&folder, path.name(), Mode::S_IRWXU);
        made.map_err(|error| match error {
            Errno::EEXIST => FilesError::Changed(full.clone()),
            error => failed("make", &full)(error),
        })?;
        let made = self.way.open(
            folder.as_fd(),
            Path::new(path.name()),
            PASS,
            Crossing::Mounts,
        );
        let set = made.and_then(|made| way::set_mode(made.as_fd(), mode));
        set.map_err(failed("make", full))
    }

    /// Makes the folders that a path lies in, where they are missing; nothing is made behind a link.
    pub fn make_parents(&self, path: &Below) -> Result<(), FilesError> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        // Mostly it is there.
        match self.parent(path, Crossing::Mounts) {
            Err(error) if error.is_missing() => {}
            there => return there.map(drop),
        }
        let full = || self.full(path);
        let mut at = self
            .folder
            .try_clone()
            .map_err(failed_io("reach", full()))?;
        for name in parent.path() {
            match mkdirat(&at, name, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(failed("make", full())(error)),
            }
            let next = self
                .way
                .open(at.as_fd(), Path::new(name), PASS, Crossing::Mounts);
            at = next.map_err(failed("reach", full()))?;
        }
        Ok(())
    }

    /// Sets the permissions of a file or folder, and of nothing behind a link.
    pub fn set_mode(&self, path: &Below, mode: u32) -> Result<(), FilesError> {
        let full = self.full(path);
        let folder = self.folder.as_fd();
        let there = self
            .way
            .open(folder, path.path(), OFlag::O_PATH, Crossing::Mounts);
        let there = there.map_err(failed("reach", &full))?;
        let seen = nix::sys::stat::fstat(&there).map_err(failed("look at", &full))?;
        if seen.st_mode & nix::libc::S_IFMT == nix::libc::S_IFLNK {
            return Err(FilesError::Behind(full));
        }
        way::set_mode(there.as_fd(), mode).map_err(failed("set the permissions of", full))
    }

    /// Moves something to a path where nothing is, below this root or another one on the same file
    /// system.
    pub fn rename(&self, from: &Below, root: &Root, to: &Below) -> Result<(), FilesError> {
        let old = self.parent(from, Crossing::Nothing)?;
        let new = root.parent(to, Crossing::Nothing)?;
        let full = root.full(to);
        rename_new(old.as_fd(), from.name(), new.as_fd(), to.name())
            .map_err(|error| taken(error, "move", self.full(from), &full))
    }
}

impl Beside {
    /// Begins a file in a folder, for a place that is called `full`.
    pub(crate) fn file(folder: Arc<OwnedFd>, full: &Path) -> Result<Beside, FilesError> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let made = fresh(|name| openat(&folder, name, flags, mode));
        let (name, file) = made.map_err(failed("write", full))?;
        Ok(Beside {
            folder,
            name,
            file: Some(file.into()),
            full: full.to_owned(),
            is_placed: false,
        })
    }

    /// Sets its permissions.
    pub fn set_mode(&self, mode: u32) -> Result<(), FilesError> {
        let permissions = Permissions::from_mode(mode & 0o7777);
        let set = self
            .file
            .as_ref()
            .map(|file| file.set_permissions(permissions));
        set.unwrap_or(Ok(()))
            .map_err(failed_io("write", &self.full))
    }

    /// Puts it at a name in its folder. If something else is there it stays beside, and can be put
    /// at another name.
    pub fn place(&mut self, name: &OsStr, over: Over<'_>) -> Result<(), FilesError> {
        let folder = self.folder.as_fd();
        let full = self.full.with_file_name(name);
        match over {
            Over::Nothing => rename_new(folder, &self.name, folder, name)
                .map_err(|error| taken(error, "write", full.clone(), &full))?,
            Over::Anything => renameat(folder, self.name.as_os_str(), folder, name)
                .map_err(|error| taken(error, "write", full.clone(), &full))?,
            Over::Known(stamp) => self.exchange(name, stamp, &full)?,
        }
        self.is_placed = true;
        Ok(())
    }

    /// Puts it in place of what has a stamp, and looks afterwards what that was: if somebody was
    /// quicker, theirs goes back.
    fn exchange(&self, name: &OsStr, stamp: &Stamp, full: &Path) -> Result<(), FilesError> {
        let folder = self.folder.as_fd();
        let look = |name: &OsStr| fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        let before = look(name).map_err(|error| taken(error, "write", full.into(), full))?;
        if Stamp::from(&before) != *stamp || is_folder(&before) {
            return Err(FilesError::Changed(full.to_owned()));
        }
        let exchange = || {
            let flags = RenameFlags::RENAME_EXCHANGE;
            renameat2(folder, self.name.as_os_str(), folder, name, flags)
        };
        match exchange() {
            Ok(()) => {}
            // Some file systems cannot.
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                return renameat(folder, self.name.as_os_str(), folder, name)
                    .map_err(|error| taken(error, "write", full.into(), full));
            }
            Err(error) => return Err(taken(error, "write", full.into(), full)),
        }
        let after = look(&self.name).map_err(failed("write", full))?;
        if !is_unwritten(&before, &after) {
            exchange().map_err(failed("write", full))?;
            return Err(FilesError::Changed(full.to_owned()));
        }
        // It is done, and what was there goes.
        unlinkat(folder, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir)
            .map_err(failed("remove", full))
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_placed {
            let name = self.name.as_os_str();
            let _ = unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

pub(crate) fn is_folder(there: &FileStat) -> bool {
    there.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR
}

/// Renaming changes the change time; what was written to has another time of that.
fn is_unwritten(before: &FileStat, after: &FileStat) -> bool {
    let of = |there: &FileStat| {
        (
            Stamp::from(there).identity(),
            there.st_size,
            there.st_mtime,
            there.st_mtime_nsec,
        )
    };
    of(before) == of(after)
}

/// Renames to where nothing is.
fn rename_new(
    old: BorrowedFd<'_>,
    from: &OsStr,
    new: BorrowedFd<'_>,
    to: &OsStr,
) -> nix::Result<()> {
    match renameat2(old, from, new, to, RenameFlags::RENAME_NOREPLACE) {
        // Some file systems cannot.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            match fstatat(new, to, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EEXIST),
                Err(Errno::ENOENT) => renameat(old, from, new, to),
                Err(error) => Err(error),
            }
        }
        renamed => renamed,
    }
}

fn taken(error: Errno, doing: &'static str, path: PathBuf, place: &Path) -> FilesError {
    match error {
        Errno::ENOENT if doing == "move" => failed(doing, path)(error),
        Errno::EEXIST | Errno::ENOTEMPTY | Errno::EISDIR | Errno::ENOTDIR | Errno::ENOENT => {
            FilesError::Changed(place.to_owned())
        }
        error => failed(doing, path)(error),
    }
}

/// Makes something with a name that nothing has yet.
fn fresh<T>(mut make: impl FnMut(&OsStr) -> nix::Result<T>) -> nix::Result<(OsString, T)> {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = OsString::from(format!("{UNFINISHED}{}-{now:x}", std::process::id()));
        match make(&name) {
            Err(Errno::EEXIST) => {}
            made => return made.map(|made| (name, made)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn below(path: &str) -> Below {
        Below::new(path).unwrap()
    }

    #[test]
    fn what_somebody_wrote_meanwhile_stays_and_the_new_goes_beside() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let at = |name: &str| folder.path().join(name);
        let read = |name: &str| fs::read_to_string(at(name)).unwrap();
        fs::write(at("notes"), "old").unwrap();
        let known = root.look(&below("notes")).unwrap().unwrap().stamp;
        let mut beside = root.beside(&below("notes")).unwrap();
        beside.write_all(b"new").unwrap();
        fs::write(at("notes"), "their own").unwrap();
        for over in [Over::Known(&known), Over::Nothing] {
            let placed = beside.place(OsStr::new("notes"), over);
            assert!(matches!(placed, Err(FilesError::Changed(_))), "{placed:?}");
        }
        beside.place(OsStr::new("notes.2"), Over::Nothing).unwrap();
        drop(beside);
        assert_eq!(read("notes"), "their own");
        assert_eq!(read("notes.2"), "new");
        let known = root.look(&below("notes")).unwrap().unwrap().stamp;
        let over = Over::Known(&known);
        root.write(&below("notes"), b"newer", 0o600, over).unwrap();
        assert_eq!(read("notes"), "newer");
        // Nothing lies beside.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_placed_goes_and_no_folder_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        let known = root.look(&below("d")).unwrap().unwrap().stamp;
        for over in [Over::Nothing, Over::Anything, Over::Known(&known)] {
            let file = root.write(&below("d"), b"x", 0o644, over);
            let link = root.link(&below("d"), Path::new("x"), over);
            for placed in [file, link] {
                assert!(matches!(placed, Err(FilesError::Changed(_))), "{placed:?}");
            }
        }
        drop(root.beside(&below("x")).unwrap());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1);
        assert!(folder.path().join("d").is_dir());
        let missing = root.write(&below("no/x"), b"", 0o644, Over::Nothing);
        assert!(missing.unwrap_err().is_missing());
    }

    #[test]
    fn folders_and_links_are_made_where_nothing_is_and_have_their_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        root.make_parents(&below("a/b/c")).unwrap();
        root.make_parents(&below("a/b/c")).unwrap();
        root.make_folder(&below("a/b/c"), 0o750).unwrap();
        assert!(root.make_folder(&below("a/b/c"), 0o750).is_err());
        let mode = fs::metadata(folder.path().join("a/b/c")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o7777, 0o750);
        root.set_mode(&below("a/b/c"), 0o700).unwrap();
        let link = below("a/link");
        root.link(&link, Path::new("one"), Over::Nothing).unwrap();
        assert!(root.link(&link, Path::new("two"), Over::Nothing).is_err());
        root.link(&link, Path::new("two"), Over::Anything).unwrap();
        let target = fs::read_link(folder.path().join("a/link")).unwrap();
        assert_eq!(target, Path::new("two"));
        root.rename(&link, &root, &below("moved")).unwrap();
        let taken = root.rename(&below("moved"), &root, &below("a"));
        assert!(matches!(taken, Err(FilesError::Changed(_))), "{taken:?}");
        let missing = root.rename(&below("none"), &root, &below("x"));
        assert!(missing.unwrap_err().is_missing());
    }
}
