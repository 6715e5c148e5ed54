//! What goes wrong around `tutor`: a clear error, nothing lost, nothing left behind.

use crate::support::{
    Tutor, check, in_own_mounts, is_root, own_seconds, plain, skipped, sleepers, step, until,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Mounts a small disk there and fills it but for that many pages of 4 KiB.
fn nearly_full(folder: &Path, pages: usize) -> String {
    let folder = folder.display();
    format!(
        "mount -t tmpfs -o size=256k tmpfs {folder} && {{ head -c {} /dev/zero >{folder}/.full; }}",
        256 * 1024 - pages * 4096
    )
}

/// The processes that keep a `tutor`'s shells.
fn agents(tutor: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_agent = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        line.split(|byte| *byte == 0).nth(1) == Some(b"__agent")
            && parent == Some(&tutor.to_string())
    };
    pids.filter(is_agent).map(Pid::from_raw).collect()
}

fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[test]
fn kill_9_of_tutor_leaves_no_process_behind() {
    for line in ["run demo", "test", "study demo"] {
        let (plain_one, daemon, background, stubborn) =
            (own_seconds(), own_seconds(), own_seconds(), own_seconds());
        let body = plain("back background", &format!("sleep {background}"))
            + &plain(
                "left",
                &format!("setsid sh -c 'setsid sleep {daemon} >/dev/null 2>&1 &' &"),
            )
            + &plain(
                "hangs",
                &format!(
                    "trap '' TERM HUP INT; (trap '' TERM HUP INT; exec setsid sleep {stubborn}) & sleep {plain_one}"
                ),
            );
        let tutor = Tutor::new().lesson(body).stdin("r\nr\nr\n");
        let running = tutor.start(line);
        let all = [plain_one, daemon, background, stubborn];
        until("all of them", || {
            all.into_iter().all(|seconds| sleepers(seconds) == 1)
        });
        let agents = agents(running.pid());
        assert_eq!(agents.len(), 1);
        running.signal(Signal::SIGKILL);
        until("none of them", || {
            all.into_iter().all(|seconds| sleepers(seconds) == 0)
        });
        until("no agent", || agents.iter().all(|agent| is_gone(*agent)));
        running.end().code(-9);
    }
}

#[test]
fn kill_9_of_tutor_and_its_agent_together_leaves_no_process_behind() {
    let (one, daemon) = (own_seconds(), own_seconds());
    let script =
        format!("trap '' TERM; (setsid setsid sleep {daemon} >/dev/null 2>&1 &); sleep {one}");
    let tutor = Tutor::new().lesson(plain("one", &script));
    let guards = tutor.run("doctor --json").json().to_string();
    if !guards.contains("namespaces") {
        skipped("no namespaces are permitted here, so nobody ends what both leave");
        return;
    }
    let running = tutor.start("run demo");
    until("both", || sleepers(one) + sleepers(daemon) == 2);
    let agents = agents(running.pid());
    // Neither may see the other's end.
    let all = agents.iter().copied().chain([running.pid()]);
    let all: Vec<Pid> = all.collect();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for process in &all {
            kill(*process, signal).expect("it is there");
        }
    }
    until("none of them", || sleepers(one) + sleepers(daemon) == 0);
    running.end().code(-9);
}

/// What a `tutor` makes in the temporary folder.
fn temporary(tutor: &Tutor) -> Vec<String> {
    let entries = fs::read_dir(tutor.path("tmp")).expect("the temporary folder");
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_folder_of_a_test_that_was_killed_goes_with_the_next_test() {
    let seconds = own_seconds();
    let tutor = Tutor::new().unconfined().lesson(plain(
        "hangs",
        &format!("[ -e ../../../go ] || sleep {seconds}"),
    ));
    fs::create_dir_all(tutor.path("tmp")).expect("writable");
    let temporary_folder = tutor.path("tmp").display().to_string();
    let tutor = tutor.env("TMPDIR", &temporary_folder);
    let running = tutor.start("test");
    until("the step", || sleepers(seconds) == 1);
    let other = tutor.start("test");
    until("both", || sleepers(seconds) == 2);
    running.signal(Signal::SIGKILL);
    running.end().code(-9);
    until("the first step's end", || sleepers(seconds) == 1);
    assert_eq!(temporary(&tutor).len(), 2);
    tutor.put("go", "");
    tutor.run("test").code(0);
    // What is in use stays.
    assert_eq!(temporary(&tutor).len(), 1);
    other.signal(Signal::SIGTERM);
    other.end().code(130);
    assert_eq!(temporary(&tutor), Vec::<String>::new());
}

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
        .stdout_has("`bpf/folder.c` cannot be included: Is a directory")
        .stdout_has("`bpf/bytes.c` cannot be included: invalid utf-8")
        .stdout_has("`bpf/link.c` is a link that leads out of the course")
        .stdout_has("there is no file `bpf/none.c` to include")
        .stdout_has("5 errors");
}

