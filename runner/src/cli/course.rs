//! Commands for authors: `check` and `new`.

use super::arguments::{CheckArguments, Denied, NewArguments};
use super::context::Context;
use super::courses;
use super::failure::{ends, unusable, worst};
use super::output::{out_json, print};
use crate::course::{self, Course, Listed, MANIFEST, Origin};
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::exit::Exit;
use crate::lesson::{Lesson, included, is_name};
use crate::render::json;
use crate::say;
use crate::snapshot;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// `tutor check`.
pub fn check(context: &Context, arguments: &CheckArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let part = match arguments.lessons.is_empty() {
        true => None,
        false => Some(CheckedPart::of(&course, &arguments.lessons)?),
    };
    let lessons = match &part {
        None => course.lessons.iter().collect(),
        Some(part) => part.lessons.clone(),
    };
    let denies_stale = arguments.deny.contains(&Denied::Stale);
    let mut found = course::check(&course, &lessons);
    let has_name = |name: &str| lessons.iter().any(|lesson| lesson.front.name == name);
    let snapshots = snapshot::check(&course, |name| part.is_none() || has_name(name));
    found.extend(snapshots.diagnostics);
    for translation in course.translations(&lessons) {
        found.extend(
            translation
                .outdated()
                .into_iter()
                .map(|told| match denies_stale {
                    true => Diagnostic {
                        severity: Severity::Error,
                        ..told
                    },
                    false => told,
                }),
        );
    }
    found.retain(|found| part.as_ref().is_none_or(|part| part.concerns(found)));
    diagnostic::sort(&mut found);
    let texts = snapshots.texts;
    let source = |path: &Path| course.source(path).or(texts.get(path).map(String::as_str));
    let count = |severity| {
        let such = found.iter().filter(|found| found.severity == severity);
        such.count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let printed = match arguments.json {
        true => {
            let rows = json::diagnostics(&found, source);
            out_json(&serde_json::json!({ "format": 1, "diagnostics": rows }))
        }
        false => print(&diagnostic::render(&found, source, context.stdout)).and_then(|()| {
            context.tell(&say!(
                "check-summary",
                lessons = lessons.len(),
                errors = errors,
                warnings = warnings
            ))
        }),
    };
    let fails = errors > 0 || arguments.strict && warnings > 0;
    let exit = if fails { Exit::Invalid } else { Exit::Success };
    worst(exit, [printed.map_err(Into::into)])
}

/// Some lessons of a course.
struct CheckedPart<'c> {
    lessons: Vec<&'c Lesson>,
    /// Their pages and what these include.
    files: HashSet<PathBuf>,
    /// Where the errors of `course.toml` stand that keep them from running.
    errors: HashSet<Range<usize>>,
}

impl<'c> CheckedPart<'c> {
    fn of(course: &'c Course, keys: &'c [String]) -> anyhow::Result<CheckedPart<'c>> {
        let mut part = CheckedPart {
            lessons: Vec::new(),
            files: HashSet::new(),
            errors: course
                .own_errors()
                .map(|found| found.span.clone())
                .collect(),
        };
        for key in keys {
            match course.listed(key).map_err(unusable)? {
                Listed::Lesson(lesson) => part.lessons.push(lesson),
                Listed::Absent(absent) => drop(part.errors.insert(absent.error.span.clone())),
            }
        }
        part.lessons.sort_by_key(|lesson| &lesson.path);
        part.lessons.dedup_by_key(|lesson| &lesson.path);
        for lesson in &part.lessons {
            part.files.insert(lesson.path.clone());
            part.files.extend(included(lesson));
            part.files
                .extend(course.pages_of(lesson).map(Path::to_owned));
        }
        Ok(part)
    }

    fn concerns(&self, found: &Diagnostic) -> bool {
        let outputs = |lesson: &&Lesson| Path::new("snapshots").join(&lesson.front.name);
        self.files.contains(&found.path)
            || found.path == Path::new(MANIFEST) && self.errors.contains(&found.span)
            || self
                .lessons
                .iter()
                .map(outputs)
                .any(|folder| found.path.starts_with(folder))
    }
}

/// `tutor new`.
pub fn new(context: &Context, arguments: &NewArguments) -> anyhow::Result<Exit> {
    let unusable = |error| ends(Exit::Usage, error);
    if !is_name(&arguments.lesson) {
        let name = arguments.lesson.clone();
        return Err(unusable(course::CreateError::BadName(name)));
    }
    let named = courses::named(context.global.course.as_deref());
    // A folder that somebody names is meant to be the course; else one above it may be.
    if let Some(folder) = &named {
        course::begin(folder).map_err(unusable)?;
    }
    let mut course = context.load_course()?;
    if named.is_none() && course.origin == Origin::Embedded {
        let here = std::env::current_dir()?;
        if course::begin(&here).map_err(unusable)? {
            course = context.load_course()?;
        }
    }
    let Origin::Folder(root) = &course.origin else {
        return Err(ends(Exit::Usage, say!("new-embedded")));
    };
    let path = course::create(root, &arguments.lesson).map_err(|error| ends(Exit::Usage, error))?;
    context.tell(&say!(
        "new-written",
        path = path.display().to_string(),
        lesson = arguments.lesson.as_str()
    ))?;
    Ok(Exit::Success)
}
