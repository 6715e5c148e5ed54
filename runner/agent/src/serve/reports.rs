//! What the shell and its children tell: output, reports, their end.

use super::{Agent, AgentError};
use crate::processes::{is_alive, mark, signal};
use crate::protocol::{self, Mode, Reply, Status, Stream, When};
use crate::runs::Run;
use crate::shell;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::io::Read;
use std::time::Instant;

/// The most that a pipe holds (/proc/sys/fs/pipe-max-size): what was written before a run ended
/// is among that many bytes.
const PIPE_BYTES: usize = 1024 * 1024;

/// What `wait` says of a job that the shell does not know any more.
const NOT_KNOWN: i32 = 127;

impl Agent {
    /// Reads reports of runs from the control pipe: `<nonce> <id> <status>`.
    pub(super) fn read_reports(&mut self) -> Result<(), AgentError> {
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

    /// `<id> <status>`, or of a background run `<id> pid <process>` and `<id> end <status>`.
    fn heed_report(&mut self, report: &str) -> Result<(), AgentError> {
        let mut words = report.split_ascii_whitespace();
        let Some(id) = words.next().and_then(|word| word.parse().ok()) else {
            return Ok(());
        };
        match (words.next(), words.next().map(str::parse)) {
            (Some("pid"), Some(Ok(pid))) => {
                let shell = self.shell.as_mut().map(|shell| {
                    shell.told_of = id;
                    shell.pid
                });
                if let Some(run) = self.runs.get_mut(&id) {
                    run.pid = Some(Pid::from_raw(pid));
                    run.job_of = shell;
                    run.text = None;
                }
            }
            (Some("end"), Some(Ok(status))) => {
                if let Some(run) = self.runs.get_mut(&id) {
                    run.said = Some(status);
                }
            }
            (Some(status), None) => {
                if let Ok(status) = status.parse() {
                    return self.heed_status(id, status);
                }
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        Ok(())
    }

    fn heed_status(&mut self, id: u32, status: i32) -> Result<(), AgentError> {
        let run = self.runs.get_mut(&id);
        // How a job ended is told whenever the shell is asked for it, and all else run by run.
        if let Some(shell) = &mut self.shell
            && run.as_ref().is_none_or(|run| run.is_in_turn())
        {
            shell.told_of = id;
        }
        let Some(run) = run else {
            return Ok(());
        };
        let status = match (run.said, status) {
            (Some(said), NOT_KNOWN) if run.is_asked => said,
            _ => status,
        };
        run.status = Some(Status::Exited(status));
        if run.is_asked {
            // What a job had begun that a signal ended is ended with it.
            if status > 128 {
                signal(self.targets(id), Signal::SIGKILL);
            }
        } else if run.kill_at.is_some() {
            // Its shell was asked to end as well; see `end_what_is_overdue`.
            return Ok(());
        }
        self.end(id)
    }

    /// Tells that a run ended, after all that it printed.
    pub(super) fn end(&mut self, id: u32) -> Result<(), AgentError> {
        // Whoever still holds a writing end is a process that the run left behind.
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.ended) else {
            return Ok(());
        };
        run.ended = true;
        run.text = None;
        let status = run
            .status
            .unwrap_or(Status::Signaled(Signal::SIGKILL as i32));
        let (mode, on_request) = (run.mode, run.kill_at.is_some());
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
            (Mode::Step | Mode::Check, Some(_)) if self.is_replaced => protocol::Shell::New,
            (Mode::Step | Mode::Check | Mode::Background | Mode::Aside, _) => protocol::Shell::Kept,
        };
        if let Mode::Step | Mode::Check = mode {
            self.is_replaced = false;
        }
        let is_lost = shell == protocol::Shell::Lost;
        if mode == Mode::Step && (is_lost || status != Status::Exited(0)) {
            self.forget_ahead();
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

    /// True if a background run is gone that ended before what ended now: it is told of first, so
    /// that whatever it asks for holds for the next step.
    fn waits_for_jobs(&mut self) -> Result<bool, AgentError> {
        self.look_at_background()?;
        Ok(self.turn().is_none() && self.asks_for_jobs())
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
                    let control = &self.control.write;
                    let text = shell::asks_how_ended(&self.nonce, id, pid, self.past, control);
                    run.text = Some(text);
                    run.is_asked = true;
                    self.untold.push(id);
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
            // What a process is marked with is known as long as nobody waited for it.
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
        self.read_reports()?;
        let rest = std::mem::take(&mut self.reports);
        if !rest.is_empty() {
            self.shell_printed(Stream::Stdout, &rest)?;
        }
        while self.read_shell()? > 0 {}
        let told_of = self.shell.take().map_or(0, |shell| shell.told_of);
        let untold = &self.untold;
        let told = self.runs.values_mut();
        let mut told: Vec<&mut Run> = told
            .filter(|run| run.text.is_some() && !run.is_asked && !untold.contains(&run.id))
            .collect();
        // A shell whose mark is that of the run it told of last was lost before it came to the
        // next. A script may have set such a mark; that must not make it run for ever.
        let is_begun = |run: &Run| mark != Some(told_of) || run.told_again;
        let at = (told.first().is_some_and(|run| is_begun(run))).then(|| told.remove(0));
        let at = at.map(|run| {
            run.status = Some(status);
            // It took place.
            run.when = When::Anyway;
            // What a shell had begun that was killed, for want of memory say, is ended with it.
            if let Status::Signaled(_) = status {
                run.kill_at.get_or_insert_with(Instant::now);
            }
            (run.id, run.kill_at.is_some())
        });
        for run in &mut told {
            run.told_again = true;
        }
        let again: Vec<u32> = told.iter().map(|run| run.id).collect();
        // Where the shell was lost between two runs all that is asked for goes on.
        match at {
            Some(_) => self.forget_ahead(),
            None => self.is_replaced = true,
        }
        self.untold.splice(..0, again);
        self.forget_jobs()?;
        // A run that is being ended is told of when all that it started is gone too.
        if let Some((id, false)) = at {
            self.end(id)?;
        }
        let runs = &self.runs;
        self.untold.retain(|id| runs.contains_key(id));
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
        let count = shell::read_some(&shell.stderr, &mut self.buffer).unwrap_or(0);
        if count > 0 {
            let frame = protocol::output(0, Stream::Stderr, &self.buffer[..count]);
            self.send(&frame)?;
        }
        Ok(count)
    }

    pub(super) fn read_run(&mut self, id: u32, stream: Stream) -> Result<usize, AgentError> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(0);
        };
        let count = run.read(stream, &mut self.pipes, &mut self.buffer);
        if count > 0 {
            let frame = protocol::output(id, stream, &self.buffer[..count]);
            self.send(&frame)?;
        }
        Ok(count)
    }
}
