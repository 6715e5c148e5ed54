//! What a guest boots: a kernel, and the initial RAM disk made for it on this machine.

use crate::cache::Cache;
use crate::initramfs::{self, Contents, InitramfsError};
use crate::kernel::Kernel;
use crate::state::write_beside;
use crate::tidy;
use sha2::{Digest, Sha256};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a guest boots.
#[derive(Clone, Debug)]
pub struct Image {
    /// An ELF file that QEMU starts by its PVH note.
    pub vmlinux: PathBuf,
    /// The archive with `/init`.
    pub initramfs: PathBuf,
    /// Tells its kernel, with the modules, from every other.
    pub kernel: String,
    /// Tells this image from every other: kernel, modules, and what is in the archive.
    pub id: String,
}

/// The programs of ours that go into a guest.
#[derive(Clone, Copy)]
pub struct Programs<'p> {
    /// Another name, other programs.
    pub id: &'p str,
    /// Gives the agent.
    pub agent: &'p dyn Fn() -> io::Result<Vec<u8>>,
    /// Gives the program that is called `tutor` in the guest.
    pub tutor: &'p dyn Fn() -> io::Result<Vec<u8>>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The archive could not be made.
    #[error(transparent)]
    Initramfs(#[from] InitramfsError),
    /// A file of the cache could not be written.
    #[error("cannot write `{path}`: {error}")]
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Makes the image of a kernel, or finds it made. What of the archive comes from this machine is
/// read each time, so that a tool that was updated is seen.
pub fn prepare(
    cache: &Cache,
    kernel: &Kernel,
    programs: Programs<'_>,
) -> Result<Image, ImageError> {
    let folder = cache.folder().join("guest").join(programs.id);
    let agent = program(&folder.join("tutor-agent"), programs.agent)?;
    let tutor = program(&folder.join("tutor"), programs.tutor)?;
    let archive = initramfs::build(Contents {
        agent: &agent,
        tutor: Some(&tutor),
        kernel,
    })?;
    let hash = Sha256::digest(&archive);
    let hash: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let initramfs = cache
        .folder()
        .join("initramfs")
        .join(format!("{hash}.cpio"));
    if !initramfs.exists() {
        write_beside(&initramfs, &archive).map_err(failed(&initramfs))?;
    }
    tidy::touch(&initramfs);
    // What is left of older ones may be much; that it cannot be removed harms nobody.
    let _ = tidy::tidy(cache, tidy::LIMIT_BYTES, tidy::LIMIT_AGE);
    Ok(Image {
        vmlinux: kernel.vmlinux.clone(),
        initramfs,
        kernel: kernel.id.clone(),
        id: format!("{} {hash}", kernel.id),
    })
}

fn program(path: &Path, bytes: &dyn Fn() -> io::Result<Vec<u8>>) -> Result<PathBuf, ImageError> {
    if !path.exists() {
        let bytes = bytes().map_err(failed(path))?;
        write_beside(path, &bytes).map_err(failed(path))?;
        // Only what is executable is taken for a program.
        fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(failed(path))?;
    }
    Ok(path.to_owned())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ImageError {
    let path = path.to_owned();
    move |error| ImageError::Write { path, error }
}
