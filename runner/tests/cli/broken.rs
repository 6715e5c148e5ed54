//! A lesson with errors keeps no other one from running, from being checked or from being in the book.

use super::{Tutor, plain};
use serde_json::Value;

/// A course of a lesson that is good, one with an error, and one that is listed and not there.
pub fn with_broken_lessons() -> Tutor {
    let tutor = Tutor::new()
        .lesson("Good prose.\n\n".to_owned() + &plain("one", "echo it ran"))
        .lesson("Bad prose.\n\n".to_owned() + &plain("two idd=x", "true"));
    let toml = tutor.get("course/lessons/course.toml");
    tutor.put(
        "course/lessons/course.toml",
        &toml.replace("\"demo-2\"", "\"demo-2\", \"gone\""),
    );
    tutor
}

#[test]
fn a_lesson_runs_beside_one_with_an_error() {
    let tutor = with_broken_lessons();
    let ran = tutor.run("run demo").code(0).stdout_has("it ran");
    assert!(!ran.told().contains("idd"), "{}", ran.told());
    tutor
        .run("run demo-2")
        .code(4)
        .stderr_has("lessons/demo-2.md:")
        .stderr_has("unknown attribute `idd`");
    tutor
        .run("run gone")
        .code(4)
        .stderr_has("lesson `gone` is listed, but `lessons/gone.md` is not there");
    tutor.run("show demo-2").code(0).stdout_has("Bad prose.");
    tutor.run("study demo").code(0).stdout_has("it ran");
    tutor.run("study demo-2").code(4).stderr_has("`idd`");
}

#[test]
fn a_test_of_all_runs_the_good_ones_and_fails() {
    let tutor = with_broken_lessons();
    tutor
        .run("test")
        .code(4)
        .stdout_has("demo")
        .stderr_has("unknown attribute `idd`")
        .stderr_has("2 lessons have errors and were not run: `demo-2`, `gone`");
    tutor.run("test demo").code(0);
    tutor.run("test demo-2").code(4).stderr_has("`idd`");
    let json = tutor.run("test --format json").code(4).json();
    assert_eq!(json["lessons"][0]["lesson"], "demo");
    assert_eq!(json["lessons"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(2));
    tutor
        .run("test --format junit")
        .code(4)
        .stdout_has("demo")
        .stdout_has("unknown attribute `idd`");
}

#[test]
fn a_book_has_the_good_lessons_and_names_the_others() {
    let tutor = with_broken_lessons();
    let ran = tutor.run("book --emit out");
    ran.code(4)
        .stderr_has("unknown attribute `idd`")
        .stderr_has("have errors");
    let pages: String = tutor.files("tmp/out").into_values().collect();
    assert!(pages.contains("Good prose.") && !pages.contains("Bad prose."));
}

#[test]
fn an_error_of_the_course_as_a_whole_keeps_all_from_running() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .course("[needs.x]\nwaht = \"x\"\n");
    tutor.run("run demo").code(4).stderr_has("course.toml");
    tutor.run("test").code(4).stderr_has("course.toml");
}

#[test]
fn a_lesson_that_is_listed_and_not_there_is_the_same_fault_for_every_command() {
    let tutor = with_broken_lessons();
    for line in [
        "show gone",
        "run gone",
        "run gone --json",
        "run gone --dry-run",
        "study gone",
        "test gone",
        "matrix gone",
        "check gone",
        "review gone",
        "accept gone",
        "reject gone one",
        "diff gone",
        "reset gone",
    ] {
        let ran = tutor.run(line).code(4);
        let says = "lesson `gone` is listed, but `lessons/gone.md` is not there";
        assert!(ran.told().contains(says), "{}", ran.told());
        let ran = tutor.run(&line.replace("gone", "nowhere"));
        ran.code(2).stderr_has("no lesson `nowhere` in this course");
    }
}

#[test]
fn a_lesson_that_is_not_there_is_told_in_each_format_and_the_others_run() {
    let tutor = with_broken_lessons();
    let says = "lesson `gone` is listed, but `lessons/gone.md` is not there";
    for (line, lessons) in [
        ("test gone", 0),
        ("test demo gone", 1),
        ("matrix demo gone", 1),
    ] {
        tutor.run(line).code(4).stderr_has(says);
        let ran = tutor.run(&format!("{line} --format json")).code(4);
        let json = ran.stderr_has(says).json();
        assert_eq!(
            json["lessons"].as_array().map(Vec::len),
            Some(lessons),
            "{json}"
        );
        assert_eq!(json["diagnostics"][0]["message"], says, "{json}");
        assert_eq!(json["diagnostics"][1], Value::Null, "{json}");
        let ran = tutor.run(&format!("{line} --format junit")).code(4);
        ran.stdout_has("lesson `gone` is listed");
    }
}

#[test]
fn a_part_whose_lessons_have_errors_is_not_empty() {
    let tutor = with_broken_lessons();
    for (part, says) in [("2/3", "`idd`"), ("3/3", "lesson `gone` is listed")] {
        let ran = tutor.run(&format!("test --partition {part}")).code(4);
        let ran = ran
            .stderr_has(says)
            .stdout_lacks("this part has no lessons");
        assert_eq!(ran.told().matches("help: ").count(), 1, "{}", ran.told());
    }
    tutor.run("test --partition 1/3").code(0);
    tutor
        .run("test --partition 4/4")
        .code(0)
        .stdout_has("this part has no lessons");
}

#[test]
fn a_lesson_is_told_its_own_errors_only() {
    let tutor = with_broken_lessons().lesson(plain("three idd=x", "true"));
    let json = tutor.run("run demo-2 --json").code(4).json();
    let found = json["diagnostics"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{json}");
    assert_eq!(found[0]["file"], "lessons/demo-2.md");
    let ran = tutor.run("run nowhere --json").code(2);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_list_says_which_lessons_it_lacks() {
    let tutor = with_broken_lessons();
    let says = "lesson `gone` is listed, but `lessons/gone.md` is not there";
    // The first list of all reads no lesson.
    let ran = tutor.run("list").code(0).stdout_has("demo-2");
    ran.stderr_has(says);
    tutor.run("run demo").code(0);
    for line in ["list", "list --json", "show --all"] {
        tutor.run(line).code(0).stderr_has(says);
    }
    tutor.run("show demo").code(0).stderr_is_empty();
    let toml = tutor.get("course/lessons/course.toml");
    tutor.put(
        "course/lessons/course.toml",
        &toml.replace("[\"demo\"", "[,\"demo\""),
    );
    tutor.run("list").code(0).stderr_has("this is no TOML");
}

#[test]
fn no_book_is_made_of_broken_lessons_alone() {
    let tutor = Tutor::new().lesson(plain("one idd=x", "true"));
    let ran = tutor.run("book --emit out").code(4);
    ran.stderr_has("`idd`").stdout_lacks("wrote");
    assert!(!tutor.path("tmp/out").exists());
}
