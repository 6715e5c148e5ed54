//! `tutor bpf symbols`: what an object calls its parts.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::{Console, Table};
use super::input;
use super::verdict::{CommandResult, CommandVerdict};
use crate::object::{Binding, BpfObject, Home, Symbol, SymbolKind};

/// The arguments of `tutor bpf symbols`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct SymbolsArgs {
    /// A BPF object file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &SymbolsArgs, console: &mut Console<'_>) -> CommandResult {
    let data = input::read(&args.file)?;
    let object = input::object(&args.file, &data)?;
    if args.json {
        let symbols = object.symbols().iter();
        let symbols: Vec<Value> = symbols.map(|symbol| symbol_json(&object, symbol)).collect();
        console.json(json!({ "symbols": symbols }))?;
        return Ok(CommandVerdict::Works);
    }
    if object.symbols().is_empty() {
        writeln!(console.out, "no symbols")?;
        return Ok(CommandVerdict::Works);
    }
    let mut table = Table::new(&[">value", ">size", "type", "binding", "section", "symbol"]);
    for symbol in object.symbols() {
        table.row([
            format!("{:#x}", symbol.value),
            symbol.size.to_string(),
            kind_name(symbol.kind),
            binding_name(symbol.binding),
            home_name(&object, symbol),
            symbol.own_name().to_owned(),
        ]);
    }
    console.table(&table)?;
    Ok(CommandVerdict::Works)
}

fn kind_name(kind: SymbolKind) -> String {
    let name = match kind {
        SymbolKind::Untyped => "untyped",
        SymbolKind::Object => "object",
        SymbolKind::Function => "function",
        SymbolKind::Section => "section",
        SymbolKind::File => "file",
        SymbolKind::Other(number) => return format!("type {number}"),
    };
    name.to_owned()
}

fn binding_name(binding: Binding) -> String {
    let name = match binding {
        Binding::Local => "local",
        Binding::Global => "global",
        Binding::Weak => "weak",
        Binding::Other(number) => return format!("binding {number}"),
    };
    name.to_owned()
}

fn home_name(object: &BpfObject<'_>, symbol: &Symbol<'_>) -> String {
    match symbol.home {
        Home::Undefined => "undefined".to_owned(),
        Home::Absolute => "absolute".to_owned(),
        Home::Section(index) => match object.section(index) {
            Some(section) => section.name.to_string(),
            None => format!("section {index}, which is not there"),
        },
    }
}

fn symbol_json(object: &BpfObject<'_>, symbol: &Symbol<'_>) -> Value {
    let section = match symbol.home {
        Home::Section(index) => object.section(index).map(|section| &section.name),
        Home::Undefined | Home::Absolute => None,
    };
    json!({
        "index": symbol.index,
        "name": symbol.name,
        "value": symbol.value,
        "size": symbol.size,
        "type": kind_name(symbol.kind),
        "binding": binding_name(symbol.binding),
        "section": section,
        "defined": symbol.home != Home::Undefined,
    })
}
