//! Why a file cannot be read as a BPF object.

use crate::hex::hex;

/// Why a file is no BPF object that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It does not begin as an ELF file does.
    #[error(
        "this is no ELF file: it begins with {}, not with 7f 45 4c 46",
        begin(start)
    )]
    NotElf {
        /// Its first bytes, at most four.
        start: Vec<u8>,
    },
    /// It is for another machine.
    #[error("this is an ELF file for {machine}, not for BPF")]
    Machine {
        /// The machine's name or number.
        machine: String,
    },
    /// It has 32-bit headers, and BPF objects have 64-bit ones.
    #[error("this is a 32-bit ELF file, and BPF objects are 64-bit ones")]
    Class,
    /// It is no output of a compiler, but a program, a library or a core dump.
    #[error("this is no relocatable object (its ELF type is {kind}, not 1)")]
    Kind {
        /// The `e_type` of its header.
        kind: u16,
    },
    /// Something in it points outside of it, or is cut off.
    #[error("cannot read {what}: {why}")]
    Broken {
        /// The part that was being read.
        what: String,
        /// The obstacle.
        why: String,
        /// Where, in bytes from the start of the file, where that is known.
        offset: Option<u64>,
    },
    /// Its sections or its symbols' names share bytes, so that showing all would take more memory than its size lets expect.
    #[error("its sections or names together claim more bytes than the whole file has")]
    Overlap,
}

impl ObjectError {
    pub(super) fn broken(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Broken {
            what: what.into(),
            why: why.to_string(),
            offset: None,
        }
    }

    pub(super) fn at(self, place: u64) -> Self {
        match self {
            Self::Broken { what, why, .. } => Self::Broken {
                what,
                why,
                offset: Some(place),
            },
            Self::NotElf { .. }
            | Self::Machine { .. }
            | Self::Class
            | Self::Kind { .. }
            | Self::Overlap => self,
        }
    }

    /// Returns where in the file it was found, in bytes from the start.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Broken { offset, .. } => *offset,
            Self::NotElf { .. }
            | Self::Machine { .. }
            | Self::Class
            | Self::Kind { .. }
            | Self::Overlap => None,
        }
    }

    /// Returns whether it is another kind of file, and no damaged object.
    pub fn is_foreign(&self) -> bool {
        match self {
            Self::NotElf { .. } | Self::Machine { .. } | Self::Class | Self::Kind { .. } => true,
            Self::Broken { .. } | Self::Overlap => false,
        }
    }
}

fn begin(start: &[u8]) -> String {
    match start {
        [] => "nothing".to_owned(),
        some => hex(some),
    }
}
