//! The runs that an agent has begun: their pipes, their processes, how far they are.

use crate::protocol::{Mode, Status, Stream, When};
use crate::shell::{self, Pipe};
use nix::unistd::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// One run.
#[derive(Debug)]
pub struct Run {
    pub id: u32,
    pub mode: Mode,
    pub when: When,
    /// The reading ends, until the last writer is gone.
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    /// The writing ends, as long as the shell may still have to open them.
    pub writers: Option<(OwnedFd, OwnedFd)>,
    /// What the shell is told, as long as it may not have come to it.
    pub text: Option<String>,
    /// The process to wait for, of a background run or an aside.
    pub pid: Option<Pid>,
    /// What the run's process or shell reported, before its end was told.
    pub status: Option<Status>,
    /// When SIGKILL follows SIGTERM, if the run is being ended.
    pub kill_at: Option<Instant>,
    /// True once its end was told; its pipes may still be open.
    pub ended: bool,
}

impl Run {
    pub fn new(id: u32, mode: Mode, when: When) -> io::Result<Run> {
        let pipe = match mode {
            Mode::Step | Mode::Check | Mode::Background => Pipe::to_be_opened,
            Mode::Aside => Pipe::new,
        };
        let (stdout, stderr) = (pipe()?, pipe()?);
        Ok(Run {
            id,
            mode,
            when,
            stdout: Some(stdout.read),
            stderr: Some(stderr.read),
            writers: Some((stdout.write, stderr.write)),
            text: None,
            pid: None,
            status: None,
            kill_at: None,
            ended: false,
        })
    }

    /// Reads once from one of its streams; closes it at its end. Returns the bytes that came.
    pub fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> usize {
        let end = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(fd) = end else { return 0 };
        match shell::read_some(fd, buffer) {
            Some(count) => count,
            None => {
                *end = None;
                0
            }
        }
    }

    /// True if it takes its turn in the lesson's shell.
    pub fn is_in_turn(&self) -> bool {
        match self.mode {
            Mode::Step | Mode::Check => true,
            Mode::Background | Mode::Aside => false,
        }
    }

    /// True once nothing more can come of it.
    pub fn is_over(&self) -> bool {
        self.ended && self.stdout.is_none() && self.stderr.is_none()
    }
}
