//! Where the links and images of a lesson lead in the book.
//!
//! Lessons stay where they are, images are copied, and other files of the course have a place on the
//! page of source files. A file that the book cannot have is told, and its link becomes plain text.

use crate::course::{Course, CourseImage, LinkedFile};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lesson::Lesson;
use crate::lesson::anchors::Anchors;
use crate::lesson::destination::Destination;
use crate::lesson::html::is_address;
use crate::say;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tutor_files::hash::{hash, hex};

/// The page that holds the files of the course which lessons link to.
pub const SOURCES: &str = "sources.md";

/// The folder of images, beside the pages.
const IMAGES: &str = "images";

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

/// The files of the course that lessons show and link to.
pub struct PageLinks<'c> {
    course: &'c Course,
    /// Where the lessons are.
    lessons: HashSet<&'c Path>,
    anchors: Anchors,
    /// By path below the course root.
    files: BTreeMap<PathBuf, SourceFile>,
    /// The images, by path beside the pages.
    pub images: BTreeMap<String, Vec<u8>>,
    /// The files that the book cannot have.
    pub lacks: Vec<Diagnostic>,
}

/// A file of the course.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it is on the page of source files.
    pub id: String,
    /// Its text.
    pub text: String,
}

impl SourceFile {
    fn target(&self) -> LinkTarget {
        LinkTarget::Moved(format!("{SOURCES}#{}", self.id))
    }
}

impl<'c> PageLinks<'c> {
    /// No file is linked to yet.
    pub fn new(course: &'c Course) -> PageLinks<'c> {
        PageLinks {
            course,
            lessons: course.lessons.iter().map(|lesson| &*lesson.path).collect(),
            anchors: Anchors::default(),
            files: BTreeMap::new(),
            images: BTreeMap::new(),
            lacks: Vec::new(),
        }
    }

    /// Where a link of this lesson, at `span`, leads in the book.
    pub fn link(&mut self, lesson: &Lesson, url: &str, span: Range<usize>) -> LinkTarget {
        self.target(lesson, url, span, |links, path| {
            if links.lessons.contains(path) {
                return Ok(LinkTarget::Same);
            }
            // That it has errors is told.
            let errors = links.course.diagnostics.iter();
            let mut errors = errors.filter(|found| found.severity == Severity::Error);
            if errors.any(|found| found.path == path) {
                return Ok(LinkTarget::Nothing);
            }
            if let Some(source) = links.files.get(path) {
                return Ok(source.target());
            }
            match links.course.linked(path)? {
                LinkedFile::Image(image) => Ok(links.copy(image)),
                LinkedFile::Text(text) => Ok(links.source(path, text)),
            }
        })
    }

    /// Where an image of this lesson is in the book.
    pub fn image(&mut self, lesson: &Lesson, url: &str, span: Range<usize>) -> LinkTarget {
        self.target(lesson, url, span, |links, path| {
            let image = links.course.image(path)?;
            Ok(links.copy(image))
        })
    }

    fn target(
        &mut self,
        lesson: &Lesson,
        url: &str,
        span: Range<usize>,
        file: impl FnOnce(&mut Self, &Path) -> Result<LinkTarget, String>,
    ) -> LinkTarget {
        if url.is_empty() {
            return LinkTarget::Nothing;
        }
        let target = match Destination::of(&lesson.path, url) {
            Destination::Elsewhere if is_address(url) => return LinkTarget::Same,
            Destination::Elsewhere => return LinkTarget::Nothing,
            Destination::Outside => Err(say!("book-outside")),
            Destination::Inside { path, .. } => file(self, &path),
        };
        target.unwrap_or_else(|reason| {
            let message = say!("book-no-file", url = url, reason = reason);
            let lack = Diagnostic::error(&lesson.path, span, message);
            self.lacks.push(lack.help(say!("book-no-file-help")));
            LinkTarget::Nothing
        })
    }

    /// Copies an image. Its name is made of what it holds: no path of a course has to be an address.
    fn copy(&mut self, image: CourseImage) -> LinkTarget {
        let name = hex(&hash(&image.bytes).0[..8]);
        let name = format!("{IMAGES}/{name}.{}", image.ending);
        self.images.insert(name.clone(), image.bytes);
        LinkTarget::Moved(name)
    }

    /// Gives a text a place on the page of source files.
    fn source(&mut self, path: &Path, text: String) -> LinkTarget {
        let id = self.anchors.heading(&path.to_string_lossy());
        let source = SourceFile { id, text };
        let target = source.target();
        self.files.insert(path.to_owned(), source);
        target
    }

    /// The files that were linked to, by path.
    pub fn sources(&self) -> impl Iterator<Item = (&Path, &SourceFile)> {
        self.files
            .iter()
            .map(|(path, source)| (path.as_path(), source))
    }
}
