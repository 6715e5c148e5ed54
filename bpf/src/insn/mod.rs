//! The instructions of BPF: what they are, from bytes and to bytes (RFC 9669, ISA v1 to v4, and what newer kernels add).
//!
//! ```
//! use tutor_bpf::insn::{ByteOrder, Callee, Instruction, decode};
//!
//! let bytes = [0x85, 0, 0, 0, 6, 0, 0, 0];
//! let decoded = decode(&bytes, ByteOrder::Little).next().unwrap()?;
//! assert_eq!(decoded.instruction, Instruction::Call { callee: Callee::Helper(6), offset: 0 });
//! assert_eq!(&*decoded.instruction.encode(ByteOrder::Little), &bytes);
//! # Ok::<(), tutor_bpf::insn::DecodeError>(())
//! ```
//!
//! Decoding loses nothing: what has no meaning is an [`Instruction::Unknown`] that keeps its bytes.
//! The model says what an encoding means, not what the verifier lets pass.

mod code;
mod decode;
mod encode;
mod instruction;
mod operand;
mod raw;
mod unknown;

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod tests;

pub use code::{AluCode, AtomicCode, Class, JumpCode, Mode, Size, Source, WideKind};
pub use decode::{DecodeError, DecodedInstruction, Instructions, decode};
pub use encode::InstructionBytes;
pub use instruction::Instruction;
pub use operand::{
    Address, AluOp, AtomicKind, AtomicOp, Callee, CallxField, JumpOp, Operand, Register,
    SignedSize, Swap, SwapBits, Wide, Width,
};
pub use raw::{ByteOrder, Raw};
pub use unknown::{Field, InstructionFlaw, UnknownInstruction};
