//! Ending what runs: one run, what a lesson left, everything.

use super::{Agent, AgentError};
use crate::processes::{alive_below, below_this, command_line, descendants, mark, signal};
use crate::protocol::{self, LeftoverProcess, Mode, Reply, Status, Stream};
use crate::runs::Run;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a shell may take to name a background run before another run is ended.
const NAMING: Duration = Duration::from_millis(300);

/// How long leftovers get between SIGTERM and SIGKILL, at the most.
const LEFTOVER_GRACE: Duration = Duration::from_millis(500);

impl Agent {
    /// Waits for the shell to name the background runs that it has begun: what is theirs is known
    /// only then, and must not be ended with another run.
    fn learn_background_pids(&mut self) -> Result<(), AgentError> {
        let nameless = |run: &Run| run.mode == Mode::Background && !run.ended && run.pid.is_none();
        let deadline = Instant::now() + NAMING;
        while self.runs.values().any(nameless) && Instant::now() < deadline {
            let Some(shell) = &self.shell else {
                return Ok(());
            };
            let mut fds = [PollFd::new(shell.control.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::from(5u8));
            self.read_reports()?;
        }
        Ok(())
    }

    /// Ends a run and all that it started; first kindly, after `grace` surely.
    pub(super) fn end_run(&mut self, id: u32, grace: Duration) -> Result<(), AgentError> {
        self.learn_background_pids()?;
        // One that is gone by now ended by itself.
        self.look_at_background()?;
        if self.runs.get(&id).is_some_and(|run| run.is_asked) {
            return Ok(());
        }
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
            return Ok(());
        };
        run.kill_at = Some(Instant::now() + grace);
        if let Some(untold) = self.untold.iter().position(|untold| *untold == id) {
            // The shell has not come to it.
            self.untold.remove(untold);
            run.status = Some(Status::Signaled(Signal::SIGTERM as i32));
            return self.end(id);
        }
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

    /// The run that a process comes from, if it still has that run's mark.
    fn origin(&self, process: Pid) -> Option<u32> {
        mark(process).filter(|id| (1..=self.last_id).contains(id))
    }

    /// The processes to end with a run, each once: a bash that gets a signal twice may leave out its
    /// EXIT trap.
    pub(super) fn targets(&self, id: u32) -> BTreeSet<Pid> {
        let Some(run) = self.runs.get(&id) else {
            return BTreeSet::new();
        };
        let below = alive_below(&BTreeSet::new()).into_iter();
        let tree = |pid: Pid| [vec![pid], descendants(pid)].concat();
        let mut targets: BTreeSet<Pid> = match run.mode {
            Mode::Background => {
                let own = run.pid.map(tree).unwrap_or_default();
                let marked = below.filter(|pid| self.origin(*pid) == Some(id));
                own.into_iter().chain(marked).collect()
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
            (Mode::Step, Some(shell)) => {
                targets.insert(shell.pid);
            }
            (Mode::Check | Mode::Background | Mode::Aside, Some(shell)) => {
                targets.remove(&shell.pid);
            }
            (_, None) => {}
        }
        targets
    }

    pub(super) fn end_what_is_overdue(&mut self) -> Result<(), AgentError> {
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

    /// Returns the living processes below the agent but for the shell and background runs.
    pub(super) fn leftovers(&self) -> Vec<LeftoverProcess> {
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
            let command = protocol::quoted(command_line(pid)?);
            Some(LeftoverProcess {
                pid: pid.as_raw(),
                command,
                run_id: self.origin(pid),
            })
        })
        .collect()
    }

    pub(super) fn finish(&mut self, grace: Duration) -> Result<(), AgentError> {
        self.untold.clear();
        // It said this before it closes.
        self.read_reports()?;
        self.read_shell()?;
        self.is_closing = true;
        if let Some(shell) = &self.shell {
            // One that is gone needs no telling.
            let _ = shell.close();
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
        self.told = None;
        self.untold.clear();
        self.setup = None;
        self.is_replaced = false;
        self.is_closing = false;
        self.held.clear();
        self.last_id = 0;
        let leftovers = leftovers.into_iter().take(protocol::LEFTOVERS).collect();
        self.reply(&Reply::Finished { leftovers })?;
        // A process that cannot be ended must not be taken for one of the next lesson. A guest
        // still has files that are wanted; it ends with its machine.
        let is_all_gone = below_this().is_empty();
        self.is_used_up = self.guards.root && is_all_gone;
        let is_confined = self.guards.seccomp;
        self.leaving = self.guest.is_none() && (is_confined || !is_all_gone);
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
    pub(super) fn end_everything(&mut self) {
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
}
