//! `tutor check`: everything that is wrong with a course or could be better. It runs no step.

use super::load::MANIFEST;
use super::{Course, Origin, embedded};
use crate::diagnostic::{Diagnostic, sort};
use std::path::{Path, PathBuf};

/// Everything that is wrong with the course or could be better, in the order of files and places.
pub fn check(course: &Course) -> Vec<Diagnostic> {
    let mut diagnostics = course.diagnostics.clone();
    diagnostics.extend(course.lints.iter().cloned());
    diagnostics.extend(unlisted(course));
    sort(&mut diagnostics);
    diagnostics
}

/// The pages in the folder that the course does not list.
fn unlisted(course: &Course) -> Vec<Diagnostic> {
    let mut pages = pages(course);
    pages.sort();
    pages
        .into_iter()
        .filter(|stem| is_page(stem) && !is_listed(course, stem))
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

fn is_listed(course: &Course, stem: &str) -> bool {
    let path = PathBuf::from(format!("lessons/{stem}.md"));
    course.source(Path::new(&path)).is_some()
}
