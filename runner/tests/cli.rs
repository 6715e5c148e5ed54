//! The command line, from outside: what it prints, what it leaves, what it ends with.

mod support;

use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;
use support::{Tutor, check, own_seconds, skipped, sleepers, step, until};

/// Steps whose output is not compared, so that nothing has to be accepted first.
fn plain(id: &str, script: &str) -> String {
    step(&format!("{id} compare=none"), script)
}

/// A course in which all outputs are accepted.
fn accepted(body: &str) -> Tutor {
    let tutor = Tutor::new().lesson(body);
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor
}

// run

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
        .stdout_has("two: done, and it fails as it should: exit status 137 (")
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
        .stdout_lacks("next: tutor run demo-2")
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
    tutor.run("run demo --yes").code(0);
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
fn a_report_as_json_says_all_that_the_screen_says() {
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
fn a_fresh_folder_goes_unless_it_is_kept() {
    let tutor = Tutor::new().lesson(plain("one", "echo text >made; pwd"));
    tutor.run("run demo --fresh").code(0);
    assert!(tutor.files("tmp").is_empty(), "{:?}", tutor.files("tmp"));
    assert!(
        !tutor.path("home/data").exists(),
        "the lasting workspace is left alone"
    );
    let ran = tutor
        .run("run demo --fresh --keep")
        .code(0)
        .stdout_has("kept: ");
    let folder = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("kept: "))
        .expect("a folder");
    assert_eq!(
        fs::read_to_string(Path::new(folder).join("made")).expect("kept"),
        "text\n"
    );
    tutor.run("run demo --keep").code(2);
    tutor.run("test").code(0);
    assert_eq!(
        tutor
            .files("tmp")
            .keys()
            .filter(|name| name.ends_with("made"))
            .count(),
        1
    );
    tutor.run("test --keep").code(0).stdout_has("kept: ");
}

#[test]
fn the_first_line_of_a_slow_step_is_there_before_its_end() {
    let tutor = Tutor::new();
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
    // The step cannot end before somebody writes to it.
    running.until_stdout("│ first\n");
    fs::write(&fifo, "second\n").expect("the step reads");
    running.end().code(0).stdout_has("│ second\n");
}

#[test]
fn a_prompt_without_a_newline_is_shown_as_well() {
    let tutor = Tutor::new();
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
        .stdout_has("three: skipped: `two` skipped the rest")
        .stdout_lacks("│ 3");
    tutor.run("test --no-skip").code(3);
}

#[test]
fn no_step_at_all_is_a_failure() {
    let tutor = Tutor::new().lesson("Only prose.\n");
    tutor.run("run demo").code(1).stdout_has("nothing ran");
    tutor.run("test").code(1).stdout_has("nothing ran");
}

