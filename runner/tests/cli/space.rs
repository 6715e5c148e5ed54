//! Files that `tutor` writes, moves and removes: nothing behind a link or a mount, nothing that nobody
//! knows, and nothing that a newer `tutor` wrote.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::{Ran, in_own_mounts, is_root};

/// Runs command lines one after the other in the same mounts, which are no other process's; nothing,
/// with a line, where that cannot be.
fn in_mounts(tutor: &Tutor, prepare: &str, lines: &[&str]) -> Option<Ran> {
    let first = in_own_mounts(tutor, "true", lines[0])?;
    let program = env!("CARGO_BIN_EXE_tutor");
    let course = tutor.path("course");
    let all: Vec<String> = lines
        .iter()
        .map(|line| format!("{program} {line} --course {}", course.display()))
        .collect();
    let script = format!("{prepare}; {}", all.join("; "));
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).env_clear();
    let environment = first.get_envs();
    command.envs(environment.filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(tutor.path("tmp"));
    Some(tutor.start_command(command, &script).end())
}

/// A folder outside of all that is `tutor`'s, with a file in it.
fn outside(tutor: &Tutor) -> String {
    tutor.put("elsewhere/theirs", "theirs\n");
    tutor.path("elsewhere").display().to_string()
}

#[test]
fn nothing_is_removed_behind_a_mount_and_the_mount_is_named() {
    let tutor = Tutor::new();
    let victim = outside(&tutor);
    let bind = format!("mkdir -p m ~/h; mount --bind {victim} m; mount --bind {victim} ~/h");
    let tutor = tutor.lesson(plain("one", &bind));
    let lines = [
        "test --yes",
        "run demo --yes",
        "run demo --yes",
        "reset demo",
    ];
    let Some(ran) = in_mounts(&tutor, "true", &lines) else {
        return;
    };
    assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n", "{}", ran.told());
    // Where steps have mounts of their own, these are gone with the steps.
    let left: Vec<_> = fs::read_dir(tutor.path("tmp")).unwrap().flatten().collect();
    if let Some(left) = left.first() {
        let left = left.path().display().to_string();
        ran.stdout_has(&format!("something is mounted at `{left}"));
    }
}

#[test]
fn a_mount_in_place_of_a_home_costs_nothing_behind_it() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >made; echo note >~/note"));
    let victim = outside(&tutor);
    tutor.run("run demo").code(0);
    let home = fs::read_dir(tutor.path("home/state/workspaces")).unwrap();
    let home = home.flatten().next().unwrap().path().join("home");
    let folder = tutor.workspace("demo");
    for place in [home, folder] {
        let mount = format!("mount --bind {victim} {}", place.display());
        let Some(ran) = in_mounts(&tutor, &mount, &["run demo --yes"]) else {
            return;
        };
        assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n", "{}", ran.told());
        assert_eq!(tutor.files("elsewhere").len(), 1, "{}", ran.told());
        ran.stderr_has("something is mounted at `").code(3);
    }
}

#[test]
fn a_link_in_place_of_the_home_is_removed_and_nothing_behind_it() {
    let tutor = Tutor::new().unconfined();
    let victim = outside(&tutor);
    let body = plain("one", &format!("rm -r \"$HOME\"; ln -s {victim} \"$HOME\""));
    let tutor = tutor.lesson(body + &plain("two", "echo two"));
    for _ in 0..3 {
        tutor.run("run demo --only one");
        let ran = tutor.run("run demo").stdout_has("│ two");
        assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n");
        assert_eq!(tutor.files("elsewhere").len(), 1);
        ran.stdout_has(&format!("a link to `{victim}`"));
    }
    tutor.run("test demo");
    assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n");
    tutor.run("reset demo").code(0);
    assert_eq!(tutor.files("elsewhere").len(), 1);
}

#[test]
fn a_link_in_place_of_the_workspace_is_named_and_reset_puts_it_aside() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >theirs; mkdir -p d"));
    let victim = outside(&tutor);
    tutor.run("run demo").code(0);
    let folder = tutor.workspace("demo");
    // The file looks as if steps had made it.
    fs::remove_dir_all(tutor.path("elsewhere")).unwrap();
    fs::rename(&folder, &victim).unwrap();
    symlink(&victim, &folder).unwrap();
    let before = tutor.files("elsewhere");
    for line in ["run demo", "study demo", "run demo --only one"] {
        let ran = tutor.run(line).code(3);
        ran.stderr_has(&folder.display().to_string())
            .stderr_has("`tutor reset");
        assert_eq!(tutor.files("elsewhere"), before, "{line}");
    }
    tutor.run("reset demo").code(0).stdout_has(".old-1");
    tutor.run("run demo").code(0);
    assert_eq!(tutor.files("elsewhere"), before);
    let aside = folder.with_extension("old-1");
    assert_eq!(fs::read_link(aside).unwrap(), Path::new(&victim));
}

