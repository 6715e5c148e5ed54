//! Steps of a course that is not the learner's own, and what they reach.

use super::at_a_terminal_of;
use super::support::{Tutor, check, plain, skipped};

/// True if steps are confined by namespaces here; else says what was not tried.
fn has_namespaces(tutor: &Tutor) -> bool {
    let found = tutor.run("doctor --json").json();
    let rows = found["findings"].as_array().expect("findings");
    let row = rows
        .iter()
        .find(|row| row["name"] == "confinement" && row["on"] == "guards");
    let version = row.expect("a row")["version"].as_str().unwrap_or_default();
    let has = version.contains("namespaces");
    if !has {
        skipped("no namespaces are permitted here, so what a root folder keeps away was not tried");
    }
    has
}

#[test]
fn a_foreign_course_reaches_nothing_of_the_learners_and_a_trusted_one_does() {
    let tutor = Tutor::new();
    tutor.put("home/secret", "the key\n");
    let secret = tutor.path("home/secret").display().to_string();
    let body = plain("reads exit=nonzero", &format!("cat {secret}"))
        + &plain("writes", &format!("echo x >{secret}.new; true"))
        + &plain(
            "environment",
            "cat /proc/*/environ | tr '\\0' '\\n' | grep TOKEN; env | grep TOKEN; true",
        )
        + &plain(
            "own",
            "echo mine >file; echo mine >~/file; cat file ~/file; tutor --version",
        );
    let tutor = tutor.lesson(body).env("TOKEN", "secret");
    let ran = tutor.run("run demo").code(0);
    ran.stdout_lacks("the key")
        .stdout_lacks("TOKEN=secret")
        .stdout_has("│ mine\n  │ mine\n  │ tutor ");
    assert!(!tutor.path("home/secret.new").exists());
    assert!(tutor.workspace("demo").join("file").exists());
    tutor
        .run("run demo --unconfined")
        .code(1)
        .stdout_has("the key");
}

#[test]
fn a_foreign_course_gets_what_it_asks_for() {
    let tutor = Tutor::new();
    tutor.put("home/tools/greet", "#!/bin/sh\necho \"hello $WHO\"\n");
    let tool = tutor.path("home/tools/greet");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tool, mode).expect("ours");
    tutor.put("home/mine", "data\n");
    tutor.put("home/other", "other\n");
    let body = plain(
        "one",
        "greet; cat $FOLDER/mine; cat $FOLDER/other || echo none",
    ) + &check("two of=one expect=data", "cat $FOLDER/mine");
    let tutor = tutor
        .lesson(body)
        .course("[steps]\npath = ['~/tools']\nread = ['$FOLDER/mine']\nenv = ['WHO', 'FOLDER']\nopen-files = 77");
    let folder = tutor.path("home").display().to_string();
    let tutor = tutor.env("WHO", "Ada").env("FOLDER", &folder);
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has("│ hello Ada\n  │ data\n")
        .stdout_has("│ none\n");
}

#[test]
fn a_confined_step_is_awaited_by_a_port_of_its_own_network() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let server = format!(
        "python3 -c \"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)\""
    );
    let body = plain(
        &format!("server background until=port:{port} timeout=20s exit=nonzero"),
        &server,
    ) + &plain(
        "client",
        &format!("exec 9<>/dev/tcp/127.0.0.1/{port} && echo met"),
    );
    let tutor = Tutor::new().lesson(body);
    if !has_namespaces(&tutor) {
        return;
    }
    if std::process::Command::new("python3")
        .arg("-V")
        .output()
        .is_err()
    {
        skipped("there is no python3 here, so nothing served");
        return;
    }
    // The port may belong to a different program on this machine.
    let ran = tutor.run("run demo").stdout_has("│ met\n");
    ran.stdout_has("server is ready").stdout_lacks("already");
}

#[test]
fn what_a_course_cannot_ask_for_is_named_with_its_place() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .course("[steps]\npath = ['tools']\nenv = ['A-B']\nnetwrk = true\nprocesses = 2");
    let ran = tutor.run("check").code(4);
    ran.stdout_has("course.toml:6:9")
        .stdout_has("`tools` is no place")
        .stdout_has("`A-B` is no name of a variable")
        .stdout_has("unknown key `netwrk`")
        .stdout_has("did you mean `network`?")
        .stdout_has("`processes` is less than 16");
}

#[test]
fn a_step_cannot_kill_who_keeps_it_nor_anybody_else() {
    let body = plain(
        "one exit=nonzero",
        "kill -9 $PPID $(ps -o ppid= $PPID); kill -9 -1",
    ) + &plain("two", "echo on");
    let tutor = Tutor::new().lesson(body);
    if has_namespaces(&tutor) {
        tutor.run("run demo").code(0).stdout_has("│ on\n");
    }
}

#[test]
fn what_a_course_asks_for_is_told_with_where_it_leads_and_asked_again_if_that_changes() {
    let tutor = Tutor::new().not_trusted().lesson(plain("one", "true"));
    tutor.put("home/secret/key", "the key\n");
    tutor.put("home/plain/file", "data\n");
    // A link in the course leads to a file of the learner.
    let link = tutor.path("home/assets");
    std::os::unix::fs::symlink("plain", &link).expect("ours");
    let tutor = tutor.course("[steps]\nread = ['~/assets']\nmemory-mb = 999999");
    let shown = tutor.run("show --all --no-pager");
    shown
        .stdout_has("reading `~/assets`, which is `")
        .stdout_has("home/plain`")
        .stdout_has("999999 MB of memory")
        .stdout_lacks("sockets");
    let socket = tutor.path("home/plain/agent");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("ours");
    let shown = tutor.run("show --all --no-pager");
    shown.stdout_has("speaking to whoever listens at sockets there");
    drop(listener);
    std::fs::remove_file(&socket).expect("ours");
    let Some(mut running) = at_a_terminal_of(&tutor, 200, "run demo") else {
        return;
    };
    running.until_stdout("run it? [y]");
    running.say("y\n");
    running.end().code(0);
    std::fs::remove_file(&link).expect("ours");
    std::os::unix::fs::symlink("secret", &link).expect("ours");
    tutor.run("run demo").code(2).stderr_has("tutor show --all");
}

#[test]
fn the_question_says_what_holds_here_and_what_the_course_asks_for() {
    let tutor = Tutor::new()
        .not_trusted()
        .lesson(plain("one", "true") + &plain("two on=kernel", "true"))
        .course("[steps]\npath = ['~/tools']\nread = ['/srv']\nenv = ['TOKEN']\nnetwork = [443]");
    let Some(mut running) = at_a_terminal_of(&tutor, 200, "run demo") else {
        return;
    };
    running.until_stdout("run it? [y]");
    running.say("n\n");
    let ran = running.end().code(2);
    ran.stdout_has("on this machine, kept from what is yours by ")
        .stdout_has("asks for: finding programs in `~/tools`, which is not there")
        .stdout_has("asks for: reading `/srv`")
        .stdout_has("asks for: your variable `TOKEN`")
        .stdout_has("asks for: the network, your own machine included, to connect to TCP 443");
    // Nothing keeps in what runs on the learner's own kernel.
    let mut running = at_a_terminal_of(&tutor, 200, "run demo --on host").expect("as before");
    running.until_stdout("run it? [y]");
    running.say("n\n");
    running
        .end()
        .code(2)
        .stdout_has("on this machine's own kernel, with all that you may do yourself: 1 step");
}