#[test]
fn leftovers_are_ended_and_name_their_step() {
    let (one, two) = (own_seconds(), own_seconds());
    let body = plain("one", &format!("sleep {one} &"))
        + &plain(
            "two",
            &format!(
                "setsid sleep {two} >/dev/null 2>&1 & until pgrep -x -f 'sleep {two}'; do :; done"
            ),
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
fn the_environment_of_steps_is_fixed() {
    let body = plain("one", "env | sort; echo; pwd; tutor --version");
    let tutor = Tutor::new()
        .lesson(body)
        .env("SECRET", "leaked")
        .env("COLUMNS", "40")
        .env("TZ", "Asia/Shanghai");
    let ran = tutor.run("run demo --json").code(0);
    let report = ran.json();
    let out = report["lessons"][0]["items"][0]["stdout"]
        .as_str()
        .expect("text")
        .to_owned();
    for line in [
        "COLUMNS=80",
        "LC_ALL=C.UTF-8",
        "NO_COLOR=1",
        "TERM=dumb",
        "TUTOR=1",
        "TZ=UTC",
        "[WORKSPACE]",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(!out.contains("SECRET") && out.contains("tutor 0."), "{out}");
}

// Background steps

#[test]
fn a_background_step_is_awaited_by_a_line_and_stopped_at_the_end() {
    let seconds = own_seconds();
    let server = format!(
        "trap 'echo bye; exit' TERM\necho starting\necho ready on 8080\nsleep {seconds} & wait"
    );
    let body = plain(
        "server background until=\"line:^ready on [0-9]+$\"",
        &server,
    ) + &plain("use", "echo used");
    let ran = Tutor::new().lesson(body).run("run demo").code(0);
    assert!(
        ran.stdout.find("│ ready on 8080") < ran.stdout.find("│ used"),
        "{}",
        ran.stdout
    );
    ran.stdout_has("server is ready and goes on in the background")
        .stdout_has("│ bye")
        .stdout_has("✓ server");
    assert_eq!(sleepers(seconds), 0);
}

#[test]
fn a_background_step_is_awaited_by_a_file() {
    let body = plain(
        "maker background until=file:made",
        "echo text >made.tmp; mv made.tmp made; sleep 1000",
    ) + &plain("use", "cat made");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(0)
        .stdout_has("│ text");
}

#[test]
fn a_background_step_is_awaited_by_a_port() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound")
        .port();
    let tutor = Tutor::new();
    let body = plain(
        &format!("server background until=port:{port}"),
        ": >up; sleep 1000",
    ) + &plain("use", "echo used");
    let tutor = tutor.lesson(body);
    let mut running = tutor.start("run demo");
    running.until_stdout("▶ server");
    until("the step", || {
        tutor.path("home/data").exists() && tutor.workspace("demo").join("up").exists()
    });
    // The listener is this test's own, so that no tool is needed.
    let _listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    running.end().code(0).stdout_has("│ used");
}

#[test]
fn a_port_that_somebody_else_listens_on_is_no_sign_of_readiness() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let body = plain(
        &format!("server background until=port:{port}"),
        ": >ran; sleep 1000",
    );
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has(&format!("something listens on port {port} already"));
    assert!(!tutor.workspace("demo").join("ran").exists());
}

#[test]
fn a_background_step_that_exits_80_skips_what_has_not_begun() {
    let body = plain("back background", "exit 80")
        + &plain(
            "waits",
            "until ! kill -0 $! 2>/dev/null; do sleep 0.01; done",
        )
        + &plain("later", "echo never");
    let ran = Tutor::new().lesson(body).run("run demo");
    ran.stdout_has("`back` skipped the rest of the lesson")
        .stdout_lacks("│ never");
}

#[test]
fn prose_after_a_skipped_step_says_what_it_describes() {
    let body = plain("no on=kernel", "echo never")
        + "\nAs you saw, it printed.\n"
        + &plain("yes", "echo ran")
        + "\nAnd this ran.\n";
    let ran = Tutor::new().lesson(body).run("run demo");
    let told = ran.told();
    let line = "what follows was written about a recorded run; `no` was not run here";
    assert_eq!(told.matches(line).count(), 1, "{told}");
    let (before, after) = told.split_once(line).expect("it is there");
    assert!(
        before.contains("no") && after.contains("As you saw"),
        "{told}"
    );
}

#[test]
fn tutor_alone_takes_a_place_and_a_command_takes_its_own() {
    let tutor = Tutor::new()
        .lesson(plain("one on=kernel", "echo on the kernel"))
        .stdin("r\n");
    tutor.run("--yes --on host").stdout_has("│ on the kernel");
    let ran = tutor.run("--on host run demo").code(2);
    ran.stderr_has("belong behind the command");
}

#[test]
fn a_background_step_that_is_never_ready_times_out() {
    let body = plain(
        "server background until=file:nosuch timeout=200ms",
        "sleep 1000",
    ) + &plain("use", "echo next");
    let ran = Tutor::new().lesson(body).run("run demo").code(1);
    ran.stdout_has("server: timed out after 200 ms")
        .stdout_has("│ next");
}

#[test]
fn a_background_step_that_ends_before_it_is_ready_is_no_success() {
    let body = plain("server background until=line:ready", "echo failed; exit 3")
        + &plain("use", "echo next");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("server: exit status 3, expected 0");
}

#[test]
fn a_background_step_that_ends_well_but_was_never_ready_is_no_success() {
    let body =
        plain("server background until=line:ready", "echo done") + &plain("use", "echo next");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("it ended before it was ready");
}

// Checks

#[test]
fn a_check_that_ends_the_shell_is_seen_to() {
    let body = plain("one", "x=5") + &check("dead of=one expect=1", "kill -9 $$");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("this ended the lesson's shell");
}

#[test]
fn a_single_step_builds_on_what_the_last_run_made() {
    let body = plain("make", "echo made > product") + &plain("use", "cat product");
    let tutor = Tutor::new().lesson(body);
    tutor.run("run demo").code(0);
    tutor.run("run demo --only use").code(0).stdout_has("made");
    tutor.run("run demo --only use").code(0).stdout_has("made");
}

#[test]
fn a_check_sees_its_steps_output_and_the_shells_state() {
    let body = plain("one exit=3", "x=5; echo to out; echo to err >&2; (exit 3)")
        + &check("out of=one expect=\"to out\"", "cat \"$TUTOR_STDOUT\"")
        + &check("err of=one match=\"^to [a-z]+$\"", "cat \"$TUTOR_STDERR\"")
        + &check("exit of=one expect=3", "echo \"$TUTOR_EXIT\"")
        + &check("between of=one range=1..5", "echo $x; x=7; exit")
        + &check("state of=one expect=5", "echo $x");
    let ran = Tutor::new().lesson(body).run("run demo --json").code(0);
    let all = "one shown, check out passed, check err passed, check exit passed, check between passed, check state passed";
    assert_eq!(ran.verdicts(), all);
}

#[test]
fn a_failing_check_shows_the_sentence_the_expected_and_the_actual() {
    let body = plain("one", "echo 7") + &check("seven of=one range=8..9", "cat $TUTOR_STDOUT");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has("The sentence of seven")
        .stdout_has("expected: 8..9")
        .stdout_has("got:      7");
    let report = tutor.run("test --format json").code(1).json();
    let item = &report["lessons"][0]["items"][1];
    assert_eq!(
        (&item["expected"], &item["actual"]),
        (&"8..9".into(), &"7".into())
    );
}

#[test]
fn a_check_with_the_right_output_and_a_wrong_status_fails() {
    let body =
        plain("one", "echo 7") + &check("seven of=one expect=7", "echo 7; echo why >&2; exit 3");
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("ended with: 3")
        .stdout_has("why");
}

// Needs

const NEEDS: &str = r#"
[needs.gone]
what = "a tool that nobody has"
why = "shows what a lack looks like"
probe = "echo looked; echo 'there is no such tool'; exit 1"
remedy = "build it yourself"

[needs.tool]
what = "the tool"
why = "shows what a version is for"
probe = "echo tool version 1.2.3"
remedy = "a newer one"
"#;

#[test]
fn a_step_whose_need_is_missing_is_skipped_with_reason_and_remedy() {
    let body = plain("one needs=gone", "echo ran")
        + &check("sure of=one expect=1", "echo 1")
        + &plain("two", "echo 2");
    let tutor = Tutor::new().lesson(body).course(NEEDS);
    let ran = tutor
        .run("run demo")
        .code(0)
        .stdout_lacks("│ ran")
        .stdout_has("│ 2");
    ran.stdout_has("one: skipped: needs gone: there is no such tool")
        .stdout_has("help: build it yourself")
        .stdout_has("tutor doctor");
    assert_eq!(
        tutor.run("test --format json").code(0).verdicts(),
        "one skipped, check sure skipped, two shown"
    );
    tutor
        .run("test --no-skip")
        .code(3)
        .stdout_has("there is no such tool");
    tutor.run("run demo --only one").code(3);
}

#[test]
fn a_need_may_ask_for_a_version() {
    let body = plain("one needs=tool>=99", "echo ran") + &plain("two needs=tool>=1.2", "echo 2");
    let ran = Tutor::new()
        .lesson(body)
        .course(NEEDS)
        .run("run demo")
        .code(0);
    ran.stdout_has("the tool is 1.2.3 here, and 99 or later is needed")
        .stdout_has("│ 2")
        .stdout_lacks("│ ran");
}

#[test]
fn doctor_says_what_is_missing_why_it_matters_and_what_mends_it() {
    let tutor = Tutor::new()
        .lesson(plain("one needs=gone,tool", "true"))
        .course(NEEDS);
    let ran = tutor.run("doctor").code(3);
    ran.stdout_has("✗ gone")
        .stdout_has("there is no such tool")
        .stdout_has("shows what a lack looks like")
        .stdout_has("build it yourself")
        .stdout_has("✓ tool 1.2.3");
    let json = tutor.run("doctor --json").code(3).json();
    assert_eq!(json["format"], 1);
    Tutor::new()
        .lesson(plain("one needs=tool", "true"))
        .course(NEEDS)
        .run("doctor")
        .code(0);
}

// Comparing

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
        .stdout_has("1 output waits to be read: tutor review");
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
    let tutor = Tutor::new();
    tutor.put("version", "1.5\n");
    let version = tutor.path("version").display().to_string();
    let facet = format!("[facets.tool]\nprobe = \"cat {version}\"\nprecision = \"major\"");
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
    ran.stdout_has("tool: recorded on 1, here 2")
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

// test

#[test]
fn lessons_are_tested_side_by_side_and_told_in_order() {
    let mut tutor = Tutor::new();
    for number in 1..=6 {
        tutor = tutor.lesson(plain(&format!("step-{number}"), "echo ran"));
    }
    let all = "step-1 shown, step-2 shown, step-3 shown, step-4 shown, step-5 shown, step-6 shown";
    assert_eq!(tutor.run("test -j 4 --format json").code(0).verdicts(), all);
    assert_eq!(tutor.run("test -j 1 --format json").code(0).verdicts(), all);
    assert_eq!(
        tutor
            .run("test demo-3 demo --format json")
            .code(0)
            .verdicts(),
        "step-3 shown, step-1 shown"
    );
}

#[test]
fn a_partition_is_a_part_and_all_parts_are_the_whole() {
    let mut tutor = Tutor::new();
    for number in 1..=5 {
        tutor = tutor.lesson(plain(&format!("step-{number}"), "true"));
    }
    let mut all: Vec<String> = Vec::new();
    for part in 1..=2 {
        let verdicts = tutor
            .run(&format!("test --partition {part}/2 --format json"))
            .code(0)
            .verdicts();
        all.extend(verdicts.split(", ").map(str::to_owned));
    }
    all.sort();
    assert_eq!(
        all,
        (1..=5)
            .map(|number| format!("step-{number} shown"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn junit_is_read_by_others() {
    let body = plain("one", "echo '<out> & ]]>'; printf 'a\\377\\000\\033b'")
        + &plain("two", "exit 4")
        + &plain("three needs=gone", "true")
        + &check("no of=one expect=1", "echo 2");
    let tutor = Tutor::new().lesson(body).course(NEEDS);
    let ran = tutor.run("test --format junit").code(1);
    let report = quick_junit::Report::deserialize_from_str(&ran.stdout).expect("well-formed");
    assert_eq!((report.tests, report.failures, report.errors), (4, 2, 0));
    let names: Vec<_> = report.test_suites[0]
        .test_cases
        .iter()
        .map(|case| case.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["one", "two", "three", "check no"]);
}

// The learner's files

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

// Reading

#[test]
fn list_names_the_lessons_in_order() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("a", "true") + &plain("b", "true"));
    let ran = tutor
        .run("list")
        .code(0)
        .stdout_has("A course")
        .stdout_has("5 min");
    assert!(
        ran.stdout.find("The lesson demo ") < ran.stdout.find("The lesson demo-2"),
        "{}",
        ran.stdout
    );
    let json = tutor.run("list --json").code(0).json();
    assert_eq!(
        (&json["format"], &json["lessons"][1]["steps"][0]),
        (&1.into(), &"a".into())
    );
}

#[test]
fn show_reads_a_lesson_without_running_it() {
    let tutor = accepted(&(step("one", "echo recorded text") + &step("two", "echo 2")));
    fs::remove_file(tutor.path("course/snapshots/demo/two.snap")).expect("accepted");
    let ran = tutor.not_trusted().run("show demo").code(0);
    ran.stdout_has("recorded, not run now")
        .stdout_has("│ recorded text")
        .stdout_has("no output is recorded yet");
}

#[test]
fn show_as_json_is_the_plan() {
    let tutor = Tutor::new().not_trusted().lesson(plain("one", "true"));
    let json = tutor.run("show demo --json").code(0).json();
    assert_eq!(
        (&json["format"], &json["actions"][0]["step"]),
        (&1.into(), &"one".into())
    );
    tutor.run("show nosuch").code(2);
}

#[test]
fn new_writes_a_page_that_check_passes() {
    let tutor = Tutor::new().lesson("Some prose.\n\n".to_owned() + &plain("one", "true"));
    tutor
        .run("new lesson-11")
        .code(0)
        .stdout_has("lessons/lesson-11.md");
    tutor
        .run("check")
        .code(0)
        .stdout_has("2 lessons: no errors, no warnings");
    tutor.run("list").code(0).stdout_has("lesson-11");
    tutor
        .run("new lesson-11")
        .code(2)
        .stderr_has("it is there already");
    tutor.run("new ../out").code(2);
    if support::has("cc") {
        // What it says of masks and checks holds: the next run prints another number.
        tutor.run("test lesson-11").code(1);
        tutor.run("accept lesson-11").code(0);
        tutor.run("test lesson-11").code(0);
    } else {
        skipped("there is no `cc`, so the page of `tutor new` was not run");
    }
}

#[test]
fn completions_know_the_lessons() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("two", "true"));
    for shell in ["bash", "zsh", "fish"] {
        tutor
            .run(&format!("completions {shell}"))
            .code(0)
            .stdout_has("tutor")
            .stderr_is_empty();
    }
    tutor.run("completions tcsh").code(2);
    let course = tutor.path("course").display().to_string();
    let tutor = tutor.env("COMPLETE", "fish").env("TUTOR_COURSE", &course);
    let mut command = tutor.command("");
    command.args(["--", "tutor", "run", "dem"]);
    // `--course` went in front of `--`, and the completer takes what is behind it.
    let ran = tutor.start_command(command, "completing").end().code(0);
    ran.stdout_has("demo\t")
        .stdout_has("demo-2\tThe lesson demo-2");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let folder = tutor.path("man").display().to_string();
    tutor
        .run(&format!("man {folder}"))
        .code(0)
        .stdout_has("man pages are in");
    let pages = tutor.files("man");
    for page in ["tutor.1", "tutor-run.1", "tutor-test.1", "tutor-review.1"] {
        assert!(
            pages.get(page).is_some_and(|text| text.contains(".TH")),
            "{page}: {:?}",
            pages.keys()
        );
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let tutor = Tutor::new().lesson(plain("one", "seq 1 100000"));
    let mut command = std::process::Command::new("bash");
    let line = "\"$0\" run demo --yes --course \"$1\" | head -1; exit ${PIPESTATUS[0]}";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_tutor")])
        .arg(tutor.path("course"));
    command.env("TUTOR_HOME", tutor.path("home"));
    let ran = tutor
        .start_command(command, "run demo | head -1")
        .end()
        .code(0);
    ran.stdout_has("The lesson demo").stderr_is_empty();
}

// study

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
        .stdout_has("go on where you are with: tutor");
    tutor.run("list").code(0).stdout_has("2 of 3 done");

    let tutor = tutor.stdin("what\nr\n");
    let ran = tutor
        .run("study demo")
        .code(0)
        .stdout_has("`what` is none of run, skip, back, quit");
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
        .stdout_has("go on where you are with: tutor");
}

#[test]
fn tutor_alone_goes_on_where_the_learner_was() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo ran-1") + &plain("two", "echo ran-2"))
        .stdin("r\nq\n");
    tutor.run("study demo").code(0).stdout_has("│ ran-1");
    // It takes no `--yes`; this is what answering "always" leaves.
    let folder = tutor.path("course").canonicalize().expect("there");
    let trust = serde_json::json!({ "contents": [], "folders": [folder] });
    tutor.put("home/state/trust.json", &trust.to_string());
    let ran = tutor.stdin("r\n").run("").code(0);
    ran.stdout_has("│ ran-2").stdout_lacks("│ ran-1");
}

