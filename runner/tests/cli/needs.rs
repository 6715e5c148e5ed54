//! Needs of steps, and `tutor doctor`.

use super::*;
use std::os::unix::fs::PermissionsExt;
use support::is_root;
use tutor::packages::Distribution;

/// Two needs that a package each brings; they are met once there is a file `NAME-is-here`.
fn packaged(tutor: Tutor) -> Tutor {
    let need = |name: &str, package: &str| {
        let file = tutor.path(&format!("{name}-is-here"));
        let probe = format!(
            "test -e {} || {{ echo no {name}; exit 1; }}",
            file.display()
        );
        format!(
            "[needs.{name}]\nwhat = \"the {name}\"\nwhy = \"for tests\"\nprobe = '{probe}'\n\
             package = \"{package}\"\nremedy = \"make one\"\n"
        )
    };
    let needs = need("saw", "make") + &need("axe", "sed");
    tutor
        .lesson(plain("one needs=saw,axe", "true"))
        .course(&needs)
}

/// A package manager of a few lines of shell; false, with a line, where it is none of this system.
fn with_apt(tutor: Tutor, policy: &str, get: &str) -> Option<Tutor> {
    if !matches!(
        Distribution::here(),
        Distribution::Debian | Distribution::Ubuntu
    ) {
        skipped("this system has no apt, so none was played");
        return None;
    }
    for (name, script) in [("apt-cache", policy), ("apt-get", get)] {
        tutor.put(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let program = tutor.path(&format!("bin/{name}"));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
            .expect("writable");
    }
    let folder = tutor.path("bin").display().to_string();
    Some(tutor.env("PATH", &format!("{folder}:/usr/sbin:/usr/bin:/sbin:/bin")))
}

const NONE: &str = "printf '%s:\\n  Installed: (none)\\n  Candidate: 2\\n' $2";
const NEWEST: &str = "printf '%s:\\n  Installed: 1\\n  Candidate: 1\\n' $2";
const OLD: &str = "printf '%s:\\n  Installed: 1\\n  Candidate: 2\\n' $2";

#[test]
fn a_step_whose_need_is_missing_is_skipped_with_reason_and_remedy() {
    let body = plain("one needs=gone", "echo ran")
        + &check("sure of=one expect=1", "echo 1")
        + &plain("two", "echo 2");
    let tutor = Tutor::new().lesson(body).course(NEEDS);
    let ran = tutor
        .run("run demo")
        .code(0)
        .stdout_lacks("│ ran")
        .stdout_has("│ 2");
    ran.stdout_has("one: skipped: needs gone: there is no such tool")
        .stdout_has("help: build it yourself")
        .stdout_has("tutor doctor");
    assert_eq!(
        tutor.run("test --format json").code(0).verdicts(),
        "one skipped, check sure skipped, two shown"
    );
    tutor
        .run("test --no-skip")
        .code(3)
        .stdout_has("there is no such tool");
    tutor.run("run demo --only one").code(3);
}

#[test]
fn a_need_may_ask_for_a_version() {
    let body = plain("one needs=tool>=99", "echo ran") + &plain("two needs=tool>=1.2", "echo 2");
    let ran = Tutor::new()
        .lesson(body)
        .course(NEEDS)
        .run("run demo")
        .code(0);
    ran.stdout_has("the tool is 1.2.3 here, and 99 or later is needed")
        .stdout_has("│ 2")
        .stdout_lacks("│ ran");
}

#[test]
fn doctor_says_what_is_missing_why_it_matters_and_what_mends_it() {
    let tutor = Tutor::new()
        .lesson(plain("one needs=gone,tool", "true"))
        .course(NEEDS);
    let ran = tutor.run("doctor").code(3);
    ran.stdout_has("✗ gone")
        .stdout_has("there is no such tool")
        .stdout_has("shows what a lack looks like")
        .stdout_has("build it yourself")
        .stdout_has("✓ tool 1.2.3");
    let json = tutor.run("doctor --json").code(3).json();
    assert_eq!(json["format"], 1);
    Tutor::new()
        .lesson(plain("one needs=tool", "true"))
        .course(NEEDS)
        .run("doctor")
        .code(0);
}

#[test]
fn what_a_package_brings_is_skipped_with_the_command_that_installs_it() {
    for policy in [NONE, OLD] {
        let Some(tutor) = with_apt(packaged(Tutor::new()), policy, "exit 1") else {
            return;
        };
        let command = match is_root() {
            true => "apt-get install -y make",
            false => "sudo apt-get install -y make",
        };
        tutor
            .run("run demo")
            .stdout_has("one: skipped: needs saw: no saw")
            .stdout_has(&format!("help: install it: `{command}`"));
        tutor
            .run("doctor")
            .code(3)
            .stdout_has(&format!("mend: {command}"));
    }
}

#[test]
fn a_package_that_is_there_and_too_old_is_not_installed_again() {
    let Some(tutor) = with_apt(packaged(Tutor::new()), NEWEST, "exit 1") else {
        return;
    };
    let says = "`make` 1 is installed, and this system's archive has no newer one: make one";
    tutor
        .run("run demo")
        .stdout_has(&format!("help: {says}"))
        .stdout_lacks("install it");
    tutor
        .run("doctor")
        .code(3)
        .stdout_has(&format!("mend: {says}"))
        .stdout_lacks("apt-get");
    tutor
        .run("doctor --fix")
        .code(3)
        .stdout_has("nothing is missing that a package brings");
}

#[test]
fn after_a_fix_doctor_looks_again_and_says_what_still_stands() {
    if !is_root() {
        skipped("only root installs anything, so nothing was fixed");
        return;
    }
    let tutor = packaged(Tutor::new().unconfined());
    let here = |name: &str| format!("touch {}", tutor.path(&format!("{name}-is-here")).display());
    let (saw, axe) = (here("saw"), here("axe"));
    let Some(tutor) = with_apt(tutor, NONE, &saw) else {
        return;
    };
    let ran = tutor.run("doctor --fix").code(3);
    let (_, after) = ran.stdout.split_once("still missing:").expect("it says so");
    assert!(after.contains("✗ axe") && !after.contains("saw"), "{after}");
    let Some(tutor) = with_apt(tutor, NONE, &axe) else {
        return;
    };
    tutor
        .run("doctor --fix")
        .code(0)
        .stdout_has("all that was missing is there now");
}

#[test]
fn what_the_own_kernel_lacks_is_mended_by_commands_to_type() {
    let need = "[needs.gone]\non = \"kernel\"\nwhat = \"a feature\"\nwhy = \"for tests\"\nprobe = \"false\"\nremedy = \"boot another\"";
    let tutor = Tutor::new()
        .lesson(plain("one on=kernel needs=gone", "true"))
        .course(need);
    let says = match is_root() {
        true => "boot another; in the lab: `tutor run demo`",
        false => {
            "as root: `sudo \"$(command -v tutor)\" run demo --on host`; in the lab, without root: `tutor run demo`"
        }
    };
    tutor
        .run("run demo --on host")
        .stdout_has(&format!("help: {says}"));
    tutor
        .run("doctor --on host")
        .code(3)
        .stdout_has(&format!("mend: {says}"));
}

#[test]
fn doctor_asks_for_the_newest_version_that_a_lesson_wants() {
    let wanting = |version: &str| {
        Tutor::new()
            .lesson(plain("one needs=tool>=1.2", "true"))
            .lesson(plain(&format!("two needs=tool>={version}"), "true"))
            .course(NEEDS)
    };
    wanting("1.2.3").run("doctor").code(0);
    wanting("99")
        .run("doctor")
        .code(3)
        .stdout_has("the tool is 1.2.3 here, and 99 or later is needed")
        .stdout_has("mend: a newer one");
}

#[test]
fn a_kernel_of_the_lab_and_the_own_one_at_once_are_refused_before_anything_is_said() {
    let tutor = Tutor::new().lesson(plain("one on=kernel", "true"));
    let ran = tutor.run("run demo --kernel 6.1 --on host").code(2);
    assert!(
        ran.stderr.starts_with("error: `--kernel`"),
        "{}",
        ran.stderr
    );
}
