//! Tests of finding and loading a course, each in a folder of its own.

mod links;
mod manifest;
mod many;
mod masks;

use super::*;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::line_column;
use crate::lesson::{Lesson, NotIncluded};
use insta::assert_snapshot;
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

const MANIFEST: &str = "format = 1\ntitle = \"T\"\nlessons = [\"lesson-1\"]\n";

/// A page with this name and this text.
fn page(name: &str, text: &str) -> String {
    format!("---\nformat: 1\nname: {name}\ntitle: T\n---\n# T\n{text}")
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

fn loaded(files: &[(&str, &str)]) -> Course {
    let folder = folder(files);
    Course::load(None, None, folder.path()).expect("a course")
}

/// What `tutor check` finds in a whole course.
fn check(course: &Course) -> Vec<Diagnostic> {
    let lessons: Vec<&Lesson> = course.lessons.iter().collect();
    super::check(course, &lessons)
}

/// What `tutor check` says of a course with these files.
fn checked(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let course = Course::load(None, None, folder.path()).expect("a course");
    let lines: Vec<String> = check(&course)
        .iter()
        .map(|found| {
            let source = course.source(&found.path).unwrap_or_default();
            let (line, column) = line_column(source, found.span.start);
            let marked = source.get(found.span.clone()).unwrap_or("OUTSIDE");
            let help = found.help.as_deref().unwrap_or("NO HELP");
            let path = found.path.display();
            format!(
                "{path}:{line}:{column}: {marked:?} {}\n    {help}",
                found.message
            )
        })
        .collect();
    lines.join("\n")
}

mod finding {
    use super::*;

    fn root(course: Result<Course, CourseError>, folder: &Path) -> String {
        match course {
            Err(error) => error
                .to_string()
                .replace(&folder.display().to_string(), "FOLDER"),
            Ok(course) => match course.origin {
                Origin::Embedded => "embedded".to_owned(),
                Origin::Folder(root) => match root.strip_prefix(folder) {
                    Ok(root) => format!("FOLDER/{}", root.display()),
                    Err(_) => root.display().to_string(),
                },
            },
        }
    }

    #[test]
    fn the_option_wins_over_the_variable_and_that_over_the_folder() {
        let folder = folder(&[
            ("a/lessons/course.toml", MANIFEST),
            ("b/lessons/course.toml", MANIFEST),
            ("b/deep/er/x", ""),
            ("c/x", ""),
        ]);
        let folder = folder.path().canonicalize().expect("a folder");
        let find = |choice: Option<&str>, env: Option<&str>, cwd: &str| {
            let env = env.map(OsStr::new);
            root(
                Course::load(choice.map(Path::new), env, &folder.join(cwd)),
                &folder,
            )
        };
        assert_eq!(find(Some("a"), Some("b"), ""), "FOLDER/a");
        assert_eq!(find(Some("a/lessons"), None, ""), "FOLDER/a");
        assert_eq!(find(Some("."), None, "a/lessons"), "FOLDER/a");
        assert_eq!(find(Some("a/lessons/course.toml"), None, ""), "FOLDER/a");
        assert_eq!(find(None, Some("a"), "b/../"), "FOLDER/b/../a");
        assert_eq!(find(None, Some(""), "b/deep/er"), "FOLDER/b");
        assert_eq!(find(None, None, "c"), "embedded");
        assert_snapshot!(find(Some("c"), None, ""), @"cannot find the course that `--course` names: no `lessons/course.toml` in `FOLDER/c`");
        assert_snapshot!(find(None, Some("nowhere"), ""), @"cannot find the course that `TUTOR_COURSE` names: no `lessons/course.toml` in `FOLDER/nowhere`");
    }

    #[test]
    fn a_lesson_is_found_by_stem_name_and_number() {
        let course = loaded(&[
            (
                "lessons/course.toml",
                "format = 1\ntitle = \"T\"\nlessons = [\"lesson-1\", \"lesson-2\"]\n",
            ),
            ("lessons/lesson-1.md", &page("start", "")),
            ("lessons/lesson-2.md", &page("hello", "")),
        ]);
        let found = |key: &str| match course.lesson(key) {
            Ok(lesson) => lesson.stem.clone(),
            Err(error) => format!("{error}; {}", error.help().unwrap_or_default()),
        };
        assert_eq!(found("lesson-2"), "lesson-2");
        assert_eq!(found("hello"), "lesson-2");
        assert_eq!(found("1"), "lesson-1");
        assert_eq!(found("lessons/lesson-1.md"), "lesson-1");
        assert_snapshot!(found("helo"), @"no lesson `helo` in this course; did you mean `hello`?");
        assert_snapshot!(found("9"), @"no lesson `9` in this course; the lessons are `lesson-1` (start), `lesson-2` (hello)");
    }

    #[test]
    fn the_contents_are_those_of_the_loaded_lessons() {
        let folder = folder(&[
            (
                "lessons/course.toml",
                "format = 1\ntitle = \"T\"\nlessons = [\"one\", \"two\", \"none\"]\n",
            ),
            ("lessons/one.md", &page("start", "")),
            ("lessons/two.md", "no front matter"),
        ]);
        let contents = Course::contents(None, None, folder.path())
            .expect("a course")
            .lessons;
        let course = Course::load(None, None, folder.path()).expect("a course");
        assert_eq!(contents.len(), course.lessons.len());
        for (entry, lesson) in contents.iter().zip(&course.lessons) {
            assert_eq!((&entry.stem, &entry.front), (&lesson.stem, &lesson.front));
        }
    }

    #[test]
    fn files_are_read_from_where_the_course_is() {
        let folder = folder(&[
            ("lessons/course.toml", MANIFEST),
            ("snapshots/a/b.snap", "x"),
        ]);
        let course = Course::load(None, None, folder.path()).expect("a course");
        assert_eq!(
            course.read(Path::new("snapshots/a/b.snap")),
            Ok(b"x".to_vec())
        );
        assert_eq!(
            course.read(Path::new("snapshots/a/c.snap")),
            Err(NotIncluded::Missing)
        );
        let link = folder.path().join("snapshots/a/c.snap");
        std::os::unix::fs::symlink("/etc/hosts", link).expect("a link");
        assert_eq!(
            course.read(Path::new("snapshots/a/c.snap")),
            Err(NotIncluded::Outside)
        );
        assert_eq!(course.snapshot_dir(), Some(folder.path().join("snapshots")));
        assert_eq!(Course::default().snapshot_dir(), None);
    }
}

mod checking {
    use super::*;

    #[test]
    fn a_good_course_has_nothing_to_mend() {
        assert_eq!(
            checked(&[
                (
                    "lessons/course.toml",
                    &format!(
                        "{MANIFEST}inventory = \"bpftool prog\"\n[needs.clang]\nwhat = \"a\"\nwhy = \"b\"\nprobe = \"c\"\n[facets.kernel]\non = \"kernel\"\nprobe = \"uname -r\"\nprecision = \"full\"\n"
                    )
                ),
                (
                    "lessons/lesson-1.md",
                    &page("a", "```sh {id=a needs=clang>=14 vary=kernel}\ntrue\n```\n")
                ),
                ("lessons/README.md", ""),
                ("lessons/notes.txt", ""),
            ]),
            ""
        );
    }

    #[test]
    fn needs_and_facets_are_those_of_the_course() {
        assert_snapshot!(checked(&[
            ("lessons/course.toml", &format!(
                "{MANIFEST}[needs.clang]\nwhat = \"a\"\nwhy = \"b\"\nprobe = \"c\"\n[facets.kernel]\nprobe = \"uname -r\"\n"
            )),
            ("lessons/lesson-1.md", "---\nformat: 1\nname: a\ntitle: T\nneeds: [clnag]\n---\n# T\n```sh {id=a needs=kprobe vary=kernle}\ntrue\n```\n"),
        ]), @r#"
        lessons/lesson-1.md:5:9: "clnag" unknown need `clnag`
            did you mean `clang`?
        lessons/lesson-1.md:8:19: "kprobe" unknown need `kprobe`
            declare it in `lessons/course.toml` under `[needs.kprobe]`
        lessons/lesson-1.md:8:31: "kernle" unknown facet `kernle`
            did you mean `kernel`?
        "#);
    }

    #[test]
    fn what_is_listed_and_cannot_be_read_is_told_once() {
        assert_snapshot!(checked(&[
            ("lessons/course.toml", "format = 1\ntitle = \"T\"\nlessons = [\"one\"]\n"),
            ("lessons/one.md/inside", ""),
        ]), @r#"
        lessons/course.toml:3:12: "\"one\"" lesson `one` is listed, but `lessons/one.md` cannot be read: Is a directory (os error 21)
            make it a file of text that can be read
        "#);
    }

    #[test]
    fn lessons_that_are_missing_doubled_or_not_listed_are_named() {
        assert_snapshot!(checked(&[
            ("lessons/course.toml", "format = 1\ntitle = \"T\"\nlessons = [\"one\", \"two\", \"one\", \"../x\", \"three\"]\n"),
            ("lessons/one.md", &page("same", "```sh {id=a}\ntrue\n```\n")),
            ("lessons/two.md", &page("same", "```sh {id=a}\ntrue\n```\n")),
            ("lessons/four.md", ""),
        ]), @r#"
        lessons/course.toml:3:26: "\"one\"" lesson `one` is listed twice
            keep one of them
        lessons/course.toml:3:33: "\"../x\"" `../x` is no name of a lesson
            write the stem of its file, of lower-case letters, digits and `-`: `lesson-2`
        lessons/course.toml:3:41: "\"three\"" lesson `three` is listed, but `lessons/three.md` is not there
            write it, or begin it with `tutor new three`
        lessons/four.md:1:1: "" this lesson is not listed in `lessons/course.toml`, so nobody sees it
            add `"four"` to the list `lessons` there
        lessons/two.md:3:7: "same" a second lesson named `same`
            `lessons/one.md` has that name: snapshots go by it, so give this one another
        "#);
    }

    #[test]
    fn all_that_is_wrong_with_the_course_is_said_at_once() {
        assert_snapshot!(checked(&[(
            "lessons/course.toml",
            "format = 2\ntitel = \"T\"\nlessons = [1]\ninventory = []\n[needs.Clang]\nwhat = \"a\"\nwhi = \"b\"\nprobe = \"c\"\n[needs.gcc]\non = \"moon\"\n[facets]\nkernel = 1\n[other]\n"
        )]), @r#"
        lessons/course.toml:1:10: "2" this course format is not known
            this `tutor` reads `format = 1`
        lessons/course.toml:2:1: "titel" unknown key `titel` in the course
            did you mean `title`?
        lessons/course.toml:3:12: "1" `lessons`: invalid type: integer `1`, expected a string
            write a list of texts: `["lesson-1", "lesson-2"]`
        lessons/course.toml:4:13: "[]" `inventory`: invalid type: sequence, expected a string
            write a text in quotes
        lessons/course.toml:5:1: "[needs.Clang]" need `Clang`: missing field `why`
            a need takes `on`, `what`, `why`, `probe`, `package`, `remedy`
        lessons/course.toml:5:8: "Clang" `Clang` is no name of a need
            use lower-case letters, digits and `-`
        lessons/course.toml:7:1: "whi" unknown key `whi` of need `Clang`
            did you mean `why`?
        lessons/course.toml:10:6: "\"moon\"" need `gcc`: unknown variant `moon`, expected `host` or `kernel`
            a need takes `on`, `what`, `why`, `probe`, `package`, `remedy`
        lessons/course.toml:12:10: "1" facet `kernel` is no table
            write `[facets.kernel]` and its keys below
        lessons/course.toml:13:2: "other" unknown key `other` in the course
            the keys are `format`, `title`, `language`, `lessons`, `inventory`, `exclusive`, `steps`, `needs`, `facets`, `masks`
        "#);
        assert_snapshot!(checked(&[("lessons/course.toml", "")]), @r#"
        lessons/course.toml:1:1: "" the course has no `format`
            add `format = 1` at the top
        lessons/course.toml:1:1: "" the course has no `title`
            add `title = "…"` at the top
        lessons/course.toml:1:1: "" the course has no `lessons`
            add `lessons = ["lesson-1"]` at the top
        "#);
        assert_snapshot!(checked(&[("lessons/course.toml", "format = 1\ntitle = \n[needs\n")]), @r#"
        lessons/course.toml:2:9: "" this is no TOML: string values must be quoted, expected literal string
            see https://toml.io for the way to write it
        lessons/course.toml:3:7: "" this is no TOML: unclosed table, expected `]`
            see https://toml.io for the way to write it
        "#);
    }

    #[test]
    fn a_regular_expression_that_grows_too_large_is_named() {
        assert_snapshot!(checked(&[
            ("lessons/course.toml", MANIFEST),
            ("lessons/lesson-1.md", &page("a", "```sh {id=a}\ntrue\n```\n[x](#check-c)\n```sh {check=c of=a match=\"((a{1000}){1000}){9}\"}\ntrue\n```\n")),
        ]), @r#"
        lessons/lesson-1.md:11:1: "```sh {check=c of=a match=\"((a{1000}){1000}){9}\"}\ntrue\n```" a regular expression that cannot be used: Compiled regex exceeds size limit of 10485760 bytes.
            write a shorter one: a large `{n}` multiplies what it stands behind
        "#);
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let folder = folder(&[("lessons/course.toml", MANIFEST)]);
        std::fs::write(
            folder.path().join("lessons/lesson-1.md"),
            b"---\nformat: 1\nname: a\ntitle: \xff\n---\n",
        )
        .expect("a file");
        let course = Course::load(None, None, folder.path()).expect("a course");
        let messages: Vec<&str> = course
            .diagnostics
            .iter()
            .map(|found| found.message.as_str())
            .collect();
        assert_eq!(messages, ["a byte that is no UTF-8"]);
    }

    #[test]
    fn an_include_may_not_follow_a_link_out_of_the_course() {
        let outside = folder(&[("secret.c", "int secret;\n")]);
        let folder = folder(&[
            ("lessons/course.toml", MANIFEST),
            (
                "lessons/lesson-1.md",
                &page("a", "```c {file=a.c}\n{{#include ../bpf/a.c}}\n```\n"),
            ),
            ("bpf/x", ""),
        ]);
        std::os::unix::fs::symlink(
            outside.path().join("secret.c"),
            folder.path().join("bpf/a.c"),
        )
        .expect("a link");
        let course = Course::load(None, None, folder.path()).expect("a course");
        assert_eq!(
            course.diagnostics[0].message,
            "`bpf/a.c` is a link that leads out of the course"
        );
    }
}

mod trust {
    use super::*;

    fn course(script: &str, c: &str, prose: &str) -> Course {
        loaded(&[
            ("lessons/course.toml", MANIFEST),
            (
                "lessons/lesson-1.md",
                &page(
                    "a",
                    &format!(
                        "{prose}\n```c {{file=a.c}}\n{{{{#include ../bpf/a.c}}}}\n```\n```sh {{id=a}}\n{script}\n```\n"
                    ),
                ),
            ),
            ("bpf/a.c", c),
        ])
    }

    fn agreed(course: &Course) -> PartHashes {
        let lessons: Vec<&Lesson> = course.lessons.iter().collect();
        parts(&course.scripts(&lessons))
    }

    #[test]
    fn what_is_agreed_to_follows_what_would_run_and_not_the_prose() {
        let parts = agreed(&course("true", "int a;\n", "One."));
        let keys: Vec<&str> = parts.keys().map(String::as_str).collect();
        assert_eq!(keys, ["a: file a.c", "a: step a", "lesson a"]);
        assert!(parts.values().all(|hash| hash.len() == 64));
        assert_eq!(agreed(&course("true", "int a;\n", "Two.")), parts);
        assert_ne!(agreed(&course("false", "int a;\n", "One.")), parts);
        let other = agreed(&course("true", "int b;\n", "One."));
        assert_eq!(other["a: step a"], parts["a: step a"]);
        assert_ne!(other["a: file a.c"], parts["a: file a.c"]);
        assert_ne!(other["lesson a"], parts["lesson a"]);
    }

    #[test]
    fn each_lesson_is_agreed_to_for_itself_with_what_it_asks_first() {
        let step = |keys: &str| {
            format!(
                "[s](#check-c)\n```sh {{id=a{keys}}}\necho\n```\n```sh {{check=c of=a expect=1}}\nsize\n```\n"
            )
        };
        let course = loaded(&[
            (
                "lessons/course.toml",
                "format = 1\ntitle = \"T\"\nlessons = [\"one\", \"two\"]\ninventory = \"left\"\n\
                [needs.n]\nwhat = \"a\"\nwhy = \"b\"\nprobe = \"asks n\"\n\
                [needs.m]\nwhat = \"a\"\nwhy = \"b\"\nprobe = \"asks m\"\n\
                [facets.f]\nprobe = \"asks f\"\n[facets.k]\non = \"kernel\"\nprobe = \"asks k\"\n",
            ),
            ("lessons/one.md", &page("one", &step(" needs=n"))),
            ("lessons/two.md", &page("two", &step(" on=kernel"))),
        ]);
        assert_eq!(course.diagnostics, []);
        let of = |lesson: usize| -> Vec<String> {
            let scripts = course.scripts(&[&course.lessons[lesson]]);
            let told = scripts.iter().map(|script| {
                let on = script.on.map(|on| on.to_string()).unwrap_or_default();
                format!("{} ({on}): {}", script.key(), script.text.trim())
            });
            told.collect()
        };
        assert_eq!(
            of(0),
            [
                "need n (host): asks n",
                "facet f (host): asks f",
                "one: step a (host): echo",
                "one: check c (host): size"
            ]
        );
        assert_eq!(
            of(1),
            [
                "facet k (kernel): asks k",
                "inventory of the kernel (kernel): left",
                "two: step a (kernel): echo",
                "two: check c (kernel): size"
            ]
        );
        assert_eq!(course.probes().len(), 2);
    }

    #[test]
    fn another_course_is_not_taken_for_the_one_in_the_binary() {
        assert!(Course::default().is_embedded_content());
        assert!(!course("true", "", "").is_embedded_content());
    }
}

mod creating {
    use super::*;

    #[test]
    fn a_new_lesson_passes_check_and_is_listed() {
        let folder = folder(&[
            ("lessons/course.toml", MANIFEST),
            (
                "lessons/lesson-1.md",
                &page("a", "```sh {id=a}\ntrue\n```\n"),
            ),
        ]);
        let path = create(folder.path(), "lesson-11").expect("a page");
        assert_eq!(path, folder.path().join("lessons/lesson-11.md"));
        let course = Course::load(None, None, folder.path()).expect("a course");
        assert_eq!(check(&course), []);
        assert_eq!(course.lessons.len(), 2);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = folder(&[
            ("lessons/course.toml", MANIFEST),
            ("lessons/lesson-2.md", "mine"),
        ]);
        let error = create(folder.path(), "lesson-2").expect_err("it is there");
        assert!(error.to_string().contains("it is there already"), "{error}");
        let text =
            |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap_or_default();
        assert_eq!(text("lessons/lesson-2.md"), "mine");
        assert_eq!(text("lessons/course.toml"), MANIFEST);
        assert!(create(folder.path(), "../x").is_err());
    }
}

#[test]
fn what_nobody_sees_in_what_runs_is_named() {
    let text = "a\u{200b}b is prose.\n\n```sh {id=a}\necho a\u{202e}b\u{200b}\n```\n\n\
        ```c {file=a.c}\n{{#include ../bpf/a.c}}\n```\n";
    let manifest = format!("{MANIFEST}inventory = \"true\u{e0041}\"\n");
    assert_snapshot!(checked(&[
        ("lessons/course.toml", &manifest),
        ("lessons/lesson-1.md", &page("hello", text)),
        ("bpf/a.c", "\u{feff}int a;\r\nint\u{2060}b = \"👩\u{200d}👧\";\n"),
    ]), @r#"
    bpf/a.c:2:4: "\u{2060}" nobody sees U+2060 WORD JOINER in this file
        take it away, or write what bash or C has for it, as `$'\u200b'`
    lessons/course.toml:4:18: "\u{e0041}" nobody sees U+E0041 TAG `A` in this file
        take it away, or write what bash or C has for it, as `$'\u200b'`
    lessons/lesson-1.md:10:7: "\u{202e}" nobody sees U+202E RIGHT-TO-LEFT OVERRIDE in this script
        take it away, or write what bash or C has for it, as `$'\u200b'`
    "#);
}

#[test]
fn what_the_book_shows_as_text_is_named() {
    let text = "a <kbd>b</kbd> <!-- c -->\n<script>d</script>\n\n<details>\n<div class=\"x\">\n</details>\n\n\
        [e](javascript:f) ![g](data:h) ![i](https://j.k/l.png)\n\n```html\n<script>\n```\n\n\
        ```sh {id=m}\necho '<script>'\n```\n";
    assert_snapshot!(checked(&[
        ("lessons/course.toml", MANIFEST),
        ("lessons/lesson-1.md", &page("hello", text)),
    ]), @r#"
    lessons/lesson-1.md:8:1: "<script>" `<script>` is shown as text in the book
        say it in Markdown, or in the HTML that docs/lesson-format.md lists
    lessons/lesson-1.md:11:1: "<div class=\"x\">" `<div>` is shown as text in the book
        say it in Markdown, or in the HTML that docs/lesson-format.md lists
    lessons/lesson-1.md:14:1: "[e](javascript:f)" a link that opens no page is shown as text in the book
        say it in Markdown, or in the HTML that docs/lesson-format.md lists
    lessons/lesson-1.md:14:19: "![g](data:h)" an image that is no file is shown as text in the book
        say it in Markdown, or in the HTML that docs/lesson-format.md lists
    "#);
}
