//! Loads, stores and atomic operations.

use super::cursor::Cursor;
use super::error::{AsmError, Problem};
use crate::insn::{
    Address, AtomicKind, AtomicOp, Instruction, Operand, Register, SignedSize, Size, Wide,
    WideKind, Width,
};

/// The type in `(u32 *)`.
enum MemoryType {
    Unsigned(Size),
    Signed(SignedSize),
}

/// Takes `(u32 *)`.
fn kind(cursor: &mut Cursor<'_>) -> Result<MemoryType, AsmError> {
    cursor.expect("(")?;
    let before = *cursor;
    let kind = match cursor.word() {
        "u8" => MemoryType::Unsigned(Size::Byte),
        "u16" => MemoryType::Unsigned(Size::Half),
        "u32" => MemoryType::Unsigned(Size::Word),
        "u64" => MemoryType::Unsigned(Size::Double),
        _ => {
            *cursor = before;
            MemoryType::Signed(cursor.signed_size()?)
        }
    };
    cursor.expect("*")?;
    cursor.expect(")")?;
    Ok(kind)
}

fn unsigned(cursor: &mut Cursor<'_>) -> Result<Size, AsmError> {
    let before = *cursor;
    match kind(cursor)? {
        MemoryType::Unsigned(size) => Ok(size),
        MemoryType::Signed(_) => Err(before.expected("u8, u16, u32 or u64")),
    }
}

/// Takes `r1 + 4`.
fn address(cursor: &mut Cursor<'_>) -> Result<Address, AsmError> {
    let base = cursor.address()?;
    let offset = match cursor.rest().starts_with(['+', '-']) {
        true => cursor.offset()?,
        false => 0,
    };
    Ok(Address { base, offset })
}

/// Takes `(r1 + 4)`.
fn place(cursor: &mut Cursor<'_>) -> Result<Address, AsmError> {
    cursor.expect("(")?;
    let address = address(cursor)?;
    cursor.expect(")")?;
    Ok(address)
}

/// Reads the text after `r0 = *`.
pub fn load(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    let kind = kind(cursor)?;
    if cursor.eat("skb") {
        return packet(cursor, &kind);
    }
    let address = place(cursor)?;
    Ok(match kind {
        MemoryType::Unsigned(size) => Instruction::Load { size, dst, address },
        MemoryType::Signed(size) => Instruction::LoadSigned { size, dst, address },
    })
}

fn packet(cursor: &mut Cursor<'_>, kind: &MemoryType) -> Result<Instruction, AsmError> {
    let size = match kind {
        MemoryType::Unsigned(Size::Byte) => SignedSize::Byte,
        MemoryType::Unsigned(Size::Half) => SignedSize::Half,
        MemoryType::Unsigned(Size::Word) => SignedSize::Word,
        MemoryType::Unsigned(Size::Double) | MemoryType::Signed(_) => {
            return Err(cursor.expected("u8, u16 or u32 before `skb`"));
        }
    };
    cursor.expect("[")?;
    let index = match cursor.is_register() {
        true => Some(cursor.address()?),
        false => None,
    };
    let offset = match index.is_some() && cursor.rest().starts_with(']') {
        true => 0,
        false => {
            // The kernel writes a negative offset as `r1 + -4`.
            if index.is_some() {
                cursor.eat("+");
            }
            cursor.immediate()?
        }
    };
    cursor.expect("]")?;
    Ok(Instruction::LoadPacket {
        size,
        index,
        offset,
    })
}

/// Reads the text after a `*` at the start.
pub fn store(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let size = unsigned(cursor)?;
    let address = place(cursor)?;
    cursor.expect("=")?;
    let src = match cursor.is_register() {
        true => Operand::Register(cursor.register()?.1),
        false => Operand::Immediate(cursor.immediate()?),
    };
    Ok(Instruction::Store { size, address, src })
}

/// Reads the text after `lock`.
pub fn lock(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    cursor.expect("*")?;
    let width = atomic_width(cursor)?;
    let address = place(cursor)?;
    let op = cursor.sign(AtomicOp::ALL, AtomicOp::sign);
    let op = op.ok_or_else(|| cursor.expected("one of += |= &= ^="))?;
    let (_, src) = cursor.register()?;
    Ok(Instruction::Atomic {
        kind: AtomicKind::Plain(op),
        width,
        address,
        src,
    })
}

