//! Finds fences of backticks with a backtick in their opening line.
//!
//! CommonMark takes such a line for text, so that the closing line opens a fence and the rest of
//! the page is read inside out. Here the backtick is covered up before the Markdown parser reads
//! the page; every byte keeps its place.

use std::borrow::Cow;
use std::ops::Range;

/// The text with the backticks covered, and the lines where that was done, in order.
pub(super) struct Hidden<'a> {
    pub text: Cow<'a, str>,
    pub lines: Vec<Range<usize>>,
}

/// Covers the backticks of opening lines after `start`.
pub(super) fn hide(source: &str, start: usize) -> Hidden<'_> {
    let mut covered: Option<Vec<u8>> = None;
    let mut lines = Vec::new();
    let mut open: Option<FenceLine> = None;
    let mut at = start;
    for line in source[start..].split_inclusive('\n') {
        let span = at..at + line.len();
        at += line.len();
        let Some(fence) = FenceLine::of(line) else {
            continue;
        };
        match &open {
            Some(opened) if fence.closes(opened) => open = None,
            Some(_) => {}
            None => {
                if fence.mark == b'`' && fence.info.contains('`') {
                    if !fence.was_meant() {
                        continue;
                    }
                    let bytes = covered.get_or_insert_with(|| source.as_bytes().to_vec());
                    cover(&mut bytes[span.end - fence.info.len()..span.end]);
                    lines.push(span);
                }
                open = Some(fence);
            }
        }
    }
    let text = covered.and_then(|bytes| String::from_utf8(bytes).ok());
    Hidden {
        text: text.map_or(Cow::Borrowed(source), Cow::Owned),
        lines,
    }
}

fn cover(info: &mut [u8]) {
    for byte in info.iter_mut().filter(|byte| **byte == b'`') {
        *byte = b'\'';
    }
}

/// A line that opens or closes a fence.
struct FenceLine<'a> {
    mark: u8,
    marks: usize,
    /// The rest of the line, its end included.
    info: &'a str,
}

impl<'a> FenceLine<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        if line.len() - text.len() > 3 {
            return None;
        }
        let mark = *text
            .as_bytes()
            .first()
            .filter(|byte| matches!(byte, b'`' | b'~'))?;
        let marks = text.bytes().take_while(|byte| *byte == mark).count();
        (marks >= 3).then(|| FenceLine {
            mark,
            marks,
            info: &text[marks..],
        })
    }

    fn closes(&self, opened: &FenceLine<'_>) -> bool {
        self.mark == opened.mark && self.marks >= opened.marks && self.info.trim().is_empty()
    }

    // A line such as "```a``` is inline code" is no fence and is none by mistake either.
    fn was_meant(&self) -> bool {
        let mut runs = self.info.split(|c| c != '`').map(str::len);
        self.info.contains('{') || !runs.any(|run| run == self.marks)
    }
}
