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
