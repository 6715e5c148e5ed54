//! The lab: a real kernel in a small virtual machine, without root and without KVM.
//!
//! The modules, in reading order:
//!
//! - [`kernel`]: a kernel from a package or an image, unpacked and held to what the lab needs.
//! - [`cache`]: where unpacked kernels are kept.

pub mod cache;
pub mod kernel;
