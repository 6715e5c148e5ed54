//! Consent to a course that is not `tutor`'s own: what the question says, and what an answer is for.

use super::*;

/// A course of which each part leaves a trace when it runs.
fn traced(tutor: Tutor) -> Tutor {
    let trace = tutor.path("ran").display().to_string();
    let body = format!(
        "```c {{file=a.c}}\n{{{{#include ../bpf/a.c}}}}\n```\n\n{}{}",
        plain("one needs=tool", &format!("echo step-one >>{trace}")),
        check(
            "sure of=one expect=1",
            &format!("echo check-sure >>{trace}; echo 1")
        )
    );
    tutor.put("course/bpf/a.c", "int a;\n");
    tutor
        .course(&format!(
            "inventory = \"echo inventory >>{trace}\"\n\
            [needs.tool]\nwhat = \"w\"\nwhy = \"w\"\nprobe = \"echo probe-tool >>{trace}\"\n\
            [facets.fact]\nprobe = \"echo probe-fact >>{trace}\"\n"
        ))
        .lesson(body)
        .lesson(plain("two", &format!("echo step-two >>{trace}")))
        .not_trusted()
        .unconfined()
        .env("TUTOR_PAGER", "cat")
        .env("NO_COLOR", "1")
}

fn traces(tutor: &Tutor) -> String {
    fs::read_to_string(tutor.path("ran")).unwrap_or_default()
}

/// Runs a command at a terminal that answers its question.
fn asked(tutor: &Tutor, line: &str, answer: &str) -> Option<support::Ran> {
    let mut running = at_a_terminal_of(tutor, 200, line)?;
    running.until_stdout("run it? [y]");
    running.say(answer);
    Some(running.end())
}

#[test]
fn the_question_says_all_that_would_run_and_where() {
    let tutor = traced(Tutor::new());
    let Some(ran) = asked(&tutor, "run demo", "n\n") else {
        return;
    };
    let ran = ran
        .code(2)
        .stdout_has("on this machine, with all that you may do yourself: 1 step, 1 check, 2 probes")
        .stdout_has("into the workspace: 1 file");
    for script in [
        "step-one",
        "check-sure",
        "probe-tool",
        "probe-fact",
        "int a;",
    ] {
        assert!(ran.stdout.contains(script), "{script}: {}", ran.told());
    }
    ran.stdout_lacks("step-two").stdout_lacks("echo inventory");
    assert_eq!(traces(&tutor), "");
    // A yes lets run what was told, and nothing else.
    let ran = asked(&tutor, "run demo", "y\n").expect("as before").code(0);
    for trace in traces(&tutor).lines() {
        assert!(ran.stdout.contains(trace), "{trace}");
    }
    assert_eq!(traces(&tutor).matches("step-one").count(), 1);
}

#[test]
fn a_yes_is_for_the_lessons_that_were_asked_about() {
    let tutor = traced(Tutor::new());
    let Some(ran) = asked(&tutor, "run demo", "y\n") else {
        return;
    };
    ran.code(0);
    tutor.run("run demo").code(0);
    tutor
        .run("run demo-2")
        .code(2)
        .stderr_has("is not tutor's own");
    tutor.run("test").code(2).stderr_has("is not tutor's own");
    assert!(!traces(&tutor).contains("step-two"));
}

#[test]
fn what_changed_is_asked_anew_and_named() {
    let tutor = traced(Tutor::new());
    let Some(ran) = asked(&tutor, "run demo", "y\n") else {
        return;
    };
    ran.code(0).stdout_lacks("It is not what you agreed to");
    let page = tutor.get("course/lessons/demo.md");
    // Prose is not what runs.
    tutor.put(
        "course/lessons/demo.md",
        &page.replace("stands here", "stands there"),
    );
    tutor.run("run demo").code(0);
    let changed = |file: &str, from: &str, to: &str, told: &[&str]| {
        let before = tutor.get(file);
        assert!(before.contains(from), "{from}");
        tutor.put(file, &before.replace(from, to));
        tutor.run("run demo").code(2);
        let ran = asked(&tutor, "run demo", "n\n").expect("as before").code(2);
        let mut ran = ran.stdout_has("It is not what you agreed to");
        for told in told {
            ran = ran.stdout_has(told);
        }
        assert_eq!(
            ran.stdout.matches("has changed").count()
                + ran.stdout.matches("is new").count()
                + ran.stdout.matches("is gone").count(),
            told.len(),
            "{}",
            ran.told()
        );
        tutor.put(file, &before);
        tutor.run("run demo").code(0);
    };
    let lesson = "course/lessons/demo.md";
    changed(
        lesson,
        "echo check-sure",
        "echo more; echo check-sure",
        &["`lessons/demo.md`: check `sure` has changed"],
    );
    let added = format!("{}[The sentence of sure]", plain("more", "true"));
    changed(
        lesson,
        "[The sentence of sure]",
        &added,
        &["`lessons/demo.md`: step `more` is new"],
    );
    changed(
        "course/bpf/a.c",
        "int a;",
        "int b;",
        &["`lessons/demo.md`: file `a.c` has changed"],
    );
    let manifest = "course/lessons/course.toml";
    changed(
        manifest,
        "echo probe-tool",
        "echo a-probe",
        &["`lessons/course.toml`: need `tool` has changed"],
    );
    changed(
        manifest,
        "echo probe-fact",
        "echo a-probe",
        &["`lessons/course.toml`: facet `fact` has changed"],
    );
}

