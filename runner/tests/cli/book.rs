//! The book of a small course: its source tree, and what mdBook makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tutor::course::Course;
use tutor::normalize::{Masks, StepFolders};
use tutor::render::book::{Emitted, emit};
use tutor::snapshot::{Recorded, SnapshotName, pending, write_new};
use tutor::transcript::{Capture, Output};

const EVIL: &str = "</samp></pre></section><script>alert(1)</script>\n\n# `no` heading\n\
    {{#include ../../book.toml}}\n<!--\n\n    ```\n\x1b]0;title\x07 & &amp; [a](b)\n";

/// A folder with the course of `runner/tests/cli/book/` and recorded outputs.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for (path, text) in [
            ("lessons/course.toml", include_str!("book/course.toml")),
            ("lessons/lesson-1.md", include_str!("book/lesson-1.md")),
            ("lessons/lesson-2.md", include_str!("book/lesson-2.md")),
            ("bpf/greet.c", include_str!("book/greet.c")),
        ] {
            let path = fixture.path(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }
        let numbers: String = (1..=30).map(|number| format!("{number}\n")).collect();
        fixture.record(
            "greet",
            "build",
            "cc -o greet greet.c\n\necho \"built\"",
            "built\n",
            "",
        );
        fixture.record("greet", "long", "seq 30", &numbers, "");
        fixture.record("greet", "long@kernel-6.18", "seq 30", "1\n", "");
        fixture.record("greet", "fails", "echo oh >&2; exit 2", "", "oh\n");
        fixture.record("evil", "evil", "print-evil", EVIL, EVIL);
        fixture
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn record(&self, lesson: &str, step: &str, command: &str, stdout: &str, stderr: &str) {
        let (step, kernel) = match step.split_once("@kernel-") {
            Some((step, kernel)) => (step, kernel),
            None => (step, "6.12"),
        };
        let environment: BTreeMap<String, String> = [("kernel", kernel), ("binutils", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let base = SnapshotName::base(lesson, step);
        let name = match kernel {
            "6.12" => base,
            _ => base.variant_for(&["kernel".to_owned()], &environment),
        };
        let output = Output {
            stdout: Capture::from(stdout.as_bytes()),
            stderr: Capture::from(stderr.as_bytes()),
        };
        let masks = Masks::of(&[], &StepFolders::default()).expect("no mask is asked for");
        let recorded = Recorded {
            name,
            text: masks.stabilize(&output),
            exit: if step == "fails" { "2" } else { "0" }.to_owned(),
            command: command.to_owned(),
            made: None,
            environment,
            versions: BTreeMap::new(),
            recorded: Some("2026-11-23".to_owned()),
            after_failure: None,
        };
        write_new(&self.path("snapshots"), &recorded).expect("writable");
        for one in pending(&self.path("snapshots")).expect("readable") {
            one.accept(None).expect("acceptable");
        }
    }

    /// The course as `tutor` finds it.
    fn course(&self) -> Course {
        let course = Course::load(Some(self.folder.path()), None, self.folder.path());
        let course = course.expect("a course");
        assert!(course.diagnostics.is_empty(), "{:?}", course.diagnostics);
        course
    }

    fn emit(&self) -> Emitted {
        emit(&self.course(), &self.path("tree")).expect("emitted")
    }

    fn emitted(&self, file: &str) -> String {
        fs::read_to_string(self.path("tree").join(file)).expect("readable")
    }
}

/// All files below a folder, by path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("readable") {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).expect("inside").to_owned();
                    files.insert(name, fs::read(path).expect("readable"));
                }
            }
        }
    }
    files
}

#[test]
fn a_lesson_becomes_a_page() {
    let fixture = Fixture::new();
    fixture.emit();
    insta::assert_snapshot!("lesson", fixture.emitted("src/lesson-1.md"));
}

#[test]
fn a_page_shows_what_is_not_recorded_and_keeps_evil_output_text() {
    let fixture = Fixture::new();
    fixture.emit();
    insta::assert_snapshot!("evil", fixture.emitted("src/lesson-2.md"));
}

#[test]
fn a_step_that_is_not_compared_has_one_runs_output_that_says_so() {
    let fixture = Fixture::new();
    let before = fixture.emit();
    fixture.record("evil", "random", "date", "Mon Nov 23\n", "");
    let emitted = fixture.emit();
    assert_eq!(emitted.recorded, before.recorded + 1);
    let page = fixture.emitted("src/lesson-2.md");
    let (_, step) = page.split_once("id=\"step-random\"").expect("the step");
    assert!(
        step.contains("What one run printed; yours may differ"),
        "{step}"
    );
    assert!(step.contains("<samp>Mon Nov 23</samp>"), "{step}");
    // Without one nothing is missing, and one of another command is.
    assert_eq!(before.gaps.len(), emitted.gaps.len());
    fixture.record("evil", "random", "date -u", "Mon Nov 23\n", "");
    assert_eq!(fixture.emit().gaps.len(), before.gaps.len() + 1);
}

