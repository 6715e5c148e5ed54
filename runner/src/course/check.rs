//! `tutor check`: everything that is wrong with a course or could be better. It runs no step.

use super::load::MANIFEST;
use super::{Course, Origin, embedded, manifest};
use crate::diagnostic::{Diagnostic, sort};
use crate::lesson::{Background, Block, Expectation, Lesson};
use regex::Regex;
use std::path::{Path, PathBuf};

/// Everything that is wrong with the course or could be better, in the order of files and places.
pub fn check(course: &Course) -> Vec<Diagnostic> {
    let mut diagnostics = course.diagnostics.clone();
    diagnostics.extend(course.lints.iter().cloned());
    diagnostics.extend(unlisted(course));
    diagnostics.extend(course.lessons.iter().flat_map(patterns));
    sort(&mut diagnostics);
    diagnostics
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

/// The pages in the folder that the course does not list.
fn unlisted(course: &Course) -> Vec<Diagnostic> {
    let mut pages = pages(course);
    pages.sort();
    let path = Path::new(MANIFEST);
    let listed = manifest::read(path, course.source(path).unwrap_or_default()).lessons;
    let is_listed = |stem: &str| listed.iter().any(|entry| entry.text == stem);
    pages
        .into_iter()
        .filter(|stem| is_page(stem) && !is_listed(stem))
        .map(|stem| {
            let path = PathBuf::from(format!("lessons/{stem}.md"));
            let message = format!("this lesson is not listed in `{MANIFEST}`, so nobody sees it");
            let help = format!("add `\"{stem}\"` to the list `lessons` there");
            Diagnostic::warning(&path, 0..0, message).help(help)
        })
        .collect()
}

fn pages(course: &Course) -> Vec<String> {
    let stem = |name: &str| name.strip_suffix(".md").map(str::to_owned);
    match &course.origin {
        Origin::Embedded => embedded::paths()
            .filter_map(|path| path.strip_prefix("lessons/"))
            .filter_map(stem)
            .collect(),
        Origin::Folder(root) => std::fs::read_dir(root.join("lessons"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| stem(entry.file_name().to_str()?))
            .collect(),
    }
}

// `lesson-1.zh` is the translation of a page, `README` a note to authors.
fn is_page(stem: &str) -> bool {
    crate::lesson::is_name(stem)
}
