//! A guest from inside, and the steps that must not bring it down.

use crate::shell::{Shell, TUTOR, kernel, lab};
use crate::support::{PATIENCE, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Command, Stdio};
use std::time::Duration;
use tutor::backend::{Happening, Mode, Status};

#[test]
fn a_panic_is_told_in_the_kernels_words_and_the_next_guest_works() {
    let Some(lab) = lab() else { return };
    let error = Shell::open(&lab)
        .run("echo c >/proc/sysrq-trigger")
        .unwrap_err();
    assert!(error.is_end(), "{error}");
    assert!(error.to_string().contains("kernel panicked"), "{error}");
    assert_eq!(Shell::open(&lab).prints("echo next"), "next\n");
}

#[test]
fn a_machine_that_was_killed_ends_its_session() {
    let Some(lab) = lab() else { return };
    let mut machine = lab.guest().unwrap();
    let qemu = machine.pid().expect("it runs under QEMU");
    kill(Pid::from_raw(qemu as i32), Signal::SIGKILL).unwrap();
    let error = machine.next(PATIENCE).unwrap_err().to_string();
    assert!(error.contains("the virtual machine ended"), "{error}");
}

#[test]
fn a_guest_that_switches_off_ends_its_session() {
    let Some(lab) = lab() else { return };
    let error = Shell::open(&lab).run("poweroff -f; sleep 100").unwrap_err();
    assert!(error.is_end(), "{error}");
}

#[test]
fn no_machine_outlives_a_tutor_that_was_killed() {
    if lab().is_none() {
        return;
    }
    let mut tutor = Command::new(TUTOR)
        .args([
            "lab",
            "run",
            "--kernel",
            &kernel(),
            "--",
            "sh",
            "-c",
            "echo up; sleep 1000",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut up = [0; 3];
    std::io::Read::read_exact(tutor.stdout.as_mut().unwrap(), &mut up).unwrap();
    let machines = tutor_agent::processes::children(Pid::from_raw(tutor.id() as i32));
    assert_eq!(machines.len(), 1);
    tutor.kill().unwrap();
    tutor.wait().unwrap();
    until("the machine is gone", || {
        !tutor_agent::processes::is_alive(machines[0])
    });
}

#[test]
fn a_step_that_kills_everything_does_not_bring_the_guest_down() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    // kill(2) spares init and the caller; a program of its own takes the shell with it as well.
    shell.prints("kill -9 -1");
    let (status, _) = shell.run("busybox kill -9 -1; sleep 100").unwrap();
    assert_eq!(status, Status::Signaled(9));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_step_that_writes_to_every_file_of_the_agent_does_not_bring_it_down() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    let ended = shell.run("for file in /proc/1/fd/*; do timeout 1 sh -c \"echo noise >$file\"; done 2>/dev/null; true");
    ended.unwrap();
    assert_eq!(shell.run("echo next").unwrap().1, "next\n");
}

#[test]
fn a_step_that_fills_the_memory_fails_and_the_next_one_runs() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    let (status, _) = shell.run("tail /dev/zero >/dev/null").unwrap();
    assert_ne!(status, Status::Exited(0));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_flood_that_nobody_reads_can_be_ended() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    let id = shell.begin(Mode::Step, "yes");
    let first = shell.session.next(PATIENCE).unwrap();
    assert!(matches!(first, Some(Happening::Output { .. })), "{first:?}");
    shell.session.end(id, Duration::ZERO).unwrap();
    let (status, _) = shell.end_of(id).unwrap();
    assert_ne!(status, Status::Exited(0));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_guest_has_random_numbers_before_its_first_program() {
    let Some(lab) = lab() else { return };
    let said = Shell::open(&lab).prints("dmesg");
    let line = |what: &[&str]| {
        let mut lines = said.lines();
        lines.position(|line| what.iter().any(|what| line.contains(what)))
    };
    // Before Linux 5.18 it says `crng done`.
    let random = line(&["crng init done", "crng done"]).expect("the kernel's random numbers");
    let init = line(&["Run /init as init process"]).expect("the first program");
    assert!(random < init, "{said}");
}

#[test]
fn programs_lie_at_the_same_addresses_each_time() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    // Without inodes: a pipe has another one each time.
    let maps = "cut -d' ' -f1,2,6- /proc/self/maps";
    let first = shell.prints(maps);
    assert!(first.contains("[stack]"), "{first}");
    assert_eq!(shell.prints(maps), first);
    assert_eq!(Shell::open(&lab).prints(maps), first);
}
