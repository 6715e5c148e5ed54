//! The agent's loop: one thread, one `poll`, no locks. `reports` hears the shell and its children,
//! `ending` ends runs.

mod ending;
mod reports;

use crate::confine::{self, Begun, Confinement, End, Guard, Held};
use crate::guest::Guest;
use crate::isolation;
use crate::pipes::{Pipe, Pipes};
use crate::protocol::frame::{self, Decoder, Frame};
use crate::protocol::{self, Mode, Reply, Request, Stream, VERSION};
use crate::runs::Run;
use crate::shell::{self, Setup, Shell, Told};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpgid, getppid, setpgid, setsid};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The agent could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system refused something that the agent cannot do without.
    #[error("the agent cannot go on: {0}")]
    System(#[from] io::Error),
    /// The input is not in the agent's protocol.
    #[error("the agent was told something that it does not understand: {0}")]
    Protocol(String),
}

impl From<Errno> for AgentError {
    fn from(error: Errno) -> AgentError {
        AgentError::System(error.into())
    }
}

/// The most that is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long a run gets to end before its output is waited for: a short one has printed all by then,
/// and so wakes this process once.
const SOON: Duration = Duration::from_millis(1);

/// How often a background run is looked at, since its process is not a child of ours.
const LOOK: Duration = Duration::from_millis(50);

/// Serves `tutor` on a channel until it hangs up or says that it is done. When this returns, every
/// process that a run started has ended.
pub fn serve(channel: OwnedFd) -> Result<(), AgentError> {
    serve_with(channel, None, Held::default()).map(drop)
}

/// The same with a guard around all that it starts, as far as it can be had here; what holds is
/// said when a shell starts. The channel is this process's standard input.
pub fn serve_guarded(guard: Guard) -> Result<(), AgentError> {
    match confine::begin(guard) {
        Begun::Serves(held) => {
            let channel = io::stdin().as_fd().try_clone_to_owned()?;
            match serve_with(channel, None, held)? {
                Then::End => Ok(()),
                // The process that waits for it starts the next one.
                Then::Next => std::process::exit(confine::NEXT),
            }
        }
        Begun::Ended(End::Well | End::Next) => Ok(()),
        Begun::Ended(End::Badly) => Err(io::Error::other("the process that served ended").into()),
    }
}

/// Serves `tutor` as the agent of a guest.
pub(crate) fn serve_guest(channel: OwnedFd, guest: Guest) -> Result<(), AgentError> {
    serve_with(channel, Some(guest), Held::default()).map(drop)
}

/// Whether a further process is to serve.
enum Then {
    End,
    /// Another process is to serve the next lesson: this one is confined to the last one's folders.
    Next,
}

fn serve_with(channel: OwnedFd, guest: Option<Guest>, held: Held) -> Result<Then, AgentError> {
    let mut agent = Agent::new(channel, guest, held)?;
    let served = agent.run();
    agent.end_everything();
    served.map(|()| match agent.is_used_up {
        true => Then::Next,
        false => Then::End,
    })
}

struct Agent {
    channel: File,
    decoder: Decoder,
    /// Readable after a child ended.
    children: UnixStream,
    /// Readable after a signal asked this process to end.
    asked_to_end: UnixStream,
    /// Where background runs say that they came to their end. Any process can write there.
    ends: Pipe,
    nonce: String,
    setup: Option<Setup>,
    shell: Option<Shell>,
    pipes: Pipes,
    runs: BTreeMap<u32, Run>,
    /// The run that the shell was told of and has not reported on.
    told: Option<u32>,
    /// The runs that the shell is to be told of, one after the other.
    untold: VecDeque<u32>,
    /// True if the shell is one in place of another that ended between two runs, and no run has
    /// been told so.
    is_replaced: bool,
    /// Ends that are yet to be told, after those of background runs.
    held: Vec<Reply>,
    /// The highest id of a run.
    last_id: u32,
    buffer: Vec<u8>,
    /// The bytes yet to be sent.
    outgoing: Vec<u8>,
    /// True while the shell closes.
    is_closing: bool,
    leaving: bool,
    /// True if it is confined to the folders of a lesson that is over.
    is_used_up: bool,
    /// The part that only the agent of a guest has.
    guest: Option<Guest>,
    /// The protections around all that this process starts.
    guards: Held,
}

