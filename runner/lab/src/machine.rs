//! One running machine: its process, its monitor, and the channel to the agent in it.

mod error;

use crate::pending::PendingRequests;
use crate::qemu::{Beginning, MEMORY_MIB, Qemu, command, given};
use crate::qmp::Qmp;
pub use error::MachineError;
use serde_json::json;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tutor_agent::Waiting;
use tutor_agent::client::{self, Channel};
use tutor_agent::protocol::{
    GuestReply, GuestRequest, Incoming, QUOTED_BYTES, Reply, Request, VERSION,
};
use tutor_files::Found;

/// How much of the console and of QEMU's messages is kept.
const TAIL_BYTES: usize = 64 * 1024;

/// How long a guest may take to boot or resume: emulated on a busy machine it is slow.
const ANSWER: Duration = Duration::from_secs(120);

/// How long a guest that is up may take for one answer.
const REPLY: Duration = Duration::from_secs(60);

/// How long a guest may take for all that is asked of it to bring files one way: a whole folder takes
/// seconds, and on a busy machine minutes.
const SHARING: Duration = Duration::from_secs(300);

/// The most that a state has beside the guest's memory, in bytes.
const DEVICES_BYTES: u64 = 64 << 20;

/// How long QEMU may take to go on with reading or writing a state.
const MOVING: Duration = Duration::from_secs(30);

/// The program that becomes QEMU with a guard: it is called with these arguments, the process id
/// of its caller, and the words to become; it calls
/// [`become_guarded`](tutor_agent::guarded::become_guarded).
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
}

/// A running machine. It ends when this is dropped.
#[derive(Debug)]
pub struct Machine {
    channel: Channel,
    asked: PendingRequests,
    last_id: u32,
    /// Messages of the agent that came while a different one was waited for.
    later: Waiting,
    /// Until when files may be on their way.
    sharing_until: Option<Instant>,
    /// How long one answer may take.
    patience: Duration,
    qemu: Option<Process>,
}

/// QEMU, as it runs.
#[derive(Debug)]
struct Process {
    qmp: Qmp,
    pid: u32,
    said: Arc<Mutex<VecDeque<u8>>>,
    over: mpsc::Receiver<()>,
}

impl Machine {
    /// Starts a machine. Nothing is waited for.
    pub fn start(
        qemu: &Qemu,
        launcher: &Launcher,
        beginning: Beginning<'_>,
    ) -> Result<Machine, MachineError> {
        let failed = |error: io::Error| MachineError::Start {
            program: qemu.program.clone(),
            error,
        };
        let (channel, agent_end) = UnixStream::pair().map_err(failed)?;
        let (monitor, monitor_end) = UnixStream::pair().map_err(failed)?;
        let mut starting = Command::new(&launcher.program);
        starting
            .args(&launcher.arguments)
            .arg(std::process::id().to_string())
            .args(given(qemu, beginning).words(command(qemu, beginning)))
            .stdin(OwnedFd::from(agent_end))
            .stdout(OwnedFd::from(monitor_end))
            .stderr(Stdio::piped())
            .process_group(0);
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let (started, has_started) = mpsc::channel();
        let (ended, over) = mpsc::channel();
        let kept = Arc::clone(&said);
        // The guard is tied to the thread that starts the process, so that thread stays with it.
        let thread = std::thread::Builder::new().spawn(move || {
            let child = client::spawn_beside(&mut starting);
            // The channels' other ends belong to the child alone.
            drop(starting);
            let mut child = match child {
                Ok(child) => child,
                Err(error) => return drop(started.send(Err(error))),
            };
            let _ = started.send(Ok(child.id()));
            watch(&mut child, &kept);
            let _ = ended.send(());
        });
        thread.map_err(failed)?;
        let pid = match has_started.recv() {
            Ok(pid) => pid.map_err(failed)?,
            Err(_) => return Err(failed(io::ErrorKind::BrokenPipe.into())),
        };
        let mut machine = Machine::of_agent(channel).map_err(failed)?;
        machine.qemu = Some(Process {
            qmp: Qmp::new(monitor).map_err(failed)?,
            pid,
            said,
            over,
        });
        Ok(machine)
    }

