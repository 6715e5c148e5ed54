//! Opening what is below a folder, and nowhere else.
//!
//! The kernel does it by itself: `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`
//! (openat2(2)) goes a whole path in one call, and with `RESOLVE_NO_XDEV` stays on one mount. nix,
//! which is here anyhow, has it. cap-std would be the other choice; it allows links that stay inside,
//! which is more than is wanted, cannot refuse mounts, and would bring a dozen crates into the
//! guest's agent, which also has to name files that cap-std's paths hide.
//!
//! Linux before 5.6 has no `openat2`, and filters of system calls in old containers answer `EPERM`
//! for what they do not know. There a path is gone name by name with `O_NOFOLLOW`.

use crate::below::Below;
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// No path that a system call takes is as long (PATH_MAX).
pub(crate) const PATH_BYTES: usize = 4096;

/// To pass through a folder; this needs no permission to read it.
pub(crate) const PASS: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);

/// To list a folder.
pub(crate) const LIST: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY);

/// How paths are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the kernel.
    Whole,
    /// Name by name.
    Stepwise,
}

/// The borders that a way may cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// Mounts as well.
    Mounts,
    /// One mount only.
    Nothing,
}

impl Way {
    /// Which one is there.
    pub(crate) fn there(folder: BorrowedFd<'_>) -> Way {
        match whole(folder, Path::new("."), PASS, Crossing::Mounts) {
            Ok(_) => Way::Whole,
            Err(_) => Way::Stepwise,
        }
    }

    /// Opens what is below a folder. Nothing waits: a pipe without a writer is open at once.
    pub(crate) fn open(
        self,
        folder: BorrowedFd<'_>,
        path: &Path,
        flags: OFlag,
        across: Crossing,
    ) -> nix::Result<OwnedFd> {
        let mut at: Option<OwnedFd> = None;
        let mut pieces = pieces(path).into_iter().peekable();
        while let Some(piece) = pieces.next() {
            let from = at.as_ref().map_or(folder, |at| at.as_fd());
            let flags = match pieces.peek() {
                Some(_) => PASS,
                None => flags,
            };
            at = Some(match self {
                Way::Whole => whole(from, &piece, flags, across)?,
                Way::Stepwise => stepwise(from, &piece, flags, across)?,
            });
        }
        at.ok_or(Errno::ENOENT)
    }
}

fn always() -> OFlag {
    OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY
}

/// `O_PATH` stands alone with few others.
fn with_always(flags: OFlag) -> OFlag {
    match flags.contains(OFlag::O_PATH) {
        true => flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW,
        false => flags | always(),
    }
}

fn whole(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlag,
    across: Crossing,
) -> nix::Result<OwnedFd> {
    let mut resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    if across == Crossing::Nothing {
        resolve |= ResolveFlag::RESOLVE_NO_XDEV;
    }
    let how = OpenHow::new().flags(with_always(flags)).resolve(resolve);
    openat2(folder, path, how)
}

fn stepwise(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlag,
    across: Crossing,
) -> nix::Result<OwnedFd> {
    let mount = match across {
        Crossing::Nothing => Some(mount_of(folder)?),
        Crossing::Mounts => None,
    };
    let mut at: Option<OwnedFd> = None;
    let mut names = path.iter().peekable();
    while let Some(name) = names.next() {
        let from = at.as_ref().map_or(folder, |at| at.as_fd());
        let flags = match names.peek() {
            Some(_) => PASS,
            None => flags,
        };
        let next = openat(from, name, with_always(flags), Mode::empty())?;
        if let Some(mount) = &mount
            && mount_of(next.as_fd())? != *mount
        {
            return Err(Errno::EXDEV);
        }
        at = Some(next);
    }
    at.ok_or(Errno::ENOENT)
}

/// The number of the mount that a file was opened through (proc_pid_fdinfo(5)).
fn mount_of(file: BorrowedFd<'_>) -> nix::Result<String> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let info = info.map_err(|_| Errno::ENOSYS)?;
    let line = info.lines().find_map(|line| line.strip_prefix("mnt_id:"));
    line.map(|mount| mount.trim().to_owned())
        .ok_or(Errno::ENOSYS)
}

/// A path in parts that system calls take.
fn pieces(path: &Path) -> Vec<PathBuf> {
    if path.as_os_str().len() < PATH_BYTES {
        return vec![path.to_owned()];
    }
    let mut pieces = vec![PathBuf::new()];
    for name in path.iter() {
        let last = pieces.len() - 1;
        if pieces[last].as_os_str().len() + 1 + name.len() < PATH_BYTES {
            pieces[last].push(name);
        } else {
            pieces.push(name.into());
        }
    }
    pieces
}

/// Gives a folder its owner's permissions, whatever it had.
pub(crate) fn open_up(
    way: Way,
    folder: BorrowedFd<'_>,
    name: &OsStr,
    across: Crossing,
) -> nix::Result<()> {
    let there = way.open(folder, Path::new(name), PASS, across)?;
    open_up_itself(there.as_fd())
}

/// The same of a folder that is open.
pub(crate) fn open_up_itself(folder: BorrowedFd<'_>) -> nix::Result<()> {
    let mode = nix::sys::stat::fstat(folder)?.st_mode & 0o7777;
    match mode & 0o700 {
        0o700 => Ok(()),
        _ => set_mode(folder, mode | 0o700),
    }
}

/// Sets the permissions of a file or folder that was opened by `O_PATH` as well, which fchmod(2)
/// refuses. What is open is no link, so nothing else is reached.
pub(crate) fn set_mode(there: BorrowedFd<'_>, mode: u32) -> nix::Result<()> {
    let path = format!("/proc/self/fd/{}", there.as_raw_fd());
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7777)).map_err(|error| {
        let number = error.raw_os_error();
        number.map_or(Errno::EIO, Errno::from_raw)
    })
}

/// The names in a folder, and which of them the system says to be folders.
pub(crate) fn names(folder: OwnedFd) -> nix::Result<Vec<(OsString, Option<Type>)>> {
    let mut names = Vec::new();
    for entry in Dir::from_fd(folder)?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((OsStr::from_bytes(name).into(), entry.file_type()));
        }
    }
    Ok(names)
}

/// The folder that a path lies in, as a path below the same root; nothing if it is the root.
pub(crate) fn parent(path: &Below) -> Option<&Path> {
    let parent = path.path().parent()?;
    (parent != Path::new("")).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_gone_in_pieces_and_none_is_lost() {
        let long: PathBuf = (0..3000).map(|number| number.to_string()).collect();
        let pieces = pieces(&long);
        assert!(pieces.len() > 2);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.as_os_str().len() < PATH_BYTES)
        );
        assert_eq!(pieces.iter().collect::<PathBuf>(), long);
    }
}
