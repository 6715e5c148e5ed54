//! Programs that are killed, hang or flood: nothing of them is left behind.

use crate::support::{Tutor, check, own_seconds, plain, skipped, sleepers, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

/// The processes that keep a `tutor`'s shells.
fn agents(tutor: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_agent = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        line.split(|byte| *byte == 0).nth(1) == Some(b"__agent")
            && parent == Some(&tutor.to_string())
    };
    pids.filter(is_agent).map(Pid::from_raw).collect()
}

fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[test]
fn kill_9_of_tutor_leaves_no_process_behind() {
    for line in ["run demo", "test", "study demo"] {
        let (plain_one, daemon, background, stubborn) =
            (own_seconds(), own_seconds(), own_seconds(), own_seconds());
        let body = plain("back background", &format!("sleep {background}"))
            + &plain(
                "left",
                &format!("setsid sh -c 'setsid sleep {daemon} >/dev/null 2>&1 &' &"),
            )
            + &plain(
                "hangs",
                &format!(
                    "trap '' TERM HUP INT; (trap '' TERM HUP INT; exec setsid sleep {stubborn}) & sleep {plain_one}"
                ),
            );
        let tutor = Tutor::new().lesson(body).stdin("r\nr\nr\n");
        let running = tutor.start(line);
        let all = [plain_one, daemon, background, stubborn];
        until("all of them", || {
            all.into_iter().all(|seconds| sleepers(seconds) == 1)
        });
        let agents = agents(running.pid());
        assert_eq!(agents.len(), 1);
        running.signal(Signal::SIGKILL);
        until("none of them", || {
            all.into_iter().all(|seconds| sleepers(seconds) == 0)
        });
        until("no agent", || agents.iter().all(|agent| is_gone(*agent)));
        running.end().code(-9);
    }
}

#[test]
fn kill_9_of_tutor_and_its_agent_together_leaves_no_process_behind() {
    let (one, daemon) = (own_seconds(), own_seconds());
    let script =
        format!("trap '' TERM; (setsid setsid sleep {daemon} >/dev/null 2>&1 &); sleep {one}");
    let tutor = Tutor::new().lesson(plain("one", &script));
    let guards = tutor.run("doctor --json").json().to_string();
    if !guards.contains("namespaces") {
        skipped("no namespaces are permitted here, so nobody ends what both leave");
        return;
    }
    let running = tutor.start("run demo");
    until("both", || sleepers(one) + sleepers(daemon) == 2);
    let agents = agents(running.pid());
    // Neither may see the other's end.
    let all = agents.iter().copied().chain([running.pid()]);
    let all: Vec<Pid> = all.collect();
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for process in &all {
            kill(*process, signal).expect("it is there");
        }
    }
    until("none of them", || sleepers(one) + sleepers(daemon) == 0);
    running.end().code(-9);
}

#[test]
fn kill_9_of_the_agent_breaks_its_step_and_leaves_nothing() {
    let (one, two) = (own_seconds(), own_seconds());
    let body = plain(
        "one",
        &format!("echo begun; setsid sleep {one} & sleep {two}"),
    ) + &plain("two", "echo next");
    let tutor = Tutor::new().lesson(body);
    let running = tutor.start("run demo");
    until("the step", || sleepers(one) + sleepers(two) == 2);
    for agent in agents(running.pid()) {
        kill(agent, Signal::SIGKILL).expect("it is there");
    }
    let ran = running.end().code(1);
    ran.stdout_has("│ begun")
        .stdout_has("one: could not be run: ")
        .stdout_has("│ next");
    until("none of them", || sleepers(one) + sleepers(two) == 0);
}

