//! `tutor study`, and `tutor` alone.

use super::*;

#[test]
fn study_runs_skips_goes_back_and_remembers_where_it_was_left() {
    let body = "Before one.\n\n".to_owned()
        + &plain("one", "echo ran-1")
        + "Before two.\n\n"
        + &plain("two", "echo ran-2")
        + "Before three.\n\n"
        + &plain("three", "echo ran-3");
    let tutor = Tutor::new().lesson(body);
    let tutor = tutor.stdin("r\ns\nb\nr\nq\n");
    let ran = tutor.run("study demo").code(0);
    ran.stdout_has("│ ran-1")
        .stdout_has("│ ran-2")
        .stdout_lacks("│ ran-3")
        .stdout_has("go on where you are with: `tutor`");
    tutor.run("list").code(0).stdout_has("2 of 3 done");

    let tutor = tutor.stdin("what\nr\n");
    let ran = tutor
        .run("study demo")
        .code(0)
        .stdout_has("`what` means nothing here; keys: Enter or r runs, s skips");
    ran.stdout_has("Before three.")
        .stdout_lacks("Before two.")
        .stdout_has("│ ran-3")
        .stdout_lacks("│ ran-1");
    tutor.run("list").code(0).stdout_has("done, all 3");
}

#[test]
fn study_begins_where_it_is_told_to() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo ran-1") + &plain("two", "echo ran-2"))
        .stdin("r\n");
    tutor
        .run("study demo --from two")
        .code(0)
        .stdout_has("│ ran-2")
        .stdout_lacks("│ ran-1");
    tutor
        .run("study demo --from nosuch")
        .code(2)
        .stderr_has("nosuch");
}

#[test]
fn a_step_whose_text_changed_is_no_longer_done() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo 1") + &plain("two", "echo 2"))
        .stdin("r\nr\n");
    tutor.run("study demo").code(0);
    tutor.run("list").code(0).stdout_has("done, all 2");
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("echo 2", "echo 3");
    tutor.put("course/lessons/demo.md", &page);
    tutor
        .run("list")
        .code(0)
        .stdout_has("1 of 2 done, 1 changed since");
}

#[test]
fn study_that_hears_nothing_leaves_and_remembers() {
    let tutor = Tutor::new().lesson(plain("one", "echo ran-1") + &plain("two", "echo ran-2"));
    tutor
        .run("study demo")
        .code(0)
        .stdout_lacks("│ ran-1")
        .stdout_has("go on where you are with: `tutor`");
}

#[test]
fn tutor_alone_goes_on_where_the_learner_was() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo ran-1") + &plain("two", "echo ran-2"))
        .stdin("r\nq\n");
    tutor.run("study demo").code(0).stdout_has("│ ran-1");
    // It takes no `--yes`.
    tutor.run("trust").code(0);
    let ran = tutor.stdin("r\n").run("").code(0);
    ran.stdout_has("│ ran-2").stdout_lacks("│ ran-1");
}

#[test]
fn ctrl_c_in_study_stops_the_step_and_not_the_sitting() {
    let seconds = own_seconds();
    let body = plain("one", &format!("sleep {seconds}")) + &plain("two", "echo ran-2");
    let tutor = Tutor::new().lesson(body).stdin("r\ng\nr\n");
    let running = tutor.start("study demo");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    running
        .end()
        .stdout_has("one: interrupted")
        .stdout_has("one: [Enter] again")
        .stdout_has("│ ran-2");
    assert_eq!(sleepers(seconds), 0);
    // A step that was stopped is not done.
    let list = tutor.run("list --json").json();
    assert_eq!(list["lessons"][0]["done"], 1, "{list}");
}

#[test]
fn back_goes_on_going_back() {
    let body: String = ["one", "two", "three"]
        .map(|id| plain(id, &format!("echo ran-{id}")))
        .concat();
    let tutor = Tutor::new().lesson(body).stdin("s\ns\nb\nb\nb\nr\nq\n");
    tutor
        .run("study demo")
        .code(0)
        .stdout_has("│ ran-one")
        .stdout_lacks("│ ran-two");
}

const KEYS: &str = "keys: Enter or r runs, s skips, b goes back, a runs again";

