//! Commands for authors: `check` and `new`.

use super::arguments::{JsonArguments, NewArguments};
use super::context::Context;
use super::courses;
use super::failure::ends;
use super::output::out_json;
use crate::course::{self, Origin};
use crate::diagnostic::{self, Severity};
use crate::exit::Exit;
use crate::lesson::is_name;
use crate::render::json;
use crate::say;
use crate::snapshot;
use std::path::Path;

/// `tutor check`.
pub fn check(context: &Context, arguments: &JsonArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let mut found = course::check(&course);
    let snapshots = snapshot::check(&course);
    found.extend(snapshots.diagnostics);
    diagnostic::sort(&mut found);
    let texts = snapshots.texts;
    let source = |path: &Path| course.source(path).or(texts.get(path).map(String::as_str));
    let count = |severity| {
        let such = found.iter().filter(|found| found.severity == severity);
        such.count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if arguments.json {
        let rows = json::diagnostics(&found, source);
        out_json(&serde_json::json!({ "format": 1, "diagnostics": rows }))?;
    } else {
        out!("{}", diagnostic::render(&found, source, context.stdout));
        let lessons = course.lessons.len();
        context.tell(&say!(
            "check-summary",
            lessons = lessons,
            errors = errors,
            warnings = warnings
        ))?;
    }
    Ok(if errors > 0 {
        Exit::Invalid
    } else {
        Exit::Success
    })
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
