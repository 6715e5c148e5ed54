//! Links that lead nowhere: to a page that the course does not have, a file that is not there, or
//! an anchor that no part of its page has; or to a file that the book cannot have. What has a scheme is
//! left alone: nothing is fetched.

use super::files::{CourseFiles, MANIFEST, Presence};
use super::model::Course;
use super::names::LessonNames;
use crate::diagnostic::{Complaint, Diagnostic, Guesses, Severity};
use crate::lesson::anchors::{anchors, slug, step_id};
use crate::lesson::destination::Destination;
use crate::lesson::{CheckKind, Lesson, Mark, is_name, marks};
use crate::say;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The folder of the pages.
const PAGES: &str = "lessons";

/// Every link and image of these lessons that leads nowhere. `listed` are the stems in `course.toml`.
pub(super) fn dead(
    course: &Course,
    lessons: &[&Lesson],
    listed: &BTreeSet<String>,
) -> Vec<Diagnostic> {
    let pages = course.lessons.iter().map(|lesson| {
        let marks = marks(lesson);
        Page {
            lesson,
            anchors: anchors(lesson, &marks),
            marks,
        }
    });
    let pages: Vec<Page<'_>> = pages.collect();
    let by_path = pages.iter().enumerate();
    let by_path = by_path.map(|(number, page)| (&*page.lesson.path, number));
    let errors = course.diagnostics.iter();
    let errors = errors.filter(|found| found.severity == Severity::Error);
    let mut links = Links {
        lesson_names: LessonNames::of(&course.lessons),
        listed,
        by_path: by_path.collect(),
        with_errors: errors.map(|found| &*found.path).collect(),
        pages: &pages,
        files: CourseFiles::of(&course.origin),
        seen: HashMap::new(),
        refusals: HashMap::new(),
        names: HashMap::new(),
        guesses: Guesses::default(),
    };
    let asked = lessons
        .iter()
        .filter_map(|lesson| links.by_path.get(&*lesson.path));
    let asked: Vec<usize> = asked.copied().collect();
    let dead = asked.into_iter().map(|number| links.dead(&pages[number]));
    dead.flatten().collect()
}

/// A page of the course.
struct Page<'c> {
    lesson: &'c Lesson,
    marks: Vec<Mark>,
    /// The ids of its parts.
    anchors: BTreeSet<String>,
}

/// The pages of a course, and what their links can lead to.
struct Links<'c> {
    lesson_names: LessonNames<'c>,
    listed: &'c BTreeSet<String>,
    pages: &'c [Page<'c>],
    /// Which page is at a path.
    by_path: HashMap<&'c Path, usize>,
    /// The files that could not be read as a whole.
    with_errors: HashSet<&'c Path>,
    files: CourseFiles,
    /// The paths that links lead to, as they were found.
    seen: HashMap<PathBuf, Presence>,
    /// Why the book cannot have files, by their paths and whether they are to be images.
    refusals: HashMap<(PathBuf, bool), Option<String>>,
    /// The names in the folders that links lead to.
    names: HashMap<PathBuf, Rc<Vec<String>>>,
    guesses: Guesses,
}

