//! From bytes to instructions.

use super::code::{AluCode, AtomicCode, Class, JumpCode, Mode, Size, Source, WideKind};
use super::encode::{ADDR_PERCPU, ADDR_SPACE_CAST, NOSPEC, PSEUDO_CALL, PSEUDO_KFUNC_CALL};
use super::instruction::Instruction;
use super::operand::{
    Address, AluOp, AtomicKind, AtomicOp, Callee, CallxField, JumpOp, Operand, Register,
    SignedSize, Swap, SwapBits, Wide, Width,
};
use super::raw::{ByteOrder, Raw};
use super::unknown::{Field, InstructionFlaw, UnknownInstruction};

/// An instruction and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodedInstruction<'b> {
    /// The number of its first slot of eight bytes.
    pub slot: usize,
    /// Its bytes.
    pub bytes: &'b [u8],
    /// Their meaning.
    pub instruction: Instruction,
}

/// Why bytes cannot be decoded to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer than eight bytes are left.
    #[error("an instruction takes 8 bytes, and at {offset:#x} there {} left", are(*.left))]
    Cut {
        /// Where they begin, in bytes from the start.
        offset: usize,
        /// How many they are.
        left: usize,
    },
}

fn are(count: usize) -> String {
    match count {
        1 => "is 1".to_owned(),
        many => format!("are {many}"),
    }
}

/// Returns the instructions in `bytes`, one after the other. Each byte is in exactly one item, so that the bytes
/// of all items together are `bytes`, unless the last item is an error.
pub fn decode(bytes: &[u8], order: ByteOrder) -> Instructions<'_> {
    Instructions {
        bytes,
        order,
        at: 0,
    }
}

/// The iterator that [`decode`] returns.
#[derive(Debug, Clone)]
pub struct Instructions<'b> {
    bytes: &'b [u8],
    order: ByteOrder,
    at: usize,
}

impl<'b> Iterator for Instructions<'b> {
    type Item = Result<DecodedInstruction<'b>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let Some((first, after)) = rest.split_first_chunk() else {
            let offset = self.at;
            self.at = self.bytes.len();
            let left = rest.len();
            return Some(Err(DecodeError::Cut { offset, left }));
        };
        let first = Raw::from_bytes(*first, self.order);
        let second = after.first_chunk();
        let second = second.map(|second| Raw::from_bytes(*second, self.order));
        let instruction = Instruction::from_raw(first, second);
        let len = instruction.slots() * Raw::LEN;
        let slot = self.at / Raw::LEN;
        self.at += len;
        Some(Ok(DecodedInstruction {
            slot,
            bytes: &rest[..len],
            instruction,
        }))
    }
}

impl Instruction {
    /// Returns what the fields of a slot mean. `second` is the slot after it, which only the load of a 64-bit
    /// constant reads.
    pub fn from_raw(first: Raw, second: Option<Raw>) -> Self {
        let meaning = match Class::of(first.opcode) {
            Class::Ld => ld(first, second),
            Class::Ldx => ldx(first),
            Class::St => st(first),
            Class::Stx => stx(first),
            Class::Alu => alu(first, Width::W32),
            Class::Alu64 => alu(first, Width::W64),
            Class::Jmp => jmp(first),
            Class::Jmp32 => jmp32(first),
        };
        meaning.unwrap_or_else(|flaw| Self::Unknown(UnknownInstruction { raw: first, flaw }))
    }
}

type Meaning = Result<Instruction, InstructionFlaw>;

impl Raw {
    fn dst(self) -> Result<Register, InstructionFlaw> {
        Register::new(self.dst).ok_or(InstructionFlaw::Register(self.dst))
    }

    fn src(self) -> Result<Register, InstructionFlaw> {
        Register::new(self.src).ok_or(InstructionFlaw::Register(self.src))
    }

    fn at(self, base: Register) -> Address {
        Address {
            base,
            offset: self.offset,
        }
    }

    /// The second operand of arithmetic or a jump; the field that is not it must be zero.
    fn operand(self) -> Result<Operand, InstructionFlaw> {
        match self.source() {
            Source::Register => {
                self.zero(Field::Imm)?;
                self.src().map(Operand::Register)
            }
            Source::Immediate => {
                self.zero(Field::Src)?;
                Ok(Operand::Immediate(self.imm))
            }
        }
    }

    fn source(self) -> Source {
        match self.opcode & Source::Register.code() {
            0 => Source::Immediate,
            1.. => Source::Register,
        }
    }

