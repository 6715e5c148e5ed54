//! The lab: a real kernel in a small virtual machine, without root and without KVM.
//!
//! The modules, in reading order:
//!
//! - [`kernel`]: a kernel from a package or an image, unpacked and held to what the lab needs.
//! - [`cache`]: where unpacked kernels are kept.
//! - [`needed`]: the libraries of a dynamically linked program.
//! - [`initramfs`]: the initial RAM disk: agent, tools, modules.

pub mod cache;
pub mod initramfs;
pub mod kernel;
pub mod needed;
