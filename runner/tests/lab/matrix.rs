//! `tutor matrix`, from outside.

use crate::own;
use crate::support::{Tutor, check, has, own_seconds, skipped, sleepers, step, until};
use nix::sys::signal::Signal;

/// A course whose environment has the kernel and clang.
const FACETS: &str = r#"
[facets.kernel]
on = "kernel"
probe = "uname -r"
precision = "minor"

[facets.clang]
on = "host"
probe = "clang --version"
precision = "major"
"#;

/// The first two of these series that this user has.
fn two_series() -> Option<[&'static str; 2]> {
    let series = ["6.12", "6.1", "5.10", "7.3"];
    let mut there = series
        .into_iter()
        .filter(|series| own::kernel(series).is_some());
    Some([there.next()?, there.next()?])
}

#[test]
fn kernels_that_are_not_there_are_named_with_the_command_that_gets_them() {
    let tutor = Tutor::new().lesson(step("a on=kernel", "uname -r"));
    tutor
        .run("matrix --kernels 6.1,5.10")
        .code(3)
        .stderr_has("the lab has no kernels 6.1, 5.10, so nothing was run")
        .stderr_has("`tutor lab setup --kernel 6.1 --kernel 5.10`");
}

#[test]
fn compilers_that_are_not_there_are_named_with_the_command_that_installs_them() {
    let tutor = Tutor::new().lesson(step("a", "true"));
    tutor
        .run("matrix --clang 998")
        .code(3)
        .stderr_has("there is no `clang-998`")
        .stderr_has("`apt-get install clang-998 llvm-998`");
    tutor
        .run("matrix --clang fourteen")
        .code(2)
        .stderr_has("`fourteen` is no major version of clang");
}

#[test]
fn without_any_kernel_host_steps_run_and_kernel_steps_are_skipped_in_the_table() {
    let tutor = Tutor::new().lesson(step("a compare=none", "true") + &step("b on=kernel", "true"));
    let ran = tutor.run("matrix").code(0);
    ran.stdout_has("b on 6.12: skipped")
        .stderr_has("only one environment");
    let only = Tutor::new().lesson(step("b on=kernel", "true"));
    only.run("matrix").code(3);
    tutor.run("matrix --no-skip").code(3);
}

#[test]
fn a_lesson_of_no_such_name_is_a_wrong_command_line() {
    let tutor = Tutor::new().lesson(step("a", "true"));
    tutor.run("matrix nothing").code(2);
}

#[test]
fn each_compiler_is_found_by_its_plain_name_and_its_output_is_a_variant() {
    if !(has("clang-14") && has("clang-16")) {
        skipped("clang-14 and clang-16 are not both installed, so no matrix of compilers was run");
        return;
    }
    let script = "clang --version | sed -n 's/.*version \\([0-9]*\\).*/\\1/p'";
    let tutor = Tutor::new()
        .course(FACETS)
        .lesson(step("version vary=clang", script) + &step("same", "echo 1"));
    let ran = tutor.run("matrix --clang 16,14 --format json").code(1);
    let json = ran.json();
    assert_eq!(json["format"], 1);
    let rows = &json["lessons"][0]["rows"];
    assert_eq!(
        rows[0]["groups"].as_array().map(Vec::len),
        Some(2),
        "{json}"
    );
    assert_eq!(
        rows[1]["groups"].as_array().map(Vec::len),
        Some(1),
        "{json}"
    );
    tutor.run("accept --all").code(0);
    let snapshots = tutor.files("course/snapshots");
    assert!(
        snapshots.contains_key("demo/version.snap")
            && snapshots.contains_key("demo/version@clang-14.snap"),
        "{snapshots:?}"
    );
    tutor
        .run("matrix --clang 14,16")
        .code(0)
        .stdout_has("version  variant")
        .stdout_has("all as expected: 3 same, 1 variant");
}

#[test]
fn two_kernels_side_by_side_and_their_variants_accepted() {
    let Some([one, other]) = two_series() else {
        skipped("the lab has less than two of its kernels, so no matrix of kernels was run");
        return;
    };
    let tutor = Tutor::new().course(FACETS).lesson(
        step("release on=kernel vary=kernel", "uname -r | cut -d. -f1,2")
            + &step("equal on=kernel", "echo 1")
            + &step("torn on=kernel", "uname -r | cut -d. -f1,2")
            + &check("dot of=release match=\"^[0-9]\"", "cat \"$TUTOR_STDOUT\""),
    );
    own::give_kernels(&tutor);
    let line = format!("matrix --kernels {one},{other}");
    let ran = tutor.run(&line).code(1);
    ran.stdout_has("environments disagree on `demo/torn`")
        .stdout_has(&format!("release on {other}: new, beside {one}"));
    tutor.run("accept --all").code(0);
    let snapshots = tutor.files("course/snapshots");
    let names: Vec<&str> = snapshots.keys().map(String::as_str).collect();
    let variant = format!("demo/release@kernel-{other}.snap");
    assert_eq!(names, ["demo/equal.snap", "demo/release.snap", &variant]);
    let text = &snapshots[&variant];
    assert!(
        text.contains("machine: QEMU") && text.contains(&format!("kernel: \"{other}\"")),
        "{text}"
    );
    let ran = tutor.run(&format!("{line} --format json"));
    let json = ran.json();
    let marks = |row: usize| json["lessons"][0]["rows"][row]["marks"].clone();
    assert_eq!(
        marks(0),
        serde_json::json!({ one: "same", other: "variant" })
    );
    assert_eq!(
        marks(3),
        serde_json::json!({ one: "holds", other: "holds" })
    );
    let junit = tutor.run(&format!("{line} --format junit"));
    junit.stdout_has(&format!("<testsuite name=\"demo on {other}\""));
}

#[test]
fn an_interrupt_shows_what_was_seen_and_leaves_nothing_to_accept() {
    let seconds = own_seconds();
    let script = format!("sleep {seconds}");
    let tutor = Tutor::new().lesson(step("a", "echo 1") + &step("b", &script));
    let running = tutor.start("matrix");
    until("the step sleeps", || sleepers(seconds) > 0);
    running.signal(Signal::SIGINT);
    running.end().code(130).stdout_has("b  interrupted");
    assert_eq!(sleepers(seconds), 0);
    assert!(!tutor.path("course/snapshots").exists());
}
