//! `tutor bpf sections`: what `readelf -S` says of an object, and what BPF makes of it.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::{Console, Table};
use super::input;
use super::verdict::{CommandResult, CommandVerdict};
use crate::insn::ByteOrder;
use crate::object::{BpfObject, Map, ObjectError, ObjectFunction, Section};

/// The arguments of `tutor bpf sections`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct SectionsArgs {
    /// A BPF object file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &SectionsArgs, console: &mut Console<'_>) -> CommandResult {
    let data = input::read(&args.file)?;
    let object = input::object(&args.file, &data)?;
    if args.json {
        console.json(as_json(&object))?;
        return Ok(CommandVerdict::Works);
    }
    let mut table = Table::new(&[">nr", "section", "type", ">offset", ">size", "flags"]);
    for section in object.sections() {
        table.row([
            section.index.to_string(),
            section.name.to_string(),
            kind_name(section.kind),
            format!("{:#x}", section.offset),
            section.size.to_string(),
            flag_letters(section.flags),
        ]);
    }
    console.table(&table)?;
    writeln!(console.out)?;
    for (name, text) in summary(&object) {
        console.entry(name, &text)?;
    }
    Ok(CommandVerdict::Works)
}

fn summary(object: &BpfObject<'_>) -> Vec<(&'static str, String)> {
    let named = |function: &ObjectFunction<'_>| {
        let section = object.section(function.section);
        let section = section.map_or("?", |section| &section.name);
        format!("{} ({} bytes in {section})", function.name, function.size)
    };
    let programs = object.programs().map(named);
    let mut others = object.subprograms().map(named).peekable();
    let maps = object.maps().iter().map(map_text);
    let license = object.license();
    let btf = match (object.flaw(), object.btf()) {
        (Some(flaw), _) => flaw_text(flaw),
        (None, Some(btf)) if object.has_lines() => {
            format!("{} types, and the lines of C", btf.type_count())
        }
        (None, Some(btf)) => format!("{} types, and no lines of C", btf.type_count()),
        (None, None) => "none: it was compiled without -g".to_owned(),
    };
    let mut rows = vec![("programs", listed(programs))];
    if others.peek().is_some() {
        rows.push(("functions", listed(others)));
    }
    rows.extend([
        ("maps", listed(maps)),
        (
            "licence",
            license.map_or_else(
                || "none: the kernel will refuse helpers for GPL programs".to_owned(),
                |text| text.into_owned(),
            ),
        ),
        ("BTF", btf),
        ("bytes", order_text(object.order()).to_owned()),
    ]);
    if object.is_untyped() {
        rows.push(("symbols", UNTYPED.to_owned()));
    }
    rows
}

fn flaw_text(flaw: &ObjectError) -> String {
    match flaw.offset() {
        Some(offset) => format!("none: {flaw}, at {offset:#x}"),
        None => format!("none: {flaw}"),
    }
}

const UNTYPED: &str =
    "without types, as clang before 9 wrote them: libbpf finds no program here, and loads nothing";

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.is_empty() {
        true => "none".to_owned(),
        false => items.join(", "),
    }
}

fn map_text(map: &Map<'_>) -> String {
    let Some(definition) = &map.definition else {
        return map.name.to_string();
    };
    let kind = match definition.kind_name() {
        Some(name) => name.to_owned(),
        None => format!("type {}", definition.kind),
    };
    format!(
        "{} ({kind}, key {} B, value {} B, max_entries {})",
        map.name, definition.key_size, definition.value_size, definition.max_entries
    )
}

fn order_text(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "little-endian, the least significant first",
        ByteOrder::Big => "big-endian, the most significant first",
    }
}

/// Returns the name that `readelf` gives a section's type.
pub(super) fn kind_name(kind: u32) -> String {
    let name = match kind {
        0 => "NULL",
        1 => "PROGBITS",
        2 => "SYMTAB",
        3 => "STRTAB",
        4 => "RELA",
        8 => "NOBITS",
        9 => "REL",
        17 => "GROUP",
        0x6fff_4c03 => "LLVM_ADDRSIG",
        other => return format!("{other:#x}"),
    };
    name.to_owned()
}

/// Returns the letters that `readelf` gives a section's flags.
fn flag_letters(flags: u64) -> String {
    const LETTERS: [(u64, char); 10] = [
        (0x1, 'W'),
        (0x2, 'A'),
        (0x4, 'X'),
        (0x10, 'M'),
        (0x20, 'S'),
        (0x40, 'I'),
        (0x80, 'L'),
        (0x200, 'G'),
        (0x400, 'T'),
        (0x8000_0000, 'E'),
    ];
    let known = LETTERS.iter().fold(0, |known, (flag, _)| known | flag);
    let letters = LETTERS.iter().filter(|(flag, _)| flags & flag != 0);
    let other = (flags & !known != 0).then_some('o');
    letters.map(|(_, letter)| *letter).chain(other).collect()
}

fn as_json(object: &BpfObject<'_>) -> Value {
    let sections: Vec<Value> = object.sections().iter().map(section_json).collect();
    let function = |function| function_json(object, function);
    let programs: Vec<Value> = object.programs().map(function).collect();
    let others: Vec<Value> = object.subprograms().map(function).collect();
    let maps: Vec<Value> = object.maps().iter().map(map_json).collect();
    let order = match object.order() {
        ByteOrder::Little => "little",
        ByteOrder::Big => "big",
    };
    json!({
        "byte_order": order,
        "license": object.license(),
        "btf_types": object.btf().map(|btf| btf.type_count()),
        "has_lines": object.has_lines(),
        "btf_error": object.flaw().map(ToString::to_string),
        "sections": sections,
        "programs": programs,
        "functions": others,
        "untyped_symbols": object.is_untyped(),
        "maps": maps,
    })
}

fn section_json(section: &Section<'_>) -> Value {
    json!({
        "index": section.index,
        "name": section.name,
        "type": kind_name(section.kind),
        "flags": flag_letters(section.flags),
        "offset": section.offset,
        "size": section.size,
        "align": section.align,
        "is_code": section.is_code(),
        "relocations": section.relocations.len(),
    })
}

fn function_json(object: &BpfObject<'_>, function: &ObjectFunction<'_>) -> Value {
    json!({
        "name": function.name,
        "section": object.section(function.section).map(|section| &section.name),
        "offset": function.offset,
        "size": function.size,
    })
}

fn map_json(map: &Map<'_>) -> Value {
    let definition = map.definition.as_ref();
    json!({
        "name": map.name,
        "type": definition.and_then(|definition| definition.kind_name()),
        "type_number": definition.map(|definition| definition.kind),
        "key_size": definition.map(|definition| definition.key_size),
        "value_size": definition.map(|definition| definition.value_size),
        "max_entries": definition.map(|definition| definition.max_entries),
        "flags": definition.map(|definition| definition.flags),
    })
}
