//! `tutor bpf` before `tutor`: `cargo run -p tutor-bpf --example probe -- probe kprobe`.

use std::process::ExitCode;

use clap::Parser;
use tutor_bpf::command::{BpfCommand, CommandError, Console, run};

#[derive(Parser)]
struct Bpf {
    #[command(subcommand)]
    command: Option<BpfCommand>,
}

fn main() -> Result<ExitCode, CommandError> {
    let command = Bpf::parse().command;
    let command = command.unwrap_or(BpfCommand::Probe(Default::default()));
    let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
    let verdict = run(&command, &mut Console::plain(&mut input, &mut out))?;
    Ok(ExitCode::from(verdict.exit_status()))
}