#[test]
fn study_at_a_terminal_takes_single_keys() {
    let body: String = ["one", "two", "three"]
        .map(|id| plain(id, &format!("echo ran-{id}")))
        .concat();
    let tutor = Tutor::new().lesson(body).env("NO_COLOR", "1");
    let Some(mut running) = at_a_terminal(&tutor, "study demo") else {
        return;
    };
    running.until_stdout("one: [Enter] run");
    running.say("\r");
    running.until_stdout("two: [Enter] run");
    // A key without a meaning here, such as Ctrl-R, runs nothing and shows the keys, once.
    running.say("x\x12y");
    running.until_stdout(KEYS);
    running.until_stdout("or Esc quits\r\ntwo: [Enter] run");
    // Ctrl-Z stops the program where a shell waits for it; when it goes on it asks again.
    running.say("\x1a");
    running
        .until_stdout("two: [Enter] run  [s]kip  [b]ack  [a]gain  [q]uit › \r\ntwo: [Enter] run");
    running.say("s");
    running.until_stdout("three: [Enter] run");
    running.say("q");
    let ran = running.end().code(0);
    assert_eq!(ran.stdout.matches(KEYS).count(), 1, "{}", ran.told());
    let ran = ran
        .stdout_has("│ ran-one")
        .stdout_lacks("│ ran-two")
        .stdout_lacks("│ ran-three");
    ran.stdout_has("go on where you are with: `tutor`");
    let Some(mut running) = at_a_terminal(&tutor, "study") else {
        return;
    };
    running.until_stdout("three: [Enter] run");
    running.say("r");
    running.end().stdout_has("│ ran-three");
}

#[test]
fn a_key_pressed_while_a_step_runs_does_not_run_the_next_one() {
    let body = plain("one", "until [ -e go ]; do sleep 0.01; done") + &plain("two", "echo ran-2");
    let tutor = Tutor::new().lesson(body).env("NO_COLOR", "1");
    let Some(mut running) = at_a_terminal(&tutor, "study demo") else {
        return;
    };
    running.until_stdout("one: [Enter] run");
    running.say("r");
    running.until_stdout("[q]uit › \r\n");
    running.say("rrr");
    // The terminal has them.
    running.until_stdout("rrr");
    let workspaces = fs::read_dir(tutor.path("home/data/workspaces")).expect("there");
    for workspace in workspaces.flatten() {
        fs::write(workspace.path().join("go"), "").expect("writable");
    }
    running.until_stdout("two: [Enter] run");
    running.say("q");
    running.end().code(0).stdout_lacks("│ ran-2");
}

/// A line that is no UTF-8: an `ä` from a keyboard of Latin-1.
const NO_UTF8: &[u8] = b"\xe4\n";

#[test]
fn a_line_that_is_no_utf_8_is_as_good_as_any_other_that_nobody_understands() {
    let question = "[How many?](#predict-lines)\n\n".to_owned()
        + &step("run", "seq 3")
        + "```sh {predict=lines of=run}\nwc -l <\"$TUTOR_STDOUT\"\n```\n\n";
    let tutor = Tutor::new().lesson(question).env("NO_COLOR", "1");
    let mut running = tutor.start_interactive(tutor.command("study demo"), "study demo");
    running.say(NO_UTF8);
    running.say(NO_UTF8);
    running.say("r\n");
    running
        .end()
        .code(0)
        .stdout_has("`\u{fffd}` means nothing here")
        .stdout_has("│ 3\n")
        .stdout_has("you said \u{fffd}");
    // So it is with the other questions, which are asked at a terminal only.
    let asked = |tutor: &Tutor, line: &str, prompt: &str, then: &str| {
        let mut running = at_a_terminal_of(tutor, 200, line)?;
        running.until_stdout(prompt);
        running.say(NO_UTF8);
        running.say(then);
        Some(running.end())
    };
    if let Some(ran) = asked(&tutor, "storage --remove-all", "[y/N]", "") {
        ran.stdout_lacks("error").stdout_lacks("removed:");
    }
    tutor.run("test").code(1);
    if let Some(ran) = asked(&tutor, "review", "[q]uit", "a\n") {
        ran.code(0).stdout_has("accepted");
    }
    let tutor = Tutor::new()
        .lesson(plain("one", "echo ran-1"))
        .not_trusted()
        .env("NO_COLOR", "1");
    if let Some(ran) = asked(&tutor, "run demo", "run it? [y]", "y\n") {
        ran.code(0).stdout_has("│ ran-1");
    }
}
