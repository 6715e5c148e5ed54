//! The lab: a real Linux kernel in a small virtual machine, without root; KVM is used where it works.
//!
//! The modules stand in reading order; a module uses only those above it:
//!
//! - [`kernel`]: a kernel from a package or an image, unpacked and held to what the lab needs.
//! - [`note`]: what took time to find out, kept as JSON.
//! - [`inputs`]: what files looked like when something was made of them.
//! - [`hashes`]: hashes of files, remembered.
//! - [`cache`]: where unpacked kernels are kept.
//! - [`tidy`]: keeping what can be made again within bounds.
//! - [`fetch`]: gets a kernel's package without root, by apt or from a mirror.
//! - [`setup`]: makes the lab ready: all of the above, with events on the way.
//! - [`spare`]: what can be removed from the cache, and got or made again.
//! - [`needed`]: the libraries of a dynamically linked program.
//! - [`initramfs`]: the initial RAM disk: agent, tools, modules.
//! - [`image`]: what a guest boots, made of these.
//! - [`architecture`]: the machine of each processor architecture.
//! - [`qemu`]: finding QEMU, and its command line.
//! - [`qmp`]: talking to its monitor.
//! - [`pending`]: what a guest was asked, and so what it may say.
//! - [`machine`]: one running machine.
//! - [`state`]: saved states.
//! - [`checkpoint`]: states between steps, as differences from the base state.
//! - [`trial`]: whether a guest works under KVM.
//! - [`accelerator`]: KVM or not, and why.
//! - [`guests`]: making guests, resumed or booted once.
//! - [`shared`]: a folder that the host and a guest have in common.
//! - [`libraries`]: libraries of programs that were built on the host.

pub mod kernel;

pub mod note;

mod inputs;

mod hashes;

pub mod cache;

pub mod tidy;

pub mod fetch;

pub mod setup;

pub mod spare;

mod needed;

pub mod initramfs;

pub mod image;

pub mod architecture;

pub mod qemu;

mod qmp;

mod pending;

pub mod machine;

pub mod state;

pub mod checkpoint;

mod trial;

pub mod accelerator;

pub mod guests;

pub mod shared;

pub mod libraries;
