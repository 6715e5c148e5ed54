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
        .stdout_has("your files are kept in ");
    let folder = ran.stdout.trim_end().rsplit(' ').next().expect("a folder");
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
    ran.stdout_has("`mine.c` is of an earlier run, and no step made it again since");
    let aside = tutor.workspace("demo").with_extension("old-1");
    assert_eq!(
        fs::read_to_string(aside.join("mine.c")).expect("kept"),
        "mine"
    );
    assert!(!aside.join("made").exists());
    tutor.run("run demo").code(0).stdout_lacks("earlier run");
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
