//! Reads tokens off the front of one line.

use super::error::{AsmError, Problem};
use crate::insn::{Operand, Register, SignedSize, Width};

/// The rest of a line, and where it began.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'t> {
    whole: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub fn new(whole: &'t str) -> Self {
        Self { whole, at: 0 }
    }

    pub fn rest(&self) -> &'t str {
        self.whole[self.at..].trim_start()
    }

    /// Takes `token` if it comes next. A word is taken whole or not at all.
    pub fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest();
        let Some(after) = rest.strip_prefix(token) else {
            return false;
        };
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if token.ends_with(is_word) && after.starts_with(is_word) {
            return false;
        }
        self.at = self.whole.len() - after.len();
        true
    }

    /// Takes the longest sign that comes next.
    pub fn sign<T: Copy>(&mut self, all: &[T], sign: impl Fn(T) -> &'static str) -> Option<T> {
        let rest = self.rest();
        let next = all.iter().filter(|one| rest.starts_with(sign(**one)));
        let longest = next.max_by_key(|one| sign(**one).len())?;
        self.eat(sign(*longest)).then_some(*longest)
    }

    pub fn expect(&mut self, token: &'static str) -> Result<(), AsmError> {
        match self.eat(token) {
            true => Ok(()),
            false => Err(self.expected(token)),
        }
    }

    /// Takes one character.
    pub fn skip(&mut self) {
        let rest = self.rest();
        let len = rest.chars().next().map_or(0, char::len_utf8);
        self.at = self.whole.len() - rest.len() + len;
    }

    /// Takes letters, digits, `_` and `.`; they may be none.
    pub fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let len = rest.find(is_end).unwrap_or(rest.len());
        self.at = self.whole.len() - rest.len() + len;
        &rest[..len]
    }

    pub fn register(&mut self) -> Result<(Width, Register), AsmError> {
        let before = *self;
        let word = self.word();
        let width = match word.get(..1) {
            Some("r") => Width::W64,
            Some("w") => Width::W32,
            Some(_) | None => return Err(before.expected("a register")),
        };
        let number = &word[1..];
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if !is_number || (number.len() > 1 && number.starts_with('0')) {
            return Err(before.expected("a register"));
        }
        let register = number.parse().ok().and_then(Register::new);
        let register = register.ok_or_else(|| before.error(Problem::Register(word.to_owned())))?;
        Ok((width, register))
    }

    /// A register of 64 bits, as addresses are.
    pub fn address(&mut self) -> Result<Register, AsmError> {
        let before = *self;
        match self.register()? {
            (Width::W64, register) => Ok(register),
            (Width::W32, _) => Err(before.expected("a register of 64 bits")),
        }
    }

    pub fn is_register(&self) -> bool {
        self.clone().register().is_ok()
    }

    /// A register of a width, or a constant.
    pub fn operand(&mut self, width: Width) -> Result<Operand, AsmError> {
        match self.is_register() {
            true => self.same_width(width).map(Operand::Register),
            false => self.immediate().map(Operand::Immediate),
        }
    }

    /// A register of a width.
    pub fn same_width(&mut self, width: Width) -> Result<Register, AsmError> {
        let before = *self;
        match self.register()? {
            (found, register) if found == width => Ok(register),
            _ => Err(before.error(Problem::Widths)),
        }
    }

    /// `s8`, `s16` or `s32`.
    pub fn signed_size(&mut self) -> Result<SignedSize, AsmError> {
        let before = *self;
        match self.word() {
            "s8" => Ok(SignedSize::Byte),
            "s16" => Ok(SignedSize::Half),
            "s32" => Ok(SignedSize::Word),
            _ => Err(before.expected("s8, s16 or s32")),
        }
    }

    /// A number in decimal or, after `0x`, hexadecimal; a sign may stand before it, and blanks between.
    pub fn number(&mut self) -> Result<i128, AsmError> {
        let before = *self;
        let is_negative = match self.eat("-") {
            true => true,
            false => {
                self.eat("+");
                false
            }
        };
        let word = self.word();
        let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let (digits, radix) = match hex {
            Some(hex) => (hex, 16),
            None => (word, 10),
        };
        if digits.is_empty() || digits.starts_with(['+', '-']) {
            return Err(before.expected("a number"));
        }
        // Seventeen digits cannot be a number of 64 bits in either notation, zeroes before it aside.
        let magnitude = i128::from_str_radix(digits, radix);
        let magnitude = magnitude.map_err(|_| before.expected("a number"))?;
        Ok(if is_negative { -magnitude } else { magnitude })
    }

    pub fn offset(&mut self) -> Result<i16, AsmError> {
        let before = *self;
        let number = self.number()?;
        number
            .try_into()
            .map_err(|_| before.error(Problem::Range { bits: 16 }))
    }

    /// A number of 32 bits, signed or not.
    pub fn immediate(&mut self) -> Result<i32, AsmError> {
        let before = *self;
        let number = self.number()?;
        let signed = i32::try_from(number);
        let unsigned = |_| u32::try_from(number).map(|number| number as i32);
        signed
            .or_else(unsigned)
            .map_err(|_| before.error(Problem::Range { bits: 32 }))
    }

    pub fn unsigned(&mut self) -> Result<u32, AsmError> {
        let before = *self;
        let number = self.number()?;
        number
            .try_into()
            .map_err(|_| before.error(Problem::Range { bits: 32 }))
    }

    pub fn end(&self) -> Result<(), AsmError> {
        match self.rest().is_empty() {
            true => Ok(()),
            false => Err(self.expected("the end of the instruction")),
        }
    }

    pub fn expected(&self, what: &'static str) -> AsmError {
        self.error(Problem::Expected {
            what,
            found: self.rest().chars().take(20).collect(),
        })
    }

    pub fn error(&self, problem: Problem) -> AsmError {
        let blanks = self.whole[self.at..].len() - self.rest().len();
        AsmError {
            column: self.whole[..self.at + blanks].chars().count() + 1,
            problem,
        }
    }
}
