//! Processes in namespaces of their own.
//!
//! The first process of a PID namespace serves: when it ends, the kernel ends all others there. It
//! ends when the process outside that waits for it does, and that one ends with `tutor`.

use super::error::doing;
use crate::sys;
use caps::CapSet;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, pipe2};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// How long the process that serves may take to end what it started, once the other end of its
/// channel is closed.
const ENDING: Duration = Duration::from_secs(5);

/// With this status a process ends that would serve another lesson if it could.
pub const NEXT: i32 = 75;

/// How a process ended that this one waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has done all that there was to do.
    Well,
    /// Another one is to go on.
    Next,
    /// It failed, or was killed.
    Badly,
}

/// Which of two processes this one is.
#[derive(Debug)]
pub enum Side {
    /// The new one. It has this process outside that waits for it.
    Inside(u32),
    /// The one that started it.
    Outside(Child),
}

/// The new process, for the one that waits for it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    /// Ends with that process.
    life: File,
}

impl Child {
    /// Waits until that process has ended.
    ///
    /// It ends when the other end of its channel is closed. One that a step stopped, as by
    /// ptrace(2), does not hear that, and is killed.
    pub fn wait(&self, channel: BorrowedFd<'_>) -> End {
        let mut kill_at = None;
        loop {
            let life = PollFd::new(self.life.as_fd(), PollFlags::POLLIN);
            let mut fds = vec![life];
            let wait = match kill_at {
                None => {
                    fds.push(PollFd::new(channel, PollFlags::POLLHUP));
                    PollTimeout::NONE
                }
                Some(at) => {
                    let left = Instant::duration_since(&at, Instant::now());
                    if left.is_zero() {
                        let _ = kill(self.pid, Signal::SIGKILL);
                        return self.end();
                    }
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                }
            };
            let _ = poll(&mut fds, wait);
            let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
            if fds.first().is_some_and(is_ready) {
                return self.end();
            }
            if fds.get(1).is_some_and(is_ready) {
                kill_at = Some(Instant::now() + ENDING);
            }
        }
    }

    fn end(&self) -> End {
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(_, 0)) => return End::Well,
                Ok(WaitStatus::Exited(_, NEXT)) => return End::Next,
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return End::Badly,
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(_) => return End::Badly,
            }
        }
    }
}

/// Goes on as two processes, one of them in new namespaces, which `settle` makes what a process
/// expects around it. An error says why that cannot be; then there is one process still.
pub fn enter(flags: CloneFlags, settle: impl FnOnce() -> io::Result<()>) -> io::Result<Side> {
    let (from_child, to_parent) = pipe2(OFlag::O_CLOEXEC)?;
    let (mut from_child, mut to_parent) = (File::from(from_child), File::from(to_parent));
    let owner = std::process::id();
    let Some(pid) = sys::fork_into(flags)? else {
        drop(from_child);
        let settled = settle().and_then(|()| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?));
        let told = match &settled {
            Ok(()) => to_parent.write_all(b"+"),
            Err(error) => to_parent.write_all(error.to_string().as_bytes()),
        };
        // The other process may be gone already; then no process would end this one.
        if settled.is_err() || told.is_err() {
            std::process::exit(1);
        }
        // Its end is that of this process.
        let _ = std::os::fd::IntoRawFd::into_raw_fd(to_parent);
        return Ok(Side::Inside(owner));
    };
    drop(to_parent);
    let mut first = [0];
    let is_settled = from_child.read(&mut first)? == 1 && first == *b"+";
    if is_settled {
        let life = from_child;
        return Ok(Side::Outside(Child { pid, life }));
    }
    let mut said = String::from_utf8_lossy(&first).into_owned();
    let _ = from_child.read_to_string(&mut said);
    let life = from_child;
    Child { pid, life }.end();
    Err(io::Error::other(match said.trim_matches('\0') {
        "" => "the first process ended".to_owned(),
        said => said.to_owned(),
    }))
}

/// The ids that a process has before it enters a user namespace.
pub fn own_ids() -> (Uid, Gid) {
    (geteuid(), getegid())
}

/// Keeps them in a new user namespace, and makes the mounts private.
pub fn keep_to_itself(flags: CloneFlags, (user, group): (Uid, Gid)) -> io::Result<()> {
    if flags.contains(CloneFlags::CLONE_NEWUSER) {
        // user_namespaces(7): without this a group could be dropped that something is denied to.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(doing("make mounts private"))
}

/// Mounts a `/proc` that shows the processes of this one's PID namespace.
pub fn mount_proc() -> io::Result<()> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let none: Option<&str> = None;
    mount(Some("proc"), "/proc", Some("proc"), plain, none).map_err(doing("mount proc"))
}

/// Lets nothing that this process starts get capabilities that it has not (capabilities(7)): root would
/// by starting a program.
pub fn bound_capabilities() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    // Takes a capability, and is no more than a second lock.
    let _ = caps::clear(None, CapSet::Bounding);
    Ok(())
}

/// Gives up all capabilities, for what this process starts too.
pub fn drop_capabilities() -> io::Result<()> {
    for set in [
        CapSet::Ambient,
        CapSet::Inheritable,
        CapSet::Effective,
        CapSet::Permitted,
    ] {
        caps::clear(None, set).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}
