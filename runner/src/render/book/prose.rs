//! Prose for a page: the Markdown as it was written, with ids for its headings, links that lead
//! somewhere in the book, and code whose parts are marked.

use super::code::CODE;
use super::links::{LinkTarget, PageLinks};
use super::shared::Book;
use crate::lesson::anchors::Anchors;
use crate::lesson::html::HtmlAddress;
use crate::lesson::{Lesson, Mark};
use std::collections::HashSet;
use std::ops::Range;

/// Everything that the prose of a page depends on.
pub struct PageContext<'p, 'c> {
    /// The book.
    pub book: &'p Book<'p>,
    /// The lesson.
    pub lesson: &'p Lesson,
    /// Its headings, links and fences.
    pub marks: &'p [Mark],
    /// The ids that are taken.
    pub anchors: Anchors,
    /// Where links lead.
    pub links: &'p mut PageLinks<'c>,
    /// Where those links lead whose words a recorded output proves.
    pub proven: HashSet<String>,
}

/// Behind words that a recorded output proves.
const TICK: &str = "\u{a0}✓";

/// A part of the text, and the text that takes its place.
type Replacement = (Range<usize>, String);

impl PageContext<'_, '_> {
    /// The Markdown that stands at `span` of the lesson's source, for the book.
    pub fn markdown(&mut self, span: Range<usize>) -> String {
        let first = self.marks.partition_point(|mark| mark.start() < span.start);
        let inside = self.marks[first..].iter();
        let mut edits = Vec::new();
        for mark in inside.take_while(|mark| mark.start() < span.end) {
            self.edit(mark, &mut edits);
        }
        edits.sort_by_key(|(range, _)| range.start);
        edited(&self.lesson.source, span, &edits)
    }

    fn edit(&mut self, mark: &Mark, edits: &mut Vec<Replacement>) {
        match mark {
            Mark::Heading { text, id, .. } => {
                edits.push((id.clone(), format!(" {{#{}}}", self.anchors.heading(text))));
            }
            Mark::Link {
                url,
                image,
                open,
                close,
                ..
            } if self.proven.contains(url) && !image => {
                edits.push((close.start..close.start, TICK.to_owned()));
            }
            Mark::Link {
                url,
                image,
                open,
                close,
                ..
            } => match self.target(url, *image, open.start..close.end) {
                // The book asks no other host for anything: an image from elsewhere is a link.
                LinkTarget::Same if *image => edits.push((open.clone(), "[".to_owned())),
                LinkTarget::Same => {}
                LinkTarget::Moved(url) => edits.push((close.clone(), format!("]({url})"))),
                LinkTarget::Nothing => {
                    edits.push((open.clone(), String::new()));
                    edits.push((close.clone(), String::new()));
                }
            },
            Mark::Address(address) => {
                let HtmlAddress { image, span, .. } = address;
                match self.target(&address.url, *image, span.clone()) {
                    LinkTarget::Same => {}
                    LinkTarget::Moved(url) => edits.push((span.clone(), url)),
                    LinkTarget::Nothing => {
                        edits.push((address.carrier.clone(), address.words.clone()));
                    }
                }
            }
            Mark::Code {
                language,
                text,
                span,
            } => {
                let language = language.as_deref().unwrap_or_default();
                let block = self.book.codes.block(CODE, language, text);
                edits.push((span.clone(), block));
            }
        }
    }

    fn target(&mut self, url: &str, image: bool, span: Range<usize>) -> LinkTarget {
        match image {
            true => self.links.image(self.lesson, url, span),
            false => self.links.link(self.lesson, url, span),
        }
    }
}

fn edited(source: &str, span: Range<usize>, edits: &[Replacement]) -> String {
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
