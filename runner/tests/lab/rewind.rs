//! Going back to a step in the lab, and what is said where that cannot be.

use crate::own;
use crate::support::{Ran, Tutor, in_own_mounts, plain, skipped};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn lesson(first: &str) -> String {
    [
        plain("one on=kernel", first),
        plain(
            "two on=kernel",
            "x=$((x + 1)); f; echo two >> made; echo $(cat made)",
        ),
        plain("three", "echo three >> made; echo $(cat made)"),
        plain("four on=kernel", "x=$((x + 1)); f"),
    ]
    .concat()
}

const FIRST: &str = "x=1; f() { echo \"x is $x\"; }; echo one > made";

/// The path of the kernel that lessons run on; `None`, with a line, where no machine can start.
fn kernel() -> Option<String> {
    let (kernel, _) = own::machine("default", "nothing was rewound")?;
    Some(kernel.vmlinux.display().to_string())
}

/// The files that are kept of the only lesson.
fn kept(tutor: &Tutor) -> Vec<PathBuf> {
    let lessons = fs::read_dir(tutor.path("home/cache/lab/checkpoints")).unwrap();
    let lesson = lessons.flatten().next().expect("a lesson").path();
    let files = fs::read_dir(lesson).unwrap().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    files
}

fn ends(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|other| other == end)
}

/// The folder of the only lesson's workspace.
fn workspace(tutor: &Tutor) -> String {
    let folders = fs::read_dir(tutor.path("home/data/workspaces")).unwrap();
    let names: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    format!("home/data/workspaces/{}", names[0])
}

#[test]
fn a_run_goes_on_from_the_state_before_a_step_in_any_order_until_the_lesson_changes() {
    let Some(kernel) = kernel() else { return };
    let mut tutor = Tutor::new().lesson(lesson(FIRST));
    let run = |tutor: &Tutor, how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
    run(&tutor, "")
        .stdout_has("x is 2")
        .stdout_has("one two three")
        .stdout_has("x is 3")
        .code(0);
    let made = &format!("{}/made", workspace(&tutor));
    assert_eq!(tutor.get(made), "one\ntwo\nthree\n");
    run(&tutor, "--from two")
        .stderr_has("as it was before `two`")
        .stdout_has("x is 2")
        .stdout_has("one two three")
        .stdout_has("x is 3")
        .stdout_lacks("one  on the kernel")
        .code(0);
    run(&tutor, "--only four").stdout_has("x is 3").code(0);
    run(&tutor, "--only two")
        .stdout_has("x is 2")
        .stdout_has("one two\n")
        .code(0);
    // The learner's own content goes before what a step made.
    tutor.put(made, "mine\n");
    run(&tutor, "--only two").stdout_has("mine two\n").code(0);
    tutor.put(made, "one\n");
    tutor = tutor.edited("demo", &lesson(&FIRST.replace("x=1", "x=7")));
    run(&tutor, "--from two")
        .stderr_has("the steps before it run again first")
        .stdout_has("x is 8")
        .code(0);
    let folder = fs::read_dir(tutor.path("home/cache/lab/checkpoints"));
    let kept = folder.unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_dir(&kept).unwrap().count() > 4);
    tutor.run("reset demo").code(0);
    assert!(!kept.exists());
    tutor.run("test demo").code(0);
    assert!(!kept.exists(), "a test keeps nothing");
}

#[test]
fn without_a_lab_what_was_asked_for_by_name_is_an_error_and_else_steps_are_skipped() {
    let tutor = Tutor::new().lesson(lesson(FIRST));
    tutor
        .run("run demo --on lab")
        .stderr_has("the lab was asked for and cannot be used: ")
        .stderr_has("help: ")
        .code(3);
    tutor
        .run("run demo --kernel 6.99")
        .stderr_has("the lab was asked for and cannot be used: ")
        .stderr_has("help: ")
        .code(3);
    tutor
        .run("run demo --kernel 6.99 --on host")
        .stderr_has("leave one of them out")
        .code(2);
    tutor
        .run("run demo")
        .stdout_has("skipped")
        .stdout_has("three");
    tutor
        .run("run demo --from three")
        .stderr_has("the steps before it run again first");
    tutor
        .run("run demo --from five")
        .stderr_has("`three`")
        .code(2);
    tutor.run("run demo --from two --only one").code(2);
}

