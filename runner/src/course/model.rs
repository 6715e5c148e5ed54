//! The model of a course: its lessons, what their steps may need, and where its files are.

use super::asks::Asks;
use super::embedded;
use super::files::{CourseFiles, MANIFEST, Origin};
use super::masks::CourseMask;
use super::names::{LessonNames, is_called};
use crate::diagnostic::{Diagnostic, Guesses, Severity};
use crate::lesson::{FrontMatter, Lesson, NotIncluded, Place};
use crate::packages::Package;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A course with its lessons parsed.
///
/// The default is a course without lessons, from the binary.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Where its files are.
    pub origin: Origin,
    /// Its title.
    pub title: String,
    /// The language that its lessons are written in: `en`.
    pub language: String,
    /// Its lessons in order. A lesson with errors is here too; see `diagnostics`.
    pub lessons: Vec<Lesson>,
    /// The needs that steps may have, by name.
    pub needs: BTreeMap<String, NeedProbe>,
    /// Facts about the environment that outputs may depend on, by name.
    pub facets: BTreeMap<String, Facet>,
    /// The masks of its own that steps may ask for, by name.
    pub masks: BTreeMap<String, CourseMask>,
    /// A command whose output lists what outlives processes on a kernel (programs, links, XDP,
    /// tc, probes, sysctls), one thing a line; lines that a lesson adds are its leftovers.
    pub inventory: Option<String>,
    /// The rights that steps ask for on the learner's machine.
    pub asks: Asks,
    /// Whether it is written in the format of another `tutor`: what was read of it may be wrong.
    pub is_of_unknown_format: bool,
    /// Everything that is wrong with any of its files.
    pub diagnostics: Vec<Diagnostic>,
    /// The lessons that are listed and cannot be read.
    pub(super) absent: Vec<AbsentLesson>,
    /// The pages of translations, by the stem of their lesson and their language.
    pub(super) pages: BTreeMap<(String, String), PathBuf>,
    /// Warnings that only `check` shows.
    pub(super) lints: Vec<Diagnostic>,
    /// The text of each file that was read, by its path below the course root.
    pub(super) sources: BTreeMap<PathBuf, String>,
}

/// A lesson that a course lists.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'c> {
    /// One that can be read, whatever is wrong with it.
    Lesson(&'c Lesson),
    /// One that cannot.
    Absent(&'c AbsentLesson),
}

impl<'c> Listed<'c> {
    /// The stem of its file: `lesson-2`.
    pub fn stem(self) -> &'c str {
        match self {
            Listed::Lesson(lesson) => &lesson.stem,
            Listed::Absent(absent) => &absent.stem,
        }
    }
}

/// A lesson that is listed and cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct AbsentLesson {
    /// The stem of its file.
    pub stem: String,
    /// What is said of it, which is one of the course's diagnostics too.
    pub error: Diagnostic,
}

/// The title and the lessons of a course, for a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOfContents {
    /// The course's title.
    pub title: String,
    /// Its lessons.
    pub lessons: Vec<LessonEntry>,
    /// Whether nothing is wrong with `course.toml`, and each lesson that it lists is there.
    pub is_whole: bool,
}

/// A lesson as a table of contents has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonEntry {
    /// The stem of its file: `lesson-2`.
    pub stem: String,
    /// Name, title, goals.
    pub front: FrontMatter,
}

/// The reason why a course or a lesson cannot be used. A fault in a course's texts is no
/// error but a [`Diagnostic`].
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The folder that was asked for holds no course.
    #[error("cannot find the course that {asked} names: no `lessons/course.toml` in `{}`", folder.display())]
    NotFound {
        /// The option that named it: `` `--course` `` or `` `TUTOR_COURSE` ``.
        asked: &'static str,
        /// Where it should have been.
        folder: PathBuf,
    },
    /// A file of the course cannot be read.
    #[error("cannot read the course: `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no such lesson.
    #[error("no lesson `{key}` in this course")]
    NoLesson {
        /// The name that was given.
        key: String,
        /// The name that was probably meant, or else all there are.
        help: String,
    },
}

impl CourseError {
    /// How to mend it.
    pub fn help(&self) -> Option<String> {
        match self {
            CourseError::NotFound { .. } => Some(
                "name the folder that holds `lessons/course.toml`, or leave it out for the course in the binary"
                    .to_owned(),
            ),
            CourseError::Unreadable { .. } => None,
            CourseError::NoLesson { help, .. } => Some(help.clone()),
        }
    }
}

impl Course {
    /// The lesson of that stem (`lesson-2`), name (`hello`) or number (`2`).
    pub fn lesson(&self, key: &str) -> Result<&Lesson, CourseError> {
        let names = LessonNames::of(&self.lessons);
        names.lesson(key).ok_or_else(|| CourseError::NoLesson {
            key: key.to_owned(),
            help: self.lesson_help(key, &names),
        })
    }

