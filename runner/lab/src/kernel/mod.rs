//! A kernel that the lab can boot: taken from a package or an image, unpacked, and held to what the lab needs.
//!
//! QEMU boots an uncompressed ELF kernel by its PVH note (Xen's `elfnote.h`,
//! `XEN_ELFNOTE_PHYS32_ENTRY`). Nothing is unpacked in the guest then, which takes more
//! than half of the time away from a cold boot. An arm64 kernel is a flat image, and unpacked already.

mod bzimage;
mod config;
mod deb;
mod decompress;
mod flaw;
mod modules;
mod parts;
mod release;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod vmlinux;

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use tutor_files::Hasher;
use tutor_files::root::regular_file;

pub use flaw::{Flaw, KernelError};
use parts::KernelParts;
pub use parts::Module;
pub use release::{by_release, series};

/// The largest image that is read, in bytes. With debug information a kernel has some 900 MB.
const IMAGE_LIMIT: u64 = 2 << 30;

/// A kernel in the cache, ready to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// As `uname -r` says it in the guest: `6.12.118+deb13-cloud-amd64`.
    pub release: String,
    /// The uncompressed image: on x86-64 an ELF file, which has the PVH note.
    pub vmlinux: PathBuf,
    /// Modules for the channel to the host, uncompressed, in the order to load them; none where
    /// the kernel has them built in.
    pub modules: Vec<PathBuf>,
    /// The configuration that it was built with.
    pub config: KeptConfig,
    /// SHA-256 over the image and the modules, in hexadecimal.
    pub id: String,
    /// Where it came from: a package with its version, or a file.
    pub source: String,
    /// Options that the lab needs and that could not be looked up in this kernel.
    pub unknown: Vec<String>,
}

/// Whether the configuration of a kernel is beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptConfig {
    /// In this file.
    In(PathBuf),
    /// What the kernel came in has none, as Debian's package of 7.3.
    Absent,
    /// An earlier `tutor` did not keep it, or the file is damaged. Getting the kernel again brings it.
    NotKept,
}

impl KeptConfig {
    /// The file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            KeptConfig::In(file) => Some(file),
            KeptConfig::Absent | KeptConfig::NotKept => None,
        }
    }
}

impl Kernel {
    /// Returns the minor series: `6.12` of `6.12.118+deb13-cloud-amd64`.
    pub fn series(&self) -> &str {
        series(&self.release)
    }
}

/// A kernel taken out of its package or image, still in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// As `uname -r` will say it.
    pub release: String,
    /// The uncompressed image.
    pub vmlinux: Vec<u8>,
    /// The modules that the lab needs, in the order to load them.
    pub modules: Vec<Module>,
    /// The configuration that it was built with, as text.
    pub config: Option<Vec<u8>>,
    /// Options that the lab needs and that could not be looked up.
    pub unknown: Vec<String>,
}

impl Unpacked {
    /// Returns the SHA-256 over the image and the modules, in hexadecimal.
    pub fn id(&self) -> String {
        let image = ("vmlinux", &self.vmlinux[..]);
        let modules = self.modules.iter();
        let modules = modules.map(|module| (module.name.as_str(), &module.bytes[..]));
        let mut hasher = Hasher::default();
        for (name, bytes) in std::iter::once(image).chain(modules) {
            hasher.part(name.as_bytes());
            hasher.part(bytes);
        }
        hasher.done().to_string()
    }
}

/// Returns the same of what was unpacked into files of these names in a folder.
pub(crate) fn id_of(folder: &Path, names: &[&str]) -> io::Result<String> {
    let mut hasher = Hasher::default();
    for name in names {
        let file = regular_file(&folder.join(name))?;
        let bytes = file.metadata()?.len();
        hasher.part(name.as_bytes());
        hasher.update(&bytes.to_le_bytes());
        hasher.read(file.take(bytes))?;
    }
    Ok(hasher.done().to_string())
}

/// Takes a kernel out of a `.deb` package, a bzImage, an ELF vmlinux or an arm64 image.
///
/// A kernel that lacks what the lab needs is refused, by the name of the missing option.
pub fn unpack(path: &Path) -> Result<Unpacked, KernelError> {
    unpack_for(std::env::consts::ARCH, path)
}

fn unpack_for(architecture: &str, path: &Path) -> Result<Unpacked, KernelError> {
    let unpacked = read(path).and_then(|parts| checked(parts, architecture));
    unpacked.map_err(|flaw| KernelError {
        path: path.to_owned(),
        flaw,
    })
}

fn read(path: &Path) -> Result<KernelParts, Flaw> {
    let mut file = File::open(path).map_err(Flaw::Unreadable)?;
    let meta = file.metadata().map_err(Flaw::Unreadable)?;
    if !meta.is_file() {
        return Err(Flaw::NoKernel);
    }
    let mut start = Vec::new();
    file.by_ref()
        .take(bzimage::HEADER_LENGTH as u64)
        .read_to_end(&mut start)
        .map_err(Flaw::Unreadable)?;
    file.rewind().map_err(Flaw::Unreadable)?;
    if deb::is_deb(&start) {
        deb::parts(&mut file)
    } else if vmlinux::is_plain(&start) || bzimage::is_bzimage(&start) {
        whole(&mut file, meta.len()).and_then(image)
    } else {
        Err(Flaw::NoKernel)
    }
}

fn whole(file: &mut File, length: u64) -> Result<Vec<u8>, Flaw> {
    if length > IMAGE_LIMIT {
        return Err(Flaw::damaged(format!(
            "{length} bytes are more than any kernel has"
        )));
    }
    let mut bytes = Vec::new();
    file.take(IMAGE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads an image that comes without a package.
fn image(bytes: Vec<u8>) -> Result<KernelParts, Flaw> {
    let mut release = None;
    let mut vmlinux = bytes;
    if bzimage::is_bzimage(&vmlinux) {
        release = bzimage::release(&vmlinux);
        vmlinux = bzimage::vmlinux(&vmlinux)?;
    }
    Ok(KernelParts {
        release,
        vmlinux,
        config: None,
        builtin: None,
        modules: Vec::new(),
        has_modules: false,
    })
}

/// Holds what was read to what the lab needs.
fn checked(parts: KernelParts, architecture: &str) -> Result<Unpacked, Flaw> {
    let image = vmlinux::Vmlinux::parse(&parts.vmlinux)?;
    if image.architecture() != architecture {
        return Err(Flaw::Foreign(image.architecture()));
    }
    let config = parts.config.or_else(|| image.config());
    let evidence = config::Evidence {
        has_entry: image.has_entry(),
        config: config.as_deref().map(config::Config::parse),
        builtin: parts.builtin.as_deref().map(modules::builtin),
        modules: parts.modules.iter().map(|m| m.name.as_str()).collect(),
        has_modules: parts.has_modules,
    };
    let unknown = evidence.judge().map_err(Flaw::Lacking)?;
    let release = parts
        .release
        .or_else(|| image.release())
        .ok_or_else(|| Flaw::damaged("it does not say its release"))?;
    Ok(Unpacked {
        release: plain(&release)?,
        vmlinux: parts.vmlinux,
        modules: parts.modules,
        config,
        unknown,
    })
}

/// Holds a release to what may be the name of a folder.
fn plain(release: &str) -> Result<String, Flaw> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    let is_good = release.starts_with(|c: char| c.is_ascii_digit())
        && release.len() <= 64
        && release.chars().all(is_plain);
    match is_good {
        true => Ok(release.to_owned()),
        false => Err(Flaw::damaged(format!(
            "`{}` is no release of a kernel",
            release.escape_debug()
        ))),
    }
}
