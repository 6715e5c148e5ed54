//! The lab: a real kernel in a small virtual machine, without root and without KVM.
//!
//! The modules, in reading order:
//!
//! - [`kernel`]: a kernel from a package or an image, unpacked and held to what the lab needs.
//! - [`cache`]: where unpacked kernels are kept.
//! - [`fetch`]: gets a kernel's package without root, by apt or from a mirror.
//! - [`setup`]: makes the lab ready: all of the above, with events on the way.
//! - [`needed`]: the libraries of a dynamically linked program.
//! - [`initramfs`]: the initial RAM disk: agent, tools, modules.

pub mod cache;
pub mod fetch;
pub mod initramfs;
pub mod kernel;
pub mod needed;
pub mod setup;
