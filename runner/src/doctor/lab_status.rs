//! The status of the lab: its kernels, what it keeps, and the parts that it lacks. No machine is
//! started for it.

use crate::backend::BackendError;
use crate::backend::lab::{Choice, Outlook, outlook, qemu_remedy};
use crate::packages::{self, Distribution};
use crate::say;
use tutor_lab::cache::{Cache, CacheError, InstalledKernel};
use tutor_lab::fetch::lock::KernelLock;
use tutor_lab::initramfs;
use tutor_lab::kernel::Kernel;
use tutor_lab::qemu::{Qemu, QemuError, QemuRestriction};
use tutor_lab::tidy::{self, CachedFile};

/// The state of the lab on this machine.
pub struct LabStatus {
    /// The kernels that are there.
    pub kernels: Vec<InstalledKernel>,
    /// The kernel that lessons run on by default.
    pub default: Option<Kernel>,
    /// The outlook; none where the lab cannot be used.
    pub outlook: Option<Outlook>,
    /// The restrictions of QEMU.
    pub confined: Vec<QemuRestriction>,
    /// States and archives that can be made again.
    pub kept: Vec<CachedFile>,
    /// The parts that the lab needs and this machine lacks.
    pub missing: Vec<MissingPart>,
}

/// A part of the lab that this machine lacks.
pub struct MissingPart {
    /// Its name.
    pub name: String,
    /// How to get it.
    pub remedy: String,
}

impl LabStatus {
    /// Looks at a lab.
    pub fn of(choice: &Choice) -> Result<LabStatus, CacheError> {
        let cache = &choice.cache;
        let kernels = cache.list()?;
        let mut missing = missing(cache)?;
        let outlook = match outlook(choice) {
            Ok(outlook) => Some(outlook),
            Err(BackendError::Unusable {
                reason: name,
                remedy: Some(remedy),
            }) if missing.is_empty() => {
                missing.push(MissingPart { name, remedy });
                None
            }
            // It is named already.
            Err(_) => None,
        };
        let qemu = Qemu::find(cache.folder()).ok();
        Ok(LabStatus {
            kernels,
            default: cache.kernel("default").ok().flatten(),
            outlook,
            confined: qemu.map(|qemu| qemu.confined_by()).unwrap_or_default(),
            kept: tidy::kept(cache)?,
            missing,
        })
    }

    /// True for the kernel that lessons run on by default.
    pub fn is_default(&self, one: &InstalledKernel) -> bool {
        !one.is_file && Some(&one.kernel) == self.default.as_ref()
    }
}

fn missing(cache: &Cache) -> Result<Vec<MissingPart>, CacheError> {
    let mut missing = Vec::new();
    let mut lacks = |name: String, remedy: String| missing.push(MissingPart { name, remedy });
    let setup = || "tutor lab setup".to_owned();
    match cache.kernel("default") {
        Ok(Some(_)) => {}
        Ok(None) => {
            let series = KernelLock::own().default;
            lacks(say!("lab-missing-kernel", series = series), setup());
        }
        Err(error @ CacheError::Damaged { .. }) => lacks(error.to_string(), setup()),
        Err(error) => return Err(error),
    }
    let missing_tools = initramfs::missing_tools().into_iter();
    let mut tools: Vec<_> = missing_tools.map(|tool| (tool, tool)).collect();
    match Qemu::find(cache.folder()) {
        Ok(_) => {}
        Err(QemuError::Missing { program }) => tools.insert(0, (program, "qemu")),
        Err(error) => lacks(error.to_string(), qemu_remedy(&error)),
    }
    for (tool, package) in tools {
        let mend = packages::mend_row(package, Distribution::here());
        let remedy = mend.map_or_else(|| say!("lab-install-by-hand"), |mend| mend.in_words());
        lacks(tool.to_owned(), remedy);
    }
    Ok(missing)
}
