//! `tutor bpf expand`: macros, opened one at a time.

use std::io;
use std::ops::RangeInclusive;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::console::{Console, visible};
use super::error::CommandError;
use super::verdict::{CommandResult, CommandVerdict};
use crate::clang::target_define;
use crate::expand::{
    ConstantValue, Definition, ExpandError, Expansion, ExpansionStep, MacroQuestion, UnknownName,
    definition, expand, parts,
};
use crate::hex::hex;

/// More parts of a list than this are not shown unless they are asked for.
const PARTS: usize = 12;

/// The arguments of `tutor bpf expand`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct ExpandArgs {
    /// The expression, quoted for the shell: 'BPF_JMP | BPF_CALL'
    #[arg(allow_hyphen_values = true)]
    pub expression: String,
    /// A header to include: a name such as linux/filter.h, or a path; linux/bpf.h and libbpf's when none is named
    #[arg(long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,
    /// A folder to look for headers in, before the system's
    #[arg(short = 'I', value_name = "DIR")]
    pub include: Vec<String>,
    /// A macro to define for the headers
    #[arg(short = 'D', value_name = "NAME[=VALUE]")]
    pub define: Vec<String>,
    /// Of a long list, only the parts with this text in them
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Of a long list, only these parts, counted from 1: 5-8
    #[arg(long, value_name = "FROM-TO", value_parser = lines)]
    pub lines: Option<RangeInclusive<usize>>,
    /// The clang to use
    #[arg(long, value_name = "PROGRAM", default_value = "clang")]
    pub clang: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn lines(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) if 1 <= from && from <= to => Ok(from..=to),
        (_, _) => Err("write two numbers, the smaller one first, as in 5-8".to_owned()),
    }
}

pub(super) fn run(args: &ExpandArgs, console: &mut Console<'_>) -> CommandResult {
    let mut question = question(args);
    let mut expansion = match args.headers.is_empty() {
        true => with_usual_headers(&mut question, expand)?,
        false => expand(&question).map_err(unexpanded)?,
    };
    if !args.headers.is_empty() {
        for unknown in &mut expansion.unknown {
            unknown.header = home(&question, &unknown.name);
        }
    }
    if args.json {
        console.json(as_json(args, &question, &expansion))?;
    } else {
        write(args, &question, &expansion, console)?;
    }
    Ok(
        match expansion.unknown.is_empty() || !expansion.steps.is_empty() {
            true => CommandVerdict::Works,
            false => CommandVerdict::Refused,
        },
    )
}

/// The headers that programs include, the lessons' among them.
const USUAL: [&str; 5] = [
    "linux/bpf.h",
    "bpf/bpf_helpers.h",
    "bpf/bpf_endian.h",
    "bpf/bpf_tracing.h",
    "bpf/bpf_core_read.h",
];

fn question(args: &ExpandArgs) -> MacroQuestion {
    let include = args.include.iter().map(|folder| format!("-I{folder}"));
    let define = args.define.iter().map(|define| format!("-D{define}"));
    // bpf_tracing.h wants to know whose registers a probe sees.
    let has_target = |define: &String| define.starts_with("__TARGET_ARCH_");
    let target = target_define().filter(|_| !args.define.iter().any(has_target));
    MacroQuestion {
        expression: args.expression.clone(),
        headers: args.headers.clone(),
        options: include.chain(define).chain(target).collect(),
        about: args.grep.clone(),
        clang: args.clang.clone(),
    }
}

/// Asks with the usual headers, as many as there are: libbpf's may not be installed.
fn with_usual_headers<T>(
    question: &mut MacroQuestion,
    ask: impl Fn(&MacroQuestion) -> Result<T, ExpandError>,
) -> Result<T, CommandError> {
    question.headers = USUAL.map(str::to_owned).to_vec();
    loop {
        match ask(question) {
            Err(ExpandError::NoHeader { header }) if header != USUAL[0] => {
                question.headers.retain(|usual| *usual != header);
            }
            answer => return answer.map_err(unexpanded),
        }
    }
}

/// Returns the usual header that defines a name, where one does.
fn home(question: &MacroQuestion, name: &str) -> Option<String> {
    let mut question = question.clone();
    let found = with_usual_headers(&mut question, |question| definition(question, name));
    let file = found.ok()??.header?;
    let header = USUAL.iter().find(|header| file.ends_with(*header));
    header.map(|header| (*header).to_owned())
}

fn unexpanded(error: ExpandError) -> CommandError {
    CommandError::new(format!("cannot expand it: {error}")).with_help_if(error.help())
}

fn write(
    args: &ExpandArgs,
    question: &MacroQuestion,
    expansion: &Expansion,
    console: &mut Console<'_>,
) -> io::Result<()> {
    writeln!(console.out, "{}", args.expression.trim())?;
    for step in &expansion.steps {
        let opened = match &step.opened {
            Some(definition) => {
                let undefined = definition.undefined_at;
                let undefined =
                    undefined.map(|line| format!(", which line {line} undefines again"));
                format!(
                    "{} from {}{}",
                    definition.name,
                    place(definition),
                    undefined.unwrap_or_default()
                )
            }
            None => "the rest, all at once".to_owned(),
        };
        writeln!(
            console.out,
            "{}",
            console.dim(&format!("  = opening {opened}"))
        )?;
        write_text(args, &step.text, console)?;
    }
    if expansion.steps.is_empty() {
        let headers = question.headers.join(", ");
        writeln!(
            console.out,
            "  there is no macro of {headers} in it that can be opened"
        )?;
    }
    for (name, number) in &expansion.constants {
        writeln!(console.out, "  {name} is the constant {number}")?;
    }
    match &expansion.value {
        Some(ConstantValue::Integer(number)) => {
            writeln!(console.out, "  value: {}", in_both(*number))
        }
        Some(ConstantValue::Bytes(bytes)) => {
            writeln!(console.out, "  value, byte by byte: {}", hex(bytes))
        }
        None => writeln!(console.out, "  it has no constant value here"),
    }?;
    for unknown in &expansion.unknown {
        writeln!(console.out, "  {}", meaningless(unknown, question))?;
    }
    match expansion.missing_headers.as_slice() {
        [] => Ok(()),
        missing => writeln!(
            console.out,
            "  note: clang went on without {}, which the headers include",
            missing.join(", ")
        ),
    }
}

