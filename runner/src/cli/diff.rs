//! `tutor diff`: what the learner changed in the files of a lesson.

use super::arguments::DiffArguments;
use super::context::Context;
use super::failure::ends;
use super::output::{out_json, print};
use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::lesson::{FileStep, Lesson};
use crate::report::patch;
use crate::say;
use crate::visible::visible;
use crate::workspace::{FileState, LessonFile, lesson_files};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

/// `tutor diff`.
pub fn diff(context: &Context, arguments: &DiffArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let lesson = context.lesson(&course, &arguments.lesson)?;
    for file in &arguments.files {
        versions(lesson, file)?;
    }
    let key = context.key(&course, lesson);
    let mut files = lesson_files(&context.folders, &key, lesson.files())?;
    let is_asked = |path: &Path| arguments.files.iter().any(|file| file == path);
    files.retain(|one| arguments.files.is_empty() || is_asked(&one.file.path));
    if arguments.json {
        let rows: Vec<Value> = files.iter().map(as_json).collect();
        out_json(&json!({ "format": 1, "lesson": lesson.stem, "files": rows }))?;
        return Ok(Exit::Success);
    }
    tell(context, lesson, &files)?;
    Ok(Exit::Success)
}

/// Shows what the learner changed in all files of a lesson.
pub fn edits(context: &Context, lesson: &Lesson, key: &str) -> anyhow::Result<()> {
    tell(
        context,
        lesson,
        &lesson_files(&context.folders, key, lesson.files())?,
    )
}

fn tell(context: &Context, lesson: &Lesson, files: &[LessonFile<'_>]) -> anyhow::Result<()> {
    let mut is_same = true;
    for one in files {
        let file = one.file.path.display().to_string();
        is_same &= one.state == FileState::AsWritten;
        match &one.state {
            FileState::AsWritten => {}
            FileState::Edited(_) => print(&colored(context, &of(one)))?,
            FileState::ChangedByStep(_) => context.note(&say!("diff-by-step", file = file)),
            FileState::Missing => context.note(&say!("diff-missing", file = file)),
            FileState::Unreadable => context.note(&say!("diff-unreadable", file = file)),
        }
    }
    if is_same {
        let lesson = lesson.stem.as_str();
        context.note(&say!("diff-nothing", count = files.len(), lesson = lesson));
    }
    Ok(())
}

/// The lesson's files of one path, in the order of its text; an error if it has none.
pub fn versions<'l>(lesson: &'l Lesson, path: &Path) -> anyhow::Result<Vec<&'l FileStep>> {
    let files: Vec<&FileStep> = lesson.files().filter(|file| file.path == path).collect();
    if !files.is_empty() {
        return Ok(files);
    }
    let mut seen = HashSet::new();
    let names = lesson.files().filter_map(|file| file.path.to_str());
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let file = path.display().to_string();
    let stem = lesson.stem.as_str();
    let message = match nearest(&file, names.iter().copied()) {
        Some(meant) => say!("no-file-but", lesson = stem, file = file, meant = meant),
        None => {
            let files: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            say!(
                "no-file",
                lesson = stem,
                file = file,
                count = files.len(),
                files = files.join(", ")
            )
        }
    };
    Err(ends(Exit::Usage, message))
}

fn as_json(one: &LessonFile<'_>) -> Value {
    let state = match &one.state {
        FileState::AsWritten => "as written",
        FileState::Edited(_) => "edited",
        FileState::ChangedByStep(_) => "changed by a step",
        FileState::Missing => "missing",
        FileState::Unreadable => "unreadable",
    };
    json!({ "file": one.file.path, "state": state, "patch": of(one) })
}

/// The difference as a patch; empty where there is none to show.
fn of(one: &LessonFile<'_>) -> String {
    match &one.state {
        FileState::Edited(content) | FileState::ChangedByStep(content) => patch(
            &one.file.path.display().to_string(),
            &one.file.content,
            &String::from_utf8_lossy(content),
        ),
        FileState::AsWritten | FileState::Missing | FileState::Unreadable => String::new(),
    }
}

/// A patch, safe to show, with the colors of its lines.
fn colored(context: &Context, patch: &str) -> String {
    let paint = context.stdout;
    let line = |line: &str| match line.bytes().next() {
        _ if line.starts_with("---") || line.starts_with("+++") => paint.bold(line),
        Some(b'-') => paint.bad(line),
        Some(b'+') => paint.good(line),
        Some(b'@') => paint.dim(line),
        _ => line.to_owned(),
    };
    let safe = visible(patch.as_bytes());
    safe.lines().map(|one| line(one) + "\n").collect()
}
