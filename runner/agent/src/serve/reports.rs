//! Hearing the shell and its children: output, reports, their end.

use super::{Agent, AgentError};
use crate::control::ControlInput;
use crate::pipes::read_some;
use crate::processes::{is_alive, mark, signal};
use crate::protocol::{Mode, Reply, ShellFate, Status, Stream, frame};
use crate::runs::Run;
use crate::{shell, sys};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::io::Read;
use std::time::Instant;

/// The most that a pipe holds (/proc/sys/fs/pipe-max-size): what was written before a run ended
/// is among that many bytes.
const PIPE_BYTES: usize = 1024 * 1024;

/// How often the channel of a shell that ended is read: more than it holds, which is some hundred
/// small messages (net.core.wmem_default in socket(7)).
const LAST_READS: usize = 100;

/// The status of `wait` for a job that the shell does not know any more.
const NOT_KNOWN: i32 = 127;

/// How many files a shell may have open at the least: it keeps some of its own at numbers from 10
/// while a run has others.
const OPEN_FILES: u64 = 20;

impl Agent {
    /// Reads what the shell says of its runs, and what is printed outside of them. Returns false if
    /// nothing was there.
    pub(super) fn read_reports(&mut self) -> Result<bool, AgentError> {
        let Some(shell) = &mut self.shell else {
            return Ok(false);
        };
        let said = shell.control.read(shell.pid, &mut self.buffer);
        let is_some = !said.is_empty();
        for said in said {
            match said {
                ControlInput::Line(line) => self.heed_line(&line)?,
                ControlInput::Printed(bytes) => self.shell_printed(Stream::Stdout, &bytes)?,
            }
        }
        Ok(is_some)
    }

    /// Takes a line of the shell: a report, behind what a trap printed without an end of line, or
    /// such a line alone.
    fn heed_line(&mut self, line: &[u8]) -> Result<(), AgentError> {
        let Some((before, report)) = report(line, &self.nonce) else {
            return self.shell_printed(Stream::Stdout, line);
        };
        if !before.is_empty() {
            self.shell_printed(Stream::Stdout, before)?;
        }
        match report {
            ShellReport::Begun(id, pid) if self.told == Some(id) => {
                self.told = None;
                let shell = self.shell.as_mut().map(|shell| {
                    shell.told_of = id;
                    shell.pid
                });
                if let Some(run) = self.runs.get_mut(&id) {
                    run.pid = Some(Pid::from_raw(pid));
                    run.job_of = shell;
                }
                self.tell_shell()
            }
            ShellReport::Ended(id, status) if self.told == Some(id) => self.heed_status(id, status),
            // The shell was told of no such run.
            ShellReport::Begun(..) | ShellReport::Ended(..) => Ok(()),
        }
    }

    /// Sends what the shell's traps print as it closes. Our own commands cause its output between
    /// two runs, under `set -x` say.
    fn shell_printed(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), AgentError> {
        match self.is_closing {
            true => self.send(&frame::output(0, stream, bytes)),
            false => Ok(()),
        }
    }

    /// Reads how background runs say that they came to their end. It is believed only where the shell
    /// does not know.
    pub(super) fn read_background_ends(&mut self) {
        if let Some(count @ 1..) = read_some(&self.ends.read, &mut self.buffer) {
            // Each is written at once, and shorter than what a pipe keeps whole.
            for line in self.buffer[..count].split_inclusive(|byte| *byte == b'\n') {
                if let Some((_, ShellReport::Ended(id, status))) = report(line, &self.nonce)
                    && let Some(run) = self.runs.get_mut(&id)
                {
                    run.said = Some(status);
                }
            }
        }
    }

