//! Where the links of a lesson lead in the book.
//!
//! Lessons stay where they are, files of the course have a place on the page of source files, and
//! a link that would lead nowhere becomes plain text.

use super::anchors::Anchors;
use crate::course::Course;
use crate::lesson::Lesson;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The page that holds the files of the course which lessons link to.
pub const SOURCES: &str = "sources.md";

/// Where a link leads in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Where it led all along.
    Same,
    /// Somewhere else.
    Moved(String),
    /// Nowhere.
    Nothing,
}

/// The files of the course that lessons link to.
pub struct Links<'c> {
    course: &'c Course,
    anchors: Anchors,
    /// By path below the course root; `None` where there is no such text.
    files: BTreeMap<PathBuf, Option<Source>>,
}

/// A file of the course.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it is on the page of source files.
    pub id: String,
    /// Its text.
    pub text: String,
}

impl<'c> Links<'c> {
    /// No file is linked to yet.
    pub fn new(course: &'c Course) -> Links<'c> {
        Links {
            course,
            anchors: Anchors::default(),
            files: BTreeMap::new(),
        }
    }

    /// Where a link of this lesson leads in the book.
    pub fn target(&mut self, lesson: &Lesson, url: &str) -> Target {
        if url.starts_with('#') || has_scheme(url) {
            return Target::Same;
        }
        let path = url.split(['#', '?']).next().unwrap_or_default();
        let Some(path) = below_root(&lesson.path, path) else {
            return Target::Nothing;
        };
        if self.is_lesson(&path) {
            return Target::Same;
        }
        // A page that the course does not list is nothing that a reader should see.
        if path.extension().is_some_and(|ending| ending == "md") {
            return Target::Nothing;
        }
        match self.source(path) {
            Some(source) => Target::Moved(format!("{SOURCES}#{}", source.id)),
            None => Target::Nothing,
        }
    }

    fn is_lesson(&self, path: &Path) -> bool {
        self.course.lessons.iter().any(|lesson| lesson.path == path)
    }

    fn source(&mut self, path: PathBuf) -> Option<&Source> {
        let (course, anchors) = (self.course, &mut self.anchors);
        let source = self.files.entry(path).or_insert_with_key(|path| {
            let text = String::from_utf8(course.read(path)?).ok()?;
            let id = anchors.heading(&path.to_string_lossy());
            Some(Source { id, text })
        });
        source.as_ref()
    }

    /// The files that were linked to, by path.
    pub fn sources(&self) -> impl Iterator<Item = (&Path, &Source)> {
        let files = self.files.iter();
        files.filter_map(|(path, source)| Some((path.as_path(), source.as_ref()?)))
    }
}

/// True for `https:` and the like, and for what begins with `//` or `/`.
fn has_scheme(url: &str) -> bool {
    let scheme = url.split(['/', '#', '?']).next().unwrap_or_default();
    url.starts_with('/') || scheme.contains(':')
}

/// The path below the course root of what a file there calls `relative`; none outside of it.
fn below_root(from: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for component in Path::new(relative).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_the_root() {
        let below = |relative| {
            below_root(Path::new("lessons/lesson-1.md"), relative)
                .map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(below("lesson-2.md").as_deref(), Some("lessons/lesson-2.md"));
        assert_eq!(below("../bpf/./a.c").as_deref(), Some("bpf/a.c"));
        assert_eq!(below("../../etc/passwd"), None);
        assert_eq!(below("/etc/passwd"), None);
    }

    #[test]
    fn a_scheme_is_told_from_a_path() {
        assert!(has_scheme("https://docs.kernel.org") && has_scheme("mailto:a@b"));
        assert!(!has_scheme("../bpf/a.c") && !has_scheme("a.md#b:c"));
    }
}
