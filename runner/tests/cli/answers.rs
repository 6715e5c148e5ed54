//! Which answers a question may have, and when two of them are the same.

use super::predictions::LINES;
use super::*;

/// A facet that has this value.
fn facet(value: u32) -> String {
    format!("[facets.tool]\nprobe = \"echo tool {value}.0\"\nprecision = \"major\"\n")
}

#[test]
fn an_answer_may_vary_with_the_environment_as_the_output_does() {
    // The output says nothing of it, so that the answer alone differs.
    let body = LINES.to_owned()
        + &step("run vary=tool", "echo same")
        + "```sh {predict=lines of=run}\ncat ../../../../answer\n```\n\n";
    let tutor = Tutor::new().unconfined();
    let answer = tutor.path("answer");
    fs::write(&answer, "3\n").expect("writable");
    let body = body.replace("../../../../answer", &answer.display().to_string());
    let tutor = tutor.lesson(body).course(&facet(1));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    fs::write(&answer, "4\n").expect("writable");
    // Where the environment is the same, it is another answer.
    tutor
        .run("run demo")
        .code(1)
        .stdout_has("has a different answer here than the recorded one");
    let manifest = tutor.get("course/lessons/course.toml");
    tutor.put(
        "course/lessons/course.toml",
        &manifest.replace(&facet(1), &facet(2)),
    );
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("question lines: the answer differs here, and so does the environment")
        .stdout_has("-3\n")
        .stdout_has("+4\n");
    let ran = tutor.run("run demo --json").code(0);
    assert_eq!(ran.verdicts(), "run passed, check lines differs here");
    tutor.run("test --strict").code(1);
    // What waits is a variant, and the one that is accepted stays as it is.
    let base = tutor.get("course/snapshots/demo/run.snap");
    tutor.run("accept --all").code(0);
    assert_eq!(tutor.get("course/snapshots/demo/run.snap"), base);
    let variant = tutor.get("course/snapshots/demo/run@tool-2.snap");
    assert!(variant.contains("value: \"4\""), "{variant}");
    tutor.run("test --strict").code(0);
    tutor.run("check --strict").code(0);
}

#[test]
fn a_script_that_fails_gives_no_answer_and_says_so() {
    let failing = LINES.to_owned()
        + &step("run", "echo same")
        + "```sh {predict=lines of=run}\necho looked in vain >&2\nexit 2\n```\n\n";
    let tutor = Tutor::new().lesson(&failing);
    tutor
        .run("run demo")
        .code(1)
        .stdout_has("prediction `lines` gives no answer: its script ended with exit status 2")
        .stdout_has("looked in vain")
        .stdout_lacks("different answer");
    // Whoever changes the program may leave the question without an answer.
    let body = "```text {file=notes.txt}\none\n```\n\n".to_owned()
        + LINES
        + &step("run", "cat notes.txt")
        + "```sh {predict=lines of=run}\ngrep -c one notes.txt\n```\n\n";
    let tutor = accepted(&body);
    tutor.run("run demo").code(0);
    fs::write(tutor.workspace("demo").join("notes.txt"), "two\n").expect("writable");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("question lines: nothing answers it after your edits");
}

#[test]
fn an_answer_is_one_line_that_somebody_can_type() {
    let answering = |script: &str| {
        Tutor::new().lesson(
            LINES.to_owned()
                + &step("run", "seq 3")
                + &format!("```sh {{predict=lines of=run}}\n{script}\n```\n\n"),
        )
    };
    for (script, why) in [
        (
            "seq 3",
            "prediction `lines` answers with 3 lines, and nobody types more than one",
        ),
        (
            "printf 'a%.0s' {1..300}",
            "prediction `lines` answers with 300 characters, and nobody types so many",
        ),
        (
            "echo :back",
            "prediction `lines` answers `:back`, and what begins with `:` is a command to `tutor study`",
        ),
    ] {
        answering(script).run("run demo").code(1).stdout_has(why);
    }
}
