//! Instructions as text, in the notation of the kernel's own disassembler (`kernel/bpf/disasm.c`).
//!
//! It is what the verifier's log and `bpftool prog dump xlated` show, and it does not change with the version of
//! LLVM that is installed. Two things go beyond it: what the kernel shows as `BUG_…` keeps its bytes, and names
//! come from a caller that knows them ([`SymbolNames`]).
//!
//! ```
//! use tutor_bpf::disasm::{NoNames, Text};
//! use tutor_bpf::insn::{ByteOrder, decode};
//!
//! let bytes = [0x85, 0, 0, 0, 6, 0, 0, 0];
//! let decoded = decode(&bytes, ByteOrder::Little).next().unwrap()?;
//! let text = Text::new(&decoded.instruction, 0, &NoNames);
//! assert_eq!(text.to_string(), "call bpf_trace_printk#6");
//! # Ok::<(), tutor_bpf::insn::DecodeError>(())
//! ```

use std::fmt::{self, Write};

use crate::helper;
use crate::insn::{
    Address, AtomicKind, ByteOrder, Callee, CallxField, Instruction, Operand, Register, SignedSize,
    Size, Swap, Wide, WideKind, Width,
};

/// Who knows what a call reaches and what a 64-bit constant stands for. Each writes the name and returns true, or
/// writes nothing and returns false.
pub trait SymbolNames {
    /// Writes what follows `call ` for the call at `slot`.
    ///
    /// # Errors
    ///
    /// The error of `out`.
    fn callee(
        &self,
        slot: usize,
        callee: Callee,
        offset: i16,
        out: &mut dyn Write,
    ) -> Result<bool, fmt::Error> {
        let _ = (slot, callee, offset, out);
        Ok(false)
    }

    /// Writes what follows `r1 = ` for the load at `slot`.
    ///
    /// # Errors
    ///
    /// The error of `out`.
    fn wide(&self, slot: usize, wide: Wide, out: &mut dyn Write) -> Result<bool, fmt::Error> {
        let _ = (slot, wide, out);
        Ok(false)
    }
}

/// Knows helpers by number, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl SymbolNames for NoNames {}

/// An instruction's text; its [`Display`](fmt::Display) writes it and allocates nothing.
#[derive(Clone, Copy)]
pub struct Text<'i, N> {
    instruction: &'i Instruction,
    slot: usize,
    names: &'i N,
}

impl<'i, N: SymbolNames> Text<'i, N> {
    /// Returns the text of the instruction at `slot`, with names from `names`.
    pub fn new(instruction: &'i Instruction, slot: usize, names: &'i N) -> Self {
        Self {
            instruction,
            slot,
            names,
        }
    }
}

impl<N: SymbolNames> fmt::Display for Text<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.instruction {
            Instruction::Alu {
                width,
                op,
                dst,
                src,
            } => {
                reg(f, width, dst)?;
                words(f, [" ", op.sign(), " "])?;
                match src {
                    Operand::Register(src) => reg(f, width, src),
                    Operand::Immediate(imm) => write!(f, "{imm}"),
                }
            }
            Instruction::Negate { width, dst } => {
                reg(f, width, dst)?;
                f.write_str(" = -")?;
                reg(f, width, dst)
            }
            Instruction::MoveSigned {
                width,
                from,
                dst,
                src,
            } => {
                reg(f, width, dst)?;
                words(f, [" = (", signed(from), ")"])?;
                reg(f, width, src)
            }
            Instruction::Swap { swap, bits, dst } => {
                let word = match swap {
                    Swap::ToLittle => "le",
                    Swap::ToBig => "be",
                    Swap::Always => "bswap",
                };
                write!(f, "{dst} = {word}{} {dst}", bits.bits())
            }
            Instruction::AddressSpaceCast { dst, src, to, from } => {
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
            Instruction::PercpuAddress { dst, src } => {
                write!(f, "{dst} = &(void __percpu *)({src})")
            }
            Instruction::LoadWide { dst, wide } => {
                reg(f, Width::W64, dst)?;
                f.write_str(" = ")?;
                if self.names.wide(self.slot, wide, f)? {
                    return Ok(());
                }
                self.wide(f, wide)
            }
            Instruction::LoadPacket {
                size,
                index,
                offset,
            } => {
                words(f, ["r0 = *(", unsigned(size.size()), " *)skb["])?;
                match index {
                    Some(index) => write!(f, "{index} + {offset}]"),
                    None => write!(f, "{offset}]"),
                }
            }
            Instruction::Load { size, dst, address } => {
                reg(f, Width::W64, dst)?;
                f.write_str(" = *")?;
                memory(f, unsigned(size), address)
            }
            Instruction::LoadSigned { size, dst, address } => {
                reg(f, Width::W64, dst)?;
                f.write_str(" = *")?;
                memory(f, signed(size), address)
            }
            Instruction::Store { size, address, src } => {
                f.write_str("*")?;
                memory(f, unsigned(size), address)?;
                f.write_str(" = ")?;
                match src {
                    Operand::Register(src) => reg(f, Width::W64, src),
                    Operand::Immediate(imm) => write!(f, "{imm}"),
                }
            }
            Instruction::Atomic {
                kind,
                width,
                address,
                src,
            } => atomic(f, kind, width, address, src),
            Instruction::LoadAcquire { size, dst, address } => {
                reg(f, Width::W64, dst)?;
                f.write_str(" = load_acquire(")?;
                memory(f, unsigned(size), address)?;
                f.write_str(")")
            }
            Instruction::StoreRelease { size, address, src } => {
                f.write_str("store_release(")?;
                memory(f, unsigned(size), address)?;
                write!(f, ", {src})")
            }
            Instruction::JumpIf {
                width,
                op,
                left,
                right,
                offset,
            } => {
                f.write_str("if ")?;
                reg(f, width, left)?;
                words(f, [" ", op.sign(), " "])?;
                match right {
                    Operand::Register(right) => reg(f, width, right)?,
                    Operand::Immediate(imm) => write!(f, "{imm:#x}")?,
                }
                write!(f, " goto pc{offset:+}")
            }
            Instruction::Goto { offset } => write!(f, "goto pc{offset:+}"),
            Instruction::GotoLong { offset } => write!(f, "gotol pc{offset:+}"),
            Instruction::MayGoto { offset } => write!(f, "may_goto pc{offset:+}"),
            Instruction::GotoRegister { register } => write!(f, "gotox {register}"),
            Instruction::Call { callee, offset } => self.call(f, callee, offset),
            Instruction::CallRegister { register, field } => match field {
                CallxField::Destination => write!(f, "callx {register}"),
                CallxField::Immediate => write!(f, "callx imm {register}"),
            },
            Instruction::Exit => f.write_str("exit"),
            Instruction::Nospec => f.write_str("nospec"),
            Instruction::Unknown(unknown) => {
                f.write_str(".byte")?;
                // In little-endian order on all machines and for all objects: text has no byte order.
                for byte in unknown.raw().to_bytes(ByteOrder::Little) {
                    write!(f, " {byte:#04x}")?;
                }
                Ok(())
            }
        }
    }
}

