//! Reads a lesson's Markdown. This is the only home of the Markdown parser.
//!
//! It never fails: what cannot be read is a [`Diagnostic`], and the rest is there all the same.

mod backticks;
mod clues;
mod lost;
mod marks;
mod markup;
mod strays;
mod tree;

pub use marks::{Mark, marks};
pub use markup::{Markup, MarkupKind, markup};

use super::attributes::{self, InfoString};
use super::check::{self, Heading};
use super::exercise;
use super::fence::{self, Fence, NamedBlock};
use super::front_matter;
use super::include::{self, Included, Includes};
use super::mention::Mention;
use super::model::{Block, Clue, FrontMatter, Lesson, Prose};
use super::names::Names;
use super::references::{self, Undefined};
use crate::diagnostic::{Diagnostic, Findings, line_end, line_start, within};
use lost::{FenceRegion, Region, RegionKind};
use markup::OPTIONS;
use pulldown_cmark::{BrokenLink, CodeBlockKind, Event, LinkType, Parser, Tag, TagEnd};
use std::ops::Range;
use std::path::Path;
use tree::ProseBuilder;

/// Reads the lesson `stem` from `source`, which came from `path` below the course root.
///
/// `includes` gives the text of a file below the course root.
pub fn parse(
    stem: &str,
    path: &Path,
    source: &str,
    includes: &dyn Fn(&Path) -> Included,
) -> (Lesson, Vec<Diagnostic>) {
    let reading = read(stem, path, source, includes);
    (reading.lesson, reading.diagnostics)
}

/// The front matter of the lesson `stem`, without reading the rest of its page.
pub(crate) fn front_matter(stem: &str, source: &str) -> FrontMatter {
    let mut findings = Findings::of(Path::new(""));
    front_matter::read(stem, source, &mut findings).front
}

/// A lesson and what else was learned by reading it.
pub(crate) struct Reading {
    pub lesson: Lesson,
    /// The faults.
    pub diagnostics: Vec<Diagnostic>,
    /// The warnings.
    pub lints: Vec<Diagnostic>,
    /// The names that `course.toml` must declare.
    pub mentions: Vec<Mention>,
    /// Where its name stands.
    pub name: Range<usize>,
    /// How much it includes.
    pub included_bytes: usize,
}

/// Reads a lesson; see [`parse`].
pub(crate) fn read(
    stem: &str,
    path: &Path,
    source: &str,
    includes: &dyn Fn(&Path) -> Included,
) -> Reading {
    let mut findings = Findings::of(path);
    let front = front_matter::read(stem, source, &mut findings);
    let hidden = backticks::hide(source, front.body);
    let mut reader = PageReader {
        source,
        body: front.body,
        includes: Includes::of(path, includes),
        suspects: &hidden.lines,
        findings,
        mentions: front.mentions,
        names: Names::of(source),
        tree: ProseBuilder::default(),
        headings: Vec::new(),
        undefined: Vec::new(),
        defined: Vec::new(),
        regions: Vec::new(),
        lints: Findings::of(path),
        quoted: Vec::new(),
        prose_start: front.body,
        blocks: Vec::new(),
        clue: None,
    };
    reader.markdown(&hidden.text[front.body..]);
    let mut lesson = Lesson {
        stem: stem.to_owned(),
        path: path.to_owned(),
        source: source.to_owned(),
        front: front.front,
        blocks: reader.blocks,
    };
    let claims = reader.tree.claims.list;
    reader
        .names
        .bind(&mut lesson, &claims, &mut reader.findings);
    exercise::bind(&lesson, &mut reader.findings);
    let mut lints = reader.lints;
    lost::notes(
        source,
        front.body,
        &reader.regions,
        &mut reader.findings,
        &mut lints,
    );
    strays::lints(
        &lesson,
        front.body,
        &reader.regions,
        &reader.quoted,
        &mut lints,
    );
    check::lints(&lesson, &reader.headings, front.body, &mut lints);
    references::lints(&reader.undefined, &reader.defined, source, &mut lints);
    Reading {
        diagnostics: reader.findings.sorted(source),
        lints: lints.sorted(source),
        mentions: reader.mentions,
        name: front.name,
        included_bytes: reader.includes.bytes,
        lesson,
    }
}

