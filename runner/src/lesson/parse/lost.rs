//! Finds lines that look like the beginning of a fence with a brace group and are none, since something
//! around them takes them for text: a step that nobody runs must not go unnoticed.
//!
//! It looks at the source line by line and asks the Markdown parser only what each line became.

use crate::diagnostic::{Findings, Lines, line_start};
use crate::lesson::keys::naming_keys;
use crate::visible::is_hidden;
use std::ops::Range;

/// A part of a page in which lines are something else than prose.
pub(super) struct Region {
    pub kind: RegionKind,
    pub span: Range<usize>,
}

/// What it is.
pub(super) enum RegionKind {
    Fence(FenceRegion),
    /// Code that is indented.
    Indented,
    /// A block of HTML.
    Html,
}

/// A fence as the Markdown parser sees it.
pub(super) struct FenceRegion {
    /// Where its row of backticks or tildes begins.
    pub opening: usize,
    /// How many there are.
    pub marks: usize,
    /// True for a file, a step or a check.
    pub is_active: bool,
    /// False for one that goes on to the end of the text, which is an error already.
    pub is_closed: bool,
}

/// Notes each line of `source` that looks like the beginning of a fence with a brace group and is none, as an
/// error in `findings`, and what was taken out on purpose in `lints`. The text begins at `body`; `regions` are
/// its parts, in order.
pub(super) fn notes(
    source: &str,
    body: usize,
    regions: &[Region],
    findings: &mut Findings,
    lints: &mut Findings,
) {
    let mut finder = Finder {
        source,
        regions,
        lines: Lines::of(source),
        comments: None,
        swallowing: None,
        findings,
        lints,
    };
    let mut at = 0;
    for line in source.split_inclusive(['\n', '\r']) {
        let start = at;
        at += line.len();
        let Some(opening) = SeemingFence::of(line) else {
            continue;
        };
        let place = start + opening.prefix.len();
        let span = place..place + opening.written.len();
        match start < body {
            true => finder.in_front_matter(span, &opening),
            false => finder.in_text(span, &opening),
        }
    }
}

/// A line that looks like the beginning of a fence.
struct SeemingFence<'a> {
    /// What stands before its backticks or tildes.
    prefix: &'a str,
    /// All the rest, without the line end.
    written: &'a str,
    marks: usize,
    has_group: bool,
}

const LEAST_MARKS: usize = 3;

impl<'a> SeemingFence<'a> {
    fn of(line: &'a str) -> Option<SeemingFence<'a>> {
        let line = line.trim_end();
        let start = ["```", "~~~"]
            .iter()
            .filter_map(|row| line.find(row))
            .min()?;
        let (prefix, written) = line.split_at(start);
        let mark = written.chars().next()?;
        let info = written.trim_start_matches(mark);
        let marks = written.len() - info.len();
        debug_assert!(marks >= LEAST_MARKS);
        let after = info.trim_start();
        let word = after.find(|c: char| c.is_whitespace() || c == '{');
        let has_group = word.is_some_and(|end| after[end..].trim_start().starts_with('{'));
        let opening = SeemingFence {
            prefix,
            written,
            marks,
            has_group,
        };
        let is_first = prefix.chars().all(is_no_text);
        let is_one = match is_first {
            true => has_group || !(after.is_empty() || mark == '`' && info.contains('`')),
            // Behind words only what can be nothing else.
            false => {
                let is_whole = mark == '`' && !info.contains('`') && info.ends_with('}');
                has_group && is_whole && has_naming_key(info)
            }
        };
        is_one.then_some(opening)
    }

    fn mark(&self) -> u8 {
        self.written.as_bytes()[0]
    }
}

/// True where a word sets a key that makes a fence one of some kind.
fn has_naming_key(info: &str) -> bool {
    let words = info.split(|c: char| c == '{' || c.is_whitespace());
    let mut keys = words.filter_map(|word| Some(word.split_once('=')?.0));
    keys.any(|key| naming_keys().any(|naming| naming == key))
}

/// True for what may stand before a fence in a list or quote, and for what nobody sees.
fn is_no_text(c: char) -> bool {
    c.is_whitespace() || is_hidden(c) || c.is_ascii_digit() || ">-+*.)".contains(c)
}

struct Finder<'a> {
    source: &'a str,
    regions: &'a [Region],
    lines: Lines<'a>,
    comments: Option<Comments>,
    /// The last comment without an end that was noted.
    swallowing: Option<usize>,
    findings: &'a mut Findings,
    lints: &'a mut Findings,
}

/// The comments of one block of HTML.
struct Comments {
    /// Where the block begins.
    block: usize,
    list: Vec<Comment>,
}

struct Comment {
    span: Range<usize>,
    is_closed: bool,
    /// Whether a second one begins in it.
    has_second: bool,
}

const COMMENT: &str = "<!--";
const COMMENT_END: &str = "-->";

