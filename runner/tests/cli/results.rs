//! Results for programs: JUnit, JSON, and the file of `--junit`.

use super::*;
use quick_junit::{Report, TestCase, TestCaseStatus};
use std::os::unix::fs::symlink;
use std::process::Stdio;

fn parsed(xml: &str) -> Report {
    Report::deserialize_from_str(xml).unwrap_or_else(|error| panic!("{error}:\n{xml}"))
}

fn cases(xml: &str) -> Vec<TestCase> {
    let suites = parsed(xml).test_suites;
    suites
        .into_iter()
        .flat_map(|suite| suite.test_cases)
        .collect()
}

fn message(case: &TestCase) -> String {
    let message = match &case.status {
        TestCaseStatus::Success { .. } => None,
        TestCaseStatus::NonSuccess { message, .. } | TestCaseStatus::Skipped { message, .. } => {
            message.clone()
        }
    };
    message.map(String::from).unwrap_or_default()
}

fn extra(case: &TestCase, name: &str) -> String {
    let found = case.extra.iter().find(|(key, _)| key.as_str() == name);
    found
        .map(|(_, value)| value.to_string())
        .unwrap_or_default()
}

#[test]
fn junit_goes_into_a_file_beside_any_format() {
    let tutor = Tutor::new().lesson(plain("one", "echo out") + &plain("two", "false"));
    for format in ["pretty", "json", "junit"] {
        let file = tutor.path("tmp/reports/tests.xml");
        let _ = fs::remove_file(&file);
        let line = format!("test --format {format} --junit reports/tests.xml");
        let ran = tutor.run(&line).code(1);
        let xml = tutor.get("tmp/reports/tests.xml");
        let report = parsed(&xml);
        assert_eq!((report.tests, report.failures), (2, 1), "{format}");
        if format == "pretty" {
            ran.stdout_has("exit status 1");
        }
    }
    let names = tutor.files("tmp/reports").into_keys().collect::<Vec<_>>();
    assert_eq!(names, ["tests.xml"]);
}

#[test]
fn a_message_is_the_same_in_every_run_and_says_where_its_step_stands() {
    let body = plain("typo exit=2", "sleep 0.01; exit 1")
        + &check("no of=typo expect=1", "echo 2")
        + &plain("skipped needs=gone", "true");
    let tutor = Tutor::new().lesson(body).course(NEEDS);
    let run = || cases(&tutor.run("test --format junit").code(1).stdout);
    let (first, second) = (run(), run());
    let said: Vec<String> = first.iter().map(message).collect();
    assert_eq!(said, second.iter().map(message).collect::<Vec<_>>());
    assert_eq!(said[0], "typo: exit status 1, expected 2");
    assert!(
        said[2].starts_with("skipped: skipped: needs gone"),
        "{said:?}"
    );
    let description = |cases: &[TestCase]| match &cases[0].status {
        TestCaseStatus::NonSuccess { description, .. } => description.clone(),
        status => panic!("{status:?}"),
    };
    assert_eq!(description(&first), description(&second));
    for (case, line) in first.iter().zip(["11", "17", "21"]) {
        assert!(extra(case, "file").ends_with("lessons/demo.md"), "{case:?}");
        assert_eq!(extra(case, "line"), line, "{case:?}");
    }
    let json = tutor.run("test --format json").code(1).json();
    let lesson = &json["lessons"][0];
    assert_eq!(lesson["file"], "lessons/demo.md");
    let lines: Vec<_> = lesson["items"].as_array().expect("items").iter().collect();
    let lines: Vec<_> = lines
        .into_iter()
        .map(|item| item["line"].as_u64())
        .collect();
    assert_eq!(lines, [Some(11), Some(17), Some(21)]);
}

#[test]
fn a_file_is_named_from_the_folder_in_which_the_test_was_started() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let mut command = tutor.command("test --format junit");
    command.current_dir(tutor.path(""));
    let ran = tutor.start_command(command, "test").end().code(0);
    assert_eq!(
        extra(&cases(&ran.stdout)[0], "file"),
        "course/lessons/demo.md"
    );
}

