//! `tutor bpf xlated`: a program as the verifier left it.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::CommandError;
use super::subject::{Subject, SubjectArgs, Subjects, heading, program_json, symbols, withheld};
use super::verdict::{CommandResult, CommandVerdict};
use crate::hex::hex;
use crate::load::Disclosure;
use crate::view::{Xlated, XlatedError};

/// The arguments of `tutor bpf xlated`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct XlatedArgs {
    /// Which programs
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Show the bytes of each instruction below it
    #[arg(long)]
    pub opcodes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &XlatedArgs, console: &mut Console<'_>) -> CommandResult {
    let subjects = Subjects::find(&args.subject, console)?;
    let mut symbols = symbols();
    let mut verdict = CommandVerdict::Works;
    let mut programs = Vec::new();
    for (number, subject) in subjects.programs.iter().enumerate() {
        let shown = match &subject.info.xlated {
            Disclosure::Shown(bytes) => Disclosure::Shown(
                Xlated::new(bytes, &subject.info, symbols.as_mut()).map_err(unshown)?,
            ),
            Disclosure::Absent => Disclosure::Absent,
            Disclosure::Withheld(why) => Disclosure::Withheld(*why),
        };
        if shown.value().is_none() {
            verdict = CommandVerdict::Refused;
        }
        if args.json {
            programs.push(as_json(subject, &shown));
            continue;
        }
        if number > 0 {
            writeln!(console.out)?;
        }
        write(subject, &shown, args.opcodes, console)?;
    }
    if args.json {
        console.json(json!({ "programs": programs }))?;
    }
    Ok(verdict)
}

pub(super) fn unshown(error: XlatedError) -> CommandError {
    match &error {
        XlatedError::Symbols(why) => CommandError::new(format!("{error}: {why}")),
        XlatedError::Decode(why) => CommandError::new(format!("{error}: {why}")),
    }
}

fn write(
    subject: &Subject,
    shown: &Disclosure<Xlated>,
    with_opcodes: bool,
    console: &mut Console<'_>,
) -> std::io::Result<()> {
    let xlated = match shown {
        Disclosure::Shown(xlated) => xlated,
        Disclosure::Absent => return heading(subject, "", console),
        Disclosure::Withheld(why) => {
            heading(subject, "", console)?;
            return withheld("the program", *why, console);
        }
    };
    let bytes: usize = xlated.instructions.iter().map(|one| one.bytes.len()).sum();
    heading(subject, &format!(", {bytes} bytes"), console)?;
    for one in &xlated.instructions {
        let opcode = one.bytes[0];
        writeln!(console.out, "{:4}: ({opcode:02x}) {}", one.slot, one.text)?;
        if with_opcodes {
            writeln!(console.out, "       {}", console.dim(&hex(&one.bytes)))?;
        }
    }
    Ok(())
}

fn as_json(subject: &Subject, shown: &Disclosure<Xlated>) -> Value {
    let mut value = program_json(subject);
    match shown {
        Disclosure::Shown(xlated) => {
            let instructions: Vec<Value> = xlated
                .instructions
                .iter()
                .map(|one| {
                    json!({
                        "slot": one.slot,
                        "bytes": hex(&one.bytes),
                        "text": one.text,
                        "call": one.call.as_ref().map(|call| json!({
                            "name": call.name,
                            "distance": call.distance,
                            "address": call.address.map(|address| format!("{address:#x}")),
                        })),
                    })
                })
                .collect();
            value["instructions"] = json!(instructions);
            value["call_base"] = match &xlated.call_base {
                Disclosure::Shown(base) => json!(format!("{base:#x}")),
                Disclosure::Absent | Disclosure::Withheld(_) => Value::Null,
            };
        }
        Disclosure::Absent => value["instructions"] = json!([]),
        Disclosure::Withheld(why) => value["withheld"] = json!(why.to_string()),
    }
    value
}
