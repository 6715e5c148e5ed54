//! The other end of the channel: starts an agent and talks to it.

use crate::pipes::nonblocking;
use crate::processes::end_orphans;
use crate::protocol::frame::{self, Decoder, Frame, REPLY_BYTES};
use crate::protocol::{Incoming, Request};
use crate::waiting::Waiting;
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

/// How long the other end may take for one thing that is sent to it before it counts as gone.
const STUCK: Duration = Duration::from_secs(60);

/// A stream to an agent.
#[derive(Debug)]
pub struct Channel {
    fd: Option<OwnedFd>,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// The messages that came while something was sent.
    waiting: Waiting,
    patience: Duration,
}

/// A running agent.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    agent: Child,
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
        // Steps can open their agent's files, by pidfd_getfd(2). So an agent inherits nothing that
        // the caller of `tutor` left open. A kernel without close_range(2) leaves it to steps.
        let _ = crate::sys::keep_inherited_files();
        // The processes of an agent that is killed come to this process; see `drop`.
        nix::sys::prctl::set_child_subreaper(true)?;
        let mut agents = agents();
        let agent = Command::new(program)
            .args(arguments)
            // It is the learner's, and steps can read what their agent was started with.
            .env_clear()
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

    /// Closes the channel, and waits for nothing: what a process does to its agents that is killed.
    #[doc(hidden)]
    pub fn hang_up(&mut self) {
        self.channel.close();
    }

    /// Sends a request. Messages that the agent sends meanwhile are kept for [`Client::recv`].
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        self.channel.send(request)
    }

    /// Waits for what the agent says next; `None` says that the time is up.
    pub fn recv(&mut self, timeout: Option<Duration>) -> io::Result<Option<Incoming>> {
        self.channel.recv(timeout)
    }
}

impl Channel {
    /// Talks over a stream socket.
    pub fn new(fd: OwnedFd) -> io::Result<Channel> {
        nonblocking(&fd)?;
        Ok(Channel {
            fd: Some(fd),
            decoder: Decoder::new(REPLY_BYTES),
            buffer: vec![0; 64 * 1024],
            waiting: Waiting::default(),
            patience: STUCK,
        })
    }

    /// Sends a request. Messages that the agent sends meanwhile are kept for [`Channel::recv`].
    pub fn send(&mut self, request: &Request) -> io::Result<()> {
        self.write(&frame::message(request)?)
    }

    /// Sends part of a file, or what was typed at a terminal.
    pub fn send_data(&mut self, id: u32, bytes: &[u8]) -> io::Result<()> {
        self.write(&frame::data(id, bytes))
    }

    /// Gives the other end this long to take one thing that is sent to it.
    pub fn be_patient_for(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Returns the file to poll for more to come.
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
        let deadline = Instant::now() + self.patience;
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
                    let left = deadline.saturating_duration_since(Instant::now());
                    let wait = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                    match poll(&mut fds, wait) {
                        Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                        // One that says much and takes nothing would keep this here.
                        Ok(_) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                    self.fill()?;
                    while let Some((incoming, bytes)) = self.decoded()? {
                        self.waiting.push(incoming, bytes)?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for what the agent says next; `None` says that the time is up.
    pub fn recv(&mut self, timeout: Option<Duration>) -> io::Result<Option<Incoming>> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        if let Some(incoming) = self.waiting.pop() {
            return Ok(Some(incoming));
        }
        loop {
            if let Some((incoming, _)) = self.decoded()? {
                return Ok(Some(incoming));
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

    /// Returns what came as a whole, and how many bytes it took.
    fn decoded(&mut self) -> io::Result<Option<(Incoming, usize)>> {
        let Some(frame) = self.decoder.next_frame()? else {
            return Ok(None);
        };
        Ok(Some(match frame {
            Frame::Message(json) => {
                // A value read from JSON takes up to this much more than the text.
                let bytes = json.len() * 4;
                let reply = serde_json::from_slice(&json)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                (Incoming::Reply(reply), bytes)
            }
            Frame::Output { id, stream, bytes } => {
                let count = bytes.len();
                (Incoming::Output { id, stream, bytes }, count)
            }
            Frame::Data { id, bytes } => {
                let count = bytes.len();
                (Incoming::Data { id, bytes }, count)
            }
        }))
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
