//! `tutor bpf features`: what this kernel takes, found by trying.

use std::fmt::Debug;

use clap::Args;
use libbpf_rs::{MapType, ProgramType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::CommandError;
use super::subject::snake;
use super::verdict::{CommandResult, CommandVerdict};
use crate::helper;
use crate::probe::{Feature, probe};
use crate::quiet::listening;

/// The arguments of `tutor bpf features`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct FeaturesArgs {
    /// List the helpers that programs of this type may call, such as kprobe or xdp
    #[arg(long, value_name = "TYPE")]
    pub helpers: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// An answer of the kernel's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Support {
    Yes,
    No,
    /// It could not be tried, and this is why.
    Untried(String),
}

impl Support {
    fn from(answer: libbpf_rs::Result<bool>) -> Self {
        match answer {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(error) => Self::Untried(format!("{error:#}")),
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Untried(_) => "untried",
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Yes => json!(true),
            Self::No => json!(false),
            Self::Untried(_) => Value::Null,
        }
    }
}

/// Returns the program types that libbpf knows, by name.
fn program_types() -> Vec<(String, ProgramType)> {
    let types = (1..).map(ProgramType::from);
    named(types.take_while(|kind| *kind != ProgramType::Unknown))
}

fn map_types() -> Vec<(String, MapType)> {
    let types = (1..).map(MapType::from);
    named(types.take_while(|kind| *kind != MapType::Unknown))
}

fn named<T: Debug>(types: impl Iterator<Item = T>) -> Vec<(String, T)> {
    types
        .map(|kind| (snake(&format!("{kind:?}")), kind))
        .collect()
}

/// Tries each of them, and keeps what libbpf says off the console.
fn tried<K, T>(
    items: Vec<(K, T)>,
    try_it: impl Fn(&T) -> libbpf_rs::Result<bool>,
) -> Vec<(K, Support)> {
    let try_all = || {
        let tried = |(name, item)| (name, Support::from(try_it(&item)));
        items.into_iter().map(tried).collect()
    };
    let (tried, _) = listening(try_all);
    tried
}

pub(super) fn run(args: &FeaturesArgs, console: &mut Console<'_>) -> CommandResult {
    // Without the right to load, every answer would be no, and mean nothing.
    for feature in [Feature::LoadKprobe, Feature::Xdp] {
        if let Err(refusal) = probe(feature) {
            return Err(CommandError::new(format!(
                "cannot find out what this kernel takes: {refusal}"
            ))
            .with_help(refusal.remedy()));
        }
    }
    match &args.helpers {
        Some(name) => helpers(name, args.json, console)?,
        None => types(args.json, console)?,
    }
    Ok(CommandVerdict::Works)
}

fn types(as_json: bool, console: &mut Console<'_>) -> std::io::Result<()> {
    let programs = tried(program_types(), ProgramType::is_supported);
    let maps = tried(map_types(), MapType::is_supported);
    if as_json {
        let list = |items: &[(String, Support)]| -> Vec<Value> {
            let item =
                |(name, takes): &(String, Support)| json!({ "name": name, "works": takes.json() });
            items.iter().map(item).collect()
        };
        return console.json(json!({ "program_types": list(&programs), "map_types": list(&maps) }));
    }
    write("program types", &programs, console)?;
    writeln!(console.out)?;
    write("map types", &maps, console)
}

fn write(
    title: &str,
    items: &[(String, Support)],
    console: &mut Console<'_>,
) -> std::io::Result<()> {
    let works = items
        .iter()
        .filter(|(_, takes)| *takes == Support::Yes)
        .count();
    console.heading(&format!("{title}: {works} of {} work", items.len()))?;
    for (name, takes) in items {
        match takes {
            Support::Yes | Support::No => writeln!(console.out, "  {:7}  {name}", takes.word())?,
            Support::Untried(why) => writeln!(console.out, "  {:7}  {name}: {why}", takes.word())?,
        }
    }
    Ok(())
}

fn helpers(name: &str, as_json: bool, console: &mut Console<'_>) -> Result<(), CommandError> {
    let types = program_types();
    let Some((_, kind)) = types.iter().find(|(known, _)| known == name) else {
        let names: Vec<&str> = types.iter().map(|(name, _)| name.as_str()).collect();
        return Err(
            CommandError::new(format!("there is no program type `{name}`"))
                .with_help(format!("the types are {}", names.join(", "))),
        );
    };
    let helpers = helper::all().iter().map(|helper| (*helper, helper.id()));
    let answers = tried(helpers.collect(), |id| {
        kind.is_helper_supported(u32::try_from(*id).unwrap_or_default())
    });
    // Some types cannot be loaded without something to attach to, so libbpf does not try them.
    if let Some((_, Support::Untried(why))) = answers.first() {
        return Err(CommandError::new(format!(
            "cannot find out which helpers `{name}` may call: {why}"
        ))
        .with_help("try a type that needs no target, such as kprobe or xdp"));
    }
    let offered = answers.iter().filter(|(_, takes)| *takes == Support::Yes);
    let offered: Vec<&helper::Helper> = offered.map(|(helper, _)| helper).collect();
    if as_json {
        let helper =
            |helper: &&helper::Helper| json!({ "id": helper.id(), "name": helper.to_string() });
        let list: Vec<Value> = offered.iter().map(helper).collect();
        console.json(json!({ "type": name, "helpers": list }))?;
        return Ok(());
    }
    console.heading(&format!(
        "{name}: {} of {} helpers",
        offered.len(),
        answers.len()
    ))?;
    for helper in offered {
        writeln!(console.out, "  {:3}  {helper}", helper.id())?;
    }
    Ok(())
}
