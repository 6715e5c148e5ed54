//! Promises about the processes of a step: whatever it started is found and ended.

use crate::shell::{GRACE, SHORT_GRACE, Shell, own_seconds, quoted, sleepers};
use tutor::backend::{Backend, Mode, Status};

/// The table's first row: `sh -c 'sleep A & sleep B'` hangs, and both go.
pub fn a_hanging_step_is_ended_with_all_its_children(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let id = shell.begin(
        Mode::Step,
        &format!("sh -c 'sleep {seconds} & sleep {seconds}'"),
    );
    shell.until_sleepers(2, seconds);
    assert!(shell.stop(id, GRACE).shell_lost);
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `sleep 100 &` with output not redirected.
pub fn a_child_that_holds_the_output_makes_nobody_wait(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    assert_eq!(
        shell.prints(&format!("sleep {seconds} & echo started")),
        "started\n"
    );
    shell.until_sleepers(1, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
    assert_eq!(shell.finish().0, [(Some(1), format!("sleep {seconds}"))]);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// `sleep 100 >/dev/null 2>&1 &`.
pub fn a_silent_child_is_found_and_ended(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    assert_eq!(
        shell.prints(&format!("sleep {seconds} >/dev/null 2>&1 &")),
        ""
    );
    shell.until_sleepers(1, seconds);
    assert_eq!(shell.finish().0, [(Some(1), format!("sleep {seconds}"))]);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// TERM comes first, and a step may tidy up.
pub fn a_step_that_is_ended_is_asked_first(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let wait = "trap 'echo tidy; exit 0' TERM; : >up; while :; do sleep 0.01; done";
    let id = shell.begin(Mode::Step, &format!("bash -c {}", quoted(wait)));
    shell.until("[ -e up ]");
    assert_eq!(shell.stop(id, GRACE).stdout(), "tidy\n");
}

/// KILL comes after the time of grace.
pub fn a_step_that_does_not_listen_is_ended_all_the_same(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let script = format!("trap '' TERM; : >up; sleep {seconds} & while :; do sleep 0.01; done");
    let id = shell.begin(Mode::Step, &script);
    shell.until("[ -e up ]");
    shell.until_sleepers(1, seconds);
    assert!(shell.stop(id, SHORT_GRACE).shell_lost);
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// Found by descent, not by group or session alone.
pub fn a_daemon_in_a_session_of_its_own_is_ended_with_its_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    // Twice away from its parent, as daemons do it.
    let daemon = format!("setsid sh -c 'setsid sleep {seconds} >/dev/null 2>&1 &'");
    let id = shell.begin(
        Mode::Step,
        &format!("({daemon}); while :; do sleep 0.01; done"),
    );
    shell.until_sleepers(1, seconds);
    shell.stop(id, GRACE);
    shell.until_sleepers(0, seconds);
}

/// Also those of the second step, and daemons.
pub fn leftovers_name_the_step_they_came_from(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let (one, two) = (own_seconds(), own_seconds());
    shell.prints(&format!("sleep {one} &"));
    shell.until_sleepers(1, one);
    // The daemon is there before its step ends.
    let daemon = format!(
        "(setsid sleep {two} >/dev/null 2>&1 &); until ({}); do :; done",
        sleepers(1, two)
    );
    let id = shell.begin(Mode::Step, &daemon);
    assert_eq!(shell.end_of(id).status, Status::Exited(0));
    let (mut leftovers, _) = shell.finish();
    leftovers.sort();
    assert_eq!(
        leftovers,
        [
            (Some(1), format!("sleep {one}")),
            (Some(id), format!("sleep {two}"))
        ]
    );
    let mut other = Shell::open(backend);
    other.until_sleepers(0, one);
    other.until_sleepers(0, two);
}

/// However it is dropped: in the middle of a step, too.
pub fn nothing_is_left_when_a_session_is_dropped(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let trap = "trap '' TERM HUP INT";
    shell.begin(
        Mode::Step,
        &format!("{trap}; (setsid sleep {seconds} &); sleep {seconds}"),
    );
    shell.until_sleepers(2, seconds);
    drop(shell);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// The report can say that variables and functions were lost.
pub fn a_timeout_loses_the_shell_and_not_the_folder(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; echo made >file");
    let seconds = own_seconds();
    let id = shell.begin(Mode::Step, &format!("echo begun; sleep {seconds}"));
    shell.until_sleepers(1, seconds);
    let ran = shell.stop(id, GRACE);
    assert_eq!((ran.shell_lost, ran.stdout()), (true, "begun\n".to_owned()));
    assert_eq!(shell.prints("echo ${x-lost}; cat file"), "lost\nmade\n");
}

/// Lessons run side by side.
pub fn two_sessions_know_nothing_of_each_other(backend: &dyn Backend) {
    let (mut one, mut two) = (Shell::open(backend), Shell::open(backend));
    let seconds = own_seconds();
    one.prints("x=1; echo mine >file");
    let id = two.begin(Mode::Step, &format!("sleep {seconds}"));
    two.until_sleepers(1, seconds);
    one.run("exit 1");
    one.finish();
    drop(one);
    assert_eq!(
        two.run_in(Mode::Aside, &sleepers(1, seconds)).status,
        Status::Exited(0)
    );
    two.stop(id, GRACE);
    assert_eq!(two.prints("echo ${x-unset}; ls"), "unset\n");
}
