//! Commands that read, and those for authors.

use super::*;
use std::process::Command;

#[test]
fn a_file_that_is_too_long_is_named_with_the_limit() {
    let tutor = Tutor::new().lesson("```c {file=a.c}\n{{#include a.c}}\n```\n");
    let long = |file: &str| {
        let file = fs::File::create(tutor.path(file)).expect("writable");
        file.set_len(80 << 20).expect("sparse");
    };
    long("course/lessons/a.c");
    tutor
        .run("check")
        .code(4)
        .stdout_has("`lessons/a.c` cannot be included: it is longer than 64 MiB")
        .stdout_has("help: what is included is a text in UTF-8 of 64 MiB at the most");
    long("course/lessons/demo.md");
    tutor
        .run("check")
        .stdout_has("`lessons/demo.md` cannot be read: it is longer than 64 MiB");
}

#[test]
fn list_names_the_lessons_in_order() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("a", "true") + &plain("b", "true"));
    let ran = tutor
        .run("list")
        .code(0)
        .stdout_has("A course")
        .stdout_has("5 min");
    assert!(
        ran.stdout.find("The lesson demo ") < ran.stdout.find("The lesson demo-2"),
        "{}",
        ran.stdout
    );
    let json = tutor.run("list --json").code(0).json();
    assert_eq!(
        (&json["format"], &json["lessons"][1]["steps"][0]),
        (&1.into(), &"a".into())
    );
}

#[test]
fn show_reads_a_lesson_without_running_it() {
    let body = step("one", "echo recorded text; echo with errors >&2") + &step("two", "echo 2");
    let tutor = accepted(&body);
    fs::remove_file(tutor.path("course/snapshots/demo/two.snap")).expect("accepted");
    let ran = tutor.not_trusted().run("show demo").code(0);
    ran.stdout_has("recorded, not run now")
        .stdout_has("│ recorded text\n  ┆ with errors\n")
        .stdout_lacks("stderr")
        .stdout_has("no output is recorded yet");
}

#[test]
fn a_lesson_begins_with_its_goals_and_what_follows_a_step_does_not() {
    let tutor = Tutor::new()
        .lesson("Prose.\n\n".to_owned() + &plain("a", "true") + "More.\n\n" + &plain("b", "true"));
    let goals = "time: 5 min\nafter this lesson you can\n  - to be run\n";
    for command in ["show demo", "run demo", "study demo"] {
        tutor.run(command).stdout_has(goals);
    }
    tutor.run("run demo --quiet").code(0).stdout_lacks(goals);
    tutor
        .run("study demo --from b")
        .stdout_has("More.")
        .stdout_lacks(goals);
}

#[test]
fn a_long_file_is_named_and_not_shown() {
    let file = |lines: usize| format!("```text {{file=long}}\n{}```\n\n", "a line\n".repeat(lines));
    let tutor = Tutor::new().lesson(file(100) + &plain("one", "wc -l long"));
    tutor.run("run demo").code(0).stdout_has("│ a line");
    let tutor = tutor.edited("demo", &(file(101) + &plain("one", "wc -l long")));
    for command in ["run demo", "show demo"] {
        tutor
            .run(command)
            .code(0)
            .stdout_has("101 lines, not shown here")
            .stdout_lacks("│ a line");
    }
    tutor.run("run demo").stdout_has("101 long");
}

#[test]
fn show_as_json_is_the_plan() {
    let tutor = Tutor::new().not_trusted().lesson(plain("one", "true"));
    let json = tutor.run("show demo --json").code(0).json();
    assert_eq!(
        (&json["format"], &json["actions"][0]["step"]),
        (&1.into(), &"one".into())
    );
    tutor.run("show nosuch").code(2);
}

