//! Text that begins with a register: arithmetic, and everything that loads.

use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::{AsmError, Problem};
use super::memory;
use crate::insn::{AluOp, Instruction, Operand, Register, Swap, SwapBits, Wide, WideKind, Width};

pub fn assignment(cursor: &mut Cursor<'_>, dialect: Dialect) -> Result<Instruction, AsmError> {
    let (width, dst) = cursor.register()?;
    match cursor.sign(AluOp::ALL, AluOp::sign) {
        None => Err(cursor.expected("an operation such as `=` or `+=`")),
        Some(AluOp::Mov) => moved(cursor, dialect, width, dst),
        Some(op) => {
            let src = cursor.operand(width)?;
            Ok(Instruction::Alu {
                width,
                op,
                dst,
                src,
            })
        }
    }
}

fn same_register(
    cursor: &mut Cursor<'_>,
    width: Width,
    register: Register,
) -> Result<(), AsmError> {
    let before = *cursor;
    match cursor.same_width(width)? == register {
        true => Ok(()),
        false => Err(before.error(Problem::TwoRegisters)),
    }
}

fn moved(
    cursor: &mut Cursor<'_>,
    dialect: Dialect,
    width: Width,
    dst: Register,
) -> Result<Instruction, AsmError> {
    if cursor.eat("*") {
        return memory::load(cursor, dst);
    }
    if cursor.is_register() {
        let src = Operand::Register(cursor.same_width(width)?);
        return Ok(alu(width, dst, src));
    }
    if cursor.eat("(") {
        let from = cursor.signed_size()?;
        cursor.expect(")")?;
        let src = cursor.same_width(width)?;
        return Ok(Instruction::MoveSigned {
            width,
            from,
            dst,
            src,
        });
    }
    if cursor.eat("&") {
        cursor.expect("(")?;
        cursor.expect("void")?;
        cursor.expect("__percpu")?;
        cursor.expect("*")?;
        cursor.expect(")")?;
        cursor.expect("(")?;
        let src = cursor.address()?;
        cursor.expect(")")?;
        return Ok(Instruction::PercpuAddress { dst, src });
    }
    let mut negated = *cursor;
    if negated.eat("-") && negated.is_register() {
        *cursor = negated;
        same_register(cursor, width, dst)?;
        return Ok(Instruction::Negate { width, dst });
    }
    if cursor.rest().starts_with(['-', '+'])
        || cursor.rest().starts_with(|c: char| c.is_ascii_digit())
    {
        return constant(cursor, dialect, width, dst);
    }
    let before = *cursor;
    let word = cursor.word();
    if let Some((swap, bits)) = swap(word) {
        let given = match cursor.is_register() {
            true => cursor.clone().register()?.0,
            false => Width::W64,
        };
        same_register(cursor, given, dst)?;
        return Ok(Instruction::Swap { swap, bits, dst });
    }
    match word {
        "addr_space_cast" => address_space_cast(cursor, dst),
        "load_acquire" => memory::load_acquire(cursor, dst),
        "map" => map(cursor, dst),
        "subprog" => subprog(cursor, dst),
        "btf" => btf(cursor, dst),
        _ => match memory::atomic(cursor, word, dst)? {
            Some(instruction) => Ok(instruction),
            None => Err(before.expected("a register, a number, memory or an operation")),
        },
    }
}

fn alu(width: Width, dst: Register, src: Operand) -> Instruction {
    let op = AluOp::Mov;
    Instruction::Alu {
        width,
        op,
        dst,
        src,
    }
}

