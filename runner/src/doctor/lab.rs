//! Findings about the lab on this machine, for `tutor doctor`.

use super::finding::{Area, Finding, State};
use crate::backend::BackendError;
use crate::backend::lab::{Lab, qemu_remedy};
use crate::packages::{self, Distribution, Mend};
use crate::say;
use crate::storage::size;
use nix::sys::statvfs::statvfs;
use std::path::Path;
use tutor_lab::accelerator::{AcceleratorChoice, AcceleratorReason, NoKvm};
use tutor_lab::cache::{Cache, DEFAULT_SERIES};
use tutor_lab::initramfs;
use tutor_lab::qemu::{Accelerator, Qemu, QemuError, QemuRestriction};

/// The room that a kernel, its unpacking and the states of its guests take on a disk, in bytes.
const NEEDED_BYTES: u64 = 300_000_000;

/// Looks at all that the lab needs, for these lessons, and starts a machine if nothing is missing.
pub fn examine(lab: &Lab, lessons: &[String], distribution: Distribution) -> Vec<Finding> {
    let cache = lab.cache();
    let mut found = qemu(cache, distribution);
    found.push(kernel(cache));
    found.extend(tools(distribution));
    found.extend(disk(cache));
    if !found.iter().any(Finding::is_lacking) {
        found.extend(start(lab).unwrap_or_else(|error| vec![not_started(&error)]));
    }
    for finding in &mut found {
        finding.lessons = lessons.to_vec();
    }
    found
}

fn finding(name: &str, what: String, state: State) -> Finding {
    Finding::new(Area::Lab, name, what, say!("doctor-lab-why"), state)
}

/// A part that is there, with its version if it has one, and a note.
fn has(name: &str, what: String, version: Option<String>, note: Option<String>) -> Finding {
    Finding {
        note,
        ..finding(name, what, State::Has(version))
    }
}

/// A part that is missing, and how to get it.
fn lacks(name: &str, what: String, reason: String, mend: Mend) -> Finding {
    Finding {
        mend: Some(mend),
        ..finding(name, what, State::Lacks(reason))
    }
}

/// A part whose package is missing. It is installed by hand where the package's name is not known.
fn not_installed(
    (name, what, reason): (&str, String, String),
    package: &str,
    by_hand: String,
    distribution: Distribution,
) -> Finding {
    let mend = packages::mend_row(package, distribution);
    let mend = mend.unwrap_or(Mend::Remedy(by_hand));
    Finding {
        packages: packages::named(package).into_iter().collect(),
        ..lacks(name, what, reason, mend)
    }
}

fn qemu(cache: &Cache, distribution: Distribution) -> Vec<Finding> {
    let what = say!("doctor-lab-qemu");
    let qemu = match Qemu::find(cache.folder()) {
        Ok(qemu) => qemu,
        Err(error) => {
            let (reason, remedy) = (error.to_string(), qemu_remedy(&error));
            return vec![match error {
                QemuError::Missing { .. } => {
                    not_installed(("qemu", what, reason), "qemu", remedy, distribution)
                }
                QemuError::Architecture | QemuError::TooOld { .. } | QemuError::Strange { .. } => {
                    lacks("qemu", what, reason, Mend::Remedy(remedy))
                }
            }];
        }
    };
    let program = qemu.program.display().to_string();
    let machine = has("qemu", what, Some(qemu.version.clone()), Some(program));
    let (name, what) = ("executable-memory", say!("doctor-lab-memory"));
    let memory = match qemu.may_translate() {
        Ok(()) => has(name, what, None, None),
        Err(said) => lacks(name, what, said, Mend::Remedy(say!("lab-remedy-memory"))),
    };
    let by = qemu.confined_by();
    let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
    let version = Some(names.join(", ")).filter(|names| !names.is_empty());
    let what = say!("doctor-lab-confined");
    let confined = has("confinement", what, version, Some(shut_in(&by)));
    vec![machine, memory, confined]
}

