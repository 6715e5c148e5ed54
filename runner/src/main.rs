//! The `tutor` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    tutor::cli::main().into()
}
