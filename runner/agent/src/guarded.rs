//! A program that ends with the process that started it, however that ends.

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes the program that the words name, with SIGKILL to come when the thread of `parent` that
/// started this process is gone (PR_SET_PDEATHSIG(2const)). Comes back only if it could not.
pub fn become_guarded(parent: u32, words: &[OsString]) -> io::Error {
    let Some((program, arguments)) = words.split_first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL) {
        return error.into();
    }
    // It may have been gone before it could be heeded.
    if nix::unistd::getppid().as_raw() as u32 != parent {
        return io::ErrorKind::BrokenPipe.into();
    }
    // What it dies of is told; a memory image of it would lie in whatever folder the caller is in.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    Command::new(program).args(arguments).exec()
}