/// That a name means nothing, and what may have been meant.
fn meaningless(unknown: &UnknownName, question: &MacroQuestion) -> String {
    let name = visible(&unknown.name);
    if unknown.lacks_arguments {
        return format!("`{name}` takes arguments: write `{name}(…)`");
    }
    let near: Vec<String> = unknown
        .near
        .iter()
        .map(|near| format!("`{near}`"))
        .collect();
    let help = match (&unknown.header, near.is_empty()) {
        (Some(header), _) => format!("it is in {header}: add `--header {header}`"),
        (None, true) => "name the header that has it with --header".to_owned(),
        (None, false) => format!("did you mean {}?", near.join(" or ")),
    };
    let headers = question.headers.join(", ");
    format!("`{name}` is no name of {headers}\n  help: {help}")
}

fn in_both(number: i128) -> String {
    match number {
        0..=9 => number.to_string(),
        10.. => format!("{number} = {number:#x}"),
        _ => format!("{number} = {:#x}", number as u64),
    }
}

fn place(definition: &Definition) -> String {
    match &definition.header {
        Some(header) => format!("{header}:{}", definition.line),
        None => "clang itself".to_owned(),
    }
}

fn write_text(args: &ExpandArgs, text: &str, console: &mut Console<'_>) -> io::Result<()> {
    let parts = parts(text);
    if parts.len() <= PARTS && args.grep.is_none() && args.lines.is_none() {
        return writeln!(console.out, "{text}");
    }
    let (chosen, hidden) = chosen(args, &parts);
    for (number, part) in chosen {
        writeln!(console.out, "{number:5}  {part}")?;
    }
    match hidden {
        0 => Ok(()),
        hidden => {
            let note = format!(
                "       … {hidden} more of {}; `--grep TEXT` or `--lines FROM-TO` shows others",
                parts.len()
            );
            writeln!(console.out, "{}", console.dim(&note))
        }
    }
}

/// Returns the parts to show with their numbers, and how many are left out.
fn chosen<'p>(args: &ExpandArgs, parts: &'p [String]) -> (Vec<(usize, &'p str)>, usize) {
    let is_chosen = |(number, part): &(usize, &str)| {
        let grep = args.grep.as_ref();
        let in_lines = args.lines.as_ref();
        grep.is_none_or(|text| part.contains(text.as_str()))
            && in_lines.is_none_or(|lines| lines.contains(number))
    };
    let numbered = parts.iter().enumerate();
    let numbered = numbered.map(|(at, part)| (at + 1, part.as_str()));
    let mut chosen: Vec<(usize, &str)> = numbered.filter(is_chosen).collect();
    if args.grep.is_none() && args.lines.is_none() {
        chosen.truncate(PARTS);
    }
    let hidden = parts.len() - chosen.len();
    (chosen, hidden)
}

fn as_json(args: &ExpandArgs, question: &MacroQuestion, expansion: &Expansion) -> Json {
    let step = |step: &ExpansionStep| {
        let parts = parts(&step.text);
        let is_list = args.grep.is_some() || args.lines.is_some();
        json!({
            "opened": step.opened.as_ref().map(|definition| json!({
                "name": definition.name,
                "header": definition.header,
                "line": definition.line,
                "definition": definition.text,
                "undefined_at": definition.undefined_at,
            })),
            "text": step.text,
            "parts": is_list.then(|| chosen(args, &parts).0.iter().map(|(number, part)| {
                json!({ "number": number, "text": part })
            }).collect::<Vec<Json>>()),
        })
    };
    let steps: Vec<Json> = expansion.steps.iter().map(step).collect();
    let constant =
        |(name, number): &(String, i128)| json!({ "name": name, "value": number_json(*number) });
    json!({
        "expression": question.expression.trim(),
        "headers": question.headers,
        "steps": steps,
        "result": expansion.result,
        "constants": expansion.constants.iter().map(constant).collect::<Vec<Json>>(),
        "value": match &expansion.value {
            Some(ConstantValue::Integer(number)) => number_json(*number),
            Some(ConstantValue::Bytes(_)) | None => Json::Null,
        },
        "bytes": match &expansion.value {
            Some(ConstantValue::Bytes(bytes)) => json!(hex(bytes)),
            Some(ConstantValue::Integer(_)) | None => Json::Null,
        },
        "missing_headers": expansion.missing_headers,
        "unknown": expansion.unknown.iter().map(|unknown| json!({
            "name": unknown.name,
            "lacks_arguments": unknown.lacks_arguments,
            "near": unknown.near,
            "header": unknown.header,
        })).collect::<Vec<Json>>(),
    })
}

/// All that clang can give fits 64 bits, signed or not.
fn number_json(number: i128) -> Json {
    match i64::try_from(number) {
        Ok(number) => json!(number),
        Err(_) => json!(number as u64),
    }
}
