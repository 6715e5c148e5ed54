//! Listing all that is below a folder.
//!
//! One folder is open at a time. The walk goes down by a name and up by `..`, and looks whether that
//! led where it came from: a folder that is moved meanwhile leads elsewhere. So it costs one look for
//! each path, however deep, and neither descriptors nor the stack run out.

use crate::below::{Below, DEPTH, LENGTH_BYTES};
use crate::error::{FilesError, Limit, failed, failed_io};
use crate::found::{Closed, Limits, Listing, Mounts, Sum};
use crate::root::{Root, found};
use crate::stamp::{Identity, coarse_now};
use crate::way::{self, Crossing, LIST, PASS, PATH_BYTES};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest wait for a clock tick, in milliseconds; the slowest kernels tick every ten.
const SETTLING_MS: u32 = 20;

impl Root {
    /// Names what is below the folder.
    pub fn walk(&self, limits: &Limits) -> Result<Listing, FilesError> {
        let now = coarse_now().map_err(failed_io("list", self.path()))?;
        walk(self, limits, now)
    }

    /// The same, and waits for the next tick of the clock if something changed within this one, so
    /// that fewer stamps are `fresh`. What changes after that is so again.
    pub fn settled(&self, limits: &Limits) -> Result<Listing, FilesError> {
        let failed = || failed_io("list", self.path());
        let began = coarse_now().map_err(failed())?;
        let listing = walk(self, limits, began)?;
        if !listing.entries.iter().any(|found| found.fresh) {
            return Ok(listing);
        }
        let mut now = began;
        for _ in 0..SETTLING_MS {
            if now > began {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            now = coarse_now().map_err(failed())?;
        }
        walk(self, limits, now)
    }
}

/// A folder on the way to the one that is open.
pub(crate) struct Level {
    pub(crate) identity: Identity,
    /// Those in it that are still to be gone into.
    pub(crate) folders: Vec<OsString>,
}

/// Lists what is below a folder; `now` is the time from which on changes count as fresh.
fn walk(root: &Root, limits: &Limits, now: i64) -> Result<Listing, FilesError> {
    let began = Instant::now();
    let mut walk = Walk {
        root,
        limits,
        now,
        sum: Sum::default(),
        listing: Listing::default(),
        at: PathBuf::new(),
        began,
    };
    let first = match openat(&root.folder, ".", LIST | OFlag::O_CLOEXEC, Mode::empty()) {
        Err(Errno::EACCES) if limits.closed == Closed::OpenUp => {
            root.open_up()?;
            openat(&root.folder, ".", LIST | OFlag::O_CLOEXEC, Mode::empty())
        }
        first => first,
    };
    let mut open = first.map_err(failed("list", root.path()))?;
    let mut levels = vec![walk.level(&open)?];
    // How many levels the open folder lies below the last one.
    let mut above = 0;
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.folders.pop() else {
            levels.pop();
            walk.at.pop();
            above += 1;
            continue;
        };
        if above > 0 {
            match walk.up(&open, above, level.identity)? {
                Some(again) => open = again,
                // It went, with what is in it.
                None => {
                    level.folders.clear();
                    continue;
                }
            }
            above = 0;
        }
        walk.at.push(&name);
        match walk.enter(open.as_fd(), &name)? {
            Some(below) => {
                open = below;
                levels.push(walk.level(&open)?);
            }
            None => {
                walk.at.pop();
            }
        }
    }
    Ok(walk.listing)
}

struct Walk<'w> {
    root: &'w Root,
    limits: &'w Limits,
    now: i64,
    sum: Sum,
    listing: Listing,
    /// Where the open folder is.
    at: PathBuf,
    began: Instant,
}

