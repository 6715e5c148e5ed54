//! Reads one line of text, of any instruction.

use super::cursor::Cursor;
use super::dialect::Dialect;
use super::error::{AsmError, Problem};
use super::{arithmetic, control, memory};
use crate::insn::{ByteOrder, Instruction, Raw};

/// Returns the instruction that one line of text means. An opcode in parentheses may stand in front, as in
/// `(85) call bpf_trace_printk#6`.
///
/// # Errors
///
/// [`AsmError`], with the column.
pub fn instruction(text: &str, dialect: Dialect) -> Result<Instruction, AsmError> {
    let mut cursor = Cursor::new(text);
    let opcode = opcode(&mut cursor);
    let dialect = opcode.map_or(dialect, |_| Dialect::Kernel);
    let instruction = statement(&mut cursor, dialect)?;
    cursor.end()?;
    let found = instruction.raw().opcode;
    match opcode {
        Some(said) if said != found => {
            Err(Cursor::new(text).error(Problem::Opcode { said, found }))
        }
        Some(_) | None => Ok(instruction),
    }
}

/// Takes `(85)`.
fn opcode(cursor: &mut Cursor<'_>) -> Option<u8> {
    let digits = cursor.rest().strip_prefix('(')?.get(..2)?;
    let opcode = u8::from_str_radix(digits, 16).ok()?;
    let mut after = *cursor;
    (after.eat("(") && after.word() == digits && after.eat(")")).then(|| {
        *cursor = after;
        opcode
    })
}

fn statement(cursor: &mut Cursor<'_>, dialect: Dialect) -> Result<Instruction, AsmError> {
    let before = *cursor;
    if cursor.eat("*") {
        return memory::store(cursor);
    }
    if cursor.is_register() {
        return arithmetic::assignment(cursor, dialect);
    }
    match cursor.word() {
        "if" => control::jump_if(cursor),
        "goto" => control::goto(cursor),
        "gotol" => control::gotol(cursor),
        "may_goto" => control::may_goto(cursor),
        "gotox" => Ok(Instruction::GotoRegister {
            register: cursor.address()?,
        }),
        "call" => control::call(cursor),
        "callx" => control::callx(cursor),
        "exit" => Ok(Instruction::Exit),
        "nospec" => Ok(Instruction::Nospec),
        "lock" => memory::lock(cursor),
        "store_release" => memory::store_release(cursor),
        "ld_pseudo" => memory::ld_pseudo(cursor),
        ".byte" => bytes(cursor),
        _ => {
            *cursor = before;
            // `r99` and its like are named as what they nearly are.
            match cursor.clone().register() {
                Err(
                    error @ AsmError {
                        problem: Problem::Register(_),
                        ..
                    },
                ) => Err(error),
                Ok(_) | Err(_) => Err(cursor.expected("an instruction")),
            }
        }
    }
}

/// Eight bytes that are no instruction, as [`crate::disasm`] writes them.
fn bytes(cursor: &mut Cursor<'_>) -> Result<Instruction, AsmError> {
    let mut bytes = [0; Raw::LEN];
    for byte in &mut bytes {
        let before = *cursor;
        let number = cursor.number()?;
        *byte = u8::try_from(number).map_err(|_| before.error(Problem::Range { bits: 8 }))?;
    }
    let raw = Raw::from_bytes(bytes, ByteOrder::Little);
    Ok(Instruction::from_raw(raw, None))
}
