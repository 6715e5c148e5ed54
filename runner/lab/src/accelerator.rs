//! The accelerator of guests: QEMU's translator (TCG), or KVM where a trial under it has worked.
//!
//! That `/dev/kvm` exists says little: in a container its owner may be unknown, and under another
//! hypervisor KVM may abort on a register or hang. So a guest is tried first, and the outcome is noted
//! for this boot of the host's kernel, this QEMU and the guest's kernel.

use crate::cache::Cache;
use crate::image::Image;
use crate::machine::Launcher;
use crate::note;
pub use crate::qemu::DEVICE;
use crate::qemu::{Accelerator, Qemu};
use crate::tidy::{TRIALS, touch};
use crate::trial;
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tutor_files::{Stamp, hash, hex};

/// How long a trial may take in all. Under a KVM that works it takes a second or two.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// When KVM is to be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvmPolicy {
    /// KVM where it works.
    #[default]
    Best,
    /// TCG.
    Tcg,
    /// KVM, or nothing.
    Kvm,
}

/// Why guests have the accelerator that they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceleratorReason {
    /// It was asked for.
    Asked,
    /// KVM cannot be had.
    NoKvm(NoKvm),
    /// A trial worked.
    Worked,
    /// KVM was not tried yet: the next guest will.
    NotTried,
}

/// The accelerator of guests, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceleratorChoice {
    /// Which one.
    pub accelerator: Accelerator,
    /// Why.
    pub reason: AcceleratorReason,
}

/// Why KVM cannot be had, as an error where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKvm {
    /// The device cannot be opened.
    #[error("KVM was asked for, and `{device}` cannot be opened: {error}")]
    Device {
        /// The device.
        device: PathBuf,
        /// The system's error.
        error: String,
    },
    /// A guest did not work under it.
    #[error("KVM was asked for, and a machine did not start under it: {said}")]
    Refused {
        /// The failure's words.
        said: String,
    },
}

/// The outcome of a trial, as it is noted: an error has the machine's words.
type TrialOutcome = Result<(), String>;

/// The parts of a trial of KVM.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'t> {
    /// The QEMU.
    pub qemu: &'t Qemu,
    /// The program that starts it.
    pub launcher: &'t Launcher,
    /// The guest's image.
    pub image: &'t Image,
    /// KVM's device.
    pub device: &'t Path,
    /// How long it may take.
    pub patience: Duration,
}

impl Trial<'_> {
    /// Chooses an accelerator. Without a note in `cache` a guest is tried, after a call of `tries`.
    pub fn choose(
        &self,
        policy: KvmPolicy,
        cache: &Cache,
        tries: &dyn Fn(),
    ) -> Result<AcceleratorChoice, NoKvm> {
        let found = self.known(policy, cache)?;
        if found.reason != AcceleratorReason::NotTried {
            return Ok(found);
        }
        // Other processes wait for the note meanwhile. Without a lock each one tries.
        let _lock = cache.lock_for("trial");
        let found = self.known(policy, cache)?;
        if found.reason != AcceleratorReason::NotTried {
            return Ok(found);
        }
        tries();
        enforced(policy, self.try_kvm(cache))
    }

    /// Returns the accelerator that a guest would have, without a trial: where none took place yet,
    /// the one that was asked for.
    pub fn known(&self, policy: KvmPolicy, cache: &Cache) -> Result<AcceleratorChoice, NoKvm> {
        let tcg = |reason| AcceleratorChoice {
            accelerator: Accelerator::Tcg,
            reason,
        };
        if policy == KvmPolicy::Tcg {
            return Ok(tcg(AcceleratorReason::Asked));
        }
        let opened = File::options().read(true).write(true).open(self.device);
        if let Err(error) = opened {
            let no_device = NoKvm::Device {
                device: self.device.to_owned(),
                error: error.kind().to_string(),
            };
            return enforced(policy, tcg(AcceleratorReason::NoKvm(no_device)));
        }
        let note = self.note(cache);
        let Some(outcome) = note::read(&note) else {
            return Ok(match policy {
                KvmPolicy::Kvm => AcceleratorChoice {
                    accelerator: self.kvm(),
                    reason: AcceleratorReason::NotTried,
                },
                KvmPolicy::Best | KvmPolicy::Tcg => tcg(AcceleratorReason::NotTried),
            });
        };
        touch(&note);
        enforced(policy, self.choice(outcome))
    }

    fn try_kvm(&self, cache: &Cache) -> AcceleratorChoice {
        let kvm = self.qemu.under(self.kvm());
        let tried = trial::run(&kvm, self.launcher, self.image, self.patience);
        let outcome = tried.map_err(|failure| failure.to_string());
        note::write(&self.note(cache), &outcome);
        self.choice(outcome)
    }

    fn choice(&self, outcome: TrialOutcome) -> AcceleratorChoice {
        match outcome {
            Ok(()) => AcceleratorChoice {
                accelerator: self.kvm(),
                reason: AcceleratorReason::Worked,
            },
            Err(said) => AcceleratorChoice {
                accelerator: Accelerator::Tcg,
                reason: AcceleratorReason::NoKvm(NoKvm::Refused { said }),
            },
        }
    }

    fn kvm(&self) -> Accelerator {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Accelerator::Kvm {
            processor: model(&processors),
        }
    }

    /// The file with the outcome of a trial.
    fn note(&self, cache: &Cache) -> PathBuf {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let about = json!([
            boot.trim(),
            Stamp::of(&self.qemu.program),
            self.qemu.version,
            self.qemu.has_sandbox,
            self.image.kernel,
            self.kvm().processor(),
        ]);
        let name = digest(&about.to_string());
        cache.folder().join(TRIALS).join(format!("{name}.trial"))
    }
}

