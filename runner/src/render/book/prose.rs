//! Prose for a page: the Markdown as it was written, with ids for its headings, links that lead
//! somewhere in the book, and code whose parts are marked.

use super::anchors::Anchors;
use super::code;
use super::links::{Links, Target};
use crate::lesson::{Lesson, Mark};
use std::ops::Range;

/// What a page's prose depends on.
pub struct Context<'p, 'c> {
    /// The lesson.
    pub lesson: &'p Lesson,
    /// Its headings, links and fences.
    pub marks: &'p [Mark],
    /// The ids that are taken.
    pub anchors: &'p mut Anchors,
    /// Where links lead.
    pub links: &'p mut Links<'c>,
}

/// The Markdown that stands at `span` of the lesson's source, for the book.
pub fn markdown(span: Range<usize>, context: &mut Context<'_, '_>) -> String {
    let first = context
        .marks
        .partition_point(|mark| mark.start() < span.start);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for mark in &context.marks[first..] {
        if mark.start() >= span.end {
            break;
        }
        edit(
            mark,
            context.lesson,
            context.anchors,
            context.links,
            &mut edits,
        );
    }
    edits.sort_by_key(|(range, _)| range.start);
    edited(&context.lesson.source, span, &edits)
}

fn edit(
    mark: &Mark,
    lesson: &Lesson,
    anchors: &mut Anchors,
    links: &mut Links<'_>,
    edits: &mut Vec<(Range<usize>, String)>,
) {
    match mark {
        Mark::Heading { text, id, .. } => {
            edits.push((id.clone(), format!(" {{#{}}}", anchors.heading(text))));
        }
        Mark::Link {
            url,
            image,
            open,
            close,
        } => match links.target(lesson, url) {
            // The book asks no other host for anything: an image from elsewhere is a link.
            Target::Same if *image => edits.push((open.clone(), "[".to_owned())),
            Target::Same => {}
            Target::Moved(url) if !image => edits.push((close.clone(), format!("]({url})"))),
            Target::Moved(_) | Target::Nothing => {
                edits.push((open.clone(), String::new()));
                edits.push((close.clone(), String::new()));
            }
        },
        Mark::Code {
            language,
            text,
            span,
        } => {
            let language = language.as_deref().unwrap_or_default();
            edits.push((span.clone(), code::block(code::CODE, language, text)));
        }
    }
}

fn edited(source: &str, span: Range<usize>, edits: &[(Range<usize>, String)]) -> String {
    let mut markdown = String::with_capacity(span.len() + 64 * edits.len());
    let mut at = span.start;
    for (range, text) in edits {
        if range.start < at || range.end > span.end {
            continue;
        }
        markdown.push_str(&source[at..range.start]);
        markdown.push_str(text);
        at = range.end;
    }
    markdown.push_str(&source[at..span.end]);
    markdown
}