#[test]
fn kill_9_of_one_agent_spares_the_lessons_beside_it() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let (one, two) = (own_seconds(), own_seconds());
    let tutor = tutor
        .lesson(plain("one", &format!("sleep {one}")))
        .lesson(plain(
            "two",
            &format!(
                "sleep {two} & read -r line <{}; kill $!; echo \"$line\"",
                fifo.display()
            ),
        ));
    let running = tutor.start("test -j 2 --format json");
    until("both steps", || sleepers(one) + sleepers(two) == 2);
    let mut killed = 0;
    for agent in agents(running.pid()) {
        let children =
            fs::read_to_string(format!("/proc/{agent}/task/{agent}/children")).expect("children");
        let shell: Vec<&str> = children.split_whitespace().collect();
        let is_first = shell.iter().any(|shell| {
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))
                .unwrap_or_default();
            children.split_whitespace().any(|child| {
                fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default()
                    == format!("sleep\0{one}\0").as_bytes()
            })
        });
        if is_first {
            kill(agent, Signal::SIGKILL).expect("it is there");
            killed += 1;
        }
    }
    assert_eq!(killed, 1);
    until("the orphan to be gone", || sleepers(one) == 0);
    assert_eq!(sleepers(two), 1);
    fs::write(&fifo, "unharmed\n").expect("the step reads");
    let ran = running.end().code(1);
    assert_eq!(ran.verdicts(), "one broken, two shown");
}

#[test]
fn a_polite_end_leaves_no_process_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let (one, two) = (own_seconds(), own_seconds());
        let tutor = Tutor::new().lesson(plain("one", &format!("setsid sleep {one} & sleep {two}")));
        let running = tutor.start("run demo");
        until("the step", || sleepers(one) + sleepers(two) == 2);
        running.signal(signal);
        running.end().code(130);
        assert_eq!(sleepers(one) + sleepers(two), 0);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_step_that_does_not_listen() {
    let seconds = own_seconds();
    let script = format!(
        "trap '' TERM INT; (trap '' TERM INT; exec sleep {seconds}) & while :; do sleep 0.01; done"
    );
    let tutor = Tutor::new().lesson(plain("one", &script));
    let running = tutor.start("run demo");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    running.signal(Signal::SIGINT);
    running.end().code(130).stdout_has("one: interrupted");
    assert_eq!(sleepers(seconds), 0);
}

/// The files that `tutor` made in the temporary folder.
fn temporary(tutor: &Tutor) -> Vec<String> {
    let entries = fs::read_dir(tutor.path("tmp")).expect("the temporary folder");
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_folder_of_a_test_that_was_killed_goes_with_the_next_test() {
    let seconds = own_seconds();
    let tutor = Tutor::new().unconfined().lesson(plain(
        "hangs",
        &format!("[ -e ../../../go ] || sleep {seconds}"),
    ));
    fs::create_dir_all(tutor.path("tmp")).expect("writable");
    let temporary_folder = tutor.path("tmp").display().to_string();
    let tutor = tutor.env("TMPDIR", &temporary_folder);
    let running = tutor.start("test");
    until("the step", || sleepers(seconds) == 1);
    let other = tutor.start("test");
    until("both", || sleepers(seconds) == 2);
    running.signal(Signal::SIGKILL);
    running.end().code(-9);
    until("the first step's end", || sleepers(seconds) == 1);
    assert_eq!(temporary(&tutor).len(), 2);
    tutor.put("go", "");
    tutor.run("test").code(0);
    // A folder that is in use stays.
    assert_eq!(temporary(&tutor).len(), 1);
    other.signal(Signal::SIGTERM);
    other.end().code(130);
    assert_eq!(temporary(&tutor), Vec::<String>::new());
}

#[test]
fn a_step_that_never_stops_printing_is_ended_and_cut() {
    let body = plain("one", "yes") + &plain("two", "echo next");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --timeout 300ms").code(1);
    assert!(
        ran.stdout.len() < 2 * 1024 * 1024,
        "{} bytes",
        ran.stdout.len()
    );
    ran.stdout_has("one: timed out after 300 ms")
        .stdout_has("bytes were printed")
        .stdout_has("│ next");
}

#[test]
fn a_check_that_hangs_is_ended() {
    let seconds = own_seconds();
    let body = plain("one", "echo 1")
        + &check("two of=one expect=1", &format!("sleep {seconds}"))
        + &plain("three", "echo next");
    let tutor = Tutor::new().lesson(body);
    let ran = tutor.run("run demo --timeout 300ms").code(1);
    ran.stdout_has("check two: timed out").stdout_has("│ next");
    assert_eq!(sleepers(seconds), 0);
}
