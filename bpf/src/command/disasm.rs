//! `tutor bpf disasm`: the code of an object in the kernel's notation.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::{Console, visible};
use super::error::{CommandError, FilePlace};
use super::input;
use super::verdict::{CommandResult, CommandVerdict};
use crate::disasm::{NoNames, Text};
use crate::hex::hex;
use crate::insn::{DecodeError, DecodedInstruction, Instruction, Raw, decode};
use crate::object::{BpfObject, ObjectFunction, Referent, Section, SourcePosition, range};

/// The arguments of `tutor bpf disasm`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct DisasmArgs {
    /// A BPF object file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Only this program or function
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Show each slot's eight bytes
    #[arg(long)]
    pub bytes: bool,
    /// Show the line of C that instructions were made of
    #[arg(long)]
    pub source: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Bytes of one slot with blanks between.
const BYTES: usize = 3 * Raw::LEN - 1;
/// As much text is gathered before it is written.
const PAGE: usize = 1 << 15;
/// The narrowest console that has room for bytes and text side by side.
const WIDE: usize = 72;

pub(super) fn run(args: &DisasmArgs, console: &mut Console<'_>) -> CommandResult {
    let data = input::read(&args.file)?;
    let object = input::object(&args.file, &data)?;
    let spans = spans(args, &object)?;
    if args.source && !object.has_lines() {
        let message = "the object does not say which line of C its code comes from";
        let place = FilePlace::file(&args.file);
        return Err(match object.flaw() {
            Some(flaw) => CommandError::at(place.offset(flaw.offset()), flaw),
            None => CommandError::at(place, message).with_help("compile it with `-g`"),
        });
    }
    if args.json {
        let sections = spans.iter().map(|span| span_json(args, &object, span));
        let sections = sections.collect::<Result<Vec<Value>, CommandError>>()?;
        console.json(json!({ "sections": sections }))?;
        return Ok(CommandVerdict::Works);
    }
    let mut page = ListingPage {
        text: String::with_capacity(2 * PAGE),
        shows_bytes: args.bytes,
        shows_source: args.source,
        is_wide: console.columns >= WIDE,
        last: None,
    };
    for (number, span) in spans.iter().enumerate() {
        let gap = if number > 0 { "\n" } else { "" };
        let name = visible(&span.section.name);
        page.add(format_args!("{gap}Disassembly of section {name}:\n"));
        for item in span.items(&object) {
            match item {
                Ok(decoded) => page.instruction(console, &object, span, &decoded),
                Err(error) => {
                    console.out.write_all(page.text.as_bytes())?;
                    return Err(cut(args, span, error));
                }
            }
            if page.text.len() >= PAGE {
                console.out.write_all(page.text.as_bytes())?;
                page.text.clear();
            }
        }
    }
    console.out.write_all(page.text.as_bytes())?;
    Ok(CommandVerdict::Works)
}

/// A part of a section: all of it, or one program.
struct Span<'o, 'd> {
    section: &'o Section<'d>,
    start: u64,
    size: u64,
}

impl<'o, 'd> Span<'o, 'd> {
    /// The instructions; their slots count from the start of the section.
    fn items(
        &self,
        object: &BpfObject<'d>,
    ) -> impl Iterator<Item = Result<DecodedInstruction<'d>, DecodeError>> + use<'o, 'd> {
        let bytes = range(self.section.data, self.start, self.size);
        let first = self.start as usize / Raw::LEN;
        decode(bytes, object.order()).map(move |item| {
            item.map(|decoded| DecodedInstruction {
                slot: decoded.slot + first,
                ..decoded
            })
        })
    }
}

fn spans<'o, 'd>(
    args: &DisasmArgs,
    object: &'o BpfObject<'d>,
) -> Result<Vec<Span<'o, 'd>>, CommandError> {
    let whole = |section: &'o Section<'d>| Span {
        section,
        start: 0,
        size: section.size,
    };
    let Some(name) = &args.program else {
        let code = object.sections().iter().filter(|section| section.is_code());
        let code: Vec<Span<'o, 'd>> = code.filter(|section| section.size > 0).map(whole).collect();
        if code.is_empty() {
            let error = CommandError::at(
                FilePlace::file(&args.file),
                "there is no code in this object",
            );
            return Err(error.with_help("a program needs a function with `SEC(\"…\")` before it"));
        }
        return Ok(code);
    };
    let named = |function: &&ObjectFunction<'d>| function.name == name.as_str();
    let Some(program) = object.functions().iter().find(named) else {
        return Err(no_program(args, object, name));
    };
    let section = object.section(program.section);
    Ok(section
        .map(|section| Span {
            section,
            start: program.offset,
            size: program.size,
        })
        .into_iter()
        .collect())
}

fn no_program(args: &DisasmArgs, object: &BpfObject<'_>, name: &str) -> CommandError {
    let names: Vec<&str> = object
        .functions()
        .iter()
        .map(|function| &*function.name)
        .collect();
    let message = format!("there is no program `{}` in this object", visible(name));
    let help = match names.is_empty() {
        true => "it has no named program at all; leave out `--program`".to_owned(),
        false => format!("it has {}", visible(&names.join(", "))),
    };
    CommandError::at(FilePlace::file(&args.file), message).with_help(help)
}

fn cut(args: &DisasmArgs, span: &Span<'_, '_>, error: DecodeError) -> CommandError {
    let DecodeError::Cut { offset, left: _ } = error;
    let place = span.section.offset + span.start + offset as u64;
    let section = visible(&span.section.name);
    let message = format!("the code of section {section} is cut off: {error}");
    CommandError::at(FilePlace::file(&args.file).offset(Some(place)), message)
}

