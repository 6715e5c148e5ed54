//! Steps that moved to another lesson, or have another name now: what is known of them comes along.

use crate::support::{Tutor, step};

const BEFORE: &str = "Prose.\n\n```sh {id=one}\necho 1\n```\n\n[How many?](#predict-many)\n\n\
    ```sh {id=old}\necho 2\n```\n\n```sh {predict=many of=old}\ncat \"$TUTOR_STDOUT\"\n```\n";

/// The same step in another lesson, with another name.
fn moved(script: &str) -> String {
    format!(
        "[How many?](#predict-many)\n\n{}```sh {{predict=many of=new}}\ncat \"$TUTOR_STDOUT\"\n```\n",
        step("new was=demo/old", script)
    )
}

/// A course of two lessons; the second step of the first one was accepted, and then moved.
fn course(script: &str) -> Tutor {
    let tutor = Tutor::new().lesson(BEFORE);
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor.run("run demo").code(0);
    tutor
        .edited("demo", &step("one", "echo 1"))
        .lesson(moved(script))
}

fn snapshots(tutor: &Tutor) -> Vec<String> {
    tutor.files("course/snapshots").into_keys().collect()
}

#[test]
fn a_step_that_moved_keeps_its_output_under_its_former_name() {
    let tutor = course("echo 2");
    tutor.run("check --strict").code(0);
    tutor.run("test --strict").code(0);
    tutor.run("show demo-2").code(0).stdout_has("│ 2");
    assert_eq!(snapshots(&tutor), ["demo/old.snap", "demo/one.snap"]);
}

#[test]
fn a_step_that_moved_takes_its_new_name_when_its_output_is_accepted() {
    let tutor = course("echo 3");
    tutor.run("check").stdout_has("`demo/old`");
    tutor.run("test").code(1).stdout_has("-2");
    tutor.run("review").stdout_has("-2");
    tutor.run("accept --all").code(0);
    assert_eq!(snapshots(&tutor), ["demo-2/new.snap", "demo/one.snap"]);
    tutor.run("check --strict").code(0);
    tutor.run("test").code(0);
}

#[test]
fn an_output_under_a_former_name_that_is_replaced_is_pruned() {
    let tutor = course("echo 2");
    let old = tutor.get("course/snapshots/demo/old.snap");
    tutor.put("course/snapshots/demo-2/new.snap", &old);
    tutor
        .run("check")
        .stdout_has("snapshots/demo/old.snap:1:1: warning: this output lies under the former name");
    tutor.run("accept --prune").code(0);
    assert_eq!(snapshots(&tutor), ["demo-2/new.snap", "demo/one.snap"]);
}

#[test]
fn what_a_learner_did_of_a_step_that_moved_counts() {
    let tutor = course("echo 2");
    let done = |tutor: &Tutor| {
        let list = tutor.run("list --json").code(0).json();
        let lessons = list["lessons"].as_array().expect("lessons").clone();
        lessons
            .into_iter()
            .map(|lesson| lesson["done"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(done(&tutor), ["1", "1"]);
    let more = format!("{}{}", moved("echo 2"), step("more", "echo 4"));
    let tutor = tutor.edited("demo-2", &more).stdin("q\n");
    assert_eq!(done(&tutor), ["1", "1"]);
    tutor.run("study demo-2").stdout_has("more");
}

#[test]
fn check_names_a_former_name_that_no_step_left_or_two_claim() {
    let tutor = Tutor::new()
        .lesson(step("one", "echo 1"))
        .lesson(step("two was=dema/two", "echo 2"))
        .lesson(step("three was=demo/one", "echo 3"))
        .lesson(step("four was=demo/gone", "echo 4"))
        .lesson(step("five was=demo/gone", "echo 5"))
        .lesson(step("six was=one", "echo 6"));
    let said = tutor.run("check").code(4);
    let said = said
        .stdout_has("demo-2.md:11:19: warning: no lesson of this course has the name `dema`")
        .stdout_has("did you mean `demo/two`?")
        .stdout_has("demo-3.md:11:21: there is still a step `demo/one`, whose outputs these are")
        .stdout_has("demo-5.md:11:20: the step `demo-4/four` was `demo/gone` too");
    said.stdout_has("demo-6.md:11:19: `one` does not say which lesson that was");
}
