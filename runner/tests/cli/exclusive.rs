//! Steps that hold something alone: `exclusive=`.

use super::*;
use std::net::{TcpListener, TcpStream};

/// A name that no other test holds.
fn own_name() -> String {
    format!("held-{}", own_seconds())
}

fn declared(body: &str, name: &str) -> Tutor {
    let course = format!("exclusive = ['{name}']");
    Tutor::new().unconfined().lesson(body).course(&course)
}

#[test]
fn two_tutors_with_homes_of_their_own_take_turns() {
    let name = own_name();
    let first = declared("", &name);
    let (held, go, after) = (first.path("held"), first.path("go"), first.path("after"));
    let wait = format!(
        "touch {}; until test -e {}; do sleep 0.01; done",
        held.display(),
        go.display()
    );
    let first = first.edited("demo", &plain(&format!("one exclusive={name}"), &wait));
    let body = plain(
        &format!("two exclusive={name}"),
        &format!("touch {}", after.display()),
    );
    let second = declared(&body, &name);
    let holds = first.start("run demo");
    until("the first step", || held.exists());
    let mut waits = second.start("run demo");
    waits.until_stdout("waits for its turn");
    assert!(!after.exists());
    fs::write(&go, "").expect("writable");
    holds.end().code(0);
    waits.end().code(0);
    assert!(after.exists());
}

#[test]
fn a_background_step_holds_it_as_long_as_it_goes_on() {
    let name = own_name();
    let first = declared("", &name);
    let (held, go, after) = (first.path("held"), first.path("go"), first.path("after"));
    let wait = |what: &Path| format!("until test -e {}; do sleep 0.01; done", what.display());
    let body = plain(&format!("server background exclusive={name}"), "sleep 1000")
        + &plain("on", &format!("touch {}", held.display()))
        // One more step of the lesson itself is not kept waiting.
        + &plain(&format!("again exclusive={name}"), &wait(&go))
        + &plain("stop exit=143", "kill %1; wait %1")
        + &plain("late", &wait(&after));
    let body = body.replace("server background", "server background exit=nonzero");
    let first = first.edited("demo", &body);
    let second = plain(
        &format!("two exclusive={name}"),
        &format!("touch {}", after.display()),
    );
    let second = declared(&second, &name);
    let holds = first.start("run demo");
    until("the server", || held.exists());
    let mut waits = second.start("run demo");
    waits.until_stdout("waits for its turn");
    assert!(!after.exists());
    fs::write(&go, "").expect("writable");
    // The first lesson goes on until the second one had its turn: it is let go with the server.
    waits.end().code(0);
    holds.end().code(0);
}

#[test]
fn lessons_side_by_side_serve_at_one_port_in_turn() {
    if !support::has("python3") {
        return skipped("there is no python3 here, so nothing served");
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    drop(taken);
    let server = format!(
        "python3 -c \"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)\""
    );
    let body = plain(
        &format!("server background until=port:{port} exclusive=port exit=nonzero"),
        &server,
    ) + &plain("client", &format!("exec 9<>/dev/tcp/127.0.0.1/{port}"))
        + &plain("while", "sleep 0.2");
    let mut tutor = Tutor::new().unconfined().course("exclusive = ['port']");
    for _ in 0..3 {
        tutor = tutor.lesson(&body);
    }
    tutor.run("test -j 3").code(0);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_name_that_the_course_does_not_list_is_named_with_what_was_meant() {
    let body = plain("one exclusive=databse", "true")
        + &plain("two exclusive=trace", "true")
        + &plain("three exclusive=printer", "true");
    let tutor = Tutor::new()
        .lesson(body)
        .course("exclusive = ['database', 'A B']");
    let ran = tutor.run("check").code(4);
    ran.stdout_has("demo.md:11:25: unknown exclusive name `databse`")
        .stdout_has("did you mean `database`?")
        .stdout_has("unknown exclusive name `printer`")
        .stdout_has("declare it in `lessons/course.toml` in the list `exclusive = [\"printer\"]`")
        .stdout_has("`A B` is no exclusive name")
        .stdout_lacks("`trace`");
}