    /// A machine of which there is the channel to its agent alone: no QEMU, and so no state.
    pub fn of_agent(channel: UnixStream) -> io::Result<Machine> {
        Ok(Machine {
            channel: Channel::new(channel.into())?,
            asked: PendingRequests::default(),
            last_id: u32::MAX / 2,
            later: Waiting::default(),
            sharing_until: None,
            patience: REPLY,
            qemu: None,
        })
    }

    /// Gives the guest this long for one answer, and for taking one message.
    pub fn be_patient_for(&mut self, patience: Duration) {
        self.patience = patience;
        self.channel.be_patient_for(patience);
    }

    /// The process id of QEMU.
    pub fn pid(&self) -> Option<u32> {
        self.qemu.as_ref().map(|qemu| qemu.pid)
    }

    fn qmp(&mut self) -> io::Result<&mut Qmp> {
        let qemu = self.qemu.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(&mut qemu.qmp)
    }

    /// Gives a machine that waits for a state that state, in pieces, and waits for its agent.
    pub fn resume(&mut self, pieces: &mut dyn Iterator<Item = &[u8]>) -> Result<(), MachineError> {
        let fed = self.feed(pieces);
        fed.map_err(|error| self.why("resume the saved state", error))?;
        self.hello()?;
        self.freshen()
    }

    fn feed(&mut self, pieces: &mut dyn Iterator<Item = &[u8]>) -> io::Result<()> {
        let (mut ours, theirs) = UnixStream::pair()?;
        ours.set_write_timeout(Some(MOVING))?;
        self.qmp()?.give("state", &theirs)?;
        drop(theirs);
        self.qmp()?
            .execute("migrate-incoming", json!({"uri": "fd:state"}))?;
        for piece in pieces {
            ours.write_all(piece)?;
        }
        Ok(())
    }

    /// Returns the machine's state. The machine stands still afterwards, until it is let [`go_on`].
    ///
    /// [`go_on`]: Machine::go_on
    pub fn state(&mut self) -> Result<Vec<u8>, MachineError> {
        let state = self.try_state();
        state.map_err(|error| self.why("save the machine's state", error))
    }

