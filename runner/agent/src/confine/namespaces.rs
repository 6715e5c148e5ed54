//! A process in namespaces of its own: the first one there, as which the agent goes on. When it is
//! gone the kernel ends all others of them; and it goes when the process outside does that waits for
//! it, which goes with `tutor`.

use super::{Held, doing};
use crate::sys;
use caps::CapSet;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getegid, geteuid, pipe};
use signal_hook::consts::SIGCHLD;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long the process that serves may take to end what it started, once nobody is at the other end
/// of its channel.
const ENDING: Duration = Duration::from_secs(5);

/// Which of the two processes this one is.
#[derive(Debug)]
pub enum Side {
    /// The one that serves.
    Serves(Held),
    /// The one that waits.
    Waits(Child),
}

/// The process that serves, for the one that waits.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
}

impl Child {
    /// Waits until that process has ended. True if it ended well.
    ///
    /// It ends when nobody is at the other end of its channel any more. One that a step stopped, as
    /// by ptrace(2), does not hear that, and is killed.
    pub fn wait(self, channel: BorrowedFd<'_>) -> io::Result<bool> {
        let (mut children, theirs) = UnixStream::pair()?;
        children.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGCHLD, theirs)?;
        let mut kill_at = None;
        let ended_well = loop {
            if let Some(ended_well) = self.status(WaitPidFlag::WNOHANG) {
                break ended_well;
            }
            let mut fds = vec![PollFd::new(children.as_fd(), PollFlags::POLLIN)];
            let wait = match kill_at {
                None => {
                    fds.push(PollFd::new(channel, PollFlags::POLLHUP));
                    PollTimeout::NONE
                }
                Some(at) => {
                    let left = Instant::duration_since(&at, Instant::now());
                    if left.is_zero() {
                        let _ = kill(self.pid, Signal::SIGKILL);
                        break self.status(WaitPidFlag::empty()).unwrap_or(false);
                    }
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                }
            };
            let _ = poll(&mut fds, wait);
            if fds.get(1).is_some_and(|fd| fd.any().unwrap_or(false)) {
                kill_at = Some(Instant::now() + ENDING);
            }
            // A child that is stopped says so, too.
            while matches!(children.read(&mut [0; 64]), Ok(1..)) {}
        };
        super::limits::remove_groups(std::process::id());
        Ok(ended_well)
    }

    /// Whether it ended well, once it has ended.
    fn status(&self, flags: WaitPidFlag) -> Option<bool> {
        loop {
            match waitpid(self.pid, Some(flags)) {
                Ok(WaitStatus::Exited(_, code)) => return Some(code == 0),
                Ok(WaitStatus::StillAlive) => return None,
                Ok(WaitStatus::Signaled(..)) => return Some(false),
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(_) => return Some(false),
            }
        }
    }
}

/// Goes on as two processes, one of them in new namespaces; as one, if that cannot be.
pub fn enter(flags: CloneFlags) -> io::Result<Side> {
    let (mut from_child, mut to_parent) =
        pipe().map(|(read, write)| (File::from(read), File::from(write)))?;
    let ids = (geteuid(), getegid());
    let owner = std::process::id();
    let child = sys::fork_into(flags)?;
    let Some(child) = child else {
        drop(from_child);
        let settled = settle(flags, ids);
        let told = match &settled {
            Ok(()) => to_parent.write_all(b"+"),
            Err(error) => to_parent.write_all(error.to_string().as_bytes()),
        };
        // The other process may be gone already; then nobody would end this one.
        if settled.is_err() || told.is_err() {
            std::process::exit(1);
        }
        return Ok(Side::Serves(Held {
            namespaces: true,
            mounts: true,
            user: flags.contains(CloneFlags::CLONE_NEWUSER),
            owner,
            ..Held::default()
        }));
    };
    drop(to_parent);
    let mut said = String::new();
    from_child.read_to_string(&mut said)?;
    if said == "+" {
        return Ok(Side::Waits(Child { pid: child }));
    }
    Child { pid: child }.status(WaitPidFlag::empty());
    Err(io::Error::other(match said.is_empty() {
        true => "the first process ended".to_owned(),
        false => said,
    }))
}

/// Makes the namespaces what a process expects around it.
fn settle(
    flags: CloneFlags,
    (user, group): (nix::unistd::Uid, nix::unistd::Gid),
) -> io::Result<()> {
    let has_user = flags.contains(CloneFlags::CLONE_NEWUSER);
    if has_user {
        // user_namespaces(7): without this a group could be dropped that something is denied to.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(doing("make mounts private"))?;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), plain, none).map_err(doing("mount proc"))?;
    if flags.contains(CloneFlags::CLONE_NEWNET) {
        // Whoever serves on the loopback device for a client beside it needs no other network.
        crate::guest::bring_up_loopback()?;
    }
    let keeps_rights = !has_user || flags.contains(CloneFlags::CLONE_NEWIPC);
    if !keeps_rights {
        // What it starts has none either, and may open its pipes only then: ptrace(2), "access mode
        // checking".
        drop_capabilities()?;
    }
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    Ok(())
}

/// Gives up all capabilities, for what this process starts too.
pub fn drop_capabilities() -> io::Result<()> {
    // Without it root would get them back by starting a program (capabilities(7)).
    nix::sys::prctl::set_no_new_privs()?;
    // Takes a capability, and is no more than a second lock.
    let _ = caps::clear(None, CapSet::Bounding);
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