#[test]
fn new_writes_a_page_that_check_passes() {
    let tutor = Tutor::new().lesson("Some prose.\n\n".to_owned() + &plain("one", "true"));
    tutor
        .run("new lesson-11")
        .code(0)
        .stdout_has("lessons/lesson-11.md");
    tutor
        .run("check")
        .code(0)
        .stdout_has("2 lessons: no errors, no warnings");
    tutor.run("list").code(0).stdout_has("lesson-11");
    tutor
        .run("new lesson-11")
        .code(2)
        .stderr_has("it is there already");
    tutor.run("new ../out").code(2);
    if support::has("cc") {
        // Its text on masks and checks is true: the next run prints another number.
        tutor.run("test lesson-11").code(1);
        tutor.run("accept lesson-11").code(0);
        tutor.run("test lesson-11").code(0);
    } else {
        skipped("there is no `cc`, so the page of `tutor new` was not run");
    }
}

#[test]
fn new_begins_a_course_in_an_empty_folder_and_in_no_other() {
    let tutor = Tutor::new();
    let new = |folder: &str| {
        fs::create_dir_all(tutor.path(folder)).expect("ours");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
        command
            .args(["new", "lesson-1"])
            .current_dir(tutor.path(folder));
        command.env_clear().env("TUTOR_HOME", tutor.path("home"));
        tutor.start_command(command, "new").end()
    };
    tutor.put("tmp/A \"first\" course/.git/HEAD", "");
    let folder = "tmp/A \"first\" course";
    new(folder).code(0).stdout_has("lessons/lesson-1.md");
    let manifest = tutor.get(&format!("{folder}/lessons/course.toml"));
    let expected = "format = 1\ntitle = 'A \"first\" course'\nlessons = [\"lesson-1\"]\n";
    assert_eq!(manifest, expected);
    assert!(
        tutor
            .get(&format!("{folder}/.gitignore"))
            .contains("\n*.snap.new\n")
    );
    tutor.put("tmp/other/notes.txt", "");
    new("tmp/other")
        .code(2)
        .stderr_has("a course begun only in an empty one");
    assert_eq!(tutor.files("tmp/other").len(), 1);
    // Named, and with an ignore file of its own.
    let named = Tutor::new();
    fs::remove_dir(named.path("course/lessons")).expect("empty");
    named.put("course/.gitignore", "mine\n");
    named.run("new ../x").code(2);
    assert!(!named.path("course/lessons").exists());
    named.run("new lesson-1").code(0);
    named
        .run("check")
        .code(0)
        .stdout_has("1 lesson: no errors, no warnings");
    assert_eq!(named.get("course/.gitignore"), "mine\n");
}

#[test]
fn check_names_links_that_lead_nowhere_and_fetches_none() {
    let tutor = Tutor::new()
        .lesson("## Why\n\n".to_owned() + &plain("one", "true"))
        .lesson(
            "[a](demo.md#why) [b](https://nowhere.invalid/)\n[c](demo-9.md) [d](demo.md#wyh)\n\n"
                .to_owned()
                + &plain("two", "true"),
        );
    tutor
        .run("check")
        .code(0)
        .stdout_has("lessons/demo-2.md:")
        .stdout_has("warning: there is no page `lessons/demo-9.md`")
        .stdout_has("[c](demo-9.md) [d](demo.md#wyh)")
        .stdout_has("^^^^^^^^^")
        .stdout_has("warning: `lessons/demo.md` has no anchor `wyh`")
        .stdout_has("help: did you mean `#why`?")
        .stdout_has("2 lessons: no errors, 2 warnings");
    // A learner is not kept from the lesson by it.
    tutor.run("run demo-2").code(0).stdout_lacks("demo-9");
}

#[test]
fn completions_know_the_lessons() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("two", "true"));
    for shell in ["bash", "zsh", "fish"] {
        tutor
            .run(&format!("completions {shell}"))
            .code(0)
            .stdout_has("tutor")
            .stderr_is_empty();
    }
    tutor.run("completions tcsh").code(2);
    let course = tutor.path("course").display().to_string();
    let tutor = tutor.env("COMPLETE", "fish").env("TUTOR_COURSE", &course);
    let mut command = tutor.command("");
    command.args(["--", "tutor", "run", "dem"]);
    // `--course` went in front of `--`, and the completer takes what is behind it.
    let ran = tutor.start_command(command, "completing").end().code(0);
    ran.stdout_has("demo\t")
        .stdout_has("demo-2\tThe lesson demo-2");
}

