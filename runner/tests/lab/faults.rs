//! Faults around a lesson in the lab: the step says so, the next one has a machine, and
//! none is left behind.

use crate::own;
use crate::support::{Tutor, step, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use tutor_agent::processes;

const PROGRAM: &str = "qemu-system-x86_64";

fn tutor() -> Option<Tutor> {
    own::learner("none of its faults was tried")
}

fn on_kernel(id: &str, script: &str) -> String {
    step(&format!("{id} on=kernel compare=none"), script)
}

/// Puts a QEMU of another version before all others, which does this before it starts a machine.
fn with_other_qemu(tutor: Tutor, before: &str) -> Tutor {
    let real = std::env::split_paths("/usr/local/bin:/usr/bin:/bin")
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.exists())
        .expect("QEMU was found before");
    let script = format!(
        "case \"$*\" in\n  *-version) echo QEMU emulator version 7.99.1; exit ;;\nesac\n{before}\nexec {} \"$@\"",
        real.display()
    );
    own::with_qemu(tutor, &script)
}

/// The machines that a `tutor` keeps.
fn machines(tutor: Pid) -> Vec<Pid> {
    let is_machine = |pid: &Pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
        program.ends_with(PROGRAM.as_bytes())
    };
    let children = processes::children(tutor).into_iter();
    children.filter(is_machine).collect()
}

#[test]
fn kill_9_of_tutor_leaves_no_machine_behind() {
    let Some(tutor) = tutor() else { return };
    let body = on_kernel("one", "echo up >up; sleep 1000");
    let tutor = tutor.lesson(&body).lesson(&body).stdin("r\nr\n");
    for (line, count) in [("run demo", 1), ("study demo", 1), ("test -j 2", 2)] {
        let running = tutor.start(line);
        until("machines to run", || machines(running.pid()).len() == count);
        let machines = machines(running.pid());
        running.signal(Signal::SIGKILL);
        until("no machine to be left", || {
            machines
                .iter()
                .all(|machine| !processes::is_alive(*machine))
        });
        running.end().code(-9);
    }
    tutor.run("test demo-9").code(2);
    tutor.run("test --timeout 10ms").code(1);
    let left = fs::read_dir(tutor.path("tmp")).unwrap().count();
    assert_eq!(left, 0, "the next test removes what was left");
}

#[test]
fn a_machine_that_is_killed_breaks_its_step_and_the_next_one_has_another() {
    let Some(tutor) = tutor() else { return };
    let body = on_kernel("zero", "true")
        + &on_kernel("one", "echo begun; sleep 1000")
        + &on_kernel("two", "echo next");
    let tutor = tutor.lesson(body);
    let mut running = tutor.start("run demo");
    running.until_stdout("│ begun");
    for machine in machines(running.pid()) {
        kill(machine, Signal::SIGKILL).unwrap();
    }
    running
        .end()
        .stdout_has("one: could not be run: ")
        .stdout_has("the virtual machine ended")
        .stdout_has("│ next")
        .code(1);
}

#[test]
fn a_machine_that_does_not_start_after_another_one_did_is_a_failure() {
    let Some(tutor) = tutor() else { return };
    let one = on_kernel("one", "true");
    let tutor = tutor.lesson(&one).lesson(&one).lesson(&one);
    let count = tutor.path("count").display().to_string();
    let tutor = with_other_qemu(
        tutor,
        &format!("echo x >>{count}; [ $(wc -l <{count}) = 1 ] || {{ echo no room >&2; exit 1; }}"),
    );
    // The stand-in writes to a file, which QEMU may not.
    let tutor = tutor.env("TUTOR_LAB_LANDLOCK", "off");
    for line in ["test -j 1 --on lab", "test -j 1"] {
        let _ = fs::remove_file(&count);
        tutor
            .run(line)
            .stdout_has("✓ demo ")
            .stdout_has("one: could not be run: one machine of the lab started, and a further one did not: ")
            .stdout_has("the virtual machine ended (no room)")
            .stdout_lacks("skipped")
            .code(1);
    }
}

#[test]
fn a_loop_a_flood_a_fork_bomb_and_a_panic_are_told_and_the_next_step_runs() {
    let Some(tutor) = tutor() else { return };
    let body = on_kernel("loops", "while :; do :; done")
        + &on_kernel("after-loop", "echo next-1")
        + &on_kernel("floods", "yes")
        + &on_kernel("after-flood", "echo next-2")
        + &on_kernel("forks", "f() { f | f & }; f; sleep 1000")
        + &on_kernel("after-forks", "echo next-3")
        + &on_kernel("panics", "echo c >/proc/sysrq-trigger; sleep 1000")
        + &on_kernel("after-panic", "echo next-4");
    let tutor = tutor.lesson(body);
    tutor
        .run("run demo --timeout 3s")
        .stdout_has("loops: timed out after 3 s")
        .stdout_has("│ next-1")
        .stdout_has("floods: timed out after 3 s")
        .stdout_has("│ next-2")
        .stdout_has("forks: ")
        .stdout_has("│ next-3")
        .stdout_has("panics: could not be run: ")
        .stdout_has("the guest's kernel panicked: ")
        .stdout_has("│ next-4")
        .code(1);
}

#[test]
fn a_state_of_another_qemu_is_not_resumed() {
    let Some(tutor) = tutor() else { return };
    let tutor = tutor.lesson(on_kernel("one", "x=1") + &on_kernel("two", "echo $x"));
    let boots = "starting the lab's machine";
    let again = "the steps before it run again first";
    tutor.run("run demo").stderr_has(boots).code(0);
    tutor.run("run demo").stderr_is_empty().code(0);
    let other = with_other_qemu(tutor, "");
    let ran = other.run("run demo --from two").code(0);
    ran.stderr_has(boots).stderr_has(again).stdout_has("│ 1");
    let first = other.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let ran = first.run("run demo --from two").code(0);
    let ran = ran.stderr_has(again).stdout_has("│ 1");
    assert!(!ran.stderr.contains(boots), "{}", ran.told());
}

#[test]
fn two_runs_at_once_share_one_state() {
    let Some(tutor) = tutor() else { return };
    let tutor = tutor.lesson(on_kernel("one", "echo up"));
    let all = [(); 3].map(|()| tutor.start("test"));
    let all = all.map(|running| running.end().code(0));
    let boots = |ran: &&crate::support::Ran| ran.stderr.contains("starting the lab's machine");
    assert_eq!(all.iter().filter(boots).count(), 1);
    tutor.run("test").stderr_is_empty().code(0);
}

#[test]
fn memory_that_ran_out_is_told_with_the_process_that_its_kernel_ended() {
    let Some(tutor) = tutor() else { return };
    let tutor = tutor.lesson(on_kernel("fill", "tail /dev/zero") + &on_kernel("next", "echo on"));
    let told = "the lab's machine ran out of memory, and its kernel ended `tail`";
    tutor.run("run demo").code(1).stdout_has(told);
    let mut command = tutor.command("lab run");
    command.args(["--", "tail", "/dev/zero"]);
    let ran = tutor.start_command(command, "lab run").end();
    ran.code(137).stderr_has(told);
}