/// Text that is gathered.
struct ListingPage {
    text: String,
    shows_bytes: bool,
    shows_source: bool,
    is_wide: bool,
    /// The line of C that was shown last.
    last: Option<u32>,
}

impl ListingPage {
    fn add(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail, and instructions' text never does.
        let _ = self.text.write_fmt(arguments);
    }

    fn instruction(
        &mut self,
        console: &Console<'_>,
        object: &BpfObject<'_>,
        span: &Span<'_, '_>,
        decoded: &DecodedInstruction<'_>,
    ) {
        let offset = (decoded.slot * Raw::LEN) as u64;
        if let Some(program) = object.function_at(span.section.index, offset) {
            let name = visible(&program.name);
            self.add(format_args!("\n{}:\n", console.bold(&name)));
            self.last = None;
        }
        if self.shows_source {
            self.source(console, object, span, offset);
        }
        let slot = decoded.slot;
        let instruction = &decoded.instruction;
        self.add(format_args!("{slot:>4}: "));
        let mut slots = decoded.bytes.chunks(Raw::LEN);
        if self.shows_bytes && self.is_wide {
            let first = slots.next().unwrap_or_default();
            self.hex(first);
            self.text.push_str("  ");
        }
        // The kernel puts the opcode in front of what it knows.
        let text = Text::new(instruction, slot, &NoNames);
        match instruction {
            Instruction::Unknown(_) => self.add(format_args!("{text}")),
            known => self.add(format_args!("({:02x}) {text}", known.raw().opcode)),
        }
        if let Some(note) = note(object, span, offset, instruction) {
            let note = format!("  ; {}", visible(&note));
            self.add(format_args!("{}", console.dim(&note)));
        }
        self.text.push('\n');
        if self.shows_bytes {
            for (number, bytes) in slots.enumerate() {
                match self.is_wide {
                    true => self.add(format_args!("{:>4}: ", slot + number + 1)),
                    false => self.text.push_str("      "),
                }
                self.hex(bytes);
                self.text.push('\n');
            }
        }
    }

    fn source(
        &mut self,
        console: &Console<'_>,
        object: &BpfObject<'_>,
        span: &Span<'_, '_>,
        offset: u64,
    ) {
        let line = object.line(&span.section.name, offset);
        // Line 0 is the compiler's way to say that code comes from no line.
        let Some(line) = line.filter(|line| line.starts_here && line.line > 0) else {
            return;
        };
        // One line of C has often a record for each of its columns.
        if self.last.replace(line.line) == Some(line.line) {
            return;
        }
        let place = visible(&file_name(&line)).into_owned();
        let text = format!("; {}", visible(line.text.trim()));
        self.add(format_args!(
            "{}  {}\n",
            text,
            console.dim(&format!("{place}:{}", line.line))
        ));
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let start = self.text.len();
        for byte in bytes {
            if self.text.len() > start {
                self.text.push(' ');
            }
            self.text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
        }
        debug_assert!(self.text.len() - start <= BYTES);
    }
}

/// The file's name without its folder.
fn file_name(line: &SourcePosition<'_>) -> String {
    let name = line.file.rsplit('/').next();
    name.unwrap_or_default().to_owned()
}

fn note(
    object: &BpfObject<'_>,
    span: &Span<'_, '_>,
    offset: u64,
    instruction: &Instruction,
) -> Option<String> {
    if let Instruction::Unknown(unknown) = instruction {
        return Some(unknown.flaw().to_string());
    }
    let referent = object.referent(span.section, offset, instruction)?;
    Some(referent.to_string())
}

fn span_json(
    args: &DisasmArgs,
    object: &BpfObject<'_>,
    span: &Span<'_, '_>,
) -> Result<Value, CommandError> {
    let mut instructions = Vec::new();
    let mut program = None;
    for item in span.items(object) {
        let decoded = item.map_err(|error| cut(args, span, error))?;
        let offset = (decoded.slot * Raw::LEN) as u64;
        if let Some(begins) = object.function_at(span.section.index, offset) {
            program = Some(begins.name.clone());
        }
        let instruction = &decoded.instruction;
        let flaw = match instruction {
            Instruction::Unknown(unknown) => Some(unknown.flaw().to_string()),
            _ => None,
        };
        let line = object.line(&span.section.name, offset);
        let referent = object.referent(span.section, offset, instruction);
        instructions.push(json!({
            "slot": decoded.slot,
            "program": program,
            "bytes": hex(decoded.bytes),
            "text": Text::new(instruction, decoded.slot, &NoNames).to_string(),
            "unknown": flaw,
            "refers_to": referent.map(referent_json),
            "source": line.map(|line| line_json(&line)),
        }));
    }
    Ok(json!({ "name": span.section.name, "instructions": instructions }))
}

fn referent_json(referent: Referent<'_>) -> Value {
    match referent {
        Referent::Map(name) => json!({ "kind": "map", "name": name }),
        Referent::Function(name) => json!({ "kind": "function", "name": name }),
        Referent::Extern(name) => json!({ "kind": "extern", "name": name }),
        Referent::Data {
            section,
            offset,
            variable,
            inside,
        } => json!({
            "kind": "data",
            "name": variable,
            "section": section,
            "offset": offset,
            "inside": inside,
        }),
    }
}

fn line_json(line: &SourcePosition<'_>) -> Value {
    json!({
        "file": line.file,
        "line": line.line,
        "column": line.column,
        "text": line.text,
        "starts_here": line.starts_here,
    })
}
