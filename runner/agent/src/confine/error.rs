//! Errors of the system, with what was being done.

use std::io;
use std::path::Path;

/// Adds to an error what was being done.
pub fn doing(what: impl std::fmt::Display) -> impl FnOnce(nix::Error) -> io::Error {
    move |error| io::Error::other(format!("{what}: {}", error.desc()))
}

pub fn doing_to(what: &str, path: &Path) -> impl FnOnce(nix::Error) -> io::Error {
    doing(format!("{what} `{}`", path.display()))
}
