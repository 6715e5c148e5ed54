//! Accepted outputs: review, accept, reject, what differs with the environment.

use super::*;

#[test]
fn a_changed_output_is_shown_reviewed_accepted_and_green_again() {
    let tutor = accepted(&step("one", "echo same; echo old; echo tail"));
    tutor
        .run("test")
        .code(0)
        .stdout_has("all as expected: 1 passed");
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("echo old", "echo new");
    tutor.put("course/lessons/demo.md", &page);
    let snap = tutor.get("course/snapshots/demo/one.snap");

    tutor
        .run("run demo")
        .code(1)
        .stdout_has("one: the output differs")
        .stdout_has("-old")
        .stdout_has("+new");
    tutor
        .run("test")
        .code(1)
        .stdout_has("-old")
        .stdout_has("+new")
        .stdout_has("1 output waits to be read: `tutor review`");
    assert_eq!(tutor.get("course/snapshots/demo/one.snap"), snap);
    let waiting = tutor.run("review --json").code(0).json();
    let row = &waiting["waiting"][0];
    assert_eq!(
        (&row["lesson"], &row["step"]),
        (&"demo".into(), &"one".into())
    );
    assert_eq!(
        (&row["old"]["text"], &row["new"]["text"]),
        (&"same\nold\ntail".into(), &"same\nnew\ntail".into())
    );
    tutor
        .run("review")
        .code(0)
        .stdout_has("-old")
        .stdout_has("+new")
        .stdout_has("tutor accept LESSON [STEP]");
    assert_eq!(tutor.get("course/snapshots/demo/one.snap"), snap);

    for (line, which) in [
        ("accept", "<LESSON|--all|--prune>"),
        ("reject", "<LESSON|--all>"),
    ] {
        tutor.run(line).code(2).stderr_has(which);
    }
    tutor.run("accept demo --all").code(2);
    tutor
        .run("accept demo nosuch")
        .code(2)
        .stderr_has("no step `nosuch` in demo");
    tutor
        .run("accept demo one")
        .code(0)
        .stdout_has("accepted demo/one");
    assert!(!tutor.path("course/snapshots/demo/one.snap.new").exists());
    tutor.run("test").code(0);
    tutor.run("run demo").code(0).stdout_has("one: as recorded");
    tutor.run("review").code(0).stdout_has("no output waits");
}

#[test]
fn a_rejected_output_goes_and_the_accepted_one_stays() {
    let tutor = accepted(&step("one", "echo old"));
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("echo old", "echo new");
    tutor.put("course/lessons/demo.md", &page);
    tutor.run("test").code(1);
    let snap = tutor.get("course/snapshots/demo/one.snap");
    tutor
        .run("reject demo")
        .code(0)
        .stdout_has("rejected demo/one");
    assert_eq!(
        tutor.files("course/snapshots"),
        [("demo/one.snap".to_owned(), snap)].into()
    );
}

#[test]
fn an_output_that_is_as_accepted_again_waits_no_longer() {
    let tutor = accepted(&step("one", "echo old"));
    let page = tutor.get("course/lessons/demo.md");
    tutor.put(
        "course/lessons/demo.md",
        &page.replace("echo old", "echo new"),
    );
    tutor.run("test").code(1);
    tutor.put("course/lessons/demo.md", &page);
    tutor.run("test").code(0);
    tutor.run("review").stdout_has("no output waits");
}

#[test]
fn a_new_output_fails_a_test_and_is_shown_to_a_learner() {
    let tutor = Tutor::new().lesson(step("one", "echo 1"));
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("one: no output is recorded yet");
    tutor
        .run("test")
        .code(1)
        .stdout_has("one: no output is recorded yet");
    assert!(
        tutor
            .get("course/snapshots/demo/one.snap.new")
            .ends_with("---\n1\n")
    );
}

#[test]
fn under_ci_nothing_is_written() {
    let tutor = Tutor::new().lesson(step("one", "echo 1")).env("CI", "true");
    let before = tutor.files("course");
    tutor.run("test").code(1);
    assert_eq!(tutor.files("course"), before);
}