    /// Everything that keeps a lesson from running: no lesson runs while one of [`Course::own_errors`] is
    /// there, and one of the others concerns its own lesson only.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let all = self.diagnostics.iter();
        all.filter(|found| found.severity == Severity::Error)
    }

    /// The errors in `course.toml`, apart from lessons that are listed and cannot be read.
    pub fn own_errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let absent = self.absent.iter();
        let absent: HashSet<Range<usize>> = absent.map(|it| it.error.span.clone()).collect();
        let of_manifest = self.manifest_errors();
        of_manifest.filter(move |found| !absent.contains(&found.span))
    }

    /// All that the course lists, first the lessons that can be read.
    pub fn all_listed(&self) -> Vec<Listed<'_>> {
        let lessons = self.lessons.iter().map(Listed::Lesson);
        lessons
            .chain(self.absent.iter().map(Listed::Absent))
            .collect()
    }

    /// What [`Course::lesson`] finds, or the lesson of that stem or number that is listed and cannot be
    /// read.
    pub fn listed(&self, key: &str) -> Result<Listed<'_>, CourseError> {
        self.lesson(key).map(Listed::Lesson).or_else(|error| {
            let absent = self.absent.iter().find(|it| is_called(&it.stem, key));
            absent.map(Listed::Absent).ok_or(error)
        })
    }

    /// The errors in `course.toml`; that a lesson is listed and cannot be read is one.
    pub fn manifest_errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors()
            .filter(|found| found.path == Path::new(MANIFEST))
    }

    /// The errors in a lesson.
    pub fn errors_of(&self, lesson: &Lesson) -> impl Iterator<Item = &Diagnostic> {
        self.errors().filter(|found| found.path == lesson.path)
    }

    /// Takes the lessons with errors out.
    pub fn without_broken_lessons(mut self) -> Course {
        let broken: HashSet<PathBuf> = self.errors().map(|found| found.path.clone()).collect();
        self.lessons.retain(|lesson| !broken.contains(&lesson.path));
        self
    }

    fn lesson_help(&self, key: &str, names: &LessonNames<'_>) -> String {
        if let Some(meant) = names.nearest(key, &mut Guesses::default()) {
            return format!("did you mean `{meant}`?");
        }
        let listed: Vec<String> = self
            .lessons
            .iter()
            .map(|lesson| match lesson.stem == lesson.front.name {
                true => format!("`{}`", lesson.stem),
                false => format!("`{}` ({})", lesson.stem, lesson.front.name),
            })
            .collect();
        match &*listed {
            [] => "this course has no lessons".to_owned(),
            [only] => format!("the only lesson is {only}"),
            listed => format!("the lessons are {}", listed.join(", ")),
        }
    }

    /// The folder of accepted outputs; none for the course in the binary, see [`Course::read`].
    pub fn snapshot_dir(&self) -> Option<PathBuf> {
        match &self.origin {
            Origin::Embedded => None,
            Origin::Folder(root) => Some(root.join("snapshots")),
        }
    }

    /// The content of a file of the course, by its path below the course root; nothing of what a link
    /// leads to outside of the course.
    pub fn read(&self, relative: &Path) -> Result<Vec<u8>, NotIncluded> {
        CourseFiles::of(&self.origin).named(relative)
    }

    /// The names of the files in a folder of the binary, without those below it.
    pub fn embedded_names(&self, folder: &Path) -> Vec<String> {
        let names = embedded::paths().filter(|path| Path::new(path).parent() == Some(folder));
        names
            .filter_map(|path| path.rsplit('/').next())
            .map(str::to_owned)
            .collect()
    }

    /// The folder of a course that is not, to the byte, the one in the binary.
    pub fn foreign_folder(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Folder(root) if !self.is_embedded_content() => Some(root),
            Origin::Folder(_) | Origin::Embedded => None,
        }
    }

    /// The text of a file as it was when the course was loaded: what diagnostics point into.
    pub fn source(&self, path: &Path) -> Option<&str> {
        self.sources.get(path).map(String::as_str)
    }

    /// True if all that this course would run or write is what the binary holds itself.
    pub fn is_embedded_content(&self) -> bool {
        match self.origin {
            Origin::Embedded => true,
            Origin::Folder(_) => self
                .sources
                .iter()
                .all(|(path, text)| embedded::file(path) == Some(text.as_bytes())),
        }
    }
}

/// How to find out whether something is there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedProbe {
    /// Where the question is asked.
    #[serde(default)]
    pub on: Place,
    /// Its description: `clang with the BPF back end`.
    pub what: String,
    /// Why a lesson wants it.
    pub why: String,
    /// A command for bash: exit status 0 is yes, and then the first version number in its output
    /// is the version; otherwise its last line is the reason.
    pub probe: String,
    /// The package that brings it.
    #[serde(skip)]
    pub package: Option<Package>,
    /// How to mend it, where no package helps.
    pub remedy: Option<String>,
}

/// A fact about the environment, recorded with snapshots.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facet {
    /// Where it is asked.
    #[serde(default)]
    pub on: Place,
    /// Its description, for readers to whom its name says nothing.
    pub what: Option<String>,
    /// A command for bash; the first version number in its output is the value.
    pub probe: String,
    /// How much of the version makes a difference.
    #[serde(default)]
    pub precision: Precision,
}

/// How much of a version number makes a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `14`
    Major,
    /// `6.12`
    #[default]
    Minor,
    /// All of it.
    Full,
}
