//! The sections of an original, and what has its place in each.

use crate::lesson::anchors::Anchors;
use crate::lesson::model::{Block, Lesson};
use crate::lesson::parse::{Mark, marks};
use std::collections::HashMap;
use std::ops::Range;

/// Something of the original that has its place on the page of a translation.
#[derive(Clone, Debug)]
pub(super) struct PlacedPart<'l> {
    /// `step: build`, `file: a.c`, `hint-who-1`; nothing for a check, which follows its step.
    pub name: Option<String>,
    /// The fence; nothing for a hint or a solution, whose text is the translation's.
    pub text: &'l str,
}

/// A section of the original.
pub(super) struct OriginalSection<'l> {
    pub id: String,
    pub hash: String,
    pub span: Range<usize>,
    pub placed: Vec<PlacedPart<'l>>,
}

/// The sections of a lesson, each with what has its place in it.
pub(super) fn sections(lesson: &Lesson) -> Vec<OriginalSection<'_>> {
    let mut anchors = Anchors::of(lesson);
    let starts: Vec<(String, usize)> = headings(lesson)
        .into_iter()
        .map(|(text, span)| (anchors.heading(&text), span.start))
        .collect();
    let ends = starts.iter().skip(1).map(|(_, start)| *start);
    let ends = ends.chain([lesson.source.len()]);
    let mut sections: Vec<OriginalSection<'_>> = starts
        .iter()
        .zip(ends)
        .map(|((id, start), end)| OriginalSection {
            id: id.clone(),
            hash: String::new(),
            span: *start..end,
            placed: Vec::new(),
        })
        .collect();
    let mut prose: Vec<String> = vec![String::new(); sections.len()];
    for block in &lesson.blocks {
        place(lesson, block, &mut sections, &mut prose);
    }
    for (section, prose) in sections.iter_mut().zip(prose) {
        let words: Vec<&str> = prose.split_whitespace().collect();
        let mut hash = tutor_files::hash(words.join(" ").as_bytes()).to_string();
        hash.truncate(HASH_DIGITS);
        section.hash = hash;
    }
    sections
}

/// The texts of a page's headings, and where these stand.
pub(super) fn headings(lesson: &Lesson) -> Vec<(String, Range<usize>)> {
    // Without a text there is none, and what looks like one is the front matter.
    if lesson.blocks.is_empty() {
        return Vec::new();
    }
    let headings = marks(lesson).into_iter().filter_map(|mark| match mark {
        Mark::Heading { text, span, .. } => Some((text, span)),
        Mark::Link { .. } | Mark::Address(_) | Mark::Code { .. } => None,
    });
    headings.collect()
}

/// Enough to tell versions of one section apart.
const HASH_DIGITS: usize = 8;

fn place<'l>(
    lesson: &'l Lesson,
    block: &'l Block,
    sections: &mut [OriginalSection<'l>],
    prose: &mut [String],
) {
    let source = &lesson.source;
    let span = block.span();
    let at = |byte: usize| move |section: &OriginalSection<'_>| section.span.start <= byte;
    let home = |sections: &[OriginalSection<'_>], byte: usize| {
        sections.partition_point(at(byte)).checked_sub(1)
    };
    let Some(number) = home(sections, span.start) else {
        return;
    };
    let mut add = |name: Option<String>| {
        let text = &source[span.clone()];
        sections[number].placed.push(PlacedPart { name, text });
    };
    match block {
        Block::Prose(_) => {
            // It goes on over headings.
            let mut start = span.start;
            while start < span.end {
                let Some(number) = home(sections, start) else {
                    return;
                };
                let end = sections[number].span.end.min(span.end);
                prose[number].push_str(&source[start..end]);
                prose[number].push(' ');
                start = end;
            }
        }
        Block::File(file) => add(Some(format!("file: {}", file.path.display()))),
        Block::Step(step) => add(Some(format!("step: {}", step.id))),
        // That of a quiz is in its step.
        Block::Check(check) if check.span.is_empty() => {}
        Block::Check(_) => add(None),
        Block::Clue(clue) => {
            let name = Some(clue.anchor());
            sections[number].placed.push(PlacedPart { name, text: "" });
            prose[number].push_str(&clue.summary);
            for block in &clue.blocks {
                place(lesson, block, sections, prose);
            }
        }
    }
}

/// The section that each name has its place in.
pub(super) fn homes(sections: &[OriginalSection<'_>]) -> HashMap<String, String> {
    let mut homes = HashMap::new();
    for section in sections {
        for placed in &section.placed {
            if let Some(name) = &placed.name {
                homes.entry(name.clone()).or_insert(section.id.clone());
            }
        }
    }
    homes
}
