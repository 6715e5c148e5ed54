//! Bytes that are no instruction, and why.

use std::fmt;

use super::raw::Raw;

/// Eight bytes that are no instruction, and why. Only decoding makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownInstruction {
    pub(super) raw: Raw,
    pub(super) flaw: InstructionFlaw,
}

impl UnknownInstruction {
    /// Returns the fields as they are.
    pub fn raw(&self) -> Raw {
        self.raw
    }

    /// Returns what is wrong with them.
    pub fn flaw(&self) -> InstructionFlaw {
        self.flaw
    }
}

/// Why eight bytes are no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InstructionFlaw {
    /// The opcode means nothing.
    #[error("the opcode {0:#04x} means nothing")]
    Opcode(u8),
    /// There is no such register.
    #[error("there is no register r{0}")]
    Register(u8),
    /// A field that must be zero is not.
    #[error("the {0} must be 0 here")]
    Reserved(Field),
    /// A field has none of the values it may have.
    #[error("the {0} has a value that means nothing here")]
    Value(Field),
    /// The load of a 64-bit constant lacks its second half.
    #[error("a 64-bit constant takes two slots, and the second one is missing")]
    NoSecondSlot,
    /// The slot after the load of a 64-bit constant is not its second half.
    #[error("a 64-bit constant takes two slots, and the second one holds more than the constant")]
    SecondSlot,
}

/// A field of the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The destination register.
    Dst,
    /// The source register.
    Src,
    /// The offset.
    Offset,
    /// The immediate.
    Imm,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dst => "destination register",
            Self::Src => "source register",
            Self::Offset => "offset",
            Self::Imm => "immediate",
        })
    }
}
