//! Folders that may not be written and disks that are full: a clear error, and nothing is lost.

use crate::support::{Tutor, in_own_mounts, is_root, plain, skipped, step};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
fn a_file_that_the_learner_shut_stays_shut() {
    let body = "```text {file=notes.txt}\nthe lesson's\n```\n\n".to_owned()
        + &plain("read exit=1", "cat notes.txt");
    let tutor = Tutor::new().lesson(body);
    open_to_all(&tutor, &["home", "tmp"]);
    let Some(command) = without_rights(&tutor, "run demo") else {
        return;
    };
    tutor.start_command(command, "run demo").end().code(1);
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::set_permissions(&notes, fs::Permissions::from_mode(0o000)).expect("ours");
    let command = without_rights(&tutor, "run demo").expect("as before");
    let ran = tutor.start_command(command, "run demo").end().code(0);
    ran.stdout_has("kept your edits of notes.txt")
        .stdout_has("cat: notes.txt: Permission denied");
}

#[test]
fn folders_that_a_step_closed_go_all_the_same() {
    let close = "mkdir d ~/h && : >d/f >~/h/f && chmod 555 d ~/h";
    let tutor = Tutor::new().lesson(plain("one", close));
    open_to_all(&tutor, &["home", "tmp", "course/snapshots"]);
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

/// Mounts a small disk there and fills it but for that many pages of 4 KiB.
fn nearly_full(folder: &Path, pages: usize) -> String {
    let folder = folder.display();
    format!(
        "mount -t tmpfs -o size=256k tmpfs {folder} && {{ head -c {} /dev/zero >{folder}/.full; }}",
        256 * 1024 - pages * 4096
    )
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
        .stderr_has("big.txt`: No space left on device")
        .stderr_has("; free some space on that disk and try again: `tutor storage` says");
}

#[test]
fn a_step_that_fills_the_disk_is_told_and_the_lesson_goes_on_when_there_is_room() {
    let body = "```text {file=in.txt}\nthe lesson's\n```\n\n".to_owned()
        + &plain("fill exit=1", "cat /dev/zero >big")
        + "```text {file=late.txt}\nlate\n```\n\n"
        + &plain("two", "cat in.txt late.txt");
    let tutor = Tutor::new().lesson(body);
    let home = tutor.path("home");
    let first = tutor.path("first");
    let (home, first) = (home.display(), first.display());
    let course = tutor.path("course");
    let workspace = format!("{home}/data/workspaces/demo-*");
    // The trust in the course is in the home.
    let prepare = format!(
        "cp -r {home} {first}.home && mount -t tmpfs -o size=1m tmpfs {home} && cp -r {first}.home/. {home} && {{ {} run demo --yes --course {} >{first} 2>&1; rm {workspace}/big; echo mine >$(echo {workspace})/in.txt; }}",
        env!("CARGO_BIN_EXE_tutor"),
        course.display(),
    );
    let Some(command) = in_own_mounts(&tutor, &prepare, "run demo --only two") else {
        return;
    };
    let ran = tutor.start_command(command, "run demo --only two").end();
    let first = tutor.get("first");
    for told in [
        "cat: write error: No space left on device",
        "fill: done, with exit status 1",
        "late.txt`: No space left on device",
        "; free some space on that disk and try again",
    ] {
        assert!(first.contains(told), "no {told:?}: {first}");
    }
    ran.code(0).stdout_has("│ mine\n  │ late\n");
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
    // The folder at the end, seen in the same mounts.
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
