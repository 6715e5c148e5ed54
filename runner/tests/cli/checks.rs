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

#[test]
fn a_check_of_a_step_that_failed_is_not_asked() {
    let body = plain("load", "echo -1; exit 1")
        + &check("five of=load expect=5", "cat $TUTOR_STDOUT")
        + &check("none of=load expect=-1", "cat $TUTOR_STDOUT")
        + &plain("late timeout=100ms", "sleep 60")
        + &check("slept of=late expect=\"\"", "true");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has("check five: skipped: `load` did not end as it should")
        .stdout_lacks("expected: 5")
        .stdout_lacks("none holds")
        .stdout_lacks("slept holds");
}

#[test]
fn a_check_of_a_step_in_the_background_is_asked_while_it_goes_on() {
    let server = "echo up; touch up; exec sleep 60";
    let body = plain("server background until=file:up", server)
        + &check("up of=server expect=up", "cat $TUTOR_STDOUT");
    Tutor::new().lesson(body).run("run demo").code(0);
}

#[test]
fn prose_and_checks_below_a_step_that_failed_are_marked() {
    let body = "The kernel is asked.\n\n".to_owned()
        + &plain("load", "false")
        + "The kernel took it.\n\nIt is there.\n\n"
        + &plain("silence", "echo 0")
        + &check("silence of=silence expect=0", "cat $TUTOR_STDOUT");
    let ran = Tutor::new().lesson(body).run("run demo").code(1);
    let caveat = "what follows was written about a recorded run; `load` did not go like that here";
    assert_eq!(ran.stdout.matches(caveat).count(), 1, "{}", ran.stdout);
    let (above, below) = ran.stdout.split_once(caveat).expect("a caveat");
    assert!(above.contains("The kernel is asked") && below.contains("The kernel took it"));
    ran.stdout_has("• check silence holds: 0 (after `load` failed, this says little)");
}

#[test]
fn a_failure_that_is_not_compared_is_not_said_to_be_the_meant_one() {
    let body = plain("attach exit=1", "echo cannot load >&2; false");
    let ran = Tutor::new().lesson(body).run("run demo").code(0);
    ran.stdout_has("✓ attach: done, with exit status 1")
        .stdout_lacks("as it should");
}

#[test]
fn of_what_is_not_run_after_a_failure_only_the_count_is_shown() {
    let body = plain("one", "false")
        + "Later prose.\n\n"
        + &plain("two", "echo two")
        + &check("two of=two expect=2", "echo 2")
        + &plain("three", "echo three");
    let ran = Tutor::new()
        .lesson(body)
        .run("run demo --fail-fast")
        .code(1);
    ran.stdout_has("stopped at `one`: 3 steps and checks after it were not run")
        .stdout_lacks("Later prose")
        .stdout_lacks("echo two");
}
