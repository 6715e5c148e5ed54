//! Promises about what a step prints and reads.

use crate::shell::Shell;
use tutor::backend::{Backend, Happening, Mode, Status};
use tutor::event::Stream;

/// `a\377\000b`.
pub fn bytes_that_are_no_text_come_as_they_were(backend: &dyn Backend) {
    let ran = Shell::open(backend).run(r"printf 'a\377\000b'; printf '\000\376' >&2");
    assert_eq!(
        (ran.stdout.as_slice(), ran.stderr.as_slice()),
        (&b"a\xff\0b"[..], &b"\0\xfe"[..])
    );
}

/// An escape sequence that sets the terminal's title: making it harmless is the renderer's part.
pub fn an_escape_sequence_comes_as_it_was(backend: &dyn Backend) {
    let ran = Shell::open(backend).run(r"printf '\033]0;owned\007\r\n'");
    assert_eq!(ran.stdout, b"\x1b]0;owned\x07\r\n");
}

/// Their order is best effort; which is which is not.
pub fn stdout_and_stderr_are_told_apart(backend: &dyn Backend) {
    let ran = Shell::open(backend).run("echo out; echo err >&2; sh -c 'echo out; echo err >&2'");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("out\nout\n".to_owned(), "err\nerr\n".to_owned())
    );
}

/// A step that prints and then works on; here it works until it is told that the line came.
pub fn the_first_line_of_a_slow_step_comes_before_its_end(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let id = shell.begin(
        Mode::Step,
        "echo first; until [ -e go ]; do sleep 0.01; done; echo last",
    );
    let first = shell.await_that("the first line", |happening| match happening {
        Happening::Output {
            id: printed, bytes, ..
        } if *printed == id => Some(bytes.clone()),
        _ => None,
    });
    assert_eq!(first, b"first\n");
    shell.run_in(Mode::Aside, ": >go");
    assert_eq!(shell.end_of(id).stdout(), "last\n");
}

/// Commands and statuses do not travel where a step prints.
pub fn words_of_the_control_channel_are_output_like_any_other(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let noise = "0123456789abcdef 1 0 hB\n{\"Ended\":{\"id\":1,\"status\":{\"Exited\":0},\"shell\":\"Kept\"}}\n";
    let ran = shell.run(&format!(
        "cat <<'END'\n{noise}END\necho \"$_tutor\" | wc -l >/dev/null; exit 9"
    ));
    assert_eq!(
        (ran.status, ran.stdout()),
        (Status::Exited(9), noise.to_owned())
    );
    assert_eq!(shell.prints("printf '\\0\\1\\2\\3\\4\\5' | wc -c"), "6\n");
}

pub fn commands_of_ours_are_not_in_what_is_printed(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.run("set -x");
    let ran = shell.run("echo text");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("text\n".to_owned(), "++ echo text\n".to_owned())
    );
    assert_eq!(shell.finish(), (vec![], String::new()));
}

pub fn lines_that_set_v_shows_are_those_of_the_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.run("set -v");
    shell.run("# of the step\n(exit 3)");
    let ran = shell.run("echo $?\n# more");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("3\n".to_owned(), "echo $?\n# more\n".to_owned())
    );
    // Both at once, and a sign of its own.
    shell.run("PS4='@ '; set -x");
    shell.run("(exit 4)");
    let ran = shell.run("echo $?");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("4\n".to_owned(), "echo $?\n@@ echo 4\n".to_owned())
    );
    shell.run("set +xv");
    assert_eq!(shell.run("echo quiet").stderr(), "");
    assert_eq!(shell.finish(), (vec![], String::new()));
}

pub fn a_trap_of_a_step_sees_its_own_commands_only(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.run("trap 'echo \"[$BASH_COMMAND]\"' DEBUG; trap 'echo failed' ERR");
    assert_eq!(shell.prints("echo text"), "[echo text]\ntext\n");
    let ran = shell.run("(exit 3)");
    assert_eq!(ran.stdout().matches("failed").count(), 1, "{ran:?}");
    assert_eq!(shell.prints("echo $?"), "[echo $?]\n3\n");
}

/// Nothing is lost on the way; bounding it is the engine's part.
pub fn a_flood_comes_whole_and_in_order(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("seq 1 200000; seq 1 1000 >&2");
    let mut expected = String::new();
    for number in 1..=200_000 {
        expected.push_str(&number.to_string());
        expected.push('\n');
    }
    assert!(
        ran.stdout == expected.as_bytes(),
        "{} bytes came of {}",
        ran.stdout.len(),
        expected.len()
    );
    assert!(ran.stderr().ends_with("\n999\n1000\n"));
}

