//! Prose for a terminal: headings, lists, tables, emphasis, links, wrapped to its width.

use super::paint::Paint;
use crate::lesson::prose::plain_text;
use crate::lesson::{Inline, Node};
use crate::visible::{breaks, visible_text};
use anstyle::{AnsiColor, Style};
use std::ops::Range;
use unicode_linebreak::BreakOpportunity;
use unicode_width::UnicodeWidthStr;

/// Returns the lines of some prose.
pub fn lines(nodes: &[Node], paint: &Paint) -> Vec<String> {
    let mut drawn = Vec::new();
    blocks(nodes, paint, paint.prose_columns(), &mut drawn);
    drawn
}

fn blocks(nodes: &[Node], paint: &Paint, columns: usize, drawn: &mut Vec<String>) {
    for node in nodes {
        if matches!(node, Node::Html(_)) {
            continue;
        }
        if !drawn.is_empty() {
            drawn.push(String::new());
        }
        block(node, paint, columns, drawn);
    }
}

fn block(node: &Node, paint: &Paint, columns: usize, drawn: &mut Vec<String>) {
    match node {
        Node::Heading { level, content } => heading(*level, content, paint, columns, drawn),
        Node::Paragraph(content) => drawn.extend(paragraph(content, paint, columns)),
        Node::List { start, items } => list(*start, items, paint, columns, drawn),
        Node::Quote(nodes) => {
            let mark = paint.dim(paint.mark("│", "|"));
            let mut inner = Vec::new();
            blocks(nodes, paint, columns.saturating_sub(2), &mut inner);
            drawn.extend(inner.into_iter().map(|line| format!("{mark} {line}")));
        }
        Node::Code { language, text } => {
            let code = paint.code(language.as_deref().unwrap_or(""), text);
            drawn.extend(code.into_iter().map(|line| format!("    {line}")));
        }
        Node::Table { head, rows } => table(head, rows, paint, columns, drawn),
        Node::Rule => drawn.push(paint.dim(&paint.mark("─", "-").repeat(columns.min(40)))),
        Node::Html(_) => {}
    }
}

fn heading(level: u8, content: &[Inline], paint: &Paint, columns: usize, drawn: &mut Vec<String>) {
    let text = plain_text(content);
    let text = visible_text(&text);
    let style = match level {
        1 => AnsiColor::Cyan.on_default().bold(),
        _ => Style::new().bold(),
    };
    for range in wrapped(&text, &[], columns) {
        drawn.push(paint.style(style, &text[range]));
    }
    let line = match level {
        1 => paint.mark("━", "="),
        2 => paint.mark("─", "-"),
        _ => return,
    };
    drawn.push(paint.dim(&line.repeat(text.width().min(columns))));
}

fn list(
    start: Option<u64>,
    items: &[Vec<Node>],
    paint: &Paint,
    columns: usize,
    drawn: &mut Vec<String>,
) {
    for (index, item) in items.iter().enumerate() {
        let bullet = match start {
            Some(first) => format!("{}. ", first + index as u64),
            None => format!("{} ", paint.mark("•", "*")),
        };
        let indent = bullet.width() + 1;
        let mut inner = Vec::new();
        blocks(item, paint, columns.saturating_sub(indent), &mut inner);
        for (number, line) in inner.into_iter().enumerate() {
            let lead = if number == 0 {
                format!(" {bullet}")
            } else {
                " ".repeat(indent)
            };
            drawn.push(format!("{lead}{line}").trim_end().to_owned());
        }
    }
}

fn table(
    head: &[Vec<Inline>],
    rows: &[Vec<Vec<Inline>>],
    paint: &Paint,
    columns: usize,
    drawn: &mut Vec<String>,
) {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
            cells
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell, paint))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    match total <= columns {
        true => grid(head, rows, &widths, paint, drawn),
        false => table_as_lists(head, rows, paint, columns, drawn),
    }
}

