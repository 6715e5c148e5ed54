//! Going back to a step in the lab, and what is said where that cannot be.

mod support;

use std::fs;
use support::{Tutor, skipped, step};
use tutor::folders::Folders;
use tutor_lab::cache::Cache;

fn plain(id: &str, script: &str) -> String {
    step(&format!("{id} compare=none"), script)
}

fn lesson(first: &str) -> String {
    [
        plain("one on=kernel", first),
        plain(
            "two on=kernel",
            "x=$((x + 1)); f; echo two >> made; echo $(cat made)",
        ),
        plain("three", "echo three >> made; echo $(cat made)"),
        plain("four on=kernel", "x=$((x + 1)); f"),
    ]
    .concat()
}

const FIRST: &str = "x=1; f() { echo \"x is $x\"; }; echo one > made";

/// The path of the kernel that the lab has here.
fn kernel() -> Option<String> {
    let folders = Folders::of_user().ok()?;
    let kernel = Cache::below(&folders.cache).kernel("default").ok()??;
    tutor_lab::qemu::Qemu::find(&folders.cache).ok()?;
    Some(kernel.vmlinux.display().to_string())
}

/// The folder of the only lesson's workspace.
fn workspace(tutor: &Tutor) -> String {
    let folders = fs::read_dir(tutor.path("home/data/workspaces")).unwrap();
    let names: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    format!("home/data/workspaces/{}", names[0])
}

#[test]
fn a_run_goes_on_from_the_state_before_a_step_in_any_order_until_the_lesson_changes() {
    let Some(kernel) = kernel() else {
        return skipped("rewinding: the lab has no QEMU or no kernel here");
    };
    let mut tutor = Tutor::new().lesson(lesson(FIRST));
    let run = |tutor: &Tutor, how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
    run(&tutor, "")
        .stdout_has("x is 2")
        .stdout_has("one two three")
        .stdout_has("x is 3")
        .code(0);
    let made = &format!("{}/made", workspace(&tutor));
    assert_eq!(tutor.get(made), "one\ntwo\nthree\n");
    run(&tutor, "--from two")
        .stderr_has("as it was before `two`")
        .stdout_has("x is 2")
        .stdout_has("one two three")
        .stdout_has("x is 3")
        .stdout_lacks("one  on the kernel")
        .code(0);
    run(&tutor, "--only four").stdout_has("x is 3").code(0);
    run(&tutor, "--only two")
        .stdout_has("x is 2")
        .stdout_has("one two\n")
        .code(0);
    // The learner's own content goes before what a step made.
    tutor.put(made, "mine\n");
    run(&tutor, "--only two").stdout_has("mine two\n").code(0);
    tutor.put(made, "one\n");
    tutor = tutor.edited("demo", &lesson(&FIRST.replace("x=1", "x=7")));
    run(&tutor, "--from two")
        .stderr_has("the steps before it run again first")
        .stdout_has("x is 8")
        .code(0);
    let folder = fs::read_dir(tutor.path("home/cache/lab/checkpoints"));
    let kept = folder.unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_dir(&kept).unwrap().count() > 4);
    tutor.run("reset demo").code(0);
    assert!(!kept.exists());
    tutor.run("test demo --kernel none").code(0);
    assert!(!kept.exists(), "a test keeps nothing");
}

#[test]
fn without_a_lab_what_was_asked_for_by_name_is_an_error_and_else_steps_are_skipped() {
    let tutor = Tutor::new().lesson(lesson(FIRST));
    tutor
        .run("run demo --on lab")
        .stderr_has("the lab was asked for (`--on lab`) and cannot be used: ")
        .stderr_has("help: ")
        .code(3);
    tutor
        .run("run demo")
        .stdout_has("skipped")
        .stdout_has("three");
    tutor
        .run("run demo --from three")
        .stderr_has("the steps before it run again first");
    tutor
        .run("run demo --from five")
        .stderr_has("`three`")
        .code(2);
    tutor.run("run demo --from two --only one").code(2);
}
