//! Marks: what is shown in place of what cannot be shown as it is.

use std::fmt::Write;

/// The mark in place of a character that is not shown as it is.
pub fn mark(character: char) -> String {
    let mut mark = String::new();
    push_mark(character, &mut mark);
    mark
}

pub(super) fn push_mark(character: char, text: &mut String) {
    match character {
        '\0'..='\x1f' => text.extend(char::from_u32(0x2400 + u32::from(character))),
        '\x7f' => text.push('␡'),
        _ => {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
        }
    }
}

pub(super) fn push_bytes(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// True for the pictures of control characters.
pub(super) fn is_picture(character: char) -> bool {
    matches!(character, '\u{2400}'..='\u{241f}' | '␡')
}