#[test]
fn a_workspace_that_a_step_replaced_is_named() {
    let tutor = Tutor::new().unconfined();
    let victim = outside(&tutor);
    let replace = format!("cd /; rm -r \"$OLDPWD\"; ln -s {victim} \"$OLDPWD\"");
    let tutor = tutor.lesson(plain("one", &replace) + &plain("two", "echo two"));
    let ran = tutor.run("run demo").stdout_has("│ two").code(3);
    ran.stderr_has(&tutor.workspace("demo").display().to_string());
    assert_eq!(tutor.files("elsewhere").len(), 1);
    tutor.run("test demo");
    assert_eq!(tutor.files("elsewhere").len(), 1);
    assert_eq!(fs::read_dir(tutor.path("tmp")).unwrap().count(), 0);
}

/// The program under a limit on open files.
fn with_few_files(tutor: &Tutor, line: &str) -> Ran {
    let mut command = tutor.command(line);
    let plain = std::mem::replace(&mut command, Command::new("bash"));
    command.args(["-c", "ulimit -n 128; exec \"$0\" \"$@\""]);
    command
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear();
    let environment = plain.get_envs();
    command.envs(environment.filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(tutor.path("tmp"));
    tutor.start_command(command, line).end()
}

const DEEP: &str = "deep=$(printf 'd/%.0s' {1..1100}); mkdir -p \"$deep\" ~/\"$deep\"";

#[test]
fn folders_however_deep_are_removed_with_few_open_files() {
    let tutor = Tutor::new().lesson(plain("one", DEEP));
    with_few_files(&tutor, "test demo").code(0);
    let left = fs::read_dir(tutor.path("tmp")).unwrap();
    assert_eq!(left.count(), 0);
    for _ in 0..2 {
        with_few_files(&tutor, "run demo").code(0);
    }
    let left = fs::read_dir(tutor.path("home/data/workspaces")).unwrap();
    assert_eq!(left.count(), 1, "nothing is aside that steps made again");
}

#[test]
fn a_later_test_removes_what_an_earlier_one_left_and_names_what_stays() {
    let tutor = Tutor::new().lesson(plain("one", "echo one"));
    let ended = Command::new("true").spawn().unwrap();
    let gone = ended.id();
    ended.wait_with_output().unwrap();
    let left = tutor.path(&format!("tmp/tutor-run-{gone}-x"));
    let deep = left.join("d/".repeat(1100));
    Command::new("mkdir").arg("-p").arg(deep).status().unwrap();
    fs::set_permissions(left.join("d/d"), fs::Permissions::from_mode(0o0)).unwrap();
    with_few_files(&tutor, "test demo").code(0);
    assert!(!left.exists());
    fs::create_dir(&left).unwrap();
    let victim = outside(&tutor);
    let mount = format!("mkdir {0}/m; mount --bind {victim} {0}/m", left.display());
    if let Some(ran) = in_mounts(&tutor, &mount, &["test demo --yes"]) {
        assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n");
        ran.stderr_has(&format!("something is mounted at `{}/m`", left.display()));
    }
}

/// Gives all to a user who is not root, and runs a command line as that one; nothing, with a line,
/// where that cannot be.
fn as_somebody(tutor: &Tutor, line: &str) -> Option<Ran> {
    let plain = tutor.command(line);
    if !is_root() {
        return Some(tutor.run(line));
    }
    let nobody = 65534;
    let all = tutor.path("");
    let given = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(all)
        .status();
    let mut trial = Command::new(env!("CARGO_BIN_EXE_tutor"));
    trial.arg("--version").uid(nobody).gid(nobody);
    if !given.is_ok_and(|given| given.success()) || trial.output().is_err() {
        skipped("no other user can run the program, so what permissions do was not tried");
        return None;
    }
    let mut command = tutor.command(line);
    command.uid(nobody).gid(nobody).envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    Some(tutor.start_command(command, line).end())
}

#[test]
fn a_folder_that_a_step_shut_is_opened_again() {
    let shut = "mkdir -p d; echo made >d/made; chmod 0 d; chmod 0 ~; chmod 0 .";
    let tutor = Tutor::new().lesson(plain("one", shut));
    for line in [
        "run demo",
        "run demo",
        "run demo --only one",
        "reset demo",
        "run demo",
    ] {
        let Some(ran) = as_somebody(&tutor, line) else {
            return;
        };
        ran.code(0);
    }
}

#[test]
fn nothing_is_made_behind_a_link_on_the_way_to_a_file() {
    let tutor = Tutor::new();
    let victim = outside(&tutor);
    let planted = plain("one", &format!("ln -s {victim} d"));
    let file = "```c {file=d/newdir/deeper/x.c}\nint x;\n```\n\n";
    let tutor = tutor.lesson(planted + file + &plain("two", "echo two"));
    for line in ["run demo", "test demo"] {
        tutor.run(line).code(3);
        let left = fs::read_dir(&victim).unwrap();
        assert_eq!(left.count(), 1, "{line}");
    }
}

#[test]
fn what_goes_aside_leaves_no_empty_folder_after_a_kill() {
    let tutor = Tutor::new().lesson(plain("one", "mkdir -p d; echo made >d/made"));
    tutor.run("run demo").code(0);
    let folder = tutor.workspace("demo");
    // As it is when a `tutor` was killed between two calls.
    let aside = folder.with_extension("old-1");
    fs::create_dir_all(aside.join("d")).unwrap();
    let states = fs::read_dir(tutor.path("home/state/workspaces")).unwrap();
    let manifest = states
        .flatten()
        .next()
        .unwrap()
        .path()
        .join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let name = aside.file_name().unwrap().display().to_string();
    let entry = format!("\"aside\":{{\"{name}/d/made\":[\"one\"]}}");
    let text = text.replace("\"aside\":{}", &entry);
    assert!(text.contains(&entry));
    fs::write(&manifest, text).unwrap();
    tutor.run("run demo").code(0);
    assert!(!aside.exists());
}

#[test]
fn what_a_newer_tutor_keeps_is_named_and_left_alone() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >made"));
    tutor.run("run demo").code(0);
    let of = |folder: &str| {
        let below = format!("home/state/{folder}");
        let file = tutor.files(&below).into_keys();
        let mut file = file.filter(|file| file.ends_with(".json"));
        format!("{below}/{}", file.next().expect("a file"))
    };
    for (folder, newer) in [("workspaces", 3), ("progress", 2), ("runs", 2)] {
        let file = of(folder);
        let known = tutor.get(&file);
        let next = format!("{{\"format\":{newer},\"another\":1,");
        tutor.put(
            &file,
            &known.replacen('{', &next, 1).replacen(
                &format!(
                    "\"format\":{}{}",
                    if folder == "workspaces" { "" } else { " " },
                    newer - 1
                ),
                "\"was\":0",
                1,
            ),
        );
        let before = tutor.files("home");
        for line in [
            "run demo",
            "study demo",
            "run demo --only one",
            "reset demo",
        ] {
            let ran = tutor.run(line).code(3);
            ran.stderr_has("a newer `tutor` wrote `")
                .stderr_has(&format!(
                    "in format {newer}, and this one knows {}",
                    newer - 1
                ));
            assert!(tutor.files("home") == before, "{folder}: {line}");
        }
        // A damaged one is as good as none, and one without a number is of the first format.
        tutor.put(&file, "{\"form");
        tutor.run("run demo").code(0);
    }
    tutor.put(&of("progress"), "{\"done\":{},\"next\":\"one\"}");
    tutor.run("list").code(0);
}