    fn size(self) -> Size {
        match self.opcode & 0x18 {
            0x00 => Size::Word,
            0x08 => Size::Half,
            0x10 => Size::Byte,
            0x11.. | 0x01..=0x07 | 0x09..=0x0f => Size::Double,
        }
    }

    fn mode(self) -> Result<Mode, InstructionFlaw> {
        Mode::from_code(self.opcode & 0xe0).ok_or(self.no_opcode())
    }

    fn zero(self, field: Field) -> Result<(), InstructionFlaw> {
        let is_zero = match field {
            Field::Dst => self.dst == 0,
            Field::Src => self.src == 0,
            Field::Offset => self.offset == 0,
            Field::Imm => self.imm == 0,
        };
        match is_zero {
            true => Ok(()),
            false => Err(InstructionFlaw::Reserved(field)),
        }
    }

    fn no_opcode(self) -> InstructionFlaw {
        InstructionFlaw::Opcode(self.opcode)
    }
}

fn ld(raw: Raw, second: Option<Raw>) -> Meaning {
    match raw.mode()? {
        Mode::Imm => wide(raw, second),
        Mode::Abs => {
            raw.zero(Field::Src)?;
            packet(raw, None)
        }
        Mode::Ind => packet(raw, Some(raw.src()?)),
        Mode::Mem | Mode::MemSx | Mode::Atomic => Err(raw.no_opcode()),
    }
}

fn wide(raw: Raw, second: Option<Raw>) -> Meaning {
    match raw.size() {
        Size::Double => {}
        Size::Word | Size::Half | Size::Byte => return Err(raw.no_opcode()),
    }
    raw.zero(Field::Offset)?;
    let dst = raw.dst()?;
    let kind = WideKind::from_code(raw.src).ok_or(InstructionFlaw::Value(Field::Src))?;
    let second = second.ok_or(InstructionFlaw::NoSecondSlot)?;
    let high = second.imm;
    let only_high = Raw {
        imm: high,
        ..Raw::default()
    };
    if second != only_high {
        return Err(InstructionFlaw::SecondSlot);
    }
    let wide = Wide {
        kind,
        low: raw.imm,
        high,
    };
    Ok(Instruction::LoadWide { dst, wide })
}

fn packet(raw: Raw, index: Option<Register>) -> Meaning {
    raw.zero(Field::Dst)?;
    raw.zero(Field::Offset)?;
    Ok(Instruction::LoadPacket {
        size: signed(raw)?,
        index,
        offset: raw.imm,
    })
}

/// One, two or four bytes.
fn signed(raw: Raw) -> Result<SignedSize, InstructionFlaw> {
    match raw.size() {
        Size::Byte => Ok(SignedSize::Byte),
        Size::Half => Ok(SignedSize::Half),
        Size::Word => Ok(SignedSize::Word),
        Size::Double => Err(raw.no_opcode()),
    }
}

fn ldx(raw: Raw) -> Meaning {
    let mode = raw.mode()?;
    match mode {
        Mode::Mem | Mode::MemSx => {}
        Mode::Imm | Mode::Abs | Mode::Ind | Mode::Atomic => return Err(raw.no_opcode()),
    }
    raw.zero(Field::Imm)?;
    let dst = raw.dst()?;
    let address = raw.at(raw.src()?);
    if mode == Mode::MemSx {
        let size = signed(raw)?;
        return Ok(Instruction::LoadSigned { size, dst, address });
    }
    let size = raw.size();
    Ok(Instruction::Load { size, dst, address })
}

fn st(raw: Raw) -> Meaning {
    let nospec = Raw {
        opcode: NOSPEC,
        ..Raw::default()
    };
    if raw == nospec {
        return Ok(Instruction::Nospec);
    }
    match raw.mode()? {
        Mode::Mem => {}
        Mode::Imm | Mode::Abs | Mode::Ind | Mode::MemSx | Mode::Atomic => {
            return Err(raw.no_opcode());
        }
    }
    raw.zero(Field::Src)?;
    Ok(Instruction::Store {
        size: raw.size(),
        address: raw.at(raw.dst()?),
        src: Operand::Immediate(raw.imm),
    })
}

fn stx(raw: Raw) -> Meaning {
    match raw.mode()? {
        Mode::Mem => {
            raw.zero(Field::Imm)?;
            Ok(Instruction::Store {
                size: raw.size(),
                address: raw.at(raw.dst()?),
                src: Operand::Register(raw.src()?),
            })
        }
        Mode::Atomic => atomic(raw),
        Mode::Imm | Mode::Abs | Mode::Ind | Mode::MemSx => Err(raw.no_opcode()),
    }
}

