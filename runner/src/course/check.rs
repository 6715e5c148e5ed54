//! `tutor check`: everything that is wrong with a course or could be better. It runs no step.

use super::files::{CourseFiles, MANIFEST};
use super::languages::is_language;
use super::model::Course;
use super::names::LessonNames;
use super::{links, manifest, moved, syntax};
use crate::diagnostic::{Diagnostic, sort};
use crate::lesson::html::{allowed, is_address};
use crate::lesson::{Background, Block, Expectation, Lesson, MarkupKind, is_name, markup};
use crate::visible::{hidden, name};
use regex::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// Everything that is wrong with the course or could be better, in the order of files and places. Of what
/// only this looks for in the texts of lessons, that of these.
pub fn check(course: &Course, lessons: &[&Lesson]) -> Vec<Diagnostic> {
    let mut diagnostics = course.diagnostics.clone();
    diagnostics.extend(course.lints.iter().cloned());
    let listed = listed(course);
    diagnostics.extend(unlisted(course, &listed));
    diagnostics.extend(links::dead(course, lessons, &listed));
    diagnostics.extend(lessons.iter().flat_map(|lesson| patterns(lesson)));
    diagnostics.extend(moved::faults(course));
    diagnostics.extend(syntax::faults(lessons));
    let names = LessonNames::of(&course.lessons);
    diagnostics.extend(lessons.iter().flat_map(|lesson| shadowed(&names, lesson)));
    diagnostics.extend(unseen(course));
    diagnostics.extend(unused_masks(course));
    let translations = course.translations(lessons).into_iter();
    diagnostics.extend(translations.flat_map(|one| one.translated.diagnostics));
    diagnostics.extend(lessons.iter().flat_map(|lesson| more_than_prose(lesson)));
    sort(&mut diagnostics);
    diagnostics
}

/// The names of a lesson that mean another one on the command line.
fn shadowed(names: &LessonNames<'_>, lesson: &Lesson) -> Vec<Diagnostic> {
    let number = lesson.stem.strip_prefix("lesson-");
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let name = lesson.front.name.as_str();
    let is_named = lesson.stem != name;
    let keys = number.into_iter().chain(is_named.then_some(name));
    let meant = keys.filter_map(|key| Some((key, names.lesson(key)?)));
    // Two of one name are an error already.
    let others = meant.filter(|(_, other)| other.path != lesson.path && other.front.name != name);
    others
        .map(|(key, other)| {
            let path = other.path.display();
            let message = format!("on the command line `{key}` is `{path}`, not this lesson");
            let help = format!(
                "give one of the two another name; `{}` means this one",
                lesson.stem
            );
            Diagnostic::warning(&lesson.path, 0..0, message).help(help)
        })
        .collect()
}

/// The parts of a lesson's prose that the book shows as text, since they would be more than that.
fn more_than_prose(lesson: &Lesson) -> Vec<Diagnostic> {
    let prose: Vec<Range<usize>> = lesson
        .flattened()
        .filter_map(|block| match block {
            Block::Prose(prose) => Some(prose.span.clone()),
            Block::File(_) | Block::Step(_) | Block::Check(_) | Block::Clue(_) => None,
        })
        .collect();
    let start = lesson.blocks.first().map_or(0, |block| block.span().start);
    let mut diagnostics = Vec::new();
    for found in markup(&lesson.source[start..]) {
        let span = start + found.span.start..start + found.span.end;
        let at = prose.partition_point(|part| part.end <= span.start);
        if prose.get(at).is_none_or(|part| part.start > span.start) {
            continue;
        }
        let written = lesson.source[span.clone()].trim_end();
        let (span, what) = match &found.kind {
            MarkupKind::Block | MarkupKind::Tag => match allowed(written) {
                Ok(_) => continue,
                Err(refused) => {
                    let place = span.start + refused.span.start..span.start + refused.span.end;
                    (place, refused.what)
                }
            },
            MarkupKind::Link(url) if is_address(url) => continue,
            MarkupKind::Link(_) => (span, "a link that opens no page".to_owned()),
            MarkupKind::Image(url) => match is_address(url) {
                true => continue,
                false => (span, "an image that is no file".to_owned()),
            },
            MarkupKind::Attributes => (span, "attributes of a heading".to_owned()),
        };
        let message = format!("{what} is shown as text in the book");
        let help = "say it in Markdown, or in the HTML that docs/lesson-format.md lists";
        diagnostics.push(Diagnostic::warning(&lesson.path, span, message).help(help));
    }
    diagnostics
}

