//! Reads what programs print: the kernel's `trace_pipe`.
//!
//! It belongs to the whole machine: every program's output ends there, only one reader may hold it, and what is
//! read is gone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::errno::Errno;

const PLACES: [&str; 2] = [
    "/sys/kernel/tracing/trace_pipe",
    "/sys/kernel/debug/tracing/trace_pipe",
];
/// The kernel's words before the text of `bpf_trace_printk`.
const PRINTED: &str = "bpf_trace_printk: ";
/// The most that is read at once. A program on system calls prints because of this very reading, so that
/// there may be no end.
const AT_ONCE: usize = 256 * 1024;

/// A line that a BPF program printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedLine {
    /// The task that was running: name and number, `cat-4711`.
    pub task: String,
    /// The number of the task, a thread's.
    pub pid: Option<u32>,
    /// The text.
    pub text: String,
}

/// An open `trace_pipe`.
pub struct TracePipe<R = File> {
    source: R,
    rest: Vec<u8>,
}

/// Why the trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Another process reads it.
    #[error("somebody else is reading `trace_pipe`, and only one may")]
    Busy,
    /// tracefs is not mounted.
    #[error("tracefs is not mounted: `mount -t tracefs tracefs /sys/kernel/tracing`")]
    NotMounted,
    /// Something else.
    #[error("cannot read `trace_pipe`: {0}")]
    Io(#[from] io::Error),
}

impl TracePipe {
    /// Opens it, and drops what it holds.
    pub fn open() -> Result<Self, TraceError> {
        let mut places = PLACES.iter().filter(|place| Path::new(place).exists());
        let place = places.next().ok_or(TraceError::NotMounted)?;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(place);
        let source = opened.map_err(|error| match error.raw_os_error() {
            Some(number) if number == Errno::EBUSY.0 => TraceError::Busy,
            _ => TraceError::Io(error),
        })?;
        let mut pipe = TracePipe::new(source);
        pipe.read()?;
        Ok(pipe)
    }
}

impl<R: Read> TracePipe<R> {
    /// Reads lines in the format of `trace_pipe`; reading must not wait.
    pub fn new(source: R) -> Self {
        Self {
            source,
            rest: Vec::new(),
        }
    }

    /// Returns what BPF programs printed since the last time; of a flood, the beginning.
    pub fn read(&mut self) -> io::Result<Vec<PrintedLine>> {
        let mut chunk = [0; 4096];
        let most = self.rest.len() + AT_ONCE;
        while self.rest.len() < most {
            match self.source.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => self.rest.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let whole = self.rest.iter().rposition(|&byte| byte == b'\n');
        let rest = self.rest.split_off(whole.map_or(0, |at| at + 1));
        let lines = std::mem::replace(&mut self.rest, rest);
        let lines = String::from_utf8_lossy(&lines).into_owned();
        Ok(lines.lines().filter_map(printed).collect())
    }
}

/// `           <...>-4711    [001] ...21  100.5: bpf_trace_printk: hello world!`
fn printed(line: &str) -> Option<PrintedLine> {
    let (before, text) = line.split_once(PRINTED)?;
    // The name of a task may hold spaces and dashes; its number stands before the CPU's brackets.
    let task = before
        .split_once(" [")
        .map_or(before, |(task, _)| task)
        .trim();
    let pid = task.rsplit_once('-').and_then(|(_, pid)| pid.parse().ok());
    Some(PrintedLine {
        task: task.to_owned(),
        pid,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_an_end() {
        let mut pipe = TracePipe::new(io::repeat(b'x'));
        assert!(pipe.read().unwrap().is_empty());
        assert!(pipe.rest.len() <= AT_ONCE + 4096);
    }

    #[test]
    fn lines_of_bpf_programs_have_a_task_and_a_text() {
        let text = "           my task-1-4711    [001] ...21   100.5: bpf_trace_printk: hello [world]!\n\n\
                    bash-3 [000] 1.0: sched_switch: prev=a\n\
                    <...>-12      [003] d..2.   1.0: bpf_trace_printk: two\n  half of a li";
        let mut pipe = TracePipe::new(text.as_bytes());
        let printed = pipe.read().unwrap();
        assert_eq!(printed.len(), 2);
        assert_eq!(printed[0].task, "my task-1-4711");
        assert_eq!(printed[0].pid, Some(4711));
        assert_eq!(printed[0].text, "hello [world]!");
        assert_eq!(printed[1].pid, Some(12));
        assert_eq!(pipe.rest, b"  half of a li");
    }
}
