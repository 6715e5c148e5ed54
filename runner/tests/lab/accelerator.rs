//! KVM, with a stand-in: a QEMU that takes `-accel kvm` and translates all the same.

use crate::own;
use crate::support::{PATIENCE, Tutor};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tutor_lab::accelerator::{AcceleratorChoice, AcceleratorReason, KvmPolicy, Trial};
use tutor_lab::architecture::Architecture;
use tutor_lab::cache::Cache;
use tutor_lab::guests::{GuestProgress, Guests, Tell};
use tutor_lab::image::{self, Image, Programs};
use tutor_lab::kernel::Kernel;
use tutor_lab::machine::Launcher;
use tutor_lab::qemu::{Accelerator, Qemu};

fn stand_in(folder: &Path, real: &Path) -> Qemu {
    let program = folder.join("qemu");
    let script = format!(
        "#!/bin/bash\nwords=()\nfor word; do [ \"$word\" = kvm ] && word=tcg; words+=(\"$word\"); done\n\
         exec {} \"${{words[@]}}\"\n",
        real.display()
    );
    fs::write(&program, script).expect("writable");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("writable");
    let architecture = Architecture::here().expect("a machine");
    Qemu::at(&program, architecture, folder).expect("a QEMU")
}

fn launcher() -> Launcher {
    Launcher {
        program: env!("CARGO_BIN_EXE_tutor").into(),
        arguments: ["__agent", "guarded"].map(Into::into).to_vec(),
    }
}

fn image(cache: &Cache, kernel: &Kernel) -> Image {
    let programs = Programs {
        id: tutor_guest::ID,
        sizes: None,
        agent: &tutor_guest::agent,
        tutor: &tutor_guest::tutor,
    };
    image::prepare(cache, kernel, programs).expect("an image")
}

#[test]
fn kvm_that_worked_in_a_trial_is_used_with_states_of_its_own() {
    let Some((kernel, real)) = own::machine("default", "no accelerator was tried") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::below(folder.path());
    let qemu = stand_in(folder.path(), &real.program);
    let (launcher, image) = (launcher(), image(&cache, &kernel));
    let device = folder.path().join("kvm");
    fs::write(&device, "").expect("writable");
    let trial = Trial {
        qemu: &qemu,
        launcher: &launcher,
        image: &image,
        device: &device,
        patience: PATIENCE,
    };
    assert_eq!(
        trial.known(KvmPolicy::Best, &cache).unwrap().reason,
        AcceleratorReason::NotTried
    );
    let tried = std::cell::Cell::new(0);
    let choose = || trial.choose(KvmPolicy::Best, &cache, &|| tried.set(tried.get() + 1));
    let AcceleratorChoice {
        accelerator,
        reason,
    } = choose().expect("a choice");
    assert_eq!(reason, AcceleratorReason::Worked);
    assert!(matches!(accelerator, Accelerator::Kvm { .. }));
    // The note spares the next one the trial.
    assert_eq!(
        choose().expect("a choice").reason,
        AcceleratorReason::Worked
    );
    assert_eq!(tried.get(), 1);

    let states = folder.path().join("states");
    let guests = |accelerator: &Accelerator| {
        let qemu = qemu.under(accelerator.clone());
        Guests::new(qemu, launcher.clone(), image.clone(), &states)
    };
    let boots = |guests: &Guests| {
        let boots = Arc::new(AtomicUsize::new(0));
        let tell: Tell = Arc::new({
            let boots = boots.clone();
            move |progress| {
                if progress == GuestProgress::Boots {
                    boots.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        drop(guests.guest(&tell).expect("a guest"));
        boots.load(Ordering::Relaxed)
    };
    assert_eq!(boots(&guests(&accelerator)), 1);
    assert_eq!(boots(&guests(&accelerator)), 0);
    // Neither a guest that is translated nor one on another processor takes that state.
    let elsewhere = Accelerator::Kvm {
        processor: "another".to_owned(),
    };
    for other in [Accelerator::Tcg, elsewhere] {
        assert!(!guests(&other).is_saved());
        assert_eq!(boots(&guests(&other)), 1);
    }
    let saved = fs::read_dir(&states).expect("states").flatten();
    let bases = saved.filter(|entry| entry.path().extension().is_some_and(|end| end == "base"));
    assert_eq!(bases.count(), 3);
}

#[test]
fn kvm_that_was_asked_for_and_cannot_be_had_is_named_and_not_replaced() {
    let Some(tutor) = own::learner("no accelerator was asked for") else {
        return;
    };
    let no_kvm = "case \"$*\" in\n*-version) echo QEMU emulator version 8.1.0;;\n\
         *) echo 'qemu: -accel kvm: invalid accelerator kvm' >&2; exit 1;;\nesac";
    let tutor = own::with_qemu(tutor, no_kvm).env("TUTOR_LAB_ACCEL", "kvm");
    let line = "lab run";
    let mut command = tutor.command(line);
    command.args(["--", "true"]);
    let ran = tutor.start_command(command, line).end();
    ran.code(3)
        .stderr_has("KVM was asked for, and ")
        .stderr_has("TUTOR_LAB_ACCEL=tcg");
}

#[test]
fn an_accelerator_that_nobody_knows_is_named() {
    let tutor = Tutor::new().env("TUTOR_LAB_ACCEL", "xen");
    tutor
        .run("lab status")
        .code(2)
        .stderr_has("`TUTOR_LAB_ACCEL` is `xen`, and it may be `tcg`, `kvm`, or not set");
}

#[test]
fn status_says_which_accelerator_and_why() {
    let Some(tutor) = own::learner("status had no accelerator to tell") else {
        return;
    };
    let json = tutor.run("lab status --json").code(0).json();
    assert_eq!(json["accelerator"]["name"], "tcg");
    assert_eq!(json["accelerator"]["why"], "asked");
    assert_eq!(json["saved"], false);
    let confined = json["confined"].as_array().expect("a list");
    let landlock = tutor_agent::guarded::is_restricted_here();
    assert_eq!(confined.contains(&"landlock".into()), landlock);
    tutor
        .run("lab status")
        .code(0)
        .stdout_has("TCG runs the machine: `TUTOR_LAB_ACCEL` asks for it");
}
