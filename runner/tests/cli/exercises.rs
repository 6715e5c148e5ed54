//! Exercises: what the learner begins with, what judges it, hints, and the proof that tests do.

use super::*;

/// An exercise whose task is to let a program print 7.
fn exercise(judge: &str, start: &str, solution: &str) -> String {
    format!(
        "Let it print 7.\n\n```sh {{file=seven.sh}}\n{start}\n```\n\n```sh {{exercise=seven}}\n{judge}\n```\n\n\
         <details id=\"hint-seven-1\"><summary>A hint</summary>\n\nA word *prints*.\n\n</details>\n\n\
         <details id=\"hint-seven-2\"><summary>Another hint</summary>\n\nIt is `echo`.\n\n</details>\n\n\
         <details id=\"solution-seven\"><summary>A solution</summary>\n\n```sh {{file=seven.sh}}\n{solution}\n```\n\n</details>\n\n"
    )
}

const JUDGE: &str = "[ \"$(bash seven.sh)\" = 7 ] || { echo \"it prints no 7\"; exit 1; }";

fn lesson() -> Tutor {
    Tutor::new().lesson(plain("before", "true") + &exercise(JUDGE, "# Here.", "echo 7"))
}

#[test]
fn tests_prove_that_the_start_fails_and_the_solution_passes() {
    let tutor = lesson();
    let ran = tutor.run("test --format json").code(0);
    assert_eq!(ran.verdicts(), "before shown, seven solved");
    tutor.run("test").code(0).stdout_has("1 solved");
    tutor.run("check --strict").code(0);
}

#[test]
fn an_exercise_that_proves_nothing_fails_the_test() {
    let passes_all = exercise("true", "# Here.", "echo 7");
    Tutor::new()
        .lesson(passes_all)
        .run("test")
        .code(1)
        .stdout_has("the fence that judges it passes what the learner begins with");
    let unsolved = exercise(JUDGE, "# Here.", "echo 8");
    Tutor::new()
        .lesson(unsolved)
        .run("test")
        .code(1)
        .stdout_has("the solution does not pass")
        .stdout_has("it prints no 7");
    let changes = exercise("echo 7 >seven.sh; false", "# Here.", "echo 7");
    Tutor::new()
        .lesson(changes)
        .run("test")
        .code(1)
        .stdout_has("the fence that judges it changed `seven.sh`");
}

/// The same task; what is judged is made of the learner's file by a step above.
fn made() -> String {
    let judge = "[ \"$(cat made)\" = 7 ]";
    let body = exercise(judge, "# Here.", "echo 7");
    let build = step("build", "bash seven.sh > made");
    body.replace(
        "```sh {exercise=seven}",
        &(build + "```sh {exercise=seven after=build}"),
    )
}

#[test]
fn what_an_exercise_needs_made_is_made_anew_before_it_is_judged() {
    let tutor = Tutor::new().lesson(made());
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor.run("test").code(0).stdout_has("1 solved");
    tutor.run("run demo").code(0);
    let file = tutor.workspace("demo").join("seven.sh");
    fs::write(&file, "echo 7\n").expect("writable");
    tutor
        .run("run demo --only seven")
        .code(0)
        .stdout_lacks("has changed since");
    fs::write(&file, "echo 7; echo a fault >&2; false\n").expect("writable");
    tutor
        .run("run demo --only seven")
        .code(1)
        .stdout_has("a fault");
}

#[test]
fn an_exercise_names_a_step_above_that_makes_something() {
    for (wrong, help) in [
        ("biuld", "did you mean `build`?"),
        ("later", "write what is to be done first"),
    ] {
        let body =
            made().replace("after=build", &format!("after={wrong}")) + &step("later", "true");
        Tutor::new()
            .lesson(body)
            .run("check")
            .code(4)
            .stdout_has(&format!(
                "above exercise `seven` there is no step `{wrong}` that ends"
            ))
            .stdout_has(help);
    }
}

#[test]
fn what_stands_below_an_exercise_finds_what_the_learner_begins_with() {
    let body = exercise(JUDGE, "# Here.", "echo 7") + &step("after", "cat seven.sh");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    assert!(
        tutor
            .get("course/snapshots/demo/after.snap.new")
            .contains("# Here.")
    );
}

#[test]
fn a_run_leaves_an_exercise_alone_until_it_is_begun() {
    let tutor = lesson();
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("seven: an exercise for you")
        .stdout_has("change `seven.sh`")
        .stdout_has("tutor run demo --only seven")
        .stdout_lacks("bash seven.sh")
        .stdout_lacks("A word prints");
    let file = tutor.workspace("demo").join("seven.sh");
    fs::write(&file, "echo 6\n").expect("written");
    tutor
        .run("run demo")
        .code(1)
        .stdout_has("seven: not solved yet")
        .stdout_has("it prints no 7");
    fs::write(&file, "echo 7\n").expect("written");
    tutor.run("run demo").code(0).stdout_has("seven: solved");
}

