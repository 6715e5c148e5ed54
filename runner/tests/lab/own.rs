//! The lab of the user who runs the tests, and learners who have it or another one.

use crate::support::{Tutor, skipped};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use tutor::folders::Folders;
use tutor_lab::cache::Cache;
use tutor_lab::kernel::Kernel;
use tutor_lab::qemu::Qemu;

/// The cache of this user.
pub fn folder() -> PathBuf {
    Folders::of_user().expect("a home").cache
}

/// The kernel of that name, where this user has it.
pub fn kernel(name: &str) -> Option<Kernel> {
    Cache::below(&folder()).kernel(name).ok()?
}

/// The kernel of that name and the QEMU that starts it; `None`, with a line, where one is missing.
pub fn machine(name: &str, else_not_tried: &str) -> Option<(Kernel, Qemu)> {
    let qemu = Qemu::find(Cache::below(&folder()).folder()).ok();
    let found = kernel(name).zip(qemu);
    if found.is_none() {
        skipped(&format!(
            "the lab has no QEMU or no kernel {name}, so {else_not_tried}"
        ));
    }
    found
}

/// A learner with the kernels of this user; `None`, with a line, where no machine can start.
pub fn learner(else_not_tried: &str) -> Option<Tutor> {
    machine("default", else_not_tried)?;
    let tutor = Tutor::new();
    give_kernels(&tutor);
    Some(tutor)
}

/// Gives the learner the kernels of this user.
pub fn give_kernels(tutor: &Tutor) {
    let lab = tutor.path("home/cache/lab");
    fs::create_dir_all(&lab).expect("writable");
    symlink(folder().join("lab/kernels"), lab.join("kernels")).expect("writable");
}

/// Puts a QEMU of a few lines of shell before the real one.
pub fn with_qemu(tutor: Tutor, script: &str) -> Tutor {
    tutor.put("bin/qemu-system-x86_64", &format!("#!/bin/sh\n{script}\n"));
    let program = tutor.path("bin/qemu-system-x86_64");
    fs::set_permissions(program, Permissions::from_mode(0o755)).expect("writable");
    let folder = tutor.path("bin").display().to_string();
    tutor.env("PATH", &format!("{folder}:/usr/sbin:/usr/bin:/sbin:/bin"))
}
