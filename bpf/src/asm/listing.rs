//! A line of a listing: what stands around an instruction where `tutor bpf disasm`, the verifier's log, bpftool and
//! `llvm-objdump` print one.

use super::dialect::Dialect;
use super::error::AsmError;
use super::statement::instruction;
use crate::insn::{Instruction, Raw};

/// A line of a listing, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLine<'t> {
    /// The number of the slot in front, if there is one.
    pub slot: Option<usize>,
    /// The bytes before the text: none, eight or sixteen.
    pub bytes: Vec<u8>,
    /// The instruction's text, which may be empty after bytes.
    pub text: &'t str,
    /// Where the text begins in the line, in characters from 0.
    pub column: usize,
}

/// What a text may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    /// The instruction in the kernel's notation, which is ours.
    pub kernel: Instruction,
    /// The other instruction that the text is in LLVM's notation, where it is another.
    pub llvm: Option<Instruction>,
}

impl<'t> ListedLine<'t> {
    /// Takes a line apart. A line without anything around the instruction is its text.
    pub fn new(line: &'t str) -> Self {
        let (slot, rest) = slot(line);
        let rest = rest.split(';').next().unwrap_or_default();
        let (bytes, rest) = bytes(rest);
        let text = without_label(rest).trim();
        let start = text.as_ptr() as usize - line.as_ptr() as usize;
        Self {
            slot,
            bytes,
            text,
            column: line[..start].chars().count(),
        }
    }

    /// Returns what the text stands for.
    ///
    /// # Errors
    ///
    /// [`AsmError`], with the column in the line.
    pub fn readings(&self) -> Result<Readings, AsmError> {
        let moved = |error: AsmError| AsmError {
            column: error.column + self.column,
            ..error
        };
        let kernel = instruction(self.text, Dialect::Kernel).map_err(moved)?;
        let llvm = instruction(self.text, Dialect::Llvm).ok();
        Ok(Readings {
            kernel,
            llvm: llvm.filter(|llvm| *llvm != kernel),
        })
    }
}

/// Returns whether a line of a listing holds no instruction: a heading, a label, a line of C, a relocation, the
/// verifier's state and where it came from.
pub fn is_beside_code(line: &str) -> bool {
    let line = line.trim();
    let is_state = |text: &str| {
        let number = text.strip_prefix('R');
        number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    line.is_empty()
        || line.starts_with([';', '#'])
        || line.ends_with(':')
        || line.starts_with("from ")
        || is_state(slot(line).1.trim_start())
        || line.contains(":  R_BPF_")
        || line.contains("\tfile format ")
}

/// Takes `5: ` off the front.
fn slot(line: &str) -> (Option<usize>, &str) {
    let taken = || {
        let (number, rest) = line.trim_start().split_once(':')?;
        let is_alone = rest.is_empty() || rest.starts_with([' ', '\t']);
        Some((number.parse().ok().filter(|_| is_alone)?, rest))
    };
    match taken() {
        Some((slot, rest)) => (Some(slot), rest),
        None => (None, line),
    }
}

/// Takes the bytes of one or two slots off the front.
fn bytes(text: &str) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start();
    while bytes.len() < 2 * Raw::LEN {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_hex = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(byte) = u8::from_str_radix(word, 16).ok().filter(|_| is_hex) else {
            break;
        };
        bytes.push(byte);
        rest = after.trim_start();
    }
    match bytes.len() % Raw::LEN {
        0 => (bytes, rest),
        _ => (Vec::new(), text),
    }
}

/// Takes `<map counts>` off the end, which says what the instruction refers to.
fn without_label(text: &str) -> &str {
    let text = text.trim_end();
    let start = text.ends_with('>').then(|| text.rfind(" <")).flatten();
    // `r1 <<= 3` has such a sign too, and does not end so.
    start.map_or(text, |start| &text[..start])
}