#[test]
fn a_manifest_of_the_first_format_is_read() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >made") + &plain("two", "rm made"));
    tutor.run("run demo --until one").code(0);
    let made = tutor.workspace("demo").join("made");
    let changed = fs::metadata(&made).unwrap().modified().unwrap();
    let changed = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
    let states = tutor.path("home/state/workspaces");
    let state = fs::read_dir(states).unwrap().flatten().next().unwrap();
    let manifest = state.path().join("manifest.json");
    let first = format!(
        "{{\"written\":{{}},\"made\":{{\"made\":[5,{}]}},\"by\":{{\"made\":[\"one\"]}},\"folders\":[],\"aside\":{{}}}}",
        changed.as_nanos()
    );
    fs::write(&manifest, first).unwrap();
    tutor.run("run demo").code(0);
    assert!(!made.exists());
    let names = fs::read_dir(tutor.path("home/data/workspaces")).unwrap();
    assert_eq!(names.count(), 1);
}

#[test]
fn no_output_is_written_or_settled_behind_a_link() {
    let body = step("one", "echo one") + &step("two", "echo two");
    for linked in ["snapshots", "snapshots/demo"] {
        let tutor = accepted(&body);
        let body = body.replace("echo two", "echo three");
        let tutor = tutor.edited("demo", &body);
        tutor.run("test demo").code(1);
        let place = tutor.path(&format!("course/{linked}"));
        let away = tutor.path("elsewhere");
        fs::rename(&place, &away).unwrap();
        symlink(&away, &place).unwrap();
        let before = tutor.files("elsewhere");
        let tutor = tutor.edited("demo", &body.replace("echo one", "echo four"));
        for line in [
            "test demo",
            "accept --all",
            "accept demo two",
            "reject --all",
        ] {
            let ran = tutor.run(line);
            assert!(!ran.code_is(0), "{}", ran.told());
            ran.stderr_has(&place.display().to_string());
            assert!(tutor.files("elsewhere") == before, "{linked}: {line}");
        }
    }
}

