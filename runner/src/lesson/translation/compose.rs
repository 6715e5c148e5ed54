//! Puts the page of a translation together, section by section, and says what does not fit.

use super::model::{Notices, SectionState};
use super::original::{OriginalSection, PlacedPart, headings};
use super::page::{PlaceKind, PlaceMark};
use crate::diagnostic::{Findings, line_end, line_start};
use crate::lesson::model::Lesson;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// Writes the page of both.
pub(super) struct Composer<'c> {
    pub source: &'c str,
    pub original: &'c Lesson,
    pub places: Vec<PlaceMark>,
    pub text: String,
    pub findings: Findings,
    /// The sections of the original by what has its place there.
    pub homes: HashMap<String, String>,
}

/// A section of the page.
pub(super) struct PageSection {
    span: Range<usize>,
    /// The comment that says of which it is.
    comment: Range<usize>,
    given: Option<String>,
    hash: Range<usize>,
}

impl Composer<'_> {
    /// The sections of the page by the ids that they name.
    pub fn sections_of_page(
        &mut self,
        page: &Lesson,
        sections: &[OriginalSection<'_>],
    ) -> HashMap<String, PageSection> {
        let starts: Vec<Range<usize>> = headings(page).into_iter().map(|(_, span)| span).collect();
        let order: HashMap<&str, usize> = sections
            .iter()
            .enumerate()
            .map(|(number, section)| (section.id.as_str(), number))
            .collect();
        let mut found: HashMap<String, PageSection> = HashMap::new();
        let mut last = None;
        for (number, heading) in starts.iter().enumerate() {
            let end = starts
                .get(number + 1)
                .map_or(self.source.len(), |next| next.start);
            let span = heading.start..end;
            let line = heading.start..line_end(self.source, heading.start);
            let first = self
                .places
                .partition_point(|place| place.span.start < line.end);
            let first = self.places.get(first).filter(|place| {
                let between = self.source.get(line.end..place.span.start);
                between.is_some_and(|between| between.trim().is_empty())
            });
            let comment = first.and_then(|place| match &place.what {
                PlaceKind::Section(id, given, hash) => {
                    Some((id.clone(), given.clone(), hash.clone(), place.span.clone()))
                }
                PlaceKind::Placed(_) => None,
            });
            let Some((id, given, hash, comment)) = comment else {
                let next = last.map_or(0, |last: usize| last + 1);
                let id = sections.get(next).map_or("ID", |section| &section.id);
                self.findings.error(
                    line,
                    "this heading does not say which section of the original it is of",
                    format!("write `<!-- section: {id} -->` on the next line"),
                );
                continue;
            };
            let Some(place) = order.get(id.as_str()) else {
                let help = match self.findings.guesses.nearest(&id, order.keys().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "the id of a section is its English heading in lower case, with `-` between words".to_owned(),
                };
                let message = format!("the original has no section `{id}`");
                self.findings.error(comment, message, help);
                continue;
            };
            if found.contains_key(&id) {
                let message = format!("a second translation of section `{id}`");
                self.findings.error(comment, message, "keep one of them");
                continue;
            }
            if last.is_some_and(|last| *place < last) {
                let message = format!("section `{id}` stands out of order");
                let help = "the sections of a translation stand in the order of the original";
                self.findings.error(comment.clone(), message, help);
            }
            last = Some(*place);
            let section = PageSection {
                span,
                comment,
                given,
                hash,
            };
            found.insert(id, section);
        }
        found
    }

    /// Writes what stands above the first heading of the original; a translation has nothing there.
    pub fn above_sections(&mut self, body: usize, page: &Lesson, sections: &[OriginalSection<'_>]) {
        let source = &self.original.source;
        let first = |lesson: &Lesson| lesson.blocks.first().map(|block| block.span().start);
        let start = first(self.original).unwrap_or(source.len());
        let end = sections
            .first()
            .map_or(source.len(), |first| first.span.start);
        self.push(source.get(start..end).unwrap_or_default());
        let heading = headings(page).first().map(|(_, span)| span.start);
        let above = body..heading.unwrap_or(self.source.len());
        let text = &self.source[above.clone()];
        if !text.trim().is_empty() {
            let start = above.end - text.trim_start().len();
            self.findings.error(
                start..line_end(self.source, start),
                "a text above the first heading of a translation is shown nowhere",
                "move it below a heading and the comment that names its section",
            );
        }
    }

    /// Writes one section, and says what it is of.
    pub fn section(
        &mut self,
        section: &OriginalSection<'_>,
        page: Option<&PageSection>,
        notices: Notices<'_>,
    ) -> SectionState {
        let Some(page) = page else {
            let text = &self.original.source[section.span.clone()];
            let heading = line_end(text, 0);
            self.push(&text[..heading]);
            self.push(&format!("\n\n> {}\n\n", notices.missing));
            self.push(&text[heading..]);
            return SectionState::Missing;
        };
        let is_current = page.given.as_ref() == Some(&section.hash);
        self.push(&self.source[page.span.start..page.comment.start]);
        if !is_current {
            self.push(&format!("\n\n> {}\n\n", notices.stale));
        }
        self.rest_of_section(section, page);
        match is_current {
            true => SectionState::Current(page.span.clone()),
            false => SectionState::Stale {
                page: page.span.clone(),
                hash: page.hash.clone(),
            },
        }
    }

    fn rest_of_section(&mut self, section: &OriginalSection<'_>, page: &PageSection) {
        let mut left: VecDeque<&PlacedPart<'_>> = section.placed.iter().collect();
        let mut done: HashSet<&str> = HashSet::new();
        let mut at = page.comment.end;
        let places = std::mem::take(&mut self.places);
        let before = |byte: usize| places.partition_point(|place| place.span.start < byte);
        let here = &places[before(at)..before(page.span.end)];
        let here = here.iter().filter_map(|place| match &place.what {
            PlaceKind::Placed(name) => Some((name.as_str(), place.span.clone())),
            PlaceKind::Section(..) => None,
        });
        for (name, span) in here {
            self.push(&self.source[at..span.start]);
            at = span.end;
            self.checks(&mut left);
            match left.front() {
                Some(next) if next.name.as_deref() == Some(name) => {
                    self.fence(next.text);
                    left.pop_front();
                    done.insert(name);
                }
                next => {
                    let next = next.and_then(|next| next.name.as_deref());
                    self.misplaced(name, &span, done.contains(name), next, &section.id);
                }
            }
        }
        self.places = places;
        self.push(&self.source[at..page.span.end]);
        for placed in left {
            if let Some(name) = &placed.name {
                let line = line_start(self.source, page.comment.start);
                self.findings.error(
                    line..line_end(self.source, line),
                    format!("`{name}` has no place in section `{}`", section.id),
                    match name.contains(": ") {
                        true => {
                            format!("write `<!-- {name} -->` on a line of its own where it belongs")
                        }
                        false => format!(
                            "write `<details id=\"{name}\">` with its text where it belongs"
                        ),
                    },
                );
            }
            self.fence(placed.text);
        }
        self.push("\n");
    }

    fn misplaced(
        &mut self,
        name: &str,
        span: &Range<usize>,
        is_done: bool,
        next: Option<&str>,
        section: &str,
    ) {
        let line = span.start..line_end(self.source, span.start);
        let (message, help) = match (is_done, self.homes.get(name)) {
            (true, _) => (
                format!("`{name}` has its place already"),
                "take this one away".to_owned(),
            ),
            (false, Some(home)) if home != section => (
                format!("`{name}` belongs to section `{home}`"),
                "place it there".to_owned(),
            ),
            (false, Some(_)) => (
                format!("`{name}` stands out of order"),
                match next {
                    Some(next) => format!("`{next}` comes before it in the original"),
                    None => "see the order of the original".to_owned(),
                },
            ),
            (false, None) => (
                format!("the original has no `{name}`"),
                match self
                    .findings
                    .guesses
                    .nearest(name, self.homes.keys().map(String::as_str))
                {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "take it away, or write it into the original".to_owned(),
                },
            ),
        };
        self.findings.error(line, message, help);
    }

    /// Writes the checks that come before whatever is next.
    fn checks(&mut self, left: &mut VecDeque<&PlacedPart<'_>>) {
        while let Some(check) = left.front().filter(|placed| placed.name.is_none()) {
            self.fence(check.text);
            left.pop_front();
        }
    }

    fn fence(&mut self, text: &str) {
        if !text.is_empty() {
            self.push(&format!("\n\n{text}\n\n"));
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }
}
