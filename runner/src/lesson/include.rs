//! `{{#include ../bpf/hello.bpf.c:anchor}}`: a file's content taken from a file of the course.
//!
//! The syntax is mdBook's, so that the book and an editor's plugins understand it as well.

use super::destination::below_root;
use crate::diagnostic::{Complaint, nearest};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The text of a file that a lesson includes, or why it cannot be had.
pub type Included = Result<String, NotIncluded>;

/// Why a file cannot be included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotIncluded {
    /// It is not there.
    Missing,
    /// A link leads out of the course.
    Outside,
    /// It cannot be read as text, for this reason.
    Unreadable(String),
    /// The lessons include so much already that this is no slip.
    TooMuch,
}

/// The most that a lesson may include in all: one file can be included any number of times.
pub(crate) const MOST_INCLUDED_BYTES: usize = 4 * 1024 * 1024;

const OPEN: &str = "{{#include";

/// Where an include directive stands in the text of a fence; it is read from the source.
pub(crate) fn find(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find(OPEN)?;
    let end = text[start..]
        .find(['\n', '\r'])
        .map_or(text.len(), |end| start + end);
    let close = text[start..end].rfind("}}").map(|close| start + close + 2);
    Some(start..close.unwrap_or(end))
}

/// The files that one lesson includes, each read and taken apart once.
pub(crate) struct Includes<'f> {
    /// The lesson's path below the course root.
    lesson: &'f Path,
    /// Gives the text of a file below the course root.
    files: &'f dyn Fn(&Path) -> Included,
    known: HashMap<PathBuf, Result<IncludedFile, NotIncluded>>,
    /// How much was included so far.
    pub bytes: usize,
}

impl<'f> Includes<'f> {
    /// None so far.
    pub fn of(lesson: &'f Path, files: &'f dyn Fn(&Path) -> Included) -> Self {
        Includes {
            lesson,
            files,
            known: HashMap::new(),
            bytes: 0,
        }
    }

    /// The content of a file step, its include resolved.
    pub fn resolve(&mut self, content: &str) -> Result<String, Complaint> {
        if !content.contains(OPEN) {
            return Ok(content.to_owned());
        }
        let (target, anchor) = directive(content)?;
        let path = below_root(self.lesson, target).ok_or_else(|| {
            Complaint::new(
                format!("`{target}` lies outside the course"),
                "include only files below the folder that holds `lessons/`",
            )
        })?;
        let files = self.files;
        let known = self.known.entry(path.clone());
        let source = known.or_insert_with(|| Ok(IncludedFile::of(files(&path)?)));
        let source = source.as_ref().map_err(|why| why.complaint(&path))?;
        let part = match anchor {
            None => 0..source.text.len(),
            Some(anchor) => source.part(anchor, &path)?,
        };
        if self.bytes + part.len() > MOST_INCLUDED_BYTES {
            return Err(NotIncluded::TooMuch.complaint(&path));
        }
        self.bytes += part.len();
        Ok(without_anchors(&source.text[part]))
    }
}

/// A file and where its parts are.
struct IncludedFile {
    text: String,
    /// The lines behind the first mark of each name, as far as the mark that ends them.
    parts: HashMap<String, (usize, Option<usize>)>,
}

impl IncludedFile {
    fn of(text: String) -> IncludedFile {
        let mut parts: HashMap<String, (usize, Option<usize>)> = HashMap::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            match marker(line) {
                Some(Marker::Begin(name)) if !parts.contains_key(name) => {
                    parts.insert(name.to_owned(), (at, None));
                }
                Some(Marker::End(name)) => {
                    if let Some((_, end @ None)) = parts.get_mut(name) {
                        *end = Some(start);
                    }
                }
                Some(Marker::Begin(_)) | None => {}
            }
        }
        IncludedFile { text, parts }
    }

    fn part(&self, anchor: &str, path: &Path) -> Result<Range<usize>, Complaint> {
        match self.parts.get(anchor) {
            Some((start, Some(end))) => Ok(*start..*end),
            Some((_, None)) => Err(Complaint::new(
                format!("anchor `{anchor}` of `{}` never ends", path.display()),
                format!("end it with `// ANCHOR_END: {anchor}`"),
            )),
            None => Err(Complaint::new(
                format!("`{}` has no anchor `{anchor}`", path.display()),
                match self.meant(anchor) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!(
                        "mark its lines with `// ANCHOR: {anchor}` and `// ANCHOR_END: {anchor}`"
                    ),
                },
            )),
        }
    }

    /// The anchor that was probably meant; nothing of a file that has many.
    fn meant(&self, anchor: &str) -> Option<&str> {
        let names = self.parts.keys().take(MOST_COMPARED).map(String::as_str);
        nearest(anchor, names)
    }
}

/// No file that somebody reads has more anchors.
const MOST_COMPARED: usize = 200;

impl NotIncluded {
    fn complaint(&self, path: &Path) -> Complaint {
        let path = path.display();
        let (message, help) = match self {
            NotIncluded::Missing => (
                format!("there is no file `{path}` to include"),
                "the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`",
            ),
            NotIncluded::Outside => (
                format!("`{path}` is a link that leads out of the course"),
                "put the file itself there",
            ),
            NotIncluded::Unreadable(why) => (
                format!("`{path}` cannot be included: {why}"),
                "what is included is a text in UTF-8",
            ),
            NotIncluded::TooMuch => (
                format!("with `{path}` more is included than a course may hold"),
                "include the part that is needed, by an anchor, and each part once",
            ),
        };
        Complaint::new(message, help)
    }
}

