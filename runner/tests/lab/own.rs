//! The lab of the user who runs the tests.

use crate::support::{Tutor, skipped};
use std::fs;
use std::os::unix::fs::symlink;
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
