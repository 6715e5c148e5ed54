//! `{{#include ../bpf/hello.bpf.c:anchor}}`: a file's content taken from a file of the course.
//!
//! The syntax is mdBook's, so that the book and an editor's plugins understand it as well.

use super::destination::below_root;
use super::model::Lesson;
use crate::diagnostic::{Complaint, nearest};
use regex::{Captures, Regex};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

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

/// A directive by mdBook's rule, with its name and what it is about, or one that it would read as text since
/// something is missing.
static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?<escape> \\ )?
        \{\{ \s* \#
        (?<name> include | rustdoc_include | playground | playpen ) \b
        (?: \s+ (?<rest> [^}]+ ) \}\} )?",
    )
    .expect("a regular expression that compiles")
});

/// Where directives stand in a text: those that mdBook would follow.
pub(crate) fn directives(text: &str) -> impl Iterator<Item = Range<usize>> {
    let found = DIRECTIVE.captures_iter(text);
    let live = found.filter(|found| found.name("escape").is_none() && found.name("rest").is_some());
    live.filter_map(|found| Some(found.get(0)?.range()))
}

/// The files that a lesson may include, by their paths below the course root.
pub fn included(lesson: &Lesson) -> impl Iterator<Item = PathBuf> {
    let found = DIRECTIVE.captures_iter(&lesson.source);
    found.filter_map(|found| {
        let target = found.name("rest")?.as_str().split_whitespace().next()?;
        let path = target.split(':').next()?;
        below_root(&lesson.path, path)
    })
}

/// Where a directive stands in the text of a fence, or what looks like one; it is read from the source.
pub(crate) fn find(text: &str) -> Option<Range<usize>> {
    let found = DIRECTIVE.captures_iter(text);
    let mut live = found.filter(|found| found.name("escape").is_none());
    let whole = live.next()?.get(0)?;
    if whole.as_str().ends_with("}}") {
        return Some(whole.range());
    }
    let line = text[whole.start()..].find(['\n', '\r']);
    let end = line.map_or(text.len(), |end| whole.start() + end);
    let close = text[whole.start()..end].rfind("}}");
    Some(whole.start()..close.map_or(end, |close| whole.start() + close + 2))
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
        if find(content).is_none() {
            // mdBook takes the backslash away, with which text about directives is written.
            return Ok(DIRECTIVE.replace_all(content, unescaped).into_owned());
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
    parts: HashMap<String, IncludedPart>,
}

/// The lines behind the first mark of a name.
struct IncludedPart {
    start: usize,
    /// Where the mark that ends them stands.
    end: Option<usize>,
    /// Where a second mark of that name stands.
    second: Option<usize>,
}

impl IncludedFile {
    fn of(text: String) -> IncludedFile {
        let mut parts: HashMap<String, IncludedPart> = HashMap::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            match marker(line) {
                Some(Marker::Begin(name)) => match parts.get_mut(name) {
                    Some(part) => part.second = part.second.or(Some(start)),
                    None => {
                        let part = IncludedPart {
                            start: at,
                            end: None,
                            second: None,
                        };
                        parts.insert(name.to_owned(), part);
                    }
                },
                Some(Marker::End(name)) => {
                    if let Some(part) = parts.get_mut(name) {
                        part.end = part.end.or(Some(start));
                    }
                }
                None => {}
            }
        }
        IncludedFile { text, parts }
    }

    fn part(&self, anchor: &str, path: &Path) -> Result<Range<usize>, Complaint> {
        match self.parts.get(anchor) {
            Some(IncludedPart {
                second: Some(second),
                ..
            }) => Err(Complaint::new(
                format!(
                    "anchor `{anchor}` of `{}` begins a second time in line {}",
                    path.display(),
                    self.text[..*second].matches('\n').count() + 1
                ),
                "give one of the two another name",
            )),
            Some(IncludedPart {
                start,
                end: Some(end),
                ..
            }) => Ok(*start..*end),
            Some(IncludedPart { end: None, .. }) => Err(Complaint::new(
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
                "what is included is a text in UTF-8 of 64 MiB at the most",
            ),
            NotIncluded::TooMuch => (
                format!("with `{path}` more is included than a course may hold"),
                "include the part that is needed, by an anchor, and each part once",
            ),
        };
        Complaint::new(message, help)
    }
}

fn unescaped(found: &Captures<'_>) -> String {
    found[0].trim_start_matches('\\').to_owned()
}

fn directive(content: &str) -> Result<(&str, Option<&str>), Complaint> {
    let found = DIRECTIVE.captures(content);
    let alone = found.filter(|found| found[0].len() == content.trim().len());
    let parts = alone.and_then(|found| Some((found.name("name")?, found.name("rest")?)));
    let Some((name, rest)) = parts else {
        return Err(Complaint::new(
            "an include stands alone in its fence",
            "write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else",
        ));
    };
    if name.as_str() != "include" {
        return Err(Complaint::new(
            format!(
                "`{{{{#{}}}}}` is mdBook's, and a lesson has no such directive",
                name.as_str()
            ),
            "write `{{#include ../bpf/hello.bpf.c}}`",
        ));
    }
    let mut words = rest.as_str().split_whitespace();
    let inner = words.next().unwrap_or_default();
    if let Some(more) = words.next() {
        return Err(Complaint::new(
            format!("an include takes one path, and `{more}` stands behind it"),
            "write one path; a file whose name has a blank cannot be included",
        ));
    }
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
    fn blanks_are_taken_as_mdbook_takes_them() {
        for content in [
            "  {{ #include ../bpf/a.c:two }}\n",
            "{{#include\t../bpf/a.c:two\t}}",
            "{{\n#include\n../bpf/a.c:two\n}}\n",
        ] {
            assert_eq!(included(content), "int c;\n", "{content}");
        }
        let text = "{{ # include ../bpf/a.c }} {{#includes ../bpf/a.c}} {{#if x}}\n";
        assert_eq!(included(text), text);
    }

    #[test]
    fn a_directive_behind_a_backslash_is_text() {
        assert_snapshot!(included("write \\{{#include a.c}}\n"), @"write {{#include a.c}}");
    }

    #[test]
    fn an_anchor_that_begins_twice_is_named() {
        let files = |_: &Path| {
            Ok("// ANCHOR: p\r\nint a;\r\n// ANCHOR_END: p\r\n// ANCHOR: p\r\nint b;\r\n// ANCHOR_END: p\r\n".to_owned())
        };
        let mut includes = Includes::of(Path::new("lessons/lesson-1.md"), &files);
        let complaint = includes.resolve("{{#include ../bpf/twice.c:p}}\n").err();
        assert_eq!(
            complaint.map(|complaint| complaint.message).as_deref(),
            Some("anchor `p` of `bpf/twice.c` begins a second time in line 4")
        );
        let whole = includes.resolve("{{#include ../bpf/twice.c}}\n");
        assert_eq!(whole.as_deref(), Ok("int a;\r\nint b;\r\n"));
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
        assert_snapshot!(included("{{#rustdoc_include ../bpf/a.c}}\n"), @"`{{#rustdoc_include}}` is mdBook's, and a lesson has no such directive; write `{{#include ../bpf/hello.bpf.c}}`");
        assert_snapshot!(included("{{#include ../bpf/a.c b.c}}\n"), @"an include takes one path, and `b.c` stands behind it; write one path; a file whose name has a blank cannot be included");
        assert_snapshot!(included("{{ #include }}\n"), @"an include stands alone in its fence; write one line `{{#include ../bpf/hello.bpf.c}}` and nothing else");
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
