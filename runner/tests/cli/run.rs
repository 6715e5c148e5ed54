//! `tutor run`: steps, selections, timeouts, reports.

use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_run_shows_prose_command_output_and_verdict() {
    let body = "Some *prose* here.\n\n".to_owned() + &plain("one", "echo out; echo err >&2");
    let ran = Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(0)
        .stderr_is_empty();
    let order = [
        "The lesson demo",
        "Some prose here.",
        "▶ one",
        "$ echo out; echo err",
        "│ out",
        "✓ one",
    ];
    let places: Vec<_> = order.iter().map(|text| ran.stdout.find(text)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{}",
        ran.stdout
    );
    ran.stdout_has("┆ err").stdout_has("demo: 1 shown");
}

#[test]
fn a_lesson_is_found_by_stem_name_and_number() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo 1"))
        .lesson(plain("two", "echo 2"));
    let page = tutor.get("course/lessons/demo-2.md");
    let page = page.replace("name: demo-2", "name: second");
    tutor.put("course/lessons/demo-2.md", &page);
    for key in ["demo-2", "second", "lessons/demo-2.md"] {
        tutor.run(&format!("run {key}")).code(0).stdout_has("│ 2");
    }
    tutor.run("new lesson-11").code(0);
    tutor.run("show 11").code(0).stdout_has("A new lesson");
    let ran = tutor.run("run nosuch").code(2);
    ran.stderr_has("nosuch").stderr_has("help: ");
}

#[test]
fn a_step_with_a_wrong_exit_status_ends_with_1_and_the_next_still_runs() {
    let body =
        plain("one", "exit 4") + &plain("two", "echo next") + &plain("three exit=nonzero", "false");
    let ran = Tutor::new().lesson(body).run("run demo").code(1);
    ran.stdout_has("one: exit status 4, expected 0")
        .stdout_has("variables and functions are lost")
        .stdout_has("│ next")
        .stdout_has("✓ three")
        .stdout_has("tutor run demo --only one");
}

#[test]
fn a_step_that_fails_as_it_should_says_so() {
    let tutor = accepted(
        &(step("one exit=3", "echo no >&2; (exit 3)")
            + &plain("two exit=nonzero", "sh -c 'kill -9 $$'")
            + &plain("three", "true")),
    );
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("one: as recorded, and it fails as it should: exit status 3 (")
        .stdout_has("two: done, with exit status 137 (")
        .stdout_has("three: done (");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_runs_nothing() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    tutor
        .run("run demo --only nosuch")
        .code(2)
        .stderr_has("no step `nosuch` in demo")
        .stderr_has("`one`");
    tutor.run("run demo --until nosuch").code(2);
    tutor.run("run demo --only one --until one").code(2);
    tutor
        .run("run demo --timeout soon")
        .code(2)
        .stderr_has("write `500ms`, `30s` or `2m`");
    tutor.run("run demo --frobnicate").code(2);
    tutor.run("run").code(2);
    tutor.run("test --partition 5/4").code(2);
    assert!(tutor.files("home").is_empty(), "{:?}", tutor.files("home"));
}

#[test]
fn a_lesson_that_cannot_run_here_at_all_ends_with_3_and_says_how_it_could() {
    let tutor = Tutor::new().lesson(plain("one on=kernel", "echo ran"));
    let ran = tutor.run("run demo").code(3);
    ran.stdout_has("one: skipped: ")
        .stdout_has("`--on host`")
        .stdout_lacks("│ ran");
}

#[test]
fn an_invalid_lesson_ends_with_4_and_all_its_errors_are_told_at_once() {
    let body = "```sh {id=one timout=5s}\necho ran\n```\n\n\
                ```sh {id=one}\necho again\n```\n\n\
                ```sh {check=size of=nosuch expect=1}\necho 1\n```\n\n[It is one](#check-size).\n";
    let tutor = Tutor::new().lesson(body);
    for line in ["run demo", "test", "study demo"] {
        let ran = tutor
            .run(line)
            .code(4)
            .stderr_has("unknown attribute `timout`")
            .stderr_has("timeout");
        let places: Vec<_> = ran
            .stderr
            .lines()
            .filter(|line| line.contains("lessons/demo.md:"))
            .collect();
        assert_eq!(places.len(), 3, "{}", ran.stderr);
        assert!(places[0].contains("lessons/demo.md:11:"), "{places:?}");
        ran.stderr_has("nothing was run").stdout_lacks("ran");
    }
    let ran = tutor.run("check --json").code(4);
    let found = ran.json()["diagnostics"]
        .as_array()
        .expect("a list")
        .clone();
    let errors: Vec<_> = found
        .iter()
        .filter(|row| row["severity"] == "error")
        .collect();
    assert_eq!(errors.len(), 3, "{found:?}");
    assert!(
        errors
            .iter()
            .all(|row| row["line"].is_u64() && row["column"].is_u64() && row["help"].is_string())
    );
    assert_eq!(
        (errors[0]["file"].as_str(), errors[0]["line"].as_u64()),
        (Some("lessons/demo.md"), Some(11))
    );
}

