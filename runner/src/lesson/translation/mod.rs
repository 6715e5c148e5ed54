//! A lesson in another language: prose of its own, and the fences of the original in their places.
//!
//! The page of a translation is put together from both and read like any other, so that whatever shows
//! or runs a lesson needs to know nothing of languages.

mod compose;
mod model;
mod original;
mod page;

pub use model::{Notices, SectionState, Translated, TranslatedSection};

use super::front_matter;
use super::model::{Block, FrontMatter, Lesson};
use super::parse::read;
use crate::diagnostic::{Findings, line_end};
use compose::Composer;
use original::{homes, sections};
use page::place_marks;
use std::ops::Range;
use std::path::Path;

/// Puts the page of a translation together with its original.
pub fn translated(
    original: &Lesson,
    path: &Path,
    source: &str,
    notices: Notices<'_>,
) -> Translated {
    let mut findings = Findings::of(path);
    let preamble = front_matter::read(&original.stem, source, &mut findings);
    let no_files = |_: &Path| Err(super::NotIncluded::Missing);
    let page = read(&original.stem, path, source, &no_files).lesson;
    front(&preamble.front, &preamble.name, original, &mut findings);
    for block in page.flattened() {
        if !matches!(block, Block::Prose(_)) {
            let line = block.span().start..line_end(source, block.span().start);
            let help = "a translation has prose alone: place the original's by `<!-- step: NAME -->` or `<!-- file: PATH -->`";
            findings.error(line, "a fence with a brace group in a translation", help);
        }
    }
    let sections = sections(original);
    let mut composer = Composer {
        source,
        original,
        places: place_marks(source, preamble.body, &page),
        text: String::new(),
        findings,
        homes: homes(&sections),
    };
    let spans = composer.sections_of_page(&page, &sections);
    composer.above_sections(preamble.body, &page, &sections);
    let mut told = Vec::new();
    for section in &sections {
        let state = composer.section(section, spans.get(section.id.as_str()), notices);
        told.push(TranslatedSection {
            id: section.id.clone(),
            hash: section.hash.clone(),
            original: section.span.clone(),
            state,
        });
    }
    let Composer { text, findings, .. } = composer;
    let start = original
        .blocks
        .first()
        .map_or(0, |block| block.span().start);
    let whole = format!("{}{text}", &original.source[..start]);
    // What it includes was resolved for the original.
    let reading = read(&original.stem, &original.path, &whole, &no_files);
    let mut lesson = reading.lesson;
    with_contents(&mut lesson, original);
    lesson.front = FrontMatter {
        needs: original.front.needs.clone(),
        ..preamble.front
    };
    Translated {
        lesson,
        sections: told,
        diagnostics: findings.sorted(source),
    }
}

/// The hash and the text of a section of a lesson that is not in the course, such as an earlier one.
pub fn section_of(stem: &str, source: &str, id: &str) -> Option<(String, String)> {
    let no_files = |_: &Path| Err(super::NotIncluded::Missing);
    let lesson = read(stem, Path::new(""), source, &no_files).lesson;
    let sections = sections(&lesson);
    let found = sections.iter().find(|section| section.id == id)?;
    Some((found.hash.clone(), source[found.span.clone()].to_owned()))
}

/// The files of a page that was put together have the contents of the original's, includes resolved.
fn with_contents(lesson: &mut Lesson, original: &Lesson) {
    let mut contents = original.flattened().filter_map(|block| match block {
        Block::File(file) => Some(&file.content),
        Block::Prose(_) | Block::Step(_) | Block::Check(_) | Block::Clue(_) => None,
    });
    let files = lesson.blocks.iter_mut().flat_map(|block| match block {
        Block::Clue(clue) => clue.blocks.as_mut_slice(),
        block => std::slice::from_mut(block),
    });
    for block in files {
        if let Block::File(file) = block
            && let Some(content) = contents.next()
        {
            file.content.clone_from(content);
        }
    }
}

fn front(front: &FrontMatter, name: &Range<usize>, original: &Lesson, findings: &mut Findings) {
    if front.name != original.front.name {
        findings.error(
            name.clone(),
            format!(
                "this page is `{}`, and the original is `{}`",
                front.name, original.front.name
            ),
            format!(
                "give it the name of the original: `name: {}`",
                original.front.name
            ),
        );
    }
    if front.goals.len() != original.front.goals.len() {
        let (here, there) = (front.goals.len(), original.front.goals.len());
        findings.error(
            name.clone(),
            format!("this page has {here} goals, and the original has {there}"),
            "translate each of them, in their order",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGINAL: &str = "---\nformat: 1\nname: a\ntitle: A\n---\nAbove.\n\n# A\n\nOne.\n\n```sh {id=x}\ntrue\n```\n\n## B\n\n```c {file=b.c}\n```\n";

    fn original(source: &str) -> Lesson {
        let no_files = |_: &Path| Err(crate::lesson::NotIncluded::Missing);
        read("a", Path::new("lessons/a.md"), source, &no_files).lesson
    }

    fn of(page: &str) -> Translated {
        let notices = Notices {
            stale: "STALE",
            missing: "MISSING",
        };
        translated(
            &original(ORIGINAL),
            Path::new("lessons/a.zh.md"),
            page,
            notices,
        )
    }

    #[test]
    fn a_page_that_says_nothing_leaves_the_original() {
        let translated = of("---\nformat: 1\nname: a\ntitle: B\n---\n");
        assert!(translated.lesson.source.contains("Above."));
        assert!(translated.lesson.source.contains("MISSING"));
        assert_eq!(translated.lesson.front.title, "B");
        assert_eq!(translated.lesson.steps().count(), 1);
        assert_eq!(translated.lesson.files().count(), 1);
    }

    fn line() -> impl Strategy<Value = String> {
        let lines: &[&str] = &[
            "# A",
            "## B",
            "> ## C",
            "- ## D",
            "<!-- section: a x -->",
            "<!-- section: b -->",
            "<!-- step: x -->",
            "<!-- file: b.c -->",
            "<!-- step: x --> <!-- step: x -->",
            "text",
            "",
            "",
            "```",
            "```sh {id=y}",
            "<details id=\"hint-x-1\"><summary>h</summary>",
            "</details>",
            "<!--",
            "-->",
            "é",
            "\r",
            "---",
        ];
        proptest::sample::select(lines).prop_map(str::to_owned)
    }

    proptest! {
        #[test]
        fn whatever_a_page_says_each_step_and_file_is_there_once(
            lines in prop::collection::vec(line(), 0..30)
        ) {
            let page = format!("---\nformat: 1\nname: a\ntitle: B\n---\n{}\n", lines.join("\n"));
            let translated = of(&page);
            for found in &translated.diagnostics {
                prop_assert!(page.get(found.span.clone()).is_some(), "{found:?}");
            }
            // One that is told nothing bad is whole.
            if translated.diagnostics.is_empty() {
                prop_assert_eq!(translated.lesson.steps().count(), 1);
                prop_assert_eq!(translated.lesson.files().count(), 1);
            }
        }
    }
}
