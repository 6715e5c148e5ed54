//! From instructions to bytes.

use std::ops::Deref;

use super::code::{AluCode, AtomicCode, Class, JumpCode, Mode, Size, Source};
use super::instruction::Instruction;
use super::operand::{
    Address, AtomicKind, AtomicOp, Callee, CallxField, Operand, Register, SignedSize, Swap, Width,
};
use super::raw::{ByteOrder, Raw};

/// The bytes of one instruction, eight or sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionBytes {
    bytes: [u8; 2 * Raw::LEN],
    len: usize,
}

impl Deref for InstructionBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The kernel's own mark in the mode bits of a store, `BPF_NOSPEC` of `include/linux/filter.h`.
pub(super) const NOSPEC: u8 = Class::St.code() | Mode::Atomic.code();
/// In the offset of a move: `BPF_ADDR_PERCPU` of the kernel's `include/linux/filter.h`.
pub(super) const ADDR_PERCPU: i16 = -1;
/// In the offset of a move: `BPF_ADDR_SPACE_CAST`.
pub(super) const ADDR_SPACE_CAST: i16 = 1;
/// In the source register of a call: `BPF_PSEUDO_CALL`.
pub(super) const PSEUDO_CALL: u8 = 1;
/// In the source register of a call: `BPF_PSEUDO_KFUNC_CALL`.
pub(super) const PSEUDO_KFUNC_CALL: u8 = 2;

impl Instruction {
    /// Returns the bytes.
    ///
    /// ```
    /// use tutor_bpf::insn::{ByteOrder, Instruction};
    ///
    /// assert_eq!(*Instruction::Exit.encode(ByteOrder::Little), [0x95, 0, 0, 0, 0, 0, 0, 0]);
    /// ```
    pub fn encode(&self, order: ByteOrder) -> InstructionBytes {
        let mut bytes = [0; 2 * Raw::LEN];
        let (first, second) = bytes.split_at_mut(Raw::LEN);
        first.copy_from_slice(&self.raw().to_bytes(order));
        if let Some(wide) = self.wide() {
            let raw = Raw {
                imm: wide.high,
                ..Raw::default()
            };
            second.copy_from_slice(&raw.to_bytes(order));
        }
        InstructionBytes {
            bytes,
            len: self.slots() * Raw::LEN,
        }
    }

    /// Returns the fields of the first slot.
    pub fn raw(&self) -> Raw {
        match *self {
            Self::Alu {
                width,
                op,
                dst,
                src,
            } => {
                let (code, offset) = op.encoding();
                with_operand(
                    Raw {
                        dst: dst.number(),
                        offset,
                        ..raw(alu(width) | code.code())
                    },
                    src,
                )
            }
            Self::Negate { width, dst } => Raw {
                dst: dst.number(),
                ..raw(alu(width) | AluCode::Neg.code())
            },
            Self::MoveSigned {
                width,
                from,
                dst,
                src,
            } => Raw {
                offset: from.size().bits() as i16,
                ..moved(width, dst, src)
            },
            Self::Swap { swap, bits, dst } => {
                let class = match swap {
                    Swap::ToLittle => Class::Alu.code() | Source::Immediate.code(),
                    Swap::ToBig => Class::Alu.code() | Source::Register.code(),
                    Swap::Always => Class::Alu64.code() | Source::Immediate.code(),
                };
                Raw {
                    dst: dst.number(),
                    imm: bits.bits(),
                    ..raw(class | AluCode::End.code())
                }
            }
            Self::AddressSpaceCast { dst, src, to, from } => Raw {
                offset: ADDR_SPACE_CAST,
                imm: (u32::from(to) << 16 | u32::from(from)) as i32,
                ..moved(Width::W64, dst, src)
            },
            Self::PercpuAddress { dst, src } => Raw {
                offset: ADDR_PERCPU,
                ..moved(Width::W64, dst, src)
            },
            Self::LoadWide { dst, wide } => Raw {
                dst: dst.number(),
                src: wide.kind.code(),
                imm: wide.low,
                ..raw(Class::Ld.code() | Mode::Imm.code() | Size::Double.code())
            },
            Self::LoadPacket {
                size,
                index,
                offset,
            } => packet(size, index, offset),
            Self::Load { size, dst, address } => load(Mode::Mem, size, dst, address),
            Self::LoadSigned { size, dst, address } => load(Mode::MemSx, size.size(), dst, address),
            Self::Store { size, address, src } => match src {
                Operand::Register(src) => store(Class::Stx, Mode::Mem, size, address, src),
                Operand::Immediate(imm) => Raw {
                    imm,
                    ..store(Class::St, Mode::Mem, size, address, Register::R0)
                },
            },
            Self::Atomic {
                kind,
                width,
                address,
                src,
            } => {
                let size = match width {
                    Width::W32 => Size::Word,
                    Width::W64 => Size::Double,
                };
                atomic(atomic_code(kind), size, address, src)
            }
            Self::LoadAcquire { size, dst, address } => Raw {
                imm: AtomicCode::LoadAcquire.code(),
                ..access(
                    Class::Stx,
                    Mode::Atomic,
                    size,
                    dst,
                    address.base,
                    address.offset,
                )
            },
            Self::StoreRelease { size, address, src } => {
                atomic(AtomicCode::StoreRelease, size, address, src)
            }
            Self::JumpIf {
                width,
                op,
                left,
                right,
                offset,
            } => {
                let class = match width {
                    Width::W32 => Class::Jmp32,
                    Width::W64 => Class::Jmp,
                };
                with_operand(
                    Raw {
                        dst: left.number(),
                        offset,
                        ..raw(class.code() | op.code().code())
                    },
                    right,
                )
            }
            Self::Goto { offset } => Raw {
                offset,
                ..raw(Class::Jmp.code() | JumpCode::Ja.code())
            },
            Self::GotoLong { offset } => Raw {
                imm: offset,
                ..raw(Class::Jmp32.code() | JumpCode::Ja.code())
            },
            Self::MayGoto { offset } => Raw {
                offset,
                ..raw(Class::Jmp.code() | JumpCode::Cond.code())
            },
            Self::GotoRegister { register } => Raw {
                dst: register.number(),
                ..raw(Class::Jmp.code() | JumpCode::Ja.code() | Source::Register.code())
            },
            Self::Call { callee, offset } => {
                let (src, imm) = match callee {
                    Callee::Helper(id) => (0, id),
                    Callee::Subprogram(slots) => (PSEUDO_CALL, slots),
                    Callee::Kfunc(id) => (PSEUDO_KFUNC_CALL, id),
                };
                Raw {
                    opcode: Class::Jmp.code() | JumpCode::Call.code(),
                    dst: 0,
                    src,
                    offset,
                    imm,
                }
            }
            Self::CallRegister { register, field } => {
                let opcode = Class::Jmp.code() | JumpCode::Call.code() | Source::Register.code();
                match field {
                    CallxField::Immediate => Raw {
                        imm: i32::from(register.number()),
                        ..raw(opcode)
                    },
                    CallxField::Destination => Raw {
                        dst: register.number(),
                        ..raw(opcode)
                    },
                }
            }
            Self::Exit => raw(Class::Jmp.code() | JumpCode::Exit.code()),
            Self::Nospec => raw(NOSPEC),
            Self::Unknown(unknown) => unknown.raw(),
        }
    }
}