#[test]
fn a_book_has_settings_a_first_page_and_source_files() {
    let fixture = Fixture::new();
    let emitted = fixture.emit();
    let counts = (emitted.lessons, emitted.recorded, emitted.gaps.len());
    assert_eq!(counts, (2, 4, 3));
    let names = [
        "book.toml",
        "src/SUMMARY.md",
        "src/index.md",
        "src/sources.md",
    ];
    let texts = names.map(|name| format!("=== {name}\n{}", fixture.emitted(name)));
    insta::assert_snapshot!("around", texts.concat());
}

#[test]
fn a_book_is_the_same_each_time_wherever_its_course_is() {
    let (one, other) = (Fixture::new(), Fixture::new());
    one.emit();
    other.emit();
    assert_eq!(files(&one.path("tree")), files(&other.path("tree")));
    assert_eq!(one.emit().changes.written, 0);
}

#[test]
fn a_lesson_that_is_gone_takes_its_page_along() {
    let fixture = Fixture::new();
    fixture.emit();
    let manifest = fixture.path("lessons/course.toml");
    let shorter = include_str!("book/course.toml").replace(", \"lesson-2\"", "");
    fs::write(manifest, shorter).expect("writable");
    let changes = fixture.emit().changes;
    assert_eq!(changes.removed, 1);
    assert!(!fixture.path("tree/src/lesson-2.md").exists());
    assert!(!fixture.emitted("src/lesson-1.md").contains("lesson-2"));
}

#[test]
fn a_lesson_cannot_take_the_place_of_the_first_page() {
    let fixture = Fixture::new();
    let manifest = include_str!("book/course.toml").replace("lesson-2", "index");
    fs::write(fixture.path("lessons/course.toml"), manifest).expect("writable");
    let index = fixture.path("lessons/index.md");
    fs::rename(fixture.path("lessons/lesson-2.md"), index).expect("writable");
    let error = emit(&fixture.course(), &fixture.path("tree")).expect_err("refused");
    insta::assert_snapshot!(error, @"cannot make a page of `lessons/index.md`: the book has a page of that name");
}

#[cfg(feature = "book")]
mod rendered {
    use super::*;
    use std::io::Write;
    use std::process::Command;

    impl Fixture {
        fn render(&self) -> PathBuf {
            self.emit();
            let out = self.path("out/html");
            tutor_book::render(&self.path("tree"), &out).expect("rendered");
            out
        }
    }

