//! What a shell offers while a command line is typed.

use super::arguments::{Global, command};
use super::context::Context;
use crate::course::Course;
use crate::visible::visible_text;
use clap::{ArgMatches, FromArgMatches};
use clap_complete::engine::CompletionCandidate;
use std::ffi::OsStr;
use tutor_lab::cache::Cache;

/// Steps of the lesson that is typed, for the shell; of all lessons where none is.
pub fn step(typed: &OsStr) -> Vec<CompletionCandidate> {
    let line = typed_line();
    let Some(course) = course_of(line.as_ref()) else {
        return Vec::new();
    };
    let named = line
        .as_ref()
        .and_then(|line| line.subcommand()?.1.try_get_one::<String>("lesson").ok()?);
    let named = named.and_then(|key| course.lesson(key).ok());
    let typed = typed.to_string_lossy();
    let mut candidates = Vec::new();
    for lesson in &course.lessons {
        if named.is_some_and(|named| named.stem != lesson.stem) {
            continue;
        }
        for step in lesson.steps().filter(|step| step.id.starts_with(&*typed)) {
            let stem = lesson.stem.clone();
            candidates.push(CompletionCandidate::new(&step.id).help(Some(stem.into())));
        }
    }
    candidates
}

/// Lessons by stem and by name, for the shell.
pub fn lesson(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(course) = course_of(typed_line().as_ref()) else {
        return Vec::new();
    };
    let typed = typed.to_string_lossy();
    let mut candidates = Vec::new();
    for lesson in &course.lessons {
        for name in [&lesson.stem, &lesson.front.name] {
            if name.starts_with(&*typed) {
                let title = visible_text(&lesson.front.title).into_owned();
                candidates.push(CompletionCandidate::new(name).help(Some(title.into())));
            }
        }
    }
    candidates
}

/// Kernels that are there, for the shell.
pub fn kernel(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(context) = Context::new(Global::default()) else {
        return Vec::new();
    };
    let installed = Cache::below(&context.folders.cache).series();
    candidates(typed, installed.into_iter().chain(["latest".to_owned()]))
}

/// Versions of clang that are there, for the shell.
pub fn clang(typed: &OsStr) -> Vec<CompletionCandidate> {
    let installed = crate::toolchain::installed();
    candidates(typed, installed.iter().map(u32::to_string))
}

/// What is typed so far: the words behind `--`. clap reads as much of them as makes sense.
fn typed_line() -> Option<ArgMatches> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let command = command().ignore_errors(true);
    command.try_get_matches_from(words).ok()
}

/// The course of the line that is typed.
fn course_of(line: Option<&ArgMatches>) -> Option<Course> {
    let global = line.and_then(|line| Global::from_arg_matches(line).ok());
    let context = Context::new(global.unwrap_or_default()).ok()?;
    context.load_course().ok()
}

fn candidates(typed: &OsStr, words: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let words = words.into_iter().filter(|word| word.starts_with(&*typed));
    words.map(CompletionCandidate::new).collect()
}