#[test]
fn all_of_a_long_lesson_is_seen_before_the_answer() {
    let script: String = (1..=40).map(|line| format!("echo line-{line}\n")).collect();
    let tutor = Tutor::new()
        .lesson(plain("one", script.trim_end()))
        .not_trusted();
    let tutor = tutor.env("TUTOR_PAGER", "cat");
    let Some(mut running) = at_a_terminal(&tutor, "run demo") else {
        return;
    };
    running.until_stdout("run it? [y]");
    running.say("s\n");
    running.until_stdout("echo line-40");
    running.say("n\n");
    let ran = running.end().code(2).stdout_has("`s` shows them");
    let (before, after) = ran.stdout.split_once("run it?").expect("asked");
    assert!(
        !before.contains("echo line-40") && after.contains("run it?"),
        "{}",
        ran.told()
    );
}

#[test]
fn every_script_can_be_read_without_running_any() {
    let tutor = traced(Tutor::new());
    let all = [
        "step-one",
        "check-sure",
        "probe-tool",
        "probe-fact",
        "int a;",
    ];
    let lesson = tutor
        .run("show demo --all")
        .code(0)
        .stdout_lacks("step-two");
    let whole = tutor.run("show --all").code(0).stdout_has("step-two");
    let json = tutor.run("show --all demo --json").code(0).json();
    let plan = tutor.run("run demo --dry-run").code(0).json();
    for script in all {
        assert!(
            lesson.stdout.contains(script) && whole.stdout.contains(script),
            "{script}"
        );
        for json in [&json, &plan] {
            let texts = json["scripts"].as_array().expect("scripts").iter();
            let found = texts.filter(|one| {
                one["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(script))
            });
            assert_eq!(found.count(), 1, "{script}");
        }
    }
    tutor.run("show").code(2);
    assert_eq!(traces(&tutor), "");
}

#[test]
fn the_refusal_names_the_command_that_shows_it_all() {
    let tutor = traced(Tutor::new());
    let course = tutor.path("course").display().to_string();
    for (line, command) in [
        (
            "run demo",
            format!("`tutor show --all demo --course '{course}'`"),
        ),
        ("test", format!("`tutor show --all --course '{course}'`")),
    ] {
        tutor
            .run(line)
            .code(2)
            .stderr_has(&command)
            .stderr_has("`--yes`");
    }
    // `doctor` runs the probes of needs, and nothing else.
    tutor.run("doctor").code(2).stderr_has("is not tutor's own");
}

#[test]
fn a_course_of_ones_own_is_never_asked_about() {
    let tutor = traced(Tutor::new());
    tutor
        .run("trust --list")
        .code(0)
        .stdout_has("no course is your own");
    tutor.run("trust").code(0).stdout_has("is your own");
    tutor.run("run demo").code(0);
    let page = tutor.get("course/lessons/demo-2.md") + &plain("three", "true");
    tutor.put("course/lessons/demo-2.md", &page);
    tutor.run("run demo-2").code(0);
    let folder = tutor
        .path("course")
        .canonicalize()
        .expect("there")
        .display()
        .to_string();
    tutor
        .run("trust --list")
        .code(0)
        .stdout_has(&format!("your own: {folder}"));
    let json = tutor.run("trust --list --json").code(0).json();
    assert_eq!(
        (&json["format"], &json["own"][0]),
        (&1.into(), &folder.as_str().into())
    );
    tutor
        .run(&format!("trust --revoke {folder}"))
        .code(0)
        .stdout_has("forgotten");
    tutor.run("run demo").code(2);
    tutor.run(&format!("trust --revoke {folder}")).code(2);
    tutor.run("trust /nowhere").code(2);
}

#[test]
fn what_an_earlier_tutor_was_told_is_asked_once_more_with_a_word() {
    let tutor = traced(Tutor::new());
    let folder = tutor.path("course").canonicalize().expect("there");
    let trust = serde_json::json!({ "contents": ["0"], "folders": [folder] }).to_string();
    tutor.put("home/state/trust.json", &trust);
    tutor
        .run("run demo")
        .code(2)
        .stderr_has("is not tutor's own");
    let Some(ran) = asked(&tutor, "run demo", "y\n") else {
        return;
    };
    ran.code(0).stdout_has("An earlier `tutor` was told");
    tutor.run("run demo").code(0);
    assert_eq!(tutor.get("home/state/trust.json"), trust);
}
