//! A lesson with kernel steps, studied in several sittings.

use crate::own;
use crate::support::{Tutor, plain};
use std::fs;
use std::path::PathBuf;

/// A step that leaves something in the kernel, and two that need it.
fn lesson() -> String {
    [
        plain("build", "echo built >file"),
        plain("pin on=kernel", "mkdir /sys/fs/bpf/here && x=1"),
        plain("look on=kernel", "ls /sys/fs/bpf; echo \"x is $x\""),
        plain(
            "again on=kernel",
            "ls /sys/fs/bpf; x=$((x + 1)); echo \"x is $x\"",
        ),
    ]
    .concat()
}

/// The states of the only lesson.
fn states(tutor: &Tutor) -> Vec<PathBuf> {
    let lessons = fs::read_dir(tutor.path("home/cache/lab/checkpoints")).expect("states");
    let folders = lessons.flatten().map(|lesson| lesson.path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).expect("a folder").flatten());
    files.map(|file| file.path()).collect()
}

#[test]
fn a_later_sitting_has_the_lab_as_it_was_left_or_names_the_step_to_go_back_to() {
    let Some((kernel, _)) = own::machine("default", "no lesson was studied there") else {
        return;
    };
    let line = &format!("study demo --kernel {}", kernel.vmlinux.display());
    let tutor = Tutor::new().lesson(lesson()).stdin("r\nr\nq\n");
    tutor.run(line).code(0);

    let tutor = tutor.stdin("r\nq\n");
    let ran = tutor.run(line).code(0);
    ran.stdout_has("the lab goes on as you left it")
        .stdout_has("│ here")
        .stdout_has("│ x is 1");

    // It is a state like those of `run`: the one before any step, and not the last one only.
    let tutor = tutor.stdin("b\nr\nr\n");
    let ran = tutor.run(line).code(0);
    ran.stdout_has("│ x is 1").stdout_has("│ x is 2");

    // One state is gone: the one before it is named, and there the lab is as it was.
    let look = states(&tutor);
    let look = look.iter().find(|file| file.ends_with("look.moment"));
    fs::remove_file(look.expect("it was kept")).expect("writable");
    let tutor = tutor.stdin("b\nr\nq\n");
    let ran = tutor.run(&format!("{line} --from again")).code(0);
    ran.stdout_has("the lab begins anew, since no state from before `again` fits")
        .stdout_has("tutor study demo --from look")
        .stdout_has("│ here")
        .stdout_has("│ x is 1");

    // A state that is damaged shows itself when it is wanted only.
    for guest in states(&tutor) {
        if guest.extension().is_some_and(|end| end == "guest") {
            fs::write(guest, "damaged").expect("writable");
        }
    }
    let tutor = tutor.stdin("r\nq\n");
    let ran = tutor.run(&format!("{line} --from look"));
    ran.stdout_has("tutor study demo --from build")
        .stdout_lacks("│ here");
}

#[test]
fn a_sitting_without_kernel_steps_before_it_says_nothing_of_the_lab() {
    let lesson = plain("one", "true") + &plain("two", "true") + &plain("three on=kernel", "true");
    let tutor = Tutor::new().lesson(lesson).stdin("r\nq\n");
    tutor.run("study demo").code(0);
    let ran = tutor.stdin("q\n").run("study demo").code(0);
    ran.stdout_has("are as you left them")
        .stdout_lacks("the lab");
}