fn atomic(raw: Raw) -> Meaning {
    let (dst, src, size) = (raw.dst()?, raw.src()?, raw.size());
    let code = AtomicCode::from_code(raw.imm).ok_or(InstructionFlaw::Value(Field::Imm))?;
    let kind = match code {
        AtomicCode::Add => AtomicKind::Plain(AtomicOp::Add),
        AtomicCode::Or => AtomicKind::Plain(AtomicOp::Or),
        AtomicCode::And => AtomicKind::Plain(AtomicOp::And),
        AtomicCode::Xor => AtomicKind::Plain(AtomicOp::Xor),
        AtomicCode::FetchAdd => AtomicKind::Fetch(AtomicOp::Add),
        AtomicCode::FetchOr => AtomicKind::Fetch(AtomicOp::Or),
        AtomicCode::FetchAnd => AtomicKind::Fetch(AtomicOp::And),
        AtomicCode::FetchXor => AtomicKind::Fetch(AtomicOp::Xor),
        AtomicCode::Exchange => AtomicKind::Exchange,
        AtomicCode::CompareExchange => AtomicKind::CompareExchange,
        AtomicCode::LoadAcquire => {
            return Ok(Instruction::LoadAcquire {
                size,
                dst,
                address: raw.at(src),
            });
        }
        AtomicCode::StoreRelease => {
            return Ok(Instruction::StoreRelease {
                size,
                address: raw.at(dst),
                src,
            });
        }
    };
    let width = match size {
        Size::Word => Width::W32,
        Size::Double => Width::W64,
        Size::Byte | Size::Half => return Err(raw.no_opcode()),
    };
    Ok(Instruction::Atomic {
        kind,
        width,
        address: raw.at(dst),
        src,
    })
}

fn alu(raw: Raw, width: Width) -> Meaning {
    let code = AluCode::from_code(raw.opcode & 0xf0).ok_or(raw.no_opcode())?;
    let op = match code {
        AluCode::Neg => return negate(raw, width),
        AluCode::End => return swap(raw, width),
        AluCode::Mov => return mov(raw, width),
        AluCode::Div => by_sign(raw, AluOp::Div, AluOp::SignedDiv)?,
        AluCode::Mod => by_sign(raw, AluOp::Mod, AluOp::SignedMod)?,
        AluCode::Add => unsigned(raw, AluOp::Add)?,
        AluCode::Sub => unsigned(raw, AluOp::Sub)?,
        AluCode::Mul => unsigned(raw, AluOp::Mul)?,
        AluCode::Or => unsigned(raw, AluOp::Or)?,
        AluCode::And => unsigned(raw, AluOp::And)?,
        AluCode::Lsh => unsigned(raw, AluOp::Lsh)?,
        AluCode::Rsh => unsigned(raw, AluOp::Rsh)?,
        AluCode::Xor => unsigned(raw, AluOp::Xor)?,
        AluCode::Arsh => unsigned(raw, AluOp::Arsh)?,
    };
    Ok(Instruction::Alu {
        width,
        op,
        dst: raw.dst()?,
        src: raw.operand()?,
    })
}

fn unsigned(raw: Raw, op: AluOp) -> Result<AluOp, InstructionFlaw> {
    raw.zero(Field::Offset).map(|()| op)
}

fn by_sign(raw: Raw, plain: AluOp, signed: AluOp) -> Result<AluOp, InstructionFlaw> {
    match raw.offset {
        0 => Ok(plain),
        1 => Ok(signed),
        _ => Err(InstructionFlaw::Value(Field::Offset)),
    }
}

fn negate(raw: Raw, width: Width) -> Meaning {
    match raw.source() {
        Source::Immediate => {}
        Source::Register => return Err(raw.no_opcode()),
    }
    raw.zero(Field::Src)?;
    raw.zero(Field::Offset)?;
    raw.zero(Field::Imm)?;
    let dst = raw.dst()?;
    Ok(Instruction::Negate { width, dst })
}

fn swap(raw: Raw, width: Width) -> Meaning {
    let swap = match (width, raw.source()) {
        (Width::W32, Source::Immediate) => Swap::ToLittle,
        (Width::W32, Source::Register) => Swap::ToBig,
        (Width::W64, Source::Immediate) => Swap::Always,
        (Width::W64, Source::Register) => return Err(raw.no_opcode()),
    };
    raw.zero(Field::Src)?;
    raw.zero(Field::Offset)?;
    let bits = SwapBits::from_bits(raw.imm).ok_or(InstructionFlaw::Value(Field::Imm))?;
    let dst = raw.dst()?;
    Ok(Instruction::Swap { swap, bits, dst })
}

