//! Where `tutor study` stops, and what a learner may do there.

use super::predictions::lines;
use super::*;

/// Two steps of which the second reads what the first made of a file.
fn edited() -> String {
    "```text {file=notes.txt}\nold\n```\n\n".to_owned()
        + &plain("copy", "cat notes.txt >copied")
        + &plain("show", "cat copied")
        + "## Now yours\n\nWrite something of your own.\n\n## And then\n\nMore of it.\n\n"
        + &plain("end", "echo the end")
}

#[test]
fn study_stops_before_each_section_of_the_text() {
    let body = "Of one.\n\n## Two\n\nOf two.\n\n### Three\n\nOf three.\n\n".to_owned()
        + &plain("run", "echo ran")
        + "## Four\n\nOf four.\n\n";
    let of = |keys: &str| Tutor::new().lesson(&body).stdin(keys).run("study demo");
    of("q\n")
        .stdout_has("Of one.")
        .stdout_has("[Enter] go on  [b]ack  [a]gain  [q]uit")
        .stdout_lacks("Of two.");
    of("\nq\n").stdout_has("Of two.").stdout_lacks("Of three.");
    of("\n\nr\nq\n")
        .stdout_has("│ ran")
        .stdout_lacks("Of four.");
    of("\n\nr\n\n").code(0).stdout_has("Of four.");
    // Nothing has been run that could be run again.
    of("a\nb\nq\n").stdout_has("there is no step before this");
}

#[test]
fn study_runs_again_from_what_the_learner_edited() {
    let tutor = Tutor::new().lesson(edited());
    let mut running = tutor.start_interactive(tutor.command("study demo"), "study demo");
    running.say("r\nr\n");
    running.until_stdout("[Enter] go on");
    let busy = tutor.run("run demo --from copy").code(3);
    busy.stderr_has("press `a` there to run again what you edited");
    fs::write(tutor.workspace("demo").join("notes.txt"), "new\n").expect("writable");
    running.say("a\nr\n\n\n");
    running.until_stdout("More of it.");
    let ran = running.end().code(0);
    let of = |text: &str| ran.stdout.find(text);
    assert!(of("│ old") < of("│ new"), "{}", ran.told());
    assert_eq!(ran.stdout.matches("$ cat notes.txt >copied").count(), 2);
    ran.stdout_lacks("│ the end");
}

#[test]
fn study_names_the_key_that_makes_anew_what_an_edit_outdated() {
    let tutor = Tutor::new().lesson(edited());
    let mut running = tutor.start_interactive(tutor.command("study demo"), "study demo");
    running.say("r\nr\n");
    running.until_stdout("[Enter] go on");
    fs::write(tutor.workspace("demo").join("notes.txt"), "new\n").expect("writable");
    running.say("\n\n");
    running.until_stdout("end: [Enter] run");
    running.say("a\nr\nq\n");
    running
        .end()
        .stdout_has("`notes.txt` has changed since `copy` ran: [a]gain runs from there")
        .stdout_lacks("run `--from")
        .stdout_has("│ new");
    // Where there are no keys, the command is whole.
    let tutor = Tutor::new().lesson(edited());
    tutor.run("run demo").code(0);
    fs::write(tutor.workspace("demo").join("notes.txt"), "new\n").expect("writable");
    tutor
        .run("run demo --only show")
        .stdout_has("to make it anew: `tutor run demo --from copy`");
}

#[test]
fn study_stops_where_a_step_or_a_check_goes_wrong() {
    let praise = "So there it is.\n\n";
    let failing = plain("one", "echo tried; false") + praise + &plain("two", "echo ran-2");
    let of = |body: &str, keys: &str| Tutor::new().lesson(body).stdin(keys).run("study demo");
    let tutor = Tutor::new().lesson(&failing).stdin("r\nq\n");
    let ran = tutor.run("study demo").code(1);
    ran.stdout_has("one: [Enter] again  [d]iff  [g]o on  [b]ack  [q]uit")
        .stdout_has("mend what you like")
        .stdout_lacks("So there it is.");
    // It goes on there.
    let ran = tutor.stdin("q\n").run("study demo");
    ran.stdout_has("you are before `one`, step 1 of 2");
    let ran = of(&failing, "r\n\nr\ng\nq\n");
    assert_eq!(ran.stdout.matches("│ tried").count(), 3, "{}", ran.told());
    ran.stdout_has("So there it is.")
        .stdout_has("two: [Enter] run");
    let checked = step("one compare=none", "echo 1")
        + &check("sure of=one expect=2", "cat \"$TUTOR_STDOUT\"")
        + praise;
    let ran = of(&checked, "r\nd\n\nq\n");
    assert_eq!(ran.stdout.matches("│ 1\n").count(), 2, "{}", ran.told());
    ran.stdout_lacks("So there it is.");
}

#[test]
fn study_shows_what_differs_where_a_step_goes_wrong() {
    let body = "```sh {file=say.sh}\necho fine\n```\n\n".to_owned() + &step("say", "sh say.sh");
    let tutor = accepted(&body);
    tutor.run("run demo").code(0);
    fs::write(tutor.workspace("demo").join("say.sh"), "echo bad; exit 1\n").expect("writable");
    let tutor = tutor.stdin("r\nd\nq\n");
    let ran = tutor.run("study demo").code(1);
    ran.stdout_has("+echo bad; exit 1")
        .stdout_has("from the recorded output to this one:")
        .stdout_has("-fine\n")
        .stdout_has("+bad\n");
}

