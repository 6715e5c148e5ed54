//! Promises about steps that a shell is given before those in front of them have ended. Where a
//! backend gives none ahead there is nothing to hold.

use crate::shell::{GRACE, Shell, own_seconds};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use tutor::backend::{Backend, Happening, Mode, Status};
use tutor_agent::processor::WORTH_IT;

/// Whoever gives steps ahead may not have heard yet that one did not end well.
pub fn steps_given_ahead_too_late_do_not_disturb_those_after(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for status in ["(exit 4)", "exit 4"] {
        let bad = shell.begin(Mode::Step, status);
        assert_eq!(shell.end_of(bad).status, Status::Exited(4));
        let Some(late) = shell.ahead(&[": >ran", ": >ran"]) else {
            return;
        };
        let next = shell.begin(Mode::Step, "echo next");
        let ids = shell.ahead(&["echo one", "echo two"]).expect("as before");
        assert_eq!(shell.end_of(next).stdout(), "next\n");
        assert_eq!(shell.end_of(ids[0]).stdout(), "one\n");
        assert_eq!(shell.end_of(ids[1]).stdout(), "two\n");
        assert_eq!(shell.prints("ls"), "", "after `{status}`");
        let said_of_them = shell.later.iter().any(|happening| match happening {
            Happening::Output { id, .. } | Happening::Ended { id, .. } => late.contains(id),
            Happening::Finished { .. } | Happening::KeptYours(_) => false,
        });
        assert!(!said_of_them, "after `{status}`: {:?}", shell.later);
    }
}

/// And each is heard by itself.
pub fn steps_given_ahead_run_in_order(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let first = shell.begin(Mode::Step, "x=0; set -x; set +x");
    let scripts: Vec<String> = (1..=40)
        .map(|number| {
            format!(
                "x=$((x + 1)); echo $x >&2; seq 1 {}; set -u -e",
                number * 500
            )
        })
        .collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let Some(ids) = shell.ahead(&scripts) else {
        return;
    };
    shell.end_of(first);
    for (number, id) in (1..).zip(ids) {
        let ran = shell.end_of(id);
        assert_eq!(ran.stderr(), format!("{number}\n"));
        assert!(
            ran.stdout().ends_with(&format!("\n{}\n", number * 500)),
            "{number}"
        );
    }
}

/// A status, a lost shell: what was to follow does not, and what is asked for then does.
pub fn steps_given_ahead_run_only_if_all_went_well(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for bad in [
        "(exit 80)",
        "exit 0",
        "kill -9 $$",
        "set -e; false",
        "exec true",
        "if",
    ] {
        let first = shell.begin(
            Mode::Step,
            "rm -f ran; until [ -e told ]; do sleep 0.01; done",
        );
        let Some(ids) = shell.ahead(&["echo well", bad, ": >ran", "echo never"]) else {
            return;
        };
        shell.run_in(Mode::Aside, ": >told");
        shell.end_of(first);
        assert_eq!(shell.end_of(ids[0]).stdout(), "well\n");
        shell.end_of(ids[1]);
        assert_eq!(
            shell.prints("rm told; ls; echo next"),
            "next\n",
            "after `{bad}`"
        );
        let said_of_them = shell.later.iter().any(|happening| match happening {
            Happening::Output { id, .. } | Happening::Ended { id, .. } => ids[2..].contains(id),
            Happening::Finished { .. } | Happening::KeptYours(_) => false,
        });
        assert!(!said_of_them, "after `{bad}`: {:?}", shell.later);
    }
}

/// Daemons as well, whatever ran when they were seen first.
pub fn leftovers_of_steps_given_ahead_name_their_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let (one, two) = (own_seconds(), own_seconds());
    let daemon =
        |seconds: u32| format!("setsid sh -c 'sleep {seconds} >/dev/null 2>&1 &' >/dev/null 2>&1");
    let first = shell.begin(Mode::Step, &daemon(one));
    let second = daemon(two);
    let Some(ids) = shell.ahead(&["echo between", &second, "sleep 0.1", "echo last"]) else {
        return;
    };
    shell.end_of(first);
    for id in &ids {
        shell.end_of(*id);
    }
    shell.until_sleepers(1, one);
    shell.until_sleepers(1, two);
    let (mut leftovers, _) = shell.finish();
    leftovers.sort();
    assert_eq!(
        leftovers,
        [
            (Some(first), format!("sleep {one}")),
            (Some(ids[1]), format!("sleep {two}"))
        ]
    );
}

