//! The command line of `tutor bpf`: what a step runs and checks. A file for each subcommand.

mod compare;
mod console;
mod disasm;
mod error;
mod expand;
mod features;
mod input;
mod insn;
mod jited;
mod pipeline;
mod probe;
mod reading;
mod run;
mod sections;
mod subject;
mod symbols;
mod verdict;
mod xlated;

pub use compare::CompareArgs;
pub use console::{Console, Table};
pub use disasm::DisasmArgs;
pub use error::{CommandError, FilePlace};
pub use expand::ExpandArgs;
pub use features::FeaturesArgs;
pub use insn::InsnArgs;
pub use jited::JitedArgs;
pub use pipeline::PipelineArgs;
pub use probe::ProbeArgs;
pub use run::{DEFAULT_LINES, RunArgs, seconds};
pub use sections::SectionsArgs;
pub use subject::SubjectArgs;
pub use symbols::SymbolsArgs;
pub use verdict::{CommandResult, CommandVerdict};
pub use xlated::XlatedArgs;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The commands of `tutor bpf`.
#[derive(Debug, Clone, Subcommand, Deserialize, Serialize)]
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
    /// Show C, bytecode, what the verifier made of it, and machine code side by side
    #[command(
        after_help = "Loads the file, asks the kernel what became of each instruction, and lets it go again.\n\
                            Marks: ~ changed, - removed; the number in brackets leads to the explanation.\n\
                            A function's first machine code is what the JIT puts before every function.\n\
                            From 120 columns on the forms stand side by side, else one below the other."
    )]
    Compare(CompareArgs),
    /// Open the macros of an expression one at a time, as clang's preprocessor does
    #[command(
        after_help = "Each step says which macro of which header and line was opened. Names in a list,\n\
                            such as an enum's, are numbered. What is constant is worked out by clang, too.\n\
                            Exits 1 when the headers know no name of it."
    )]
    Expand(ExpandArgs),
    /// Show a C file on its way through clang and LLVM: tokens, tree, IR, assembly, object
    #[command(
        after_help = "Each stage is what the real tool writes; the command after $ makes it again.\n\
                            A line of C stands before what came from it."
    )]
    Pipeline(PipelineArgs),
    /// Run a program on request, or attach it for a time, and show what it prints
    #[command(
        after_help = "Without --attach it runs on request (BPF_PROG_TEST_RUN), if its type can; else it is\n\
                            attached for three seconds. Nothing is left behind. Attached, it shows what every\n\
                            BPF program prints meanwhile: the kernel does not say whose line is whose."
    )]
    Run(RunArgs),
    /// Find out by trying which program types, map types and helpers this kernel takes
    #[command(
        after_help = "`tutor bpf probe` tries whole features, and explains a refusal; this tries each type.\n\
                            Names of types are libbpf's."
    )]
    Features(FeaturesArgs),
    /// Show a program as the verifier left it
    #[command(
        after_help = "Loads the file, shows what the kernel holds then, and lets it go again.\n\
                            In a call, the number after # is the distance of the helper from __bpf_call_base."
    )]
    Xlated(XlatedArgs),
    /// Show the machine code of a program
    #[command(
        after_help = "Loads the file, shows its machine code, and lets it go again. Calls have names;\n\
                            jumps inside a function count from its start."
    )]
    Jited(JitedArgs),
}

/// Which kernel a command asks, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelUse {
    /// None.
    None,
    /// Any, even one that was started just now.
    Any,
    /// The one that the program in question is loaded into.
    Loaded,
}

impl BpfCommand {
    /// Returns which kernel it asks.
    pub fn kernel_use(&self) -> KernelUse {
        match self {
            Self::Probe(_) | Self::Features(_) | Self::Compare(_) | Self::Run(_) => KernelUse::Any,
            Self::Xlated(XlatedArgs { subject, .. }) | Self::Jited(JitedArgs { subject, .. }) => {
                match subject.file() {
                    Some(_) => KernelUse::Any,
                    None => KernelUse::Loaded,
                }
            }
            Self::Sections(_)
            | Self::Symbols(_)
            | Self::Disasm(_)
            | Self::Insn(_)
            | Self::Expand(_)
            | Self::Pipeline(_) => KernelUse::None,
        }
    }

