//! Where the links of a lesson lead in the book.
//!
//! Lessons stay where they are, files of the course have a place on the page of source files, and
//! a link that would lead nowhere becomes plain text.

use crate::course::Course;
use crate::lesson::Lesson;
use crate::lesson::anchors::Anchors;
use crate::lesson::destination::Destination;
use crate::lesson::html::is_address;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// The page that holds the files of the course which lessons link to.
pub const SOURCES: &str = "sources.md";

/// Where a link leads in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// Where it led all along.
    Same,
    /// Somewhere else.
    Moved(String),
    /// Nowhere.
    Nothing,
}

/// The files of the course that lessons link to.
pub struct PageLinks<'c> {
    course: &'c Course,
    /// Where the lessons are.
    lessons: HashSet<&'c Path>,
    anchors: Anchors,
    /// By path below the course root; `None` where there is no such text.
    files: BTreeMap<PathBuf, Option<SourceFile>>,
}

/// A file of the course.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it is on the page of source files.
    pub id: String,
    /// Its text.
    pub text: String,
}

impl<'c> PageLinks<'c> {
    /// No file is linked to yet.
    pub fn new(course: &'c Course) -> PageLinks<'c> {
        PageLinks {
            course,
            lessons: course.lessons.iter().map(|lesson| &*lesson.path).collect(),
            anchors: Anchors::default(),
            files: BTreeMap::new(),
        }
    }

    /// Where a link of this lesson leads in the book.
    pub fn target(&mut self, lesson: &Lesson, url: &str) -> LinkTarget {
        if url.is_empty() {
            return LinkTarget::Nothing;
        }
        let path = match Destination::of(&lesson.path, url) {
            Destination::Elsewhere if is_address(url) => return LinkTarget::Same,
            Destination::Elsewhere => return LinkTarget::Nothing,
            Destination::Outside => return LinkTarget::Nothing,
            Destination::Inside { path, .. } => path,
        };
        if self.lessons.contains(&*path) {
            return LinkTarget::Same;
        }
        // A page that the course does not list is nothing that a reader should see.
        if path.extension().is_some_and(|ending| ending == "md") {
            return LinkTarget::Nothing;
        }
        match self.source(path) {
            Some(source) => LinkTarget::Moved(format!("{SOURCES}#{}", source.id)),
            None => LinkTarget::Nothing,
        }
    }

    fn source(&mut self, path: PathBuf) -> Option<&SourceFile> {
        let (course, anchors) = (self.course, &mut self.anchors);
        let source = self.files.entry(path).or_insert_with_key(|path| {
            let text = String::from_utf8(course.read(path)?).ok()?;
            let id = anchors.heading(&path.to_string_lossy());
            Some(SourceFile { id, text })
        });
        source.as_ref()
    }

    /// The files that were linked to, by path.
    pub fn sources(&self) -> impl Iterator<Item = (&Path, &SourceFile)> {
        let files = self.files.iter();
        files.filter_map(|(path, source)| Some((path.as_path(), source.as_ref()?)))
    }
}
