//! Questions that a learner answers before the output comes.

use super::*;

/// A question about the lines that a step prints.
pub const LINES: &str = "[How many lines will there be?](#predict-lines)\n\n";

pub fn lines(script: &str) -> String {
    LINES.to_owned()
        + &step("run", script)
        + "```sh {predict=lines of=run}\nwc -l <\"$TUTOR_STDOUT\"\n```\n\n"
}

#[test]
fn the_answer_to_a_question_is_recorded_and_compared() {
    let tutor = Tutor::new().lesson(lines("seq 3"));
    tutor
        .run("test")
        .code(1)
        .stdout_has("question lines: the answer is 3");
    tutor.run("accept --all").code(0);
    let snapshot = tutor.get("course/snapshots/demo/run.snap");
    assert!(
        snapshot.contains("predict: \"\"") && snapshot.contains("value: \"3\""),
        "{snapshot}"
    );
    let ran = tutor.run("test --format json").code(0);
    assert_eq!(ran.verdicts(), "run passed, check lines passed");
    let other = snapshot.replace("value: \"3\"", "value: \"4\"");
    tutor.put("course/snapshots/demo/run.snap", &other);
    tutor
        .run("test")
        .code(1)
        .stdout_has(
            "“How many lines will there be?” has a different answer here than the recorded one",
        )
        .stdout_has("expected: 4")
        .stdout_has("got:      3");
    tutor.run("test --renew").code(1);
    tutor.run("accept --all").code(0);
    tutor.run("test").code(0);
    tutor.run("check").code(0).stdout_has("no warnings");
}

#[test]
fn study_asks_before_the_output_and_says_what_came_out() {
    let tutor = Tutor::new().lesson(lines("seq 3")).stdin("five\nr\n");
    let ran = tutor.run("study demo").code(0);
    let asked = ran
        .stdout
        .find("Before it runs: How many lines will there be?");
    let output = ran.stdout.find("│ 1\n");
    assert!(asked.is_some() && asked < output, "{}", ran.stdout);
    ran.stdout_has("question lines: the answer is 3")
        .stdout_has("you said five\n");
    // Whoever knows the answer is not asked again.
    let tutor = tutor.stdin("r\n");
    tutor
        .run("study demo --from run")
        .code(0)
        .stdout_lacks("Before it runs");
}

#[test]
fn a_right_prediction_is_told_as_one_however_it_is_written() {
    for said in ["3", " 3.0 "] {
        let tutor = Tutor::new()
            .lesson(lines("seq 3"))
            .stdin(&format!("{said}\nr\n"));
        let said = said.trim();
        let told = format!("you said {said}, and so it is");
        tutor.run("study demo").code(0).stdout_has(&told);
    }
}

#[test]
fn what_is_typed_as_an_answer_is_no_command() {
    for said in ["q", "s", "quit"] {
        let tutor = Tutor::new()
            .lesson(lines("seq 3"))
            .stdin(&format!("{said}\nr\n"));
        tutor
            .run("study demo")
            .code(0)
            .stdout_has("│ 3\n")
            .stdout_has(&format!("you said {said}\n"));
    }
    let nothing = Tutor::new().lesson(lines("seq 3")).stdin("\nr\n");
    nothing
        .run("study demo")
        .code(0)
        .stdout_has("│ 3\n")
        .stdout_lacks("you said");
    let gone = Tutor::new().lesson(lines("seq 3")).stdin("");
    gone.run("study demo").code(0).stdout_lacks("│ 3\n");
}

#[test]
fn an_answer_is_chosen_by_its_number_or_its_words() {
    let body = "[Who objects?](#predict-who)\n\n".to_owned()
        + &plain("run", "echo kernel")
        + "```sh {predict=who of=run choices=\"compiler|loader|kernel\"}\ncat \"$TUTOR_STDOUT\"\n```\n\n";
    for said in ["c", "Kernel", "nobody\nc"] {
        let tutor = Tutor::new().lesson(&body).stdin(&format!("{said}\nr\n"));
        tutor
            .run("study demo")
            .code(0)
            .stdout_has("b  loader")
            .stdout_has("you said kernel, and so it is");
    }
    let tutor = Tutor::new().lesson(body.replace("echo kernel", "echo nobody"));
    tutor
        .run("run demo")
        .code(1)
        .stdout_has("prediction `who` answers `nobody`, which is none of its choices");
}

#[test]
fn an_edit_may_change_the_answer_and_fails_nothing() {
    let body = "```text {file=notes.txt}\none\n```\n\n".to_owned() + &lines("cat notes.txt");
    let tutor = accepted(&body);
    tutor.run("run demo").code(0);
    let notes = tutor.workspace("demo").join("notes.txt");
    fs::write(&notes, "one\ntwo\n").expect("writable");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("question lines: the answer is 2");
}