#[test]
fn tabs_stay_in_junit_and_what_xml_cannot_hold_is_shown() {
    let script =
        r"printf 'tab\there\r\n\033[1mbold\000 \177\302\205 \342\200\213 \342\200\214\n'; exit 3";
    let need =
        "[needs.it]\nwhat = 'it'\nwhy = 'tabs'\nprobe = \"\"\"printf 'a\\\\tb\\n'; exit 1\"\"\"\n";
    let body = plain("one", script) + &plain("two needs=it", "true");
    let tutor = Tutor::new().lesson(body).course(need);
    let xml = tutor.run("test --format junit").code(1).stdout;
    let cases = cases(&xml);
    let out = cases[0].system_out.as_ref().expect("output").to_string();
    // quick-junit drops tabs when it reads, too.
    assert!(
        xml.contains(">tab\there") && xml.contains("a&#9;b"),
        "{xml}"
    );
    assert!(out.contains("␛[1mbold␀ ␡"), "{out:?}");
    assert!(out.contains(r"\u{200b} \u{200c}"), "{out:?}");
    let is_allowed = |c: char| c >= ' ' || c == '\t' || c == '\n';
    assert!(xml.chars().all(is_allowed), "{xml:?}");
}

#[test]
fn an_invalid_lesson_is_a_whole_document_in_each_format() {
    let body = plain("one", "true") + "```sh {id=two tiemout=3s}\ntrue\n```\n";
    let tutor = Tutor::new().lesson(body);
    let says = "unknown attribute `tiemout` on step `two`";
    for line in ["test --format junit", "matrix --format junit"] {
        let ran = tutor.run(line).code(4).stderr_has(says);
        let cases = cases(&ran.stdout);
        assert_eq!(message(&cases[0]), says, "{line}");
        assert_eq!(extra(&cases[0], "line"), "15", "{line}");
        assert_eq!(parsed(&ran.stdout).errors, 1, "{line}");
    }
    for line in [
        "test --format json",
        "matrix --format json",
        "run demo --json",
    ] {
        let json = tutor.run(line).code(4).stderr_has(says).json();
        let found = &json["diagnostics"][0];
        assert_eq!(found["message"], says, "{line}");
        assert_eq!(found["file"], "lessons/demo.md");
        assert_eq!((&found["line"], &found["column"]), (&15.into(), &15.into()));
        assert_eq!(json["lessons"], serde_json::json!([]), "{line}");
    }
    tutor.run("test --junit tests.xml").code(4);
    assert_eq!(cases(&tutor.get("tmp/tests.xml")).len(), 1);
}

#[test]
fn a_file_for_results_replaces_nothing_but_a_file() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    symlink(tutor.path("home"), tutor.path("tmp/link")).expect("a link");
    for name in ["/dev/stdout", "/dev/null", "link", "..", "."] {
        let ran = tutor.run(&format!("test --junit {name}")).code(2);
        ran.stderr_has(&format!(
            "cannot write the result to `{name}`: it is no regular file"
        ))
        .stdout_lacks("one");
    }
    tutor.put("tmp/old.xml", "old");
    tutor.run("test --junit old.xml").code(0);
    assert_eq!(cases(&tutor.get("tmp/old.xml")).len(), 1);
}

#[test]
fn results_that_cannot_be_written_are_told_all_the_same() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("two", "false"));
    tutor.put("tmp/file", "");
    let says = "cannot write the result to `file/tests.xml`";
    let test = "test --junit file/tests.xml";
    tutor
        .run(&format!("{test} demo"))
        .code(3)
        .stdout_has("all as expected")
        .stderr_has(says);
    // What the tests found is worse.
    let ran = tutor.run(test).code(1);
    ran.stdout_has("exit status 1").stderr_has(says);
    let json = tutor.run(&format!("{test} --format json")).code(1).json();
    assert_eq!(json["lessons"].as_array().map(Vec::len), Some(2));
    let broken = tutor.lesson(plain("three idd=x", "true"));
    let ran = broken.run(test).code(4).stderr_has(says);
    ran.stderr_has("a lesson has errors and was not run: `demo-3`");
}

#[test]
fn an_end_that_cannot_be_told_is_no_better_one() {
    let tutor = Tutor::new().lesson(plain("one", "echo out; exit 1"));
    for line in [
        "test",
        "test --format json",
        "test --format junit",
        "matrix",
        "matrix --format json",
        "run demo",
        "run demo --json",
    ] {
        let mut command = tutor.command(line);
        command.stdout(fs::File::create("/dev/full").expect("a full disk"));
        let output = command.stderr(Stdio::piped()).output().expect("tutor runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        assert!(
            told.contains("cannot write to standard output"),
            "{line}: {told}"
        );
    }
}

#[test]
fn an_interrupt_is_the_end_whatever_cannot_be_written() {
    let seconds = own_seconds();
    let tutor = Tutor::new().lesson(plain("one", &format!("sleep {seconds}")));
    tutor.put("tmp/file", "");
    let running = tutor.start("test --junit file/tests.xml");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    let ran = running.end().code(130);
    ran.stderr_has("cannot write the result to `file/tests.xml`");
}