/// The course's own masks that no step asks for.
fn unused_masks(course: &Course) -> impl Iterator<Item = Diagnostic> {
    let steps = course.lessons.iter().flat_map(|lesson| lesson.steps());
    let asked: BTreeSet<&String> = steps.flat_map(|step| &step.masks).collect();
    let unused = course
        .masks
        .iter()
        .filter(move |(name, _)| !asked.contains(name));
    unused.map(|(name, mask)| {
        let message = format!("no step asks for the mask `{name}`");
        let help =
            format!("write `mask={name}` where an output holds such a thing, or take it away");
        Diagnostic::warning(Path::new(MANIFEST), mask.span.clone(), message).help(help)
    })
}

/// Invisible characters in what is run or written: in the fences of lessons, in files that they include, and
/// in `course.toml`. One a line is named.
fn unseen(course: &Course) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let pages: BTreeSet<&Path> = course.lessons.iter().map(|lesson| &*lesson.path).collect();
    for lesson in &course.lessons {
        for block in lesson.flattened() {
            let what = match block {
                Block::Prose(_) | Block::Clue(_) => continue,
                Block::File(_) => "file",
                Block::Step(_) | Block::Check(_) => "script",
            };
            unseen_in(
                &lesson.path,
                &lesson.source,
                block.span(),
                what,
                &mut diagnostics,
            );
        }
    }
    for (path, text) in &course.sources {
        if !pages.contains(&**path) {
            // A mark at the beginning says how a file is encoded.
            let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
            unseen_in(path, text, start..text.len(), "file", &mut diagnostics);
        }
    }
    diagnostics
}

fn unseen_in(
    path: &Path,
    source: &str,
    span: Range<usize>,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut at = span.start;
    for line in source[span].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if let Some((offset, character)) = hidden(line).next() {
            let span = start + offset..start + offset + character.len_utf8();
            let message = format!("nobody sees {} in this {what}", name(character));
            let help = "take it away, or write what bash or C has for it, as `$'\\u200b'`";
            diagnostics.push(Diagnostic::warning(path, span, message).help(help));
        }
    }
}

/// The regular expressions of a lesson that can be read and still not be compiled.
fn patterns(lesson: &Lesson) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for block in &lesson.blocks {
        let Some(pattern) = pattern(block) else {
            continue;
        };
        if let Err(error) = Regex::new(pattern) {
            let message = format!("a regular expression that cannot be used: {error}");
            let failed = Diagnostic::error(&lesson.path, block.span(), message);
            diagnostics.push(
                failed.help("write a shorter one: a large `{n}` multiplies what it stands behind"),
            );
        }
    }
    diagnostics
}

fn pattern(block: &Block) -> Option<&str> {
    match block {
        Block::Prose(_) | Block::File(_) | Block::Clue(_) => None,
        Block::Step(step) => match step.background.as_ref()? {
            Background::Line(pattern) => Some(pattern),
            Background::AtOnce | Background::File(_) | Background::Port(_) => None,
        },
        Block::Check(check) => match &check.expect {
            Expectation::Matches(pattern) => Some(pattern),
            Expectation::Equals(_) | Expectation::Range(..) | Expectation::Answer(_) => None,
        },
    }
}

/// The stems that the course lists.
fn listed(course: &Course) -> BTreeSet<String> {
    let path = Path::new(MANIFEST);
    let manifest = manifest::read(path, course.source(path).unwrap_or_default());
    let stems = manifest.lessons.into_iter().map(|entry| entry.text);
    stems.collect()
}

/// The pages in the folder that the course does not list, or cannot.
fn unlisted(course: &Course, listed: &BTreeSet<String>) -> Vec<Diagnostic> {
    let names = CourseFiles::of(&course.origin).names(Path::new("lessons"));
    let found = names.iter().filter_map(|name| {
        let (stem, end) = name.rsplit_once('.')?;
        let is_page = end == "md";
        let (message, help) = match is_name(stem) {
            true if is_page && listed.contains(stem) => return None,
            true if is_page => (
                format!("this lesson is not listed in `{MANIFEST}`, so nobody sees it"),
                format!("add `\"{stem}\"` to the list `lessons` there"),
            ),
            // `README` is a note to authors.
            false if is_note(stem) => return None,
            false if is_page && is_translation(stem, listed) => return None,
            _ if is_page || end.eq_ignore_ascii_case("md") || end == "markdown" => (
                "no lesson can be in a file of this name, so nobody sees it".to_owned(),
                "a lesson's file is named by lower-case letters, digits and `-`, then `.md`"
                    .to_owned(),
            ),
            _ => return None,
        };
        let path = Path::new("lessons").join(name);
        Some(Diagnostic::warning(&path, 0..0, message).help(help))
    });
    found.collect()
}

/// True for `lesson-1.zh` beside `lesson-1`.
fn is_translation(stem: &str, listed: &BTreeSet<String>) -> bool {
    let parts = stem.split_once('.');
    parts.is_some_and(|(page, language)| listed.contains(page) && is_language(language))
}

/// True for the name of a text for authors, as hosts of code know them.
fn is_note(stem: &str) -> bool {
    stem.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
