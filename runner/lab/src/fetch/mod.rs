//! Gets a kernel's package without root: by apt, or from a mirror that the user names.
//!
//! Trust is apt's signed index, or a SHA-256 that stands in `kernels.lock.toml`.

pub mod apt;
pub mod lock;
pub mod mirror;
mod sources;
