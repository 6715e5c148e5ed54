//! The lab lacks something that it needs: each lack is named with its remedy, the step is skipped
//! with that reason and shows what was recorded, and `--on lab` is an error.

use crate::own;
use crate::support::{Ran, Tutor, has, in_own_mounts, skipped, step};
use std::fs;
use std::process::Command;

/// A learner with a kernel step whose output is recorded.
fn tutor() -> Tutor {
    let tutor = Tutor::new().lesson(step("one on=kernel", "echo one"));
    tutor.put(
        "course/snapshots/demo/one.snap",
        "---\nexpression: echo one\ninfo:\n  exit: 0\n  environment:\n    kernel: \"6.12\"\n---\nwhat was recorded\n",
    );
    tutor
}

/// The same with the kernels of this user; `None`, with a line, where there are none.
fn with_kernels() -> Option<Tutor> {
    if own::kernel("default").is_none() {
        skipped("the lab has no kernel, so nothing that it lacks besides was named");
        return None;
    }
    let tutor = tutor();
    own::give_kernels(&tutor);
    Some(tutor)
}

/// Holds what is said without `--on lab`, and with it, to the reason and the remedy.
#[track_caller]
fn named(tutor: &Tutor, prepare: Option<&str>, reason: &str, remedy: &str) {
    if let Some(prepare) = prepare
        && in_own_mounts(tutor, prepare, "run demo").is_none()
    {
        return;
    }
    let start = |line: &str| {
        let command = match prepare {
            None => tutor.command(line),
            Some(prepare) => in_own_mounts(tutor, prepare, line).expect("as before"),
        };
        tutor.start_command(command, line).end()
    };
    held(&start, reason, remedy);
}

/// The same, however it is started.
#[track_caller]
fn held(start: &dyn Fn(&str) -> Ran, reason: &str, remedy: &str) {
    let ran = start("run demo");
    ran.stdout_has(&format!("one: skipped: {reason}"))
        .stdout_has("help: ")
        .stdout_has(remedy)
        .stdout_has("recorded, not run")
        .stdout_has("what was recorded")
        .stdout_has("1 skipped")
        .code(3);
    let ran = start("run demo --on lab");
    ran.stderr_has("the lab was asked for and cannot be used: ")
        .stderr_has(reason)
        .stderr_has("help: ")
        .stderr_has(remedy)
        .stdout_lacks("one: ")
        .code(3);
}

#[test]
fn no_qemu_is_named() {
    let Some(tutor) = with_kernels() else { return };
    tutor.put("empty", "");
    let empty = tutor.path("empty").display().to_string();
    let hide = ["/usr/local/bin", "/usr/bin", "/bin"].map(|folder| {
        let program = format!("{folder}/qemu-system-x86_64");
        format!("{{ [ ! -e {program} ] || mount --bind {empty} {program}; }}")
    });
    named(
        &tutor,
        Some(&hide.join(" && ")),
        "there is no `qemu-system-x86_64`",
        // Whether its package is there or not.
        "install ",
    );
}

#[test]
fn no_kernel_is_named() {
    named(
        &tutor(),
        None,
        "the lab has no kernel yet",
        "get one with `tutor lab setup`",
    );
}

#[test]
fn a_qemu_that_is_too_old_is_named() {
    let Some(tutor) = with_kernels() else { return };
    let tutor = own::with_qemu(tutor, "echo QEMU emulator version 5.2.0");
    let reason = format!(
        "`{}` is QEMU 5.2.0, and the lab needs 7.0 or newer",
        tutor.path("bin/qemu-system-x86_64").display()
    );
    named(&tutor, None, &reason, "install QEMU 7.0 or newer");
}

/// Forbids itself, and what it becomes, memory that is both written and executed, as a systemd unit
/// does with `MemoryDenyWriteExecute=` (PR_SET_MDWE(2const), since Linux 6.3).
const FORBIDDEN: &str = "\
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])";

#[test]
fn executable_memory_that_is_forbidden_is_named() {
    let Some(tutor) = with_kernels() else { return };
    let start = |line: &str| {
        let plain = tutor.command(line);
        let mut command = Command::new("python3");
        command.args(["-c", FORBIDDEN]).arg(plain.get_program());
        command.args(plain.get_args()).env_clear();
        let environment = plain.get_envs();
        command.envs(environment.filter_map(|(name, value)| Some((name, value?))));
        tutor.start_command(command, line).end()
    };
    if !has("python3") || start("list").code_is(77) {
        skipped("this system cannot forbid executable memory, so that was not tried");
        return;
    }
    held(
        &start,
        "this system forbids QEMU memory that is both written and executed: ",
        "MemoryDenyWriteExecute=no",
    );
}