    /// Looks at the object that it would load, before any kernel is asked.
    ///
    /// # Errors
    ///
    /// [`CommandError`] where it cannot be read, or is nothing that can be loaded.
    pub fn check_object(&self) -> Result<(), CommandError> {
        let file = match self {
            Self::Compare(CompareArgs { file, .. }) | Self::Run(RunArgs { file, .. }) => {
                Some(&**file)
            }
            Self::Xlated(XlatedArgs { subject, .. }) | Self::Jited(JitedArgs { subject, .. }) => {
                subject.file()
            }
            Self::Probe(_)
            | Self::Features(_)
            | Self::Sections(_)
            | Self::Symbols(_)
            | Self::Disasm(_)
            | Self::Insn(_)
            | Self::Expand(_)
            | Self::Pipeline(_) => None,
        };
        file.map_or(Ok(()), |file| input::loadable(file).map(|_| ()))
    }

    /// Returns the files that it is given to read.
    pub fn reads(&self) -> Vec<&Path> {
        match self {
            Self::Probe(_) | Self::Features(_) | Self::Insn(_) | Self::Expand(_) => Vec::new(),
            Self::Sections(args) => vec![&args.file],
            Self::Symbols(args) => vec![&args.file],
            Self::Disasm(args) => vec![&args.file],
            Self::Compare(args) => vec![&args.file],
            Self::Pipeline(args) => vec![&args.file],
            Self::Run(args) => args
                .data
                .iter()
                .chain([&args.file])
                .map(|file| &**file)
                .collect(),
            Self::Xlated(XlatedArgs { subject, .. }) | Self::Jited(JitedArgs { subject, .. }) => {
                subject.file().into_iter().collect()
            }
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
pub fn run(command: &BpfCommand, console: &mut Console<'_>) -> CommandResult {
    match command {
        BpfCommand::Probe(args) => probe::run(args, console),
        BpfCommand::Sections(args) => sections::run(args, console),
        BpfCommand::Symbols(args) => symbols::run(args, console),
        BpfCommand::Disasm(args) => disasm::run(args, console),
        BpfCommand::Insn(args) => insn::run(args, console),
        BpfCommand::Compare(args) => compare::run(args, console),
        BpfCommand::Expand(args) => expand::run(args, console),
        BpfCommand::Pipeline(args) => pipeline::run(args, console),
        BpfCommand::Run(args) => run::run(args, console),
        BpfCommand::Features(args) => features::run(args, console),
        BpfCommand::Xlated(args) => xlated::run(args, console),
        BpfCommand::Jited(args) => jited::run(args, console),
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

    #[test]
    fn a_command_that_travels_as_json_is_the_same_command() {
        for line in [
            "probe btf kprobe --json",
            "run --attach 2.5 --grep=-here here.bpf.o --lines=0",
            "xlated --opcodes --program here here.bpf.o",
            "expand EXPRESSION --lines 1-3 -DA=1",
            "pipeline --stage ir hello.bpf.c",
        ] {
            let command = parsed(line).unwrap();
            let json = serde_json::to_string(&command).unwrap();
            let read: BpfCommand = serde_json::from_str(&json).unwrap();
            assert_eq!(format!("{read:?}"), format!("{command:?}"));
        }
    }

    /// Runs a command line and returns what it wrote.
    pub fn output(line: &str) -> (CommandVerdict, String) {
        let mut out = Vec::new();
        let mut input = std::io::empty();
        let mut console = Console::plain(&mut input, &mut out);
        let verdict = run(&parsed(line).unwrap(), &mut console).unwrap();
        (verdict, String::from_utf8(out).unwrap())
    }
}
