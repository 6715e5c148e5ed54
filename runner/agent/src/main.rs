//! Serves on standard input.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

fn main() -> ExitCode {
    let served = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(tutor_agent::AgentError::from)
        .and_then(tutor_agent::serve);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