/// Returns an instruction whose other fields are zero.
fn raw(opcode: u8) -> Raw {
    Raw {
        opcode,
        ..Raw::default()
    }
}

const fn alu(width: Width) -> u8 {
    match width {
        Width::W32 => Class::Alu.code(),
        Width::W64 => Class::Alu64.code(),
    }
}

fn with_operand(raw: Raw, operand: Operand) -> Raw {
    match operand {
        Operand::Register(register) => Raw {
            opcode: raw.opcode | Source::Register.code(),
            src: register.number(),
            ..raw
        },
        Operand::Immediate(imm) => Raw { imm, ..raw },
    }
}

fn moved(width: Width, dst: Register, src: Register) -> Raw {
    Raw {
        dst: dst.number(),
        src: src.number(),
        ..raw(alu(width) | AluCode::Mov.code() | Source::Register.code())
    }
}

fn packet(size: SignedSize, index: Option<Register>, imm: i32) -> Raw {
    let mode = match index {
        Some(_) => Mode::Ind,
        None => Mode::Abs,
    };
    Raw {
        src: index.map_or(0, Register::number),
        imm,
        ..raw(Class::Ld.code() | mode.code() | size.size().code())
    }
}

fn access(class: Class, mode: Mode, size: Size, dst: Register, src: Register, offset: i16) -> Raw {
    Raw {
        opcode: class.code() | mode.code() | size.code(),
        dst: dst.number(),
        src: src.number(),
        offset,
        imm: 0,
    }
}

fn load(mode: Mode, size: Size, dst: Register, address: Address) -> Raw {
    access(Class::Ldx, mode, size, dst, address.base, address.offset)
}

fn store(class: Class, mode: Mode, size: Size, address: Address, src: Register) -> Raw {
    access(class, mode, size, address.base, src, address.offset)
}

fn atomic(code: AtomicCode, size: Size, address: Address, src: Register) -> Raw {
    Raw {
        imm: code.code(),
        ..store(Class::Stx, Mode::Atomic, size, address, src)
    }
}

const fn atomic_code(kind: AtomicKind) -> AtomicCode {
    match kind {
        AtomicKind::Plain(AtomicOp::Add) => AtomicCode::Add,
        AtomicKind::Plain(AtomicOp::Or) => AtomicCode::Or,
        AtomicKind::Plain(AtomicOp::And) => AtomicCode::And,
        AtomicKind::Plain(AtomicOp::Xor) => AtomicCode::Xor,
        AtomicKind::Fetch(AtomicOp::Add) => AtomicCode::FetchAdd,
        AtomicKind::Fetch(AtomicOp::Or) => AtomicCode::FetchOr,
        AtomicKind::Fetch(AtomicOp::And) => AtomicCode::FetchAnd,
        AtomicKind::Fetch(AtomicOp::Xor) => AtomicCode::FetchXor,
        AtomicKind::Exchange => AtomicCode::Exchange,
        AtomicKind::CompareExchange => AtomicCode::CompareExchange,
    }
}