#[test]
fn an_output_that_a_newer_tutor_recorded_is_named_and_left_alone() {
    let body = step("one", "echo one");
    let tutor = accepted(&body);
    let file = "course/snapshots/demo/one.snap";
    let newer = tutor.get(file).replace("info:\n", "info:\n  format: 3\n");
    tutor.put(file, &newer);
    let tutor = tutor.edited("demo", &body.replace("echo one", "echo two"));
    let ran = tutor.run("test demo");
    ran.stdout_has("a newer `tutor` wrote it, in format 3");
    tutor.run("accept --all");
    assert_eq!(tutor.get(file), newer);
}

#[test]
fn what_is_kept_is_listed_with_its_size_and_goes_after_asking() {
    let tutor = Tutor::new();
    tutor
        .run("storage --remove-all")
        .stdout_has("nothing is kept")
        .code(0);
    let body = plain("one", "echo made >made; echo note >~/note") + &step("two", "echo two");
    let tutor = tutor.lesson(format!("```c {{file=a.c}}\nint a;\n```\n\n{body}"));
    tutor.run("run demo").code(0);
    tutor.run("test demo --keep").code(1);
    let folder = tutor.workspace("demo");
    let name = folder.file_name().unwrap().display().to_string();
    for file in ["a.c", "mine", "mine-2", "mine-3"] {
        fs::write(folder.join(file), "my own\n").unwrap();
    }
    let outside = outside(&tutor);
    symlink(&outside, folder.join("link")).unwrap();
    tutor.run("run demo").code(0);
    let before = tutor.files("home");
    let ran = tutor.run("storage").code(0);
    let ran = ran
        .stdout_has("1 workspace: 1 kB, in ")
        .stdout_has(&format!(
            "{name} holds 5 files of your own: a.c, link, mine and 2 more"
        ))
        .stdout_has("states that 1 lesson can be taken back to: ")
        .stdout_has("the steps' home folders, and what is known of workspaces: ")
        .stdout_has("your progress, what you agreed to, and what the last runs saw: ")
        .stdout_has("1 folder that you asked to keep: ")
        .stdout_has("2 outputs wait in this course to be read (`tutor review`)")
        .stdout_has("`tutor storage --remove-all`");
    assert!(!ran.stdout.contains("kernels"), "{}", ran.told());
    let whole = tutor.run("storage --json").code(0).json();
    assert_eq!(whole["edited"][0]["files"].as_array().unwrap().len(), 5);
    assert_eq!(whole["waiting"], 2);
    let ran = tutor.run("storage --remove-all").code(2);
    ran.stderr_has("no terminal to ask at");
    assert!(tutor.files("home") == before);
    tutor.run("storage --yes").code(2);
    let asked = tutor.command("storage --remove-all");
    let (seen, code) = support::at_a_terminal(asked, "[y/N]", "n\n");
    assert_eq!(code, Some(0), "{seen}");
    assert!(tutor.files("home") == before);
    // A folder that is in use is not removed.
    let tutor = tutor.edited("demo", &plain("wait", "echo waits; sleep 100"));
    let mut running = tutor.start("run demo");
    running.until_stdout("│ waits");
    let ran = tutor.run("storage --remove-all --yes").code(3);
    ran.stderr_has("another `tutor` runs the lesson there");
    running.signal(Signal::SIGINT);
    running.end().code(130);
    tutor
        .run("storage --remove-all --yes")
        .stdout_has("removed: ")
        .code(0);
    assert_eq!(tutor.files("home").len(), 0);
    assert_eq!(fs::read_dir(tutor.path("home")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(tutor.path("tmp")).unwrap().count(), 0);
    assert_eq!(tutor.get("elsewhere/theirs"), "theirs\n");
    assert_eq!(tutor.files("course/snapshots").len(), 2);
}