/// A constant: of 32 bits or 64, which each dialect says in its own way.
fn constant(
    cursor: &mut Cursor<'_>,
    dialect: Dialect,
    width: Width,
    dst: Register,
) -> Result<Instruction, AsmError> {
    let before = *cursor;
    let is_hex = before.rest().starts_with("0x");
    let number = cursor.number()?;
    let is_long = cursor.eat("ll");
    let is_wide = match dialect {
        Dialect::Kernel => is_long || (is_hex && width == Width::W64),
        Dialect::Llvm => is_long,
    };
    if !is_wide {
        *cursor = before;
        let imm = cursor.immediate()?;
        return Ok(alu(width, dst, Operand::Immediate(imm)));
    }
    if width == Width::W32 {
        return Err(before.error(Problem::Range { bits: 32 }));
    }
    let signed = i64::try_from(number).map(|number| number as u64);
    let value = u64::try_from(number).or(signed);
    let value = value.map_err(|_| before.error(Problem::Range { bits: 64 }))?;
    let wide = Wide::value(value);
    Ok(Instruction::LoadWide { dst, wide })
}

fn swap(word: &str) -> Option<(Swap, SwapBits)> {
    let swaps = [
        ("bswap", Swap::Always),
        ("be", Swap::ToBig),
        ("le", Swap::ToLittle),
    ];
    let found = |(name, swap): (&str, Swap)| {
        let bits = match word.strip_prefix(name)? {
            "16" => SwapBits::B16,
            "32" => SwapBits::B32,
            "64" => SwapBits::B64,
            _ => return None,
        };
        Some((swap, bits))
    };
    swaps.into_iter().find_map(found)
}

fn address_space_cast(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    cursor.expect("(")?;
    let src = cursor.address()?;
    cursor.expect(",")?;
    let to = space(cursor)?;
    cursor.expect(",")?;
    let from = space(cursor)?;
    cursor.expect(")")?;
    Ok(Instruction::AddressSpaceCast { dst, src, to, from })
}

fn space(cursor: &mut Cursor<'_>) -> Result<u16, AsmError> {
    let before = *cursor;
    let number = cursor.number()?;
    u16::try_from(number).map_err(|_| before.error(Problem::Range { bits: 16 }))
}

/// `map[id:3]`, `map[id:3][0]+8`, `map[idx:3]`, `map[idx:3]+8`.
fn map(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    cursor.expect("[")?;
    let before = *cursor;
    let is_index = match cursor.word() {
        "id" => false,
        "idx" => true,
        _ => return Err(before.expected("`id` or `idx`")),
    };
    cursor.expect(":")?;
    let low = cursor.unsigned()? as i32;
    cursor.expect("]")?;
    if !is_index && cursor.eat("[") {
        cursor.expect("0")?;
        cursor.expect("]")?;
        cursor.expect("+")?;
        let high = cursor.unsigned()? as i32;
        return Ok(wide(dst, WideKind::MapValue, low, high));
    }
    let kind = match (is_index, cursor.rest().starts_with('+')) {
        (true, true) => WideKind::MapIndexValue,
        (true, false) => WideKind::MapIndex,
        (false, _) => WideKind::MapFd,
    };
    let high = match kind == WideKind::MapIndexValue {
        true => cursor.unsigned()? as i32,
        false => high(cursor)?,
    };
    Ok(wide(dst, kind, low, high))
}

fn subprog(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    cursor.expect("[")?;
    let low = cursor.immediate()?;
    cursor.expect("]")?;
    let high = high(cursor)?;
    Ok(wide(dst, WideKind::Function, low, high))
}

fn btf(cursor: &mut Cursor<'_>, dst: Register) -> Result<Instruction, AsmError> {
    cursor.expect("[")?;
    cursor.expect("id")?;
    cursor.expect(":")?;
    let low = cursor.unsigned()? as i32;
    cursor.expect("]")?;
    let high = high(cursor)?;
    Ok(wide(dst, WideKind::BtfVariable, low, high))
}

/// ` high 7`: a second half that means nothing for this kind, and is kept.
fn high(cursor: &mut Cursor<'_>) -> Result<i32, AsmError> {
    match cursor.eat("high") {
        true => cursor.immediate(),
        false => Ok(0),
    }
}

fn wide(dst: Register, kind: WideKind, low: i32, high: i32) -> Instruction {
    let wide = Wide { kind, low, high };
    Instruction::LoadWide { dst, wide }
}
