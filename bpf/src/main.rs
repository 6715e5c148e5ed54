//! A `tutor` that knows `tutor bpf` only, for the lab's guest.

use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tutor_bpf::command::{BpfCommand, CommandError, CommandVerdict, Console, run};

#[derive(Parser)]
#[command(name = "tutor", about = "The part of `tutor` that runs in the lab")]
enum GuestCli {
    /// Inspect the kernel and BPF programs
    #[command(subcommand)]
    Bpf(BpfCommand),
    /// A command as JSON, read from its words by the `tutor` outside
    #[command(name = "__bpf", hide = true)]
    Json {
        #[arg(value_parser = |text: &str| serde_json::from_str::<BpfCommand>(text))]
        command: BpfCommand,
    },
}

fn main() -> ExitCode {
    let (GuestCli::Bpf(command) | GuestCli::Json { command }) = GuestCli::parse();
    match answer(&command) {
        Ok(verdict) => ExitCode::from(verdict.exit_status()),
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(help) = error.help() {
                eprintln!("help: {help}");
            }
            ExitCode::FAILURE
        }
    }
}

fn answer(command: &BpfCommand) -> Result<CommandVerdict, CommandError> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let wants_color = is_set("CLICOLOR_FORCE") || io::stdout().is_terminal();
    let mut console = Console {
        input: &mut io::stdin().lock(),
        color: !is_set("NO_COLOR") && wants_color,
        columns: columns(),
        out: &mut out,
    };
    let verdict = run(command, &mut console)?;
    out.flush()?;
    Ok(verdict)
}

/// The width that the environment names, as for steps; else that of a plain terminal.
fn columns() -> usize {
    let named = std::env::var("COLUMNS").ok();
    named.and_then(|text| text.parse().ok()).unwrap_or(80)
}
