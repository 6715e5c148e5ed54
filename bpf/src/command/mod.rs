//! The command line of `tutor bpf`: what a step runs and checks. A file for each subcommand.

mod console;
mod disasm;
mod error;
mod input;
mod insn;
mod probe;
mod sections;
mod symbols;

pub use console::{Console, Table};
pub use disasm::DisasmArgs;
pub use error::{CommandError, Place};
pub use insn::InsnArgs;
pub use probe::ProbeArgs;
pub use sections::SectionsArgs;
pub use symbols::SymbolsArgs;

use clap::Subcommand;

/// What `tutor bpf` can do.
#[derive(Debug, Clone, Subcommand)]
pub enum BpfCommand {
    /// Find out by trying which kernel features work here
    #[command(
        after_help = "With one name, prints what worked, or why it does not and what helps.\n\
                            Exits 0 when everything named works, else 1; without names, 0."
    )]
    Probe(ProbeArgs),
    /// List the sections of a BPF object, its programs, maps and licence
    Sections(SectionsArgs),
    /// List the symbols of a BPF object
    Symbols(SymbolsArgs),
    /// Show the code of a BPF object in the kernel's notation
    #[command(
        after_help = "Numbers in front count slots of eight bytes, those in parentheses are opcodes.\n\
                            What stands behind `;` is not in the bytes: the object's relocations say it."
    )]
    Disasm(DisasmArgs),
    /// Take an instruction apart, or put one together from its text
    #[command(
        after_help = "Examples:\n  tutor bpf insn 85 00 00 00 06 00 00 00\n  tutor bpf insn call bpf_trace_printk\n  \
                            tutor bpf insn 'r1 = 10'\n\n\
                            Exits 1 when the bytes are no instruction or call no helper."
    )]
    Insn(InsnArgs),
}

/// Whether everything that was asked for is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Works,
    /// Something named does not work, or is refused.
    Refused,
}

impl Verdict {
    /// Returns the exit status for a process: 0 or 1.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Works => 0,
            Self::Refused => 1,
        }
    }
}

/// Runs `command`: reads from and writes to `console`.
///
/// ```
/// use tutor_bpf::command::{BpfCommand, Console, ProbeArgs, run};
/// use tutor_bpf::probe::Feature;
///
/// let args = ProbeArgs { names: vec![Feature::Btf], json: false };
/// let mut out = Vec::new();
/// run(&BpfCommand::Probe(args), &mut Console::plain(&mut std::io::empty(), &mut out))?;
/// assert!(!out.is_empty());
/// # Ok::<(), tutor_bpf::command::CommandError>(())
/// ```
pub fn run(command: &BpfCommand, console: &mut Console<'_>) -> Result<Verdict, CommandError> {
    match command {
        BpfCommand::Probe(args) => probe::run(args, console),
        BpfCommand::Sections(args) => sections::run(args, console),
        BpfCommand::Symbols(args) => symbols::run(args, console),
        BpfCommand::Disasm(args) => disasm::run(args, console),
        BpfCommand::Insn(args) => insn::run(args, console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Bpf {
        #[command(subcommand)]
        command: BpfCommand,
    }

    /// Reads a command line as clap does, with `bpf` before it.
    pub fn parsed(line: &str) -> Result<BpfCommand, clap::Error> {
        let words = std::iter::once("bpf").chain(line.split(' '));
        Bpf::try_parse_from(words).map(|bpf| bpf.command)
    }

    /// Runs a command line and returns what it wrote.
    pub fn output(line: &str) -> (Verdict, String) {
        let mut out = Vec::new();
        let mut input = std::io::empty();
        let mut console = Console::plain(&mut input, &mut out);
        let verdict = run(&parsed(line).unwrap(), &mut console).unwrap();
        (verdict, String::from_utf8(out).unwrap())
    }
}
