//! What the lab has and lacks on this machine, for `tutor doctor`.

use super::{Area, Finding, State, Unasked, install};
use crate::backend::BackendError;
use crate::backend::lab::{Lab, qemu_remedy};
use crate::packages::{Distribution, Mend};
use crate::say;
use crate::storage::size;
use nix::sys::statvfs::statvfs;
use std::path::Path;
use tutor_lab::accelerator::{Choice, Reason};
use tutor_lab::cache::{Cache, DEFAULT_SERIES};
use tutor_lab::initramfs;
use tutor_lab::qemu::{Accelerator, Confinement, Qemu, QemuError};

/// What a kernel, its unpacking and the states of its guests take on a disk, in bytes.
const NEEDED_BYTES: u64 = 300_000_000;

/// Looks at all that the lab needs, and starts a machine if nothing is missing. Returns what was
/// found, and why nothing can be asked in the lab, if that is so.
pub fn examine(
    lab: &Lab,
    cache: &Cache,
    lessons: &[String],
    distribution: Distribution,
) -> (Vec<Finding>, Option<Unasked>) {
    let looked = Looked {
        lessons,
        distribution,
    };
    let mut found = looked.qemu(cache);
    found.push(looked.kernel(cache));
    found.extend(looked.tools());
    found.extend(looked.disk(cache));
    if found.iter().any(lacks) {
        return (found, Some((say!("doctor-no-lab"), None)));
    }
    match looked.start(lab) {
        Ok(started) => {
            found.extend(started);
            (found, None)
        }
        Err(error) => {
            found.push(looked.not_started(error));
            (found, Some((say!("doctor-no-lab"), None)))
        }
    }
}

fn lacks(finding: &Finding) -> bool {
    match finding.state {
        State::Has(_) => false,
        State::Lacks(_) => true,
    }
}

/// What holds for all that is looked for.
struct Looked<'l> {
    lessons: &'l [String],
    distribution: Distribution,
}