/// Makes an error of KVM's absence where it was asked for.
fn enforced(policy: KvmPolicy, choice: AcceleratorChoice) -> Result<AcceleratorChoice, NoKvm> {
    match choice.reason {
        AcceleratorReason::NoKvm(error) if policy == KvmPolicy::Kvm => Err(error),
        AcceleratorReason::NoKvm(_)
        | AcceleratorReason::Asked
        | AcceleratorReason::Worked
        | AcceleratorReason::NotTried => Ok(choice),
    }
}

/// Returns what two processors of one model have in common: vendor, numbers, name and features, from
/// `/proc/cpuinfo` (the kernel's `arch/x86/kernel/cpu/proc.c`, `arch/arm64/kernel/cpuinfo.c`).
fn model(processors: &str) -> String {
    let first = processors.split("\n\n").next().unwrap_or_default();
    let names = [
        "vendor_id",
        "cpu family",
        "model",
        "model name",
        "stepping",
        "flags",
        "CPU implementer",
        "CPU architecture",
        "CPU variant",
        "CPU part",
        "CPU revision",
        "Features",
    ];
    let fields = first.lines().filter_map(|line| line.split_once(':'));
    let told: Vec<String> = fields
        .filter(|(name, _)| names.contains(&name.trim()))
        .map(|(name, value)| format!("{}:{}", name.trim(), value.trim()))
        .collect();
    digest(&told.join("\n"))
}

