//! An attempt that failed: how far it came, and what the kernel answered.

use std::fmt;

use crate::errno::Errno;

/// How far an attempt had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A program was given to the verifier.
    Load,
    /// A loaded program was tied to something that happens.
    Attach,
    /// A loaded program was to run.
    Run,
    /// A map was to be made.
    Create,
    /// A file was opened or read.
    Open,
    /// A program was given a name in the BPF file system.
    Pin,
}

/// The answer to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelAnswer {
    /// The kernel's error number.
    Errno(Errno),
    /// Something else, in words.
    Words(String),
}

impl fmt::Display for KernelAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(errno) => errno.fmt(f),
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// An attempt that did not succeed.
#[derive(Debug)]
pub(super) struct FailedAttempt {
    pub(super) phase: Phase,
    /// To be read after "cannot".
    pub(super) attempt: String,
    pub(super) answer: KernelAnswer,
}