/// A timeout: what comes next is asked for anew.
pub fn ending_a_step_forgets_those_given_ahead(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let first = shell.begin(Mode::Step, &format!("sleep {seconds}"));
    if shell.ahead(&[": >ran", "echo never"]).is_none() {
        return;
    }
    shell.until_sleepers(1, seconds);
    assert!(shell.kill(first, GRACE).shell_lost);
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("ls; echo next"), "next\n");
}

/// As after Ctrl-C between two steps.
pub fn closing_does_not_wait_for_steps_given_ahead(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let first = shell.begin(Mode::Step, "echo first");
    if shell
        .ahead(&[&format!("sleep {seconds}"), ": >ran"])
        .is_none()
    {
        return;
    }
    assert_eq!(shell.end_of(first).stdout(), "first\n");
    shell.finish();
    let mut other = Shell::open(backend);
    other.until_sleepers(0, seconds);
    assert!(!shell.folder.path().join("ran").exists());
}

/// Among those that bash keeps for itself while a step runs are its input and its report's way out.
pub fn steps_given_ahead_run_once_whichever_file_was_closed_before(backend: &dyn Backend) {
    for number in 10..=15 {
        let mut shell = Shell::open(backend);
        let first = shell.begin(Mode::Step, &format!("exec {number}>&-"));
        let Some(ids) = shell.ahead(&["echo one >>ran; echo one", "echo two >>ran; echo two"])
        else {
            return;
        };
        shell.end_of(first);
        for (id, said) in ids.into_iter().zip(["one\n", "two\n"]) {
            let ran = shell.end_of(id);
            assert_eq!((ran.status, ran.stdout()), (Status::Exited(0), said.into()));
        }
        assert_eq!(shell.prints("cat ran"), "one\ntwo\n", "{number}");
        let of_first = |happening: &Happening| match happening {
            Happening::Output { id, .. } => *id == first,
            _ => false,
        };
        assert!(!shell.later.iter().any(of_first), "{:?}", shell.later);
    }
}

/// By a process that an earlier step left, between two steps; nobody has said yet that it is lost.
pub fn steps_given_ahead_to_a_shell_that_was_killed_run_all_the_same(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    // On a busy machine the shell dies late: it may still take what it is told, and not begin it.
    for round in 0..20 {
        let process = shell.prints("echo $$");
        // Where steps are not given ahead there is nothing to lose.
        let kill = format!("kill -9 {process}");
        assert_eq!(shell.run_in(Mode::Aside, &kill).status, Status::Exited(0));
        let Some(ids) = shell.ahead(&["echo one", "echo two"]) else {
            return;
        };
        let one = shell.end_of(ids[0]);
        assert_eq!(
            (one.stdout(), one.shell_new),
            ("one\n".into(), true),
            "{round}"
        );
        let two = shell.end_of(ids[1]);
        assert_eq!(
            (two.stdout(), two.shell_new),
            ("two\n".into(), false),
            "{round}"
        );
    }
}

/// Whatever says that a shell had not come to a step must not make one run twice.
pub fn a_step_that_kills_its_shell_runs_once(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let kill = "echo >>ran; kill -9 $$";
    shell.run(kill);
    shell.prints("true");
    shell.run(kill);
    let first = shell.begin(Mode::Step, "true");
    let ids = shell.ahead(&["true", kill, "true"]);
    shell.end_of(first);
    match ids {
        Some(ids) => drop(shell.end_of(ids[1])),
        None => drop(shell.run(kill)),
    }
    shell.run(&format!("ulimit -x 1; {kill}"));
    assert_eq!(shell.prints("wc -l <ran"), "4\n");
}

/// What this thread starts then inherits that: the machine of another place, say.
pub fn whoever_gave_steps_ahead_may_go_anywhere_when_they_ended(backend: &dyn Backend) {
    let allowed = || sched_getaffinity(Pid::from_raw(0)).expect("this thread's");
    let all = allowed();
    // Where there is one processor there is none to keep off.
    let processors = (0..CpuSet::count()).filter(|number| all.is_set(*number) == Ok(true));
    let is_kept_off = processors.count() > 1;
    for (last, behind) in [
        ("true", None),
        ("exit 0", Some("never")),
        ("false", Some("never")),
    ] {
        let mut shell = Shell::open(backend);
        let first = shell.begin(Mode::Step, "sleep 0.1");
        let mut scripts = vec!["true"; WORTH_IT];
        scripts.push(last);
        scripts.extend(behind);
        let Some(ids) = shell.ahead(&scripts) else {
            return;
        };
        assert_eq!(allowed() != all, is_kept_off, "before `{last}`");
        shell.end_of(first);
        shell.end_of(ids[WORTH_IT]);
        assert_eq!(allowed(), all, "after `{last}`");
    }
}
