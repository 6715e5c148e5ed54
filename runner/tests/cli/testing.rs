//! `tutor test`: side by side, in parts, for scripts.

use super::*;

#[test]
fn lessons_are_tested_side_by_side_and_told_in_order() {
    let mut tutor = Tutor::new();
    for number in 1..=6 {
        tutor = tutor.lesson(plain(&format!("step-{number}"), "echo ran"));
    }
    let all = "step-1 shown, step-2 shown, step-3 shown, step-4 shown, step-5 shown, step-6 shown";
    assert_eq!(tutor.run("test -j 4 --format json").code(0).verdicts(), all);
    assert_eq!(tutor.run("test -j 1 --format json").code(0).verdicts(), all);
    assert_eq!(
        tutor
            .run("test demo-3 demo --format json")
            .code(0)
            .verdicts(),
        "step-3 shown, step-1 shown"
    );
}

#[test]
fn a_partition_is_a_part_and_all_parts_are_the_whole() {
    let mut tutor = Tutor::new();
    for number in 1..=5 {
        tutor = tutor.lesson(plain(&format!("step-{number}"), "true"));
    }
    let mut all: Vec<String> = Vec::new();
    for part in 1..=2 {
        let verdicts = tutor
            .run(&format!("test --partition {part}/2 --format json"))
            .code(0)
            .verdicts();
        all.extend(verdicts.split(", ").map(str::to_owned));
    }
    all.sort();
    assert_eq!(
        all,
        (1..=5)
            .map(|number| format!("step-{number} shown"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn junit_is_read_by_others() {
    let body = plain("one", "echo '<out> & ]]>'; printf 'a\\377\\000\\033b'")
        + &plain("two", "exit 4")
        + &plain("three needs=gone", "true")
        + &check("no of=one expect=1", "echo 2");
    let tutor = Tutor::new().lesson(body).course(NEEDS);
    let ran = tutor.run("test --format junit").code(1);
    let report = quick_junit::Report::deserialize_from_str(&ran.stdout).expect("well-formed");
    assert_eq!((report.tests, report.failures, report.errors), (4, 2, 0));
    let names: Vec<_> = report.test_suites[0]
        .test_cases
        .iter()
        .map(|case| case.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["one", "two", "three", "check no"]);
}

#[test]
fn a_runaway_step_shows_both_ends_of_what_it_printed() {
    let body = "```sh {id=one exit=0}\nseq 1 900; false\n```\n";
    let ran = Tutor::new().lesson(body).run("test").code(1);
    ran.stdout_has("│ 1\n")
        .stdout_has("… 700 more lines …")
        .stdout_has("│ 900\n")
        .stdout_lacks("│ 500\n");
}

#[test]
fn no_lessons_at_once_are_refused_in_words() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    for line in ["test -j 0", "matrix -j 0"] {
        tutor
            .run(line)
            .code(2)
            .stderr_has("`0` is no number of lessons: write `1` or more");
    }
}

#[test]
fn a_part_without_lessons_is_a_document_of_its_format() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let part = "test --partition 2/2";
    tutor
        .run(part)
        .code(0)
        .stdout_has("this part has no lessons");
    let json = tutor.run(&format!("{part} --format json")).code(0).json();
    assert_eq!(json["lessons"], serde_json::json!([]));
    let ran = tutor.run(&format!("{part} --format junit")).code(0);
    let report = quick_junit::Report::deserialize_from_str(&ran.stdout).expect("well-formed");
    assert_eq!(report.tests, 0);
}

#[test]
fn a_lesson_without_steps_is_no_failure_beside_one_that_ran() {
    let tutor = Tutor::new().lesson("Words.\n").lesson(plain("one", "true"));
    tutor
        .run("test")
        .code(0)
        .stdout_has("• demo  nothing ran")
        .stdout_has("✓ demo-2  1 shown")
        .stdout_has("all as expected: 1 shown");
}

#[test]
fn the_counts_of_a_lesson_and_of_all_are_in_the_same_words() {
    let tutor = Tutor::new().lesson(step("one", "echo out"));
    tutor.put("course/snapshots/demo/one.snap", "no snapshot\n");
    let ran = tutor.run("test").code(1);
    ran.stdout_has("not as expected: 1 could not be run or judged");
}