impl Finder<'_> {
    fn in_front_matter(&mut self, span: Range<usize>, opening: &SeemingFence<'_>) {
        if opening.has_group {
            self.findings.error(
                span,
                "a fence in the front matter does not run",
                "move it below the line `---` that ends the front matter",
            );
        }
    }

    fn in_text(&mut self, span: Range<usize>, opening: &SeemingFence<'_>) {
        let number = self.regions.partition_point(|it| it.span.end <= span.start);
        let region = self.regions.get(number);
        let region = region.filter(|region| region.span.start <= span.start);
        let kind = region.map(|region| &region.kind);
        if let Some(RegionKind::Fence(fence)) = kind {
            if fence.opening != span.start {
                self.in_fence(fence, span, opening);
            }
            return;
        }
        if !opening.has_group {
            return;
        }
        match (kind, region) {
            (Some(RegionKind::Html), Some(region)) => self.in_html(&region.span, span),
            (Some(RegionKind::Indented), _) => self.findings.error(
                span,
                "an indented fence is shown as code and does not run",
                "move it to the left margin; to show it as it is, put a longer fence around it",
            ),
            (_, _) => self.in_prose(span, opening),
        }
    }

    /// A fence in a longer one is text. One that could have ended with its own end is not.
    fn in_fence(&mut self, fence: &FenceRegion, span: Range<usize>, opening: &SeemingFence<'_>) {
        let is_meant = match fence.is_active {
            true => true,
            false => opening.has_group,
        };
        let is_like = self.source.as_bytes()[fence.opening] == opening.mark()
            && opening.marks >= fence.marks
            && self.is_beside(fence, opening.prefix);
        if !(is_meant && is_like && fence.is_closed) {
            return;
        }
        let line = self.lines.line(fence.opening);
        let row = match opening.mark() {
            b'`' => format!("{} backticks", fence.marks),
            _ => format!("{} tildes", fence.marks),
        };
        let fate = match opening.has_group {
            true => "is text and does not run",
            false => "is text of that",
        };
        self.findings.error(
            span,
            format!("a fence begins inside the fence of line {line}, so it {fate}"),
            format!(
                "end that one with a line of {row} before this one; if this is its text, open it with more: a line of {row} ends it even within a here-document"
            ),
        );
    }

    /// True for a line that is not indented more than a fence may be.
    fn is_beside(&self, fence: &FenceRegion, prefix: &str) -> bool {
        let before = &self.source[line_start(self.source, fence.opening)..fence.opening];
        prefix == before || prefix.len() <= before.len() + 3 && prefix.trim().is_empty()
    }

    fn in_html(&mut self, block: &Range<usize>, span: Range<usize>) {
        let known = self.comments.take_if(|known| known.block == block.start);
        let comments = known.unwrap_or_else(|| Comments::of(self.source, block));
        let comments = self.comments.insert(comments);
        match comments.around(span.start) {
            Some(comment) if comment.is_closed && comment.has_second => {
                let line = self.lines.line(comment.span.start);
                let message = format!("the comment of line {line} swallows this fence");
                let help = "end it with `-->` before this line: a second comment begins inside it";
                return self.findings.error(span, message, help);
            }
            Some(comment) if comment.is_closed => {
                let message = "a fence in a comment does not run";
                let help = "take it out of the comment if it is to run";
                return self.lints.note(span, message, help);
            }
            Some(comment) if is_comment(&self.source[block.clone()]) => {
                let start = comment.span.start;
                return self.swallowing(start..start + COMMENT.len());
            }
            Some(_) | None => {}
        }
        let tag = tag(&self.source[block.clone()]);
        let help = match tag.as_str() {
            "pre" | "script" | "style" | "textarea" => format!("move it below `</{tag}>`"),
            "" => "move it out of the HTML".to_owned(),
            _ => "put a blank line before it, since HTML goes on to the next one".to_owned(),
        };
        let message = "a fence within HTML does not run";
        self.findings.error(span, message, help);
    }

    /// Notes a comment without an end once, whatever it swallows.
    fn swallowing(&mut self, comment: Range<usize>) {
        if self.swallowing.replace(comment.start) != Some(comment.start) {
            self.findings.error(
                comment,
                "this comment is not closed, so it swallows what follows",
                "end it with `-->`",
            );
        }
    }

    fn in_prose(&mut self, span: Range<usize>, opening: &SeemingFence<'_>) {
        let unseen = opening
            .prefix
            .chars()
            .find(|c| !c.is_ascii() && is_no_text(*c));
        let (message, help) = match unseen {
            Some(c) => (
                format!(
                    "U+{:04X} stands before this fence, so it is text and does not run",
                    u32::from(c)
                ),
                "take that character away: only blanks may stand there",
            ),
            None if opening.prefix.trim().is_empty() => (
                "indented this far, a fence is text of the paragraph above and does not run"
                    .to_owned(),
                "move it to the left margin",
            ),
            None => (
                "a fence within a line is text and does not run".to_owned(),
                "begin a line with it, at the left margin",
            ),
        };
        self.findings.error(span, message, help);
    }
}

impl Comments {
    fn of(source: &str, block: &Range<usize>) -> Comments {
        let mut list = Vec::new();
        let mut at = block.start;
        while let Some(found) = source[at..block.end].find(COMMENT) {
            let start = at + found;
            let rest = &source[start..block.end];
            let end = rest.find(COMMENT_END).map(|end| end + COMMENT_END.len());
            let span = start..start + end.unwrap_or(rest.len());
            list.push(Comment {
                is_closed: end.is_some(),
                has_second: source[start + COMMENT.len()..span.end].contains(COMMENT),
                span: span.clone(),
            });
            at = span.end;
        }
        Comments {
            block: block.start,
            list,
        }
    }

    fn around(&self, at: usize) -> Option<&Comment> {
        let number = self.list.partition_point(|it| it.span.end <= at);
        self.list.get(number).filter(|it| it.span.start <= at)
    }
}

/// True for a comment; one inside of other HTML ends with that.
fn is_comment(block: &str) -> bool {
    block.trim_start().starts_with(COMMENT)
}

/// The name of the tag that a block of HTML begins with, in lower case.
fn tag(block: &str) -> String {
    let name = block.trim_start().trim_start_matches(['<', '/']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric());
    name[..end.unwrap_or(name.len())].to_ascii_lowercase()
}
