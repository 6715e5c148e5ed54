//! Promises about runs that go on beside the steps.

use crate::shell::{GRACE, Shell, own_seconds, sleepers};
use tutor::backend::{Backend, Happening, Mode, Status};
use tutor::event::Stream;

/// A background run is begun, and the next step right after it.
pub fn runs_that_are_asked_for_at_once_all_run(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let mode = |number| {
        if number % 2 == 0 {
            Mode::Step
        } else {
            Mode::Background
        }
    };
    let ids: Vec<u32> = (0..20)
        .map(|number| shell.begin(mode(number), &format!("echo {number}")))
        .collect();
    for (number, id) in ids.into_iter().enumerate() {
        assert_eq!(shell.end_of(id).stdout(), format!("{number}\n"));
    }
}

/// And is the lesson's own job: it sees variables.
pub fn a_background_run_goes_on_beside_the_steps(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=here");
    let id = shell.begin(
        Mode::Background,
        "echo $x; until [ -e go ]; do sleep 0.01; done; echo went; exit 6",
    );
    assert_eq!(shell.prints("echo meanwhile"), "meanwhile\n");
    assert_eq!(shell.prints(": >go"), "");
    let ran = shell.end_of(id);
    assert_eq!(
        (ran.status, ran.stdout()),
        (Status::Exited(6), "here\nwent\n".to_owned())
    );
}

/// So what a step made happen is there for the checks after it.
pub fn what_a_background_run_printed_comes_before_the_end_of_what_waited_for_it(
    backend: &dyn Backend,
) {
    let mut shell = Shell::open(backend);
    let answers = "mkfifo asked\nwhile :; do read -r number <asked || continue\n\
                   echo got $number; echo heard $number >&2; : >done$number\ndone";
    let id = shell.begin(Mode::Background, answers);
    for number in 0..20 {
        let asks = format!(
            "until [ -p asked ]; do :; done; echo {number} >asked\nuntil [ -e done{number} ]; do :; done"
        );
        let step = shell.begin(Mode::Step, &asks);
        shell.end_of(step);
        for (wanted, line) in [
            (Stream::Stdout, format!("got {number}\n")),
            (Stream::Stderr, format!("heard {number}\n")),
        ] {
            let is_there = shell.later.iter().any(|happening| {
                matches!(happening, Happening::Output { id: from, stream, bytes }
                    if *from == id && *stream == wanted && bytes.ends_with(line.as_bytes()))
            });
            assert!(is_there, "{line} did not come before the end");
        }
    }
    shell.stop(id, GRACE);
}

/// The lesson's shell stays.
pub fn a_background_run_is_stopped_with_its_children(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    shell.prints("x=1");
    let id = shell.begin(
        Mode::Background,
        &format!("sleep {seconds} & sh -c 'sleep {seconds}; :'"),
    );
    shell.until_sleepers(2, seconds);
    let ran = shell.stop(id, GRACE);
    assert!(ran.on_request && !ran.shell_lost, "{ran:?}");
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("echo $x"), "1\n");
}

/// Without having been stopped.
pub fn a_background_run_that_ends_says_how(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run_in(Mode::Background, "exit 6");
    assert_eq!((ran.status, ran.shell_lost), (Status::Exited(6), false));
    // As the shell says it, whatever the run traps and whoever waited for it.
    for (script, status) in [
        ("kill -9 $BASHPID", 137),
        ("trap 'true' EXIT; exit 0", 0),
        ("trap 'exit 3' EXIT", 3),
        ("exec sh -c 'exit 5'", 5),
        ("exec true", 0),
    ] {
        let ran = shell.run_in(Mode::Background, script);
        assert_eq!(
            (ran.status, ran.on_request),
            (Status::Exited(status), false),
            "`{script}`"
        );
    }
    let id = shell.begin(Mode::Background, "sleep 1000");
    let said = shell.run("set -e; kill -9 $!; sleep 0.1; set +e; jobs");
    assert_eq!(shell.end_of(id).status, Status::Exited(137));
    let said = said.stdout() + &said.stderr();
    assert!(
        !said.contains("/proc/") && !said.contains("printf"),
        "{said}"
    );
    assert_eq!(shell.prints("echo next"), "next\n");
    // Stopping a run that has ended does not end it.
    let id = shell.begin(Mode::Background, "exit 4");
    // A bash that starts nothing may leave a dead child in `/proc` for as long.
    shell.prints("until [ ! -d /proc/$! ]; do sleep 0.01; done");
    let ran = shell.stop(id, GRACE);
    assert_eq!((ran.status, ran.on_request), (Status::Exited(4), false));
}

/// Whether it has come to its command by then or not.
pub fn a_background_run_hears_a_signal_at_any_moment(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for script in ["exec sleep 1000", "sleep 1000"] {
        for turns in (0..1000).step_by(20) {
            let id = shell.begin(Mode::Background, script);
            let kill = format!(
                "for ((turn = 0; turn < {turns}; turn++)); do :; done; kill $!; wait $!; echo $?"
            );
            assert_eq!(shell.prints(&kill), "143\n", "`{script}`");
            assert_eq!(shell.end_of(id).status, Status::Exited(143));
        }
    }
}

/// As at a terminal.
pub fn an_exit_trap_of_a_background_run_runs_when_it_is_stopped(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("tidy_up() { trap 'echo tidy' EXIT; }");
    for script in ["trap 'echo tidy' EXIT", "tidy_up"] {
        let id = shell.begin(Mode::Background, &format!("{script}; : >up; sleep 1000"));
        shell.prints("until [ -e up ]; do sleep 0.01; done; rm up");
        let ran = shell.stop(id, GRACE);
        assert_eq!(ran.stdout(), "tidy\n", "`{script}`");
    }
}

/// A timeout is the step's own.
pub fn ending_a_step_spares_what_runs_in_the_background(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let (background, foreground) = (own_seconds(), own_seconds());
    let id = shell.begin(Mode::Background, &format!("sleep {background}"));
    shell.until_sleepers(1, background);
    let step = shell.begin(Mode::Step, &format!("sleep {foreground}"));
    shell.until_sleepers(1, foreground);
    shell.stop(step, GRACE);
    shell.until_sleepers(0, foreground);
    assert_eq!(
        shell.run_in(Mode::Aside, &sleepers(1, background)).status,
        Status::Exited(0)
    );
    shell.stop(id, GRACE);
    shell.until_sleepers(0, background);
}
