//! Which lines of a long output a page shows at once: its beginning, and those that the text around
//! it speaks of.

use crate::lesson::{Block, Inline, Lesson, Node, Step};
use std::collections::BTreeSet;
use std::ops::Range;

/// The number of lines at the beginning that are shown.
const HEAD_LINES: usize = 20;
/// So many lines beside one that is spoken of are shown with it.
const CONTEXT_LINES: usize = 1;
/// Lines are not folded away for fewer than this.
const FEWEST_FOLDED: usize = 4;
/// What stands in more lines than this is not what the text points at.
const MOST_SPOKEN: usize = 8;
/// What a mask hid is compared by nobody, and explained by the text.
const HIDDEN: &str = "[OFFSET]";

/// A run of lines that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineRun {
    /// Shown at once.
    Shown(Range<usize>),
    /// To be unfolded.
    Folded(Range<usize>),
}

/// Parts an output for a page whose text has these code spans around it.
pub fn runs(lines: &[String], spoken: &BTreeSet<String>) -> Vec<LineRun> {
    let mut shown = vec![false; lines.len()];
    shown
        .iter_mut()
        .take(HEAD_LINES)
        .for_each(|one| *one = true);
    for words in spoken.iter().map(String::as_str).chain([HIDDEN]) {
        let is_of = |line: &&String| match words.chars().count() {
            1 => line.starts_with(words),
            _ => line.contains(words),
        };
        if lines.iter().filter(is_of).count() > MOST_SPOKEN {
            continue;
        }
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| is_of(line)) {
            let end = (at + CONTEXT_LINES + 1).min(lines.len());
            shown[at.saturating_sub(CONTEXT_LINES)..end].fill(true);
        }
    }
    let mut runs: Vec<LineRun> = Vec::new();
    let mut start = 0;
    while start < lines.len() {
        let same = shown[start..]
            .iter()
            .take_while(|one| **one == shown[start]);
        let end = start + same.count();
        let is_shown = shown[start] || end - start < FEWEST_FOLDED;
        match (is_shown, runs.last_mut()) {
            (true, Some(LineRun::Shown(before))) => before.end = end,
            (true, _) => runs.push(LineRun::Shown(start..end)),
            (false, _) => runs.push(LineRun::Folded(start..end)),
        }
        start = end;
    }
    runs
}

/// The code spans of the prose around a step: right above it, and below it until the next step.
pub fn spoken(lesson: &Lesson, step: &Step) -> BTreeSet<String> {
    let is_it = |block: &Block| matches!(block, Block::Step(one) if one.id == step.id);
    let Some(at) = lesson.blocks.iter().position(is_it) else {
        return BTreeSet::new();
    };
    let mut spans = BTreeSet::new();
    if let Some(Block::Prose(above)) = at.checked_sub(1).map(|above| &lesson.blocks[above]) {
        nodes(&above.nodes, &mut spans);
    }
    for block in &lesson.blocks[at + 1..] {
        match block {
            Block::Prose(below) => nodes(&below.nodes, &mut spans),
            Block::Check(_) | Block::Clue(_) => {}
            Block::Step(_) | Block::File(_) => break,
        }
    }
    spans
}

fn nodes(nodes_of: &[Node], spans: &mut BTreeSet<String>) {
    for node in nodes_of {
        match node {
            Node::Paragraph(content) | Node::Heading { content, .. } => inlines(content, spans),
            Node::List { items, .. } => items.iter().for_each(|item| nodes(item, spans)),
            Node::Quote(content) => nodes(content, spans),
            Node::Table { head, rows } => {
                for cell in head.iter().chain(rows.iter().flatten()) {
                    inlines(cell, spans);
                }
            }
            Node::Code { .. } | Node::Rule | Node::Html(_) => {}
        }
    }
}

fn inlines(content: &[Inline], spans: &mut BTreeSet<String>) {
    for inline in content {
        match inline {
            Inline::Code(text) => {
                let text = text.trim();
                if !text.is_empty() {
                    spans.insert(text.to_owned());
                }
            }
            Inline::Emphasis(content)
            | Inline::Strong(content)
            | Inline::Strikethrough(content)
            | Inline::Link { content, .. } => inlines(content, spans),
            Inline::Text(_)
            | Inline::Image { .. }
            | Inline::SoftBreak
            | Inline::HardBreak
            | Inline::Html(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folded lines, each run by its first and the one after its last.
    fn folded(lines: &[String], spoken: &[&str]) -> Vec<(usize, usize)> {
        let spoken = spoken.iter().map(|word| (*word).to_owned()).collect();
        let folded = runs(lines, &spoken)
            .into_iter()
            .filter_map(|run| match run {
                LineRun::Folded(range) => Some((range.start, range.end)),
                LineRun::Shown(_) => None,
            });
        folded.collect()
    }

    fn numbers(last: usize) -> Vec<String> {
        (0..last).map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn an_output_is_folded_where_that_hides_more_than_it_costs() {
        assert!(folded(&numbers(23), &[]).is_empty());
        assert_eq!(folded(&numbers(24), &[]), [(20, 24)]);
    }

    #[test]
    fn a_line_that_the_text_speaks_of_is_not_folded() {
        let mut lines = numbers(60);
        lines[40] = "~ call bpf_trace_printk#[OFFSET]".to_owned();
        let around = [(20, 39), (42, 60)];
        assert_eq!(folded(&lines, &["bpf_trace_printk"]), around);
        assert_eq!(folded(&lines, &["~"]), around);
        assert_eq!(folded(&lines, &[]), around);
        // A word that stands everywhere points at nothing.
        lines[40] = "line 40".to_owned();
        assert_eq!(folded(&lines, &["line"]), [(20, 60)]);
    }
}
