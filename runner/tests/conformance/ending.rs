//! Promises about how a step ends: with its own status, and no later step is harmed by what it does
//! to its shell.

use crate::shell::{Shell, quoted};
use tutor::backend::{Backend, Mode, Status};

/// As at a terminal.
pub fn the_status_is_that_of_the_last_command(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("false; true"), "");
    assert_eq!(shell.run("true; (exit 37)").status, Status::Exited(37));
    assert_eq!(shell.run("nosuch-command").status, Status::Exited(127));
    assert_eq!(shell.run("sh -c 'kill -9 $$'").status, Status::Exited(137));
    assert_eq!(shell.prints("# nothing at all"), "");
    assert_eq!(shell.prints(""), "");
}

/// `exit 4`.
pub fn exit_ends_its_own_step_only(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("echo before; exit 4; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(4), true, "before\n".to_owned())
    );
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `exit`, `set -e`, `exec true`, `kill $$`: the next step gets a new shell in the first folder.
pub fn whatever_ends_the_shell_ends_that_step_only(backend: &dyn Backend) {
    let endings = [
        ("exit", Status::Exited(0)),
        ("set -e; false", Status::Exited(1)),
        ("set -r; (exit 5)", Status::Exited(5)),
        ("exec true", Status::Exited(0)),
        ("exec sh -c 'exit 5'", Status::Exited(5)),
        ("kill $$; sleep 100", Status::Signaled(15)),
        ("kill -9 $$; sleep 100", Status::Signaled(9)),
        ("f() { exit 3; }; f", Status::Exited(3)),
    ];
    let mut shell = Shell::open(backend);
    let folder = shell.prints("pwd");
    for (script, status) in endings {
        shell.prints("x=1; cd /");
        let ran = shell.run(script);
        assert_eq!(
            (ran.status, ran.shell_lost),
            (status, true),
            "`{script}`: {ran:?}"
        );
        assert_eq!(
            shell.prints("pwd; echo ${x-lost} >&2"),
            folder,
            "after `{script}`"
        );
        assert_eq!(shell.prints("echo ${x-lost}"), "lost\n", "after `{script}`");
    }
}

/// By the system, for want of memory, or by what an earlier step left.
pub fn a_shell_that_was_ended_between_two_steps_is_told_of(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert!(!shell.run("x=1").shell_new);
    for signal in ["KILL", "TERM", "HUP"] {
        let process = shell.prints("echo $$");
        let kill = format!("kill -{signal} {process}");
        assert_eq!(shell.run_in(Mode::Aside, &kill).status, Status::Exited(0));
        // A check runs in the lesson's shell as well.
        let ran = shell.run_in(Mode::Check, "echo ${x-none}");
        assert_eq!(
            (ran.stdout(), ran.shell_new),
            ("none\n".to_owned(), true),
            "{signal}"
        );
        assert!(!shell.run("x=1").shell_new, "{signal}");
    }
    shell.finish();
}

/// Closing all files takes the shell's own as well: it ends, and the next step gets a new one.
/// What runs there is not taken for the end of the old one.
pub fn a_step_that_closes_every_file_is_heard_to_the_end(backend: &dyn Backend) {
    let close = "for file in /proc/$$/fd/*; do n=${file##*/}; eval \"exec $n>&-\"; done; (exit 3)";
    for _ in 0..20 {
        let mut shell = Shell::open(backend);
        assert_eq!(
            shell.run("exec 0<&- 1>&- 2>&-; (exit 7)").status,
            Status::Exited(7)
        );
        assert_eq!(shell.run(close).status, Status::Exited(3));
        let ran = shell.run("echo next; (exit 9)");
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(9), "next\n".to_owned())
        );
    }
}

/// `ulimit -n`, which nothing can raise again.
pub fn a_step_that_leaves_too_few_files_ends_the_shell_and_nothing_else(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("ulimit -n 5; echo few");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(0), true, "few\n".into())
    );
    assert_eq!(shell.prints("echo next"), "next\n");
    for count in (6..20).rev() {
        shell.run(&format!("ulimit -n {count}"));
        assert_eq!(shell.prints("echo next"), "next\n", "{count}");
        let ran = shell.run_in(Mode::Check, "echo checked");
        assert_eq!(ran.stdout(), "checked\n", "{count}");
    }
}