#[test]
fn a_polite_end_leaves_no_process_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let (one, two) = (own_seconds(), own_seconds());
        let tutor = Tutor::new().lesson(plain("one", &format!("setsid sleep {one} & sleep {two}")));
        let running = tutor.start("run demo");
        until("the step", || sleepers(one) + sleepers(two) == 2);
        running.signal(signal);
        running.end().code(130);
        assert_eq!(sleepers(one) + sleepers(two), 0);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_step_that_does_not_listen() {
    let seconds = own_seconds();
    let script = format!(
        "trap '' TERM INT; (trap '' TERM INT; exec sleep {seconds}) & while :; do sleep 0.01; done"
    );
    let tutor = Tutor::new().lesson(plain("one", &script));
    let running = tutor.start("run demo");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    running.signal(Signal::SIGINT);
    running.end().code(130).stdout_has("one: interrupted");
    assert_eq!(sleepers(seconds), 0);
}

#[test]
fn kill_9_of_the_agent_breaks_its_step_and_leaves_nothing() {
    let (one, two) = (own_seconds(), own_seconds());
    let body = plain(
        "one",
        &format!("echo begun; setsid sleep {one} & sleep {two}"),
    ) + &plain("two", "echo next");
    let tutor = Tutor::new().lesson(body);
    let running = tutor.start("run demo");
    until("the step", || sleepers(one) + sleepers(two) == 2);
    for agent in agents(running.pid()) {
        kill(agent, Signal::SIGKILL).expect("it is there");
    }
    let ran = running.end().code(1);
    ran.stdout_has("│ begun")
        .stdout_has("one: could not be run: ")
        .stdout_has("│ next");
    until("none of them", || sleepers(one) + sleepers(two) == 0);
}

#[test]
fn kill_9_of_one_agent_spares_the_lessons_beside_it() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let (one, two) = (own_seconds(), own_seconds());
    let tutor = tutor
        .lesson(plain("one", &format!("sleep {one}")))
        .lesson(plain(
            "two",
            &format!(
                "sleep {two} & read -r line <{}; kill $!; echo \"$line\"",
                fifo.display()
            ),
        ));
    let running = tutor.start("test -j 2 --format json");
    until("both steps", || sleepers(one) + sleepers(two) == 2);
    let mut killed = 0;
    for agent in agents(running.pid()) {
        let children =
            fs::read_to_string(format!("/proc/{agent}/task/{agent}/children")).expect("children");
        let shell: Vec<&str> = children.split_whitespace().collect();
        let is_first = shell.iter().any(|shell| {
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))
                .unwrap_or_default();
            children.split_whitespace().any(|child| {
                fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default()
                    == format!("sleep\0{one}\0").as_bytes()
            })
        });
        if is_first {
            kill(agent, Signal::SIGKILL).expect("it is there");
            killed += 1;
        }
    }
    assert_eq!(killed, 1);
    until("the orphan to be gone", || sleepers(one) == 0);
    assert_eq!(sleepers(two), 1);
    fs::write(&fifo, "unharmed\n").expect("the step reads");
    let ran = running.end().code(1);
    assert_eq!(ran.verdicts(), "one broken, two shown");
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

