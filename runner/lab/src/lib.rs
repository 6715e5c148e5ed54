//! The lab: a real Linux kernel in a small virtual machine, without root and without KVM.
//!
//! The modules, in reading order:
//!
//! - [`qemu`] finds QEMU and writes its command line.
//! - [`qmp`] talks to its monitor.
//! - [`machine`] is one running machine.
//! - [`state`] keeps saved states.
//! - [`guests`] makes guests: resumed, or booted once.
//! - [`shared`] is a folder that the host and a guest have in common.

pub mod guests;
pub mod machine;
pub mod qemu;
pub mod qmp;
pub mod shared;
pub mod state;
