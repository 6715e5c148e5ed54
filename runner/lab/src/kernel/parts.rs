//! The parts of a kernel, as a package or an image holds them.

/// A module's name and bytes, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its file's name: `virtio_ring.ko`.
    pub name: String,
    /// The ELF file.
    pub bytes: Vec<u8>,
}

/// The parts of a package or an image, not yet held to the lab's needs.
pub struct KernelParts {
    /// The release, where the package or the image's header names it.
    pub release: Option<String>,
    pub vmlinux: Vec<u8>,
    pub config: Option<Vec<u8>>,
    pub builtin: Option<Vec<u8>>,
    /// Those of the lab's modules that are there, in load order.
    pub modules: Vec<Module>,
    /// True where the package has a folder of modules, so that a module that is not there is absent.
    pub has_modules: bool,
}