/// A source of input that `poll` found ready.
#[derive(Clone, Copy)]
enum Ready {
    Channel,
    Children,
    AskedToEnd,
    BackgroundEnds,
    Control,
    ShellStderr,
    Pipes,
    Terminal(u32),
}

impl Agent {
    fn new(channel: OwnedFd, guest: Option<Guest>, guards: Held) -> Result<Agent, AgentError> {
        leave_terminal();
        // Orphans come to this process instead of to init: PR_SET_CHILD_SUBREAPER(2const).
        nix::sys::prctl::set_child_subreaper(true)?;
        // Handlers, not a blocked mask: what this process starts would inherit the mask.
        let children = signals(&[SIGCHLD])?;
        let asked_to_end = signals(&[SIGTERM, SIGINT, SIGHUP])?;
        Ok(Agent {
            channel: File::from(channel),
            decoder: Decoder::new(frame::REQUEST_BYTES),
            children,
            asked_to_end,
            ends: Pipe::new()?,
            nonce: nonce()?,
            setup: None,
            shell: None,
            pipes: Pipes::new()?,
            runs: BTreeMap::new(),
            told: None,
            untold: VecDeque::new(),
            is_replaced: false,
            held: Vec::new(),
            last_id: 0,
            buffer: vec![0; CHUNK_BYTES],
            outgoing: Vec::new(),
            is_closing: false,
            leaving: false,
            is_used_up: false,
            guest,
            guards,
        })
    }

    fn run(&mut self) -> Result<(), AgentError> {
        while !self.leaving {
            for ready in self.wait()? {
                match ready {
                    Ready::Channel => self.hear()?,
                    Ready::Children => self.heed_children()?,
                    Ready::AskedToEnd => self.leaving = true,
                    Ready::BackgroundEnds => self.read_background_ends(),
                    Ready::Control => drop(self.read_reports()?),
                    Ready::ShellStderr => drop(self.read_shell()?),
                    Ready::Pipes => self.pipes.hear()?,
                    Ready::Terminal(id) => {
                        let frames = self.guest.as_mut().map(|guest| guest.read_terminal(id));
                        self.send(&frames.unwrap_or_default())?;
                    }
                }
                if self.leaving {
                    return self.flush();
                }
            }
            self.listen_to_runs()?;
            self.read_runs()?;
            self.look_at_background()?;
            self.end_what_is_overdue()?;
            self.runs.retain(|_, run| !run.is_over());
            self.flush()?;
        }
        Ok(())
    }

    fn wait(&self) -> Result<Vec<Ready>, AgentError> {
        let mut what = vec![
            Ready::Channel,
            Ready::Children,
            Ready::AskedToEnd,
            Ready::BackgroundEnds,
            Ready::Pipes,
        ];
        let mut fds = vec![
            PollFd::new(self.channel.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.asked_to_end.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.ends.read.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.pipes.changing(), PollFlags::POLLIN),
        ];
        if let Some(shell) = &self.shell {
            what.push(Ready::Control);
            fds.push(PollFd::new(shell.control.as_fd(), PollFlags::POLLIN));
            what.push(Ready::ShellStderr);
            fds.push(PollFd::new(shell.stderr.as_fd(), PollFlags::POLLIN));
        }
        for (id, fd) in self.guest.iter().flat_map(Guest::terminals) {
            what.push(Ready::Terminal(id));
            fds.push(PollFd::new(fd, PollFlags::POLLIN));
        }
        match poll(&mut fds, self.patience()) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = fds
            .iter()
            .zip(what)
            .filter(|(fd, _)| fd.any().unwrap_or(false));
        Ok(ready.map(|(_, what)| what).collect())
    }

    /// Where runs may have printed.
    fn changed(&self) -> Vec<(u32, Stream)> {
        let of_run = |run: &Run| {
            let id = run.id;
            let changed = run.changed(&self.pipes).into_iter();
            changed.map(move |stream| (id, stream))
        };
        self.runs.values().flat_map(of_run).collect()
    }

