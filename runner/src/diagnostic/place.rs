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

/// Where the lines of a text begin: a text with many places to name is read through once for all.
#[derive(Clone, Debug)]
pub struct Lines<'s> {
    source: &'s str,
    /// The first byte of each line.
    starts: Vec<usize>,
    /// How many characters stand before each stretch of so many bytes: a line may be long.
    before: Vec<usize>,
}

const STRETCH_BYTES: usize = 512;

impl<'s> Lines<'s> {
    /// Those of a text.
    pub fn of(source: &'s str) -> Lines<'s> {
        let newlines = source
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n');
        let starts = [0].into_iter().chain(newlines.map(|(at, _)| at + 1));
        let mut before = vec![0];
        for stretch in source.as_bytes().chunks(STRETCH_BYTES) {
            before.push(before[before.len() - 1] + characters_in(stretch));
        }
        Lines {
            source,
            starts: starts.collect(),
            before,
        }
    }

    /// The text.
    pub fn source(&self) -> &'s str {
        self.source
    }

    /// The line of a byte, from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The line and the column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = floor(self.source, byte);
        let line = self.line(byte);
        let start = self.starts[line - 1];
        let mark = match self.source[start..byte].starts_with(BYTE_ORDER_MARK) {
            true => 1,
            false => 0,
        };
        let column = self.characters_before(byte) - self.characters_before(start) - mark;
        (line, column + 1)
    }

    /// Where the line that holds `byte` begins.
    pub(super) fn start(&self, byte: usize) -> usize {
        self.starts[self.line(byte) - 1]
    }

    /// How many characters begin before a byte.
    fn characters_before(&self, byte: usize) -> usize {
        let stretch = byte / STRETCH_BYTES;
        let rest = &self.source.as_bytes()[stretch * STRETCH_BYTES..byte];
        self.before[stretch] + characters_in(rest)
    }
}

/// How many characters begin in some bytes of a text.
fn characters_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}

/// The line and the column of a byte, both from 1; the column counts characters. [`Lines`] does it
/// for many.
pub fn line_column(source: &str, byte: usize) -> (usize, usize) {
    Lines::of(source).line_column(byte)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_count_characters_from_1() {
        assert_eq!(line_column("编译 x\ny", 7), (1, 4));
        assert_eq!(line_column("a\r\nb", 3), (2, 1));
        assert_eq!(line_column("\u{feff}---", 3), (1, 1));
        assert_eq!(line_column("a", 99), (1, 2));
        assert_eq!(line_column("", 0), (1, 1));
    }

    proptest! {
        #[test]
        fn places_in_a_long_text_are_those_that_are_counted_one_by_one(
            pieces in proptest::collection::vec("[a\n世é]{0,600}", 0..4), byte in 0usize..4000
        ) {
            let text = pieces.concat();
            let before = &text[..floor(&text, byte)];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            prop_assert_eq!(line_column(&text, byte), (line, column));
        }

        #[test]
        fn the_end_of_a_text_that_fills_its_stretches_has_a_place(stretches in 1usize..4) {
            let text = "x".repeat(stretches * STRETCH_BYTES);
            prop_assert_eq!(line_column(&text, text.len()), (1, text.len() + 1));
        }
    }
}