#[test]
fn a_carriage_return_and_a_missing_newline_are_differences_that_are_seen() {
    let tutor = accepted(&step("one", "printf 'a\\nb\\n'"));
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("a\\nb\\n", "a\\r\\nb");
    tutor.put("course/lessons/demo.md", &page);
    let ran = tutor.run("run demo").code(1);
    let added: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| line.trim_start().starts_with('+'))
        .collect();
    assert!(
        added
            .iter()
            .any(|line| *line != "    +a" && line.contains("+a")),
        "{}",
        ran.stdout
    );
    ran.stdout_has("no newline at the end");
}

#[test]
fn what_differs_with_the_environment_is_information_unless_strict() {
    let tutor = Tutor::new().unconfined();
    tutor.put("version", "1.5\n");
    let version = tutor.path("version").display().to_string();
    let facet = format!(
        "[facets.tool]\nwhat = \"of which there is one\"\nprobe = \"cat {version}\"\nprecision = \"major\"\n[facets.other]\nprobe = \"echo 7\"\n"
    );
    let body = step("one vary=tool", &format!("echo made by $(cat {version})"))
        + &check(
            "made of=one match=\"^made by [0-9.]+$\"",
            "cat $TUTOR_STDOUT",
        );
    let tutor = tutor.lesson(body).course(&facet);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    tutor.run("test --strict").code(0);

    // The same major version: the tool is not to blame.
    tutor.put("version", "1.6\n");
    assert_eq!(
        tutor.run("run demo --json").code(1).verdicts(),
        "one changed, check made passed"
    );

    tutor.put("version", "2.0\n");
    let ran = tutor
        .run("run demo")
        .code(0)
        .stdout_has("one: differs here");
    ran.stdout_has("tool (of which there is one): recorded on 1, here 2")
        .stdout_has("\n    the same there and here: other\n")
        .stdout_lacks("other: recorded")
        .stdout_has("-made by 1.5")
        .stdout_has("+made by 2.0");
    let ran = tutor.run("test").code(0).stdout_has("1 differs here");
    ran.stdout_has("nothing failed; what differs was recorded in another environment: 1");
    tutor
        .run("test --strict")
        .code(1)
        .stdout_has("not as expected");
    tutor.run("accept demo").code(0);
    assert!(
        tutor.path("course/snapshots/demo/one@tool-2.snap").exists(),
        "{:?}",
        tutor.files("course/snapshots")
    );
    tutor.run("test --strict").code(0);
    tutor.put("version", "1.5\n");
    tutor.run("test --strict").code(0);
}

#[test]
fn what_an_unknown_environment_prints_takes_no_accepted_outputs_place() {
    let tutor = Tutor::new().unconfined();
    tutor.put("version", "1.5\n");
    let version = tutor.path("version").display().to_string();
    let facet = format!("[facets.tool]\nprobe = \"cat {version}\"\nprecision = \"major\"");
    let body = step("one vary=tool", &format!("cat {version} 2>&1; true"));
    let tutor = tutor.lesson(body).course(&facet);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let accepted = tutor.files("course/snapshots");
    std::fs::remove_file(tutor.path("version")).unwrap();
    tutor.run("test").code(0).stdout_has(&format!(
        "tool: recorded on 1, here unknown, since `cat {version}` tells no version: cat: {version}: No such file"
    ));
    assert_eq!(tutor.files("course/snapshots"), accepted);
}

#[test]
fn review_at_a_terminal_asks_one_by_one() {
    let body: String = ["a", "b", "c", "d", "e"]
        .map(|id| step(id, &format!("echo {id}")))
        .concat();
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    let Some(mut running) = at_a_terminal(&tutor, "review demo") else {
        return;
    };
    for (number, answer) in [(1, "a\n"), (2, "what\nr\n"), (3, "s\n"), (4, "A\n")] {
        running.until_stdout(&format!("({number}/5)"));
        running.say(answer);
    }
    running
        .end()
        .code(0)
        .stdout_has("accepted demo/a")
        .stdout_has("rejected demo/b")
        .stdout_has("accepted demo/e");
    let left: Vec<String> = tutor.files("course/snapshots").into_keys().collect();
    assert_eq!(
        left,
        [
            "demo/a.snap",
            "demo/c.snap.new",
            "demo/d.snap",
            "demo/e.snap"
        ]
    );
    let Some(mut running) = at_a_terminal(&tutor, "review") else {
        return;
    };
    running.until_stdout("(1/1)");
    running.say("q\n");
    running.end().code(0);
    assert!(tutor.path("course/snapshots/demo/c.snap.new").exists());
}