    fn heed_status(&mut self, id: u32, status: i32) -> Result<(), AgentError> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(());
        };
        let status = match (run.said, status) {
            (Some(said), NOT_KNOWN) if run.is_asked => said,
            _ => status,
        };
        run.status = Some(Status::Exited(status));
        let (mode, is_asked, is_being_ended) = (run.mode, run.is_asked, run.kill_at.is_some());
        if let Some(shell) = &mut self.shell {
            if !is_asked {
                // How a job ended is told whenever the shell is asked for it, and all else run by run.
                shell.told_of = id;
            }
            if sys::open_files_limit(shell.pid).is_some_and(|most| most < OPEN_FILES) {
                // It could not open the next run's pipes. This one is told of when it has ended.
                let _ = shell.close();
                return Ok(());
            }
        }
        if is_asked {
            // The processes of a job that a signal ended are ended with it.
            if status > 128 {
                signal(self.targets(id), Signal::SIGKILL);
            }
        } else if is_being_ended {
            // It is over once all that it started is; see `end_what_is_overdue`.
            if mode == Mode::Check {
                self.told = None;
            }
            return Ok(());
        }
        self.told = None;
        self.end(id)?;
        self.tell_shell()
    }

    /// Tells that a run ended, after all that it printed.
    pub(super) fn end(&mut self, id: u32) -> Result<(), AgentError> {
        // A process that the run left behind may still hold a writing end.
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
            return Ok(());
        };
        run.ended = true;
        let status = run
            .status
            .unwrap_or(Status::Signaled(Signal::SIGKILL as i32));
        let (mode, on_request) = (run.mode, run.kill_at.is_some());
        // Others too: what one printed before a step ended is told before that, and so is there for
        // the checks that follow.
        let open: Vec<u32> = match mode {
            Mode::Step | Mode::Check | Mode::Aside => self.runs.keys().copied().collect(),
            Mode::Background => vec![id],
        };
        for id in open {
            self.drain(id)?;
        }
        let shell = match (mode, &self.shell) {
            (Mode::Step | Mode::Check, None) => ShellFate::Lost,
            (Mode::Step | Mode::Check, Some(_)) if self.is_replaced => ShellFate::New,
            (Mode::Step | Mode::Check | Mode::Background | Mode::Aside, _) => ShellFate::Kept,
        };
        if let Mode::Step | Mode::Check = mode {
            self.is_replaced = false;
        }
        let told = Reply::Ended {
            id,
            status,
            shell,
            on_request,
        };
        match mode {
            Mode::Step | Mode::Check if self.waits_for_jobs()? => self.held.push(told),
            Mode::Step | Mode::Check | Mode::Aside => self.reply(&told)?,
            Mode::Background => {
                self.reply(&told)?;
                if !self.asks_for_jobs() {
                    for told in std::mem::take(&mut self.held) {
                        self.reply(&told)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads what a run has printed by now, and no more of one that goes on printing.
    fn drain(&mut self, id: u32) -> Result<(), AgentError> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut drained = 0;
            while drained < PIPE_BYTES {
                match self.read_run(id, stream)? {
                    0 => break,
                    count => drained += count,
                }
            }
        }
        Ok(())
    }

    /// True if a background run is gone that ended before what ended now: it is told of first, so
    /// that whatever it asks for holds for the next step.
    fn waits_for_jobs(&mut self) -> Result<bool, AgentError> {
        self.look_at_background()?;
        Ok(self.asks_for_jobs())
    }

    /// True if the shell is asked how a background run ended.
    fn asks_for_jobs(&self) -> bool {
        self.runs.values().any(|run| run.is_asked && !run.ended)
    }

    /// Sees which background runs are gone. Their shell is asked how they ended.
    pub(super) fn look_at_background(&mut self) -> Result<(), AgentError> {
        let gone = |run: &&Run| {
            let is_open = run.mode == Mode::Background && !run.ended && !run.is_asked;
            is_open && run.pid.is_some_and(|pid| !is_alive(pid))
        };
        let gone: Vec<u32> = self.runs.values().filter(gone).map(|run| run.id).collect();
        if gone.is_empty() {
            return Ok(());
        }
        // Those whose shell is gone too came to this process.
        self.reap()?;
        for id in gone {
            let shell = self.shell.as_ref().map(|shell| shell.pid);
            let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
                continue;
            };
            match run.pid {
                Some(pid) if run.kill_at.is_none() && run.job_of == shell => {
                    run.text = shell::asks_how_ended(&self.nonce, id, pid);
                    run.is_asked = true;
                    self.untold.push_front(id);
                }
                _ => {
                    run.status
                        .get_or_insert(Status::Signaled(Signal::SIGKILL as i32));
                    signal(self.targets(id), Signal::SIGKILL);
                    self.end(id)?;
                }
            }
        }
        self.tell_shell()
    }

    pub(super) fn heed_children(&mut self) -> Result<(), AgentError> {
        while matches!((&self.children).read(&mut self.buffer), Ok(1..)) {}
        self.reap()
    }

    fn reap(&mut self) -> Result<(), AgentError> {
        let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        loop {
            let (pid, status) = match waitid(Id::All, ended) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Exited(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Status::Signaled(signal as i32)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let is_shell = self.shell.as_ref().is_some_and(|shell| shell.pid == pid);
            // The mark of a process can be read until it is waited for.
            let mark = if is_shell { mark(pid) } else { None };
            waitpid(pid, Some(WaitPidFlag::WNOHANG))?;
            let ended = self
                .guest
                .as_mut()
                .map(|guest| guest.child_ended(pid, status));
            self.send(&ended.unwrap_or_default())?;
            if is_shell {
                self.shell_ended(status, mark)?;
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

    /// The shell is gone: the run that it was at ends with it. `mark` is what it was marked with.
    fn shell_ended(&mut self, status: Status, mark: Option<u32>) -> Result<(), AgentError> {
        // What it said last may stand behind what others wrote, who may go on with that.
        for _ in 0..LAST_READS {
            if !self.read_reports()? {
                break;
            }
        }
        while self.read_shell()? > 0 {}
        let Some(shell) = self.shell.take() else {
            return Ok(());
        };
        let rest = shell.control.rest();
        if !rest.is_empty() {
            self.shell_printed(Stream::Stdout, &rest)?;
        }
        let told = self.told.take();
        let run = told.and_then(|id| self.runs.get_mut(&id));
        match run.filter(|run| !run.is_asked) {
            // Its mark is that of the run it reported on last: it was lost before it came to the
            // next. A script may have set such a mark; that must not make it run for ever.
            Some(run) if mark == Some(shell.told_of) && !run.told_again && run.status.is_none() => {
                run.told_again = true;
                self.untold.push_front(run.id);
                self.is_replaced = true;
                self.forget_jobs()?;
            }
            Some(run) => {
                let status = *run.status.get_or_insert(status);
                // The processes of a shell that was killed, for want of memory say, end with it.
                if let Status::Signaled(_) = status {
                    run.kill_at.get_or_insert_with(Instant::now);
                }
                let (id, is_being_ended) = (run.id, run.kill_at.is_some());
                self.forget_jobs()?;
                // One that is being ended is told of when all that it started is gone too.
                if !is_being_ended {
                    self.end(id)?;
                }
            }
            None => {
                self.is_replaced = true;
                self.forget_jobs()?;
            }
        }
        self.tell_shell()
    }

    /// Ends the background runs whose end the shell was asked for, and took with it.
    fn forget_jobs(&mut self) -> Result<(), AgentError> {
        let jobs = self.runs.values().filter(|run| run.is_asked && !run.ended);
        let jobs: Vec<u32> = jobs.map(|run| run.id).collect();
        self.untold.retain(|id| !jobs.contains(id));
        for id in jobs {
            self.end(id)?;
        }
        Ok(())
    }

    pub(super) fn read_shell(&mut self) -> Result<usize, AgentError> {
        let Some(shell) = &self.shell else {
            return Ok(0);
        };
        let count = read_some(&shell.stderr, &mut self.buffer).unwrap_or(0);
        if count > 0 {
            let bytes = self.buffer[..count].to_vec();
            self.shell_printed(Stream::Stderr, &bytes)?;
        }
        Ok(count)
    }

    pub(super) fn read_run(&mut self, id: u32, stream: Stream) -> Result<usize, AgentError> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(0);
        };
        let count = run.read(stream, &mut self.pipes, &mut self.buffer);
        if count > 0 {
            let frame = frame::output(id, stream, &self.buffer[..count]);
            self.send(&frame)?;
        }
        Ok(count)
    }
}

/// A line's report of a run.
enum ShellReport {
    /// A background run began as this process.
    Begun(u32, i32),
    /// A run ended with this status.
    Ended(u32, i32),
}

/// Reads `<nonce> <id> <status>`, or `<nonce> <id> pid <process>`, and what stands before it.
fn report<'l>(line: &'l [u8], nonce: &str) -> Option<(&'l [u8], ShellReport)> {
    let at = line
        .windows(nonce.len())
        .position(|bytes| bytes == nonce.as_bytes())?;
    let (before, report) = line.split_at(at);
    let mut words = str::from_utf8(&report[nonce.len()..])
        .ok()?
        .split_ascii_whitespace();
    let id = words.next()?.parse().ok()?;
    let report = match (words.next()?, words.next()) {
        ("pid", Some(pid)) => ShellReport::Begun(id, pid.parse().ok()?),
        (status, None) => ShellReport::Ended(id, status.parse().ok()?),
        (_, Some(_)) => return None,
    };
    Some((before, report))
}
