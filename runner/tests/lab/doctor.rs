//! `tutor doctor` on the lab, from outside.

use crate::own;
use crate::support::{Tutor, step};
use serde_json::Value;
use std::fs;

const NEED: &str = "[needs.series]\nwhat = \"a kernel\"\nwhy = \"for tests\"\non = \"kernel\"\nprobe = \"uname -r\"\nremedy = \"none\"";

/// A course with a step that needs a kernel.
fn course() -> Tutor {
    Tutor::new()
        .lesson(step("one on=kernel needs=series compare=none", "uname -r"))
        .lesson(step("two compare=none", "true"))
        .course(NEED)
}

fn named<'f>(doctor: &'f Value, name: &str) -> &'f Value {
    let findings = doctor["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {doctor:#}"))
}

#[test]
fn the_kernel_that_is_asked_is_the_one_that_steps_would_run_on() {
    let Some((kernel, _)) = own::machine("default", "no doctor asked in it") else {
        return;
    };
    let release = kernel.release;
    let tutor = course();
    own::give_kernels(&tutor);
    let doctor = tutor.run("doctor --json").code(0).json();
    let asked = named(&doctor, "series")["version"]
        .as_str()
        .expect("a version")
        .to_owned();
    assert!(release.starts_with(&asked), "{asked} of {release}");
    let kernel = named(&doctor, "kernel");
    assert_eq!(kernel["on"], "lab");
    assert_eq!(kernel["version"], release);
    // The lessons are those with a step that needs a kernel.
    assert_eq!(kernel["lessons"], serde_json::json!(["demo"]));
    assert_eq!(named(&doctor, "accelerator")["version"], "tcg");
    assert_eq!(named(&doctor, "state")["version"], "saved");
    for name in [
        "qemu",
        "executable-memory",
        "confinement",
        "guest-tools",
        "disk",
    ] {
        assert_eq!(named(&doctor, name)["has"], true, "{name}");
    }
    let ran = tutor.run("doctor").code(0);
    ran.stdout_has("The lab's kernel")
        .stdout_has("a machine was resumed from it just now")
        .stdout_has("This machine's own kernel")
        .stdout_has("✓ lockdown none");
    let findings = doctor["findings"].as_array().expect("findings");
    let places = |name: &str| -> Vec<&Value> {
        let named = findings.iter().filter(|found| found["name"] == name);
        named.map(|found| &found["on"]).collect()
    };
    assert_eq!(places("lockdown"), ["kernel", "own-kernel"]);
    assert_eq!(places("privileges"), ["own-kernel"]);

    let own = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let doctor = tutor.run("doctor --on host --json").code(0).json();
    let asked = named(&doctor, "series")["version"]
        .as_str()
        .expect("a version")
        .to_owned();
    assert!(own.starts_with(&asked), "{asked} of {own}");
    let findings = doctor["findings"].as_array().expect("findings");
    assert!(findings.iter().all(|finding| finding["on"] != "lab"));
    tutor
        .run("doctor --on host")
        .stdout_has("This machine's own kernel")
        .stdout_lacks("The lab");
}

#[test]
fn a_lab_without_a_kernel_is_mended_by_one_command_and_its_steps_are_skipped_for_the_same_reason() {
    let says = "case \"$*\" in *-version) echo QEMU emulator version 8.1.0;; esac";
    let tutor = own::with_qemu(course(), says);
    let ran = tutor.run("doctor").code(3);
    ran.stdout_has("here: the lab has no kernel yet")
        .stdout_has("mend: tutor lab setup")
        .stdout_has("not asked, since the lab cannot be used (see what it lacks above): series");
    let doctor = tutor.run("doctor --json").code(3).json();
    assert_eq!(
        named(&doctor, "kernel")["mend"]["remedy"],
        "tutor lab setup"
    );
    assert_eq!(named(&doctor, "series")["has"], false);
    tutor
        .run("run demo")
        .stdout_has("the lab has no kernel yet");
}

#[test]
fn a_qemu_that_is_too_old_or_may_not_make_code_is_told_with_what_mends_it() {
    let old = own::with_qemu(course(), "echo QEMU emulator version 6.2.0");
    old.run("doctor")
        .code(3)
        .stdout_has("is QEMU 6.2.0, and the lab needs 7.0 or newer")
        .stdout_has("mend: install QEMU 7.0 or newer");
    old.run("lab status")
        .code(3)
        .stdout_has("is QEMU 6.2.0, and the lab needs 7.0 or newer");
    let says = "case \"$*\" in *-version) echo QEMU emulator version 8.1.0;; \
                *) echo 'Could not allocate dynamic translator buffer' >&2; exit 1;; esac";
    own::with_qemu(course(), says)
        .run("doctor")
        .code(3)
        .stdout_has("✗ executable-memory")
        .stdout_has("here: Could not allocate dynamic translator buffer")
        .stdout_has("setsebool");
}

#[test]
fn a_course_without_kernel_steps_is_told_nothing_of_the_lab() {
    let tutor = Tutor::new().lesson(step("one compare=none", "true"));
    tutor
        .run("doctor")
        .code(0)
        .stdout_has("the course declares no needs")
        .stdout_lacks("The lab");
}
