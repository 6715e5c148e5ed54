//! Places in a text: bytes, lines and columns.

use std::ops::Range;

/// It begins some files and is seen by nobody.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The nearest range that lies inside `source` and on its character boundaries.
pub fn within(source: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor(source, span.start);
    let end = ceil(source, span.end.max(start));
    start..end
}

// `str::floor_char_boundary` and its sister came after our oldest compiler.
fn floor(source: &str, byte: usize) -> usize {
    let mut byte = byte.min(source.len());
    while !source.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

fn ceil(source: &str, byte: usize) -> usize {
    let mut byte = byte.min(source.len());
    while !source.is_char_boundary(byte) {
        byte += 1;
    }
    byte
}

/// The line and the column of a byte, both from 1; the column counts characters.
pub fn line_column(source: &str, byte: usize) -> (usize, usize) {
    let before = &source[..floor(source, byte)];
    let line_start = line_start(before, before.len());
    let column = source[line_start..before.len()]
        .chars()
        .filter(|c| *c != BYTE_ORDER_MARK)
        .count();
    (lines_in(before), column + 1)
}

/// Where the line that holds `byte` begins.
pub(crate) fn line_start(source: &str, byte: usize) -> usize {
    let before = &source.as_bytes()[..byte.min(source.len())];
    before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |newline| newline + 1)
}

/// Where the line that holds `byte` ends, before its line end.
pub(crate) fn line_end(source: &str, byte: usize) -> usize {
    let rest = &source.as_bytes()[byte.min(source.len())..];
    let end = byte.min(source.len()) + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let start = byte.min(source.len());
    match source.as_bytes()[start..end].last() {
        Some(b'\r') => end - 1,
        _ => end,
    }
}

fn lines_in(before: &str) -> usize {
    before.bytes().filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_1() {
        assert_eq!(line_column("编译 x\ny", 7), (1, 4));
        assert_eq!(line_column("a\r\nb", 3), (2, 1));
        assert_eq!(line_column("\u{feff}---", 3), (1, 1));
        assert_eq!(line_column("a", 99), (1, 2));
    }
}
