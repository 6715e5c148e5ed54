//! Completion: the values that a shell offers while a command line is typed.

use super::courses;
use crate::course::Course;
use crate::folders::Folders;
use crate::toolchain;
use crate::visible::visible_text;
use clap_complete::engine::CompletionCandidate;
use std::ffi::OsStr;
use std::path::Path;
use tutor_lab::cache::Cache;

/// Steps of the lesson that is typed; of all lessons where none is.
pub fn step(typed: &OsStr) -> Vec<CompletionCandidate> {
    let words = typed_words();
    let Some(course) = course_of(&words) else {
        return Vec::new();
    };
    let named = words.iter().find_map(|word| course.lesson(word).ok());
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

/// Exercises of the lesson that is typed.
pub fn exercise(typed: &OsStr) -> Vec<CompletionCandidate> {
    let words = typed_words();
    let course = course_of(&words);
    let course = course.as_ref();
    let lesson = course.and_then(|course| words.iter().find_map(|word| course.lesson(word).ok()));
    let exercises = lesson.into_iter().flat_map(|lesson| lesson.exercises());
    candidates(typed, exercises.map(|exercise| exercise.id.clone()))
}

/// Files of the lesson that is typed.
pub fn file(typed: &OsStr) -> Vec<CompletionCandidate> {
    let words = typed_words();
    let course = course_of(&words);
    let course = course.as_ref();
    let lesson = course.and_then(|course| words.iter().find_map(|word| course.lesson(word).ok()));
    let files = lesson.into_iter().flat_map(|lesson| lesson.files());
    candidates(typed, files.map(|file| file.path.display().to_string()))
}

/// Languages that the course can be read in.
pub fn language(typed: &OsStr) -> Vec<CompletionCandidate> {
    let course = course_of(&typed_words());
    let languages = course.iter().flat_map(|course| course.languages());
    candidates(typed, languages.map(str::to_owned))
}

/// Lessons by stem and by name.
pub fn lesson(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(course) = course_of(&typed_words()) else {
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

/// Kernels that are there.
pub fn kernel(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(folders) = Folders::of_user() else {
        return Vec::new();
    };
    let installed = Cache::below(&folders.cache).series();
    candidates(typed, installed.into_iter().chain(["latest".to_owned()]))
}

/// Versions of clang that are there.
pub fn clang(typed: &OsStr) -> Vec<CompletionCandidate> {
    let installed = toolchain::installed();
    candidates(typed, installed.iter().map(u32::to_string))
}

/// The words that are typed so far behind `tutor`; a shell passes both after `--`.
fn typed_words() -> Vec<String> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(2);
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// The course of the line that is typed.
fn course_of(words: &[String]) -> Option<Course> {
    let after = words.windows(2).find(|pair| pair[0] == "--course");
    let after = after.map(|pair| pair[1].as_str());
    let joined = || words.iter().find_map(|word| word.strip_prefix("--course="));
    courses::load(after.or_else(joined).map(Path::new)).ok()
}

fn candidates(typed: &OsStr, words: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let words = words.into_iter().filter(|word| word.starts_with(&*typed));
    words.map(CompletionCandidate::new).collect()
}
