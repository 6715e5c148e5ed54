//! Steps that run alone, or again: what they find, and what of the learner's and of other steps' is
//! there afterwards. No step here needs a kernel.

use crate::support::{Tutor, check, plain, step};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

/// Writes a file into the workspace, as the learner would.
fn edit(tutor: &Tutor, file: &str, text: &str) {
    fs::write(tutor.workspace("demo").join(file), text).expect("writable");
}

fn read(tutor: &Tutor, file: &str) -> String {
    fs::read_to_string(tutor.workspace("demo").join(file)).expect("a file")
}

#[test]
fn a_step_that_writes_over_what_the_learner_edited_makes_that_file_again() {
    for content in ["generated", "$RANDOM$RANDOM"] {
        let body = plain("one", "true")
            + &plain("two", &format!("echo {content} >made"))
            + &plain("three", "cat made")
            + &plain("four", "rm made");
        let tutor = Tutor::new().lesson(body);
        tutor.run("run demo --until three").code(0);
        edit(&tutor, "made", "mine\n");
        tutor.run("run demo --only two").code(0);
        let made = read(&tutor, "made");
        assert_ne!(made, "mine\n");
        let ran = tutor.run("run demo --only three").code(0);
        ran.stdout_has(&format!("│ {made}"));
        assert_eq!(read(&tutor, "made"), made);
        // A file of the learner stays when nothing writes over it.
        edit(&tutor, "made", "mine\n");
        let ran = tutor.run("run demo --only three").code(0);
        ran.stdout_has("│ mine");
        tutor.run("run demo --only one --only three").code(0);
        tutor.run("run demo --from three").code(0);
        edit(&tutor, "made", "mine\n");
        tutor.run("run demo --only three").stdout_has("│ mine");
        assert_eq!(read(&tutor, "made"), "mine\n");
    }
}

/// The files that were put aside of the only lesson, by their folder and path.
fn aside(tutor: &Tutor) -> BTreeMap<String, String> {
    let mut aside = BTreeMap::new();
    for number in 1..=9 {
        let folder = tutor
            .workspace("demo")
            .with_extension(format!("old-{number}"));
        for (path, text) in tutor.files(&folder.display().to_string()) {
            aside.insert(format!("old-{number}/{path}"), text);
        }
    }
    aside
}

#[test]
fn what_the_learner_wrote_is_kept_aside_where_a_step_writes_over_it_or_removes_it() {
    let body = plain("one", "mkdir -p d; echo $RANDOM >d/made; echo one >same")
        + &plain("two", "rm -f own d/made; touch note")
        + &plain("three", "true");
    for selection in ["--only one", "--from one", "--until one"] {
        let tutor = Tutor::new().lesson(&body);
        let as_you_had_it = "as you had it is kept in";
        tutor.run("run demo").code(0).stdout_lacks(as_you_had_it);
        tutor.run("run demo --only one").code(0);
        for file in ["d/made", "own", "note"] {
            edit(&tutor, file, &format!("my {file}\n"));
        }
        edit(&tutor, "same", "one\n");
        let ran = tutor.run(&format!("run demo {selection}")).code(0);
        let folder = tutor.workspace("demo").with_extension("old-1");
        ran.stdout_has(&format!(
            "`d/made` {as_you_had_it} {}, since the step wrote over it or removed it",
            folder.display()
        ));
        if selection != "--from one" {
            // It is the step's now, whatever that prints.
            let ran = tutor.run("run demo --only one").code(0);
            ran.stdout_lacks(as_you_had_it);
            let ran = tutor.run("run demo --only two").code(0);
            ran.stdout_has(&format!("`own` {as_you_had_it}"));
        }
        assert_eq!(read(&tutor, "note"), "my note\n");
        tutor.run("run demo").code(0).stdout_lacks(as_you_had_it);
        let aside = aside(&tutor);
        let aside: Vec<(&str, &str)> = aside
            .iter()
            .map(|(path, text)| (&**path, &**text))
            .collect();
        let kept = [("old-1/d/made", "my d/made\n"), ("old-2/own", "my own\n")];
        assert_eq!(aside, kept, "{selection}");
    }
}

#[test]
fn what_a_step_does_to_a_file_that_the_learner_edited_leaves_a_copy_and_stays_the_learners() {
    let body = "```text {file=in.txt}\nthe lesson's\n```\n\n".to_owned()
        + &plain("one", "sed -i s/bad/good/ in.txt");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    edit(&tutor, "in.txt", "bad\n");
    for _ in 0..2 {
        let ran = tutor.run("run demo").code(0);
        ran.stdout_has("kept your edits of in.txt");
        assert_eq!(read(&tutor, "in.txt"), "good\n");
    }
    let kept = [("old-1/in.txt".to_owned(), "bad\n".to_owned())];
    assert_eq!(aside(&tutor), kept.into());
}