    fn try_state(&mut self) -> io::Result<Vec<u8>> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(MOVING))?;
        self.qmp()?.give("state", &theirs)?;
        drop(theirs);
        let fast = json!({"max-bandwidth": 1u64 << 40});
        self.qmp()?.execute("migrate-set-parameters", fast)?;
        self.qmp()?.execute("migrate", json!({"uri": "fd:state"}))?;
        let mut state = Vec::new();
        let most = (u64::from(MEMORY_MIB) << 20) + DEVICES_BYTES;
        ours.take(most).read_to_end(&mut state)?;
        let deadline = Instant::now() + MOVING;
        loop {
            let now = self.qmp()?.execute("query-migrate", json!({}))?;
            match now["status"].as_str() {
                Some("completed") => return Ok(state),
                Some("failed" | "cancelled") => {
                    let said = now["error-desc"].as_str().unwrap_or("migration failed");
                    return Err(io::Error::other(said.to_owned()));
                }
                Some(_) | None if Instant::now() > deadline => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Some(_) | None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Lets a machine go on that stood still.
    pub fn go_on(&mut self) -> Result<(), MachineError> {
        let went = self.qmp().and_then(|qmp| qmp.execute("cont", json!({})));
        went.map(drop)
            .map_err(|error| self.why("let the machine go on", error))
    }

    /// Waits until the agent answers, and makes sure that it speaks our protocol.
    pub fn hello(&mut self) -> Result<(), MachineError> {
        self.send(&Request::Hello { version: VERSION })?;
        let doing = "starting";
        loop {
            match self.recv(doing, Instant::now(), ANSWER)? {
                Incoming::Reply(Reply::Hello { version: VERSION }) => return Ok(()),
                Incoming::Reply(Reply::Hello { version: found }) => {
                    return Err(MachineError::Version { found });
                }
                _ => {}
            }
        }
    }

    /// Gives the guest a secret of its own and the time: a resumed one has those of the saved one.
    pub fn freshen(&mut self) -> Result<(), MachineError> {
        let mut bytes = [0; 32];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut bytes))
            .map_err(|error| MachineError::Monitor {
                doing: "read /dev/urandom",
                error,
            })?;
        let seed = self.next_id();
        self.request(&GuestRequest::Seed { id: seed, bytes })?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let clock = self.next_id();
        self.request(&GuestRequest::Clock {
            id: clock,
            seconds: now.as_secs() as i64,
            nanoseconds: i64::from(now.subsec_nanos()),
        })?;
        self.done(seed, "seed its random numbers")?;
        self.done(clock, "set its clock")
    }

    /// Picks an id that no other request of this machine has. Those of runs are the caller's.
    pub fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Asks the agent for something that only a guest does.
    pub fn request(&mut self, request: &GuestRequest) -> Result<(), MachineError> {
        self.send(&Request::Guest(request.clone()))
    }

    /// Asks the agent for something.
    pub fn send(&mut self, request: &Request) -> Result<(), MachineError> {
        self.asked.ask(request);
        let sent = self.channel.send(request);
        sent.map_err(|error| self.why("talk to the guest", error))
    }

    /// Brings files one way, with a limit of time for all of it.
    pub fn sharing<T>(&mut self, bring: impl FnOnce(&mut Machine) -> T) -> T {
        self.sharing_until = Some(Instant::now() + SHARING);
        let brought = bring(self);
        self.sharing_until = None;
        brought
    }

    /// Sends part of a file, or what was typed.
    pub fn send_data(&mut self, id: u32, bytes: &[u8]) -> Result<(), MachineError> {
        if self
            .sharing_until
            .is_some_and(|until| Instant::now() > until)
        {
            return Err(MachineError::silent("take files", SHARING));
        }
        let sent = self.channel.send_data(id, bytes);
        sent.map_err(|error| self.why("talk to the guest", error))
    }

    /// Waits until a request was done.
    pub fn done(&mut self, wanted: u32, doing: &'static str) -> Result<(), MachineError> {
        self.answer(wanted, doing, &mut |_| ()).map(drop)
    }

    /// Waits for the answer to a request; `data` gets the bytes that come before it. Other
    /// messages of the agent are kept for [`Machine::next`].
    pub fn answer(
        &mut self,
        wanted: u32,
        doing: &'static str,
        data: &mut dyn FnMut(&[u8]),
    ) -> Result<Vec<Found>, MachineError> {
        let began = Instant::now();
        let shared = self
            .sharing_until
            .map(|until| until.saturating_duration_since(began));
        let patience = shared.map_or(self.patience, |left| left.min(self.patience));
        let mut listed = Vec::new();
        loop {
            match self.recv(doing, began, patience)? {
                Incoming::Data { id, bytes } if id == wanted => data(&bytes),
                Incoming::Reply(Reply::Guest(reply)) => match reply {
                    GuestReply::Done { id, error } if id == wanted => {
                        return match error {
                            None => Ok(listed),
                            Some(what) => Err(MachineError::Refused { doing, what }),
                        };
                    }
                    GuestReply::Listed { id, entries, more } if id == wanted => {
                        listed.extend(entries);
                        if !more {
                            return Ok(listed);
                        }
                    }
                    // Of an earlier request, which was given up.
                    GuestReply::Done { .. } | GuestReply::Listed { .. } => {}
                    GuestReply::TerminalEnded { .. } => {
                        self.keep(Incoming::Reply(Reply::Guest(reply)))?
                    }
                },
                other => self.keep(other)?,
            }
        }
    }

    /// Lists what is below a folder of the guest.
    pub fn list(&mut self, folder: &Path) -> Result<Vec<Found>, MachineError> {
        let (id, folder) = (self.next_id(), folder.to_owned());
        self.request(&GuestRequest::List { id, folder })?;
        self.answer(id, "list files", &mut |_| ())
    }

    fn keep(&mut self, incoming: Incoming) -> Result<(), MachineError> {
        let bytes = match &incoming {
            Incoming::Output { bytes, .. } | Incoming::Data { bytes, .. } => bytes.len(),
            // Texts in it are short, or it would not have come this far.
            Incoming::Reply(Reply::Finished { leftovers }) => leftovers.len() * QUOTED_BYTES,
            Incoming::Reply(_) | Incoming::HungUp => QUOTED_BYTES,
        };
        let kept = self.later.push(incoming, bytes);
        kept.map_err(|error| self.broke(error.to_string()))
    }

    fn recv(
        &mut self,
        doing: &'static str,
        began: Instant,
        patience: Duration,
    ) -> Result<Incoming, MachineError> {
        let left = patience.saturating_sub(began.elapsed());
        // A guest that says other things all the time does not answer either.
        let heard = if left.is_zero() {
            None
        } else {
            self.hear(left)?
        };
        heard.ok_or_else(|| MachineError::silent(doing, patience))
    }

    /// Waits this long for the agent to say something. Its hanging up is an error that says why.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Incoming>, MachineError> {
        match self.later.pop() {
            Some(incoming) => Ok(Some(incoming)),
            None => self.hear(wait),
        }
    }

    fn hear(&mut self, wait: Duration) -> Result<Option<Incoming>, MachineError> {
        match self.channel.recv(Some(wait)) {
            Ok(Some(Incoming::HungUp)) => {
                Err(self.why("hear the guest", io::ErrorKind::UnexpectedEof.into()))
            }
            Ok(Some(incoming)) => match self.asked.hear(&incoming) {
                Ok(()) => Ok(Some(incoming)),
                Err(what) => Err(self.broke(what)),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(self.why("hear the guest", error)),
        }
    }

    /// Ends the machine for an offense of its guest, and returns that as the error.
    pub fn broke(&mut self, what: impl Into<String>) -> MachineError {
        self.channel.close();
        if let Some(qemu) = &self.qemu {
            qemu.end();
        }
        MachineError::Broke { what: what.into() }
    }

    /// The file to wait at for a message, once [`Machine::next`] has none.
    pub fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.channel.readable()
    }

    /// The last words of the console and of QEMU.
    pub fn said(&self) -> String {
        self.qemu.as_ref().map(Process::said).unwrap_or_default()
    }

    /// Makes an error of a channel that broke, with the reason that the machine gave.
    fn why(&mut self, doing: &'static str, error: io::Error) -> MachineError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => {}
            // That is not the protocol.
            io::ErrorKind::InvalidData => return self.broke(error.to_string()),
            _ => return MachineError::Monitor { doing, error },
        }
        // The channels close before the last words are read.
        if let Some(qemu) = &self.qemu {
            let _ = qemu.over.recv_timeout(Duration::from_secs(2));
        }
        MachineError::from_last_words(&self.said())
    }
}

impl Process {
    fn said(&self) -> String {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(said.make_contiguous()).into_owned()
    }

    fn end(&self) {
        let pid = nix::unistd::Pid::from_raw(self.pid as i32);
        // The thread that watches it says when it is gone; then the id may be another process's.
        if self.over.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            let _ = self.over.recv_timeout(Duration::from_secs(3));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Keeps the end of what a process says until it has ended.
fn watch(child: &mut Child, kept: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    while let Some(stderr) = &mut child.stderr
        && let Ok(count @ 1..) = stderr.read(&mut buffer)
    {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..count]);
        let surplus = kept.len().saturating_sub(TAIL_BYTES);
        kept.drain(..surplus);
    }
    let _ = child.wait();
    client::ended(child);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_long_after_files_were_brought_is_sent() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut machine = Machine::of_agent(ours).unwrap();
        let late = machine.sharing(|machine| {
            machine.sharing_until = Some(Instant::now() - Duration::from_secs(1));
            machine.send_data(1, b"part of a file")
        });
        assert!(matches!(late, Err(MachineError::Silent { .. })), "{late:?}");
        machine.send_data(1, b"a key").unwrap();
    }
}