#[test]
fn ctrl_c_stops_the_step_and_the_run_and_ends_with_130() {
    let seconds = own_seconds();
    let body = plain("one", "echo before")
        + &plain("two", &format!("sleep {seconds}"))
        + &plain("three", "echo after");
    let tutor = Tutor::new().lesson(body).lesson(plain("next", "true"));
    let running = tutor.start("run demo");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    let ran = running.end().code(130);
    let list = tutor.run("list --json").json();
    assert_eq!(list["lessons"][0]["done"], 1, "{list}");
    ran.stdout_has("two: interrupted")
        .stdout_lacks("next: `tutor run demo-2`")
        .stdout_has("│ before")
        .stdout_lacks("│ after");
    assert_eq!(sleepers(seconds), 0);
}

#[test]
fn a_foreign_course_without_yes_and_without_a_terminal_is_refused() {
    let tutor = Tutor::new().not_trusted();
    let witness = tutor.path("ran");
    let tutor = tutor.lesson(plain("one", &format!(": >{}", witness.display())));
    for line in ["run demo", "test", "study demo"] {
        tutor
            .run(line)
            .code(2)
            .stderr_has("is not tutor's own")
            .stderr_has("`--yes`");
    }
    assert!(!witness.exists());
    tutor.run("run demo --yes --unconfined").code(0);
    assert!(witness.exists());
}

#[test]
fn run_never_touches_the_snapshots() {
    let tutor = accepted(&(step("one", "echo old") + &step("two", "echo same")));
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("echo old", "echo new")
        + &step("three", "echo 3");
    tutor.put("course/lessons/demo.md", &page);
    let before = tutor.files("course");
    let ran = tutor.run("run demo --json").code(1);
    assert_eq!(ran.verdicts(), "one changed, two passed, three new");
    assert_eq!(tutor.files("course"), before);
}

#[test]
fn only_runs_those_steps_with_their_checks() {
    let body = plain("one", "echo 1")
        + &plain("two", "echo 2")
        + &check("is-two of=two expect=2", "cat $TUTOR_STDOUT");
    let tutor = Tutor::new().lesson(body + &plain("three", "echo 3"));
    assert_eq!(
        tutor.run("run demo --only two --json").code(0).verdicts(),
        "two shown, check is-two passed"
    );
    let both = tutor.run("run demo --only three --only one --json").code(0);
    assert_eq!(both.verdicts(), "one shown, three shown");
}

#[test]
fn until_runs_up_to_and_including_a_step() {
    let body = plain("one", "echo 1") + &plain("two", "echo 2") + &plain("three", "echo 3");
    let ran = Tutor::new()
        .lesson(body)
        .run("run demo --until two --json")
        .code(0);
    assert_eq!(ran.verdicts(), "one shown, two shown");
}

#[test]
fn fail_fast_skips_what_follows_the_first_failure() {
    let body = plain("one", "false") + &plain("two", "echo ran");
    let tutor = Tutor::new().lesson(body);
    assert_eq!(
        tutor.run("run demo --fail-fast --json").code(1).verdicts(),
        "one wrong exit, two skipped"
    );
    assert_eq!(
        tutor
            .run("test --fail-fast --format json")
            .code(1)
            .verdicts(),
        "one wrong exit, two skipped"
    );
    tutor
        .run("run demo --fail-fast")
        .code(1)
        .stdout_has("stopped at `one`")
        .stdout_lacks("│ ran");
}

#[test]
fn a_timeout_ends_the_step_with_all_that_it_started() {
    let (one, two) = (own_seconds(), own_seconds());
    let body =
        plain("one", &format!("sh -c 'sleep {one} & sleep {two}'")) + &plain("two", "echo next");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --timeout 300ms").code(1);
    ran.stdout_has("one: timed out after 300 ms")
        .stdout_has("│ next")
        .stdout_has("variables and functions are lost");
    assert_eq!(sleepers(one) + sleepers(two), 0);
}

#[test]
fn a_steps_own_timeout_is_heard() {
    let body = plain("one timeout=200ms", &format!("sleep {}", own_seconds()));
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("one: timed out after 200 ms");
}