impl Looked<'_> {
    fn finding(&self, name: &str, what: String, state: State) -> Finding {
        Finding {
            name: name.to_owned(),
            what,
            why: say!("doctor-lab-why"),
            lessons: self.lessons.to_vec(),
            area: Area::Lab,
            state,
            note: None,
            packages: Vec::new(),
            mend: None,
        }
    }

    /// With a package to install, or where its name is not known here, with a remedy.
    fn installed(&self, finding: Finding, package: &str, remedy: String) -> Finding {
        let packages = vec![package.to_owned()];
        let install = install(&packages, self.distribution).map(Mend::Install);
        Finding {
            packages,
            mend: Some(install.unwrap_or(Mend::Remedy(remedy))),
            ..finding
        }
    }

    fn qemu(&self, cache: &Cache) -> Vec<Finding> {
        let what = say!("doctor-lab-qemu");
        let qemu = match Qemu::find(cache.folder()) {
            Ok(qemu) => qemu,
            Err(error) => {
                let finding = self.finding("qemu", what, State::Lacks(error.to_string()));
                let remedy = qemu_remedy(&error);
                return vec![match error {
                    QemuError::Missing { .. } => self.installed(finding, "qemu", remedy),
                    QemuError::Architecture
                    | QemuError::TooOld { .. }
                    | QemuError::Strange { .. } => remedied(finding, remedy),
                }];
            }
        };
        let mut found = self.finding("qemu", what, State::Has(Some(qemu.version.clone())));
        found.note = Some(qemu.program.display().to_string());
        let what = say!("doctor-lab-memory");
        let memory = match qemu.may_translate() {
            Ok(()) => self.finding("executable-memory", what, State::Has(None)),
            Err(said) => remedied(
                self.finding("executable-memory", what, State::Lacks(said)),
                say!("lab-remedy-memory"),
            ),
        };
        let by = qemu.confined_by();
        let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
        let what = say!("doctor-lab-confined");
        let version = Some(names.join(", ")).filter(|names| !names.is_empty());
        let mut confined = self.finding("confinement", what, State::Has(version));
        confined.note = Some(shut_in(&by));
        vec![found, memory, confined]
    }

    fn kernel(&self, cache: &Cache) -> Finding {
        let what = say!("doctor-lab-kernel", series = DEFAULT_SERIES);
        let setup = || "tutor lab setup".to_owned();
        match cache.kernel("default") {
            Ok(Some(kernel)) => self.finding("kernel", what, State::Has(Some(kernel.release))),
            Ok(None) => {
                let lacks = State::Lacks(say!("lab-no-kernel"));
                remedied(self.finding("kernel", what, lacks), setup())
            }
            Err(error) => {
                let lacks = State::Lacks(error.to_string());
                remedied(self.finding("kernel", what, lacks), setup())
            }
        }
    }

    fn tools(&self) -> Vec<Finding> {
        let missing = initramfs::missing_tools();
        if missing.is_empty() {
            return vec![self.finding("guest-tools", say!("doctor-lab-tools"), State::Has(None))];
        }
        let finding = |(tool, package): (&str, &str)| {
            let lacks = State::Lacks(say!("doctor-lab-no-tool", tool = tool));
            let finding = self.finding(tool, say!("doctor-lab-tool"), lacks);
            self.installed(finding, package, say!("lab-install-by-hand"))
        };
        missing.into_iter().map(finding).collect()
    }

    /// Nothing where the system does not tell.
    fn disk(&self, cache: &Cache) -> Option<Finding> {
        let folder = cache.folder();
        let there = folder.ancestors().find(|folder| folder.exists());
        let room = statvfs(there.unwrap_or(Path::new("/"))).ok()?;
        let free = room.blocks_available().saturating_mul(room.fragment_size());
        let what = say!("doctor-lab-disk", folder = folder.display().to_string());
        let text = say!("doctor-lab-free", size = size(free));
        if free >= NEEDED_BYTES {
            return Some(self.finding("disk", what, State::Has(Some(text))));
        }
        let needed = size(NEEDED_BYTES);
        let lacks = State::Lacks(say!("doctor-lab-full", size = size(free), needed = needed));
        Some(remedied(
            self.finding("disk", what, lacks),
            say!("doctor-lab-remedy-disk"),
        ))
    }

    /// Starts a machine, which goes again.
    fn start(&self, lab: &Lab) -> Result<Vec<Finding>, BackendError> {
        let was_saved = lab.guests()?.is_saved();
        let chosen = lab.accelerator()?;
        lab.guest()?;
        lab.guests()?.saved();
        let is_saved = lab.guests()?.is_saved();
        let name = chosen.accelerator.name().to_owned();
        let what = say!("doctor-lab-accelerator");
        let mut accelerator = self.finding("accelerator", what, State::Has(Some(name)));
        accelerator.note = Some(accelerated(chosen));
        let version = match is_saved {
            true => say!("doctor-lab-saved"),
            false => say!("doctor-lab-not-saved"),
        };
        let what = say!("doctor-lab-state");
        let mut state = self.finding("state", what, State::Has(Some(version)));
        state.note = Some(match was_saved {
            true => say!("doctor-lab-resumed"),
            false => say!("doctor-lab-booted"),
        });
        Ok(vec![accelerator, state])
    }

    fn not_started(&self, error: BackendError) -> Finding {
        let (reason, remedy) = match error {
            BackendError::Unusable { reason, remedy } => (reason, remedy),
            error @ (BackendError::Start { .. }
            | BackendError::Gone
            | BackendError::NotAgain { .. }
            | BackendError::Ended(_)
            | BackendError::Unconfined(_)
            | BackendError::Failed(_)) => (error.to_string(), None),
        };
        let finding = self.finding("machine", say!("doctor-lab-machine"), State::Lacks(reason));
        Finding {
            mend: remedy.map(Mend::Remedy),
            ..finding
        }
    }
}

fn remedied(finding: Finding, remedy: String) -> Finding {
    Finding {
        mend: Some(Mend::Remedy(remedy)),
        ..finding
    }
}

/// Whether QEMU is kept from the learner's files.
pub fn shut_in(confined: &[Confinement]) -> String {
    match confined.contains(&Confinement::Landlock) {
        true => say!("lab-landlock"),
        false => say!("lab-no-landlock"),
    }
}

/// What runs the guests' code, and why.
pub fn accelerated(choice: &Choice) -> String {
    match &choice.reason {
        Reason::NotTried if choice.accelerator != Accelerator::Tcg => {
            say!("lab-kvm-asked-untried")
        }
        Reason::Asked => say!("lab-tcg-asked"),
        Reason::NoDevice { device, error } => {
            let device = device.display().to_string();
            say!("lab-tcg-device", device = device, error = error.as_str())
        }
        Reason::Refused { said } => say!("lab-tcg-refused", said = said.as_str()),
        Reason::Worked => say!("lab-kvm-worked"),
        Reason::NotTried => say!("lab-kvm-untried"),
    }
}
