//! `tutor check`: everything that is wrong with a course or could be better. It runs no step.

use super::files::Files;
use super::load::MANIFEST;
use super::{Course, links, manifest};
use crate::diagnostic::{Diagnostic, sort};
use crate::lesson::{Background, Block, Expectation, Lesson};
use crate::visible::{hidden, name};
use regex::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Everything that is wrong with the course or could be better, in the order of files and places.
pub fn check(course: &Course) -> Vec<Diagnostic> {
    let mut diagnostics = course.diagnostics.clone();
    diagnostics.extend(course.lints.iter().cloned());
    let listed = listed(course);
    diagnostics.extend(unlisted(course, &listed));
    diagnostics.extend(links::dead(course, &listed));
    diagnostics.extend(course.lessons.iter().flat_map(patterns));
    diagnostics.extend(unseen(course));
    sort(&mut diagnostics);
    diagnostics
}

/// What nobody sees in what is run or written: in the fences of lessons, in files that they include, and
/// in `course.toml`. One a line is named.
fn unseen(course: &Course) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let pages: BTreeSet<&Path> = course.lessons.iter().map(|lesson| &*lesson.path).collect();
    for lesson in &course.lessons {
        for block in &lesson.blocks {
            let what = match block {
                Block::Prose(_) => continue,
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
        Block::Prose(_) | Block::File(_) => None,
        Block::Step(step) => match step.background.as_ref()? {
            Background::Line(pattern) => Some(pattern),
            Background::AtOnce | Background::File(_) | Background::Port(_) => None,
        },
        Block::Check(check) => match &check.expect {
            Expectation::Matches(pattern) => Some(pattern),
            Expectation::Equals(_) | Expectation::Range(..) => None,
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

/// The pages in the folder that the course does not list.
fn unlisted(course: &Course, listed: &BTreeSet<String>) -> Vec<Diagnostic> {
    let names = Files::of(&course.origin).names(Path::new("lessons"));
    let stems = names.iter().filter_map(|name| name.strip_suffix(".md"));
    stems
        .filter(|stem| is_page(stem) && !listed.contains(*stem))
        .map(|stem| {
            let path = PathBuf::from(format!("lessons/{stem}.md"));
            let message = format!("this lesson is not listed in `{MANIFEST}`, so nobody sees it");
            let help = format!("add `\"{stem}\"` to the list `lessons` there");
            Diagnostic::warning(&path, 0..0, message).help(help)
        })
        .collect()
}

// `lesson-1.zh` is the translation of a page, `README` a note to authors.
fn is_page(stem: &str) -> bool {
    crate::lesson::is_name(stem)
}
