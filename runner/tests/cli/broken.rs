//! A lesson with errors keeps no other one from running, from being checked or from being in the book.

use super::{Tutor, plain};

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
        .stderr_has("2 lessons have errors and were not run: `gone`, `demo-2`");
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