#[test]
fn what_the_learner_wrote_is_beside_the_workspace_after_a_kill_in_a_step_that_wrote_over_it() {
    let tutor = Tutor::new().lesson(plain("one", "echo made >made; echo ready; sleep 1000"));
    let written = || {
        let mut running = tutor.start("run demo --only one");
        running.until_stdout("│ ready");
        running.signal(Signal::SIGKILL);
        running.end();
    };
    written();
    edit(&tutor, "made", "mine\n");
    written();
    assert_eq!(aside(&tutor)["old-1/made"], "mine\n");
}

#[test]
fn what_other_steps_made_is_there_again_after_a_step_that_ran_alone() {
    let body = plain("one", "echo one >a; mkdir d; echo one >d/f")
        + &plain("two", "ls; cat d/f; echo two >b; echo two >x")
        + &plain(
            "three",
            "echo three >c; echo three >>d/f; echo three >x; ln -s c link; echo note >~/note",
        )
        + &plain("four", "chmod 700 d; rm a");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    edit(&tutor, "mine", "mine\n");
    let two = "│ a\n  │ d\n  │ mine\n  │ one\n";
    for _ in 0..2 {
        let ran = tutor.run("run demo --only two").code(0).stdout_has(two);
        ran.stderr_has("all is as it was before `two`: the variables and functions of the shell on this machine, and the files that steps made; your edits stay, and what other steps made is there again afterwards\n");
        for (file, text) in [
            ("b", "two\n"),
            ("c", "three\n"),
            ("d/f", "one\nthree\n"),
            ("link", "three\n"),
            // The step that ran last has the last word.
            ("x", "two\n"),
            ("mine", "mine\n"),
        ] {
            assert_eq!(read(&tutor, file), text, "{file}");
        }
    }
    // The first step has a state before it too: that of no step.
    let ran = tutor.run("run demo --only one").code(0);
    ran.stderr_has("all is as it was before `one`: the files that steps made");
    assert_eq!(read(&tutor, "c"), "three\n");
    tutor.run("run demo --only two").code(0).stdout_has(two);
    // It is all of steps still, and a whole run begins without it.
    tutor.run("run demo --until one").code(0);
    let left = tutor.files(&tutor.workspace("demo").display().to_string());
    let left: Vec<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(left, ["a", "d/f", "mine"]);
}

#[test]
fn steps_with_others_left_out_in_between_find_what_those_made() {
    let body = plain("one", "cp mine copied")
        + &plain("two", "x=5; echo two >two")
        + &plain("three", "cat copied two; echo \"x is $x\"")
        + &plain("four", "cat copied");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo --until one");
    edit(&tutor, "mine", "1\n");
    tutor.run("run demo").code(0);
    edit(&tutor, "mine", "2\n");
    let three = "│ 2\n  │ two\n  │ x is 5\n";
    let ran = tutor.run("run demo --only one --only three --only four");
    let ran = ran.code(0).stdout_has(three);
    assert_eq!(ran.stderr.matches("all is as it was before").count(), 2);
    // A file that a step made anew is new for all that follow it.
    tutor.run("run demo --only three").code(0).stdout_has(three);
    tutor.run("run demo --only four").code(0).stdout_has("│ 2");
}

#[test]
fn a_step_without_a_state_before_it_finds_what_is_there_and_that_is_said() {
    let body =
        plain("one", "echo one >a") + &plain("two", "x=1; echo two >b") + &plain("three", "ls");
    let tutor = Tutor::new().lesson(&body);
    let ran = tutor.run("run demo --only two").code(0);
    ran.stderr_has("no state from before `two` fits")
        .stderr_has("to run those too: `tutor run demo --until two`");
    let ran = tutor.run("run demo --only one").code(0);
    ran.stderr_has("all is as it was before `one`");
    tutor.run("run demo").code(0);
    let tutor = tutor.edited("demo", &body.replace("x=1", "x=2"));
    let ran = tutor.run("run demo --only one --only three").code(0);
    ran.stderr_has("no state from before `three` fits")
        .stdout_has("│ a\n  │ b\n");
}

