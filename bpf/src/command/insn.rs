//! `tutor bpf insn`: one instruction taken apart, byte by byte and bit by bit, or put together from text.

use std::io::{self, Read as _};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::{Console, visible};
use super::error::CommandError;
use super::verdict::{CommandResult, CommandVerdict};
use crate::anatomy::{self, OpcodePart, Uses};
use crate::asm::{self, Dialect, Problem};
use crate::disasm::{NoNames, Text};
use crate::helper::{self, Helper};
use crate::hex::hex;
use crate::insn::{ByteOrder, Callee, DecodeError, DecodedInstruction, Instruction, Raw, decode};

/// The arguments of `tutor bpf insn`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct InsnArgs {
    /// Eight bytes in hex, or an instruction's text; `-` reads lines of either from standard input
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

/// Longer input is refused.
const LIMIT: u64 = 1 << 20;

pub(super) fn run(args: &InsnArgs, console: &mut Console<'_>) -> CommandResult {
    let order = match args.big_endian {
        true => ByteOrder::Big,
        false => ByteOrder::Little,
    };
    let lines = lines(args, console)?;
    let mut bytes = Vec::new();
    for line in &lines {
        bytes.extend(meaning(line, order)?);
    }
    let decoded: Result<Vec<DecodedInstruction<'_>>, DecodeError> = decode(&bytes, order).collect();
    let decoded = decoded.map_err(|_| incomplete(bytes.len()))?;
    if args.json {
        let all: Vec<Value> = decoded.iter().map(|one| as_json(one, order)).collect();
        console.json(json!({ "instructions": all }))?;
    } else {
        for (number, one) in decoded.iter().enumerate() {
            if number > 0 {
                writeln!(console.out)?;
            }
            show(console, one, order)?;
        }
    }
    match decoded.iter().any(|one| flaw(&one.instruction).is_some()) {
        true => Ok(CommandVerdict::Refused),
        false => Ok(CommandVerdict::Works),
    }
}

/// The lines to read, each hex or text.
fn lines(args: &InsnArgs, console: &mut Console<'_>) -> Result<Vec<String>, CommandError> {
    let text = args.words.join(" ");
    if text != "-" {
        return Ok(vec![text]);
    }
    let mut text = Vec::new();
    console.input.take(LIMIT + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(CommandError::new(format!(
            "standard input has more than {} KiB",
            LIMIT >> 10
        )));
    }
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    match lines.is_empty() {
        true => Err(CommandError::new("standard input is empty").with_help(EXAMPLE)),
        false => Ok(lines),
    }
}

const EXAMPLE: &str = "for example `85 00 00 00 06 00 00 00`, or `call bpf_trace_printk`";

/// The bytes that a line means.
fn meaning(line: &str, order: ByteOrder) -> Result<Vec<u8>, CommandError> {
    match digits(line) {
        Some(digits) => from_hex(&digits),
        None => Ok(instruction(line)?.encode(order).to_vec()),
    }
}

/// The hex digits of a line that holds nothing else, without `0x` and what stands between them.
fn digits(line: &str) -> Option<String> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':'));
    let bare = |word| {
        let digits = str::strip_prefix(word, "0x").or_else(|| word.strip_prefix("\\x"));
        digits.unwrap_or(word)
    };
    let digits: String = words.map(bare).collect();
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

fn from_hex(digits: &str) -> Result<Vec<u8>, CommandError> {
    if !digits.len().is_multiple_of(2) {
        let message = format!("{} hex digits are no whole number of bytes", digits.len());
        return Err(CommandError::new(message).with_help("two digits make a byte, as in `0a`"));
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect();
    match bytes.len() % Raw::LEN {
        0 => Ok(bytes),
        _ => Err(incomplete(bytes.len())),
    }
}

fn incomplete(len: usize) -> CommandError {
    let given = match len {
        1 => "this is 1 byte".to_owned(),
        many => format!("these are {many}"),
    };
    let message = format!("an instruction takes 8 bytes, and {given}");
    CommandError::new(message).with_help(EXAMPLE)
}

/// Reads text in whichever notation it is: a constant that 32 bits cannot hold is one of 64.
fn instruction(text: &str) -> Result<Instruction, CommandError> {
    let error = match asm::instruction(text, Dialect::Llvm) {
        Ok(instruction) => return Ok(instruction),
        Err(error) => error,
    };
    if error.problem == (Problem::Range { bits: 32 })
        && let Ok(instruction) = asm::instruction(text, Dialect::Kernel)
    {
        return Ok(instruction);
    }
    let help = error.help().unwrap_or_else(|| EXAMPLE.to_owned());
    let message = format!("cannot read `{}`: {error}", visible(text));
    Err(CommandError::new(message).with_help(help))
}

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
    order: ByteOrder,
) -> io::Result<()> {
    let instruction = &one.instruction;
    let raw = instruction.raw();
    console.heading(&text(instruction))?;
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
            "the high 32 bits of the constant",
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

fn as_json(one: &DecodedInstruction<'_>, order: ByteOrder) -> Value {
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
    json!({
        "bytes": hex(one.bytes),
        "byte_order": match order { ByteOrder::Little => "little", ByteOrder::Big => "big" },
        "text": text(instruction),
        "problem": flaw(instruction),
        "opcode": {
            "value": raw.opcode,
            "parts": parts.iter().map(part).collect::<Vec<Value>>(),
            "sum": anatomy::sum(&parts),
        },
        "dst": { "value": raw.dst, "meaning": uses.dst },
        "src": { "value": raw.src, "meaning": uses.src },
        "offset": { "value": raw.offset, "meaning": uses.offset },
        "immediate": { "value": raw.imm, "meaning": uses.imm },
        "wide": instruction.wide().map(|wide| wide.bits()),
        "helper": helper,
    })
}
