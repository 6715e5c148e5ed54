//! `tutor bpf pipeline`: a C file on its way through clang and LLVM.

use std::io;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::{Console, visible};
use super::error::CommandError;
use super::verdict::{CommandResult, CommandVerdict};
use crate::clang::ToolError;
use crate::pipeline::{CompilerStage, Input, PipelineError, StageOutput, StageRow};

/// The arguments of `tutor bpf pipeline`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct PipelineArgs {
    /// The C file
    pub file: PathBuf,
    /// Only this stage; all of them when none is named
    #[arg(long = "stage", value_name = "STAGE", value_enum)]
    pub stages: Vec<CompilerStage>,
    /// Only this function
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Only what came from this line of the C file
    #[arg(long, value_name = "NUMBER")]
    pub line: Option<u32>,
    /// A folder to look for headers in, before the system's
    #[arg(short = 'I', value_name = "DIR")]
    pub include: Vec<String>,
    /// A macro to define
    #[arg(short = 'D', value_name = "NAME[=VALUE]")]
    pub define: Vec<String>,
    /// How much to optimize: 0 to 3, s or z
    #[arg(short = 'O', value_name = "LEVEL", default_value = "2")]
    pub optimize: String,
    /// The version of the instruction set: v1 to v4, as far as clang knows it
    #[arg(long, value_name = "VERSION")]
    pub mcpu: Option<String>,
    /// The clang to use
    #[arg(long, value_name = "PROGRAM", default_value = "clang")]
    pub clang: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// So `--help`, completion and suggestions know the names.
impl ValueEnum for CompilerStage {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.summary()))
    }
}

pub(super) fn run(args: &PipelineArgs, console: &mut Console<'_>) -> CommandResult {
    let include = args.include.iter().map(|folder| format!("-I{folder}"));
    let define = args.define.iter().map(|define| format!("-D{define}"));
    let mcpu = args.mcpu.iter().map(|version| format!("-mcpu={version}"));
    let input = Input {
        file: args.file.clone(),
        clang: args.clang.clone(),
        optimize: args.optimize.clone(),
        options: include.chain(define).chain(mcpu).collect(),
    };
    let source = input
        .source(&super::input::read(&args.file)?)
        .map_err(|error| stopped(error, args.json, console))?;
    if let Some(line) = args.line {
        let there = input.has_line(&source, line);
        there.map_err(|error| stopped(error, args.json, console))?;
    }
    let stages = match args.stages.as_slice() {
        [] => &CompilerStage::ALL,
        stages => stages,
    };
    let mut outputs = Vec::new();
    for (number, stage) in stages.iter().enumerate() {
        let output = input.run(*stage, args.function.as_deref());
        let mut output = output.map_err(|error| stopped(error, args.json, console))?;
        if let Some(line) = args.line {
            output.rows.retain(|row| row.line == Some(line));
        }
        if args.json {
            outputs.push(as_json(&output));
            continue;
        }
        if number > 0 {
            writeln!(console.out)?;
        }
        write(&output, &source, console)?;
    }
    if args.json {
        console.json(json!({ "file": args.file, "stages": outputs }))?;
    }
    Ok(CommandVerdict::Works)
}

/// Shows all that clang said before it becomes an error, unless the answer would be JSON.
fn stopped(error: PipelineError, is_json: bool, console: &mut Console<'_>) -> CommandError {
    let mut help = None;
    if let PipelineError::Tool(tool) = &error {
        help = tool.help();
        if let ToolError::Refused { stderr, .. } = tool {
            for line in stderr.lines().filter(|_| !is_json) {
                if let Err(error) = writeln!(console.out, "{}", visible(line)) {
                    return error.into();
                }
            }
        }
    }
    CommandError::new(&error).with_help_if(help)
}

fn write(output: &StageOutput, source: &[String], console: &mut Console<'_>) -> io::Result<()> {
    let stage = output.stage;
    console.heading(&format!("{}: {}", stage.name(), stage.summary()))?;
    writeln!(console.out, "$ {}", console.dim(&output.command))?;
    if output.rows.is_empty() {
        return writeln!(console.out, "  nothing");
    }
    let mut line = None;
    let mut function = None;
    for row in &output.rows {
        if row.function != function {
            function.clone_from(&row.function);
            let name = format!("{}:", function.as_deref().unwrap_or_default());
            writeln!(console.out, "{}", console.bold(&name))?;
            line = None;
        }
        if row.line.is_some() && row.line != line {
            line = row.line;
            write_source(line, source, console)?;
        }
        writeln!(console.out, "  {}", visible(&row.text))?;
    }
    Ok(())
}

fn write_source(line: Option<u32>, source: &[String], console: &mut Console<'_>) -> io::Result<()> {
    let text = line.and_then(|line| {
        let text = source.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        Some(format!("; {line}: {}", visible(text.trim())))
    });
    match text {
        Some(text) => writeln!(console.out, "{}", console.dim(&text)),
        None => Ok(()),
    }
}

fn as_json(output: &StageOutput) -> Value {
    let row =
        |row: &StageRow| json!({ "function": row.function, "line": row.line, "text": row.text });
    json!({
        "stage": output.stage.name(),
        "command": output.command,
        "rows": output.rows.iter().map(row).collect::<Vec<Value>>(),
    })
}