#[test]
fn a_damaged_kernel_is_named_with_what_mends_it() {
    let Some(tutor) = with_kernels() else { return };
    // Copies of its own, of which the image has another byte, and its length.
    let own = tutor.path("home/cache/lab/kernels");
    let copies = tutor.path("copies");
    let mut copy = std::process::Command::new("cp");
    let copied = copy.arg("-rL").arg(&own).arg(&copies).status().unwrap();
    assert!(copied.success());
    fs::remove_file(&own).unwrap();
    fs::rename(&copies, &own).unwrap();
    for kernel in fs::read_dir(&own).unwrap() {
        let image = kernel.unwrap().path().join("vmlinux");
        let mut bytes = fs::read(&image).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&image, bytes).unwrap();
    }
    named(&tutor, None, "the lab's kernel 6.12.", "tutor lab setup");
    tutor
        .run("lab status")
        .stdout_has(" is damaged: what is in `")
        .stdout_has("tutor lab setup")
        .code(3);
    // It is not taken for being there. (What comes then takes its place: `tutor_lab::cache`.)
    tutor
        .run("lab setup --yes --mirror http://127.0.0.1:1/none")
        .stderr_has("fetching linux-image-6.12")
        .code(3);
}

#[test]
fn a_machine_that_does_not_start_is_named_and_tried_once() {
    let Some(tutor) = with_kernels() else { return };
    let count = tutor.path("count").display().to_string();
    let script = format!(
        "case \"$*\" in *-version) echo QEMU emulator version 7.2.1 ;; *) echo x >>{count}; echo no such machine >&2; exit 1 ;; esac"
    );
    // The stand-in writes to a file, which QEMU may not.
    let tutor = own::with_qemu(tutor, &script).env("TUTOR_LAB_LANDLOCK", "off");
    let reason = "the virtual machine ended (no such machine)";
    named(&tutor, None, reason, "tutor lab run -- true");
    fs::remove_file(&count).unwrap();
    let tutor = tutor.edited(
        "demo",
        &["one", "two", "three"]
            .map(|id| step(&format!("{id} on=kernel"), "true"))
            .concat(),
    );
    tutor.run("run demo").stdout_has("3 skipped").code(3);
    assert_eq!(tutor.get("count"), "x\n");
}

#[test]
fn status_says_that_kvm_was_asked_for_and_is_refused() {
    let Some(tutor) = with_kernels() else { return };
    let tutor = tutor.env("TUTOR_LAB_ACCEL", "kvm");
    // A device that is no KVM, if there is one at all.
    let prepare = "[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm";
    if in_own_mounts(&tutor, prepare, "lab status").is_none() {
        return;
    }
    let start = |line: &str| {
        let command = in_own_mounts(&tutor, prepare, line).expect("as before");
        tutor.start_command(command, line).end()
    };
    start("lab run -- true")
        .code(3)
        .stderr_has("KVM was asked for, and ");
    start("lab status")
        .code(3)
        .stdout_has("✗ KVM was asked for, and ")
        .stdout_has("TUTOR_LAB_ACCEL=tcg")
        .stdout_lacks("TCG runs the machine");
    let status = start("lab status --json").code(3).json();
    assert_eq!(status["accelerator"], serde_json::Value::Null);
    let name = status["missing"][0]["name"].as_str().expect("a name");
    assert!(name.starts_with("KVM was asked for, and "), "{name}");
    let other = tutor.env("TUTOR_LAB_ACCEL", "tcg");
    other
        .run("lab status")
        .code(0)
        .stdout_has("TCG runs the machine: `TUTOR_LAB_ACCEL` asks for it");
}

#[test]
fn a_full_disk_is_named() {
    let Some(tutor) = with_kernels() else { return };
    let lab = tutor.path("home/cache/lab").display().to_string();
    let own = own::folder().join("lab/kernels");
    let prepare = format!(
        "mount -t tmpfs -o size=64k tmpfs {lab} && ln -s {} {lab}/kernels",
        own.display()
    );
    named(&tutor, Some(&prepare), "cannot write `", "free some space");
}