#[test]
fn what_the_learner_writes_while_study_waits_stays_when_they_go_back() {
    let body = plain("one", "echo made >a; echo made >b")
        + &plain("two", "echo two >>a; echo two >c")
        + &plain("three", "true");
    let tutor = Tutor::new().lesson(body);
    let line = "study demo";
    let mut study = tutor.start_interactive(tutor.command(line), line);
    study.until_stdout("one: [Enter]");
    study.say("r\n");
    study.until_stdout("two: [Enter]");
    edit(&tutor, "mine", "mine\n");
    edit(&tutor, "b", "edited\n");
    study.say("r\n");
    study.until_stdout("three: [Enter]");
    study.say("b\nr\nb\nb\nr\nq\n");
    let ran = study.end().code(0);
    ran.stdout_has("all is as it was before `one`")
        .stdout_has("all is as it was before `two`")
        .stdout_has("`b` as you had it is kept in ");
    assert_eq!(read(&tutor, "mine"), "mine\n");
    // The first step wrote over it again.
    assert_eq!(aside(&tutor)["old-1/b"], "edited\n");
    assert_eq!(read(&tutor, "b"), "made\n");
    assert_eq!(read(&tutor, "a"), "made\n");
    tutor.run("run demo --until two").code(0);
    assert_eq!(read(&tutor, "mine"), "mine\n");
}

