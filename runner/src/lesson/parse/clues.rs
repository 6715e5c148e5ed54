//! Where hints and solutions begin and end in a page.

use super::PageReader;
use crate::diagnostic::line_end;
use crate::lesson::exercise;
use crate::lesson::fence::NamedBlock;
use crate::lesson::model::{Block, Clue, ClueKind};
use std::ops::Range;

impl PageReader<'_> {
    /// Takes a block of HTML that begins or ends a hint or a solution; false for any other.
    pub(super) fn edge_of_clue(&mut self, span: &Range<usize>) -> bool {
        let html = &self.source[span.clone()];
        let first_line = span.start..line_end(self.source, span.start);
        let opening = match exercise::opening(html) {
            None if self.clue.is_none() => return false,
            None if exercise::is_end(html) => {
                self.end_clue(span.clone());
                return true;
            }
            None => {
                if exercise::is_another(html) {
                    let message = "one `<details>` within another: a hint or solution is not over";
                    let help = "end it with `</details>` on a line of its own, between blank lines";
                    self.findings.error(first_line, message, help);
                }
                return false;
            }
            Some(Err(help)) => {
                let message = "this hint or solution cannot be read";
                self.findings.error(first_line, message, help);
                return false;
            }
            Some(Ok(opening)) => opening,
        };
        if !self.tree.is_top() {
            let message = "a hint or solution within something else";
            let help = "move it to the left margin, out of the list or quote";
            self.findings.error(first_line, message, help);
            return false;
        }
        if self.clue.is_some() {
            let message = "the hint or solution before this one is not over";
            let help = "end it with `</details>` on a line of its own, between blank lines";
            self.findings.error(first_line, message, help);
            self.end_clue(span.start..span.start);
        }
        self.prose(span.start);
        self.prose_start = span.end;
        self.clue = Some(Clue {
            exercise: opening.exercise,
            kind: opening.kind,
            summary: opening.summary,
            blocks: Vec::new(),
            span: self.whole_lines(span),
        });
        true
    }

    /// Ends the hint or solution that has begun, if one has; `span` is what ends it.
    pub(super) fn end_clue(&mut self, span: Range<usize>) {
        self.prose(span.start);
        let Some(mut clue) = self.clue.take() else {
            return;
        };
        self.prose_start = span.end;
        clue.span.end = span.start + self.source[span].trim_end().len();
        self.blocks.push(Block::Clue(clue));
    }

    /// A hint has no files, and neither it nor a solution has steps.
    pub(super) fn may_stand_here(&mut self, read: &NamedBlock, span: &Range<usize>) -> bool {
        let Some(clue) = &self.clue else {
            return true;
        };
        let is_file = matches!(read, NamedBlock::File { .. });
        let (message, help) = match clue.kind {
            ClueKind::Solution if is_file => return true,
            ClueKind::Solution => (
                "a solution has files, and nothing that runs",
                "the fence that judges the exercise runs on them: move this one out of it",
            ),
            ClueKind::Hint(_) => (
                "a fence in a hint does nothing",
                "take its brace group away, or move it out of the hint",
            ),
        };
        let line = span.start..line_end(self.source, span.start);
        self.findings.error(line, message, help);
        false
    }
}