/// A table whose columns fit beside each other.
fn grid(
    head: &[Vec<Inline>],
    rows: &[Vec<Vec<Inline>>],
    widths: &[usize],
    paint: &Paint,
    drawn: &mut Vec<String>,
) {
    let row = |cells: &[Vec<Inline>], style: fn(&Paint, &str) -> String| {
        let cell = |(column, width): (usize, &usize)| {
            let cell = cells.get(column).map(Vec::as_slice).unwrap_or_default();
            let gap = " ".repeat(width - self::width(cell, paint));
            style(paint, &styled(cell, paint)) + &gap
        };
        let cells: Vec<String> = widths.iter().enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    drawn.push(row(head, Paint::bold));
    let rule: Vec<String> = widths
        .iter()
        .map(|width| paint.mark("─", "-").repeat(*width))
        .collect();
    drawn.push(paint.dim(&rule.join("  ")));
    drawn.extend(
        rows.iter()
            .map(|cells| row(cells, |_, text| text.to_owned())),
    );
}

/// A table that is too wide: each row becomes a small list of its own, named by the head.
fn table_as_lists(
    head: &[Vec<Inline>],
    rows: &[Vec<Vec<Inline>>],
    paint: &Paint,
    columns: usize,
    drawn: &mut Vec<String>,
) {
    let names: Vec<Vec<Inline>> = head.iter().map(|name| shortened(name, columns)).collect();
    for (number, cells) in rows.iter().enumerate() {
        if number > 0 {
            drawn.push(String::new());
        }
        for (name, cell) in names.iter().zip(cells) {
            let mut content = vec![Inline::Strong(name.clone()), Inline::Text(": ".to_owned())];
            content.extend(cell.iter().cloned());
            let lines = paragraph(&content, paint, columns.saturating_sub(2));
            let lines = lines.into_iter().enumerate();
            drawn.extend(lines.map(|(index, line)| match index {
                0 => line,
                _ => format!("  {line}"),
            }));
        }
    }
}

/// The same, or its beginning if it is longer than a few lines: it stands before each cell below it.
fn shortened(name: &[Inline], columns: usize) -> Vec<Inline> {
    let text = plain_text(name);
    match text.chars().nth(4 * columns.max(20)) {
        None => name.to_vec(),
        Some(_) => {
            let beginning: String = text.chars().take(columns.max(20)).collect();
            vec![Inline::Text(beginning + "…")]
        }
    }
}

/// The columns that inline content takes on one line, with all that is drawn around it.
fn width(content: &[Inline], paint: &Paint) -> usize {
    let mut pieces = Vec::new();
    flatten(content, Style::new(), paint, &mut pieces);
    pieces.iter().map(|piece| piece.text.width()).sum()
}

/// Inline content on one line.
fn styled(content: &[Inline], paint: &Paint) -> String {
    let mut pieces = Vec::new();
    flatten(content, Style::new(), paint, &mut pieces);
    pieces
        .iter()
        .map(|piece| paint.style(piece.style, &piece.text))
        .collect()
}

/// Inline content on as many lines as it takes.
pub fn paragraph(content: &[Inline], paint: &Paint, columns: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    flatten(content, Style::new(), paint, &mut pieces);
    let mut text = String::new();
    let mut commands = Vec::new();
    let mut starts = Vec::new();
    for piece in &pieces {
        let start = text.len();
        starts.push(start);
        text.push_str(&piece.text);
        if piece.is_code {
            commands.push(start..text.len());
        }
    }
    wrapped(&text, &commands, columns)
        .into_iter()
        .map(|range| {
            let first = starts.partition_point(|start| *start <= range.start);
            let first = first.saturating_sub(1);
            let start = starts.get(first).copied().unwrap_or_default();
            cut(&pieces[first..], start, range, paint)
        })
        .collect()
}

/// Text in one style.
struct Piece {
    style: Style,
    text: String,
    is_code: bool,
}

fn flatten(content: &[Inline], style: Style, paint: &Paint, pieces: &mut Vec<Piece>) {
    let plain = |style, text| Piece {
        style,
        text,
        is_code: false,
    };
    for inline in content {
        match inline {
            Inline::Text(text) => pieces.push(plain(style, visible_text(text).into_owned())),
            Inline::Code(text) => {
                let text = visible_text(text);
                let text = if paint.color {
                    text.into_owned()
                } else {
                    format!("`{text}`")
                };
                pieces.push(Piece {
                    style: style.fg_color(Some(AnsiColor::Cyan.into())),
                    text,
                    is_code: true,
                });
            }
            Inline::Emphasis(inner) => flatten(inner, style.italic(), paint, pieces),
            Inline::Strong(inner) => flatten(inner, style.bold(), paint, pieces),
            Inline::Strikethrough(inner) => flatten(inner, style.strikethrough(), paint, pieces),
            Inline::Link { url, content } => {
                flatten(content, style.underline(), paint, pieces);
                if url.contains("://") && plain_text(content) != *url {
                    let url = format!(" <{}>", visible_text(url));
                    pieces.push(plain(style.dimmed(), url));
                }
            }
            Inline::Image { description, .. } => {
                pieces.push(plain(style, format!("[{}]", visible_text(description))))
            }
            Inline::SoftBreak => pieces.push(plain(style, " ".to_owned())),
            Inline::HardBreak => pieces.push(plain(style, "\n".to_owned())),
            Inline::Html(_) => {}
        }
    }
}

/// A part of the text of some pieces, of which the first begins at `start`.
fn cut(pieces: &[Piece], mut start: usize, range: Range<usize>, paint: &Paint) -> String {
    let mut line = String::new();
    for Piece { style, text, .. } in pieces {
        if start >= range.end {
            break;
        }
        let end = start + text.len();
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            line.push_str(&paint.style(*style, &text[from - start..to - start]));
        }
        start = end;
    }
    line
}

