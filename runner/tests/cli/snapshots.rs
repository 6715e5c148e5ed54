//! Snapshots that are damaged, of no step, or of an earlier command.

use super::*;

fn two_steps() -> String {
    step("a", "echo a") + &step("b", "echo b")
}

#[test]
fn a_damaged_snapshot_is_named_and_the_rest_of_the_lesson_is_shown() {
    let tutor = accepted(&two_steps());
    let file = "course/snapshots/demo/a.snap";
    let text = tutor.get(file);
    tutor.put(file, &format!("{text}<<<<<<< HEAD\n"));
    let line = text.lines().count() + 1;
    let named = format!("demo/a.snap`: line {line}: the mark of a merge conflict");
    let shown = tutor.run("show demo").code(3).stdout_has(&named);
    shown.stdout_has("$ echo b").stdout_has("│ b");
    let place = format!("snapshots/demo/a.snap:{line}:1: this accepted output is damaged");
    tutor
        .run("check")
        .code(4)
        .stdout_has(&place)
        .stdout_has("<<<<<<< HEAD");
    let book = tutor.path("book").display().to_string();
    let line = format!("book --emit {book}");
    tutor.run(&line).code(3).stderr_has(&named);
    assert!(tutor.get("book/src/demo.md").contains("echo b"));
}

#[test]
fn each_waiting_output_stands_for_itself() {
    let tutor = Tutor::new().lesson(two_steps());
    tutor.run("test").code(1);
    tutor.put("course/snapshots/demo/a.snap.new", "");
    let damage = "demo/a.snap.new`: line 1: the file is empty or cut off";
    let ran = tutor.run("review").code(3).stderr_has(damage);
    ran.stdout_has("demo/b lessons/demo.md:")
        .stdout_has("1 output waits");
    let rows = tutor.run("review --json").code(3).json();
    assert_eq!(rows["waiting"][0]["step"], "b");
    tutor
        .run("accept --all")
        .code(3)
        .stderr_has(damage)
        .stdout_has("accepted demo/b");
    tutor.run("reject --all").code(0);
    tutor.run("review").code(0).stdout_has("no output waits");
}

#[test]
fn one_output_that_cannot_be_written_keeps_no_other_from_waiting() {
    let long = "a".repeat(250);
    let tutor = Tutor::new().lesson(step(&long, "echo a") + &step("b", "echo b"));
    tutor
        .run("test")
        .code(1)
        .stderr_has("cannot write snapshot");
    assert!(tutor.path("course/snapshots/demo/b.snap.new").exists());
}

#[test]
fn what_an_earlier_command_printed_is_not_accepted() {
    let tutor = Tutor::new().lesson(two_steps());
    tutor.run("test").code(1);
    let tutor = tutor.edited("demo", &two_steps().replace("echo a", "echo other"));
    let why = "left alone: when demo/a printed this, the command was another";
    tutor.run("review").code(0).stdout_has(why);
    tutor
        .run("accept --all")
        .code(3)
        .stderr_has(why)
        .stdout_has("accepted demo/b");
    assert!(!tutor.path("course/snapshots/demo/a.snap").exists());
    tutor.run("test").code(1);
    tutor.run("accept demo a").code(0);
    tutor.run("test").code(0);
}

#[test]
fn what_is_of_no_step_is_named_and_left_alone() {
    let tutor = accepted(&two_steps());
    let snap = tutor.get("course/snapshots/demo/a.snap");
    for file in [
        "demo/old.snap",
        "demo/Bad name.snap.new",
        "ghost/x.snap.new",
    ] {
        tutor.put(&format!("course/snapshots/{file}"), &snap);
        tutor.run("check").code(0).stdout_has(&format!(
            "snapshots/{file}:1:1: warning: this output is of no step"
        ));
    }
    let files = tutor.files("course/snapshots");
    let why = "x.snap.new` is of no step of this course";
    let ran = tutor.run("review").code(0).stdout_has(why);
    ran.stdout_lacks("tutor accept LESSON");
    tutor.run("accept --all").code(3).stderr_has(why);
    assert_eq!(tutor.files("course/snapshots"), files);
}

#[test]
fn prune_takes_no_other_wish() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    for line in [
        "accept --prune --after-failure",
        "accept --prune --all",
        "accept --prune demo",
    ] {
        tutor.run(line).code(2).stderr_has("cannot be used with");
    }
}
