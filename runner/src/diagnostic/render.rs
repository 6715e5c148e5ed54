//! Draws diagnostics for people: the place, the line with a mark under it, the way to mend it.
//!
//! This is the only home of the drawing library.

use super::model::{Diagnostic, Severity, sort};
use super::place::{BYTE_ORDER_MARK, Lines, line_end, within};
use crate::visible::{hidden, mark, visible_text, width, wrap};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;
use std::path::Path;

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawing {
    /// Whether to color.
    pub color: bool,
    /// The width of the terminal in columns; a pipe has none, and gets messages on one line.
    pub columns: Option<usize>,
}

impl From<bool> for Drawing {
    fn from(color: bool) -> Drawing {
        Drawing {
            color,
            columns: None,
        }
    }
}

/// Draws diagnostics for people, in the order of files and places.
///
/// `source` gives the text of a file; without it the line is not drawn.
pub fn render<'a>(
    diagnostics: &[Diagnostic],
    source: impl Fn(&Path) -> Option<&'a str>,
    drawing: impl Into<Drawing>,
) -> String {
    let drawing = drawing.into();
    let mut ordered = diagnostics.to_vec();
    sort(&mut ordered);
    let of_files = ordered.chunk_by(|one, next| one.path == next.path);
    let drawn = of_files.flat_map(|of_file| {
        let lines = Lines::of(source(&of_file[0].path).unwrap_or_default());
        of_file
            .iter()
            .map(move |diagnostic| draw(diagnostic, &lines, drawing))
    });
    drawn.collect::<Vec<_>>().join("\n")
}

fn draw(diagnostic: &Diagnostic, lines: &Lines<'_>, drawing: Drawing) -> String {
    let color = drawing.color;
    let (line, column) = lines.line_column(diagnostic.span.start);
    let path = visible(&diagnostic.path.display().to_string());
    let place = format!("{path}:{line}:{column}:");
    let kind = match diagnostic.severity {
        Severity::Note => "note: ",
        Severity::Warning => "warning: ",
        Severity::Error => "",
    };
    let head = fitted(
        &format!("{place} {kind}{}", visible(&diagnostic.message)),
        drawing,
    );
    // The colored part is whole in the first line, unless that is too narrow for it.
    let head = match head.strip_prefix(&format!("{place} {kind}")) {
        Some(rest) => {
            let kind = match diagnostic.severity {
                Severity::Note => paint(kind, "36", color),
                Severity::Warning => paint(kind, "33", color),
                Severity::Error => String::new(),
            };
            format!("{} {kind}{rest}", paint(&place, "1", color))
        }
        None => head,
    };
    let mut text = format!("{head}\n");
    if !lines.source().is_empty() {
        text.push_str(&draw_line(diagnostic, lines, line, drawing));
    }
    if let Some(help) = &diagnostic.help {
        let word = paint("help:", "36", color);
        let beside = Drawing {
            columns: drawing.columns.map(|columns| columns.saturating_sub(6)),
            ..drawing
        };
        let help = help.lines().map(|line| fitted(&visible(line), beside));
        let help: Vec<String> = help.collect();
        let help = help.join("\n").replace('\n', "\n      ");
        text.push_str(&format!("{word} {help}\n"));
    }
    text
}

/// Text broken between words where it does not fit.
fn fitted(text: &str, drawing: Drawing) -> String {
    match drawing.columns {
        Some(columns) => wrap(text, columns.max(LEAST_COLUMNS)).join("\n"),
        None => text.to_owned(),
    }
}

/// Nothing is broken into narrower lines.
const LEAST_COLUMNS: usize = 14;