#[test]
fn links_folders_and_the_home_folder_are_taken_back_too() {
    let Some(kernel) = kernel() else { return };
    let look = "ls -A; readlink link; cat d/f ~/note; ls ~ | wc -l";
    let spoil = "rm -r link d; mkdir e; ln -s x other; echo 2 >~/note; echo x >~/more";
    let body = plain(
        "one",
        "mkdir d; chmod 750 d; echo in >d/f; ln -s d/f link; echo 1 >~/note",
    ) + &plain("two on=kernel", &format!("{look}; {spoil}"))
        + &plain("three", "mkdir d; ls -A; cat ~/note; ln -s y link");
    let tutor = Tutor::new().lesson(body);
    let run = |how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
    let (two, three) = (
        "│ d\n  │ link\n  │ d/f\n  │ in\n  │ 1\n  │ 1\n",
        "│ d\n  │ e\n  │ other\n  │ 2\n",
    );
    // A whole run begins without what the last one made.
    for _ in 0..2 {
        run("").stdout_has(two).stdout_has(three).code(0);
    }
    for (how, said) in [
        ("--only three", three),
        ("--only two", two),
        ("--only three", three),
        ("--from two", two),
    ] {
        let ran = run(how).stderr_has("all is as it was before").code(0);
        ran.stdout_has(said);
    }
    let mine = format!("{}/e/mine", workspace(&tutor));
    tutor.put(&mine, "of the learner");
    run("--only three").stdout_has("│ d\n  │ e\n").code(0);
    assert_eq!(tutor.get(&mine), "of the learner");
}

#[test]
fn the_shell_on_this_machine_is_taken_back_with_what_it_knows() {
    // No step needs a kernel.
    let know = "cd sub; x='a b'$'\\n'c; y=(1 2); f() { echo \"f: $x\"; }; export z=9; set -u; IFS=:; umask 027; set -- p q";
    let look = "f; echo \"${y[1]} $z ${-//[!u]/} $# $1 $(umask) ${PWD##*/}\"; x=other; cd ..; unset -f f; set +u";
    let body = plain("one", "mkdir sub; x=early")
        + &plain("two", know)
        + &plain("three", look)
        + &plain("four", "echo \"x is $x\"; ls");
    let tutor = Tutor::new().lesson(body);
    let run = |how: &str| tutor.run(&format!("run demo {how}")).code(0);
    let whole = run("");
    let three = "│ f: a b\n  │ c\n  │ 2 9 u 2 p 0027 sub\n";
    let whole = whole.stdout_has(three);
    assert!(
        whole.stdout.contains("│ x is other\n  │ sub\n"),
        "{}",
        whole.told()
    );
    run("--only three")
        .stderr_has("all is as it was before")
        .stdout_has(three);
    run("--only four").stdout_has("│ x is other\n  │ sub\n");
    run("--from three")
        .stdout_has(three)
        .stdout_has("│ x is other\n  │ sub\n");
    run("--only two");
    run("--only three").stdout_has(three);
    // A shell that does not tell all is not taken back.
    let tutor = tutor.edited(
        "demo",
        &(plain("one", "x=1; readonly _tutor_name") + &plain("two", "echo \"x is $x\"")),
    );
    let run = |how: &str| tutor.run(&format!("run demo {how}")).code(0);
    run("").stdout_has("│ x is 1");
    run("--from two")
        .stderr_has("the steps before it run again first")
        .stdout_has("│ x is 1");
}

