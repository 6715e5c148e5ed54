//! Why a text is no instruction.

use crate::helper;

/// Why a text is no instruction, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct AsmError {
    /// Where, in characters from 1.
    pub column: usize,
    /// Why.
    pub problem: Problem,
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
            Problem::Loaded => Some("give its eight bytes".to_owned()),
        }
    }
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
    /// In a loaded program a call of its own function holds the function's number, and its text the distance.
    #[error("the text of a call in a loaded program does not say what its immediate is")]
    Loaded,
    /// The opcode in front differs from the text's.
    #[error("the opcode {said:#04x} in front is not that of the text, which is {found:#04x}")]
    Opcode {
        /// The opcode in front.
        said: u8,
        /// The text's opcode.
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