fn directive(content: &str) -> Result<(&str, Option<&str>), Complaint> {
    let line = content.trim();
    let inner = line
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix("}}"))
        .filter(|inner| inner.starts_with(' ') && !inner.contains('\n'));
    let Some(inner) = inner.map(str::trim).filter(|inner| !inner.is_empty()) else {
        return Err(Complaint::new(
            "an include stands alone in its fence",
            "write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else",
        ));
    };
    match inner.split_once(':') {
        None => Ok((inner, None)),
        Some((path, anchor)) if is_anchor(anchor) => Ok((path, Some(anchor))),
        Some((path, anchor)) => Err(Complaint::new(
            format!("`{anchor}` is no anchor"),
            format!(
                "mark the lines with `// ANCHOR: name` and `// ANCHOR_END: name` in `{path}`; line numbers would go stale"
            ),
        )),
    }
}

fn is_anchor(text: &str) -> bool {
    let named = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    named && text.chars().any(|c| !c.is_ascii_digit())
}

fn without_anchors(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| marker(line).is_none())
        .collect()
}

#[derive(PartialEq, Eq)]
enum Marker<'a> {
    Begin(&'a str),
    End(&'a str),
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let name = |rest: &'_ str| -> usize {
        rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')))
            .unwrap_or(rest.len())
    };
    if let Some((_, rest)) = line.split_once("ANCHOR_END:") {
        let rest = rest.trim_start();
        return Some(Marker::End(&rest[..name(rest)]));
    }
    let (_, rest) = line.split_once("ANCHOR:")?;
    let rest = rest.trim_start();
    Some(Marker::Begin(&rest[..name(rest)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    /// What a file step holds that includes from this C file.
    fn included(content: &str) -> String {
        let c =
            "int a;\n// ANCHOR: two\nint b; // ANCHOR: three\nint c;\n// ANCHOR_END: two\nint d;\n";
        let files = |path: &Path| {
            (path == Path::new("bpf/a.c"))
                .then(|| c.to_owned())
                .ok_or(NotIncluded::Missing)
        };
        match Includes::of(Path::new("lessons/lesson-1.md"), &files).resolve(content) {
            Ok(text) => text,
            Err(complaint) => format!("{}; {}", complaint.message, complaint.help),
        }
    }

    #[test]
    fn a_text_without_an_include_stays_as_it_is() {
        assert_snapshot!(included("int x;\n"), @"int x;");
    }

    #[test]
    fn a_whole_file_comes_without_its_anchor_lines() {
        assert_snapshot!(included("{{#include ../bpf/a.c}}\n"), @"
        int a;
        int c;
        int d;
        ");
    }

    #[test]
    fn an_anchor_gives_the_lines_between_its_marks() {
        assert_snapshot!(included("{{#include ../bpf/a.c:two}}\n"), @"int c;");
    }

    #[test]
    fn what_cannot_be_included_is_said_with_a_way_out() {
        assert_snapshot!(included("{{#include ../bpf/b.c}}\n"), @"there is no file `bpf/b.c` to include; the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`");
        assert_snapshot!(included("{{#include ../bpf/a.c:tow}}\n"), @"`bpf/a.c` has no anchor `tow`; did you mean `two`?");
        assert_snapshot!(included("{{#include ../bpf/a.c:three}}\n"), @"anchor `three` of `bpf/a.c` never ends; end it with `// ANCHOR_END: three`");
        assert_snapshot!(included("{{#include ../bpf/a.c:2:10}}\n"), @"`2:10` is no anchor; mark the lines with `// ANCHOR: name` and `// ANCHOR_END: name` in `../bpf/a.c`; line numbers would go stale");
        assert_snapshot!(included("{{#include ../../etc/passwd}}\n"), @"`../../etc/passwd` lies outside the course; include only files below the folder that holds `lessons/`");
        assert_snapshot!(included("{{#include /etc/passwd}}\n"), @"`/etc/passwd` lies outside the course; include only files below the folder that holds `lessons/`");
        assert_snapshot!(included("int x;\n{{#include ../bpf/a.c}}\n"), @"an include stands alone in its fence; write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else");
        assert_snapshot!(included("{{#include}}\n"), @"an include stands alone in its fence; write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else");
        assert_snapshot!(included("{{#include ../bpf/a.c\n"), @"an include stands alone in its fence; write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else");
    }

    #[test]
    fn a_file_is_read_once_and_more_than_a_course_may_hold_is_refused() {
        let read = std::cell::Cell::new(0);
        let files = |_: &Path| {
            read.set(read.get() + 1);
            Ok("int a;\n".repeat(MOST_INCLUDED_BYTES / 35))
        };
        let mut includes = Includes::of(Path::new("lessons/lesson-1.md"), &files);
        let mut resolved = || includes.resolve("{{#include ../bpf/a.c}}\n");
        assert!((0..4).all(|_| resolved().is_ok()));
        let refused = (0..9).map(|_| resolved()).find_map(Result::err);
        assert!(refused.is_some_and(|complaint| complaint.message.contains("more is included")));
        assert_eq!(read.get(), 1);
    }
}