#[test]
fn a_step_that_was_skipped_is_no_gap_while_it_would_be_skipped_again() {
    let Some(kernel) = kernel() else { return };
    let tutor = Tutor::new().unconfined();
    let tool = tutor.path("tool").display().to_string();
    let body = plain("one on=kernel", "x=1")
        + &plain("two on=kernel needs=never", "x=9")
        + &plain("three needs=tool", "echo made >made")
        + &plain("four on=kernel", "echo \"x is $x\"; cat made");
    let needs = format!(
        "[needs.never]\non = \"kernel\"\nwhat = \"nothing\"\nwhy = \"a test\"\nprobe = \"echo no; false\"\nremedy = \"none\"\n\
         [needs.tool]\nwhat = \"a tool\"\nwhy = \"a test\"\nprobe = \"test -e {tool}\"\nremedy = \"none\"\n"
    );
    let tutor = tutor.lesson(body).course(&needs);
    let run = |how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
    run("").stdout_has("x is 1");
    run("--from four")
        .stderr_has("all is as it was before `four`")
        .stdout_has("x is 1")
        .stdout_lacks("│ made");
    run("--from three")
        .stderr_has("all is as it was before `three`")
        .stdout_has("x is 1");
    tutor.put("tool", "");
    run("--from four")
        .stderr_has("the steps before it run again first")
        .stdout_has("│ x is 1\n  │ made\n")
        .code(0);
}

#[test]
fn an_exercise_that_nobody_has_begun_is_no_gap() {
    let Some(kernel) = kernel() else { return };
    let exercise = "```text {file=word}\n?\n```\n\n```sh {exercise=word after=one on=kernel}\ngrep -q 7 word\n```\n\n\
        <details id=\"solution-word\"><summary>A solution</summary>\n\n```text {file=word}\n7\n```\n\n</details>\n\n";
    // In the second lesson no machine has started until then.
    for place in ["on=kernel", ""] {
        let first = plain(&format!("one {place}"), FIRST);
        let last = plain(&format!("two {place}"), "f; cat made");
        let tutor = Tutor::new().lesson(first + exercise + &last);
        let run = |how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
        run("").stdout_has("an exercise for you").code(0);
        run("--only two")
            .stderr_has("as it was before `two`")
            .stdout_has("x is 1")
            .code(0);
        // What it makes anew before it judges takes no state away.
        for _ in 0..2 {
            run("--only word")
                .stderr_has("as it was before `word`")
                .code(1);
        }
        run("--from two")
            .stderr_has("as it was before `two`")
            .code(0);
    }
}

#[test]
fn what_is_cut_short_or_gone_is_made_again() {
    let Some(kernel) = kernel() else { return };
    let tutor = Tutor::new().lesson(lesson(FIRST));
    let run = |how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
    run("").code(0);
    let back = "as it was before `two`";
    let again = "the steps before it run again first";
    for (end, share) in [
        ("moment", 0),
        ("moment", 2),
        ("moment", 99),
        ("guest", 0),
        ("guest", 30),
        ("guest", 99),
        ("made", 0),
        ("made", 50),
    ] {
        run("--from two").stderr_has(back).code(0);
        for file in kept(&tutor).iter().filter(|file| ends(file, end)) {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() * share / 100]).unwrap();
        }
        run("--from two")
            .stderr_has(again)
            .stdout_has("one two three")
            .stdout_has("x is 3")
            .code(0);
    }
    // Each state whole, and another step's.
    run("--from two").stderr_has(back).code(0);
    let guests = kept(&tutor);
    let guests: Vec<_> = guests.iter().filter(|file| ends(file, "guest")).collect();
    let states: Vec<_> = guests.iter().map(|file| fs::read(file).unwrap()).collect();
    for (file, state) in guests.iter().zip(states.iter().cycle().skip(1)) {
        fs::write(file, state).unwrap();
    }
    run("--from two").stderr_has(again).code(0);
    for end in ["moment", "guest", "made"] {
        for file in kept(&tutor).iter().filter(|file| ends(file, end)) {
            fs::remove_file(file).unwrap();
        }
        run("--from two").stderr_has(again).code(0);
    }
    // A file that no moment needs is not kept.
    let count = |end: &str| kept(&tutor).iter().filter(|file| ends(file, end)).count();
    assert_eq!((count("moment"), count("guest")), (4, 3));
    assert_eq!(kept(&tutor).len(), 4 + 3 + count("made"));
}

