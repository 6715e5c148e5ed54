//! Commands for authors: `check` and `new`.

use super::arguments::{JsonArguments, NewArguments};
use super::context::Context;
use super::failure::ends;
use super::output::out_json;
use crate::course::{self, Origin};
use crate::diagnostic::{self, Diagnostic, Lines, Severity};
use crate::exit::Exit;
use crate::say;
use crate::snapshot;
use serde_json::json;
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
    let errors = found
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    if arguments.json {
        let of_files = found.chunk_by(|one, next| one.path == next.path);
        let rows = of_files.flat_map(|of_file| {
            let lines = Lines::of(source(&of_file[0].path).unwrap_or_default());
            of_file.iter().map(move |found| as_json(&lines, found))
        });
        let rows: Vec<_> = rows.collect();
        out_json(&json!({ "format": 1, "diagnostics": rows }))?;
    } else {
        out!("{}", diagnostic::render(&found, source, context.stdout));
        let lessons = course.lessons.len();
        let warnings = found.len() - errors;
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

fn as_json(lines: &Lines<'_>, found: &Diagnostic) -> serde_json::Value {
    let (line, column) = lines.line_column(found.span.start);
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "severity": severity,
        "file": found.path,
        "line": line,
        "column": column,
        "message": found.message,
        "help": found.help,
    })
}

/// `tutor new`.
pub fn new(context: &Context, arguments: &NewArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
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
