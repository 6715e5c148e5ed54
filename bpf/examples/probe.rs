//! `tutor bpf` before `tutor`: `cargo run -p tutor-bpf --example probe -- probe kprobe`.

use std::process::ExitCode;

use clap::Parser;
use tutor_bpf::command::{BpfCommand, run};

#[derive(Parser)]
struct Bpf {
    #[command(subcommand)]
    command: Option<BpfCommand>,
}

fn main() -> std::io::Result<ExitCode> {
    let command = Bpf::parse().command;
    let command = command.unwrap_or(BpfCommand::Probe(Default::default()));
    let verdict = run(&command, &mut std::io::stdout().lock())?;
    Ok(ExitCode::from(verdict.exit_status()))
}