/// A command that runs `tutor` as a user without rights; `None`, with a line, where that cannot be.
fn without_rights(tutor: &Tutor, line: &str) -> Option<Command> {
    let plain = tutor.command(line);
    if !is_root() {
        return Some(plain);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.env_clear().envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.current_dir("/");
    let mut trial = Command::new("setpriv");
    trial.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        env!("CARGO_BIN_EXE_tutor"),
        "--version",
    ]);
    if trial.output().is_ok_and(|output| output.status.success()) {
        return Some(command);
    }
    skipped(
        "no user without rights may run the test's `tutor`, so read-only folders were not tried",
    );
    None
}

/// Lets everybody into the folder that holds all, and makes what is named theirs.
fn open_to_all(tutor: &Tutor, folders: &[&str]) {
    for folder in ["", "course", "course/lessons"] {
        fs::set_permissions(tutor.path(folder), fs::Permissions::from_mode(0o755)).expect("ours");
    }
    for folder in folders {
        fs::create_dir_all(tutor.path(folder)).expect("writable");
        fs::set_permissions(tutor.path(folder), fs::Permissions::from_mode(0o777)).expect("ours");
    }
}

fn set_mode(tutor: &Tutor, below: &str, mode: u32) {
    fs::set_permissions(tutor.path(below), fs::Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let tutor = Tutor::new().lesson(plain("one", "echo ran"));
    open_to_all(&tutor, &["tmp"]);
    set_mode(&tutor, "home", 0o555);
    if let Some(command) = without_rights(&tutor, "run demo") {
        let ran = tutor.start_command(command, "run demo").end().code(3);
        let folder = tutor.path("home").display().to_string();
        ran.stderr_has(&folder)
            .stderr_has("Permission denied")
            .stdout_lacks("│ ran");
    }
}

#[test]
fn a_read_only_folder_is_named_and_loses_nothing() {
    let body = plain("one", "echo ran-1").to_owned()
        + "```text {file=sub/notes.txt}\nmine and yours\n```\n\n"
        + &plain("two", "echo ran-2");
    let tutor = Tutor::new().lesson(body);
    open_to_all(&tutor, &["home", "tmp"]);
    let Some(command) = without_rights(&tutor, "run demo") else {
        return;
    };
    tutor
        .start_command(command, "run demo")
        .end()
        .code(0)
        .stdout_has("│ ran-2");
    // The workspace itself is opened again, whoever closed it.
    let folder = tutor.workspace("demo").join("sub");
    let below = folder
        .strip_prefix(tutor.path(""))
        .expect("below")
        .display()
        .to_string();
    fs::remove_file(folder.join("notes.txt")).expect("it was written");
    set_mode(&tutor, &below, 0o555);
    let command = without_rights(&tutor, "run demo").expect("as before");
    let ran = tutor.start_command(command, "run demo").end().code(3);
    ran.stdout_has("│ ran-1")
        .stderr_has("cannot write `")
        .stderr_has("notes.txt`: Permission denied");
    assert!(!folder.join("notes.txt").exists());
    set_mode(&tutor, &below, 0o777);
}

#[test]
fn folders_that_a_step_closed_go_all_the_same() {
    let close = "mkdir d ~/h && : >d/f >~/h/f && chmod 555 d ~/h";
    let tutor = Tutor::new().lesson(plain("one", close));
    open_to_all(&tutor, &["home", "tmp"]);
    for line in ["run demo", "run demo", "test"] {
        let Some(command) = without_rights(&tutor, line) else {
            return;
        };
        tutor.start_command(command, line).end().code(0);
    }
    let left = fs::read_dir(tutor.path("tmp")).expect("there").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}

#[test]
fn snapshots_that_cannot_be_written_cost_no_result() {
    let tutor = Tutor::new().lesson(step("one", "echo a"));
    open_to_all(&tutor, &["home", "tmp", "course/snapshots"]);
    set_mode(&tutor, "course/snapshots", 0o555);
    let Some(command) = without_rights(&tutor, "test --format json") else {
        return;
    };
    let ran = tutor
        .start_command(command, "test --format json")
        .end()
        .code(1);
    assert_eq!(ran.verdicts(), "one new");
    ran.stderr_has("cannot write snapshot `")
        .stderr_has("Permission denied")
        .stderr_has("help: make the folder writable");
}

#[test]
fn a_full_disk_below_the_workspace_is_named() {
    let body = plain("one", "echo ran-1")
        + &format!(
            "```text {{file=big.txt}}\n{}\n```\n\n",
            "0123456789abcdef\n".repeat(8192)
        )
        + &plain("two", "echo ran-2");
    let tutor = Tutor::new().lesson(body);
    fs::create_dir_all(tutor.path("home/data")).expect("writable");
    let Some(command) = in_own_mounts(
        &tutor,
        &nearly_full(&tutor.path("home/data"), 4),
        "run demo",
    ) else {
        return;
    };
    let ran = tutor.start_command(command, "run demo").end().code(3);
    ran.stdout_has("│ ran-1")
        .stdout_lacks("│ ran-2")
        .stderr_has("big.txt`: No space left on device");
}

#[test]
fn a_full_disk_below_the_state_costs_no_result() {
    let tutor = Tutor::new().lesson(plain("one", "echo ran-1") + &plain("two", "exit 4"));
    fs::create_dir_all(tutor.path("home/state")).expect("writable");
    let prepare = nearly_full(&tutor.path("home/state"), 0);
    let Some(command) = in_own_mounts(&tutor, &prepare, "run demo --json") else {
        return;
    };
    let ran = tutor.start_command(command, "run demo --json").end();
    assert_eq!(ran.verdicts(), "one shown, two wrong exit");
    ran.code(1).stderr_has("No space left on device");
}

#[test]
fn a_full_disk_below_the_snapshots_leaves_them_whole() {
    let tutor = Tutor::new().lesson(step("one", "echo old"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let snap = tutor.path("course/snapshots/demo/one.snap");
    let old = fs::read_to_string(&snap).expect("accepted");
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("echo old", "seq 1 10000");
    tutor.put("course/lessons/demo.md", &page);
    let folder = tutor.path("course/snapshots");
    let shown = folder.display();
    let keep = format!("cp -r {shown}/demo {}", tutor.path("tmp").display());
    let back = format!("cp -r {}/demo {shown}", tutor.path("tmp").display());
    let list = format!("ls -A {shown}/demo >{}", tutor.path("list").display());
    let prepare = format!("{keep} && {} && {back}", nearly_full(&folder, 4));
    let Some(mut command) = in_own_mounts(&tutor, &prepare, "test") else {
        return;
    };
    // What is there at the end, seen in the same mounts.
    let words: Vec<_> = command.get_args().map(|word| word.to_owned()).collect();
    let line = format!(
        "{prepare} && {{ \"$@\"; code=$?; {list}; cmp {shown}/demo/one.snap {}/demo/one.snap && exit $code; }}",
        tutor.path("tmp").display()
    );
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &line])
        .args(&words[4..])
        .env_clear()
        .envs(environment);
    let ran = tutor.start_command(command, "test").end().code(1);
    ran.stderr_has("cannot write snapshot `")
        .stderr_has("No space left on device")
        .stderr_has("help: free some space");
    assert_eq!(tutor.get("list"), "one.snap\n");
    assert_eq!(fs::read_to_string(&snap).expect("there"), old);
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
fn a_step_that_never_stops_printing_is_ended_and_cut() {
    let body = plain("one", "yes") + &plain("two", "echo next");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --timeout 300ms").code(1);
    assert!(
        ran.stdout.len() < 2 * 1024 * 1024,
        "{} bytes",
        ran.stdout.len()
    );
    ran.stdout_has("one: timed out after 300 ms")
        .stdout_has("bytes were printed")
        .stdout_has("│ next");
}

#[test]
fn a_check_that_hangs_is_ended() {
    let seconds = own_seconds();
    let body = plain("one", "echo 1")
        + &check("two of=one expect=1", &format!("sleep {seconds}"))
        + &plain("three", "echo next");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --timeout 300ms").code(1);
    ran.stdout_has("check two: timed out").stdout_has("│ next");
    assert_eq!(sleepers(seconds), 0);
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
        for (redirection, code, error) in [
            (
                ">/dev/full",
                Some(3),
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