fn draw_line(diagnostic: &Diagnostic, lines: &Lines<'_>, line: usize, drawing: Drawing) -> String {
    let (shown, mut marked) = line_shown(lines, &diagnostic.span);
    // A mark behind the end of a line takes one column more.
    let columns = drawing.columns.map(|columns| columns.saturating_sub(1));
    if let Some(columns) = columns {
        let room = columns.saturating_sub(line.to_string().len() + " | ".len());
        marked.end = marked_end(&shown, &marked, room);
    }
    let level = match diagnostic.severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let snippet = Snippet::source(shown)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(marked));
    let renderer = match drawing.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = match columns {
        Some(columns) => renderer.term_width(columns),
        None => renderer,
    };
    let drawn = renderer.render(&[Group::with_level(level).element(snippet)]);
    let mut text = String::new();
    for row in drawn.lines() {
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// The drawing library wants so much room on either side of a mark, for what it leaves out.
const BESIDE_A_MARK: usize = 6;

/// Where the mark ends in a line with so much room. The library never cuts a mark: one that is too
/// long for the room makes the row too wide.
fn marked_end(shown: &str, marked: &Range<usize>, room: usize) -> usize {
    let columns = |text: &str| text.chars().map(columns_of).sum::<usize>();
    if columns(shown) <= room {
        return marked.end;
    }
    let room = room.saturating_sub(2 * BESIDE_A_MARK).max(1);
    let mut end = marked.start;
    for c in shown[marked.clone()].chars() {
        let next = end + c.len_utf8();
        if columns(&shown[marked.start..next]) > room {
            break;
        }
        end = next;
    }
    end
}

/// The columns of a character as the drawing library draws it.
fn columns_of(c: char) -> usize {
    match c {
        '\t' => 4,
        _ => width(c.encode_utf8(&mut [0; 4])),
    }
}

/// So many bytes before and after the place suffice; a line may have many faults, and each draws it.
const AROUND_BYTES: usize = 512;

/// The first line of the span as it is safe to draw, where it is not far from the span's beginning,
/// and where the span lies in it.
fn line_shown(lines: &Lines<'_>, span: &Range<usize>) -> (String, Range<usize>) {
    let source = lines.source();
    let span = within(source, span);
    let near = span.start.saturating_sub(AROUND_BYTES)..span.start + AROUND_BYTES;
    let near = within(source, &near);
    let start = lines.start(span.start).max(near.start);
    let end = line_end(&source[..near.end], span.start).max(span.start);
    let text = &source[start..end];
    let mut hidden = hidden(text).peekable();
    let mut shown = String::new();
    let mut marked = None;
    let mut marked_end = 0;
    for (offset, c) in text.char_indices() {
        let at = start + offset;
        if at >= span.start && marked.is_none() {
            marked = Some(shown.len());
        }
        let is_hidden = hidden.next_if(|(hidden, _)| *hidden == offset).is_some();
        match is_hidden {
            true if c == BYTE_ORDER_MARK && at == 0 => {}
            true => shown.push_str(&mark(c)),
            false => shown.push(c),
        }
        if at < span.end {
            marked_end = shown.len();
        }
    }
    let first = marked.unwrap_or(shown.len());
    let last = marked_end.max(first);
    (shown, first..last)
}

/// A text on one line with all that is hidden made visible, so that nothing of it reaches a terminal.
fn visible(text: &str) -> String {
    visible_text(text).replace('\t', " ").replace('\n', "␊")
}

fn paint(text: &str, code: &str, color: bool) -> String {
    match color {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn rendered(source: &str, marked: &str) -> String {
        let start = source.find(marked).expect("the marked text is there");
        let path = Path::new("lessons/lesson-2.md");
        let diagnostic = Diagnostic::error(path, start..start + marked.len(), "wrong `word`")
            .help("did you mean `world`?");
        render(&[diagnostic], |_| Some(source), false)
    }

    #[test]
    fn the_place_comes_first_then_the_line_then_the_help() {
        assert_snapshot!(rendered("one\ntwo three\n", "three"), @"
        lessons/lesson-2.md:2:5: wrong `word`
          |
        2 | two three
          |     ^^^^^
        help: did you mean `world`?
        ");
    }

    #[test]
    fn the_mark_stands_under_wide_characters_and_after_tabs() {
        assert_snapshot!(rendered("\t编译 word\n", "word"), @"
        lessons/lesson-2.md:1:5: wrong `word`
          |
        1 |     编译 word
          |          ^^^^
        help: did you mean `world`?
        ");
    }

    #[test]
    fn control_characters_are_made_visible() {
        assert_snapshot!(rendered("a\x1b[31m\u{9b}2J\0 word\u{202e}\r\n", "word"), @r"
        lessons/lesson-2.md:1:12: wrong `word`
          |
        1 | a␛[31m\u{9b}2J␀ word\u{202e}
          |                 ^^^^
        help: did you mean `world`?
        ");
    }

    #[test]
    fn what_nobody_sees_is_made_visible() {
        let source = "a\u{200b}b\u{2060}c\u{e0041}d\u{ad}\u{3164} word 验证";
        assert_snapshot!(rendered(source, "word"), @r"
        lessons/lesson-2.md:1:11: wrong `word`
          |
        1 | a\u{200b}b\u{2060}c\u{e0041}d\u{ad}\u{3164} word 验证
          |                                             ^^^^
        help: did you mean `world`?
        ");
    }

    #[test]
    fn a_span_of_several_lines_is_marked_on_its_first() {
        assert_snapshot!(rendered("```sh\ntrue\n```\n", "```sh\ntrue"), @"
        lessons/lesson-2.md:1:1: wrong `word`
          |
        1 | ```sh
          | ^^^^^
        help: did you mean `world`?
        ");
    }

    #[test]
    fn an_empty_span_at_the_end_of_the_text_still_has_a_place() {
        let path = Path::new("a.md");
        let diagnostic = Diagnostic::warning(path, 4..4, "nothing\x1bhere").help("one\ntwo");
        assert_snapshot!(render(&[diagnostic], |_| Some("one\n"), false), @"
        a.md:2:1: warning: nothing␛here
          |
        2 |
          | ^
        help: one
              two
        ");
    }

    #[test]
    fn of_a_line_without_end_what_is_near_is_drawn() {
        let source = format!("{}here{}", "é".repeat(5000), "本".repeat(5000));
        assert_snapshot!(rendered(&source, "here"), @"
        lessons/lesson-2.md:1:5001: wrong `word`
          |
        1 | ...éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééhere本本本本本本本本本本本本本本本本本本本本本本本本本本本本本本本...
          |                                                                   ^^^^
        help: did you mean `world`?
        ");
        let (shown, marked) = line_shown(&Lines::of(&source), &(10_000..source.len()));
        assert!(shown.len() <= 2 * AROUND_BYTES + 4);
        assert_eq!(
            (&shown[marked.start..][..4], marked.end),
            ("here", shown.len())
        );
    }

    #[test]
    fn a_long_mark_in_a_long_line_is_cut_to_fit_the_terminal() {
        let source = "See it: [The program is loaded](#check-loaded) by now, and so it goes on.\n";
        let found = Diagnostic::error(Path::new("a.md"), 8..46, "no such check");
        let drawing = Drawing {
            color: false,
            columns: Some(40),
        };
        assert_snapshot!(render(&[found], |_| Some(source), drawing), @"
        a.md:1:9: no such check
          |
        1 | ...t: [The program is loaded](#c...
          |       ^^^^^^^^^^^^^^^^^^^^^^^
        ");
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_terminal(
            source in "[a-z 世界`\t]{1,120}", from in 0usize..120, long in 0usize..120,
            columns in 20usize..90
        ) {
            let places: Vec<usize> = source.char_indices().map(|(at, _)| at).collect();
            let place = |at: usize| places.get(at).copied().unwrap_or(source.len());
            let span = place(from)..place(from + long);
            let found = Diagnostic::error(Path::new("a.md"), span, "wrong");
            let drawing = Drawing { color: false, columns: Some(columns) };
            let drawn = render(&[found], |_| Some(&source), drawing);
            prop_assert!(drawn.lines().all(|row| width(row) <= columns), "{}", drawn);
        }
    }

    #[test]
    fn all_are_drawn_in_the_order_of_places() {
        let path = Path::new("a.md");
        let list = [
            Diagnostic::error(path, 4..7, "second"),
            Diagnostic::warning(path, 0..3, "first"),
        ];
        assert_snapshot!(render(&list, |_| Some("one\ntwo\n"), false), @"
        a.md:1:1: warning: first
          |
        1 | one
          | ^^^

        a.md:2:1: second
          |
        2 | two
          | ^^^
        ");
    }

    #[test]
    fn color_marks_words_and_changes_none() {
        let diagnostic = Diagnostic::error(Path::new("a.md"), 0..3, "wrong").help("mend it");
        let drawn = render(&[diagnostic], |_| Some("one\n"), true);
        assert!(
            drawn.starts_with("\x1b[1ma.md:1:1:\x1b[0m wrong\n"),
            "{drawn:?}"
        );
    }

    #[test]
    fn at_a_terminal_messages_break_between_words() {
        let source = "hello wrold, this is a line that is a good deal longer than a terminal\n";
        let message = "there is no such word in this language";
        let found = Diagnostic::error(Path::new("lessons/a.md"), 6..11, message)
            .help("write the word as everybody else does");
        let drawing = Drawing {
            color: false,
            columns: Some(32),
        };
        assert_snapshot!(render(&[found], |_| Some(source), drawing), @"
        lessons/a.md:1:7: there is no
        such word in this language
          |
        1 | hello wrold, this is a l...
          |       ^^^^^
        help: write the word as
              everybody else does
        ");
    }
}