impl Walk<'_> {
    /// Lists one folder.
    fn level(&mut self, open: &OwnedFd) -> Result<Level, FilesError> {
        let full = self.root.path().join(&self.at);
        let folder = open.try_clone().map_err(|_| Errno::EMFILE);
        let names = folder.and_then(way::names);
        let names = names.map_err(failed("list", &full))?;
        let depth = self.at.iter().count() + 1;
        let mut folders = Vec::new();
        for (count, (name, _)) in names.into_iter().enumerate() {
            if count % 256 == 0 && self.began.elapsed() > self.limits.time {
                return Err(self.exceeded(Limit::Time(self.limits.time)));
            }
            let path = self.at.join(&name);
            if depth > DEPTH || path.as_os_str().len() > LENGTH_BYTES {
                return Err(self.exceeded(Limit::Depth(self.limits.depth.min(DEPTH))));
            }
            let path = Below::of_names(path);
            let found = match found(open.as_fd(), &path, self.now) {
                Ok(Some(found)) => found,
                // It went while we looked.
                Ok(None) => continue,
                // Its names may be read, and nothing else.
                Err(Errno::EACCES) if depth > 1 => {
                    self.listing.closed.push(Below::of_names(self.at.clone()));
                    break;
                }
                Err(error) => return Err(failed("look at", self.root.full(&path))(error)),
            };
            let (folder, sum) = (self.root.path(), &mut self.sum);
            self.limits.count(folder, sum, &found, depth)?;
            if found.kind.is_folder() {
                folders.push(name);
            }
            self.listing.entries.push(found);
        }
        let identity = (&fstat(open).map_err(failed("look at", full))?).into();
        Ok(Level { identity, folders })
    }

    /// Opens a folder that was found; nothing if it went, turned into something else, or stays shut.
    fn enter(&mut self, open: BorrowedFd<'_>, name: &OsStr) -> Result<Option<OwnedFd>, FilesError> {
        let across = match self.limits.mounts {
            Mounts::Enter => Crossing::Mounts,
            Mounts::Name => Crossing::Nothing,
        };
        let way = self.root.way;
        let enter = || way.open(open, Path::new(name), LIST, across);
        let entered = match enter() {
            Err(Errno::EACCES) if self.limits.closed == Closed::OpenUp => {
                way::open_up(way, open, name, across).and_then(|()| enter())
            }
            entered => entered,
        };
        let path = || Below::of_names(self.at.clone());
        match entered {
            Ok(below) => Ok(Some(below)),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(Errno::EACCES | Errno::EPERM) => {
                self.listing.closed.push(path());
                Ok(None)
            }
            Err(Errno::EXDEV) => {
                self.listing.mounts.push(path());
                Ok(None)
            }
            Err(error) => Err(failed("list", self.root.path().join(&self.at))(error)),
        }
    }

    /// Goes back to the folder that is so many levels above the open one, unless it went.
    fn up(
        &self,
        open: &OwnedFd,
        levels: usize,
        to: Identity,
    ) -> Result<Option<OwnedFd>, FilesError> {
        if let Some(above) = up(open.as_fd(), levels, to) {
            return Ok(Some(above));
        }
        // Something was moved, or may only be passed through from above.
        let folder = self.root.folder.as_fd();
        let again = match self.at.as_os_str().is_empty() {
            true => openat(folder, ".", PASS | OFlag::O_CLOEXEC, Mode::empty()),
            false => self.root.way.open(folder, &self.at, PASS, Crossing::Mounts),
        };
        let again = again.and_then(|again| Ok((fstat(&again)?, again)));
        match again {
            Ok((there, again)) => Ok((Identity::from(&there) == to).then_some(again)),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => Ok(None),
            Err(error) => Err(failed("list", self.root.path().join(&self.at))(error)),
        }
    }

    fn exceeded(&self, limit: Limit) -> FilesError {
        FilesError::Limit {
            path: self.root.path().to_owned(),
            limit,
        }
    }
}

/// The folder so many levels above an open one, if it is the expected one.
pub(crate) fn up(open: BorrowedFd<'_>, levels: usize, to: Identity) -> Option<OwnedFd> {
    let path = "../".repeat(levels);
    let is_short = path.len() < PATH_BYTES;
    let flags = PASS | OFlag::O_CLOEXEC;
    let above = is_short.then(|| openat(open, path.as_str(), flags, Mode::empty()).ok())??;
    let there = fstat(&above).ok()?;
    (Identity::from(&there) == to).then_some(above)
}