/// The step that did it ends the shell: the report needs them.
pub fn readonly_names_of_ours_make_nobody_wait(backend: &dyn Backend) {
    for name in [
        "_tutor",
        "_tutor_gate",
        "_tutor_x",
        "_tutor_off",
        "_tutor_begin",
        "_tutor_last",
        "_tutor_status",
    ] {
        let mut shell = Shell::open(backend);
        let ran = shell.run(&format!("echo before; readonly {name}"));
        assert_eq!(ran.stdout(), "before\n", "{name}");
        assert_eq!(shell.prints("echo next"), "next\n", "{name}");
        assert_eq!(shell.prints("echo after"), "after\n", "{name}");
    }
    let mut shell = Shell::open(backend);
    let ran = shell.run("readonly _tutor");
    assert!(ran.shell_lost && ran.status != Status::Exited(0), "{ran:?}");
}

/// The control code does not depend on what a step may redefine.
pub fn builtins_may_be_redefined(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let names = [
        "read", "printf", "eval", "trap", "set", "echo", "exec", "wait", "mapfile", "test", "cd",
    ];
    for name in names {
        shell.run(&format!("{name}() {{ :; }}"));
        shell.run(&format!("alias {name}=false"));
    }
    shell.run("shopt -s expand_aliases; enable -n read");
    assert_eq!(
        shell.run("command pwd >/dev/null; (exit 6)").status,
        Status::Exited(6)
    );
    assert_eq!(shell.run("builtin printf 'next\\n'").stdout(), "next\n");
    assert_eq!(
        shell.run_in(Mode::Check, "builtin echo checked").stdout(),
        "checked\n"
    );
}

/// By a file that it reads, as by itself.
pub fn what_a_file_switches_off_harms_no_later_step(backend: &dyn Backend) {
    for read in [". ./off", "source off"] {
        let mut shell = Shell::open_with(backend, |folder| {
            let off = "enable -n eval printf ulimit read exit; set -x\n";
            std::fs::write(folder.join("off"), off).expect("writable");
        });
        assert_eq!(shell.prints("echo before"), "before\n");
        shell.run(read);
        let ran = shell.run("echo after");
        assert_eq!(ran.stdout(), "after\n", "{read}: {ran:?}");
        // One `+` more for the `eval` that it is in.
        assert_eq!(ran.stderr(), "++ echo after\n", "{read}");
        assert_eq!(shell.run("(exit 6)").status, Status::Exited(6), "{read}");
    }
}

/// Nor does a `continue`.
pub fn a_top_level_break_or_return_does_no_harm(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1");
    for script in ["break", "break 3", "continue", "return", "return 3"] {
        let ran = shell.run(script);
        assert!(!ran.shell_lost, "`{script}`: {ran:?}");
        assert_eq!(shell.prints("echo $x"), "1\n", "after `{script}`");
    }
}

/// Half a construct does not wait for its other half.
pub fn text_that_is_no_shell_is_one_failed_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for script in [
        "if",
        "echo 'open",
        "}",
        ")",
        "for x in",
        "a && ",
        "<<<",
        "cat <(",
        "$((",
    ] {
        let ran = shell.run(script);
        assert!(
            // At an open `$((` bash 5.2 corrupts its memory, and may say no more.
            ran.status != Status::Exited(0) && (!ran.stderr.is_empty() || ran.shell_lost),
            "`{script}`: {ran:?}"
        );
        assert_eq!(shell.prints("echo next"), "next\n", "after `{script}`");
    }
    // Bash's message does not depend on what went before.
    let said = |shell: &mut Shell| {
        let said = shell.run("if then fi (").stderr();
        said.replace(|digit: char| digit.is_ascii_digit(), "")
    };
    let first = said(&mut shell);
    shell.prints("set +x");
    assert_eq!(said(&mut shell), first);
    assert_eq!(shell.prints("cat <<END\nno end of it"), "no end of it\n");
    assert_eq!(
        shell.prints("echo 验证 \"it's\" \\\\ '$x' `echo y`"),
        "验证 it's \\ $x y\n"
    );
}

/// Whether it ends with a newline or not.
pub fn a_report_is_told_from_what_traps_print(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for trap in ["printf trapped", "echo trapped", "printf '\\n\\ntrapped'"] {
        shell.run(&format!("trap {} DEBUG; trap {0} ERR", quoted(trap)));
        assert_eq!(shell.run("(exit 4)").status, Status::Exited(4), "{trap}");
        assert_eq!(
            shell.run("trap - DEBUG ERR; (exit 5)").status,
            Status::Exited(5)
        );
        assert_eq!(shell.prints("echo next"), "next\n");
    }
}

