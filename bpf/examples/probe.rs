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
    let mut console = Console::plain(&mut input, &mut out);
    let columns = std::env::var("COLUMNS").ok();
    console.columns = columns
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(console.columns);
    let verdict = run(&command, &mut console)?;
    Ok(ExitCode::from(verdict.exit_status()))
}
