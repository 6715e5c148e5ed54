//! From text to instructions: reads the kernel's notation and that of `llvm-objdump`.
//!
//! ```
//! use tutor_bpf::asm::{Dialect, instruction};
//! use tutor_bpf::insn::ByteOrder;
//!
//! let call = instruction("call bpf_trace_printk", Dialect::Kernel)?;
//! assert_eq!(*call.encode(ByteOrder::Little), [0x85, 0, 0, 0, 6, 0, 0, 0]);
//! # Ok::<(), tutor_bpf::asm::AsmError>(())
//! ```

mod arithmetic;
mod control;
mod cursor;
pub mod listing;
mod memory;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::helper;
use crate::insn::{ByteOrder, Instruction, Raw};
use cursor::Cursor;

/// Whose notation a text is in. They differ in what a plain constant means, and in little else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The kernel's and [`crate::disasm`]'s: `r1 = 10` moves 32 bits, `r1 = 0xa` loads 64.
    Kernel,
    /// LLVM's, decimal up to version 15 and hexadecimal since: `r1 = 0xa` moves 32 bits, `r1 = 0xa ll` loads 64.
    Llvm,
}

/// Why a text is no instruction, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct AsmError {
    /// Where, in characters from 1.
    pub column: usize,
    /// Why.
    pub problem: Problem,
}

/// Why a text is no instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else should stand there.
    #[error("expected {}, found {}", shown(what), found_text(found))]
    Expected {
        /// What.
        what: &'static str,
        /// How the text goes on.
        found: String,
    },
    /// There is no such register.
    #[error("there is no register `{0}`: they are r0 to r10, and w0 to w10 for 32 bits")]
    Register(String),
    /// The number takes more bits than there are.
    #[error("the number does not fit into {bits} bits")]
    Range {
        /// How many there are.
        bits: u32,
    },
    /// There is no such helper.
    #[error("there is no helper `{name}`")]
    Helper {
        /// The name that was asked for.
        name: String,
        /// The nearest that there is.
        nearest: Option<helper::Helper>,
    },
    /// Both operands must be of one width.
    #[error("`r` is 64 bits of a register and `w` 32: both must be the same here")]
    Widths,
    /// The place of both must be the same register.
    #[error("this instruction works on one register, and the text names two")]
    TwoRegisters,
    /// The opcode in front is another one than the text's.
    #[error("the opcode {said:#04x} in front is not that of the text, which is {found:#04x}")]
    Opcode {
        /// What stands in front.
        said: u8,
        /// What the text means.
        found: u8,
    },
}

fn shown(what: &str) -> String {
    match what.contains(' ') {
        true => what.to_owned(),
        false => format!("`{what}`"),
    }
}

fn found_text(found: &str) -> String {
    match found.is_empty() {
        true => "the end".to_owned(),
        false => format!("`{found}`"),
    }
}

impl AsmError {
    /// Returns what to try, where there is something.
    pub fn help(&self) -> Option<String> {
        match &self.problem {
            Problem::Helper { nearest, .. } => {
                nearest.map(|nearest| format!("did you mean `{nearest}`?"))
            }
            Problem::Expected { .. }
            | Problem::Register(_)
            | Problem::Range { .. }
            | Problem::Widths
            | Problem::TwoRegisters
            | Problem::Opcode { .. } => None,
        }
    }
}

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

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::Llvm => "LLVM",
        })
    }
}
