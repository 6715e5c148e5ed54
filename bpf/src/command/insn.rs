//! `tutor bpf insn`: one instruction taken apart, byte by byte and bit by bit, or put together from text.

use std::io;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::reading::{WrittenInstructions, incomplete};
use super::verdict::{CommandResult, CommandVerdict};
use crate::anatomy::{self, OpcodePart, Uses};
use crate::disasm::{NoNames, Text};
use crate::helper::{self, Helper};
use crate::hex::hex;
use crate::insn::{ByteOrder, Callee, DecodeError, DecodedInstruction, Instruction, Raw, decode};

/// The arguments of `tutor bpf insn`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct InsnArgs {
    /// Eight bytes in hex, an instruction's text, or a line as a listing has it; `-` reads such lines from standard input
    #[arg(
        value_name = "HEX|TEXT|-",
        required = true,
        allow_negative_numbers = true
    )]
    pub words: Vec<String>,
    /// The bytes are big-endian
    #[arg(long)]
    pub big_endian: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &InsnArgs, console: &mut Console<'_>) -> CommandResult {
    let order = match args.big_endian {
        true => ByteOrder::Big,
        false => ByteOrder::Little,
    };
    let written = WrittenInstructions::read(&args.words, order, console)?;
    let bytes = &written.bytes;
    let decoded: Result<Vec<DecodedInstruction<'_>>, DecodeError> = decode(bytes, order).collect();
    let decoded = decoded.map_err(|_| incomplete(bytes.len()))?;
    let other = |one: &DecodedInstruction<'_>| written.others.get(&(one.slot * Raw::LEN));
    if args.json {
        let all = decoded.iter().map(|one| as_json(one, other(one), order));
        let all: Vec<Value> = all.collect();
        console.json(json!({ "instructions": all }))?;
    } else {
        for (number, one) in decoded.iter().enumerate() {
            if number > 0 {
                writeln!(console.out)?;
            }
            show(console, one, other(one), order)?;
        }
    }
    match decoded.iter().any(|one| flaw(&one.instruction).is_some()) {
        true => Ok(CommandVerdict::Refused),
        false => Ok(CommandVerdict::Works),
    }
}

const HIGH: &str = "the high 32 bits of the constant";

fn flaw(instruction: &Instruction) -> Option<String> {
    match instruction {
        Instruction::Unknown(unknown) => Some(unknown.flaw().to_string()),
        _ => unknown_helper(instruction).map(|id| format!("there is no helper {id}")),
    }
}

fn helper(instruction: &Instruction) -> Option<Helper> {
    match instruction {
        Instruction::Call {
            callee: Callee::Helper(id),
            ..
        } => helper::by_id(*id),
        _ => None,
    }
}

fn unknown_helper(instruction: &Instruction) -> Option<i32> {
    match instruction {
        Instruction::Call {
            callee: Callee::Helper(id),
            ..
        } if helper::by_id(*id).is_none() => Some(*id),
        _ => None,
    }
}

fn text(instruction: &Instruction) -> String {
    Text::new(instruction, 0, &NoNames).to_string()
}

/// `1000 ....`: the bits of a mask, and points for the others.
fn bits(value: u8, mask: u8) -> String {
    let mut text = String::new();
    for place in (0..8).rev() {
        if place == 3 {
            text.push(' ');
        }
        text.push(match (mask >> place & 1, value >> place & 1) {
            (0, _) => '.',
            (_, 0) => '0',
            (_, _) => '1',
        });
    }
    text
}