#[test]
fn another_kernel_has_no_state_of_this_ones() {
    let Some(tutor) = own::learner("no state was refused another kernel") else {
        return;
    };
    let others = ["6.1", "5.10", "7.3"];
    let Some(other) = others.into_iter().find(|one| own::kernel(one).is_some()) else {
        return skipped("rewinding: the lab has one kernel only, so no other one was tried");
    };
    let tutor = tutor.lesson(lesson(FIRST));
    for kernel in ["default", other, "default"] {
        let run = |how: &str| tutor.run(&format!("run demo --kernel {kernel} {how}"));
        if tutor.path("home/cache/lab/checkpoints").exists() {
            run("--from two")
                .stderr_has("the steps before it run again first")
                .code(0);
        } else {
            run("").code(0);
        }
        run("--from two")
            .stderr_has("as it was before `two`")
            .stdout_has("x is 3")
            .code(0);
    }
}

#[test]
fn a_run_that_was_ended_while_a_state_was_kept_harms_no_later_one() {
    let Some(kernel) = kernel() else { return };
    let tutor = Tutor::new().lesson(lesson(&format!("{FIRST}; f")));
    let line = format!("run demo --kernel {kernel}");
    tutor.run(&line).code(0);
    for signal in [Signal::SIGINT, Signal::SIGKILL, Signal::SIGTERM] {
        for said in ["│ x is 1", "│ x is 2", "│ one two three"] {
            let mut running = tutor.start(&line);
            running.until_stdout(said);
            running.signal(signal);
            let code = if signal == Signal::SIGKILL { -9 } else { 130 };
            running.end().code(code);
            let ran = tutor.run(&format!("{line} --from two")).code(0);
            ran.stdout_has("│ one two\n")
                .stdout_has("│ x is 2")
                .stdout_has("one two three")
                .stdout_has("│ x is 3");
        }
    }
}

#[test]
fn a_disk_that_is_full_costs_the_way_back_and_nothing_else() {
    let Some(kernel) = kernel() else { return };
    let tutor = Tutor::new().lesson(lesson(FIRST));
    let line = format!("run demo --kernel {kernel}");
    tutor.run(&line).code(0);
    tutor.run("reset demo").code(0);
    let folder = tutor.path("home/cache/lab/checkpoints");
    fs::create_dir_all(&folder).unwrap();
    let shown = folder.display();
    let prepare = format!("mount -t tmpfs -o size=64k tmpfs {shown}");
    let Some(command) = in_own_mounts(&tutor, &prepare, &line) else {
        return;
    };
    // The folder at the end, seen in the same mounts.
    let words: Vec<_> = command.get_args().map(|word| word.to_owned()).collect();
    let script = format!(
        "{prepare}; \"$@\" && \"$@\" --from two && ls -A {shown}/* >{}",
        tutor.path("list").display()
    );
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &script])
        .args(&words[4..])
        .env_clear()
        .envs(environment);
    let ran = tutor.start_command(command, &line).end().code(0);
    ran.stderr_has("the steps before it run again first")
        .stdout_has("x is 3");
    let left = tutor.get("list");
    assert!(
        !left.contains(".guest") && !left.contains(".saving"),
        "{left}"
    );
}

