//! The ids that parts of a page are reached by, as the book has them.

use super::model::{Block, Check, Clue, Lesson};
use super::parse::Mark;
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// Gives each heading of a page an id of its own, made of its text.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    taken: BTreeSet<String>,
    /// The number that the next heading of a text gets, if it is not the first.
    next: HashMap<String, usize>,
}

impl Anchors {
    /// Those of a lesson's page; the ids of its steps and checks are taken.
    pub fn of(lesson: &Lesson) -> Anchors {
        let steps = lesson.steps().map(|step| step_id(&step.id));
        let checks = lesson.checks().map(Check::anchor);
        Anchors {
            taken: steps.chain(checks).collect(),
            next: HashMap::new(),
        }
    }

    /// The id of the next heading.
    pub fn heading(&mut self, text: &str) -> String {
        let slug = slug(text);
        if self.taken.insert(slug.clone()) {
            return slug;
        }
        let number = self.next.entry(slug.clone()).or_insert(2);
        loop {
            let id = format!("{slug}-{number}");
            *number += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// The ids of all parts of a lesson's page: headings, steps, checks, and what its HTML says.
pub fn anchors(lesson: &Lesson, marks: &[Mark]) -> BTreeSet<String> {
    let mut anchors = Anchors::of(lesson);
    // The book writes the title itself where the text does not.
    if title_end(lesson, marks).is_none() {
        anchors.heading(&lesson.front.title);
    }
    for mark in marks {
        match mark {
            Mark::Heading { text, .. } => {
                anchors.heading(text);
            }
            Mark::Link { .. } | Mark::Address(_) | Mark::Code { .. } => {}
        }
    }
    let mut ids = anchors.taken;
    ids.extend(lesson.clues().map(Clue::anchor));
    for block in lesson.flattened() {
        match block {
            Block::Prose(prose) => ids.extend(html_ids(&lesson.source[prose.span.clone()])),
            Block::File(_) | Block::Step(_) | Block::Check(_) | Block::Clue(_) => {}
        }
    }
    ids
}

/// The ids in the HTML of a text. One that stands in code is taken for HTML too: a link to it may
/// be dead and not be found.
fn html_ids(text: &str) -> impl Iterator<Item = String> {
    static ID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?i)<[a-z][^<>]*?\s(?:id|name)\s*=\s*["']?([^\s"'<>]+)"#).ok()
    });
    let found = ID.iter().flat_map(move |id| id.captures_iter(text));
    found.map(|found| found[1].to_owned())
}

/// Where the title of a page ends, if its text begins with one.
pub fn title_end(lesson: &Lesson, marks: &[Mark]) -> Option<usize> {
    let start = lesson.blocks.first()?.span().start;
    match marks.first()? {
        Mark::Heading { level: 1, span, .. } if span.start == start => Some(span.end),
        Mark::Heading { .. } | Mark::Link { .. } | Mark::Address(_) | Mark::Code { .. } => None,
    }
}

/// Where a step is.
pub fn step_id(id: &str) -> String {
    format!("step-{id}")
}

/// Letters and digits in lower case, with hyphens for what stands between them.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.to_lowercase().chars() {
        if character.is_alphanumeric() || character == '_' {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') && character != '\'' {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "part" } else { slug }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_words() {
        let mut anchors = Anchors::default();
        let headings = ["Attaching to `sys_write`", "What's new?", "…", "映射 1"];
        let ids = headings.map(|heading| anchors.heading(heading));
        assert_eq!(
            ids,
            ["attaching-to-sys_write", "whats-new", "part", "映射-1"]
        );
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let mut anchors = Anchors::default();
        let ids = ["Why", "why!", "Why 2"].map(|heading| anchors.heading(heading));
        assert_eq!(ids, ["why", "why-2", "why-2-2"]);
    }
}
