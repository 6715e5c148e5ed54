//! A `tutor` that knows `tutor bpf` only, for the lab's guest.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tutor_bpf::command::{BpfCommand, run};

#[derive(Parser)]
#[command(name = "tutor", about = "The part of `tutor` that runs in the lab")]
enum Cli {
    /// Inspect the kernel and BPF programs
    #[command(subcommand)]
    Bpf(BpfCommand),
}

fn main() -> ExitCode {
    let Cli::Bpf(command) = Cli::parse();
    match run(&command, &mut io::stdout().lock()) {
        Ok(verdict) => ExitCode::from(verdict.exit_status()),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