#[test]
fn a_prediction_can_be_taken_back_and_is_said_where_it_is_not_asked_again() {
    let of = |keys: &str| {
        let tutor = Tutor::new().lesson(plain("first", "true") + &lines("seq 3"));
        let tutor = tutor.stdin(&format!("r\n{keys}"));
        tutor.run("study demo")
    };
    of("5\np\n3\nr\n")
        .code(0)
        .stdout_has("[p]redict anew")
        .stdout_has("you said 3, and so it is");
    let ran = of("5\nr\n").code(0);
    ran.stdout_has("you said 5\n");
    // After the answer has come out, too.
    let tutor = Tutor::new().lesson(plain("first", "true") + &lines("seq 3"));
    let tutor = tutor.stdin("r\nfive\nr\n");
    tutor.run("study demo").code(0);
    let ran = tutor
        .stdin("p\n3\nr\n")
        .run("study demo --from run")
        .code(0);
    ran.stdout_has("You said five; what came out was 3.")
        .stdout_has("you said 3, and so it is");
}

#[test]
fn a_question_has_commands_of_its_own() {
    let of = |keys: &str| {
        let body = plain("first", "echo ran-first") + &lines("seq 3");
        let tutor = Tutor::new().lesson(body).stdin(&format!("r\n{keys}"));
        tutor.run("study demo")
    };
    let back = of(":back\nr\n3\nr\n").code(0);
    assert_eq!(back.stdout.matches("│ ran-first").count(), 2);
    back.stdout_has("you said 3, and so it is");
    of(":skip\n").stdout_lacks("│ 3\n").stdout_has("skipped");
    of(":quit\n")
        .stdout_lacks("│ 3\n")
        .stdout_has("go on where");
    for asked in [":help", ":what", ":"] {
        of(&format!("{asked}\n3\nr\n"))
            .code(0)
            .stdout_has("`:back` goes to the step before")
            .stdout_has("you said 3, and so it is");
    }
}

#[test]
fn a_question_for_a_number_takes_a_number() {
    let tutor = accepted(&lines("seq 3")).stdin("many\n0x3\nr\n");
    tutor
        .run("study demo")
        .code(0)
        .stdout_has("your prediction, a number")
        .stdout_has("`many` is no number")
        .stdout_has("you said 0x3, and so it is");
}

#[test]
fn study_praises_nobody_whose_lesson_is_not_done() {
    let last = "that was the last lesson";
    let two = |script: &str| plain("one", "true") + &plain("two", script);
    let of = |body: String, keys: &str| Tutor::new().lesson(body).stdin(keys).run("study demo");
    of(two("true"), "r\nr\n").code(0).stdout_has(last);
    of(two("false"), "r\nr\ng\n")
        .code(1)
        .stdout_lacks(last)
        .stdout_has("tutor study demo --from two");
    of(two("true"), "r\ns\n")
        .stdout_lacks(last)
        .stdout_has("one step of demo is not done: `tutor study demo --from two`");
    of(two("true"), "s\ns\n")
        .stdout_lacks(last)
        .stdout_has("2 steps of demo are not done, the first with: `tutor study demo --from one`");
    let lacking = Tutor::new()
        .lesson(plain("one needs=gone", "true"))
        .course(NEEDS);
    lacking.run("run demo").stdout_lacks(last);
}

#[test]
fn edits_that_are_kept_are_shown_by_a_command_where_the_text_is_not() {
    let tutor = Tutor::new().lesson(edited());
    tutor.run("run demo").code(0);
    fs::write(tutor.workspace("demo").join("notes.txt"), "new\n").expect("writable");
    tutor
        .run("run demo --quiet")
        .stdout_has("they are shown by: `tutor diff demo`")
        .stdout_lacks("is above");
}

#[test]
fn a_question_looks_other_than_a_prompt_for_a_key() {
    let tutor = Tutor::new().lesson(lines("seq 3"));
    let Some(mut running) = at_a_terminal(&tutor, "study demo") else {
        return;
    };
    running.until_stdout("your prediction");
    running.say("3\r");
    running.until_stdout("[p]redict anew");
    running.say("q");
    let ran = running.end();
    let line = |text: &str| {
        let mut lines = ran.stdout.lines();
        let line = lines
            .find(|line| line.contains(text))
            .expect("it was asked");
        line.trim_start().to_owned()
    };
    assert!(
        line("your prediction").starts_with("\u{1b}[36m"),
        "{}",
        ran.told()
    );
    assert!(
        line("[Enter] run").starts_with("\u{1b}[1m"),
        "{}",
        ran.told()
    );
}

#[test]
fn study_does_not_stop_at_a_step_that_goes_on_in_the_background() {
    let body = plain("back background", "sleep 60") + &plain("next", "echo next");
    let tutor = Tutor::new().lesson(body).stdin("r\nr\n");
    tutor
        .run("study demo")
        .code(0)
        .stdout_has("│ next")
        .stdout_lacks("this did not go");
}
