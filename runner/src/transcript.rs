//! The record of a run: bytes as they came, statuses, times. Nothing is judged here.

use crate::lesson::{ExpectedExit, Place};
use crate::say;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use tutor_agent::protocol::{ShellFate, Stream};

/// The record of one lesson's run.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// The lesson's permanent name.
    pub lesson: String,
    /// The record of each step and check of the plan, in order.
    pub records: Vec<Record>,
    /// What is known of the environment.
    pub facets: KnownFacets,
    /// The leftovers of the lesson, which `tutor` took away.
    pub leftovers: Vec<Leftover>,
    /// The output of the shells when they closed (`trap … EXIT`).
    pub closing: Output,
    /// How long it took in all.
    pub duration: Duration,
}

/// What is known of the environment that steps ran in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownFacets {
    /// The facets by name, cut to their precision: `kernel` → `6.12`.
    pub values: BTreeMap<String, String>,
    /// The same with their whole versions: `kernel` → `6.12.57+deb13-amd64`.
    pub versions: BTreeMap<String, String>,
    /// The facets that were asked for in vain, each with the reason.
    pub unknown: BTreeMap<String, String>,
}

/// The record of one step or check.
#[derive(Clone, Debug)]
pub struct Record {
    /// A step's id, or a check's name.
    pub id: RecordId,
    /// How it ended.
    pub ending: Ending,
    /// Its output.
    pub output: Output,
    /// How long it took.
    pub duration: Duration,
    /// The place it ran in.
    pub place: Place,
    /// The fate of the lesson's shell.
    pub shell: ShellFate,
    /// The lesson's files above it that were not as the lesson has them when it began, by the
    /// learner's hand.
    pub edited: Vec<PathBuf>,
    /// How the fence of an exercise judged what the learner begins with, where that was proved.
    pub untouched: Option<Ending>,
}

/// Which part of a lesson a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordId {
    /// The step of this id.
    Step(String),
    /// The check of this name.
    Check(String),
}

/// How a step or check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(i32),
    /// A signal ended it.
    Signaled(i32),
    /// It took longer than it may.
    TimedOut(Duration),
    /// A background step that `tutor` stopped at the lesson's end, as agreed.
    Stopped,
    /// Its start was never reached, or something it needs is missing.
    Skipped(Skip),
    /// The learner stopped it.
    Interrupted,
    /// The place could not run it: what was being done and what stood in the way.
    Broken(String),
}

impl Ending {
    /// The exit status as a shell would put it: 128 and the number of a signal that ended it.
    /// Nothing for what has none of its own.
    pub fn status(&self) -> Option<i32> {
        match self {
            Ending::Exited(code) => Some(*code),
            Ending::Signaled(signal) => Some(128 + signal),
            Ending::TimedOut(_)
            | Ending::Stopped
            | Ending::Skipped(_)
            | Ending::Interrupted
            | Ending::Broken(_) => None,
        }
    }

    /// True if it is what a step's author expects of it.
    pub fn is_as_expected(&self, expected: ExpectedExit) -> bool {
        match self.status() {
            Some(status) => expected.allows(status),
            // In the background until the lesson's end.
            None => *self == Ending::Stopped,
        }
    }
}

/// Why a step did not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Something it needs is missing.
    Need {
        /// The need as written: `clang>=14`.
        need: String,
        /// The answer of the probe.
        reason: String,
        /// How to mend it.
        remedy: Option<String>,
    },
    /// Whether something it needs is there could not be found out.
    NeedUnknown {
        /// The need as written.
        need: String,
        /// Why not.
        reason: String,
    },
    /// There is no place to run it in.
    NoPlace {
        /// Why not.
        reason: String,
        /// How to mend it.
        remedy: Option<String>,
    },
    /// The step it belongs to did not run.
    StepSkipped(String),
    /// The step it belongs to ran, and did not end as its author expects.
    StepFailed(String),
    /// An earlier step ended with the status that skips the rest.
    RestSkipped {
        /// That step.
        step: String,
        /// What it said last.
        said: Option<String>,
    },
    /// The step itself ended with that status.
    BySelf {
        /// What it said last.
        said: Option<String>,
    },
    /// An earlier step failed and the run stops at the first failure.
    StoppedEarly(String),
    /// The lesson had used up its time.
    LessonTimeout(Duration),
    /// The learner chose not to run it.
    ByLearner,
    /// An exercise that the learner has not begun: the files of its task are as they were.
    Exercise(Vec<PathBuf>),
}

