//! The learner's files: kept, used, set aside.

use super::*;

#[test]
fn what_the_learner_edited_is_kept_and_used() {
    let body = "```text {file=notes.txt}\nthe lesson's text\n```\n\n".to_owned()
        + &plain("one", "cat notes.txt; : >made");
    let tutor = Tutor::new().lesson(body);
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("wrote notes.txt")
        .stdout_has("│ the lesson's text");
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::write(&notes, "mine\n").expect("writable");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("kept your edits of notes.txt")
        .stdout_has("│ mine");
    assert_eq!(fs::read_to_string(&notes).expect("there"), "mine\n");
    tutor.run("test").code(0);
    assert_eq!(fs::read_to_string(&notes).expect("there"), "mine\n");
}

#[test]
fn reset_begins_afresh_and_keeps_the_old_files_aside() {
    let body = "```text {file=notes.txt}\nthe lesson's text\n```\n\n".to_owned()
        + &plain("one", "cat notes.txt");
    let tutor = Tutor::new().lesson(body).stdin("r\n");
    tutor.run("study demo").code(0);
    tutor.run("list").code(0).stdout_has("done, all 1");
    fs::write(tutor.workspace("demo").join("notes.txt"), "mine\n").expect("writable");
    let ran = tutor
        .run("reset demo")
        .code(0)
        .stdout_has("your files are kept in\n");
    let folder = ran.stdout.trim_end().lines().last().expect("a folder");
    assert_eq!(
        fs::read_to_string(Path::new(folder).join("notes.txt")).expect("kept"),
        "mine\n"
    );
    tutor.run("list").code(0).stdout_lacks("done, all 1");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("│ the lesson's text");
}

#[test]
fn what_the_learner_makes_while_tutor_waits_stays() {
    let body = plain("one", "echo ran-1") + &plain("two", "ls");
    let tutor = Tutor::new().lesson(body).env("NO_COLOR", "1");
    let Some(mut running) = at_a_terminal(&tutor, "study demo") else {
        return;
    };
    running.until_stdout("one: [Enter] run");
    running.say("r");
    running.until_stdout("two: [Enter] run");
    let mine = tutor.workspace("demo").join("mine.c");
    fs::write(&mine, "mine").expect("writable");
    running.say("r");
    running.end().code(0).stdout_has("│ mine.c");
    tutor.run("run demo").code(0).stdout_has("│ mine.c");
    assert_eq!(fs::read_to_string(&mine).expect("there"), "mine");
}

#[test]
fn what_the_learner_makes_while_a_step_runs_is_kept_aside() {
    let wait = "[ -e ../again ] || { touch ../again; until [ -e mine.c ]; do sleep 0.01; done; }";
    let tutor = Tutor::new()
        .unconfined()
        .lesson(plain("one", &format!("echo made >made; {wait}")));
    let running = tutor.start("run demo");
    let workspaces = tutor.path("home/data/workspaces");
    until("the step", || workspaces.join("again").exists());
    fs::write(tutor.workspace("demo").join("mine.c"), "mine").expect("writable");
    running.end().code(0);
    let ran = tutor.run("run demo -q").code(0);
    ran.stdout_has("`mine.c` of an earlier run is kept in ")
        .stdout_has("since the same steps did not make it again");
    let aside = tutor.workspace("demo").with_extension("old-1");
    assert_eq!(
        fs::read_to_string(aside.join("mine.c")).expect("kept"),
        "mine"
    );
    assert!(!aside.join("made").exists());
    tutor.run("run demo").code(0).stdout_lacks("earlier run");
}

#[test]
fn what_another_step_made_again_is_not_said_to_be_made_by_none() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo 1 > data") + &plain("two", "[ -e data ] || echo 2 > data"));
    tutor.run("run demo --only two").code(0);
    let ran = tutor.run("run demo -q").code(0);
    ran.stdout_lacks("no step")
        .stdout_has("`data` of an earlier run is kept in ")
        .stdout_has("since the same steps did not make it again");
    let aside = tutor.workspace("demo").with_extension("old-1");
    assert_eq!(fs::read_to_string(aside.join("data")).expect("kept"), "2\n");
}

#[test]
fn a_file_of_the_lesson_that_a_step_changes_is_no_edit_of_the_learners() {
    let body = "```c {file=x.c}\nint x;\n```\n\n".to_owned()
        + &plain("one", "cat x.c; sed -i s/int/long/ x.c");
    let tutor = Tutor::new().lesson(body);
    for _ in 0..3 {
        let ran = tutor.run("run demo").code(0).stdout_has("wrote x.c");
        ran.stdout_lacks("kept").stdout_lacks("│ long x;");
    }
    assert!(!tutor.workspace("demo").with_extension("old-1").exists());
}

#[test]
fn a_name_that_is_no_text_is_no_error() {
    let tutor = Tutor::new().lesson(plain("one", "touch \"$(printf 'n\\377')\"; ls | wc -l"));
    tutor.run("run demo").code(0);
    tutor.run("run demo").code(0).stdout_has("│ 1\n");
}