    /// Waits for what runs print that go on for a while, or that have left something behind.
    fn listen_to_runs(&mut self) -> io::Result<()> {
        let mut runs = self.runs.values_mut();
        runs.try_for_each(|run| match run.ended || run.began.elapsed() >= SOON {
            true => run.listen(&mut self.pipes),
            false => Ok(()),
        })
    }

    /// Reads once from each of them.
    fn read_runs(&mut self) -> Result<(), AgentError> {
        for (id, stream) in self.changed() {
            self.read_run(id, stream)?;
        }
        Ok(())
    }

    fn patience(&self) -> PollTimeout {
        if !self.changed().is_empty() {
            return PollTimeout::ZERO;
        }
        let waits =
            |run: &Run| !run.ended && (run.mode == Mode::Background || run.kill_at.is_some());
        let patience = match self.runs.values().any(waits) {
            _ if self.runs.values().any(Run::is_unheard) => SOON,
            true => LOOK,
            false => return PollTimeout::NONE,
        };
        PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO)
    }

    /// Hears what `tutor` asks for; its hanging up is the end.
    fn hear(&mut self) -> Result<(), AgentError> {
        match nix::unistd::read(&self.channel, &mut self.buffer) {
            Ok(0) | Err(Errno::ECONNRESET) => {
                self.leaving = self.guest.as_mut().is_none_or(Guest::gave_up);
                return Ok(());
            }
            Ok(count) => self.decoder.push(&self.buffer[..count]),
            Err(Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        while let Some(frame) = self.decoder.next_frame()? {
            let json = match (frame, &mut self.guest) {
                (Frame::Message(json), _) => json,
                (Frame::Data { id, bytes }, Some(guest)) => {
                    let frames = guest.take_data(id, &bytes);
                    self.send(&frames)?;
                    continue;
                }
                (Frame::Output { .. } | Frame::Data { .. }, _) => {
                    return Err(AgentError::Protocol(
                        "output, which only an agent sends".to_owned(),
                    ));
                }
            };
            let request = serde_json::from_slice(&json)
                .map_err(|error| AgentError::Protocol(error.to_string()))?;
            self.obey(request)?;
        }
        Ok(())
    }

    fn obey(&mut self, request: Request) -> Result<(), AgentError> {
        match request {
            Request::Hello { .. } => self.reply(&Reply::Hello { version: VERSION }),
            Request::Start {
                cwd,
                env,
                isolate,
                confine,
                limits,
            } => {
                if isolate {
                    self.guards.lacking.extend(isolation::isolate().err());
                }
                if let Some(limits) = &limits {
                    confine::limit(limits, &mut self.guards)?;
                }
                let mut setup = Setup {
                    folder: cwd,
                    environment: env,
                };
                match self.confine(confine.as_ref()) {
                    Ok(more) => {
                        setup.environment.extend(more);
                        self.start(setup)
                    }
                    Err(why) => self.reply(&Reply::Unconfined { why }),
                }
            }
            Request::Run { id, script, mode } => self.begin(id, mode, &script),
            Request::End { id, grace_ms } => self.end_run(id, Duration::from_millis(grace_ms)),
            Request::Finish { grace_ms } => self.finish(Duration::from_millis(grace_ms)),
            Request::Guest(request) => {
                let Some(mut guest) = self.guest.take() else {
                    return self.failed("this agent is not the init of a guest".to_owned());
                };
                let mut sent = Ok(());
                let frames = guest.obey(request, &mut |frames| {
                    if sent.is_ok() {
                        sent = self.send(frames);
                    }
                });
                self.guest = Some(guest);
                sent.and_then(|()| self.send(&frames))
            }
        }
    }

    /// Confines this process for good, once. Returns what steps are told of it.
    fn confine(
        &mut self,
        confinement: Option<&Confinement>,
    ) -> Result<Option<(String, String)>, String> {
        match confinement {
            Some(confinement) if !self.guards.seccomp => {
                confine::confine(confinement, &mut self.guards)
            }
            Some(_) | None => Ok(None),
        }
    }

    fn start(&mut self, setup: Setup) -> Result<(), AgentError> {
        match Shell::start(&setup) {
            Ok(shell) => {
                self.shell = Some(shell);
                self.setup = Some(setup);
                self.reply(&Reply::Started {
                    held: self.guards.clone(),
                })
            }
            Err(error) => self.failed(format!(
                "cannot start bash in `{}`: {error}",
                setup.folder.display()
            )),
        }
    }

    fn begin(&mut self, id: u32, mode: Mode, script: &str) -> Result<(), AgentError> {
        let Some(setup) = &self.setup else {
            return self.failed("a run came before its shell".to_owned());
        };
        if script.contains('\0') {
            return self.failed("a script with a NUL in it cannot be given to bash".to_owned());
        }
        self.last_id = self.last_id.max(id);
        let mut run = Run::new(id, mode, &mut self.pipes)?;
        let (Some(stdout), Some(stderr)) = (&run.stdout, &run.stderr) else {
            return Ok(());
        };
        match mode {
            Mode::Aside => match shell::start_aside(id, setup, script, stdout, stderr) {
                Ok(pid) => run.pid = Some(pid),
                Err(error) => return self.failed(format!("cannot start bash: {error}")),
            },
            Mode::Step | Mode::Check | Mode::Background => {
                let told = Told {
                    id,
                    mode,
                    script,
                    stdout,
                    stderr,
                    ends: &self.ends,
                };
                run.text = shell::text(&self.nonce, &told);
                self.untold.push_back(id);
            }
        }
        self.runs.insert(id, run);
        self.tell_shell()
    }

    /// Tells a shell that waits of the next run; starts one if there is none.
    fn tell_shell(&mut self) -> Result<(), AgentError> {
        if self.told.is_some() || self.leaving {
            return Ok(());
        }
        let (Some(setup), Some(id)) = (&self.setup, self.untold.pop_front()) else {
            return Ok(());
        };
        let shell = match &mut self.shell {
            Some(shell) => shell,
            none => match Shell::start(setup) {
                Ok(shell) => none.insert(shell),
                Err(error) => {
                    let folder = setup.folder.display();
                    return self.failed(format!("cannot start bash in `{folder}`: {error}"));
                }
            },
        };
        if let Some(run) = self.runs.get(&id) {
            self.told = Some(id);
            // One that is gone by now is replaced when its end is heard of.
            let _ = shell.tell(&run.text);
        }
        Ok(())
    }

    fn failed(&mut self, what: String) -> Result<(), AgentError> {
        let what = protocol::quoted(what);
        self.reply(&Reply::Failed { what })
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), AgentError> {
        let frame = frame::message(reply)?;
        self.send(&frame)
    }

    /// Sends to `tutor`, at the end of this turn or when much has come together.
    fn send(&mut self, frame: &[u8]) -> Result<(), AgentError> {
        self.outgoing.extend_from_slice(frame);
        match self.outgoing.len() {
            0..CHUNK_BYTES => Ok(()),
            _ => self.flush(),
        }
    }

    /// Sends all that waits to be sent; if `tutor` is gone, so is the agent's work.
    fn flush(&mut self) -> Result<(), AgentError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let sent = self.channel.write_all(&self.outgoing);
        self.outgoing.clear();
        match sent {
            Ok(()) => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                self.leaving = true;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes this process lead a session of its own, if it does not: a terminal's Ctrl-C is not for
/// what it starts, and no step can open `/dev/tty` and print past `tutor`, or read the learner's keys.
fn leave_terminal() {
    if setsid().is_ok() {
        return;
    }
    // The leader of a process group cannot (setsid(2)); it can join another one of its session.
    if let Ok(group) = getpgid(Some(getppid())) {
        let _ = setpgid(Pid::from_raw(0), group);
        let _ = setsid();
    }
}

/// Returns a stream that becomes readable when one of these signals came.
fn signals(wanted: &[i32]) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in wanted {
        signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
    }
    Ok(read)
}

/// A word that no step can guess.
fn nonce() -> io::Result<String> {
    let mut bytes = [0; 8];
    Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
    Ok(tutor_files::hex(&bytes))
}