fn atomic_width(cursor: &mut Cursor<'_>) -> Result<Width, AsmError> {
    let before = *cursor;
    match unsigned(cursor)? {
        Size::Word => Ok(Width::W32),
        Size::Double => Ok(Width::W64),
        Size::Byte | Size::Half => Err(before.expected("(u32 *) or (u64 *)")),
    }
}

/// Reads the text after `r2 = ` and a word that may name an atomic operation; `None` where it does not.
pub fn atomic(
    cursor: &mut Cursor<'_>,
    word: &str,
    dst: Register,
) -> Result<Option<Instruction>, AsmError> {
    let fetch = |op: &AtomicOp| {
        let name = word.strip_prefix("atomic_fetch_");
        name.or_else(|| word.strip_prefix("atomic64_fetch_")) == Some(op.word())
    };
    let kind = match word {
        "atomic_xchg" | "atomic64_xchg" | "xchg_64" | "xchg32_32" => AtomicKind::Exchange,
        "atomic_cmpxchg" | "atomic64_cmpxchg" | "cmpxchg_64" | "cmpxchg32_32" => {
            AtomicKind::CompareExchange
        }
        _ => match AtomicOp::ALL.iter().copied().find(fetch) {
            Some(op) => AtomicKind::Fetch(op),
            None => return Ok(None),
        },
    };
    cursor.expect("(")?;
    // LLVM says the size of an exchange in its name, the kernel in the type of the address.
    let (width, address) = match word {
        "xchg_64" | "cmpxchg_64" => (Width::W64, address(cursor)?),
        "xchg32_32" | "cmpxchg32_32" => (Width::W32, address(cursor)?),
        _ => (atomic_width(cursor)?, place(cursor)?),
    };
    cursor.expect(",")?;
    if kind == AtomicKind::CompareExchange {
        is_register(cursor, Register::R0)?;
        cursor.expect(",")?;
    }
    let before = *cursor;
    let (_, src) = cursor.register()?;
    let result = match kind {
        AtomicKind::CompareExchange => Register::R0,
        AtomicKind::Plain(_) | AtomicKind::Fetch(_) | AtomicKind::Exchange => src,
    };
    if result != dst {
        return Err(before.error(Problem::TwoRegisters));
    }
    cursor.expect(")")?;
    Ok(Some(Instruction::Atomic {
        kind,
        width,
        address,
        src,
    }))
}

fn is_register(cursor: &mut Cursor<'_>, register: Register) -> Result<(), AsmError> {
    let before = *cursor;
    match cursor.register()?.1 == register {
        true => Ok(()),
        false => Err(before.error(Problem::TwoRegisters)),
    }
}

/// Reads the text after `r1 = load_acquire`.
pub fn load_acquire(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    cursor.expect("(")?;
    let size = unsigned(cursor)?;
    let address = place(cursor)?;
    cursor.expect(")")?;
    Ok(Instruction::LoadAcquire { size, dst, address })
}

/// Reads the text after `store_release`.
pub fn store_release(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    cursor.expect("(")?;
    let size = unsigned(cursor)?;
    let address = place(cursor)?;
    cursor.expect(",")?;
    let (_, src) = cursor.register()?;
    cursor.expect(")")?;
    Ok(Instruction::StoreRelease { size, address, src })
}

/// Reads the text after `ld_pseudo`, LLVM's word for a 64-bit constant that is no number: register, kind, constant.
pub fn ld_pseudo(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let dst = cursor.address()?;
    cursor.expect(",")?;
    let before = *cursor;
    let kind = u8::try_from(cursor.number()?).ok();
    let kind = kind.and_then(WideKind::from_code);
    let kind = kind.ok_or_else(|| before.expected("a kind of constant, 0 to 6"))?;
    cursor.expect(",")?;
    let before = *cursor;
    let number = cursor.number()?;
    let signed = i64::try_from(number).map(|number| number as u64);
    let value = u64::try_from(number).or(signed);
    let value = value.map_err(|_| before.error(Problem::Range { bits: 64 }))?;
    let wide = Wide {
        kind,
        ..Wide::value(value)
    };
    Ok(Instruction::LoadWide { dst, wide })
}
