//! Jumps and calls.

use super::cursor::Cursor;
use super::error::{AsmError, Problem};
use crate::helper;
use crate::insn::{Callee, CallxField, Instruction, JumpOp};

pub fn jump_if(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let (width, left) = cursor.register()?;
    let op = cursor.sign(JumpOp::ALL, JumpOp::sign);
    let op = op.ok_or_else(|| cursor.expected("a comparison such as `==`"))?;
    let right = cursor.operand(width)?;
    cursor.expect("goto")?;
    let offset = short(cursor)?;
    Ok(Instruction::JumpIf {
        width,
        op,
        left,
        right,
        offset,
    })
}

pub fn goto(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let offset = short(cursor)?;
    Ok(Instruction::Goto { offset })
}

pub fn may_goto(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let offset = short(cursor)?;
    Ok(Instruction::MayGoto { offset })
}

pub fn gotol(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    cursor.eat("pc");
    let before = *cursor;
    let offset = distance(cursor)?;
    let offset = i32::try_from(offset).map_err(|_| before.error(Problem::Range { bits: 32 }))?;
    Ok(Instruction::GotoLong { offset })
}

fn short(cursor: &mut Cursor<'_>) -> Result<i16, AsmError> {
    cursor.eat("pc");
    let before = *cursor;
    let offset = distance(cursor)?;
    i16::try_from(offset).map_err(|_| before.error(Problem::Range { bits: 16 }))
}

/// Takes `+3`, and LLVM's name of the place after it.
fn distance(cursor: &mut Cursor<'_>) -> Result<i128, AsmError> {
    if !cursor.rest().starts_with(['+', '-']) {
        return Err(cursor.expected("a distance such as `pc+3` or `+3`"));
    }
    let distance = cursor.number()?;
    label(cursor);
    Ok(distance)
}

/// Takes `<LBB0_2>`, which repeats what the number says.
fn label(cursor: &mut Cursor<'_>) {
    if cursor.eat("<") {
        while !cursor.rest().is_empty() && !cursor.eat(">") {
            if cursor.word().is_empty() {
                cursor.skip();
            }
        }
    }
}

/// Reads the text after `call`: a helper's name or number, `pc+3`, or a kernel function's number.
pub fn call(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let before = *cursor;
    let callee = match cursor
        .rest()
        .starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+')
    {
        _ if address(cursor) => Callee::Helper(cursor.immediate()?),
        true => Callee::Helper(cursor.immediate()?),
        false => match cursor.word() {
            "pc" => {
                let slots = cursor.immediate()?;
                match cursor.eat("#") {
                    true => return Err(before.error(Problem::Loaded)),
                    false => Callee::Subprogram(slots),
                }
            }
            "kernel" if cursor.eat("-") => {
                cursor.expect("function")?;
                cursor.expect("#")?;
                Callee::Kfunc(cursor.immediate()?)
            }
            "" => return Err(before.expected("what to call")),
            name => Callee::Helper(helper_id(cursor, &before, name)?),
        },
    };
    label(cursor);
    let offset = match cursor.eat("off") {
        true => {
            cursor.expect("=")?;
            cursor.offset()?
        }
        false => 0,
    };
    Ok(Instruction::Call { callee, offset })
}

/// Takes `0xffffffff81203fe0#` or `(address withheld)#`, which stand for a name that is not known.
fn address(cursor: &mut Cursor<'_>) -> bool {
    let mut after = *cursor;
    match after.eat("(") {
        true => {
            while !after.rest().is_empty() && !after.eat(")") {
                after.skip();
            }
        }
        false => {
            after.word();
        }
    }
    let is_address = cursor.rest().starts_with(['0', '(']) && after.eat("#");
    if is_address {
        *cursor = after;
    }
    is_address
}

/// Takes `#6` after a name. In what the kernel shows the number is another than the helper's, and counts.
fn helper_id(cursor: &mut Cursor<'_>, before: &Cursor<'_>, name: &str) -> Result<i32, AsmError> {
    if cursor.eat("#") {
        return cursor.immediate();
    }
    let helper = helper::by_name(name).ok_or_else(|| {
        let nearest = helper::nearest(name);
        let name = name.to_owned();
        before.error(Problem::Helper { name, nearest })
    })?;
    Ok(helper.id())
}

/// Reads the text after `callx`; the field is said where it is not the usual one.
pub fn callx(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let field = match cursor.eat("imm") {
        true => CallxField::Immediate,
        false => CallxField::Destination,
    };
    let register = cursor.address()?;
    Ok(Instruction::CallRegister { register, field })
}