/// Its pipes are its own.
pub fn what_a_step_left_behind_prints_belongs_to_that_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let late =
        "(until [ -e go ]; do sleep 0.01; done; echo late; echo late >&2; : >went) & exec 5>&1";
    let first = shell.begin(Mode::Step, late);
    assert_eq!(shell.end_of(first).stdout(), "");
    assert_eq!(
        shell.prints(": >go; until [ -e went ]; do sleep 0.01; done; echo now; echo five >&5"),
        "now\n"
    );
    let mut said = String::new();
    for (stream, wanted) in [(Stream::Stdout, "late\nfive\n"), (Stream::Stderr, "late\n")] {
        said.clear();
        while said.len() < wanted.len() {
            said += &shell.await_that("what it printed late", |happening| match happening {
                Happening::Output {
                    id,
                    stream: on,
                    bytes,
                } if (*id, *on) == (first, stream) => {
                    Some(String::from_utf8_lossy(bytes).into_owned())
                }
                _ => None,
            });
        }
        assert_eq!(said, wanted);
    }
}

/// However often the pipes of others were used again meanwhile.
pub fn what_was_left_behind_prints_to_its_own_step_after_hundreds_of_others(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ticking = "exec 5>&1; (until [ -e stop ]; do echo tick; sleep 0.01; done; echo gone) &";
    let left = shell.begin(Mode::Step, ticking);
    shell.end_of(left);
    for round in 0..5 {
        let first = shell.begin(Mode::Step, "echo first");
        let mine = format!("echo {round}; echo five >&5; echo err >&2");
        assert_eq!(shell.end_of(first).stdout(), "first\n");
        for _ in 0..50 {
            let ran = shell.run(&mine);
            assert_eq!(
                (ran.stdout(), ran.stderr()),
                (format!("{round}\n"), "err\n".into())
            );
        }
        for _ in 0..20 {
            assert_eq!(shell.prints("echo one by one"), "one by one\n");
        }
    }
    shell.prints(": >stop; exec 5>&-");
    let mut said = String::new();
    while !said.contains("gone\n") {
        said += &shell.await_that("the last line", |happening| match happening {
            Happening::Output { id, bytes, .. } if *id == left => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
            _ => None,
        });
    }
    let strange = said
        .lines()
        .find(|line| !["tick", "five", "gone"].contains(line));
    assert_eq!(strange, None);
}

/// `cat`, and a shell's own `read`.
pub fn a_step_that_reads_its_input_reads_nothing(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("cat"), "");
    assert_eq!(shell.run("read line").status, Status::Exited(1));
    assert_eq!(shell.prints("bash -s; sh; wc -c"), "0\n");
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `exec` changes its own step's input and no other's.
pub fn every_step_has_an_empty_input(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("seq 3 >numbers");
    for change in ["exec <numbers; read x", "exec <&-", "exec </dev/zero"] {
        shell.run(change);
        assert_eq!(shell.prints("cat"), "", "after `{change}`");
    }
}

/// bash keeps it at a number of its own while a step runs; what comes next is not lost to it.
pub fn what_a_step_reads_of_the_shells_own_input_is_not_missed(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for script in [
        "cat /proc/$$/fd/0 >/dev/null",
        "for file in /proc/$$/fd/1[0-9]; do timeout 0.05 cat $file; done >/dev/null 2>&1; :",
        "for file in 10 11 12; do read -r -t 0.1 -u $file line; done 2>/dev/null; :",
    ] {
        shell.run(script);
        assert_eq!(
            shell.run("echo next").stdout(),
            "next\n",
            "after `{script}`"
        );
    }
}

/// `exec >file`, `exec 1>&-`, `exec 0<&-`, all from 3 to 255 closed, and numbers that bash picks.
pub fn what_a_step_does_to_its_files_ends_with_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let scripts = [
        "exec >file 2>&1; echo hidden",
        "exec 1>&-",
        "exec 2>&-",
        "exec 0<&-",
        "exec 0</etc/passwd",
        "exec 1>&2",
        "for n in {3..255}; do eval \"exec $n>&-\"; done",
        "exec {own}>other; echo there >&$own",
    ];
    for script in scripts {
        shell.run(script);
        let ran = shell.run("cat; echo out; echo err >&2");
        assert_eq!(
            (ran.status, ran.stdout(), ran.stderr()),
            (Status::Exited(0), "out\n".to_owned(), "err\n".to_owned()),
            "after `{script}`"
        );
    }
    assert_eq!(
        shell.prints("cat other; echo more >&$own; cat other"),
        "there\nthere\nmore\n"
    );
}

/// An aside has what the machine gives to every process; no other run has more.
pub fn no_file_of_ours_is_in_what_a_step_starts(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let list = "sh -c 'set -- /proc/$$/fd/*; for file; do echo ${file##*/}; done'";
    let everybodys = shell.run_in(Mode::Aside, list).stdout();
    assert!(everybodys.starts_with("0\n1\n"), "{everybodys}");
    for mode in [Mode::Step, Mode::Check, Mode::Background] {
        assert_eq!(shell.run_in(mode, list).stdout(), everybodys, "{mode:?}");
    }
}

/// As bash's `<(...)` has them, and scripts that write to `/dev/stderr`.
pub fn standard_files_have_their_names(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("cat <(echo one) <(echo two)"), "one\ntwo\n");
    assert_eq!(shell.prints("echo three | cat /dev/stdin"), "three\n");
    let ran = shell.run("echo four >/dev/stderr; echo five >/dev/stdout");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("five\n".into(), "four\n".into())
    );
}