impl Links<'_> {
    fn dead(&mut self, page: &Page<'_>) -> Vec<Diagnostic> {
        let lesson = page.lesson;
        let mut diagnostics = Vec::new();
        for mark in &page.marks {
            let (url, is_image, span) = match mark {
                Mark::Link {
                    url,
                    image,
                    open,
                    close,
                    ..
                } => (url, *image, written(&lesson.source, url, open, close)),
                Mark::Address(address) => (&address.url, address.image, address.span.clone()),
                Mark::Heading { .. } | Mark::Code { .. } => continue,
            };
            if let Some(complaint) = self.complaint(page, url, is_image) {
                let dead = Diagnostic::warning(&lesson.path, span, complaint.message);
                diagnostics.push(dead.help(complaint.help));
            }
        }
        diagnostics
    }

    fn complaint(&mut self, page: &Page<'_>, url: &str, is_image: bool) -> Option<Complaint> {
        // It binds a check or a prediction, or is an error already.
        if url
            .strip_prefix('#')
            .and_then(CheckKind::of_anchor)
            .is_some()
        {
            return None;
        }
        if url.is_empty() {
            return Some(Complaint::new(
                "this link leads nowhere",
                "write between its parentheses where it leads, or take it away",
            ));
        }
        match Destination::of(&page.lesson.path, url) {
            Destination::Elsewhere => None,
            Destination::Outside => Some(Complaint::new(
                format!("`{url}` leads out of the course"),
                "link to a file below the folder that holds `lessons/`, or to an address with `https:`",
            )),
            Destination::Inside { path, anchor } => match self.by_path.get(&*path) {
                Some(number) if !is_image => {
                    self.anchor(page, &self.pages[*number], anchor.as_deref()?)
                }
                Some(_) | None => self.file(&path, url, is_image),
            },
        }
    }

    fn anchor(&mut self, from: &Page<'_>, target: &Page<'_>, anchor: &str) -> Option<Complaint> {
        // Browsers know these two: the page's beginning.
        if anchor.is_empty() || anchor.eq_ignore_ascii_case("top") {
            return None;
        }
        if target.anchors.contains(anchor) || self.may_be_unread(target, anchor) {
            return None;
        }
        let path = &target.lesson.path;
        let page = match *path == from.lesson.path {
            true => "this page".to_owned(),
            false => format!("`{}`", path.display()),
        };
        let known = |id: &String| target.anchors.contains(id);
        let of_checks = CheckKind::ALL.map(|kind| kind.anchor(anchor));
        let mut named = [slug(anchor), step_id(anchor)].into_iter().chain(of_checks);
        let ids = target.anchors.iter().map(String::as_str);
        let meant = named.find(known);
        let guessed = || self.guesses.nearest(anchor, ids).map(str::to_owned);
        let meant = meant.or_else(guessed);
        let help = match meant {
            Some(id) => format!("did you mean `#{id}`?"),
            None => format!(
                "a heading's anchor is its text in lower case, with `-` between words; a step has `#{}`, a check `#{}`",
                step_id("NAME"),
                CheckKind::Check.anchor("NAME")
            ),
        };
        Some(Complaint::new(
            format!("{page} has no anchor `{anchor}`"),
            help,
        ))
    }

    /// True for the anchor of a step or check that may stand in a fence which could not be read.
    fn may_be_unread(&self, page: &Page<'_>, anchor: &str) -> bool {
        let is_of_fence =
            anchor.starts_with(&step_id("")) || CheckKind::of_anchor(anchor).is_some();
        is_of_fence && self.with_errors.contains(&*page.lesson.path)
    }

    /// The fault of a link to this path, which is that of no page of the course.
    fn file(&mut self, path: &Path, url: &str, is_image: bool) -> Option<Complaint> {
        let shown = path.display();
        let stem = page_stem(path);
        if !is_image && stem.is_some_and(|stem| self.listed.contains(stem)) {
            // That it is listed and cannot be read is an error already.
            return None;
        }
        match (self.presence(path), stem) {
            (Presence::There, Some(stem)) if !is_image && is_name(stem) => Some(Complaint::new(
                format!("`{shown}` is no page of this course"),
                format!("add `\"{stem}\"` to the list `lessons` in `{MANIFEST}`"),
            )),
            (Presence::There, _) => {
                let reason = self.refusal(path, is_image)?;
                Some(Complaint::new(
                    say!("book-no-file", url = url, reason = reason),
                    "show an image or link to a text, as docs/lesson-format.md says",
                ))
            }
            (Presence::Outside, _) => Some(Complaint::new(
                format!("`{shown}` is a symbolic link that leads out of the course"),
                "put the file itself there",
            )),
            (Presence::Missing, stem) => Some(self.missing(path, stem.is_some())),
        }
    }

    /// Why the book cannot have a file, if there is a reason.
    fn refusal(&mut self, path: &Path, is_image: bool) -> Option<String> {
        let key = (path.to_owned(), is_image);
        if let Some(known) = self.refusals.get(&key) {
            return known.clone();
        }
        let refusal = match is_image {
            true => self.files.image(path).err(),
            false => self.files.linked(path).err(),
        };
        self.refusals.insert(key, refusal.clone());
        refusal
    }

    fn presence(&mut self, path: &Path) -> Presence {
        if let Some(seen) = self.seen.get(path) {
            return *seen;
        }
        let presence = self.files.presence(path);
        self.seen.insert(path.to_owned(), presence);
        presence
    }

    fn missing(&mut self, path: &Path, is_page: bool) -> Complaint {
        let (what, help) = match is_page {
            true => ("page", format!("link to a lesson that `{MANIFEST}` lists")),
            false => (
                "file",
                "the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`".to_owned(),
            ),
        };
        let meant = self.meant(path);
        Complaint::new(
            format!("there is no {what} `{}`", path.display()),
            meant.map_or(help, |meant| format!("did you mean `{meant}`?")),
        )
    }

    /// The path that was probably meant, as a lesson would write it.
    fn meant(&mut self, path: &Path) -> Option<String> {
        let folder = path.parent()?;
        let name = path.file_name()?.to_str()?;
        if folder == Path::new(PAGES) {
            let stem = path.file_stem()?.to_str()?;
            let lesson = self.lesson_names.meant(stem, &mut self.guesses);
            // Of pages only those of the course are meant, and the name of one says nothing else.
            if lesson.is_some() || page_stem(path).is_some() {
                return lesson.map(|lesson| format!("{}.md", lesson.stem));
            }
        }
        // Written as seen from the course root.
        if let Ok(from_root) = path.strip_prefix(PAGES)
            && matches!(self.presence(from_root), Presence::There)
        {
            return Some(relative(from_root));
        }
        let names = match self.names.get(folder) {
            Some(names) => Rc::clone(names),
            None => {
                let names = Rc::new(self.files.names(folder));
                self.names.insert(folder.to_owned(), Rc::clone(&names));
                names
            }
        };
        let names = names.iter().map(String::as_str);
        let meant = self.guesses.nearest(name, names)?;
        Some(relative(&folder.join(meant)))
    }
}

/// The stem of a page, if the path is one of a page.
fn page_stem(path: &Path) -> Option<&str> {
    let name = path.strip_prefix(PAGES).ok()?.to_str()?;
    name.strip_suffix(".md").filter(|stem| !stem.contains('/'))
}

/// A path below the course root as seen from a lesson.
fn relative(path: &Path) -> String {
    match path.strip_prefix(PAGES) {
        Ok(path) => path.display().to_string(),
        Err(_) => format!("../{}", path.display()),
    }
}

/// Where the address of a link stands; the whole link where it is written elsewhere or otherwise.
fn written(source: &str, url: &str, open: &Range<usize>, close: &Range<usize>) -> Range<usize> {
    let found = source[close.clone()].find(url).filter(|_| !url.is_empty());
    match found {
        Some(at) => close.start + at..close.start + at + url.len(),
        None => open.start..close.end,
    }
}