    fn page(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).expect("a page")
    }

    /// The text of a page, without what mdBook draws around it.
    fn main(page: &str) -> &str {
        let start = page.find("<main>").expect("a beginning");
        &page[start..page.find("</main>").expect("an end")]
    }

    #[test]
    fn links_lead_to_checks_lessons_and_source_files() {
        let fixture = Fixture::new();
        let html = page(&fixture.render(), "lesson-1.html");
        for part in [
            "<a href=\"#check-word\">one word</a>",
            "<details class=\"tutor-check\" id=\"check-word\">",
            "<a href=\"lesson-2.html#why\">the next lesson</a>",
            "<a href=\"sources.html#bpf-greet-c\">the file</a>",
            "<h2 id=\"the-program-2\">",
        ] {
            assert!(html.contains(part), "{part} in {}", main(&html));
        }
    }

    #[test]
    fn output_stays_text() {
        let fixture = Fixture::new();
        let html = page(&fixture.render(), "lesson-2.html");
        let main = main(&html);
        assert!(
            !main.contains("<script") && !main.contains("<!--"),
            "{main}"
        );
        assert_eq!(main.matches("</section>").count(), 3, "{main}");
        assert_eq!(main.matches("<h").count(), 2, "{main}");
        assert!(main.contains("{{#include ../../book.toml}}"), "{main}");
        assert!(
            main.contains("\n    ```\n␛]0;title␇ &amp; &amp;amp; [a](b)</samp>"),
            "{main}"
        );
    }

    /// A page whose prose tries to be more than prose.
    const FORGED: &str = "\n<script>alert(1)</script>\n\nA <img src=x onerror=alert(2)> and <b onclick=\"x()\">b</b>.\n\n\
        <base href=\"https://evil.example/\">\n<meta http-equiv=\"refresh\" content=\"0;url=https://evil.example\">\n\n\
        - <iframe src=\"https://evil.example\"></iframe>\n- <svg onload=alert(3)>\n\n> <style>body { display: none }</style>\n\n\
        [a](javascript:alert(4)) [b](JaVa&#115;cript:alert(5)) [c]( data:text/html,x) <vbscript:x>\n[d][e] ![f](data:image/svg+xml,x) \
        <a href=\"java\tscript:alert(6)\">g</a> <a href=\"javascript&colon;alert(7)\">h</a>\n\n[e]: <javascript:alert(8)>\n\n\
        [^1]: <form action=\"https://evil.example\"><input></form>\n\n\
        i[^1] <scr<!-- -->ipt>alert(9)</scr<!-- -->ipt> [j](java<!-- -->script:alert(10))\n\n\
        [^2]: ## k {onclick=alert(11)}\n\nl[^2]\n\n\
        <div class=\"tutor-check\"><details class=\"tutor-check\"><summary>\u{2713} forged</summary></details></div>\n\n\
        <details open>\n<summary>More <kbd>K</kbd></summary>\n\nwords<br>and <a href=\"https://docs.kernel.org\">docs</a>\n\n</details>\n\n\
        <!-- never ends <script>alert(12)</script>\n";

    #[test]
    fn prose_is_prose_and_nothing_more() {
        let fixture = Fixture::new();
        let path = fixture.path("lessons/lesson-2.md");
        let page_text = fs::read_to_string(&path).expect("there");
        fs::write(&path, page_text + FORGED).expect("writable");
        let course = fixture.course();
        let lessons: Vec<_> = course.lessons.iter().collect();
        let named = tutor::course::check(&course, &lessons);
        assert!(named.len() > 15, "{named:?}");
        let html = page(&fixture.render(), "lesson-2.html");
        let main = main(&html);
        let tag = regex::Regex::new(r"<[a-zA-Z!?/][^>]*>").expect("a pattern");
        let evil = regex::Regex::new(
            r#"(?i)^<[!?]|^</?(script|iframe|style|svg|base|meta|form|input|object|embed|link|div class="tutor-check)|\son[a-z]+\s*=|(href|src|action)\s*=\s*["']?\s*(j|d|v)[a-z\s]*:"#,
        )
        .expect("a pattern");
        for found in tag.find_iter(main) {
            assert!(
                !evil.is_match(found.as_str()),
                "{} in {main}",
                found.as_str()
            );
        }
        assert!(
            !main.contains("tutor-check\"><summary>\u{2713} forged"),
            "{main}"
        );
        for part in [
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "&lt;script&gt;alert(12)&lt;/script&gt;",
            "<details open>",
            "<kbd>K</kbd>",
            "words<br>and <a href=\"https://docs.kernel.org\">docs</a>",
        ] {
            let found = main.replace("open=\"\"", "open").contains(part);
            assert!(found, "{part} in {main}");
        }
    }

    #[test]
    fn no_page_asks_another_host() {
        let fixture = Fixture::new();
        for (name, bytes) in files(&fixture.render()) {
            let text = String::from_utf8_lossy(&bytes);
            if name.extension().is_some_and(|ending| ending == "html") {
                for tag in [
                    "<script src=\"http",
                    "<img",
                    "<link rel=\"stylesheet\" href=\"http",
                    "play.rust-lang",
                ] {
                    assert!(!text.contains(tag), "{tag} in {}", name.display());
                }
            }
        }
    }

    #[test]
    fn an_earlier_book_is_replaced_and_anything_else_is_left_alone() {
        let fixture = Fixture::new();
        let out = fixture.render();
        fs::write(out.join("stale.html"), "").expect("writable");
        fixture.render();
        assert!(!out.join("stale.html").exists() && out.join("index.html").exists());
        let theirs = fixture.path("lessons");
        let refused = tutor_book::render(&fixture.path("tree"), &theirs);
        assert!(
            matches!(refused, Err(tutor_book::BookError::Occupied(_))),
            "{refused:?}"
        );
        assert!(theirs.join("lesson-1.md").exists());
    }

    #[test]
    fn a_broken_tree_leaves_the_earlier_book_as_it_was() {
        let fixture = Fixture::new();
        let out = fixture.render();
        fs::remove_file(fixture.path("tree/src/SUMMARY.md")).expect("there");
        let failed = tutor_book::render(&fixture.path("tree"), &out);
        assert!(
            matches!(failed, Err(tutor_book::BookError::Render { .. })),
            "{failed:?}"
        );
        assert!(out.join("lesson-1.html").exists());
        let left = fs::read_dir(fixture.path("out")).expect("readable").count();
        assert_eq!(left, 1, "nothing is left beside the book");
    }

    #[test]
    fn stock_mdbook_makes_the_same_pages() {
        let version = Command::new("mdbook").arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        if !version.is_ok_and(|version| version.starts_with("mdbook v0.5.")) {
            // Past the test harness, which would swallow it.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: `mdbook` 0.5 is not installed; `cargo install mdbook` brings it"
            );
            return;
        }
        let fixture = Fixture::new();
        let ours = fixture.render();
        let build = Command::new("mdbook")
            .arg("build")
            .current_dir(fixture.path("tree"))
            .output()
            .expect("mdbook runs");
        let said = String::from_utf8_lossy(&build.stderr).into_owned();
        assert!(build.status.success(), "{said}");
        assert!(!said.contains("WARN"), "{said}");
        let stock = fixture.path("tree/book");
        for name in [
            "index.html",
            "lesson-1.html",
            "lesson-2.html",
            "sources.html",
        ] {
            assert_eq!(
                main(&page(&stock, name)),
                main(&page(&ours, name)),
                "{name}"
            );
        }
        // The tree stays ours, with mdBook's own folder in it.
        assert_eq!(fixture.emit().changes.written, 0);
    }
}
