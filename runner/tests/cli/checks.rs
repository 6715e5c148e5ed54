//! Checks, and where they run.

use super::*;

#[test]
fn a_check_that_ends_the_shell_is_seen_to() {
    let body = plain("one", "x=5") + &check("dead of=one expect=1", "kill -9 $$");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("this ended the lesson's shell");
}

#[test]
fn a_single_step_builds_on_what_the_last_run_made() {
    let body = plain("make", "echo made > product") + &plain("use", "cat product");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    tutor.run("run demo --only use").code(0).stdout_has("made");
    tutor.run("run demo --only use").code(0).stdout_has("made");
}

#[test]
fn a_check_sees_its_steps_output_and_the_shells_state() {
    let body = plain("one exit=3", "x=5; echo to out; echo to err >&2; (exit 3)")
        + &check("out of=one expect=\"to out\"", "cat \"$TUTOR_STDOUT\"")
        + &check("err of=one match=\"^to [a-z]+$\"", "cat \"$TUTOR_STDERR\"")
        + &check("exit of=one expect=3", "echo \"$TUTOR_EXIT\"")
        + &check("between of=one range=1..5", "echo $x; x=7; exit")
        + &check("state of=one expect=5", "echo $x");
    let ran = Tutor::new().lesson(body).run("run demo --json").code(0);
    let all = "one shown, check out passed, check err passed, check exit passed, check between passed, check state passed";
    assert_eq!(ran.verdicts(), all);
}

#[test]
fn a_failing_check_shows_the_sentence_the_expected_and_the_actual() {
    let body = plain("one", "echo 7") + &check("seven of=one range=8..9", "cat $TUTOR_STDOUT");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has("The sentence of seven")
        .stdout_has("expected: 8..9")
        .stdout_has("got:      7");
    let report = tutor.run("test --format json").code(1).json();
    let item = &report["lessons"][0]["items"][1];
    assert_eq!(
        (&item["expected"], &item["actual"]),
        (&"8..9".into(), &"7".into())
    );
}

#[test]
fn a_check_with_the_right_output_and_a_wrong_status_fails() {
    let body =
        plain("one", "echo 7") + &check("seven of=one expect=7", "echo 7; echo why >&2; exit 3");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("ended with: 3")
        .stdout_has("why");
}
