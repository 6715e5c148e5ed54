//! `tutor bpf jited`: the machine code of a program.

use std::io;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::CommandError;
use super::subject::{Subject, SubjectArgs, Subjects, heading, program_json, symbols, withheld};
use super::verdict::{CommandResult, CommandVerdict};
use crate::hex::hex;
use crate::jit::{NoDecoder, Processor};
use crate::load::{Disclosure, JitedFunction};
use crate::view::{MachineCode, MachineCodeError, MachineFunction, Search};

/// The arguments of `tutor bpf jited`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct JitedArgs {
    /// Which programs
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Show the bytes of each instruction before it
    #[arg(long)]
    pub bytes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &JitedArgs, console: &mut Console<'_>) -> CommandResult {
    let subjects = Subjects::find(&args.subject, console)?;
    let mut symbols = symbols();
    let mut verdict = CommandVerdict::Works;
    let mut programs = Vec::new();
    for (number, subject) in subjects.programs.iter().enumerate() {
        let code = match &subject.info.jited {
            Disclosure::Shown(functions) => {
                match MachineCode::new(functions, &|_| None, Search::Everything, symbols.as_mut()) {
                    Ok(code) => Some(code),
                    Err(MachineCodeError::NoDecoder(_)) => None,
                    Err(MachineCodeError::Symbols(error)) => return Err(CommandError::Io(error)),
                }
            }
            Disclosure::Absent | Disclosure::Withheld(_) => {
                verdict = CommandVerdict::Refused;
                None
            }
        };
        if args.json {
            programs.push(as_json(subject, code.as_ref()));
            continue;
        }
        if number > 0 {
            writeln!(console.out)?;
        }
        match (&subject.info.jited, code) {
            (Disclosure::Shown(_), Some(code)) => write(subject, &code, args.bytes, console)?,
            (Disclosure::Shown(functions), None) => {
                heading(subject, "", console)?;
                write_bytes(functions, console)?;
                writeln!(console.out, "{}", NoDecoder(Processor::here()))?;
            }
            (Disclosure::Absent, _) => {
                heading(subject, "", console)?;
                writeln!(
                    console.out,
                    "there is no machine code: the kernel interprets this program\n\
                     help: as root, `sysctl net.core.bpf_jit_enable=1`, and load it again"
                )?;
            }
            (Disclosure::Withheld(why), _) => {
                heading(subject, "", console)?;
                withheld("the machine code", *why, console)?;
            }
        }
    }
    if args.json {
        console.json(json!({ "machine": Processor::here().to_string(), "programs": programs }))?;
    }
    Ok(verdict)
}

fn write(
    subject: &Subject,
    code: &MachineCode,
    with_bytes: bool,
    console: &mut Console<'_>,
) -> io::Result<()> {
    let total: usize = code.functions.iter().map(|function| function.length).sum();
    let machine = Processor::here();
    heading(subject, &format!(", {total} bytes of {machine}"), console)?;
    for function in &code.functions {
        match function.address {
            Some(address) => writeln!(console.out, "at {address:#x}:")?,
            None => writeln!(console.out, "at an address that the kernel withholds:")?,
        }
        write_function(function, with_bytes, console)?;
    }
    Ok(())
}

fn write_function(
    function: &MachineFunction,
    with_bytes: bool,
    console: &mut Console<'_>,
) -> io::Result<()> {
    // The longest instruction of x86-64 that the JIT writes is a load of a constant: ten bytes.
    const WIDTH: usize = 29;
    for row in &function.rows {
        let instruction = &row.instruction;
        let bytes = match with_bytes {
            true => format!("{:WIDTH$}  ", hex(&instruction.bytes)),
            false => String::new(),
        };
        let bytes = console.dim(&bytes).into_owned();
        writeln!(
            console.out,
            "{:4x}: {bytes}{}",
            instruction.offset, row.text
        )?;
    }
    Ok(())
}

fn write_bytes(functions: &[JitedFunction], console: &mut Console<'_>) -> io::Result<()> {
    for line in functions
        .iter()
        .flat_map(|function| function.code.chunks(16))
    {
        writeln!(console.out, "      {}", hex(line))?;
    }
    Ok(())
}

fn as_json(subject: &Subject, code: Option<&MachineCode>) -> Value {
    let mut value = program_json(subject);
    match &subject.info.jited {
        Disclosure::Shown(functions) => {
            let functions: Vec<Value> = functions
                .iter()
                .enumerate()
                .map(|(at, function)| {
                    json!({
                        "address": function.address.map(|address| format!("{address:#x}")),
                        "length": function.code.len(),
                        "bytes": hex(&function.code),
                        "instructions": code.map(|code| rows_json(&code.functions[at])),
                    })
                })
                .collect();
            value["functions"] = json!(functions);
        }
        Disclosure::Absent => value["functions"] = json!([]),
        Disclosure::Withheld(why) => value["withheld"] = json!(why.to_string()),
    }
    value
}

fn rows_json(function: &MachineFunction) -> Vec<Value> {
    let row = |row: &crate::view::MachineRow| {
        json!({
            "offset": row.instruction.offset,
            "bytes": hex(&row.instruction.bytes),
            "text": row.text,
            "target": row.target_name,
        })
    };
    function.rows.iter().map(row).collect()
}