#[test]
fn study_goes_back_as_far_and_as_often_as_one_likes() {
    let Some(kernel) = kernel() else { return };
    let tutor = Tutor::new().lesson(lesson(FIRST));
    // One, two; three, four after going back to two; back to two from the end of three; on.
    let tutor = tutor.stdin("r\nr\nb\nr\nr\nb\nb\nr\nr\nr\n");
    let ran = tutor.run(&format!("study demo --kernel {kernel}")).code(0);
    let count = |text: &str| ran.stdout.matches(text).count();
    assert_eq!(count("all is as it was before `two`"), 2, "{}", ran.told());
    assert_eq!(count("│ x is 2"), 3, "{}", ran.told());
    assert_eq!(count("│ one two\n"), 3, "{}", ran.told());
    assert_eq!(count("│ one two three\n"), 2, "{}", ran.told());
    assert_eq!(count("│ x is 3"), 1, "{}", ran.told());
}

#[test]
fn states_that_cannot_be_removed_are_named_and_the_rest_is_reset() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >made") + &plain("two", "cat made"));
    tutor.run("run demo").code(0);
    let cache = tutor.path("home/cache").display().to_string();
    let prepare = format!("mount --bind {cache} {cache} && mount -o remount,bind,ro {cache}");
    let line = "reset demo";
    let Some(command) = in_own_mounts(&tutor, &prepare, line) else {
        return;
    };
    let ran = tutor.start_command(command, line).end().code(3);
    ran.stdout_has("your files are kept in")
        .stderr_has("cannot remove the lab's states of it")
        .stderr_has("Read-only file system");
    assert!(!kept(&tutor).is_empty());
    tutor.run(line).code(0);
    tutor.run("run demo").stdout_has("│ made").code(0);
}

/// The verdict of each step and check, by its name.
fn verdicts(ran: &Ran) -> BTreeMap<String, String> {
    let whole: Value = ran.json();
    let items = whole["lessons"][0]["items"].as_array().expect("items");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let verdict = |item: &Value| {
        let name = format!("{} {}", word(&item["kind"]), word(&item["name"]));
        (name, word(&item["verdict"]))
    };
    items.iter().map(verdict).collect()
}

#[test]
fn the_steps_of_the_courses_own_lessons_say_the_same_in_any_order() {
    let Some(kernel) = kernel() else { return };
    let root = env!("CARGO_MANIFEST_DIR");
    // All of them were tried; each takes a run of its own.
    for (stem, most) in [("lesson-2", 12), ("lesson-6", 6), ("lesson-7", 6)] {
        let tutor = Tutor::new();
        let run = |how: &[&str]| {
            let line = format!("run {stem} --kernel {kernel} --json --yes --course {root}");
            let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
            command.args(line.split(' ')).args(how).env_clear();
            let ours = tutor.command("run");
            command.envs(
                ours.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            tutor
                .start_command(command, &format!("{line} {how:?}"))
                .end()
        };
        let whole = run(&[]);
        let all = verdicts(&whole);
        // An exercise that nobody has begun is judged by itself only.
        let ran = all.iter().filter(|(_, verdict)| *verdict != "open");
        let steps = ran.filter_map(|(name, _)| name.strip_prefix("step "));
        let mut steps: Vec<&str> = steps.collect();
        assert!(steps.len() > 5, "{}", whole.told());
        // A fixed shuffle: that of Fisher and Yates, by a generator of Knuth's.
        let mut state: u64 = 4;
        for last in (1..steps.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            steps.swap(last, (state >> 33) as usize % (last + 1));
        }
        let mut taken_back = 0;
        steps.truncate(most);
        for step in &steps {
            let ran = run(&["--only", step]);
            taken_back += usize::from(ran.stderr.contains("all is as it was before"));
            for (name, verdict) in verdicts(&ran) {
                assert_eq!(verdict, all[&name], "{name} alone: {}", ran.told());
            }
        }
        assert_eq!(taken_back, steps.len(), "of {stem}");
    }
}
