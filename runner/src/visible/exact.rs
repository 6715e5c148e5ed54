//! Safe text that says byte for byte what was printed.
//!
//! It is what [`super::visible`] makes, but that text which reads like a mark is marked itself: the
//! letter `␛` is `\u{241b}`, and the text `\xff` is `\u{5c}xff`. So no two outputs have the same.

use super::hidden::is_plain;
use super::mark::{is_picture, push_bytes, push_mark};
use std::borrow::Cow;

/// The whole of some bytes as exact text.
pub fn exact(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        let mut before = None;
        for (at, character) in valid.char_indices() {
            let rest = &valid[at..];
            let after = rest.chars().nth(1);
            let reads_like_a_mark = is_picture(character) || numbered(rest).is_some();
            match is_plain(before, character, after) && !reads_like_a_mark {
                true => text.push(character),
                false => push_mark(character, &mut text),
            }
            before = Some(character);
        }
        push_bytes(chunk.invalid(), &mut text);
    }
    text
}

/// Exact text as it is shown where nothing is compared: what reads like a mark is there as it was
/// printed.
pub fn readable(text: &str) -> Cow<'_, str> {
    let mut readable = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices("\\u{") {
        let marked =
            numbered(&text[at..]).and_then(|(character, length)| Some((character?, length)));
        if let Some((character, length)) = marked.filter(|(it, _)| *it == '\\' || is_picture(*it)) {
            readable.push_str(&text[copied..at]);
            readable.push(character);
            copied = at + length;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    readable.push_str(&text[copied..]);
    Cow::Owned(readable)
}

/// True if some text holds a mark, or what reads like one.
pub fn has_marks(text: &str) -> bool {
    let mut backslashes = text.match_indices('\\');
    text.contains(is_picture) || backslashes.any(|(at, _)| numbered(&text[at..]).is_some())
}

/// The mark that a text begins with, if it says a number: of a character, or of a byte, which is none;
/// and its length in bytes.
fn numbered(text: &str) -> Option<(Option<char>, usize)> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mark = text.strip_prefix('\\')?;
    if let Some(digits) = mark.strip_prefix('x') {
        let digits = digits.as_bytes().get(..2)?;
        return digits.iter().all(is_digit).then_some((None, 4));
    }
    let digits = mark.strip_prefix("u{")?;
    let length = digits.bytes().take(7).position(|byte| byte == b'}')?;
    let digits = &digits[..length];
    if !digits.as_bytes().iter().all(is_digit) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some((Some(char::from_u32(number)?), length + 4))
}

/// The bytes that exact text is of.
#[cfg(test)]
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let (length, of) = match numbered(&text[at..]) {
            Some((Some(of), length)) => (length, Some(of)),
            Some((None, length)) => {
                let digits = &text[at + 2..at + length];
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                (length, None)
            }
            None if character == '␡' => (character.len_utf8(), Some('\x7f')),
            None if is_picture(character) => (
                character.len_utf8(),
                char::from_u32(u32::from(character) - 0x2400),
            ),
            None => (character.len_utf8(), Some(character)),
        };
        bytes.extend(of.map(String::from).unwrap_or_default().bytes());
        at += length;
    }
    bytes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::visible;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_reads_like_a_mark_is_marked_itself() {
        for (printed, text) in [
            ("\x1b[31m", "␛[31m"),
            ("␛[31m", r"\u{241b}[31m"),
            ("␀␍␌␡ ␤␣", r"\u{2400}\u{240d}\u{240c}\u{2421} ␤␣"),
            (r"\xff \xFF \x4 \\x00", r"\u{5c}xff \xFF \x4 \\u{5c}x00"),
            (
                r"\u{202e} \u{5c} \u{} \u{110000} \u{0000001}",
                r"\u{5c}u{202e} \u{5c}u{5c} \u{} \u{110000} \u{0000001}",
            ),
            (r"C:\new \n \\ \", r"C:\new \n \\ \"),
            ("\\u{\u{202e}}", r"\u{\u{202e}}"),
        ] {
            assert_eq!(exact(printed.as_bytes()), text);
            assert_eq!(bytes_of(text), printed.as_bytes());
        }
        assert_eq!(exact(b"\\\xff\\xff"), r"\\xff\u{5c}xff");
    }

    /// Bytes of which many read like marks, or are what marks stand for.
    pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            any::<char>().prop_map(|character| character.to_string().into_bytes()),
            (0u32..0x30).prop_map(|number| visible(&[number as u8]).into_bytes()),
            proptest::sample::select(vec![
                "\\",
                "x",
                "xff",
                "u{",
                "5c",
                "}",
                "u{5c}",
                "u{241b}",
                "u{202e}",
                "{",
                "\u{202e}",
                "\u{2424}",
                "\u{85}",
                "\u{a0}",
                "\u{200d}",
                "👩",
                "\n",
                "\r\n",
                "\r",
                " ",
                "\t",
                "---",
                "--- stdout ---",
                "--- stderr ---",
                "--- end ---",
                "--- no newline at the end ---",
                "<<<<<<<",
                "\u{feff}",
                "\u{2028}",
                "\u{3000}",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn exact_text_gives_back_the_bytes(bytes in bytes()) {
            prop_assert_eq!(bytes_of(&exact(&bytes)), bytes);
        }

        #[test]
        fn exact_text_is_as_safe_and_reads_like_what_is_visible(bytes in bytes()) {
            let exact = exact(&bytes);
            prop_assert_eq!(readable(&exact), visible(&bytes));
            prop_assert_eq!(crate::visible::hidden(&exact).next(), None);
            prop_assert_eq!(has_marks(&exact), has_marks(&visible(&bytes)));
        }
    }
}