impl<N: SymbolNames> Text<'_, N> {
    fn call(&self, f: &mut fmt::Formatter<'_>, callee: Callee, offset: i16) -> fmt::Result {
        f.write_str("call ")?;
        if self.names.callee(self.slot, callee, offset, f)? {
            return Ok(());
        }
        match callee {
            Callee::Helper(id) => match helper::by_id(id) {
                Some(helper) => write!(f, "bpf_{}#{id}", helper.short_name())?,
                None => write!(f, "unknown#{id}")?,
            },
            Callee::Subprogram(slots) => write!(f, "pc{slots:+}")?,
            Callee::Kfunc(id) => write!(f, "kernel-function#{id}")?,
        }
        match offset {
            0 => Ok(()),
            offset => write!(f, " off={offset}"),
        }
    }

    /// As bpftool shows constants in its dumps; the kernel's own log has the number alone.
    fn wide(&self, f: &mut fmt::Formatter<'_>, wide: Wide) -> fmt::Result {
        let (low, high) = (wide.low as u32, wide.high as u32);
        match wide.kind {
            WideKind::Value => return write!(f, "{:#x}", wide.bits()),
            WideKind::MapValue => return write!(f, "map[id:{low}][0]+{high}"),
            WideKind::MapIndexValue => return write!(f, "map[idx:{low}]+{high}"),
            WideKind::MapFd => write!(f, "map[id:{low}]")?,
            WideKind::MapIndex => write!(f, "map[idx:{low}]")?,
            WideKind::Function => write!(f, "subprog[{:+}]", wide.low)?,
            WideKind::BtfVariable => write!(f, "btf[id:{low}]")?,
        }
        match high {
            0 => Ok(()),
            high => write!(f, " high {high:#x}"),
        }
    }
}

fn words(f: &mut fmt::Formatter<'_>, words: [&str; 3]) -> fmt::Result {
    words.into_iter().try_for_each(|word| f.write_str(word))
}

fn reg(f: &mut fmt::Formatter<'_>, width: Width, register: Register) -> fmt::Result {
    const NAMES: [[&str; 12]; 2] = [
        [
            "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11",
        ],
        [
            "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11",
        ],
    ];
    let names = match width {
        Width::W32 => &NAMES[0],
        Width::W64 => &NAMES[1],
    };
    f.write_str(names[usize::from(register.number())])
}

/// `(u32 *)(r1 +4)`.
fn memory(f: &mut fmt::Formatter<'_>, kind: &str, address: Address) -> fmt::Result {
    words(f, ["(", kind, " *)("])?;
    reg(f, Width::W64, address.base)?;
    write!(f, " {:+})", address.offset)
}

fn unsigned(size: Size) -> &'static str {
    match size {
        Size::Byte => "u8",
        Size::Half => "u16",
        Size::Word => "u32",
        Size::Double => "u64",
    }
}

fn signed(size: SignedSize) -> &'static str {
    match size {
        SignedSize::Byte => "s8",
        SignedSize::Half => "s16",
        SignedSize::Word => "s32",
    }
}

fn atomic(
    f: &mut fmt::Formatter<'_>,
    kind: AtomicKind,
    width: Width,
    address: Address,
    src: Register,
) -> fmt::Result {
    let (bits, of) = match width {
        Width::W32 => ("", "u32"),
        Width::W64 => ("64", "u64"),
    };
    match kind {
        AtomicKind::Plain(op) => {
            f.write_str("lock *")?;
            memory(f, of, address)?;
            write!(f, " {} {src}", op.sign())
        }
        AtomicKind::Fetch(op) => {
            write!(f, "{src} = atomic{bits}_fetch_{}(", op.word())?;
            memory(f, of, address)?;
            write!(f, ", {src})")
        }
        AtomicKind::Exchange => {
            write!(f, "{src} = atomic{bits}_xchg(")?;
            memory(f, of, address)?;
            write!(f, ", {src})")
        }
        AtomicKind::CompareExchange => {
            write!(f, "r0 = atomic{bits}_cmpxchg(")?;
            memory(f, of, address)?;
            write!(f, ", r0, {src})")
        }
    }
}