/// A lesson whose steps read a file, each with its output accepted.
fn of_a_file() -> Tutor {
    let tutor = accepted(
        &("```text {file=notes.txt}\nthe lesson's text\n```\n\n".to_owned()
            + &step("before", "echo before")
            + &step("read", "cat notes.txt")
            + &check("words of=read expect=3", "wc -w <$TUTOR_STDOUT")
            + &plain("find exit=1", "grep mine notes.txt")),
    );
    tutor.run("run demo").code(0);
    tutor
}

#[test]
fn a_difference_after_an_edit_names_the_edit_and_fails_nothing() {
    let tutor = of_a_file();
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::write(&notes, "it is all mine\n").expect("writable");
    let ran = tutor.run("run demo");
    ran.stdout_has("✓ before: as recorded")
        .stdout_has("• read: differs, and you edited `notes.txt`")
        .stdout_has("+it is all mine")
        .stdout_has("• check words does not hold")
        .stdout_has("• find: exit status 0, expected 1")
        .stdout_has("    you edited `notes.txt`\n")
        .stdout_has("1 differs after your edits")
        .stdout_has("what you changed: `tutor diff demo`");
    for line in ["run demo --only read", "run demo --only read --json"] {
        tutor.run(line).code(1).stdout_has("notes.txt");
    }
    fs::write(&notes, "all is mine\n").expect("writable");
    let ran = tutor.run("run demo --only read --json").code(0);
    assert_eq!(ran.verdicts(), "read edited, check words passed");
    assert_eq!(
        ran.json()["lessons"][0]["items"][0]["edited"][0],
        "notes.txt"
    );
    fs::write(&notes, "the lesson's text\n").expect("writable");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("✓ read: as recorded")
        .stdout_lacks("you edited");
}

#[test]
fn what_a_step_did_to_a_file_is_no_edit() {
    let body = "```text {file=notes.txt}\nthe lesson's text\n```\n\n".to_owned()
        + &step("change", "echo changed >notes.txt")
        + &step("read", "cat notes.txt");
    let tutor = accepted(&body);
    let snapshot = "course/snapshots/demo/read.snap";
    tutor.put(snapshot, &tutor.get(snapshot).replace("changed", "other"));
    for _ in 0..2 {
        let ran = tutor.run("run demo").code(1);
        ran.stdout_has("✗ read: the output differs")
            .stdout_lacks("edited");
    }
}

#[test]
fn a_step_that_differs_after_an_edit_is_done() {
    let tutor = of_a_file();
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::write(&notes, "all is mine\n").expect("writable");
    let tutor = tutor.stdin("r\nr\nq\n");
    tutor
        .run("study demo --from before")
        .stdout_has("• read: differs, and you edited `notes.txt`");
    tutor.run("list").code(0).stdout_has("done, all 3");
}

#[test]
fn diff_shows_what_the_learner_changed_as_a_patch() {
    let tutor = of_a_file();
    tutor
        .run("diff demo")
        .code(0)
        .stderr_has("no file of demo is other than in the lesson");
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::write(&notes, "the lesson's text\nand mine\u{1b}[2J").expect("writable");
    let ran = tutor.run("diff demo").code(0);
    let patch = "--- a/notes.txt\n+++ b/notes.txt\n@@ -1 +1,2 @@\n the lesson's text\n+and mine␛[2J\n\\ No newline at end of file\n";
    assert_eq!(ran.stdout, patch);
    let json = tutor.run("diff demo notes.txt --json").code(0).json();
    assert_eq!(json["format"], 1);
    assert_eq!(json["files"][0]["file"], "notes.txt");
    assert_eq!(json["files"][0]["state"], "edited");
    tutor
        .run("diff demo note.txt")
        .code(2)
        .stderr_has("demo has no file `note.txt`")
        .stderr_has("did you mean `notes.txt`?");
    fs::remove_file(&notes).expect("there");
    tutor
        .run("diff demo")
        .code(0)
        .stderr_has("`notes.txt` is not there");
}

#[test]
fn whatever_is_in_the_place_of_a_folder_is_named_and_reset_puts_it_aside() {
    let tutor = Tutor::new().lesson(
        "```text {file=d/a.txt}\none\n```\n\n```text {file=d/e/b.txt}\ntwo\n```\n\n".to_owned()
            + &plain("look", "cat d/a.txt d/e/b.txt"),
    );
    let whole = "│ one\n  │ two\n";
    tutor.run("run demo").code(0).stdout_has(whole);
    let workspace = tutor.workspace("demo");
    let folder = workspace.join("d");
    let own = tutor.path("own");
    fs::create_dir(&own).expect("made");
    for (number, is_link) in [(1, false), (2, true)] {
        fs::remove_dir_all(&folder).expect("there");
        match is_link {
            false => fs::write(&folder, "mine\n").expect("written"),
            true => std::os::unix::fs::symlink(&own, &folder).expect("made"),
        }
        let why = match is_link {
            false => {
                "cannot write `d/a.txt`: `d` is no folder; move it away, or let `tutor reset LESSON d/a.txt` put it aside"
            }
            true => {
                "cannot write `d/a.txt`: `d` is a link, and nothing is written behind one; move it away, or let `tutor reset LESSON d/a.txt` put it aside"
            }
        };
        for line in ["run demo", "run demo --only look", "run demo --from look"] {
            let ran = tutor.run(line).code(3).stderr_has(why);
            ran.stdout_has("nothing ran").stdout_lacks("last lesson");
        }
        tutor
            .run("diff demo")
            .code(0)
            .stderr_has("what is in the place of `d/a.txt` is no file that can be compared");
        let aside = workspace.with_extension(format!("old-{number}"));
        tutor
            .run("reset demo d/a.txt")
            .code(0)
            .stdout_has(&format!("yours is kept in {}/d", aside.display()));
        match is_link {
            false => assert_eq!(fs::read_to_string(aside.join("d")).expect("kept"), "mine\n"),
            true => assert_eq!(fs::read_link(aside.join("d")).expect("kept"), own),
        }
        tutor.run("run demo").code(0).stdout_has(whole);
    }
    assert_eq!(fs::read_dir(&own).expect("there").count(), 0);
}

