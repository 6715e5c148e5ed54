//! What whoever loads an object has to fill in.

use std::fmt;

/// A place that whoever loads the object fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// Where, in bytes from the start of the section.
    pub offset: u64,
    /// How.
    pub kind: RelocationKind,
    /// The number of the symbol with whose address.
    pub symbol: usize,
    /// What is added; where it is missing, what stands in the place itself is.
    pub addend: Option<i64>,
}

/// How a place is filled in (LLVM's `BPFRelocations`, `Documentation/bpf/llvm_reloc.rst` of the kernel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelocationKind {
    /// The constant of a 64-bit load.
    Load64,
    /// A number of 64 bits in data.
    Absolute64,
    /// A number of 32 bits in data.
    Absolute32,
    /// A number of 32 bits in data that nothing at run time fills in, as in `.BTF.ext`.
    NoDynamic32,
    /// The target of a call.
    Call,
    /// Another one.
    Other(u32),
}

impl RelocationKind {
    pub(super) fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Load64,
            2 => Self::Absolute64,
            3 => Self::Absolute32,
            4 => Self::NoDynamic32,
            10 => Self::Call,
            other => Self::Other(other),
        }
    }
}

/// LLVM's name.
impl fmt::Display for RelocationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load64 => f.write_str("R_BPF_64_64"),
            Self::Absolute64 => f.write_str("R_BPF_64_ABS64"),
            Self::Absolute32 => f.write_str("R_BPF_64_ABS32"),
            Self::NoDynamic32 => f.write_str("R_BPF_64_NODYLD32"),
            Self::Call => f.write_str("R_BPF_64_32"),
            Self::Other(code) => write!(f, "relocation {code}"),
        }
    }
}
