//! Instructions as somebody writes or copies them: hex, text, or lines of a listing.

use std::collections::HashMap;
use std::io::Read as _;

use super::console::{Console, visible};
use super::error::CommandError;
use crate::asm::{AsmError, ListedLine, is_beside_code};
use crate::insn::{ByteOrder, Instruction, Raw};

/// Longer input is refused.
const LIMIT: u64 = 1 << 20;

const EXAMPLE: &str = "for example `85 00 00 00 06 00 00 00`, or `call bpf_trace_printk`";

/// What was written.
#[derive(Debug, Default)]
pub(super) struct WrittenInstructions {
    /// The bytes of all instructions.
    pub bytes: Vec<u8>,
    /// What a text is in another notation, by the place of its bytes.
    pub others: HashMap<usize, Instruction>,
    /// The bytes of the line before that it did not show: they may stand below it.
    below: Vec<u8>,
}

impl WrittenInstructions {
    /// Reads the words of a command line; `-` stands for the lines of standard input.
    pub fn read(
        words: &[String],
        order: ByteOrder,
        console: &mut Console<'_>,
    ) -> Result<Self, CommandError> {
        let text = words.join(" ");
        let mut written = Self::default();
        if text != "-" {
            written.line(&text, order)?;
            return Ok(written);
        }
        let text = standard_input(console)?;
        // A listing numbers each instruction, and says much besides.
        let is_listing = text.lines().any(is_numbered);
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let is_instruction = || is_numbered(line) || ListedLine::new(line).readings().is_ok();
            let is_bytes = digits(line).is_some();
            let is_read = !is_listing || is_bytes || is_instruction();
            // bpftool and a narrow listing put the bytes below the text, and they say more than it does.
            let next = lines.peek().filter(|(_, next)| digits(next).is_some());
            let is_below = next.is_some_and(|(_, next)| ListedLine::new(next).slot.is_none());
            let is_only_text = is_numbered(line) && ListedLine::new(line).bytes.is_empty();
            if is_read && !is_beside_code(line) && !(is_only_text && is_below) {
                let place = |error: CommandError| {
                    let help = error.help().unwrap_or(EXAMPLE).to_owned();
                    let message = format!("line {} of standard input: {error}", number + 1);
                    CommandError::new(message).with_help(help)
                };
                written.line(line, order).map_err(place)?;
            }
        }
        match written.bytes.is_empty() {
            true => Err(CommandError::new("standard input is empty").with_help(EXAMPLE)),
            false => Ok(written),
        }
    }

    fn line(&mut self, line: &str, order: ByteOrder) -> Result<(), CommandError> {
        let listed = ListedLine::new(line);
        let hex = match listed.slot {
            Some(_) if listed.text.is_empty() => Some(listed.bytes.clone()),
            _ => digits(line).map(|digits| from_hex(&digits)).transpose()?,
        };
        if let Some(bytes) = hex {
            if !bytes.is_empty() && self.below.starts_with(&bytes) {
                self.below.drain(..bytes.len());
                return Ok(());
            }
            self.below.clear();
            self.bytes.extend(bytes);
            return Ok(());
        }
        let (instruction, other) = match instruction(&listed, order) {
            Ok(read) => read,
            // `llvm-objdump` writes `<unknown>` for what it does not know, and the bytes are there.
            Err(_) if !listed.bytes.is_empty() => {
                self.below.clear();
                self.bytes.extend(&listed.bytes);
                return Ok(());
            }
            Err(error) => return Err(unread(line, &error)),
        };
        let bytes = instruction.encode(order);
        if !bytes.starts_with(&listed.bytes) {
            let message = format!(
                "the bytes of `{}` are {}, and {} stand before it",
                visible(listed.text),
                crate::hex::hex(&bytes),
                crate::hex::hex(&listed.bytes)
            );
            let help = "leave out the bytes or the text";
            return Err(CommandError::new(message).with_help(help));
        }
        if let Some(other) = other {
            self.others.insert(self.bytes.len(), other);
        }
        self.bytes.extend_from_slice(&bytes);
        self.below.clear();
        if listed.slot.is_some() {
            self.below.extend_from_slice(&bytes[listed.bytes.len()..]);
        }
        Ok(())
    }
}

/// What the text of a line means, and what else it may mean; bytes in front of it decide.
fn instruction(
    listed: &ListedLine<'_>,
    order: ByteOrder,
) -> Result<(Instruction, Option<Instruction>), AsmError> {
    let readings = listed.readings()?;
    let Some(llvm) = readings.llvm else {
        return Ok((readings.kernel, None));
    };
    match listed.bytes.is_empty() {
        true => Ok((readings.kernel, Some(llvm))),
        false if llvm.encode(order).starts_with(&listed.bytes) => Ok((llvm, None)),
        false => Ok((readings.kernel, None)),
    }
}

fn is_numbered(line: &str) -> bool {
    !is_beside_code(line) && ListedLine::new(line).slot.is_some()
}

fn unread(line: &str, error: &AsmError) -> CommandError {
    let help = error.help().unwrap_or_else(|| EXAMPLE.to_owned());
    let message = format!("cannot read `{}`: {error}", visible(line));
    CommandError::new(message).with_help(help)
}

fn standard_input(console: &mut Console<'_>) -> Result<String, CommandError> {
    let mut text = Vec::new();
    console.input.take(LIMIT + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(CommandError::new(format!(
            "standard input has more than {} KiB",
            LIMIT >> 10
        )));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The hex digits of a line that holds nothing else, without `0x` and what stands between them.
fn digits(line: &str) -> Option<String> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':'));
    let bare = |word| {
        let digits = str::strip_prefix(word, "0x").or_else(|| word.strip_prefix("\\x"));
        digits.unwrap_or(word)
    };
    let digits: String = words.map(bare).collect();
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

fn from_hex(digits: &str) -> Result<Vec<u8>, CommandError> {
    if !digits.len().is_multiple_of(2) {
        let message = format!("{} hex digits are no whole number of bytes", digits.len());
        return Err(CommandError::new(message).with_help("two digits make a byte, as in `0a`"));
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect();
    match bytes.len() % Raw::LEN {
        0 => Ok(bytes),
        _ => Err(incomplete(bytes.len())),
    }
}

pub(super) fn incomplete(len: usize) -> CommandError {
    let given = match len {
        1 => "this is 1 byte".to_owned(),
        many => format!("these are {many}"),
    };
    let message = format!("an instruction takes 8 bytes, and {given}");
    CommandError::new(message).with_help(EXAMPLE)
}
