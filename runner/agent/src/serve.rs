//! The agent's loop: one thread, one `poll`, no locks.

use crate::guest::Guest;
use crate::isolation;
use crate::processes::{alive_below, are_childless, command_line, descendants, signal};
use crate::protocol::{
    self, Decoder, Frame, Leftover, Mode, Reply, Request, Status, Stream, VERSION,
};
use crate::runs::Run;
use crate::shell::{self, Ends, Pipe, Setup, Shell};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The agent could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The system refused something that the agent cannot do without.
    #[error("the agent cannot go on: {0}")]
    System(#[from] io::Error),
    /// What came is not the agent's protocol.
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

/// The most that a pipe holds (/proc/sys/fs/pipe-max-size): what was written before a run ended
/// is among that many bytes.
const PIPE_BYTES: usize = 1024 * 1024;

/// How often a background run is looked at, since its process is not a child of ours.
const LOOK: Duration = Duration::from_millis(50);

/// How long a shell may take to name a background run before another run is ended.
const NAMING: Duration = Duration::from_millis(300);

/// How long leftovers get between SIGTERM and SIGKILL, at the most.
const LEFTOVER_GRACE: Duration = Duration::from_millis(500);

/// Serves `tutor` on a channel until it hangs up or says that it is done. When this returns, every
/// process that a run started has ended.
pub fn serve(channel: OwnedFd) -> Result<(), AgentError> {
    serve_with(channel, None)
}

/// Serves `tutor` as the agent of a guest.
pub(crate) fn serve_guest(channel: OwnedFd, guest: Guest) -> Result<(), AgentError> {
    serve_with(channel, Some(guest))
}

fn serve_with(channel: OwnedFd, guest: Option<Guest>) -> Result<(), AgentError> {
    let mut agent = Agent::new(channel, guest)?;
    let served = agent.run();
    agent.end_everything();
    served
}

struct Agent {
    channel: File,
    decoder: Decoder,
    /// Readable after a child ended.
    children: UnixStream,
    /// Readable after somebody asked this process to end.
    asked_to_end: UnixStream,
    control: Pipe,
    reports: Vec<u8>,
    nonce: String,
    setup: Option<Setup>,
    shell: Option<Shell>,
    runs: BTreeMap<u32, Run>,
    /// The processes that were there when the last run ended.
    known: BTreeSet<Pid>,
    /// The run that each process came from.
    owners: BTreeMap<Pid, u32>,
    buffer: Vec<u8>,
    leaving: bool,
    /// What more the agent of a guest does.
    guest: Option<Guest>,
}

/// What `poll` found.
#[derive(Clone, Copy)]
enum Ready {
    Channel,
    Children,
    AskedToEnd,
    Control,
    ShellOutput(Stream),
    Run(u32, Stream),
    Terminal(u32),
}

impl Agent {
    fn new(channel: OwnedFd, guest: Option<Guest>) -> Result<Agent, AgentError> {
        // Leading a session of its own keeps a terminal's Ctrl-C away; it may lead one already.
        let _ = nix::unistd::setsid();
        // Orphans come to this process instead of to init: PR_SET_CHILD_SUBREAPER(2const).
        nix::sys::prctl::set_child_subreaper(true)?;
        // Handlers, not a blocked mask: what this process starts would inherit the mask.
        let children = signals(&[SIGCHLD])?;
        let asked_to_end = signals(&[SIGTERM, SIGINT, SIGHUP])?;
        Ok(Agent {
            channel: File::from(channel),
            decoder: Decoder::default(),
            children,
            asked_to_end,
            control: Pipe::new()?,
            reports: Vec::new(),
            nonce: nonce()?,
            setup: None,
            shell: None,
            runs: BTreeMap::new(),
            known: BTreeSet::new(),
            owners: BTreeMap::new(),
            buffer: vec![0; CHUNK_BYTES],
            leaving: false,
            guest,
        })
    }

    fn run(&mut self) -> Result<(), AgentError> {
        while !self.leaving {
            for ready in self.wait()? {
                match ready {
                    Ready::Channel => self.hear()?,
                    Ready::Children => self.heed_children()?,
                    Ready::AskedToEnd => self.leaving = true,
                    Ready::Control => self.read_reports()?,
                    Ready::ShellOutput(stream) => drop(self.read_shell(stream)?),
                    Ready::Run(id, stream) => drop(self.read_run(id, stream)?),
                    Ready::Terminal(id) => {
                        let frames = self.guest.as_mut().map(|guest| guest.read_terminal(id));
                        self.send(&frames.unwrap_or_default())?;
                    }
                }
                if self.leaving {
                    return Ok(());
                }
            }
            self.look_at_background()?;
            self.end_what_is_overdue()?;
            self.runs.retain(|_, run| !run.is_over());
        }
        Ok(())
    }

    fn wait(&self) -> Result<Vec<Ready>, AgentError> {
        let mut what = vec![
            Ready::Channel,
            Ready::Children,
            Ready::AskedToEnd,
            Ready::Control,
        ];
        let mut fds = vec![
            PollFd::new(self.channel.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.asked_to_end.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.control.read.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(shell) = &self.shell {
            for (stream, fd) in [
                (Stream::Stdout, &shell.stdout),
                (Stream::Stderr, &shell.stderr),
            ] {
                what.push(Ready::ShellOutput(stream));
                fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN));
            }
        }
        for run in self.runs.values() {
            for (stream, fd) in [(Stream::Stdout, &run.stdout), (Stream::Stderr, &run.stderr)] {
                if let Some(fd) = fd {
                    what.push(Ready::Run(run.id, stream));
                    fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                }
            }
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

    fn patience(&self) -> PollTimeout {
        let waiting = self
            .runs
            .values()
            .any(|run| !run.ended && (run.mode == Mode::Background || run.kill_at.is_some()));
        if waiting {
            PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO)
        } else {
            PollTimeout::NONE
        }
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
            Request::Start { cwd, env, isolate } => self.start(
                Setup {
                    folder: cwd,
                    environment: env,
                },
                isolate,
            ),
            Request::Run { id, script, mode } => self.begin(id, mode, &script),
            Request::Kill { id, grace_ms } | Request::Stop { id, grace_ms } => {
                self.kill(id, Duration::from_millis(grace_ms))
            }
            Request::Leftovers => {
                let processes = self.leftovers();
                self.reply(&Reply::Leftovers { processes })
            }
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

    fn start(&mut self, setup: Setup, isolate: bool) -> Result<(), AgentError> {
        let refused = if isolate {
            isolation::isolate().err()
        } else {
            None
        };
        match Shell::start(&setup) {
            Ok(shell) => {
                let pid = shell.pid.as_raw();
                self.known.insert(shell.pid);
                self.shell = Some(shell);
                self.setup = Some(setup);
                self.reply(&Reply::Started {
                    pid,
                    isolated: isolate && refused.is_none(),
                    refused,
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
        let mut run = Run::new(id, mode, self.known.clone())?;
        if mode == Mode::Aside {
            let Some((stdout, stderr)) = run.writers.take() else {
                return Ok(());
            };
            match shell::start_aside(setup, script, stdout, stderr) {
                Ok(pid) => run.pid = Some(pid),
                Err(error) => return self.failed(format!("cannot start bash: {error}")),
            }
            self.runs.insert(id, run);
            return Ok(());
        }
        if self.shell.is_none() {
            match Shell::start(setup) {
                Ok(shell) => {
                    run.before.insert(shell.pid);
                    self.known.insert(shell.pid);
                    self.shell = Some(shell);
                }
                Err(error) => {
                    return self.failed(format!(
                        "cannot start bash in `{}`: {error}",
                        setup.folder.display()
                    ));
                }
            }
        }
        if let (Some(shell), Some((stdout, stderr))) = (&mut self.shell, &run.writers) {
            let ends = Ends {
                stdout,
                stderr,
                control: &self.control.write,
            };
            let text = shell::text(&self.nonce, id, mode, script, &ends, shell.tracing);
            shell.tell(&text)?;
            run.text = Some(text);
        }
        self.runs.insert(id, run);
        Ok(())
    }

    /// Waits for the shell to name the background runs that it has begun: what is theirs is known
    /// only then, and must not be ended with another run.
    fn learn_background_pids(&mut self) -> Result<(), AgentError> {
        let nameless = |run: &Run| run.mode == Mode::Background && !run.ended && run.pid.is_none();
        let deadline = Instant::now() + NAMING;
        while self.runs.values().any(nameless) && Instant::now() < deadline {
            let mut fds = [PollFd::new(self.control.read.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::from(5u8));
            self.read_reports()?;
        }
        Ok(())
    }

    fn kill(&mut self, id: u32, grace: Duration) -> Result<(), AgentError> {
        self.learn_background_pids()?;
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
            return Ok(());
        };
        run.kill_at = Some(Instant::now() + grace);
        let targets = self.targets(id);
        signal(
            targets.iter().copied(),
            if grace.is_zero() {
                Signal::SIGKILL
            } else {
                Signal::SIGTERM
            },
        );
        // A stopped process acts on SIGTERM only when it goes on.
        signal(targets, Signal::SIGCONT);
        Ok(())
    }

    /// The processes to end with a run.
    fn targets(&self, id: u32) -> Vec<Pid> {
        let Some(run) = self.runs.get(&id) else {
            return Vec::new();
        };
        let mut targets = match run.mode {
            Mode::Background => {
                let own = run
                    .pid
                    .into_iter()
                    .flat_map(|pid| [vec![pid], descendants(pid)].concat());
                let owned = self
                    .owners
                    .iter()
                    .filter(|(_, owner)| **owner == id)
                    .map(|(pid, _)| *pid);
                own.chain(owned).collect()
            }
            Mode::Step | Mode::Check | Mode::Aside => {
                let background: BTreeSet<Pid> = self
                    .runs
                    .values()
                    .filter(|other| other.mode == Mode::Background)
                    .filter_map(|other| other.pid)
                    .flat_map(|pid| [vec![pid], descendants(pid)].concat())
                    .collect();
                let mut targets = alive_below(Pid::this(), &run.before);
                targets.retain(|pid| !background.contains(pid));
                targets
            }
        };
        match (run.mode, &self.shell) {
            (Mode::Step, Some(shell)) => targets.push(shell.pid),
            (Mode::Step | Mode::Check | Mode::Background | Mode::Aside, _) => {
                let shell = self.shell.as_ref().map(|shell| shell.pid);
                targets.retain(|pid| Some(*pid) != shell);
            }
        }
        targets
    }

    fn end_what_is_overdue(&mut self) -> Result<(), AgentError> {
        let now = Instant::now();
        let overdue: Vec<u32> = self
            .runs
            .values()
            .filter(|run| !run.ended && run.kill_at.is_some_and(|at| at <= now))
            .map(|run| run.id)
            .collect();
        for id in overdue {
            signal(self.targets(id), Signal::SIGKILL);
        }
        // A run that is being ended is over once nothing of it is alive.
        let done: Vec<u32> = self
            .runs
            .values()
            .filter(|run| !run.ended && run.kill_at.is_some() && run.status.is_some())
            .map(|run| run.id)
            .collect();
        for id in done {
            // A shell that is dead and not yet reaped would count as kept.
            let shell_stays = self.runs.get(&id).is_some_and(|run| run.mode == Mode::Step)
                && self.shell.is_some();
            if !shell_stays
                && self
                    .targets(id)
                    .into_iter()
                    .all(|pid| !crate::processes::is_alive(pid))
            {
                self.end(id)?;
            }
        }
        Ok(())
    }

    /// Reads reports of runs from the control pipe: `<nonce> <id> <status> <shell options>`.
    fn read_reports(&mut self) -> Result<(), AgentError> {
        while let Some(count @ 1..) = shell::read_some(&self.control.read, &mut self.buffer) {
            self.reports.extend_from_slice(&self.buffer[..count]);
        }
        while let Some(end) = self.reports.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.reports.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).into_owned();
            self.heed_report(line.trim_end())?;
        }
        Ok(())
    }

    fn heed_report(&mut self, line: &str) -> Result<(), AgentError> {
        let mut words = line.split(' ');
        if words.next() != Some(self.nonce.as_str()) {
            return Ok(());
        }
        let Some(id) = words.next().and_then(|word| word.parse().ok()) else {
            return Ok(());
        };
        let (Some(first), second) = (words.next(), words.next().unwrap_or("")) else {
            return Ok(());
        };
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(());
        };
        if first == "pid" {
            run.pid = second.parse().ok().map(Pid::from_raw);
            run.text = None;
            return Ok(());
        }
        let Ok(code) = first.parse() else {
            return Ok(());
        };
        run.status = Some(Status::Exited(code));
        if run.kill_at.is_some() {
            // Its shell was asked to end as well; see `end_what_is_overdue`.
            return Ok(());
        }
        if run.mode != Mode::Background
            && let Some(shell) = &mut self.shell
        {
            shell.tracing = second.contains('x');
        }
        self.end(id)
    }

    /// Tells that a run ended, after all that it printed.
    fn end(&mut self, id: u32) -> Result<(), AgentError> {
        // Whoever still holds a writing end is a process that the run left behind.
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
            return Ok(());
        };
        run.ended = true;
        run.writers = None;
        run.text = None;
        let status = run
            .status
            .unwrap_or(Status::Signaled(Signal::SIGKILL as i32));
        let (mode, before) = (run.mode, std::mem::take(&mut run.before));
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut drained = 0;
            while drained < PIPE_BYTES {
                match self.read_run(id, stream)? {
                    0 => break,
                    count => drained += count,
                }
            }
        }
        if mode != Mode::Background {
            let here = self.below();
            self.known = here.iter().copied().collect();
            for process in here {
                if !before.contains(&process) && !self.is_background(process) {
                    self.owners.entry(process).or_insert(id);
                }
            }
        }
        let shell = match (mode, &self.shell) {
            (Mode::Step | Mode::Check, None) => protocol::Shell::Lost,
            (Mode::Step | Mode::Check | Mode::Background | Mode::Aside, _) => protocol::Shell::Kept,
        };
        self.reply(&Reply::Ended { id, status, shell })
    }

    /// The processes below this one. Most runs leave none but the shell, and that is quickly seen.
    fn below(&self) -> Vec<Pid> {
        let shell: Vec<Pid> = self.shell.iter().map(|shell| shell.pid).collect();
        if are_childless(&[Pid::this()], &shell) && are_childless(&shell, &[]) {
            return shell;
        }
        descendants(Pid::this())
    }

    fn is_background(&self, process: Pid) -> bool {
        self.runs
            .values()
            .filter(|run| run.mode == Mode::Background)
            .filter_map(|run| run.pid)
            .any(|pid| pid == process || descendants(pid).contains(&process))
    }

    /// A background run that was killed with SIGKILL reports nothing: it is seen to be gone.
    fn look_at_background(&mut self) -> Result<(), AgentError> {
        let gone: Vec<u32> = self
            .runs
            .values()
            .filter(|run| run.mode == Mode::Background && !run.ended)
            .filter(|run| run.pid.is_some_and(|pid| !crate::processes::is_alive(pid)))
            .map(|run| run.id)
            .collect();
        for id in gone {
            // Its report may be on its way.
            self.read_reports()?;
            if let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) {
                run.status
                    .get_or_insert(Status::Signaled(Signal::SIGKILL as i32));
            }
            signal(self.targets(id), Signal::SIGKILL);
            self.end(id)?;
        }
        Ok(())
    }

    fn heed_children(&mut self) -> Result<(), AgentError> {
        while matches!((&self.children).read(&mut self.buffer), Ok(1..)) {}
        self.reap()
    }

    fn reap(&mut self) -> Result<(), AgentError> {
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Exited(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Status::Signaled(signal as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            self.owners.remove(&pid);
            let ended = self
                .guest
                .as_mut()
                .map(|guest| guest.child_ended(pid, status));
            self.send(&ended.unwrap_or_default())?;
            if self.shell.as_ref().is_some_and(|shell| shell.pid == pid) {
                self.shell_ended(status)?;
                continue;
            }
            let run = self
                .runs
                .values_mut()
                .find(|run| run.pid == Some(pid) && !run.ended);
            let Some(run) = run else { continue };
            let id = run.id;
            run.status.get_or_insert(status);
            if run.kill_at.is_none() || run.mode == Mode::Background {
                self.end(id)?;
            }
        }
    }

    /// The shell is gone: the run that it was at ends with it.
    fn shell_ended(&mut self, status: Status) -> Result<(), AgentError> {
        self.read_reports()?;
        for stream in [Stream::Stdout, Stream::Stderr] {
            while self.read_shell(stream)? > 0 {}
        }
        let unread = self.shell.take().map_or(0, |shell| shell.unread_runs());
        let mut told: Vec<&mut Run> = self
            .runs
            .values_mut()
            .filter(|run| run.text.is_some())
            .collect();
        let unread = told.split_off(told.len().saturating_sub(unread));
        let unread: Vec<u32> = unread.into_iter().map(|run| run.id).collect();
        let was_at = |run: &&mut Run| {
            !run.ended && !unread.contains(&run.id) && matches!(run.mode, Mode::Step | Mode::Check)
        };
        if let Some(run) = self.runs.values_mut().find(was_at) {
            run.status = Some(status);
            let id = run.id;
            // A run that is being ended is told of when all that it started is gone too.
            if run.kill_at.is_none() {
                self.end(id)?;
            }
        }
        self.begin_again(&unread)
    }

    /// Gives runs that a shell did not come to read before it ended to a new one.
    fn begin_again(&mut self, ids: &[u32]) -> Result<(), AgentError> {
        let (Some(setup), false, false) = (&self.setup, ids.is_empty(), self.leaving) else {
            return Ok(());
        };
        let mut shell = match Shell::start(setup) {
            Ok(shell) => shell,
            Err(error) => {
                return self.failed(format!(
                    "cannot start bash in `{}`: {error}",
                    setup.folder.display()
                ));
            }
        };
        for id in ids {
            let Some(run) = self.runs.get_mut(id) else {
                continue;
            };
            run.before.insert(shell.pid);
            if let Some(text) = &run.text {
                shell.tell(text)?;
            }
        }
        self.known.insert(shell.pid);
        self.shell = Some(shell);
        Ok(())
    }

    fn read_shell(&mut self, stream: Stream) -> Result<usize, AgentError> {
        let Some(shell) = &self.shell else {
            return Ok(0);
        };
        let fd = match stream {
            Stream::Stdout => &shell.stdout,
            Stream::Stderr => &shell.stderr,
        };
        let count = shell::read_some(fd, &mut self.buffer).unwrap_or(0);
        if count > 0 {
            let frame = protocol::output(0, stream, &self.buffer[..count]);
            self.send(&frame)?;
        }
        Ok(count)
    }

    fn read_run(&mut self, id: u32, stream: Stream) -> Result<usize, AgentError> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(0);
        };
        let count = run.read(stream, &mut self.buffer);
        if count > 0 {
            let frame = protocol::output(id, stream, &self.buffer[..count]);
            self.send(&frame)?;
        }
        Ok(count)
    }

    /// What is alive below the agent but for the shell and background runs.
    fn leftovers(&self) -> Vec<Leftover> {
        let mut known: BTreeSet<Pid> = self.shell.iter().map(|shell| shell.pid).collect();
        for run in self
            .runs
            .values()
            .filter(|run| run.mode == Mode::Background && !run.ended)
        {
            if let Some(pid) = run.pid {
                known.extend([vec![pid], descendants(pid)].concat());
            }
        }
        let left = alive_below(Pid::this(), &known).into_iter();
        left.filter_map(|pid| {
            let command = command_line(pid)?;
            Some(Leftover {
                pid: pid.as_raw(),
                command,
                run_id: self.owners.get(&pid).copied(),
            })
        })
        .collect()
    }

    fn finish(&mut self, grace: Duration) -> Result<(), AgentError> {
        if let Some(shell) = &mut self.shell {
            shell.close()?;
        }
        self.wait_until(grace, |agent| agent.shell.is_none())?;
        if let Some(shell) = &self.shell {
            signal([shell.pid], Signal::SIGKILL);
            self.wait_until(grace, |agent| agent.shell.is_none())?;
        }
        let leftovers = self.leftovers();
        if !leftovers.is_empty() {
            let pids = leftovers.iter().map(|left| Pid::from_raw(left.pid));
            signal(pids, Signal::SIGTERM);
            let none = |_: &Agent| alive_below(Pid::this(), &BTreeSet::new()).is_empty();
            self.wait_until(grace.min(LEFTOVER_GRACE), none)?;
        }
        self.end_everything();
        let open: Vec<u32> = self.runs.keys().copied().collect();
        for id in open {
            for stream in [Stream::Stdout, Stream::Stderr] {
                while self.read_run(id, stream)? > 0 {}
            }
        }
        self.reply(&Reply::Finished { leftovers })?;
        // A guest still has files that are wanted; it ends with its machine.
        self.leaving = self.guest.is_none();
        Ok(())
    }

    /// Goes on hearing runs and reaping children until something holds, or time is up.
    fn wait_until(
        &mut self,
        limit: Duration,
        holds: impl Fn(&Agent) -> bool,
    ) -> Result<(), AgentError> {
        let deadline = Instant::now() + limit;
        while !holds(self) && Instant::now() < deadline {
            let mut fds = [PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
            let tick = PollTimeout::from(5u8);
            let _ = poll(&mut fds, tick);
            self.heed_children()?;
            if self.shell.is_some() {
                for stream in [Stream::Stdout, Stream::Stderr] {
                    self.read_shell(stream)?;
                }
            }
            let open: Vec<u32> = self.runs.keys().copied().collect();
            for id in open {
                for stream in [Stream::Stdout, Stream::Stderr] {
                    self.read_run(id, stream)?;
                }
            }
        }
        Ok(())
    }

    /// Ends every process below this one, also those that are started while it goes on.
    fn end_everything(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let left = descendants(Pid::this());
            while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive)
            {
            }
            if left.is_empty() || Instant::now() > deadline {
                break;
            }
            signal(left, Signal::SIGKILL);
            std::thread::sleep(Duration::from_millis(1));
        }
        self.shell = None;
    }

    fn failed(&mut self, what: String) -> Result<(), AgentError> {
        self.reply(&Reply::Failed { what })
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), AgentError> {
        let frame = protocol::message(reply)?;
        self.send(&frame)
    }

    /// Sends to `tutor`; if it is gone, so is the agent's work.
    fn send(&mut self, frame: &[u8]) -> Result<(), AgentError> {
        match self.channel.write_all(frame) {
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
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
