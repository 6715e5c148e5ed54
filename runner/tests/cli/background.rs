//! Steps that go on while later ones run.

use super::*;

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
fn a_background_step_that_is_never_ready_says_what_did_not_come() {
    let awaited = [
        ("line:zzz", "it printed no line that matches `zzz`"),
        ("file:made", "there was no file `made`"),
    ];
    for (until, told) in awaited {
        let keys = format!("server background until=\"{until}\" timeout=100ms");
        let body = plain(&keys, "echo up; sleep 1000");
        let tutor = Tutor::new().lesson(body);
        let ran = tutor.run("run demo").code(1);
        ran.stdout_has(&format!(
            "server: timed out after 100 ms: until then {told}"
        ))
        .stdout_has("help: give it longer with `--timeout 2m`, or let its `until` name");
        let items = &tutor.run("run demo --json").code(1).json()["lessons"][0]["items"];
        assert_eq!(items[0]["reason"], format!("until then {told}"));
    }
}

#[test]
fn what_a_background_step_prints_below_another_one_is_told_apart() {
    let wait = |file: &str| format!("until [ -e {file} ]; do sleep 0.01; done");
    let server = format!(
        "{}\necho tick; echo GET >&2; touch said; exit 4",
        wait("go")
    );
    let fetch = format!(
        "printf 'half '; touch go\n{}\nsleep 0.3; echo line",
        wait("said")
    );
    let body = plain("server background", &server) + &plain("fetch", &fetch);
    Tutor::new()
        .lesson(body)
        .run("run demo")
        .code(1)
        .stdout_has("\n  │ half line\n")
        .stdout_has("\n  server │ tick\n")
        .stdout_has("\n  server ┆ GET\n")
        .stdout_has("\n  ✗ server: ");
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
    // So that the port is this machine's.
    let tutor = tutor.lesson(body).course("[steps]\nnetwork = true");
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
    let tutor = Tutor::new().lesson(body).course("[steps]\nnetwork = true");
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

#[test]
fn a_background_step_that_ends_while_a_check_runs_is_told_of() {
    let body = plain("server background", "sleep 0.1; echo late; exit 4")
        + &plain("use", "true")
        + &check(
            "slow of=use expect=x",
            "until [ ! -d /proc/$! ]; do sleep 0.01; done; echo x",
        )
        + &plain("last", "sleep 0.2");
    let ran = Tutor::new().lesson(body).run("run demo").code(1);
    ran.stdout_has("│ late")
        .stdout_has("server: exit status 4, expected 0")
        .stdout_has("check slow holds: x");
}

#[test]
fn a_background_step_that_failed_before_the_end_was_not_stopped() {
    let body = plain("server background", "exit 4")
        + &plain("use", "until [ ! -d /proc/$! ]; do sleep 0.01; done");
    for _ in 0..5 {
        let ran = Tutor::new().lesson(&body).run("run demo").code(1);
        ran.stdout_has("server: exit status 4, expected 0");
    }
}

#[test]
fn a_background_step_ends_as_it_says_whatever_it_traps_and_who_ends_it() {
    let body = plain("trap background", "trap true EXIT; exit 0")
        + &plain("exec background", "exec sleep 0.1")
        + &plain("killed background exit=143", "sleep 1000")
        + &plain("kill", "kill $!; wait $!; echo \"was $?\"")
        + &plain("rest", "sleep 0.3")
        + &plain("named background exit=3", "sleep 0.1; exit 3")
        + &plain("one", "wait $!; true")
        + &plain("plain background exit=4", "sleep 0.1; (exit 4)")
        + &plain("all", "wait");
    let ran = Tutor::new().lesson(body).run("run demo").code(0);
    ran.stdout_has("│ was 143");
}

#[test]
fn a_check_of_a_background_step_has_what_it_printed_until_then() {
    let body = plain(
        "server background until=\"line:ready\"",
        "echo ready; sleep 1000",
    ) + &check(
        "said of=server expect=\"ready []\"",
        "tr '\\n' ' ' <\"$TUTOR_STDOUT\"; echo \"[$TUTOR_EXIT]\"",
    );
    Tutor::new().lesson(body).run("run demo").code(0);
}

#[test]
fn a_check_sees_what_a_background_step_printed_before_it() {
    let answers =
        "mkfifo p; : >ready\nwhile :; do read -r n <p || continue; echo got $n; : >ok$n; done";
    let mut body = plain("server background until=file:ready", answers);
    for number in 0..20 {
        let asks = format!("echo {number} >p\nwhile [ ! -e ok{number} ]; do :; done");
        body += &plain(&format!("ask-{number}"), &asks);
        let counts = format!("grep -c '^got {number}$' \"$TUTOR_STDOUT\"");
        body += &check(&format!("got-{number} of=server expect=1"), &counts);
    }
    Tutor::new().lesson(body).run("run demo").code(0);
    // The step is ready by something else than what it prints.
    for _ in 0..10 {
        let body = plain(
            "server background until=file:ready",
            "echo up; : >ready; sleep 1000",
        ) + &check("up of=server expect=up", "cat \"$TUTOR_STDOUT\"");
        Tutor::new().lesson(body).run("run demo").code(0);
    }
}