#[test]
fn what_cannot_be_compared_in_the_place_of_a_file_is_kept_and_used_as_an_edit_is() {
    let tutor = Tutor::new().lesson(
        "```text {file=notes.txt}\nthe lesson's text\n```\n\n".to_owned()
            + &plain("look", "stat -c %F,%s notes.txt"),
    );
    tutor.run("run demo").code(0);
    let notes = tutor.workspace("demo").join("notes.txt");
    for found in ["│ regular file,83886080", "│ fifo,0"] {
        fs::remove_file(&notes).expect("there");
        if found.contains("fifo") {
            nix::unistd::mkfifo(&notes, nix::sys::stat::Mode::S_IRUSR).expect("made");
        } else {
            let file = fs::File::create(&notes).expect("writable");
            file.set_len(80 << 20).expect("sparse");
        }
        tutor
            .run("run demo")
            .code(0)
            .stdout_has("kept your edits of notes.txt")
            .stdout_has(found);
        tutor
            .run("diff demo")
            .code(0)
            .stderr_has("what is in the place of `notes.txt` is no file that can be compared");
        tutor.run("reset demo notes.txt").code(0);
        let now = fs::read_to_string(&notes).expect("there");
        assert_eq!(now, "the lesson's text\n");
    }
}

#[test]
fn reset_of_a_file_puts_the_lessons_text_there_and_keeps_the_learners() {
    let tutor = of_a_file();
    let workspace = tutor.workspace("demo");
    let notes = workspace.join("notes.txt");
    fs::write(&notes, "mine\n").expect("writable");
    fs::write(workspace.join("own.txt"), "own\n").expect("writable");
    let ran = tutor.run("reset demo notes.txt").code(0);
    assert_eq!(
        fs::read_to_string(&notes).expect("there"),
        "the lesson's text\n"
    );
    assert_eq!(
        fs::read_to_string(workspace.join("own.txt")).expect("there"),
        "own\n"
    );
    let kept = ran.stdout.trim_end().rsplit(' ').next().expect("a path");
    assert_eq!(fs::read_to_string(kept).expect("kept"), "mine\n");
    tutor.run("run demo").code(0).stdout_lacks("edited");
    tutor
        .run("reset demo notes.txt")
        .code(0)
        .stdout_has("`notes.txt` is as the lesson has it");
    tutor
        .run("reset demo own.txt")
        .code(2)
        .stderr_has("demo has no file `own.txt`");
    fs::remove_file(&notes).expect("there");
    tutor.run("reset demo notes.txt").code(0);
    assert_eq!(
        fs::read_to_string(&notes).expect("there"),
        "the lesson's text\n"
    );
}

#[test]
fn a_wrong_name_is_answered_with_those_that_there_are_each_once() {
    let file = |path: &str| format!("```text {{file={path}}}\nwords\n```\n\n");
    let body = file("first.c") + &file("second.c") + &plain("one", "true") + &file("first.c");
    let tutor = Tutor::new()
        .lesson(&body)
        .lesson(file("only.c"))
        .lesson("Words.\n");
    for command in ["diff", "reset"] {
        for (of, says) in [
            (
                "demo",
                "demo has no file `xyz`: its files are `first.c`, `second.c`",
            ),
            (
                "demo-2",
                "demo-2 has no file `xyz`: its only file is `only.c`",
            ),
            ("demo-3", "demo-3 has no file `xyz`: it has no files"),
        ] {
            let ran = tutor.run(&format!("{command} {of} xyz")).code(2);
            assert!(ran.stderr.ends_with(&format!("{says}\n")), "{}", ran.told());
        }
    }
    for (of, says) in [
        ("demo", "no step `xyz` in demo: its only step is `one`"),
        ("demo-2", "no step `xyz` in demo-2: it has no steps"),
    ] {
        let ran = tutor.run(&format!("run {of} --until xyz")).code(2);
        assert!(ran.stderr.ends_with(&format!("{says}\n")), "{}", ran.told());
    }
}

#[test]
fn diff_of_a_lesson_without_files_says_that_it_has_none() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    tutor
        .run("diff demo")
        .code(0)
        .stderr_has("demo has no files");
}