#[test]
fn a_dry_run_prints_the_plan_and_runs_nothing() {
    let tutor = Tutor::new();
    let witness = tutor.path("ran");
    let script = format!(": >{}", witness.display());
    let body = step("one timeout=5s needs=tool", &script)
        + &check("sure of=one match=\"^a b$\"", "echo a b");
    let tutor = tutor.lesson(body).course(
        "[needs.tool]\nwhat = \"a tool\"\nwhy = \"for tests\"\nprobe = \"true\"\nremedy = \"none\"",
    );
    let plan = tutor.not_trusted().run("run demo --dry-run").code(0).json();
    assert_eq!(plan["format"], 1);
    assert_eq!(plan["actions"][0]["step"], "one");
    assert_eq!(plan["actions"][0]["timeout_ms"], 5000);
    assert_eq!(plan["actions"][0]["needs"][0], "tool");
    assert_eq!(plan["actions"][1]["check"], "sure");
    assert!(!witness.exists());
}

#[test]
fn a_report_as_json_says_what_was_printed_and_how_it_ended() {
    let body = plain("one", "echo out; echo err >&2") + &plain("two", "exit 4");
    let report = Tutor::new()
        .lesson(body)
        .run("run demo --json")
        .code(1)
        .json();
    assert_eq!(
        (&report["format"], &report["lessons"][0]["name"]),
        (&1.into(), &"demo".into())
    );
    let items = &report["lessons"][0]["items"];
    assert_eq!(
        (&items[0]["stdout"], &items[0]["stderr"]),
        (&"out\n".into(), &"err\n".into())
    );
    assert_eq!(
        (&items[1]["exit"], &items[1]["shell_lost"]),
        (&"4".into(), &true.into())
    );
}

#[test]
fn a_changed_output_is_in_json_beside_the_recorded_one() {
    let tutor = Tutor::new().lesson(step("one", "echo out; echo err >&2"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let page = tutor.get("course/lessons/demo.md");
    tutor.put(
        "course/lessons/demo.md",
        &page.replace("echo out", "echo now"),
    );
    let report = tutor.run("test --format json").code(1).json();
    let item = &report["lessons"][0]["items"][0];
    assert_eq!(item["verdict"], "changed");
    assert_eq!(
        (&item["stdout"], &item["stderr"]),
        (&"now\n".into(), &"err\n".into())
    );
    assert_eq!(
        (&item["recorded_stdout"], &item["recorded_stderr"]),
        (&"out\n".into(), &"err\n".into())
    );
}

#[test]
fn a_step_that_a_signal_ended_has_no_exit_status() {
    let tutor = Tutor::new().lesson(plain("one", "kill -SEGV $$"));
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has("one: ended by signal 11, expected exit status 0");
}

#[test]
fn a_step_that_skips_the_rest_leads_to_no_doctor() {
    let body = plain("one", "exit 80") + &plain("two", "true");
    let ran = Tutor::new().lesson(body).run("run demo");
    ran.stdout_has("two: skipped: `one` skipped the rest")
        .stdout_lacks("tutor doctor");
}

#[test]
fn the_first_line_of_a_slow_step_is_there_before_its_end() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let tutor = tutor.lesson(plain(
        "one",
        &format!(
            "echo first; read -r line <{}; echo \"$line\"",
            fifo.display()
        ),
    ));
    let mut running = tutor.start("run demo");
    // The step cannot end before this test writes to it.
    running.until_stdout("│ first\n");
    fs::write(&fifo, "second\n").expect("the step reads");
    running.end().code(0).stdout_has("│ second\n");
}

#[test]
fn a_prompt_without_a_newline_is_shown_as_well() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let tutor = tutor.lesson(plain(
        "one",
        &format!("printf 'wait: '; read -r line <{}", fifo.display()),
    ));
    let mut running = tutor.start("run demo");
    running.until_stdout("│ wait: ");
    fs::write(&fifo, "go\n").expect("the step reads");
    running.end().code(0);
}

#[test]
fn exit_80_skips_the_rest_of_the_lesson() {
    let body =
        plain("one", "echo 1") + &plain("two", "echo enough; exit 80") + &plain("three", "echo 3");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("│ enough")
        .stdout_has("two: skipped: enough")
        .stdout_has("three: skipped: `two` skipped the rest of the lesson: enough")
        .stdout_lacks("│ 3");
    tutor.run("test --no-skip").code(3);
}