#[test]
fn the_environment_of_a_step_is_the_same_when_it_runs_alone() {
    let body = plain("one", "x=1")
        + &plain("two", "env | grep -c OLDPWD; mkdir sub; cd sub")
        + &plain(
            "three",
            "env | grep -c OLDPWD; echo \"${OLDPWD##*/}\" | wc -c",
        );
    let tutor = Tutor::new().lesson(body.replace("OLDPWD;", "OLDPWD || true;"));
    let of = |how: &str| {
        let ran = tutor.run(&format!("run demo {how}")).code(0);
        let lines = ran.stdout.lines().filter(|line| line.starts_with("  │ "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let whole = of("");
    assert_eq!(whole[..2], ["  │ 0", "  │ 1"]);
    assert_eq!(of("--from two"), whole);
    assert_eq!(of("--only two"), whole[..1]);
    assert_eq!(of("--only three"), whole[1..]);
}

/// A lesson that makes `prog.o` of the learner's file, and uses it.
fn made_of_an_edited_file() -> Tutor {
    let body = "```c {file=prog.c}\nfirst\n```\n\n".to_owned()
        + &plain(
            "compile",
            "grep slow prog.c && sleep 1000\n! grep bad prog.c && cp prog.c prog.o",
        )
        + &plain("other", "echo other >other.o")
        + &plain("load", "cp prog.o loaded")
        + &plain("use", "cat loaded");
    Tutor::new().lesson(body)
}

#[test]
fn what_a_step_made_last_is_what_later_steps_find_however_it_was_run() {
    for failing in ["--only compile", "--until compile", "--fail-fast"] {
        let tutor = made_of_an_edited_file();
        tutor.run("run demo").code(0);
        edit(&tutor, "prog.c", "bad\n");
        tutor.run(&format!("run demo {failing}")).code(1);
        // It made nothing.
        let ran = tutor.run("run demo --only load").code(1);
        ran.stdout_has("cannot stat 'prog.o'");
        edit(&tutor, "prog.c", "mended\n");
        tutor.run("run demo --only compile").code(0);
        tutor.run("run demo --only load").code(0);
        assert_eq!(read(&tutor, "loaded"), "mended\n", "{failing}");
        assert_eq!(read(&tutor, "prog.o"), "mended\n", "{failing}");
    }
}

#[test]
fn a_step_that_was_interrupted_leaves_nothing_of_its_run_before() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let tutor = made_of_an_edited_file();
        tutor.run("run demo").code(0);
        edit(&tutor, "prog.c", "slow\n");
        let mut running = tutor.start("run demo --only compile");
        running.until_stdout("│ slow");
        running.signal(signal);
        running.end();
        let ran = tutor.run("run demo --only load").code(1);
        ran.stdout_has("cannot stat 'prog.o'");
    }
}

#[test]
fn in_a_long_lesson_too_a_step_that_ran_alone_made_what_later_steps_find() {
    let body: String = (0..70)
        .map(|number| {
            plain(
                &format!("s{number}"),
                &format!("cat mine >made-{number}; cat made-*"),
            )
        })
        .collect();
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo");
    edit(&tutor, "mine", "edited\n");
    for number in 10..14 {
        tutor.run(&format!("run demo --only s{number}"));
        for after in number..14 {
            tutor.run(&format!("run demo --only s{}", after + 1));
            assert_eq!(
                read(&tutor, &format!("made-{number}")),
                "edited\n",
                "{number} {after}"
            );
        }
    }
}

#[test]
fn an_edit_after_the_step_that_reads_the_file_is_said_with_the_step_to_run() {
    let tutor = made_of_an_edited_file();
    let told = "`prog.c` has changed since `compile` ran, and what that made is of the text before; to make it anew: `tutor run demo --from compile`";
    tutor
        .run("run demo")
        .code(0)
        .stdout_lacks("has changed since");
    edit(&tutor, "prog.c", "second\n");
    for selection in ["--only load", "--from load", "--from use"] {
        let ran = tutor.run(&format!("run demo {selection}")).code(0);
        assert_eq!(
            ran.stdout.matches(told).count(),
            1,
            "{selection}: {}",
            ran.stdout
        );
        assert!(
            ran.stdout.find(told) < ran.stdout.find("✓"),
            "{}",
            ran.stdout
        );
    }
    // Whoever runs the step itself needs no telling.
    for selection in ["--only compile", "--only load", "--from load", "--only use"] {
        let ran = tutor.run(&format!("run demo {selection}")).code(0);
        ran.stdout_lacks("has changed since");
    }
    edit(&tutor, "prog.c", "third\n");
    tutor.run("run demo --only compile").code(0);
    // What was made of what was made is of the text before, too.
    let ran = tutor.run("run demo --only use").code(0);
    ran.stdout_has("`prog.c` has changed since `load` ran");
    tutor
        .run("run demo")
        .code(0)
        .stdout_lacks("has changed since");
    // As the lesson has it again.
    edit(&tutor, "prog.c", "first\n");
    tutor
        .run("run demo --from load")
        .stdout_has("`prog.c` has changed since `compile` ran");
}

#[test]
fn whatever_the_learner_puts_in_the_place_of_a_file_is_an_edit_of_it() {
    let told = "`prog.c` has changed since `compile` ran";
    let file = |tutor: &Tutor, name: &str| tutor.workspace("demo").join(name);
    let by_link = |tutor: &Tutor, target: &str| {
        fs::remove_file(file(tutor, "prog.c")).expect("there");
        symlink(target, file(tutor, "prog.c")).expect("made");
    };
    let ran = || {
        let tutor = made_of_an_edited_file();
        tutor.run("run demo").code(0);
        edit(&tutor, "own.c", "second\n");
        tutor
    };

    // A link, to something of the learner's or to nothing.
    for target in ["own.c", "nothing"] {
        let tutor = ran();
        by_link(&tutor, target);
        for selection in ["--only load", "--from load"] {
            let ran = tutor.run(&format!("run demo {selection}"));
            ran.code(0).stdout_has(told);
        }
    }

    // A link that was there, with another text behind it.
    let tutor = ran();
    by_link(&tutor, "own.c");
    let again = tutor.run("run demo").code(0);
    again.stdout_lacks("has changed since");
    let ran_alone = tutor.run("run demo --only load").code(0);
    ran_alone.stdout_lacks("has changed since");
    edit(&tutor, "own.c", "third one\n");
    tutor
        .run("run demo --only load")
        .code(0)
        .stdout_has(told)
        .stdout_has("kept your edits of prog.c");

    // A folder.
    let tutor = ran();
    fs::remove_file(file(&tutor, "prog.c")).expect("there");
    fs::create_dir(file(&tutor, "prog.c")).expect("made");
    tutor.run("run demo --only load").code(0).stdout_has(told);

    // A file that is too long to be compared.
    let tutor = ran();
    let long = fs::File::create(file(&tutor, "prog.c")).expect("made");
    long.set_len(80 << 20).expect("sparse");
    tutor.run("run demo --only load").code(0).stdout_has(told);
}

#[test]
fn a_difference_after_a_file_became_a_link_names_the_edit_and_fails_nothing() {
    let body = "```text {file=words.txt}\none\n```\n\n".to_owned() + &step("read", "cat words.txt");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    tutor.run("run demo").code(0);
    let words = tutor.workspace("demo").join("words.txt");
    edit(&tutor, "own.txt", "two\n");
    fs::remove_file(&words).expect("there");
    symlink("own.txt", &words).expect("made");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("• read: differs, and you edited `words.txt`");
}

#[test]
fn study_says_too_which_step_to_run_after_an_edit() {
    let tutor = made_of_an_edited_file();
    tutor.run("run demo --until other").code(0);
    edit(&tutor, "prog.c", "second\n");
    let ran = tutor.stdin("q\n").run("study demo");
    ran.stdout_has("`prog.c` has changed since `compile` ran");
}

/// The moments that are kept of the only lesson: by its file, what it says, and which file it is.
fn moments(tutor: &Tutor) -> BTreeMap<String, (String, u64)> {
    let lessons = fs::read_dir(tutor.path("home/cache/lab/checkpoints")).expect("moments");
    let lesson = lessons.flatten().next().expect("a lesson").path();
    let files = fs::read_dir(lesson).expect("readable").flatten();
    let moments = files.filter(|file| file.path().extension().is_some_and(|end| end == "moment"));
    let told = moments.map(|file| {
        let text = fs::read_to_string(file.path()).expect("text");
        let inode = file.metadata().expect("there").ino();
        (file.file_name().display().to_string(), (text, inode))
    });
    told.collect()
}

#[test]
fn a_step_writes_its_own_moment_only_and_what_it_changed() {
    let body: String = (1..=9)
        .map(|number| plain(&format!("s{number}"), &format!("date +%N >made-{number}")))
        .collect();
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    let first = moments(&tutor);
    assert_eq!(first.len(), 9);
    for (file, (text, _)) in &first {
        assert_eq!(text.matches("made-").count(), 1, "{file}: {text}");
    }
    tutor.run("run demo --only s2").code(0);
    let second = moments(&tutor);
    let changed = first.iter().filter(|(file, told)| second[*file] != **told);
    let changed: Vec<&String> = changed.map(|(file, _)| file).collect();
    assert_eq!(changed, ["s2.moment"]);
}

/// So a run of many short steps takes as long as they do.
#[test]
fn of_a_long_lesson_each_thirteenth_moment_is_kept() {
    let body: String = (0..200)
        .map(|number| plain(&format!("s{number}"), &format!("echo {number} >>all")))
        .collect();
    let tutor = Tutor::new().lesson(body + &plain("last", "wc -l <all"));
    let kept = "all is as it was before";
    let again = "the steps before it run again first";
    tutor.run("run demo").code(0).stdout_has("│ 200");
    assert!(moments(&tutor).len() <= 17);
    for (step, note) in [("s65", kept), ("s66", again), ("last", again)] {
        let ran = tutor.run(&format!("run demo --from {step}")).code(0);
        ran.stderr_has(note).stdout_has("│ 200");
    }
}

#[test]
fn moments_of_a_newer_tutor_are_named_and_left_alone() {
    let tutor = Tutor::new().lesson(plain("one", "echo one >a") + &plain("two", "cat a"));
    tutor.run("run demo").code(0);
    let (file, (text, _)) = moments(&tutor).pop_first().expect("a moment");
    let newer = text.replace("\"format\":3", "\"format\":4,\"more\":[]");
    assert_ne!(newer, text);
    let lessons = fs::read_dir(tutor.path("home/cache/lab/checkpoints")).expect("moments");
    let lesson = lessons.flatten().next().expect("a lesson").path();
    fs::write(lesson.join(file), newer).expect("writable");
    let before = tutor.files("home");
    for line in [
        "run demo",
        "run demo --only two",
        "reset demo",
        "study demo",
    ] {
        let ran = tutor.run(line).code(3);
        ran.stderr_has("a newer `tutor` wrote `")
            .stderr_has("in format 4, and this one knows 3");
        assert!(tutor.files("home") == before, "{line}");
    }
}

#[test]
fn what_an_edit_outdates_is_found_however_many_steps_made_one_file() {
    let body = "```text {file=notes.txt}\nthe lesson's\n```\n\n```text {file=words.txt}\nthe lesson's\n```\n\n";
    let steps = (0..48).map(|number| plain(&format!("s{number}"), "echo x >> log; tail -1 log"));
    let read = plain("read", "cat words.txt >> log");
    let body = body.to_owned() + &read + &steps.collect::<String>() + &plain("last", "cat log");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    edit(&tutor, "notes.txt", "mine\n");
    edit(&tutor, "words.txt", "mine\n");
    tutor
        .run("run demo --from last")
        .code(0)
        .stdout_has("`words.txt` has changed since `read` ran")
        .stdout_has("`notes.txt` has changed since `read` ran");
}

#[test]
fn a_check_and_a_prediction_name_their_step_by_the_anchors_that_sentences_link_to() {
    let body = plain("other", "echo other")
        + "[How many?](#predict-lines)\n\n"
        + &plain("run", "seq 3")
        + "```sh {predict=lines of=run}\nwc -l <\"$TUTOR_STDOUT\"\n```\n\n"
        + &check("last of=run expect=3", "tail -1 \"$TUTOR_STDOUT\"");
    let tutor = Tutor::new().lesson(body);
    for name in ["run", "check-last", "predict-lines"] {
        let ran = tutor.run(&format!("run demo --only {name} --json")).code(0);
        assert!(ran.verdicts().starts_with("run shown"), "{}", ran.told());
    }
}