struct PageReader<'a> {
    source: &'a str,
    body: usize,
    includes: Includes<'a>,
    suspects: &'a [Range<usize>],
    findings: Findings,
    mentions: Vec<Mention>,
    names: Names<'a>,
    tree: ProseBuilder,
    headings: Vec<Heading>,
    undefined: Vec<Undefined>,
    /// The labels that references can have, and the lines that define them.
    defined: Vec<(String, Range<usize>)>,
    /// The parts of the page that are no prose.
    regions: Vec<Region>,
    /// The warnings.
    lints: Findings,
    /// Directives that are shown as code.
    quoted: Vec<Range<usize>>,
    prose_start: usize,
    blocks: Vec<Block>,
    /// The hint or solution that has begun, without what it ends with.
    clue: Option<Clue>,
}

/// A fence whose end has not come yet.
struct OpenFence {
    opening: FenceOpening,
    content: String,
    span: Range<usize>,
}

/// The opening line of a fence.
struct FenceOpening {
    info: InfoString,
    /// Where its content begins.
    content: usize,
}

impl PageReader<'_> {
    fn markdown(&mut self, text: &str) {
        let mut active: Option<OpenFence> = None;
        let mut in_edge = false;
        let body = self.body;
        let mut undefined = Vec::new();
        let noted = |link: BrokenLink<'_>| {
            if link.link_type == LinkType::Reference {
                undefined.push(Undefined {
                    label: link.reference.into_string(),
                    span: body + link.span.start..body + link.span.end,
                });
            }
            None
        };
        let parser = Parser::new_with_broken_link_callback(text, OPTIONS, Some(noted));
        for (label, definition) in parser.reference_definitions().iter() {
            let span = body + definition.span.start..body + definition.span.end;
            self.defined.push((label.to_owned(), span));
        }
        self.defined.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (event, range) in parser.into_offset_iter() {
            let span = body + range.start..body + range.end;
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                    let (opening, mut region) = self.opening(&span);
                    region.is_active = self.is_active(&opening, &span);
                    let is_active = region.is_active;
                    self.region(RegionKind::Fence(region), &span);
                    if is_active {
                        active = Some(OpenFence {
                            opening,
                            content: String::new(),
                            span,
                        });
                    } else {
                        self.tree.begin_code(language(&opening.info));
                    }
                }
                Event::End(TagEnd::CodeBlock) => match active.take() {
                    Some(open) => self.active(open),
                    None => self.tree.end(TagEnd::CodeBlock),
                },
                Event::Text(text) if active.is_some() => {
                    if let Some(open) = &mut active {
                        open.content.push_str(&text);
                    }
                }
                Event::Start(Tag::HtmlBlock) if self.edge_of_clue(&span) => {
                    self.region(RegionKind::Html, &span);
                    in_edge = true;
                }
                Event::End(TagEnd::HtmlBlock) if in_edge => in_edge = false,
                _ if in_edge => {}
                event => {
                    match &event {
                        Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                            self.region(RegionKind::Indented, &span);
                        }
                        Event::Start(Tag::HtmlBlock) => self.region(RegionKind::Html, &span),
                        Event::Text(_) => self.comment_in_text(&span),
                        Event::Code(text) if text.contains("{{") => self.quoted.push(span.clone()),
                        _ => {}
                    }
                    self.heading(&event, &span);
                    self.tree.take(event, span);
                }
            }
        }
        self.undefined = undefined;
        if let Some(clue) = &self.clue {
            let message = "this hint or solution does not end";
            let help = "write `</details>` on a line of its own, between blank lines";
            self.findings.error(clue.span.clone(), message, help);
        }
        self.end_clue(self.source.len()..self.source.len());
    }

    fn push(&mut self, block: Block) {
        match &mut self.clue {
            Some(clue) => clue.blocks.push(block),
            None => self.blocks.push(block),
        }
    }

    fn region(&mut self, kind: RegionKind, span: &Range<usize>) {
        let span = span.clone();
        self.regions.push(Region { kind, span });
    }

    /// Names a comment that is text, since it does not end where its paragraph does.
    fn comment_in_text(&mut self, span: &Range<usize>) {
        let is_escaped = self.source[..span.start].ends_with('\\');
        if self.source[span.start..].starts_with("<!--") && !is_escaped {
            self.lints.warning(
                span.start..span.start + "<!--".len(),
                "this comment ends with its paragraph, so it is text, and what follows is no comment",
                "begin a line with `<!--`, after a blank line, and end the comment with `-->`",
            );
        }
    }

    fn heading(&mut self, event: &Event<'_>, span: &Range<usize>) {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            self.headings.push(Heading {
                level: *level as u8,
                span: span.start..line_end(self.source, span.start),
            });
        }
    }

    /// Reads the opening line of the fence at `span`, and sees to it that the fence is closed.
    fn opening(&mut self, span: &Range<usize>) -> (FenceOpening, FenceRegion) {
        let text = &self.source[span.clone()];
        let fence = span.start + (text.len() - text.trim_start_matches([' ', '\t']).len());
        let end = line_end(self.source, fence);
        let line = &self.source[fence..end];
        let first = line.chars().next().unwrap_or('`');
        let marks = line.len() - line.trim_start_matches(first).len();
        self.backticks(fence, end, marks);
        let info = attributes::read(self.source, fence + marks..end, &mut self.findings);
        if let InfoString::Plain { rest, .. } = &info {
            fence::hint_at_braces(rest, &mut self.findings);
        }
        // In a list or quote it ends with that.
        let is_closed = !self.tree.is_top() || self.closed(fence, end, &line[..marks], span);
        let region = FenceRegion {
            opening: fence,
            marks,
            is_active: false,
            is_closed,
        };
        (FenceOpening { info, content: end }, region)
    }

    fn backticks(&mut self, fence: usize, end: usize, marks: usize) {
        let start = line_start(self.source, fence);
        if self
            .suspects
            .binary_search_by_key(&start, |line| line.start)
            .is_err()
        {
            return;
        }
        let info = &self.source[fence + marks..end];
        let first = fence + marks + info.find('`').unwrap_or_default();
        let last = fence + marks + info.rfind('`').map_or(0, |at| at + 1);
        self.findings.error(
            first..last.max(first),
            "a backtick in the line that opens a fence of backticks",
            "Markdown sees no fence here and misreads all that follows: fence with `~~~`, or take the backtick away",
        );
    }

    fn closed(&mut self, fence: usize, end: usize, mark: &str, span: &Range<usize>) -> bool {
        let first = mark.chars().next().unwrap_or('`');
        let written = self.source[span.clone()].trim_end();
        let last_start = line_start(self.source, span.start + written.len());
        let last = written
            .get(last_start.saturating_sub(span.start)..)
            .unwrap_or_default()
            .trim();
        let closes = last.len() >= mark.len() && last.chars().all(|c| c == first);
        if last_start > fence && closes {
            return true;
        }
        self.findings.error(
            fence..end,
            "this fence is not closed, so it swallows the rest of the text",
            format!(
                "end it with a line of {} or more {}",
                mark.len(),
                if first == '`' { "backticks" } else { "tildes" }
            ),
        );
        false
    }

    /// True for a fence that does something, where it may do so.
    fn is_active(&mut self, opening: &FenceOpening, span: &Range<usize>) -> bool {
        let InfoString::Active { group, .. } = &opening.info else {
            return false;
        };
        if self.tree.is_top() {
            return true;
        }
        self.findings.error(
            span.start..group.end,
            "a fence inside a list or a quote does not run",
            "move it to the left margin, out of the list or quote",
        );
        false
    }

    fn active(&mut self, open: OpenFence) {
        let InfoString::Active {
            language,
            attributes,
            group,
        } = &open.opening.info
        else {
            return;
        };
        let span = self.whole_lines(&open.span);
        let inside = open.opening.content..span.end;
        if let Some(at) = self.source[inside.clone()].find('\0') {
            let at = inside.start + at;
            self.findings.error(
                at..at + 1,
                "a NUL byte in a fence",
                "neither bash nor a text file can hold it: take it away, or write it as `\\0` with `printf`",
            );
        }
        let read = fence::read(
            Fence {
                language,
                attributes,
                group: group.clone(),
                content: open.content.clone(),
                span: span.clone(),
            },
            &mut self.mentions,
            &mut self.findings,
        );
        let read = read.filter(|read| self.may_stand_here(read, &span));
        let Some(mut read) = read else {
            self.tree.begin_code(Some(language.text.clone()));
            self.tree.text(&open.content);
            self.tree.end(TagEnd::CodeBlock);
            return;
        };
        if let NamedBlock::File { file, .. } = &mut read {
            self.include(&mut file.content, inside);
        }
        self.names.add(&read, &mut self.findings);
        self.prose(span.start);
        self.prose_start = next_line(self.source, span.end);
        match read {
            NamedBlock::File { file, .. } => self.push(Block::File(file)),
            NamedBlock::Step { step, .. } => self.push(Block::Step(step)),
            NamedBlock::Check { check, .. } => self.push(Block::Check(check)),
            NamedBlock::Quiz { step, question, .. } => {
                self.push(Block::Step(step));
                self.push(Block::Check(question));
            }
        }
    }

    fn include(&mut self, content: &mut String, inside: Range<usize>) {
        match self.includes.resolve(content) {
            // What is included keeps its end, with a newline or without.
            Ok(resolved) if resolved != *content => {
                *content = resolved;
                return;
            }
            Ok(_) => {}
            Err(complaint) => {
                let found = include::find(&self.source[inside.clone()]);
                let span = found.map_or(inside.clone(), |found| {
                    inside.start + found.start..inside.start + found.end
                });
                self.findings.complain(span, complaint);
            }
        }
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
    }

    /// Ends the prose that came before `end`.
    fn prose(&mut self, end: usize) {
        let span = trimmed(self.source, self.prose_start..end.max(self.prose_start));
        let nodes = self.tree.finish();
        if !span.is_empty() {
            self.push(Block::Prose(Prose { span, nodes }));
        }
    }

    /// The span from the beginning of its first line to the end of its last.
    fn whole_lines(&self, span: &Range<usize>) -> Range<usize> {
        let written = self.source[span.clone()].trim_end_matches(['\n', '\r']);
        let start = line_start(self.source, span.start).max(self.body);
        let last = span.start + written.len();
        let end = line_end(self.source, last).max(last);
        // Markdown ends a line at a carriage return alone too, so the block above may end on this one.
        let blocks = self.clue.as_ref().map_or(&self.blocks, |clue| &clue.blocks);
        let above = blocks.last().map_or(0, |block| block.span().end);
        within(self.source, &(start.max(above).min(end)..end))
    }
}

fn language(info: &InfoString) -> Option<String> {
    let word = match info {
        InfoString::Plain { language, .. } => language.clone(),
        InfoString::Active { language, .. } => Some(language.clone()),
    };
    word.map(|word| word.text).filter(|text| !text.is_empty())
}

fn next_line(source: &str, end: usize) -> usize {
    let rest = &source[end..];
    rest.find('\n')
        .map_or(source.len(), |newline| end + newline + 1)
}

/// The span without blank lines at its ends.
fn trimmed(source: &str, span: Range<usize>) -> Range<usize> {
    let text = &source[span.clone()];
    let end = span.start + text.trim_end().len();
    let mut start = span.start;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    start.min(end)..end
}

#[cfg(test)]
pub(crate) mod tests;
