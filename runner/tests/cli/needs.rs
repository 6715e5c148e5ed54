//! What steps need, and `tutor doctor`.

use super::*;

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
