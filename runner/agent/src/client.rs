//! The other end of the channel: starts an agent and talks to it.

use crate::processes::end_orphans;
use crate::processor::go_anywhere;
use crate::protocol::{self, Decoder, Frame, Reply, Request, Stream};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{Pid, read, write};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an agent gets to end all that it keeps, once the channel is closed.
const CLOSING: Duration = Duration::from_secs(3);

/// How long the other end may take nothing of what is sent before it counts as gone.
const STUCK: Duration = Duration::from_secs(60);

/// A stream to an agent.
#[derive(Debug)]
pub struct Channel {
    fd: Option<OwnedFd>,
    decoder: Decoder,
    buffer: Vec<u8>,
}

/// A running agent.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    agent: Child,
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// An answer.
    Reply(Reply),
    /// Something that a run printed.
    Output {
        /// The run.
        id: u32,
        /// Where.
        stream: Stream,
        /// The bytes as they came.
        bytes: Vec<u8>,
    },
    /// Part of a file, or what a terminal shows.
    Data {
        /// The request that it belongs to.
        id: u32,
        /// The bytes as they are.
        bytes: Vec<u8>,
    },
    /// The agent is gone.
    HungUp,
}

impl Client {
    /// Starts an agent: `program` with `arguments` serves on its standard input.
    pub fn spawn(program: &Path, arguments: &[&str]) -> io::Result<Client> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::Stream,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        // What an agent leaves that is killed comes to this process; see `drop`.
        nix::sys::prctl::set_child_subreaper(true)?;
        go_anywhere();
        let mut agents = agents();
        let agent = Command::new(program)
            .args(arguments)
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        agents.insert(pid_of(&agent));
        drop(agents);
        Ok(Client {
            channel: Channel::new(ours)?,
            agent,
        })
    }

    /// The agent's process id.
    pub fn pid(&self) -> u32 {
        self.agent.id()
    }

    /// True unless the agent is known to have ended.
    pub fn is_there(&mut self) -> bool {
        self.channel.is_open() && matches!(self.agent.try_wait(), Ok(None))
    }

    /// Asks for something. What the agent says meanwhile is kept for [`Client::recv`].
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        self.channel.send(request)
    }

    /// Asks for several things at once.
    pub fn send_all(&mut self, requests: &[Request]) -> io::Result<()> {
        self.channel.send_all(requests)
    }

    /// Waits for what the agent says next; `None` says that the time is up.
    pub fn recv(&mut self, timeout: Option<Duration>) -> io::Result<Option<Incoming>> {
        self.channel.recv(timeout)
    }
}

impl Channel {
    /// Talks over a stream socket.
    pub fn new(fd: OwnedFd) -> io::Result<Channel> {
        crate::shell::nonblocking(&fd)?;
        Ok(Channel {
            fd: Some(fd),
            decoder: Decoder::default(),
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Asks for something. What the agent says meanwhile is kept for [`Channel::recv`].
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        self.send_all(std::slice::from_ref(request))
    }

    /// Asks for several things at once.
    pub fn send_all(&mut self, requests: &[Request]) -> io::Result<()> {
        let mut frames = Vec::new();
        for request in requests {
            frames.extend(protocol::message(request)?);
        }
        self.write(&frames)
    }

    /// Sends part of a file, or what was typed at a terminal.
    pub fn send_data(&mut self, id: u32, bytes: &[u8]) -> io::Result<()> {
        self.write(&protocol::data(id, bytes))
    }

    /// What to wait at for more to come.
    pub fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// True until the other end is known to have hung up.
    pub fn is_open(&self) -> bool {
        self.fd.is_some()
    }

    /// Hangs up.
    pub fn close(&mut self) {
        self.fd = None;
    }

    fn write(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            let Some(channel) = &self.fd else {
                return Err(io::ErrorKind::BrokenPipe.into());
            };
            match write(channel, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    // Both ends writing and neither reading would last for ever.
                    let both = PollFlags::POLLIN | PollFlags::POLLOUT;
                    let mut fds = [PollFd::new(channel.as_fd(), both)];
                    let stuck = PollTimeout::try_from(STUCK).unwrap_or(PollTimeout::MAX);
                    if poll(&mut fds, stuck)? == 0 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    self.fill()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for what the agent says next; `None` says that the time is up.
    pub fn recv(&mut self, timeout: Option<Duration>) -> io::Result<Option<Incoming>> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(match frame {
                    Frame::Message(json) => Incoming::Reply(serde_json::from_slice(&json)?),
                    Frame::Output { id, stream, bytes } => Incoming::Output { id, stream, bytes },
                    Frame::Data { id, bytes } => Incoming::Data { id, bytes },
                }));
            }
            let Some(channel) = &self.fd else {
                return Ok(Some(Incoming::HungUp));
            };
            let wait = match deadline {
                None => PollTimeout::NONE,
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    // A wait of less than a millisecond is one of a millisecond, or it would spin.
                    let left = if left.is_zero() {
                        left
                    } else {
                        left.max(Duration::from_millis(1))
                    };
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                }
            };
            let mut fds = [PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, wait) {
                Ok(0) => return Ok(None),
                Ok(_) => self.fill()?,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let Some(channel) = &self.fd else {
            return Ok(());
        };
        match read(channel, &mut self.buffer) {
            Ok(0) | Err(Errno::ECONNRESET) => self.fd = None,
            Ok(count) => self.decoder.push(&self.buffer[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The agent ends all that it keeps when the channel closes, and then itself.
        self.channel.close();
        let deadline = Instant::now() + CLOSING;
        let ended_well = loop {
            match self.agent.try_wait() {
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_micros(200))
                }
                Ok(None) => {
                    let _ = self.agent.kill();
                    let _ = self.agent.wait();
                    break false;
                }
                Ok(Some(status)) => break status.success(),
                Err(_) => break true,
            }
        };
        let mut agents = agents();
        agents.remove(&pid_of(&self.agent));
        if !ended_well {
            end_orphans(&agents);
        }
    }
}

/// The agents of this process: of its children those that are no orphans. Held while one is being
/// started, so that a child is never seen before it is known.
fn agents() -> MutexGuard<'static, BTreeSet<Pid>> {
    static AGENTS: Mutex<BTreeSet<Pid>> = Mutex::new(BTreeSet::new());
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a process that stays when an agent that ended badly has its orphans ended. It is to be
/// given to [`ended`] when it is gone.
pub fn spawn_beside(command: &mut Command) -> io::Result<Child> {
    go_anywhere();
    let mut agents = agents();
    let child = command.spawn()?;
    agents.insert(pid_of(&child));
    Ok(child)
}

/// Forgets a process of [`spawn_beside`] that is gone.
pub fn ended(child: &Child) {
    agents().remove(&pid_of(child));
}

fn pid_of(agent: &Child) -> Pid {
    Pid::from_raw(agent.id() as i32)
}
