//! Makes text safe to show: nothing a step prints can move the cursor, set a title or hide.
//!
//! A character that cannot be shown as it is becomes a mark that can: a control character its picture
//! (`␛`, `␀`, `␍`), a byte that is not UTF-8 `\xff`, a character that is invisible or turns the
//! reading direction `\u{202e}`. Newlines and tabs stay. On a screen, text that already holds such a
//! mark looks the same as what the mark stands for, as with `cat -v`; what is kept to be compared is
//! [`exact`].

mod exact;
mod hidden;
mod mark;
mod wrap;

#[cfg(test)]
pub(crate) use exact::{bytes_of, tests::bytes};
pub use exact::{exact, has_marks, readable};
pub use hidden::{hidden, is_hidden, name, visible_json};
pub use mark::mark;
pub use wrap::{breaks, expand_tabs, fold, width, wrap};

use hidden::{is_plain, needs_next};
use mark::{push_bytes, push_mark};
use std::borrow::Cow;

/// The whole of some bytes as safe text.
pub fn visible(bytes: &[u8]) -> String {
    let mut stream = Visible::default();
    let mut text = stream.push(bytes);
    text.push_str(&stream.finish());
    text
}

/// Text that is already UTF-8, made safe; borrowed where nothing had to change.
pub fn visible_text(text: &str) -> Cow<'_, str> {
    if hidden(text).next().is_none() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    push_text(None, text, &mut safe);
    Cow::Owned(safe)
}

/// Text that `tutor` drew itself, from pieces that should be safe: its colors stay, and whatever else a
/// terminal would obey is shown. The last thing before a terminal, should a piece have been forgotten.
pub fn drawn(text: &str) -> Cow<'_, str> {
    if hidden(text).next().is_none() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        push_text(None, &rest[..at], &mut safe);
        rest = &rest[at..];
        let color = color_length(rest).unwrap_or(1);
        match color {
            1 => push_text(None, &rest[..1], &mut safe),
            _ => safe.push_str(&rest[..color]),
        }
        rest = &rest[color..];
    }
    push_text(None, rest, &mut safe);
    Cow::Owned(safe)
}

/// How long the sequence is that a text begins with, if all it does is to color (SGR of ECMA-48).
fn color_length(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers[end..].starts_with('m').then_some(2 + end + 1)
}

/// The same for a stream whose chunks may end in the middle of a character.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    /// The character before what comes next.
    before: Option<char>,
    /// The beginning of a character whose other bytes have not come yet, and before it one on which
    /// what comes behind it decides: a few bytes.
    unfinished: Vec<u8>,
}

impl Visible {
    /// Takes a chunk and returns the text that is certain so far.
    pub fn push(&mut self, chunk: &[u8]) -> String {
        if self.unfinished.is_empty() {
            return self.read(chunk);
        }
        let mut bytes = std::mem::take(&mut self.unfinished);
        bytes.extend_from_slice(chunk);
        self.read(&bytes)
    }

    /// Returns what was held back: the stream ended within a character.
    pub fn finish(&mut self) -> String {
        let unfinished = std::mem::take(&mut self.unfinished);
        let (valid, after) = unfinished.split_at(valid_bytes(&unfinished));
        let mut text = String::new();
        self.text(&String::from_utf8_lossy(valid), &mut text);
        push_bytes(after, &mut text);
        self.before = None;
        text
    }

    fn read(&mut self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        loop {
            let (valid, wrong_bytes) = match std::str::from_utf8(rest) {
                Ok(valid) => (Cow::Borrowed(valid), None),
                Err(error) => {
                    // Valid up to there, so nothing is replaced.
                    let valid = String::from_utf8_lossy(&rest[..error.valid_up_to()]);
                    (valid, error.error_len())
                }
            };
            let after = &rest[valid.len()..];
            let Some(wrong_bytes) = wrong_bytes else {
                let last = valid.chars().next_back().filter(|last| needs_next(*last));
                let kept = valid.len() - last.map_or(0, char::len_utf8);
                self.text(&valid[..kept], &mut text);
                self.unfinished = rest[kept..].to_vec();
                return text;
            };
            self.text(&valid, &mut text);
            self.before = None;
            push_bytes(&after[..wrong_bytes], &mut text);
            rest = &after[wrong_bytes..];
        }
    }

