//! The runs that an agent has begun: their pipes, their processes, how far they are.

use crate::pipes::{Outlet, Pipes};
use crate::protocol::{Mode, Status, Stream};
use nix::unistd::Pid;
use std::io;
use std::time::Instant;

/// One run.
#[derive(Debug)]
pub struct Run {
    pub id: u32,
    pub mode: Mode,
    pub began: Instant,
    /// Where it prints, until it has ended and the last writer is gone.
    pub stdout: Option<Outlet>,
    pub stderr: Option<Outlet>,
    /// The text that the shell is to be told, or was told last.
    pub text: String,
    /// True if a shell that was told of it was lost before it came to it.
    pub told_again: bool,
    /// The process to wait for, of a background run or an aside.
    pub pid: Option<Pid>,
    /// The shell that a background run is a job of.
    pub job_of: Option<Pid>,
    /// The status that a background run came to its end with, as it said itself.
    pub said: Option<i32>,
    /// True if its shell is asked how it ended.
    pub is_asked: bool,
    /// The status that the run's process or shell reported, before its end was told.
    pub status: Option<Status>,
    /// When SIGKILL follows SIGTERM, if the run is being ended.
    pub kill_at: Option<Instant>,
    /// True once its end was told; its pipes may still be open.
    pub ended: bool,
}

impl Run {
    pub fn new(id: u32, mode: Mode, pipes: &mut Pipes) -> io::Result<Run> {
        Ok(Run {
            id,
            mode,
            began: Instant::now(),
            stdout: Some(pipes.take()?),
            stderr: Some(pipes.take()?),
            text: String::new(),
            told_again: false,
            pid: None,
            job_of: None,
            said: None,
            is_asked: false,
            status: None,
            kill_at: None,
            ended: false,
        })
    }

    /// Reads once from one of its streams; gives the pipe back at its end. Returns the bytes that
    /// came.
    pub fn read(&mut self, stream: Stream, pipes: &mut Pipes, buffer: &mut [u8]) -> usize {
        let outlet = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let count = outlet.as_ref().map(|outlet| pipes.read(outlet, buffer));
        // Before that, the writer may not have opened it yet.
        if self.ended
            && count == Some(None)
            && let Some(outlet) = outlet.take()
        {
            pipes.put_back(outlet);
        }
        count.flatten().unwrap_or(0)
    }

    /// True if what it prints would not be heard of.
    pub fn is_unheard(&self) -> bool {
        let outlets = [&self.stdout, &self.stderr];
        let mut open = outlets.into_iter().flatten();
        open.any(|outlet| !outlet.is_awaited())
    }

    /// Hears of what it prints from now on.
    pub fn listen(&mut self, pipes: &mut Pipes) -> io::Result<()> {
        let outlets = [&mut self.stdout, &mut self.stderr];
        let mut open = outlets.into_iter().flatten();
        open.try_for_each(|outlet| pipes.wait_at(outlet))
    }

    /// The streams that it may have printed to.
    pub fn changed(&self, pipes: &Pipes) -> Vec<Stream> {
        let outlets = [
            (Stream::Stdout, &self.stdout),
            (Stream::Stderr, &self.stderr),
        ];
        let changed = outlets.into_iter().filter(|(_, outlet)| {
            let outlet = outlet.as_ref();
            outlet.is_some_and(|outlet| pipes.is_changed(outlet))
        });
        changed.map(|(stream, _)| stream).collect()
    }

    /// True once nothing more can come of it.
    pub fn is_over(&self) -> bool {
        self.ended && self.stdout.is_none() && self.stderr.is_none()
    }
}