#[test]
fn a_prediction_that_cannot_be_asked_is_named_with_its_place() {
    let fence = "```sh {predict=lines of=run}\ntrue\n```\n\n";
    let none = Tutor::new().lesson(step("run", "seq 3") + fence);
    none.run("check")
        .code(4)
        .stdout_has("no question links to prediction `lines`")
        .stdout_has("`[…?](#predict-lines)`");
    let below = Tutor::new().lesson(step("run", "seq 3") + LINES + fence);
    below
        .run("check")
        .code(4)
        .stdout_has("this question stands below its step `run`");
    let claim =
        Tutor::new().lesson(LINES.replace("predict", "check") + &step("run", "seq 3") + fence);
    claim
        .run("check")
        .code(4)
        .stdout_has("did you mean `#predict-lines`?");
    let choices = fence.replace("of=run", "of=run choices=one");
    let alone = Tutor::new().lesson(LINES.to_owned() + &step("run", "seq 3") + &choices);
    alone
        .run("check")
        .code(4)
        .stdout_has("no choice of answers");
    let shown = Tutor::new().lesson(LINES.to_owned() + &plain("run", "seq 3") + fence);
    shown
        .run("check")
        .code(0)
        .stdout_has("the answer to `lines` is recorded nowhere");
}

/// A question about something that the lesson does not show.
const QUIZ: &str =
    "[What are six and seven?](#predict-sum)\n\n```sh {quiz=sum}\necho $((6 + 7))\n```\n\n";

#[test]
fn a_quiz_finds_its_answer_by_running() {
    let tutor = Tutor::new().lesson(QUIZ);
    tutor
        .run("test")
        .code(1)
        .stdout_has("question sum: the answer is 13");
    tutor.run("accept --all").code(0);
    let ran = tutor.run("test --format json").code(0);
    assert_eq!(ran.verdicts(), "sum passed, check sum passed");
    tutor.run("check --strict").code(0);
    let tutor = tutor.stdin("13\nr\n");
    let ran = tutor.run("study demo").code(0);
    ran.stdout_has("What are six and seven?")
        .stdout_has("you said 13, and so it is");
}

#[test]
fn the_book_folds_a_quiz_with_its_answer() {
    let tutor = Tutor::new().lesson(QUIZ);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    tutor.run("book --emit out").code(0);
    let page = tutor.get("tmp/out/src/demo.md");
    let fold = page.find("<details class=\"tutor-check\" id=\"predict-sum\">");
    let answer = page.find("<samp>13</samp>");
    assert!(fold.is_some() && fold < answer, "{page}");
    assert!(page.contains("echo $(("), "{page}");
    assert!(!page.contains("tutor-step"), "{page}");
    assert!(!page.contains("TUTOR_STDOUT"), "{page}");
}

#[test]
fn a_quiz_without_its_question_is_an_error() {
    let fence = QUIZ.split_once("\n\n").expect("a fence").1;
    Tutor::new()
        .lesson(fence)
        .run("check")
        .code(4)
        .stdout_has("no question links to prediction `sum`");
    let of_step = QUIZ.replace("{quiz=sum}", "{quiz=sum compare=none}");
    Tutor::new()
        .lesson(of_step)
        .run("check")
        .code(4)
        .stdout_has("`compare` has no meaning on quiz `sum`");
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    for said in ["16", "0x10", "0X10", "0b10000", "0o20", "16.0", "+16"] {
        let tutor = Tutor::new()
            .lesson(lines("seq 16"))
            .stdin(&format!("{said}\nr\n"));
        let told = format!("you said {said}, and so it is");
        tutor.run("study demo").code(0).stdout_has(&told);
    }
}

#[test]
fn choices_have_letters_so_that_they_may_be_numbers() {
    let body = "[How many?](#predict-many)\n\n".to_owned()
        + &plain("run", "echo 1")
        + "```sh {predict=many of=run choices=\"2|3|1\"}\ncat \"$TUTOR_STDOUT\"\n```\n\n";
    for (said, told) in [
        ("1", "you said 1, and so it is"),
        ("c", "you said 1, and so it is"),
        ("C", "you said 1, and so it is"),
        ("3", "you said 3\n"),
        ("a", "you said 2\n"),
        ("4\nd\nb", "you said 3\n"),
    ] {
        let tutor = Tutor::new().lesson(&body).stdin(&format!("{said}\nr\n"));
        tutor
            .run("study demo")
            .code(0)
            .stdout_has("a  2")
            .stdout_has("c  1")
            .stdout_has(told);
    }
    for (choices, why) in [
        ("b|a", "the answer `a` is the letter of `b` too"),
        ("yes|Yes", "the answers `yes` and `Yes` are the same"),
        ("16|0x10", "the answers `16` and `0x10` are the same"),
        (":back|x", "the answer `:back` begins with `:`"),
    ] {
        let body = body.replace("2|3|1", choices);
        Tutor::new()
            .lesson(body)
            .run("check")
            .code(4)
            .stdout_has(why);
    }
    let body = body.replace("2|3|1", "a|b");
    Tutor::new().lesson(body).run("check").code(0);
}

#[test]
fn a_question_that_changed_is_asked_anew() {
    let body = lines("seq 3");
    for changed in [
        body.replace("How many lines", "How many rows"),
        body.replace("wc -l", "wc  -l"),
        body.replace("seq 3", "seq 4"),
        body.replace("of=run}", "of=run choices=\"3|4\"}"),
    ] {
        let again = Tutor::new().lesson(&body).stdin("five\nr\n");
        again.run("study demo").code(0);
        again
            .edited("demo", &changed)
            .stdin("4\nr\n")
            .run("study demo --from run")
            .code(0)
            .stdout_has("your prediction")
            .stdout_has("you said 4");
    }
}
