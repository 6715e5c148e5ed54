//! Include directives where a lesson takes none: mdBook takes one anywhere.

use super::lost::{Region, RegionKind};
use crate::diagnostic::{Findings, line_end};
use crate::lesson::include::directives;
use crate::lesson::model::{Block, Lesson};
use std::ops::Range;

/// Warns of the directives of a lesson, whose text begins at `body`, that are text. `quoted` are its pieces of
/// code within text, in order.
pub(super) fn lints(
    lesson: &Lesson,
    body: usize,
    regions: &[Region],
    quoted: &[Range<usize>],
    findings: &mut Findings,
) {
    let source = &lesson.source;
    let blocks: Vec<&Block> = lesson.flattened().collect();
    for found in directives(&source[body..]) {
        let span = body + found.start..body + found.end;
        let at = blocks.partition_point(|it| it.span().end <= span.start);
        let (message, help) = match blocks.get(at) {
            // One in a file is followed, or an error.
            None | Some(Block::File(_) | Block::Clue(_)) => continue,
            Some(Block::Step(_) | Block::Check(_)) => (
                "an include in a script is text: bash gets the line as it stands",
                "write a file with a fence such as `sh {file=run.sh}`, and run that",
            ),
            Some(Block::Prose(_)) if is_shown(source, &span, regions, quoted) => continue,
            Some(Block::Prose(_)) => (
                "an include that is not in a file of the lesson is text",
                "put it into a fence such as `c {file=hello.c}`; if it is to be read as text, put it between backticks",
            ),
        };
        findings.warning(span, message, help);
    }
}

/// True for a directive that is shown as what it is.
fn is_shown(
    source: &str,
    span: &Range<usize>,
    regions: &[Region],
    quoted: &[Range<usize>],
) -> bool {
    let at = quoted.partition_point(|it| it.end <= span.start);
    if quoted.get(at).is_some_and(|it| it.start <= span.start) {
        return true;
    }
    let at = regions.partition_point(|it| it.span.end <= span.start);
    let Some(region) = regions.get(at).filter(|it| it.span.start <= span.start) else {
        return false;
    };
    match &region.kind {
        RegionKind::Indented | RegionKind::Html => true,
        RegionKind::Fence(fence) => {
            let inside = line_end(source, fence.opening)..region.span.end;
            if span.start < inside.start {
                return true;
            }
            let is_first = source[inside.start..span.start].trim().is_empty();
            // One that is not closed in time reaches beyond its fence.
            let rest = source.get(span.end..inside.end).unwrap_or_default().trim();
            let is_last = rest.chars().all(|c| matches!(c, '`' | '~'));
            !(is_first && is_last)
        }
    }
}