fn mov(raw: Raw, width: Width) -> Meaning {
    let dst = raw.dst()?;
    if raw.offset == 0 {
        return Ok(Instruction::Alu {
            width,
            op: AluOp::Mov,
            dst,
            src: raw.operand()?,
        });
    }
    match raw.source() {
        Source::Register => {}
        Source::Immediate => return Err(InstructionFlaw::Reserved(Field::Offset)),
    }
    let src = raw.src()?;
    if width == Width::W64 && raw.offset == ADDR_SPACE_CAST {
        let spaces = raw.imm as u32;
        return Ok(Instruction::AddressSpaceCast {
            dst,
            src,
            to: (spaces >> 16) as u16,
            from: spaces as u16,
        });
    }
    raw.zero(Field::Imm)?;
    if width == Width::W64 && raw.offset == ADDR_PERCPU {
        return Ok(Instruction::PercpuAddress { dst, src });
    }
    let from = SignedSize::from_bits(raw.offset).ok_or(InstructionFlaw::Value(Field::Offset))?;
    Ok(Instruction::MoveSigned {
        width,
        from,
        dst,
        src,
    })
}

fn jmp(raw: Raw) -> Meaning {
    let code = JumpCode::from_code(raw.opcode & 0xf0).ok_or(raw.no_opcode())?;
    let op = match (code, raw.source()) {
        (JumpCode::Ja, Source::Immediate) => {
            only(raw, &[Field::Offset])?;
            return Ok(Instruction::Goto { offset: raw.offset });
        }
        (JumpCode::Ja, Source::Register) => {
            only(raw, &[Field::Dst])?;
            let register = raw.dst()?;
            return Ok(Instruction::GotoRegister { register });
        }
        (JumpCode::Call, Source::Immediate) => return call(raw),
        (JumpCode::Call, Source::Register) => return callx(raw),
        (JumpCode::Exit, Source::Immediate) => {
            only(raw, &[])?;
            return Ok(Instruction::Exit);
        }
        (JumpCode::Cond, Source::Immediate) => {
            only(raw, &[Field::Offset])?;
            return Ok(Instruction::MayGoto { offset: raw.offset });
        }
        (code, _) => condition(code).ok_or(raw.no_opcode())?,
    };
    jump_if(raw, Width::W64, op)
}

fn jmp32(raw: Raw) -> Meaning {
    let code = JumpCode::from_code(raw.opcode & 0xf0).ok_or(raw.no_opcode())?;
    if code == JumpCode::Ja && raw.source() == Source::Immediate {
        only(raw, &[Field::Imm])?;
        return Ok(Instruction::GotoLong { offset: raw.imm });
    }
    let op = condition(code).ok_or(raw.no_opcode())?;
    jump_if(raw, Width::W32, op)
}

fn condition(code: JumpCode) -> Option<JumpOp> {
    let mut ops = JumpOp::ALL.iter().copied();
    ops.find(|op| op.code() == code)
}

fn jump_if(raw: Raw, width: Width, op: JumpOp) -> Meaning {
    Ok(Instruction::JumpIf {
        width,
        op,
        left: raw.dst()?,
        right: raw.operand()?,
        offset: raw.offset,
    })
}

fn call(raw: Raw) -> Meaning {
    raw.zero(Field::Dst)?;
    let callee = match raw.src {
        0 => Callee::Helper(raw.imm),
        PSEUDO_CALL => Callee::Subprogram(raw.imm),
        PSEUDO_KFUNC_CALL => Callee::Kfunc(raw.imm),
        3.. => return Err(InstructionFlaw::Value(Field::Src)),
    };
    let offset = raw.offset;
    Ok(Instruction::Call { callee, offset })
}

fn callx(raw: Raw) -> Meaning {
    raw.zero(Field::Src)?;
    raw.zero(Field::Offset)?;
    if raw.imm == 0 {
        let register = raw.dst()?;
        let field = CallxField::Destination;
        return Ok(Instruction::CallRegister { register, field });
    }
    raw.zero(Field::Dst)?;
    let number = u8::try_from(raw.imm).ok().and_then(Register::new);
    let register = number.ok_or(InstructionFlaw::Value(Field::Imm))?;
    let field = CallxField::Immediate;
    Ok(Instruction::CallRegister { register, field })
}

/// All fields but those named must be zero.
fn only(raw: Raw, used: &[Field]) -> Result<(), InstructionFlaw> {
    [Field::Dst, Field::Src, Field::Offset, Field::Imm]
        .into_iter()
        .filter(|field| !used.contains(field))
        .try_for_each(|field| raw.zero(field))
}