fn show(
    console: &mut Console<'_>,
    one: &DecodedInstruction<'_>,
    other: Option<&Instruction>,
    order: ByteOrder,
) -> io::Result<()> {
    let instruction = &one.instruction;
    let raw = instruction.raw();
    console.heading(&text(instruction))?;
    if let Some(other) = other {
        let line = format!(
            "the text stands for two instructions: this one in the notation of the kernel and bpftool, and `({:02x}) {}`, {}, in that of llvm-objdump 16 and later",
            other.raw().opcode,
            text(other),
            hex(&other.encode(order))
        );
        console.wrapped("", &line)?;
    }
    if let Some(flaw) = flaw(instruction) {
        let line = format!("no instruction: {flaw}");
        let line = match unknown_helper(instruction) {
            Some(_) => format!("{flaw}: they are 1 to {}", helper::all().len()),
            None => line,
        };
        console.wrapped("", &line)?;
    }
    writeln!(console.out)?;
    let uses = anatomy::uses(instruction);
    fields(console, one.bytes, raw)?;
    writeln!(console.out)?;
    opcode(console, raw.opcode)?;
    writeln!(console.out)?;
    registers(console, one.bytes[1], order, raw, &uses)?;
    writeln!(console.out)?;
    number(
        console,
        "offset",
        &one.bytes[2..4],
        order,
        i64::from(raw.offset),
        &uses.offset,
    )?;
    writeln!(console.out)?;
    number(
        console,
        "immediate",
        &one.bytes[4..8],
        order,
        i64::from(raw.imm),
        &uses.imm,
    )?;
    if let Some(wide) = instruction.wide() {
        writeln!(console.out)?;
        number(
            console,
            "second immediate",
            &one.bytes[12..16],
            order,
            i64::from(wide.high),
            HIGH,
        )?;
        let constant = format!("{:#018x} = {}", wide.bits(), wide.bits());
        console.wrapped("  both  ", &constant)?;
    }
    if let Some(helper) = helper(instruction) {
        writeln!(console.out)?;
        let title = format!("helper {} = {}", helper.id(), helper.constant());
        console.heading(&title)?;
        console.wrapped("  ", helper.prototype())?;
    }
    Ok(())
}

/// Which bytes are which field.
fn fields(console: &mut Console<'_>, bytes: &[u8], raw: Raw) -> io::Result<()> {
    console.heading("bytes")?;
    let rows = [
        ("0", &bytes[..1], format!("opcode {:#04x}", raw.opcode)),
        (
            "1",
            &bytes[1..2],
            format!("registers: dst {}, src {}", raw.dst, raw.src),
        ),
        ("2-3", &bytes[2..4], format!("offset {}", raw.offset)),
        ("4-7", &bytes[4..8], format!("immediate {}", raw.imm)),
    ];
    for (place, bytes, meaning) in rows {
        writeln!(console.out, "  {place:>5}  {:11}  {meaning}", hex(bytes))?;
    }
    if let Some(second) = bytes.get(8..16) {
        writeln!(
            console.out,
            "  {:>5}  {:11}  not used",
            "8-11",
            hex(&second[..4])
        )?;
        writeln!(
            console.out,
            "  {:>5}  {:11}  second immediate",
            "12-15",
            hex(&second[4..])
        )?;
    }
    Ok(())
}

fn opcode(console: &mut Console<'_>, opcode: u8) -> io::Result<()> {
    console.heading(&format!("opcode {opcode:#04x} = {}", bits(opcode, 0xff)))?;
    let parts = anatomy::opcode(opcode);
    for part in &parts {
        let OpcodePart {
            role,
            mask,
            code,
            name,
            meaning,
        } = part;
        let start = format!("  {}  {code:#04x}  {name:10}  ", bits(opcode, *mask));
        console.wrapped(&start, &format!("{}: {meaning}", role.name()))?;
    }
    console.wrapped("  ", &anatomy::sum(&parts))
}

fn registers(
    console: &mut Console<'_>,
    byte: u8,
    order: ByteOrder,
    raw: Raw,
    uses: &Uses,
) -> io::Result<()> {
    console.heading(&format!("registers {byte:#04x} = {}", bits(byte, 0xff)))?;
    let (high, low) = match order {
        ByteOrder::Little => (
            ("source", raw.src, &uses.src),
            ("destination", raw.dst, &uses.dst),
        ),
        ByteOrder::Big => (
            ("destination", raw.dst, &uses.dst),
            ("source", raw.src, &uses.src),
        ),
    };
    for (mask, (role, _, meaning)) in [(0xf0, high), (0x0f, low)] {
        console.wrapped(
            &format!("  {}  ", bits(byte, mask)),
            &format!("{role}: {meaning}"),
        )?;
    }
    Ok(())
}