#[test]
fn ctrl_c_in_study_stops_the_step_and_not_the_sitting() {
    let seconds = own_seconds();
    let body = plain("one", &format!("sleep {seconds}")) + &plain("two", "echo ran-2");
    let tutor = Tutor::new().lesson(body).stdin("r\nr\n");
    let running = tutor.start("study demo");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    running
        .end()
        .stdout_has("one: interrupted")
        .stdout_has("│ ran-2");
    assert_eq!(sleepers(seconds), 0);
    // What was stopped is not done.
    let list = tutor.run("list --json").json();
    assert_eq!(list["lessons"][0]["done"], 1, "{list}");
}

// The screen

/// Text that a terminal would obey, or that reads otherwise than it is.
const EVIL: &str = "A\u{1b}]0;owned\u{7}B\u{1b}[2JC\u{202e}D\u{9b}31mE\rF\u{2066}G";

/// True if a terminal may get it: of escape sequences those that color alone.
fn is_harmless(text: &str) -> bool {
    let colorless = regex::Regex::new("\u{1b}\\[[0-9;]*m")
        .expect("a pattern")
        .replace_all(text, "");
    !colorless.chars().any(|c| {
        (c.is_control() && c != '\n' && c != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

#[test]
fn output_of_steps_cannot_steer_the_terminal() {
    let octal: String = EVIL.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let evil = format!("printf '{octal}\\n'");
    let body = step("one", &evil)
        + &plain("two", &format!("{evil} >&2; exit 4"))
        + &check("three of=one expect=1", &format!("{evil}; {evil} >&2"))
        + &plain("four needs=evil", "true")
        + &plain(
            "five",
            &format!(
                "bash -c 'exec -a \"$0\" sleep 1000' \"$({evil})\" >/dev/null 2>&1 & until grep -q owned /proc/$!/cmdline; do :; done"
            ),
        );
    let toml = format!(
        "[needs.evil]\nwhat = \"a need\"\nwhy = \"for tests\"\nprobe = '''\n{evil}\nexit 1\n'''\nremedy = \"none\"\n"
    );
    let tutor = Tutor::new().lesson(body).course(&toml);
    for color in ["always", "never", "auto"] {
        for line in ["run demo", "test", "review", "doctor"] {
            let ran = tutor.run(&format!("{line} --color {color}"));
            assert!(
                ran.stdout.contains('G') || line == "review",
                "{line}: {}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
    tutor.run("accept --all").code(0);
    let page = tutor
        .get("course/lessons/demo.md")
        .replacen("\\n'", " changed\\n'", 1);
    tutor.put("course/lessons/demo.md", &page);
    for line in ["run demo", "test", "review", "show demo"] {
        let ran = tutor.run(&format!("{line} --color always"));
        assert!(is_harmless(&ran.stdout), "{line}: {:?}", ran.stdout);
    }
}

#[test]
fn text_of_lessons_cannot_steer_the_terminal() {
    let body = format!(
        "Prose {EVIL}\n\n## Head {EVIL}\n\n- item {EVIL}\n\n```text\nfence {EVIL}\n```\n\n"
    ) + &plain("one", &format!(": '{EVIL}'"))
        + &step("three", "echo 3")
        + &format!("```c {{file=a.c}}\n// {EVIL}\n```\n\n")
        + &format!(
            "[Claim {EVIL}](#check-two)\n\n```sh {{check=two of=one expect=1}}\necho 2\n```\n"
        );
    let toml = format!(
        "[needs.evil]\nwhat = {EVIL:?}\nwhy = {EVIL:?}\nprobe = \"exit 1\"\nremedy = {EVIL:?}\n",
    )
    .replace("\\u{", "\\U{");
    let toml = regex::Regex::new(r"\\U\{([0-9a-f]+)\}")
        .expect("a pattern")
        .replace_all(&toml, |found: &regex::Captures<'_>| {
            format!("\\U{:0>8}", &found[1])
        });
    let tutor = Tutor::new().lesson(body).course(&toml);
    let page = tutor.get("course/lessons/demo.md");
    let evil_title = "\"A\\u001b]0;owned\\u0007B\\u202eC\"";
    tutor.put(
        "course/lessons/demo.md",
        &page.replacen("title: The lesson demo", &format!("title: {evil_title}"), 1),
    );
    let evil_snapshot = format!("---\nexpression: {evil_title}\n---\n{EVIL}\n");
    tutor.put("course/snapshots/demo/three.snap", &evil_snapshot);
    tutor.put("course/snapshots/demo/three.snap.new", &evil_snapshot);
    for color in ["always", "never"] {
        for line in [
            "run demo",
            "test",
            "show demo",
            "list",
            "check",
            "doctor",
            "review",
        ] {
            let ran = tutor.run(&format!("{line} --color {color}"));
            assert!(!ran.stdout.is_empty(), "{line}: {}", ran.stderr);
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
    tutor.put(
        "course/lessons/demo.md",
        &(page + &format!("\n```sh {{id=one bad=\"{EVIL}\"}}\n: {EVIL}\n```\n")),
    );
    for color in ["always", "never"] {
        for line in ["run demo", "check"] {
            let ran = tutor.run(&format!("{line} --color {color}")).code(4);
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
}

#[test]
fn color_comes_when_it_is_wanted_and_only_repeats_the_words() {
    let body =
        "Some **bold** prose.\n\n".to_owned() + &plain("one", "echo hi") + &plain("two", "false");
    let tutor = Tutor::new().lesson(body);
    let plain_run = tutor.run("run demo --quiet").code(1).stdout_lacks("\u{1b}");
    let colored = tutor
        .run("run demo --quiet --color always")
        .code(1)
        .stdout_has("\u{1b}[");
    let colorless = regex::Regex::new("\u{1b}\\[[0-9;]*m")
        .expect("a pattern")
        .replace_all(&colored.stdout, "")
        .into_owned();
    let times = regex::Regex::new("[0-9.]+ (µs|ms|s)").expect("a pattern");
    assert_eq!(
        times.replace_all(&colorless, "T"),
        times.replace_all(&plain_run.stdout, "T")
    );
    let tutor = tutor.env("CLICOLOR_FORCE", "1");
    tutor.run("run demo").stdout_has("\u{1b}[");
    let tutor = tutor.env("NO_COLOR", "1");
    tutor.run("run demo").stdout_lacks("\u{1b}");
    tutor.run("run demo --color always").stdout_has("\u{1b}[");
    tutor.run("run demo --color never").stdout_lacks("\u{1b}");
}

#[test]
fn prose_fits_a_narrow_and_a_wide_screen() {
    let prose = "A sentence that is long enough to be wrapped more than once on a narrow screen. "
        .repeat(4);
    let chinese = "验证器逐条检查每一条指令，然后才允许程序运行。".repeat(6);
    let table = "| name | what it is |\n|---|---|\n| map | a place to keep things between two runs of a program |\n";
    let body = format!("{prose}\n\n{chinese}\n\n- {prose}\n\n{table}\n\n> {prose}\n\n")
        + &plain("one", "true");
    for columns in [40, 200] {
        let tutor = Tutor::new()
            .lesson(&body)
            .env("COLUMNS", &columns.to_string());
        let ran = tutor.run("show demo").code(0);
        for line in ran.stdout.lines() {
            let width = unicode_width::UnicodeWidthStr::width(line);
            assert!(width <= columns, "{width} columns of {columns}: {line:?}");
        }
    }
}

#[test]
fn at_a_narrow_terminal_nothing_but_code_is_wider_than_it() {
    let sentence = "a sentence that is a good deal longer than forty columns of a terminal";
    let body = step("fails timeout=20s", &format!("echo '{sentence}'\nexit 3"))
        + &check(
            "wrong of=fails expect=1",
            &format!("echo '{sentence}'; echo 'why: {sentence}' >&2"),
        )
        + &step("lacks needs=thing", "true")
        + "What follows the step that was skipped.\n";
    let need = format!(
        "[needs.thing]\nwhat = \"{sentence}\"\nwhy = \"{sentence}\"\nremedy = \"{sentence}\"\nprobe = \"echo {sentence}; false\""
    );
    let tutor = Tutor::new().lesson(body).course(&need).env("NO_COLOR", "1");
    for line in [
        "run demo",
        "test",
        "doctor",
        "list",
        "run demo --only fals",
        "show demo --no-pager",
    ] {
        let Some(running) = at_a_terminal_of(&tutor, 40, line) else {
            return;
        };
        let ran = running.end();
        for row in ran.stdout.lines() {
            // What moves is drawn over, and code is as its author wrote it.
            let row = row
                .trim_end_matches('\r')
                .rsplit("\u{1b}[2K")
                .next()
                .unwrap_or(row);
            let is_code = row.starts_with("  $ ") || row.starts_with("    exit 3");
            let columns = unicode_width::UnicodeWidthStr::width(row);
            assert!(
                columns <= 40 || is_code,
                "{columns} columns: {row:?} in {}",
                ran.told()
            );
        }
        assert!(!ran.stdout.is_empty());
        ran.stdout_lacks("colu\r\n");
    }
    // Scripts look for whole lines.
    tutor
        .run("run demo")
        .code(1)
        .stdout_has(&format!("  │ {sentence}\n"));
}

#[test]
fn a_step_or_a_lesson_that_is_not_there_is_answered_with_what_was_meant() {
    let tutor = Tutor::new().lesson(plain("compile", "true"));
    for line in [
        "run demo --only compil",
        "run demo --until compil",
        "accept demo compil",
        "study demo --from compil",
    ] {
        let ran = tutor.run(line).code(2);
        ran.stderr_has("no step `compil` in demo; did you mean `compile`?");
    }
    let ran = tutor.run("run demo --only x").code(2);
    ran.stderr_has("its steps are `compile`");
    tutor
        .run("run dmo")
        .code(2)
        .stderr_has("did you mean `demo`?");
    tutor
        .run("run demo-7")
        .code(2)
        .stderr_has("the lessons are `demo`");
    tutor.run("accept demo compile").code(0);
}

#[test]
fn the_course_is_found_from_below_and_by_its_variable() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    fs::create_dir_all(tutor.path("course/deep/below")).expect("writable");
    let listed = |from: &Path, variable: Option<&Path>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tutor"));
        command
            .arg("list")
            .current_dir(from)
            .env("TUTOR_HOME", tutor.path("home"))
            .env_remove("TUTOR_COURSE");
        if let Some(folder) = variable {
            command.env("TUTOR_COURSE", folder);
        }
        tutor.start_command(command, "list").end()
    };
    listed(&tutor.path("course/deep/below"), None)
        .code(0)
        .stdout_has("A course");
    listed(&tutor.path("tmp"), Some(&tutor.path("course")))
        .code(0)
        .stdout_has("A course");
    listed(&tutor.path("tmp"), None).code(0).stdout_has("BPF");
    listed(&tutor.path("tmp"), Some(&tutor.path("nosuch"))).code(2);
}

/// A command line as somebody types it at a terminal; `None`, with a line, where none can be played.
fn at_a_terminal(tutor: &Tutor, line: &str) -> Option<support::Running> {
    at_a_terminal_of(tutor, 80, line)
}

/// The same at a terminal that many columns wide.
fn at_a_terminal_of(tutor: &Tutor, columns: usize, line: &str) -> Option<support::Running> {
    if !support::has("script") {
        skipped("`script` is not installed, so no terminal was played");
        return None;
    }
    let plain = tutor.command(line);
    let words = std::iter::once(plain.get_program()).chain(plain.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
    let mut command = std::process::Command::new("script");
    command
        .args([
            "-qec",
            &format!("stty cols {columns}; {}", words.join(" ")),
            "/dev/null",
        ])
        .env_clear();
    command
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("TERM", "xterm");
    Some(tutor.start_interactive(command, line))
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
    // Ctrl-Z stops the program where a shell waits for it; when it goes on it asks again.
    running.say("\x1a");
    running.until_stdout("two: [Enter] run  [s]kip  [b]ack  [q]uit › \r\ntwo: [Enter] run");
    running.say("s");
    running.until_stdout("three: [Enter] run");
    running.say("q");
    let ran = running
        .end()
        .code(0)
        .stdout_has("│ ran-one")
        .stdout_lacks("│ ran-two")
        .stdout_lacks("│ ran-three");
    ran.stdout_has("go on where you are with: tutor");
    let Some(mut running) = at_a_terminal(&tutor, "study") else {
        return;
    };
    running.until_stdout("three: [Enter] run");
    running.say("r");
    running.end().stdout_has("│ ran-three");
}

#[test]
fn a_step_that_is_silent_is_seen_to_go_on_at_a_terminal_only() {
    let tutor = Tutor::new();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let tutor = tutor.lesson(plain("one", &format!("read -r line <{}", fifo.display())));
    let Some(mut running) = at_a_terminal(&tutor, "run demo") else {
        return;
    };
    running.until_stdout("one has run for");
    fs::write(&fifo, "go\n").expect("the step reads");
    let ran = running.end().code(0);
    // What moved is wiped away at the end.
    let (_, after) = ran
        .stdout
        .rsplit_once("one has run for")
        .expect("it was seen");
    assert!(after.contains("\r\u{1b}[2K"), "{after:?}");
    let running = tutor.start("run demo");
    fs::write(&fifo, "go\n").expect("the step reads");
    running
        .end()
        .code(0)
        .stdout_lacks("has run for")
        .stdout_lacks("\r");
}

#[test]
fn a_page_with_line_ends_of_windows_runs_as_any_other() {
    let tutor = Tutor::new().lesson(
        "```text {file=a.txt}\ntext\n```\n\n".to_owned()
            + &plain("one", "echo hello\ncat a.txt\nx=5; [ $x = 5 ] && echo yes"),
    );
    let page = tutor.get("course/lessons/demo.md").replace('\n', "\r\n");
    tutor.put("course/lessons/demo.md", &page);
    let report = tutor.run("run demo --json").code(0).json();
    assert_eq!(
        report["lessons"][0]["items"][0]["stdout"],
        "hello\ntext\nyes\n"
    );
    tutor.run("check").code(0).stdout_has("no errors");
}

#[test]
fn a_page_that_is_no_text_is_named() {
    let tutor = Tutor::new().lesson(plain("one", "echo 1"));
    let page = tutor.get("course/lessons/demo.md").into_bytes();
    let with = |bytes: &[u8]| [page.as_slice(), bytes].concat();
    fs::write(tutor.path("course/lessons/demo.md"), with(b"\xff\xfe")).expect("writable");
    let ran = tutor.run("run demo");
    assert!(ran.stderr.contains("lessons/demo.md"), "{}", ran.told());
    ran.code(4);
    fs::write(
        tutor.path("course/lessons/demo.md"),
        with(b"\n```sh {id=two}\necho a\0b\n```\n"),
    )
    .expect("writable");
    let ran = tutor.run("run demo");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.told());
}

#[test]
fn a_missing_page_and_a_broken_manifest_are_named() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo 1"))
        .lesson(plain("two", "echo 2"));
    fs::remove_file(tutor.path("course/lessons/demo-2.md")).expect("there");
    tutor.run("check").code(4).stdout_has("demo-2");
    tutor.run("run demo").code(4).stderr_has("demo-2");
    tutor.put(
        "course/lessons/course.toml",
        "format = 1\ntitle = \"x\nlessons = [",
    );
    tutor
        .run("check")
        .code(4)
        .stdout_has("lessons/course.toml:2:");
}

#[test]
fn a_terminal_is_asked_once() {
    let tutor = Tutor::new().not_trusted();
    let witness = tutor.path("ran");
    let tutor = tutor.lesson(plain("one", &format!("echo ran >>{}", witness.display())));
    let asked = |answer: &str| {
        let mut running = at_a_terminal(&tutor, "run demo")?;
        running.until_stdout("run it? [y]");
        running.say(answer);
        Some(running.end())
    };
    let Some(refused) = asked("n\n") else { return };
    refused.code(2).stdout_has("1 command");
    assert!(!witness.exists());
    asked("y\n").expect("as before").code(0);
    assert_eq!(fs::read_to_string(&witness).expect("it ran"), "ran\n");
    tutor.run("run demo").code(0);
    let page = tutor.get("course/lessons/demo.md") + &plain("two", "true");
    tutor.put("course/lessons/demo.md", &page);
    tutor
        .run("run demo")
        .code(2)
        .stderr_has("is not tutor's own");
}