#[test]
fn an_exercise_is_judged_alone_when_the_learner_asks() {
    let tutor = lesson();
    tutor.run("run demo").code(0);
    tutor
        .run("run demo --only seven")
        .code(1)
        .stdout_has("seven: not solved yet");
    let file = tutor.workspace("demo").join("seven.sh");
    fs::write(&file, "echo 7\n").expect("written");
    tutor
        .run("run demo --only seven")
        .code(0)
        .stdout_has("seven: solved");
    tutor.run("hint demo").code(0).stdout_has("seven: solved");
    assert_eq!(fs::read_to_string(&file).expect("there"), "echo 7\n");
}

#[test]
fn hints_come_one_after_the_other() {
    let tutor = lesson();
    tutor
        .run("hint demo")
        .code(0)
        .stdout_has("seven: open, 2 hints (0 seen)");
    tutor
        .run("hint demo seven")
        .code(0)
        .stdout_has("A word prints.")
        .stdout_lacks("It is `echo`")
        .stderr_has("one more hint");
    for _ in 0..2 {
        tutor
            .run("hint demo seven")
            .code(0)
            .stdout_has("It is `echo`.")
            .stdout_lacks("A word prints")
            .stderr_has("that was the last hint");
    }
    tutor
        .run("hint demo seven --all")
        .code(0)
        .stdout_has("A word prints.")
        .stdout_has("It is `echo`.");
    tutor
        .run("hint demo seven --solution")
        .code(0)
        .stdout_has("echo 7");
    tutor
        .run("hint demo sven")
        .code(2)
        .stderr_has("did you mean `seven`?");
    Tutor::new()
        .lesson(plain("a", "true"))
        .run("hint demo")
        .code(0)
        .stderr_has("demo has no exercise");
}

#[test]
fn a_page_shows_the_task_and_folds_the_rest() {
    let tutor = lesson();
    tutor
        .run("show demo --no-pager")
        .code(0)
        .stdout_has("A hint: `tutor hint demo seven`")
        .stdout_has("A solution: `tutor hint demo seven --solution`")
        .stdout_lacks("A word prints")
        .stdout_lacks("echo 7");
    tutor.run("show demo --all --no-pager").stdout_has("echo 7");
}

#[test]
fn the_book_folds_hints_and_the_solution() {
    let tutor = lesson();
    tutor.run("book --emit out").code(0);
    let page = tutor.get("tmp/out/src/demo.md");
    let hint = page.find("<details class=\"tutor-clue\" id=\"hint-seven-1\">");
    let text = page.find("A word *prints*.");
    assert!(hint.is_some() && hint < text, "{page}");
    assert!(page.contains("How it is judged"), "{page}");
    let end = page.rfind("</details>");
    assert!(page.find("solution-seven") < end, "{page}");
}

#[test]
fn study_waits_at_an_exercise_and_hints() {
    let tutor = lesson().stdin("r\nh\nh\nh\nr\ns\n");
    let ran = tutor.run("study demo");
    let order = [
        "seven.sh in an editor, then let it be judged",
        "[h]int",
        "A word prints.",
        "there is one more hint",
        "It is `echo`.",
        "that was the last hint",
        "It is `echo`.",
        "the file is as the lesson has it",
        "seven: skipped: by choice",
    ];
    let mut at = 0;
    for text in order {
        let found = ran.stdout[at..].find(text);
        assert!(found.is_some(), "{text} after {at} of {}", ran.stdout);
        at += found.unwrap_or_default() + text.len();
    }
    tutor.run("hint demo").stdout_has("2 hints (2 seen)");
}

#[test]
fn study_stays_at_an_exercise_that_is_not_solved() {
    let tutor = lesson().stdin("r\nq\n");
    tutor.run("study demo");
    let file = tutor.workspace("demo").join("seven.sh");
    fs::write(&file, "echo 6\n").expect("written");
    let tutor = tutor.stdin("r\nh\nq\n");
    tutor
        .run("study demo --from seven")
        .stdout_has("seven: not solved yet")
        .stdout_has("it prints no 7")
        .stdout_has("[Enter] judge again")
        .stdout_has("A word prints.");
    fs::write(&file, "echo 7\n").expect("written");
    let tutor = tutor.stdin("r\n");
    tutor
        .run("study demo --from seven")
        .stdout_has("seven: solved")
        .stdout_lacks("judge again");
}
