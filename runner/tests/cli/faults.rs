//! Other faults around `tutor`: a clear error, and no wait.

use crate::support::{Tutor, in_own_mounts, plain, step, until};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_fifo_in_the_place_of_a_lesson_or_a_snapshot_is_an_error_and_no_wait() {
    let fifo = |path: &Path| {
        fs::remove_file(path).expect("it was there");
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("writable");
    };
    let tutor = Tutor::new().lesson(step("one", "echo one"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    fifo(&tutor.path("course/snapshots/demo/one.snap"));
    let ran = tutor.run("test").code(1);
    ran.stdout_has("one: ran, and could not be judged: cannot read snapshot")
        .stdout_has("it is no regular file");
    let ran = tutor.run("show demo").code(3);
    assert_eq!(
        ran.stdout.matches("it is no regular file").count(),
        1,
        "{}",
        ran.told()
    );
    let lessons = fs::read_dir(tutor.path("course/lessons")).expect("there are lessons");
    let lesson = lessons
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "md"));
    fifo(&lesson.expect("there is one"));
    tutor.run("test").stderr_has("it is no regular file");
    fifo(&tutor.path("course/lessons/course.toml"));
    tutor
        .run("list")
        .code(2)
        .stderr_has("it is no regular file");
}

#[test]
fn what_cannot_be_included_is_named_with_its_reason() {
    let include =
        |file: &str| format!("```c {{file={file}}}\n{{{{#include ../bpf/{file}}}}}\n```\n\n");
    let files = ["fifo.c", "folder.c", "bytes.c", "link.c", "none.c"];
    let tutor = Tutor::new().lesson(files.map(include).concat() + &step("one", "true"));
    let bpf = tutor.path("course/bpf");
    fs::create_dir_all(bpf.join("folder.c")).expect("writable");
    nix::unistd::mkfifo(&bpf.join("fifo.c"), nix::sys::stat::Mode::S_IRWXU).expect("writable");
    fs::write(bpf.join("bytes.c"), b"int \xff;\n").expect("writable");
    std::os::unix::fs::symlink("/etc/hostname", bpf.join("link.c")).expect("writable");
    let ran = tutor.run("check").code(4);
    ran.stdout_has("`bpf/fifo.c` cannot be included: it is no regular file")
        .stdout_has("`bpf/folder.c` cannot be included: it is no regular file")
        .stdout_has("`bpf/bytes.c` cannot be included: invalid utf-8")
        .stdout_has("`bpf/link.c` is a link that leads out of the course")
        .stdout_has("there is no file `bpf/none.c` to include")
        .stdout_has("5 errors");
}

#[test]
fn two_runs_at_once_in_one_workspace_are_one_too_many() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let tutor = tutor.lesson(plain(
        "one",
        &format!(
            "echo begun >file; read -r line <{}; cat file",
            fifo.display()
        ),
    ));
    let mut running = tutor.start("run demo");
    running.until_stdout("▶ one");
    until("the step", || {
        tutor.path("home/data").exists() && tutor.workspace("demo").join("file").exists()
    });
    for line in ["run demo", "study demo", "reset demo"] {
        let second = tutor.run(line).code(3);
        second
            .stderr_has("another `tutor` runs the lesson there")
            .stderr_has("--fresh")
            .stdout_lacks("begun");
    }
    fs::write(&fifo, "go\n").expect("the step reads");
    running.end().code(0).stdout_has("│ begun");
    let again = tutor.start("run demo");
    fs::write(&fifo, "go\n").expect("the step reads");
    again.end().code(0);
}

