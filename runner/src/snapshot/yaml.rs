//! Single YAML values as insta writes them.

use std::fmt::Write;

/// A string, quoted where insta quotes: a reader would take it for something else.
pub(super) fn text(value: &str) -> String {
    if needs_quotes(value) {
        quoted(value)
    } else {
        value.to_owned()
    }
}

/// A whole number bare, anything else as a string.
pub(super) fn number_or_text(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) if number.to_string() == value => value.to_owned(),
        Ok(_) | Err(_) => text(value),
    }
}

fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if needs_escape(character) => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// True of characters that a YAML reader may refuse. All are below `U+10000`.
fn needs_escape(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}

const WORDS: [&str; 22] = [
    "yes", "Yes", "YES", "no", "No", "NO", "True", "TRUE", "true", "False", "FALSE", "false", "on",
    "On", "ON", "off", "Off", "OFF", "null", "Null", "NULL", "~",
];

fn needs_quotes(value: &str) -> bool {
    value.is_empty()
        || value.starts_with([
            ' ', '&', '*', '?', '|', '-', '<', '>', '=', '!', '%', '@', '.',
        ])
        || value.starts_with("0x")
        || value.ends_with(char::is_whitespace)
        || value.starts_with(char::is_whitespace)
        || value.contains([':', '{', '}', '[', ']', ',', '#', '`', '"', '\'', '\\'])
        || value.contains(needs_escape)
        || WORDS.contains(&value)
        || value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_like_something_else_is_quoted() {
        for plain in ["clang -O2 a.c", "2026-11-23", "a|b", "世界"] {
            assert_eq!(text(plain), plain);
        }
        for ambiguous in [
            "14", "6.12", "true", "", "~", "a: b", "- a", ".5", "0x1", " a",
        ] {
            assert_eq!(text(ambiguous), format!("{ambiguous:?}"));
        }
        assert_eq!(text("a\nb\u{1b}"), r#""a\nb\u001b""#);
    }

    #[test]
    fn an_exit_status_is_a_number() {
        assert_eq!(number_or_text("0"), "0");
        assert_eq!(number_or_text("01"), "\"01\"");
        assert_eq!(number_or_text("signal 9"), "signal 9");
    }
}
