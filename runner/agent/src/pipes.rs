//! The pipes that runs print to.
//!
//! Only reading ends are kept here: a writer opens one anew, through `/proc`. So once a run has
//! ended, the end of its stream says that no process can write to it any more, and the pipe serves
//! the next run: to make and to close pipes would be most of this process's work for short runs.
//! To poll(2) a pipe that lost its writers is readable until the next one comes, so they are
//! awaited by edges: epoll(7) tells once of each change. A process that awaits a pipe wakes as
//! soon as it is opened (`fifo_open` in the kernel's `fs/pipe.c`), so that of a run that has only
//! begun is not awaited yet.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{pipe2, read};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The most pipes that are kept for runs to come.
const MOST_SPARE: usize = 256;

/// How many changes are heard of at once.
const CHANGES: usize = 64;

/// A pipe whose reading end does not block.
#[derive(Debug)]
pub struct Pipe {
    pub read: OwnedFd,
    pub write: OwnedFd,
}

impl Pipe {
    pub fn new() -> io::Result<Pipe> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        nonblocking(&read)?;
        Ok(Pipe { read, write })
    }
}

pub fn nonblocking(fd: &OwnedFd) -> io::Result<()> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Reads what is there now: `None` at the end of the stream.
pub fn read_some(fd: &OwnedFd, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match read(fd, buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Some(0),
            Err(_) => return None,
        }
    }
}

/// The reading end of a pipe that a run prints to.
#[derive(Debug)]
pub struct Outlet {
    read: OwnedFd,
    is_awaited: bool,
}

impl Outlet {
    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// Where a shell opens the pipe for writing.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.read.as_raw_fd())
    }

    /// A writing end, for a process that is started here.
    pub fn writer(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path())
    }
}

/// All of them.
#[derive(Debug)]
pub struct Pipes {
    epoll: Epoll,
    /// Those where something happened that was not looked at yet.
    changed: BTreeSet<RawFd>,
    spare: Vec<Outlet>,
}

impl Pipes {
    pub fn new() -> io::Result<Pipes> {
        Ok(Pipes {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            changed: BTreeSet::new(),
            spare: Vec::new(),
        })
    }

    /// Returns a pipe that has no writer.
    pub fn take(&mut self) -> io::Result<Outlet> {
        if let Some(outlet) = self.spare.pop() {
            return Ok(outlet);
        }
        let (read, _) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let is_awaited = false;
        Ok(Outlet { read, is_awaited })
    }

    /// Hears of this pipe from now on, and of what is in it already.
    pub fn wait_at(&mut self, outlet: &mut Outlet) -> io::Result<()> {
        if !outlet.is_awaited {
            let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
            let event = EpollEvent::new(edges, outlet.read.as_raw_fd() as u64);
            self.epoll.add(&outlet.read, event)?;
            outlet.is_awaited = true;
        }
        Ok(())
    }

    /// Takes back a pipe that no process can write to.
    pub fn put_back(&mut self, mut outlet: Outlet) {
        self.changed.remove(&outlet.read.as_raw_fd());
        if outlet.is_awaited && self.epoll.delete(&outlet.read).is_ok() {
            outlet.is_awaited = false;
        }
        // Who had it may have changed who can open it.
        let mode = fstat(&outlet.read).map(|status| status.st_mode & !SFlag::S_IFMT.bits());
        let as_made = (Mode::S_IRUSR | Mode::S_IWUSR).bits();
        if mode == Ok(as_made) && !outlet.is_awaited && self.spare.len() < MOST_SPARE {
            self.spare.push(outlet);
        }
    }

    /// Returns the file to poll for a change.
    pub fn changing(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// Hears of changes.
    pub fn hear(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); CHANGES];
        match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Ok(count) => {
                let changed = events.iter().take(count);
                self.changed
                    .extend(changed.map(|event| event.data() as RawFd));
                Ok(())
            }
            Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// True if there may be something to read.
    pub fn is_changed(&self, outlet: &Outlet) -> bool {
        self.changed.contains(&outlet.read.as_raw_fd())
    }

    /// Reads what is there now, once: `None` if nothing is, and no process can write to it as yet
    /// or any more.
    pub fn read(&mut self, outlet: &Outlet, buffer: &mut [u8]) -> Option<usize> {
        let count = read_some(&outlet.read, buffer);
        if !matches!(count, Some(1..)) {
            self.changed.remove(&outlet.read.as_raw_fd());
        }
        count
    }
}