#[test]
fn a_snapshot_with_the_marks_of_a_merge_is_named_and_left_alone() {
    let tutor = Tutor::new().lesson(step("one", "echo a") + &step("two", "echo b"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let conflict = "---\nexpression: echo a\ninfo:\n  exit: 0\n---\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n";
    tutor.put("course/snapshots/demo/one.snap", conflict);
    for line in ["run demo", "test"] {
        let ran = tutor.run(line).code(1);
        ran.stdout_has("one.snap`: line 6: the mark of a merge conflict")
            .stdout_has("help: keep one side of the conflict")
            .stdout_has("1 passed");
    }
    assert_eq!(tutor.get("course/snapshots/demo/one.snap"), conflict);
    tutor.put(
        "course/snapshots/demo/one.snap.new",
        "---\nexpression: echo a\n---\na\n",
    );
    for line in ["accept demo", "review"] {
        tutor
            .run(line)
            .code(3)
            .stderr_has("line 6: the mark of a merge conflict")
            .stderr_has("help: ");
    }
    assert_eq!(tutor.get("course/snapshots/demo/one.snap"), conflict);
    tutor.run("show demo").code(3).stdout_has("line 6");
}

#[test]
fn a_missing_bash_is_named() {
    let tutor = Tutor::new().lesson(plain("one", "echo ran"));
    tutor.put("empty", "");
    let empty = tutor.path("empty").display().to_string();
    let prepare = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"]
        .map(|bash| format!("{{ [ ! -e {bash} ] || mount --bind {empty} {bash}; }}"))
        .join(" && ");
    let Some(command) = in_own_mounts(&tutor, &prepare, "run demo") else {
        return;
    };
    let ran = tutor.start_command(command, "run demo").end();
    ran.stdout_has("one: could not be run: ")
        .stdout_has("cannot start bash")
        .code(1);
}

#[test]
fn a_step_that_removes_its_own_folder_is_told_from_the_next() {
    let body = plain("one", "rm -rf \"$PWD\"; echo removed")
        + &plain("two", "exit 5")
        + &plain("three", "echo next");
    let tutor = Tutor::new().unconfined().lesson(body);
    let ran = tutor.run("test --format json").code(1);
    assert_eq!(ran.verdicts(), "one shown, two wrong exit, three broken");
    assert!(
        ran.stdout.contains("cannot start bash in `"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_a_command_ends_with_is_the_same_for_a_reader_that_leaves_early() {
    let tutor = Tutor::new()
        .lesson(step("one", "exit 4"))
        .lesson(step("two", "echo 2"));
    for line in [
        "run demo",
        "run demo --json",
        "test",
        "test --format json",
        "matrix",
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = tutor.command(line);
        command.stdin(Stdio::null()).stdout(writer);
        let output = command.output().expect("tutor runs");
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        // Changed outputs are left to be read all the same.
        let found = tutor.path("course/snapshots/demo-2/two.snap.new").exists();
        assert_eq!(found, !line.starts_with("run"), "{line}");
        tutor.run("reject --all").code(0);
    }
}

#[test]
fn a_full_or_closed_output_is_no_panic() {
    let tutor = Tutor::new().lesson(step("one", "echo 1") + &plain("two", "echo 2"));
    tutor.run("test").code(1);
    let man = tutor.path("man").display().to_string();
    let lines = [
        "run demo",
        "run demo --json",
        "run demo --dry-run",
        "test",
        "test --format json",
        "test --format junit",
        "list",
        "list --json",
        "show demo",
        "show demo --json",
        "check",
        "check --json",
        "review",
        "review --json",
        "doctor",
        "doctor --json",
        "completions bash",
        "study demo",
        "reset demo",
        "accept demo one",
        "reject demo one",
    ];
    for line in lines
        .map(str::to_owned)
        .into_iter()
        .chain([format!("man {man}")])
    {
        // A test's outputs are new, which is worse than that nothing can be written.
        let full = if line.starts_with("test") { 1 } else { 3 };
        for (redirection, code, error) in [
            (
                ">/dev/full",
                Some(full),
                Some("cannot write to standard output: No space left on device"),
            ),
            ("| :", None, None),
            (">&-", None, None),
        ] {
            let plain = tutor.command(&line);
            let mut command = Command::new("bash");
            command.args([
                "-c",
                &format!("\"$@\" {redirection}; exit ${{PIPESTATUS[0]}}"),
                "bash",
            ]);
            command.arg(plain.get_program()).args(plain.get_args());
            command.env_clear().envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            let ran = tutor
                .start_command(command, &format!("{line} {redirection}"))
                .end();
            assert!(!ran.stderr.contains("panicked"), "{}", ran.told());
            match (code, error) {
                (Some(code), Some(error)) => drop(ran.code(code).stderr_has(error)),
                _ => assert!(!ran.stderr.contains("Broken pipe"), "{}", ran.told()),
            }
        }
    }
}