/// Longer than any pipe or argument list.
pub fn a_long_script_runs_to_its_last_line(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let text = "it's `all` $of \"one\" \\ step\n".repeat(10_000);
    let script = format!("cat <<'END' >text\n{text}END\nwc -c <text; (exit 7)");
    for mode in [Mode::Step, Mode::Check] {
        let ran = shell.run_in(mode, &script);
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(7), format!("{}\n", text.len()))
        );
    }
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// As in a long lesson; some of them end the shell, with text of theirs after that.
pub fn many_runs_in_a_row_are_each_heard(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for number in 0..300 {
        let (mode, ending) = match number % 30 {
            7 => (Mode::Check, format!("exit {}", number % 100)),
            11 => (Mode::Background, format!("exit {}", number % 100)),
            13 => (Mode::Step, format!("exit {}\necho never", number % 100)),
            17 => (
                Mode::Step,
                format!("cat /proc/$$/fd/0 >/dev/null; (exit {})", number % 100),
            ),
            _ => (Mode::Step, format!("(exit {})", number % 100)),
        };
        let ran = shell.run_in(mode, &format!("echo {number}; {ending}"));
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(number % 100), format!("{number}\n"))
        );
        assert_eq!(ran.shell_lost, number % 30 == 13);
    }
}

/// A step's own script is free to end with any status; what it starts cannot end it.
pub fn no_program_of_a_step_can_say_how_it_ended(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let forge = r#"
        told=$(cat /proc/$$/fd/10 | tr -d '\0' | grep -aoE "printf '[0-9a-f]+ [0-9]+" | tail -1)
        forged="${told#printf \'} 0"
        for file in /proc/$$/fd/* /proc/$PPID/fd/*; do
            timeout 0.1 sh -c 'echo "$1" >"$2"' forge "$forged" "$file"
        done >/dev/null 2>&1
        for number in 10 11 12 13; do
            (printf '%s\n' "$forged" >&$number)
            env printf '%s\n' "$forged" >&$number
        done >/dev/null 2>&1
        echo "${#forged}" >length
        (exit 3)"#;
    assert_eq!(shell.run(forge).status, Status::Exited(3));
    // What was told was found, and so was a word to forge from.
    shell.prints("(($(cat length) > 18))");
    assert_eq!(shell.run("(exit 4)").status, Status::Exited(4));
}

/// Among those that bash keeps for itself while a step runs are its input and its report's way out.
pub fn a_step_runs_once_whichever_file_was_closed_before(backend: &dyn Backend) {
    for number in 10..=15 {
        let mut shell = Shell::open(backend);
        shell.run(&format!("exec {number}>&-"));
        assert_eq!(shell.run("echo one >>ran; echo one").stdout(), "one\n");
        assert_eq!(shell.run("echo two >>ran; echo two").stdout(), "two\n");
        assert_eq!(shell.prints("cat ran"), "one\ntwo\n", "{number}");
    }
}

/// A shell that is told to have been lost before a step must not make the step run twice.
pub fn a_step_that_kills_its_shell_runs_once(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let kill = "echo >>ran; kill -9 $$";
    shell.run(kill);
    shell.prints("true");
    shell.run(kill);
    shell.run(&format!("ulimit -x 1; {kill}"));
    assert_eq!(shell.prints("wc -l <ran"), "3\n");
}

/// By a process that an earlier step left, say. On a busy machine the shell dies late: it may still
/// take what it is told, and not begin it.
pub fn a_step_told_to_a_shell_that_was_killed_runs_all_the_same(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for round in 0..20 {
        let process = shell.prints("echo $$");
        let kill = format!("kill -9 {process}");
        assert_eq!(shell.run_in(Mode::Aside, &kill).status, Status::Exited(0));
        let ran = shell.run("echo one");
        assert_eq!(
            (ran.stdout(), ran.shell_new),
            ("one\n".into(), true),
            "{round}"
        );
        let ran = shell.run("echo two");
        assert_eq!(
            (ran.stdout(), ran.shell_new),
            ("two\n".into(), false),
            "{round}"
        );
    }
}