#[test]
fn what_a_step_said_last_is_the_reason_that_it_skips_the_rest() {
    let said = |script: &str, reason: &str| {
        let tutor = Tutor::new().lesson(plain("one", script) + &plain("two", "true"));
        let items = tutor.run("test --format json").code(3).json();
        let items = items["lessons"][0]["items"]
            .as_array()
            .expect("items")
            .clone();
        assert_eq!(items[0]["reason"], reason, "{script}");
        let rest = format!("`one` skipped the rest of the lesson: {reason}");
        assert_eq!(items[1]["reason"], rest, "{script}");
    };
    said("echo looking; echo 'no luck'; echo; exit 80", "no luck");
    said("echo 'no luck at all' >&2; exit 80", "no luck at all");
    said("echo warning >&2; echo ' none here '; exit 80", "none here");
    let tutor = Tutor::new().lesson(plain("one", "exit 80"));
    let ran = tutor.run("run demo").code(3);
    ran.stdout_has("one: skipped: it ended with status 80, which skips the rest of the lesson");
}

#[test]
fn help_says_what_skips_do_to_the_exit_status() {
    let tutor = Tutor::new();
    for command in ["run", "test", "matrix"] {
        let ran = tutor.run(&format!("{command} --help")).code(0);
        ran.stdout_has("leave the exit status 0 where other steps ran")
            .stdout_has("it is 3");
    }
}

#[test]
fn no_step_at_all_is_a_failure() {
    let tutor = Tutor::new().lesson("Only prose.\n");
    tutor.run("run demo").code(1).stdout_has("nothing ran");
    let ran = tutor.run("test").code(1).stdout_has("• demo  nothing ran");
    ran.stdout_has("not as expected: nothing ran");
}

#[test]
fn a_lesson_of_which_all_was_skipped_is_no_good_news() {
    let need = "[needs.it]\nwhat = \"it\"\nwhy = \"none\"\nprobe = \"false\"";
    let tutor = Tutor::new()
        .lesson(plain("one needs=it", "true"))
        .lesson(plain("two", "true"))
        .course(need);
    let ran = tutor.run("test").code(0);
    ran.stdout_has("• demo  1 skipped")
        .stdout_has("✓ demo-2  1 shown");
}

#[test]
fn leftovers_are_ended_and_name_their_step() {
    let (one, two) = (own_seconds(), own_seconds());
    // Until it is a sleep, it is a bash that is about to become one.
    let awaited = |seconds| format!("until pgrep -x -f 'sleep {seconds}'; do :; done");
    let body = plain("one", &format!("sleep {one} & {}", awaited(one)))
        + &plain(
            "two",
            &format!("setsid sleep {two} >/dev/null 2>&1 & {}", awaited(two)),
        );
    let tutor = Tutor::new().lesson(body);
    tutor
        .run("run demo")
        .code(0)
        .stdout_has(&format!(
            "one left this running, and it was ended: sleep {one}"
        ))
        .stdout_has(&format!(
            "two left this running, and it was ended: sleep {two}"
        ));
    assert_eq!(sleepers(one) + sleepers(two), 0);
}

#[test]
fn an_exit_trap_speaks_at_the_lessons_end() {
    let body = plain("one", "trap 'echo bye' EXIT") + &plain("two", "echo still here");
    let ran = Tutor::new().lesson(body).run("run demo").code(0);
    assert!(
        ran.stdout.find("│ still here") < ran.stdout.find("│ bye"),
        "{}",
        ran.stdout
    );
    ran.stdout_has("│ bye");
}

#[test]
fn a_word_that_is_no_command_is_answered_with_what_was_probably_meant() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    tutor.run("rnu").code(2).stderr_has("'run'");
    let ran = tutor.run("demo").code(2);
    assert!(!ran.stderr.contains("tip: "), "{}", ran.told());
    tutor
        .run("lesson-2")
        .code(2)
        .stderr_has("tip: to run a lesson: `tutor run lesson-2`");
    let ran = tutor.run("lab lesson-2").code(2);
    assert!(!ran.stderr.contains("to run a lesson"), "{}", ran.told());
    let mut command = tutor.command("");
    command.arg(OsStr::from_bytes(b"\xff"));
    tutor.start_command(command, "\\xff").end().code(2);
}

#[test]
fn what_is_read_alone_shows_no_file_of_elsewhere_and_what_is_new_says_how_to_record_it() {
    let file = "```c {file=a.c}\nint a;\n```\n\n";
    let one = "```sh {id=one}\necho 1\n```\n\n".to_owned();
    let body = one + file + &plain("two", "cat a.c") + &plain("three", "echo 3");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --only one").code(0);
    ran.stdout_lacks("int a;")
        .stdout_has("`tutor test demo`, then `tutor review`");
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("that was the last lesson");
    let ran = tutor.run("run demo --from three").code(0);
    ran.stdout_lacks("int a;").stdout_has("│ 3");
    let ran = tutor.run("run demo --from two").code(0);
    ran.stdout_has("a.c is as the lesson has it");
    let ran = tutor.run("run demo --quiet --only two").code(0);
    ran.stdout_has("│ int a;");
}