fn digest(text: &str) -> String {
    hex(&hash(text.as_bytes()).0[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    /// A QEMU of a few lines of shell, and what a trial with it says.
    struct Stand {
        folder: TempDir,
        qemu: Qemu,
        launcher: Launcher,
        image: Image,
    }

    impl Stand {
        fn new(script: &str) -> Stand {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("qemu");
            let tries = folder.path().join("tries").display().to_string();
            fs::write(&program, format!("#!/bin/sh\necho x >>{tries}\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(folder.path().join("kvm"), "").unwrap();
            let qemu = Qemu {
                program,
                version: "10.0.0".to_owned(),
                architecture: Architecture::named("x86_64").unwrap(),
                has_sandbox: true,
                accelerator: Accelerator::Tcg,
            };
            // Instead of the guard: it drops the caller's process id and what QEMU is given.
            let launcher = Launcher {
                program: "/bin/sh".into(),
                arguments: [
                    "-c",
                    "until [ \"$1\" = -- ]; do shift; done; shift; exec \"$@\"",
                    "guard",
                ]
                .map(Into::into)
                .to_vec(),
            };
            let image = Image {
                vmlinux: "vmlinux".into(),
                initramfs: "initramfs".into(),
                kernel: "a kernel".to_owned(),
                id: "an image".to_owned(),
            };
            Stand {
                folder,
                qemu,
                launcher,
                image,
            }
        }

        fn chosen(&self, policy: KvmPolicy) -> Result<AcceleratorChoice, NoKvm> {
            self.with_device(policy, &self.folder.path().join("kvm"), &self.image)
        }

        fn trial<'t>(&'t self, device: &'t Path, image: &'t Image) -> Trial<'t> {
            Trial {
                qemu: &self.qemu,
                launcher: &self.launcher,
                image,
                device,
                patience: Duration::from_secs(2),
            }
        }

        fn with_device(
            &self,
            policy: KvmPolicy,
            device: &Path,
            image: &Image,
        ) -> Result<AcceleratorChoice, NoKvm> {
            let cache = Cache::below(self.folder.path());
            self.trial(device, image).choose(policy, &cache, &|| ())
        }

        fn tries(&self) -> usize {
            let tries = fs::read_to_string(self.folder.path().join("tries"));
            tries.unwrap_or_default().lines().count()
        }
    }

    fn refusal(choice: Result<AcceleratorChoice, NoKvm>) -> String {
        match choice {
            Ok(AcceleratorChoice {
                accelerator: Accelerator::Tcg,
                reason: AcceleratorReason::NoKvm(NoKvm::Refused { said }),
            }) => said,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_kvm_that_aborts_is_tried_once_and_told_in_qemus_words() {
        let stand = Stand::new("echo 'qemu: Assertion failed.' >&2; kill -ABRT $$");
        for _ in 0..2 {
            let said = refusal(stand.chosen(KvmPolicy::Best));
            assert_eq!(said, "the virtual machine ended (qemu: Assertion failed.)");
        }
        assert_eq!(stand.tries(), 1);
        // Another kernel is another question.
        let other = Image {
            kernel: "another".to_owned(),
            ..stand.image.clone()
        };
        refusal(stand.with_device(KvmPolicy::Best, &stand.folder.path().join("kvm"), &other));
        assert_eq!(stand.tries(), 2);
    }

    #[test]
    fn a_kvm_that_hangs_is_ended_when_patience_is_over() {
        let pid = tempfile::NamedTempFile::new().unwrap();
        let stand = Stand::new(&format!(
            "echo $$ >{}; exec sleep 1000",
            pid.path().display()
        ));
        let said = refusal(stand.chosen(KvmPolicy::Best));
        assert_eq!(said, "the machine was not ready after 2 seconds");
        // It is gone, and was waited for.
        let pid = fs::read_to_string(pid.path()).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists());
    }

    #[test]
    fn nothing_is_tried_where_the_device_cannot_be_opened_or_tcg_was_asked_for() {
        let stand = Stand::new("exit 1");
        let missing = stand.folder.path().join("missing");
        let choice = stand.with_device(KvmPolicy::Best, &missing, &stand.image);
        let choice = choice.unwrap();
        assert_eq!(choice.accelerator, Accelerator::Tcg);
        assert!(matches!(
            choice.reason,
            AcceleratorReason::NoKvm(NoKvm::Device { .. })
        ));
        let error = stand.with_device(KvmPolicy::Kvm, &missing, &stand.image);
        assert!(matches!(error, Err(NoKvm::Device { .. })));
        assert_eq!(
            stand.chosen(KvmPolicy::Tcg).unwrap().reason,
            AcceleratorReason::Asked
        );
        assert_eq!(stand.tries(), 0);
    }

    #[test]
    fn kvm_that_was_asked_for_and_is_refused_is_an_error() {
        let stand = Stand::new("echo no >&2; exit 1");
        let known = || {
            let device = stand.folder.path().join("kvm");
            let cache = Cache::below(stand.folder.path());
            stand
                .trial(&device, &stand.image)
                .known(KvmPolicy::Kvm, &cache)
        };
        let untried = known().unwrap();
        assert_eq!(untried.reason, AcceleratorReason::NotTried);
        assert!(matches!(untried.accelerator, Accelerator::Kvm { .. }));
        let error = stand.chosen(KvmPolicy::Kvm).unwrap_err();
        let expected = "KVM was asked for, and a machine did not start under it: the virtual machine ended (no)";
        assert_eq!(error.to_string(), expected);
        assert_eq!(known(), Err(error));
    }

    #[test]
    fn a_processor_is_told_by_its_model_and_not_by_its_speed() {
        let one =
            "vendor_id\t: A\nmodel name\t: B\ncpu MHz\t\t: 1\nflags\t\t: fpu\n\nvendor_id: C\n";
        assert_eq!(model(one), model(&one.replace(": 1", ": 2")));
        assert_ne!(model(one), model(&one.replace("fpu", "fpu bmi2")));
        assert_ne!(model(one), model(&one.replace(": B", ": D")));
    }
}