/// The lines of a text, as ranges of its bytes without the blanks at their ends, with the ranges of
/// `commands` in one line where they can be.
fn wrapped(text: &str, commands: &[Range<usize>], columns: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut last_break = 0;
    for (position, opportunity) in breaks(text, commands, columns) {
        let fits = text[start..position].trim_end().width() <= columns;
        if !fits && last_break > start {
            lines.push(trimmed(text, start..last_break));
            start = last_break;
        }
        last_break = position;
        let end_of_text = position == text.len();
        if opportunity == BreakOpportunity::Mandatory && (!end_of_text || start < position) {
            lines.push(trimmed(text, start..position));
            start = position;
        }
    }
    lines
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let end = range.start + text[range.clone()].trim_end().len();
    range.start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<Inline> {
        vec![Inline::Text(text.to_owned())]
    }

    fn drawn(nodes: &[Node], columns: usize) -> String {
        lines(nodes, &Paint::plain(columns)).join("\n")
    }

    #[test]
    fn words_are_wrapped_and_chinese_breaks_between_characters() {
        let nodes = [
            Node::Paragraph(text("one two three")),
            Node::Paragraph(text("验证器检查每一条路径")),
        ];
        insta::assert_snapshot!(drawn(&nodes, 9), @"
        one two
        three

        验证器检
        查每一条
        路径
        ");
    }

    #[test]
    fn a_list_hangs_and_a_nested_one_hangs_deeper() {
        let inner = Node::List {
            start: Some(9),
            items: vec![vec![Node::Paragraph(text("in"))]],
        };
        let nodes = [Node::List {
            start: None,
            items: vec![
                vec![Node::Paragraph(text("a b c d")), inner],
                vec![Node::Paragraph(text("e"))],
            ],
        }];
        insta::assert_snapshot!(drawn(&nodes, 8), @"
        • a b c
          d

           9. in
        • e
        ");
    }

    #[test]
    fn a_table_that_is_too_wide_becomes_a_list() {
        let head = vec![text("name"), text("meaning")];
        let rows = vec![
            vec![text("验证器"), text("verifier")],
            vec![text("map"), text("a table")],
        ];
        let nodes = [Node::Table { head, rows }];
        insta::assert_snapshot!(drawn(&nodes, 40), @"
        name    meaning
        ──────  ────────
        验证器  verifier
        map     a table
        ");
        insta::assert_snapshot!(drawn(&nodes, 12), @"
        name: 验证
          器
        meaning:
          verifier

        name: map
        meaning: a
          table
        ");
    }

    #[test]
    fn a_command_is_broken_only_if_it_is_longer_than_a_line() {
        let nodes = [Node::Paragraph(vec![
            Inline::Text("See (".to_owned()),
            Inline::Code("prog show".to_owned()),
            Inline::Text("), then ".to_owned()),
            Inline::Strong(vec![Inline::Code("prog dump xlated id 3".to_owned())]),
            Inline::Text(".".to_owned()),
        ])];
        let expected = ["See", "(`prog show`),", "then `prog dump", "xlated id 3`."];
        assert_eq!(drawn(&nodes, 15), expected.join("\n"));
        let expected = ["See (`prog show`), then", "`prog dump xlated id 3`."];
        assert_eq!(drawn(&nodes, 26), expected.join("\n"));
    }

    #[test]
    fn a_word_longer_than_the_line_stays_whole() {
        let nodes = [Node::Paragraph(text("a /sys/kernel/tracing/trace_pipe b"))];
        assert_eq!(
            drawn(&nodes, 8),
            "a /sys/\nkernel/\ntracing/\ntrace_pipe\nb"
        );
    }

    // No time is measured: what looks at each piece for each line takes minutes for these.
    #[test]
    fn a_paragraph_of_very_many_pieces_and_a_table_with_a_long_head_are_drawn() {
        let pieces = (0..60_000).flat_map(|_| {
            let code = Inline::Code("code of two words".to_owned());
            [code, Inline::Text(" and words ".to_owned())]
        });
        let lines = lines(&[Node::Paragraph(pieces.collect())], &Paint::plain(80));
        assert!(lines.len() > 20_000, "{}", lines.len());
        let head = vec![text(&"head ".repeat(20_000))];
        let rows = vec![vec![text("x")]; 20_000];
        let drawn = drawn(&[Node::Table { head, rows }], 80);
        assert!(drawn.len() < 20_000 * 200, "{}", drawn.len());
    }
}
