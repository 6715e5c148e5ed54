//! The agent's loop: one thread, one `poll`, no locks.

use crate::guest::Guest;
use crate::isolation;
use crate::processes::{alive_below, below_this, command_line, descendants, mark, signal};
use crate::protocol::{
    self, Decoder, Frame, Leftover, Mode, Reply, Request, Status, Stream, VERSION, When,
};
use crate::runs::Run;
use crate::shell::{self, Ends, Pipe, Setup, Shell};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
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

/// How long this process sleeps, and wakes for nobody, while the shell has much to do: a shell that
/// wakes it with every line is slowed by that more than by what it does itself.
const NAP: Duration = Duration::from_micros(400);

/// How many runs a shell is told of that has much to do.
const FAR_AHEAD: usize = 16;

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
    /// The runs that the shell is yet to be told of.
    untold: Vec<u32>,
    /// The highest id of a run.
    last_id: u32,
    buffer: Vec<u8>,
    /// What is yet to be sent.
    outgoing: Vec<u8>,
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
    ShellStderr,
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
            untold: Vec::new(),
            last_id: 0,
            buffer: vec![0; CHUNK_BYTES],
            outgoing: Vec::new(),
            leaving: false,
            guest,
        })
    }

    fn run(&mut self) -> Result<(), AgentError> {
        while !self.leaving {
            if self.is_far_ahead() {
                std::thread::sleep(NAP);
            }
            for ready in self.wait()? {
                match ready {
                    Ready::Channel => self.hear()?,
                    Ready::Children => self.heed_children()?,
                    Ready::AskedToEnd => self.leaving = true,
                    Ready::Control => self.read_reports()?,
                    Ready::ShellStderr => drop(self.read_shell()?),
                    Ready::Run(id, stream) => drop(self.read_run(id, stream)?),
                    Ready::Terminal(id) => {
                        let frames = self.guest.as_mut().map(|guest| guest.read_terminal(id));
                        self.send(&frames.unwrap_or_default())?;
                    }
                }
                if self.leaving {
                    return self.flush();
                }
            }
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
            Ready::Control,
        ];
        let mut fds = vec![
            PollFd::new(self.channel.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.asked_to_end.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.control.read.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(shell) = &self.shell {
            what.push(Ready::ShellStderr);
            fds.push(PollFd::new(shell.stderr.as_fd(), PollFlags::POLLIN));
        }
        // A run that waits for its turn prints nothing before the one in front has ended; if the
        // shell is at it already, what it printed is for later.
        let turn = self.turn();
        let heard = |run: &&Run| run.ended || !run.is_in_turn() || Some(run.id) == turn;
        for run in self.runs.values().filter(heard) {
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

    /// The run that the shell is at, or comes to next.
    fn turn(&self) -> Option<u32> {
        let open = |run: &&Run| !run.ended && run.is_in_turn();
        self.runs.values().find(open).map(|run| run.id)
    }

    /// True if the shell has enough to go on with for longer than a nap.
    fn is_far_ahead(&self) -> bool {
        let open = self
            .runs
            .values()
            .filter(|run| !run.ended && run.is_in_turn());
        open.count() >= FAR_AHEAD
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
        self.tell_shell()
    }

    fn obey(&mut self, request: Request) -> Result<(), AgentError> {
        if !matches!(request, Request::Run { .. }) {
            self.tell_shell()?;
        }
        match request {
            Request::Hello { .. } => self.reply(&Reply::Hello { version: VERSION }),
            Request::Start { cwd, env, isolate } => self.start(
                Setup {
                    folder: cwd,
                    environment: env,
                },
                isolate,
            ),
            Request::Run {
                id,
                script,
                mode,
                when,
            } => self.begin(id, mode, when, &script),
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
        match Shell::start(&setup, &self.control.write) {
            Ok(shell) => {
                let pid = shell.pid.as_raw();
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

    fn begin(&mut self, id: u32, mode: Mode, when: When, script: &str) -> Result<(), AgentError> {
        let Some(setup) = &self.setup else {
            return self.failed("a run came before its shell".to_owned());
        };
        if script.contains('\0') {
            return self.failed("a script with a NUL in it cannot be given to bash".to_owned());
        }
        self.last_id = self.last_id.max(id);
        let mut run = Run::new(id, mode, when)?;
        if mode == Mode::Aside {
            let Some((stdout, stderr)) = run.writers.take() else {
                return Ok(());
            };
            match shell::start_aside(id, setup, script, stdout, stderr) {
                Ok(pid) => run.pid = Some(pid),
                Err(error) => return self.failed(format!("cannot start bash: {error}")),
            }
        } else if let Some((stdout, stderr)) = &run.writers {
            let ends = Ends {
                stdout,
                stderr,
                control: &self.control.write,
            };
            run.text = Some(shell::text(&self.nonce, id, mode, when, script, &ends));
            self.untold.push(id);
        }
        self.runs.insert(id, run);
        Ok(())
    }

    /// Tells the shell of all runs that it does not know of; starts one if there is none.
    fn tell_shell(&mut self) -> Result<(), AgentError> {
        let ids = std::mem::take(&mut self.untold);
        let (Some(setup), false, false) = (&self.setup, ids.is_empty(), self.leaving) else {
            return Ok(());
        };
        let shell = match &mut self.shell {
            Some(shell) => shell,
            none => match Shell::start(setup, &self.control.write) {
                Ok(shell) => none.insert(shell),
                Err(error) => {
                    let folder = setup.folder.display();
                    return self.failed(format!("cannot start bash in `{folder}`: {error}"));
                }
            },
        };
        let runs = ids.iter().filter_map(|id| self.runs.get(id));
        let texts: Vec<&str> = runs.filter_map(|run| run.text.as_deref()).collect();
        Ok(shell.tell(&texts)?)
    }

    /// Forgets the runs that were to take place only if all went well before them.
    fn forget_ahead(&mut self) {
        let runs = &mut self.runs;
        runs.retain(|_, run| run.ended || run.when == When::Anyway);
        self.untold.retain(|id| runs.contains_key(id));
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
        self.hold_back_what_follows(id)?;
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
        // A stopped process acts on SIGTERM only when it goes on. The shell goes on in any case.
        let shell = self.shell.iter().map(|shell| shell.pid);
        signal(targets.into_iter().chain(shell), Signal::SIGCONT);
        Ok(())
    }

    /// Sees to it that ending a run does not hit the next one: with runs behind it, it may have
    /// ended just now. The shell is stopped, so that its reports are all there.
    fn hold_back_what_follows(&mut self, id: u32) -> Result<(), AgentError> {
        let follows = |run: &Run| run.id > id && !run.ended && run.when == When::AllWell;
        let in_turn = self.runs.get(&id).is_some_and(Run::is_in_turn);
        let (Some(shell), true) = (&self.shell, in_turn && self.runs.values().any(follows)) else {
            return Ok(());
        };
        let shell = shell.pid;
        signal([shell], Signal::SIGSTOP);
        let stopped = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        let deadline = Instant::now() + NAMING;
        while matches!(
            waitid(Id::Pid(shell), stopped | WaitPidFlag::WNOHANG),
            Ok(WaitStatus::StillAlive)
        ) && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.read_reports()?;
        if self.runs.get(&id).is_none_or(|run| run.ended) {
            signal([shell], Signal::SIGCONT);
        }
        Ok(())
    }

    /// The run that a process comes from, if it still has that run's mark.
    fn origin(&self, process: Pid) -> Option<u32> {
        mark(process).filter(|id| (1..=self.last_id).contains(id))
    }

    /// The processes to end with a run.
    fn targets(&self, id: u32) -> Vec<Pid> {
        let Some(run) = self.runs.get(&id) else {
            return Vec::new();
        };
        let below = alive_below(&BTreeSet::new()).into_iter();
        let tree = |pid: Pid| [vec![pid], descendants(pid)].concat();
        let mut targets: Vec<Pid> = match run.mode {
            Mode::Background => {
                let own = run.pid.map(tree).unwrap_or_default();
                let marked = below.filter(|pid| self.origin(*pid) == Some(id));
                own.iter().copied().chain(marked).collect()
            }
            Mode::Step | Mode::Check | Mode::Aside => {
                let background = self
                    .runs
                    .values()
                    .filter(|other| other.mode == Mode::Background);
                let spared: BTreeSet<Pid> = background
                    .filter_map(|other| other.pid)
                    .flat_map(tree)
                    .collect();
                // A process that lost its mark is taken for one of the run that is ended.
                let is_target = |pid: &Pid| {
                    !spared.contains(pid) && self.origin(*pid).is_none_or(|origin| origin == id)
                };
                below.filter(is_target).collect()
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

    /// Reads reports of runs from the control pipe: `<nonce> <id> <status>`.
    fn read_reports(&mut self) -> Result<(), AgentError> {
        while let Some(count @ 1..) = shell::read_some(&self.control.read, &mut self.buffer) {
            self.reports.extend_from_slice(&self.buffer[..count]);
        }
        while let Some(end) = self.reports.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.reports.drain(..=end).collect();
            self.heed_line(&line)?;
        }
        Ok(())
    }

    /// Takes what the shell printed outside of any run: a report, behind what a trap of its printed
    /// without an end of line, or such a line alone.
    fn heed_line(&mut self, line: &[u8]) -> Result<(), AgentError> {
        let nonce = self.nonce.as_bytes();
        let Some(start) = line.windows(nonce.len()).position(|bytes| bytes == nonce) else {
            return self.shell_printed(Stream::Stdout, line);
        };
        let report = String::from_utf8_lossy(&line[start + nonce.len()..]).into_owned();
        if start > 0 {
            self.shell_printed(Stream::Stdout, &line[..start])?;
        }
        self.heed_report(&report)
    }

    fn shell_printed(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), AgentError> {
        self.send(&protocol::output(0, stream, bytes))
    }

    fn heed_report(&mut self, report: &str) -> Result<(), AgentError> {
        let mut words = report.split_ascii_whitespace();
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
        let mode = run.mode;
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut drained = 0;
            while drained < PIPE_BYTES {
                match self.read_run(id, stream)? {
                    0 => break,
                    count => drained += count,
                }
            }
        }
        let shell = match (mode, &self.shell) {
            (Mode::Step | Mode::Check, None) => protocol::Shell::Lost,
            (Mode::Step | Mode::Check | Mode::Background | Mode::Aside, _) => protocol::Shell::Kept,
        };
        if mode == Mode::Step && (status, shell) != (Status::Exited(0), protocol::Shell::Kept) {
            self.forget_ahead();
        }
        self.reply(&Reply::Ended { id, status, shell })
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
        let rest = std::mem::take(&mut self.reports);
        if !rest.is_empty() {
            self.shell_printed(Stream::Stdout, &rest)?;
        }
        while self.read_shell()? > 0 {}
        let unread = self.shell.take().map_or(0, |shell| shell.unread_runs());
        let untold = &self.untold;
        let told = self.runs.values_mut();
        let mut told: Vec<&mut Run> = told
            .filter(|run| run.text.is_some() && !untold.contains(&run.id))
            .collect();
        let unread = told.split_off(told.len().saturating_sub(unread));
        // Of those that it read it was at the first, and did not come to the rest.
        let mut read = told.into_iter().filter(|run| !run.ended);
        let at = read.next().map(|run| {
            run.status = Some(status);
            // It took place.
            run.when = When::Anyway;
            (run.id, run.kill_at.is_some())
        });
        let again: Vec<u32> = read.chain(unread).map(|run| run.id).collect();
        self.forget_ahead();
        self.untold.splice(..0, again);
        // A run that is being ended is told of when all that it started is gone too.
        if let Some((id, false)) = at {
            self.end(id)?;
        }
        let runs = &self.runs;
        self.untold.retain(|id| runs.contains_key(id));
        self.tell_shell()
    }

    fn read_shell(&mut self) -> Result<usize, AgentError> {
        let Some(shell) = &self.shell else {
            return Ok(0);
        };
        let count = shell::read_some(&shell.stderr, &mut self.buffer).unwrap_or(0);
        if count > 0 {
            let frame = protocol::output(0, Stream::Stderr, &self.buffer[..count]);
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
        let left = alive_below(&known).into_iter();
        left.filter_map(|pid| {
            let command = command_line(pid)?;
            Some(Leftover {
                pid: pid.as_raw(),
                command,
                run_id: self.origin(pid),
            })
        })
        .collect()
    }

    fn finish(&mut self, grace: Duration) -> Result<(), AgentError> {
        // Whoever is done does not wait for what was to follow if all went well.
        let ahead = |run: &Run| !run.ended && run.when == When::AllWell;
        let breaks_off = self.runs.values().any(ahead);
        self.forget_ahead();
        if let Some(shell) = &mut self.shell {
            shell.close()?;
            if breaks_off {
                signal([shell.pid], Signal::SIGTERM);
            }
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
            let none = |_: &Agent| alive_below(&BTreeSet::new()).is_empty();
            self.wait_until(grace.min(LEFTOVER_GRACE), none)?;
        }
        self.end_everything();
        let open: Vec<u32> = self.runs.keys().copied().collect();
        for id in open {
            for stream in [Stream::Stdout, Stream::Stderr] {
                while self.read_run(id, stream)? > 0 {}
            }
        }
        self.runs.clear();
        self.untold.clear();
        self.reports.clear();
        self.setup = None;
        self.last_id = 0;
        self.reply(&Reply::Finished { leftovers })?;
        // What cannot be ended must not be taken for something of the next lesson. A guest still has
        // files that are wanted; it ends with its machine.
        self.leaving = self.guest.is_none() && !below_this().is_empty();
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
            self.read_shell()?;
            self.read_reports()?;
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
            let left = below_this();
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