/// The output of a process, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
}

impl Output {
    /// Adds to what was printed.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.push(bytes),
            Stream::Stderr => self.stderr.push(bytes),
        }
    }

    /// The last line that is not empty: of standard output, else of standard error.
    pub fn last_line(&self) -> Option<String> {
        self.stdout.last_line().or_else(|| self.stderr.last_line())
    }

    /// The number of bytes of both streams that were not kept.
    pub fn left_out_bytes(&self) -> u64 {
        self.stdout.left_out_bytes() + self.stderr.left_out_bytes()
    }
}

/// The number of bytes that a capture keeps of the beginning of a stream.
pub const HEAD_BYTES: usize = 768 * 1024;
/// The number of bytes that a capture keeps of the end of a stream.
pub const TAIL_BYTES: usize = 256 * 1024;

/// The beginning and the end of a stream of bytes, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    left_out_bytes: u64,
}

impl Capture {
    /// The last line that is not empty, of at most a thousand characters.
    fn last_line(&self) -> Option<String> {
        let bytes = self.bytes();
        let mut lines = bytes.split(|byte| *byte == b'\n').rev();
        let line = lines.find(|line| !line.trim_ascii().is_empty())?;
        let text = String::from_utf8_lossy(line.trim_ascii());
        Some(text.chars().take(1000).collect())
    }

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES.saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let skipped = rest.len().saturating_sub(TAIL_BYTES);
        let kept = &rest[skipped..];
        let overflow = (self.tail.len() + kept.len()).saturating_sub(TAIL_BYTES);
        self.tail.drain(..overflow);
        self.tail.extend(kept);
        self.left_out_bytes += (skipped + overflow) as u64;
    }

    /// The beginning of the stream: all of it, where nothing was left out.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if self.left_out_bytes > 0 {
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(
                format!("… {} bytes left out …\n", self.left_out_bytes).as_bytes(),
            );
        }
        bytes.extend(&self.tail);
        bytes
    }

    /// True if nothing came.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// The number of bytes that were not kept.
    pub fn left_out_bytes(&self) -> u64 {
        self.left_out_bytes
    }
}

impl From<&[u8]> for Capture {
    fn from(bytes: &[u8]) -> Capture {
        let mut capture = Capture::default();
        capture.push(bytes);
        capture
    }
}

/// Something that outlived its step and was taken away at the lesson's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The step it came from, if that is known.
    pub step: Option<String>,
    /// Its name: a process's command line, or a line of the course's inventory.
    pub what: String,
    /// True if it is still there: `tutor` can end a process, but not undo a sysctl.
    pub still_there: bool,
}

impl Leftover {
    /// Something of a step that does not end: it waits for the kernel, which may take for ever.
    pub fn unending(step: &str) -> Leftover {
        Leftover {
            step: Some(step.to_owned()),
            what: say!("unending", step = step),
            still_there: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_both_ends_and_counts_the_middle() {
        let mut capture = Capture::default();
        for _ in 0..40 {
            capture.push(&[b'a'; 65536]);
        }
        capture.push(b"the end");
        let bytes = capture.bytes();
        assert!(bytes.ends_with(b"the end"));
        let total = 40 * 65536 + 7;
        assert_eq!(
            capture.left_out_bytes(),
            (total - HEAD_BYTES - TAIL_BYTES) as u64
        );
        assert!(bytes.len() < HEAD_BYTES + TAIL_BYTES + 100);
    }

    #[test]
    fn a_capture_of_little_is_just_that() {
        let mut capture = Capture::default();
        capture.push(b"a\xff\0b");
        assert_eq!(capture.bytes(), b"a\xff\0b");
    }
}