fn kernel(cache: &Cache) -> Finding {
    let what = say!("doctor-lab-kernel", series = DEFAULT_SERIES);
    let reason = match cache.kernel("default") {
        Ok(Some(kernel)) => return has("kernel", what, Some(kernel.release), None),
        Ok(None) => say!("lab-no-kernel"),
        Err(error) => error.to_string(),
    };
    let setup = Mend::Remedy("tutor lab setup".to_owned());
    lacks("kernel", what, reason, setup)
}

fn tools(distribution: Distribution) -> Vec<Finding> {
    let missing = initramfs::missing_tools();
    if missing.is_empty() {
        return vec![has("guest-tools", say!("doctor-lab-tools"), None, None)];
    }
    let finding = |tool: &str| {
        let reason = say!("doctor-lab-no-tool", tool = tool);
        let found = (tool, say!("doctor-lab-tool"), reason);
        not_installed(found, tool, say!("lab-install-by-hand"), distribution)
    };
    missing.into_iter().map(finding).collect()
}

/// The room on the disk; none where the system does not report it.
fn disk(cache: &Cache) -> Option<Finding> {
    let folder = cache.folder();
    let there = folder.ancestors().find(|folder| folder.exists());
    let room = statvfs(there.unwrap_or(Path::new("/"))).ok()?;
    let free = room.blocks_available().saturating_mul(room.fragment_size());
    let what = say!("doctor-lab-disk", folder = folder.display().to_string());
    if free >= NEEDED_BYTES {
        let text = say!("doctor-lab-free", size = size(free));
        return Some(has("disk", what, Some(text), None));
    }
    let needed = size(NEEDED_BYTES);
    let reason = say!("doctor-lab-full", size = size(free), needed = needed);
    let remedy = Mend::Remedy(say!("doctor-lab-remedy-disk"));
    Some(lacks("disk", what, reason, remedy))
}

/// Starts a machine, which goes again.
fn start(lab: &Lab) -> Result<Vec<Finding>, BackendError> {
    let was_saved = lab.guests()?.is_saved();
    let chosen = lab.accelerator()?;
    lab.guest()?;
    lab.guests()?.saved();
    let name = chosen.accelerator.name().to_owned();
    let what = say!("doctor-lab-accelerator");
    let accelerator = has("accelerator", what, Some(name), Some(accelerated(chosen)));
    let version = match lab.guests()?.is_saved() {
        true => say!("doctor-lab-saved"),
        false => say!("doctor-lab-not-saved"),
    };
    let note = match was_saved {
        true => say!("doctor-lab-resumed"),
        false => say!("doctor-lab-booted"),
    };
    let what = say!("doctor-lab-state");
    let state = has("state", what, Some(version), Some(note));
    Ok(vec![accelerator, state])
}

fn not_started(error: &BackendError) -> Finding {
    let lacks = State::Lacks(error.to_string());
    Finding {
        mend: error.help().map(str::to_owned).map(Mend::Remedy),
        ..finding("machine", say!("doctor-lab-machine"), lacks)
    }
}

/// Whether QEMU is kept from the learner's files, in words.
pub fn shut_in(confined: &[QemuRestriction]) -> String {
    match confined.contains(&QemuRestriction::Landlock) {
        true => say!("lab-landlock"),
        false => say!("lab-no-landlock"),
    }
}

/// The accelerator of guests and the reason for it, in words.
pub fn accelerated(choice: &AcceleratorChoice) -> String {
    match &choice.reason {
        AcceleratorReason::NotTried if choice.accelerator != Accelerator::Tcg => {
            say!("lab-kvm-asked-untried")
        }
        AcceleratorReason::Asked => say!("lab-tcg-asked"),
        AcceleratorReason::NoKvm(NoKvm::Device { device, error }) => {
            let device = device.display().to_string();
            say!("lab-tcg-device", device = device, error = error.as_str())
        }
        AcceleratorReason::NoKvm(NoKvm::Refused { said }) => {
            say!("lab-tcg-refused", said = said.as_str())
        }
        AcceleratorReason::Worked => say!("lab-kvm-worked"),
        AcceleratorReason::NotTried => say!("lab-kvm-untried"),
    }
}