#[test]
fn completions_offer_the_steps_of_the_lesson_that_is_typed() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true") + &plain("other", "true"))
        .lesson(plain("two", "true"));
    let course = tutor.path("course").display().to_string();
    let offered = |line: &str, word: usize| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tutor"));
        command.arg("--").args(line.split(' '));
        command.env("COMPLETE", "bash").env("_CLAP_IFS", " ");
        command.env("_CLAP_COMPLETE_INDEX", word.to_string());
        command.env("TUTOR_COURSE", &course);
        let output = command.output().expect("tutor runs");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(offered("tutor run demo --from ", 4), "one other");
    assert_eq!(offered("tutor run demo --timeout 5s --only ot", 6), "other");
    assert_eq!(offered("tutor study demo-2 --from ", 4), "two");
    assert_eq!(offered("tutor run --until  demo-2", 3), "two");
    assert!(offered("tutor accept demo-2 ", 3).starts_with("two "));
    // Without a lesson, steps of all of them.
    assert_eq!(offered("tutor study --from ", 3), "one other two");
    // The course that is typed goes before all others.
    let nowhere = offered("tutor run demo --course /nowhere --from ", 6);
    assert_eq!(nowhere, "");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let folder = tutor.path("man").display().to_string();
    tutor
        .run(&format!("man {folder}"))
        .code(0)
        .stdout_has("man pages are in");
    let pages = tutor.files("man");
    for page in ["tutor.1", "tutor-run.1", "tutor-test.1", "tutor-review.1"] {
        assert!(
            pages.get(page).is_some_and(|text| text.contains(".TH")),
            "{page}: {:?}",
            pages.keys()
        );
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let tutor = Tutor::new().lesson(plain("one", "seq 1 100000"));
    let mut command = std::process::Command::new("bash");
    let line = "\"$0\" run demo --yes --course \"$1\" | head -1; exit ${PIPESTATUS[0]}";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_tutor")])
        .arg(tutor.path("course"));
    command.env("TUTOR_HOME", tutor.path("home"));
    let ran = tutor
        .start_command(command, "run demo | head -1")
        .end()
        .code(0);
    ran.stdout_has("The lesson demo").stderr_is_empty();
}

#[test]
fn a_course_in_the_format_of_another_tutor_is_neither_listed_nor_shown() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let manifest = tutor.get("course/lessons/course.toml");
    let manifest = manifest.replace("format = 1", "format = 2");
    tutor.put("course/lessons/course.toml", &manifest);
    for line in ["list", "list --json", "show demo", "show demo --json"] {
        let ran = tutor.run(line).code(4);
        assert_eq!(ran.stdout, "", "{line}");
        ran.stderr_has("this course format is not known")
            .stderr_has("`format = 1`");
    }
}

#[test]
fn a_lesson_is_shown_where_there_is_no_such_pager() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo it is shown"))
        .env("PAGER", "no-such-pager");
    let Some(running) = at_a_terminal(&tutor, "show demo") else {
        return;
    };
    running.end().code(0).stdout_has("echo it is shown");
}

#[test]
fn nothing_is_hidden_in_json_and_whoever_parses_it_gets_it_all() {
    let script = "echo a\u{200b}b\u{202e}c\u{e0041}d\u{85}\u{7f}";
    let tutor = Tutor::new()
        .lesson(plain("one", script))
        .course("[needs.x]\nwhat = \"w\"\nwhy = \"w\"\nprobe = \"true \u{feff}\"\n");
    let seen = |text: &str| {
        let hidden = |c: char| tutor::visible::is_hidden(c) || c.is_control() && c != '\n';
        assert!(!text.contains(hidden), "{text:?}");
    };
    for line in [
        "show demo --json",
        "run demo --dry-run",
        "check --json",
        "run demo --json",
    ] {
        let ran = tutor.run(line).code(0);
        seen(&ran.stdout);
        if line.starts_with("show") || line.ends_with("--dry-run") {
            let scripts = ran.json().to_string();
            assert!(
                scripts.contains("a\u{200b}b\u{202e}c\u{e0041}d"),
                "{scripts:?}"
            );
        }
    }
    for line in ["show demo", "check", "run demo", "test --format junit"] {
        seen(&tutor.run(line).stdout);
    }
}
