//! Promises about what the shell of a lesson keeps from one step to the next.

use crate::shell::Shell;
use tutor::backend::{Backend, Mode, Status};

/// And so does every shell after the first.
pub fn the_shell_starts_in_the_given_folder(backend: &dyn Backend) {
    let mut shell = Shell::open_with(backend, |folder| {
        std::fs::write(folder.join("from the lesson"), "its text\n").expect("writable");
    });
    assert_eq!(
        shell.prints("cat 'from the lesson'; [ \"$PWD\" -ef \"$HOME\" ] && echo home"),
        "its text\nhome\n"
    );
    shell.run("cd /; exit");
    assert_eq!(shell.prints("cat 'from the lesson'"), "its text\n");
}

/// It is cleared and fixed; what bash itself adds is known.
pub fn the_environment_is_the_given_one_and_no_more(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let names = shell.prints("env | sed 's/=.*//' | sort | grep -vxE 'PWD|OLDPWD|SHLVL|_'");
    assert_eq!(names, "HOME\nLC_ALL\nPATH\n");
    assert_eq!(shell.prints("export NEW=1"), "");
    assert_eq!(shell.prints("sh -c 'echo $NEW $LC_ALL'"), "1 C.UTF-8\n");
}

/// Like a notebook's kernel.
pub fn folder_variables_and_functions_are_kept(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("mkdir sub; cd sub; x=5; declare -A map=([a]=b); f() { echo \"f $1\"; }; alias g=f; umask 077");
    shell.prints("shopt -s expand_aliases extglob; set -- one two");
    let kept = "basename \"$PWD\"; echo $x ${map[a]}; f 1; g 2; umask; shopt -q extglob && echo $#";
    assert_eq!(shell.prints(kept), "sub\n5 b\nf 1\nf 2\n0077\n2\n");
}

/// `readonly x=1`.
pub fn a_readonly_variable_stays_readonly(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("readonly x=1 PS4 IFS"), "");
    assert_eq!(shell.prints("echo $x"), "1\n");
    let ran = shell.run("x=2");
    assert!(
        ran.status != Status::Exited(0) && ran.stderr().contains("readonly"),
        "{ran:?}"
    );
    assert_eq!(shell.run("echo next").stdout(), "next\n");
}

/// `exec 3>…`: the file is the step's, and stays so.
pub fn a_file_that_a_step_opened_stays_open(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(
        shell.prints("for n in 3 4 5 6 7 8 9 10 63 255; do eval \"exec $n>file-$n\"; done"),
        ""
    );
    assert_eq!(
        shell.prints("echo there >&3; echo too >&255; cat file-3 file-255"),
        "there\ntoo\n"
    );
}

/// `set -u`.
pub fn set_u_is_kept_and_ends_only_the_step_that_breaks_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("set -u"), "");
    assert_eq!(shell.prints("[[ $- == *u* ]] && echo kept"), "kept\n");
    let ran = shell.run("echo \"$nosuch\"; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(1), true, String::new())
    );
    assert_eq!(shell.prints("echo \"[$nosuch]\""), "[]\n");
}

/// `set -e`.
pub fn set_e_is_kept_and_ends_only_the_step_that_breaks_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("set -e"), "");
    assert_eq!(shell.prints("[[ $- == *e* ]] && echo kept"), "kept\n");
    let ran = shell.run("echo before; false; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(1), true, "before\n".to_owned())
    );
    assert_eq!(shell.prints("false; echo next"), "next\n");
}

/// As its `$?`, as at a terminal.
pub fn the_status_of_a_step_is_there_for_the_next_one_alone(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let says = "echo $?";
    assert_eq!(shell.prints(says), "0\n");
    shell.run("(exit 7)");
    // Neither of these is a command of the shell's own.
    shell.run_in(Mode::Check, "exit 3");
    shell.run_in(Mode::Aside, "exit 4");
    let background = shell.begin(Mode::Background, "exit 5");
    shell.end_of(background);
    assert_eq!(shell.prints(says), "7\n");
    assert_eq!(shell.prints(says), "0\n");
    // A comment is no command.
    shell.run("(exit 7)");
    assert_eq!(shell.run("# nothing").status, Status::Exited(0));
    assert_eq!(shell.prints(says), "7\n");
    // None of these minds it, and none is ended by it.
    for set in [
        "trap 'echo trapped' ERR; set -E",
        "set -u",
        "set -o posix",
        "alias return=exit",
        "set -T",
    ] {
        shell.run(set);
        shell.run("(exit 130)");
        assert_eq!(shell.prints(says), "130\n", "{set}");
    }
    assert_eq!(shell.prints("declare -F"), "");
    shell.run("trap - ERR; (exit 9)");
    shell.run("set -e; false");
    // It ended its shell.
    assert_eq!(shell.prints(says), "0\n");
    // Whoever asks goes on.
    shell.run("(exit 9)");
    assert_eq!(shell.prints("before=$?; set -e; echo $before"), "9\n");
}

/// `trap … EXIT`.
pub fn an_exit_trap_runs_once_when_the_shell_closes(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("trap 'echo bye' EXIT"), "");
    assert_eq!(shell.prints("echo still here"), "still here\n");
    assert_eq!(shell.finish(), (vec![], "bye\n".to_owned()));
}

/// A subshell: it sees variables and files.
pub fn a_check_sees_the_shell_and_changes_nothing(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; set -e; mkdir -p sub; cd sub; : >file; f() { echo f; }");
    let ran = shell.run_in(Mode::Check, "f; echo $x; ls; x=2; cd /; exit 3");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(3), false, "f\n1\nfile\n".to_owned())
    );
    assert_eq!(shell.prints("echo $x; basename \"$PWD\""), "1\nsub\n");
}

/// It sees files alone.
pub fn an_aside_has_a_shell_of_its_own(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; echo made >file");
    let ran = shell.run_in(Mode::Aside, "echo ${x-unset}; cat file; exit 5");
    assert_eq!(
        (ran.status, ran.stdout()),
        (Status::Exited(5), "unset\nmade\n".to_owned())
    );
}