fn number(
    console: &mut Console<'_>,
    name: &str,
    bytes: &[u8],
    order: ByteOrder,
    value: i64,
    meaning: &str,
) -> io::Result<()> {
    let title = match meaning {
        "" => format!("{name} {}", hex(bytes)),
        meaning => format!("{name} {}: {meaning}", hex(bytes)),
    };
    console.heading_wrapped(&title)?;
    if meaning == "not used" && value == 0 {
        return Ok(());
    }
    let width = 2 + 2 * bytes.len();
    let mask = (1_i64 << (8 * bytes.len())) - 1;
    let unsigned = value & mask;
    let said = match order {
        ByteOrder::Little => "little-endian: the least significant byte comes first",
        ByteOrder::Big => "big-endian: the most significant byte comes first",
    };
    console.wrapped("  ", said)?;
    let mut sum = format!("{unsigned:#0width$x} = {value}");
    if value < 0 {
        let bits = 8 * bytes.len();
        sum.push_str(&format!(" (two's complement: {unsigned} - 2^{bits})"));
    }
    console.wrapped("  ", &sum)
}

fn as_json(one: &DecodedInstruction<'_>, other: Option<&Instruction>, order: ByteOrder) -> Value {
    let instruction = &one.instruction;
    let raw = instruction.raw();
    let parts = anatomy::opcode(raw.opcode);
    let uses = anatomy::uses(instruction);
    let part = |part: &OpcodePart| {
        json!({
            "role": part.role.name(),
            "bits": bits(raw.opcode, part.mask),
            "value": part.code,
            "name": part.name,
            "meaning": part.meaning,
        })
    };
    let helper = helper(instruction).map(|helper| {
        json!({
            "id": helper.id(),
            "name": helper.to_string(),
            "constant": helper.constant(),
            "prototype": helper.prototype(),
        })
    });
    let (dst, src) = match order {
        ByteOrder::Little => (0x0f, 0xf0),
        ByteOrder::Big => (0xf0, 0x0f),
    };
    // Where a field lies: its first byte, how many, and of a byte that two share the bits.
    let register = |number: u8, meaning: &str, mask: u8| {
        json!({
            "value": number,
            "meaning": meaning,
            "start": 1,
            "length": 1,
            "bits": bits(one.bytes[1], mask),
        })
    };
    let field = |value: i32, meaning: &str, start: usize, length: usize| json!({ "value": value, "meaning": meaning, "start": start, "length": length });
    json!({
        "bytes": hex(one.bytes),
        "byte_order": match order { ByteOrder::Little => "little", ByteOrder::Big => "big" },
        "text": text(instruction),
        "also": other.map(|other| json!({
            "text": format!("({:02x}) {}", other.raw().opcode, text(other)),
            "bytes": hex(&other.encode(order)),
        })),
        "problem": flaw(instruction),
        "opcode": {
            "value": raw.opcode,
            "start": 0,
            "length": 1,
            "parts": parts.iter().map(part).collect::<Vec<Value>>(),
            "sum": anatomy::sum(&parts),
        },
        "dst": register(raw.dst, &uses.dst, dst),
        "src": register(raw.src, &uses.src, src),
        "offset": field(raw.offset.into(), &uses.offset, 2, 2),
        "immediate": field(raw.imm, &uses.imm, 4, 4),
        "second_immediate": instruction.wide().map(|wide| field(wide.high, HIGH, 12, 4)),
        "wide": instruction.wide().map(|wide| wide.bits()),
        "helper": helper,
    })
}