    fn text(&mut self, valid: &str, text: &mut String) {
        push_text(self.before, valid, text);
        self.before = valid.chars().next_back().or(self.before);
    }
}

fn valid_bytes(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(valid) => valid.len(),
        Err(error) => error.valid_up_to(),
    }
}

fn push_text(mut before: Option<char>, valid: &str, text: &mut String) {
    let mut plain_from = 0;
    let mut characters = valid.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map(|(_, after)| *after);
        let is_plain = is_plain(before, character, after);
        before = Some(character);
        if is_plain {
            continue;
        }
        text.push_str(&valid[plain_from..at]);
        push_mark(character, text);
        plain_from = at + character.len_utf8();
    }
    text.push_str(&valid[plain_from..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_snapshot!(visible(b"\x1b]0;owned\x07 \x1b[31mred"), @"␛]0;owned␇ ␛[31mred");
    }

    #[test]
    fn bytes_that_are_no_text_survive_as_marks() {
        assert_snapshot!(visible(b"a\xff\0b\r \x7f \xc2\x85 \xe4\xb8"), @r"a\xff␀b␍ ␡ \u{85} \xe4\xb8");
    }

    #[test]
    fn text_that_turns_or_hides_is_shown() {
        let deceptive = "user\u{202e}txt.exe a\u{200b}b \u{feff}";
        assert_snapshot!(visible_text(deceptive), @r"user\u{202e}txt.exe a\u{200b}b \u{feff}");
    }

    #[test]
    fn of_what_was_drawn_colors_stay_and_nothing_else_is_obeyed() {
        let text =
            "\x1b[1;31merror\x1b[0m: \x1b]0;x\x07 \x1b[2J \x1b[31 \x1b[m\r \u{202e} \u{9b}31m \x1b";
        let shown = drawn(text).replace("\x1b[", "<");
        assert_snapshot!(shown, @r"<1;31merror<0m: ␛]0;x␇ ␛[2J ␛[31 <m␍ \u{202e} \u{9b}31m ␛");
        assert!(matches!(drawn("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_that_is_safe_is_borrowed() {
        assert!(matches!(visible_text("héllo 世界\n\tx"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_character_split_between_chunks_is_put_together() {
        let mut stream = Visible::default();
        assert_eq!(stream.push(b"x\xe4\xb8"), "x");
        assert_eq!(stream.push(b"\x96!\xf0\x9f"), "世!");
        assert_eq!(stream.finish(), "\\xf0\\x9f");
        assert_eq!(stream.finish(), "");
    }

    proptest! {
        #[test]
        fn chunks_of_what_real_languages_write_say_the_same_as_the_whole(
            text in "[1❤👩م\u{fe0f}\u{200d}\u{200c}\u{20e3}]{0,8}", cut in 0usize..32
        ) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut stream = Visible::default();
            let mut shown = stream.push(&bytes[..cut]);
            shown += &stream.push(&bytes[cut..]);
            shown += &stream.finish();
            prop_assert_eq!(&shown, &visible_text(&text));
        }

        #[test]
        fn chunks_say_the_same_as_the_whole(bytes: Vec<u8>, cut in 0usize..64) {
            let cut = cut.min(bytes.len());
            let mut stream = Visible::default();
            let mut text = stream.push(&bytes[..cut]);
            text += &stream.push(&bytes[cut..]);
            text += &stream.finish();
            prop_assert_eq!(&text, &visible(&bytes));
            prop_assert_eq!(hidden(&text).next(), None);
        }
    }
}
