//! `tutor bpf compare`: C, bytecode, the verifier's form and machine code in linked rows.

use std::io;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::CommandError;
use super::input;
use super::subject::{kind_name, load_bytes, symbols, wanted, withheld};
use super::verdict::{CommandResult, CommandVerdict};
use crate::hex::hex;
use crate::load::{Disclosure, LoadedProgram};
use crate::view::{Change, CompareError, Comparison, ComparisonRow, NoMachine};

/// The least width for forms side by side, in columns.
const SIDE_BY_SIDE: usize = 120;
/// The most of a line of C that is shown side by side, in columns.
const SOURCE: usize = 32;

/// The arguments of `tutor bpf compare`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct CompareArgs {
    /// The object file to load
    pub file: PathBuf,
    /// Only the program of this name
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Only rows in which something changed
    #[arg(long)]
    pub changed: bool,
    /// Show the bytes of each instruction
    #[arg(long)]
    pub bytes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &CompareArgs, console: &mut Console<'_>) -> CommandResult {
    let elf = input::loadable(&args.file)?;
    let loaded = load_bytes(&args.file, &elf, &wanted(args.program.as_deref()), console)?;
    let followed = match &loaded.followed {
        Ok(followed) => followed,
        Err(why) => {
            return Err(CommandError::new(format!(
                "cannot put the forms of `{}` side by side: {why}",
                args.file.display()
            ))
            .with_help("`tutor bpf disasm`, `xlated` and `jited` show each form by itself"));
        }
    };
    let object = input::object(&args.file, &elf)?;
    let mut symbols = symbols();
    let mut programs = Vec::new();
    for (number, program) in loaded.programs.iter().enumerate() {
        let comparison = Comparison::new(program, followed, &object, symbols.as_mut())
            .map_err(|error| uncompared(program, error))?;
        if args.json {
            programs.push(as_json(program, &comparison, args.changed));
            continue;
        }
        if number > 0 {
            writeln!(console.out)?;
        }
        ComparisonPage {
            args,
            comparison: &comparison,
            notes: Vec::new(),
        }
        .draw(program, console)?;
    }
    if args.json {
        console.json(json!({ "programs": programs }))?;
    }
    Ok(CommandVerdict::Works)
}

fn uncompared(program: &LoadedProgram, error: CompareError) -> CommandError {
    let failed = CommandError::new(format!("cannot compare `{}`: {error}", program.name));
    match error {
        CompareError::Withheld(why) => failed.with_help(why.remedy()),
        CompareError::Xlated(_) | CompareError::Machine(_) => failed,
    }
}

/// A comparison on its way to the console; explanations are gathered as notes below.
struct ComparisonPage<'d> {
    args: &'d CompareArgs,
    comparison: &'d Comparison,
    notes: Vec<String>,
}

impl ComparisonPage<'_> {
    fn draw(mut self, program: &LoadedProgram, console: &mut Console<'_>) -> io::Result<()> {
        self.heading(program, console)?;
        let shown = |row: &&ComparisonRow| !self.args.changed || row.change != Change::Same;
        let rows: Vec<&ComparisonRow> = self.comparison.rows.iter().filter(shown).collect();
        let cells: Vec<Cells> = rows.iter().map(|row| self.cells(row)).collect();
        match console.columns >= SIDE_BY_SIDE {
            true => side_by_side(&rows, &cells, console)?,
            false => stacked(&rows, &cells, console)?,
        }
        if !self.notes.is_empty() {
            writeln!(console.out)?;
        }
        for (number, note) in self.notes.iter().enumerate() {
            writeln!(console.out, "{:>4} {note}", format!("[{}]", number + 1))?;
        }
        Ok(())
    }

    fn heading(&self, program: &LoadedProgram, console: &mut Console<'_>) -> io::Result<()> {
        let info = &program.info;
        let kind = kind_name(info.kind);
        console.heading(&format!(
            "{}: {kind}, section {}",
            program.name, program.section
        ))?;
        let rows = &self.comparison.rows;
        let count = |of: &dyn Fn(&ComparisonRow) -> usize| rows.iter().map(of).sum::<usize>();
        let before = count(&|row| row.bytecode.bytes.len());
        let after = count(&|row| row.xlated.iter().map(|one| one.bytes.len()).sum());
        let machine = count(&|row| {
            let bytes = row.machine.iter().map(|one| one.instruction.bytes.len());
            bytes.sum()
        });
        let changed = rows.iter().filter(|row| row.change.sign() == '~').count();
        let dead = rows.iter().filter(|row| row.change == Change::Dead).count();
        let mut line = format!("bytecode {before} bytes, verified {after} bytes");
        if self.comparison.no_machine.is_none() {
            line += &format!(", machine code {machine} bytes");
        }
        line += &format!("; {changed} changed, {dead} removed");
        writeln!(console.out, "{line}")?;
        if rows.iter().all(|row| row.source.is_none()) {
            writeln!(
                console.out,
                "no C: the object does not say which lines its instructions come from; `clang -g` adds that"
            )?;
        }
        match &self.comparison.no_machine {
            None => {}
            Some(NoMachine::Interpreted) => {
                writeln!(
                    console.out,
                    "no machine code: the kernel interprets this program"
                )?;
            }
            Some(NoMachine::Withheld(why)) => {
                withheld("the machine code", *why, console)?;
            }
            Some(NoMachine::NoDecoder(why)) => writeln!(console.out, "{why}")?,
            Some(NoMachine::NotLinked) => writeln!(
                console.out,
                "no machine code: this kernel does not say where that of each instruction begins"
            )?,
        }
        writeln!(console.out)
    }

    fn cells(&mut self, row: &ComparisonRow) -> Cells {
        let with_bytes = |bytes: &[u8], text: &str| match self.args.bytes {
            true => format!("{:23}  {text}", hex(bytes)),
            false => text.to_owned(),
        };
        let one = &row.bytecode;
        let mut bytecode = with_bytes(&one.bytes, &one.text);
        if let Some(symbol) = &one.relocation {
            bytecode += &format!(" <{}>", super::console::visible(symbol));
        }
        let xlated = row
            .xlated
            .iter()
            .map(|one| format!("{:3}: {}", one.slot, with_bytes(&one.bytes, &one.text)));
        let machine = row.machine.iter().map(|one| {
            let instruction = &one.instruction;
            format!(
                "{:3x}: {}",
                instruction.offset,
                with_bytes(&instruction.bytes, &one.text)
            )
        });
        let source = row.source.as_ref();
        let source = source.map(|line| match line.number {
            0 => "(of no line)".to_owned(),
            number => format!("{number}: {}", line.text),
        });
        let note = row.change.explanation().map(|text| self.note(row, text));
        Cells {
            source: source.map(|text| super::console::visible(&text).into_owned()),
            bytecode,
            xlated: xlated.collect(),
            machine: machine.collect(),
            note,
        }
    }

    /// Returns the number of a note, and adds it if it is new.
    fn note(&mut self, row: &ComparisonRow, mut text: String) -> usize {
        if let Some(arithmetic) = row.change.arithmetic() {
            text = format!("{text}\n     {arithmetic}");
        }
        let known = self.notes.iter().position(|note| *note == text);
        known.unwrap_or_else(|| {
            self.notes.push(text);
            self.notes.len() - 1
        }) + 1
    }
}

/// A row, drawn.
struct Cells {
    source: Option<String>,
    bytecode: String,
    xlated: Vec<String>,
    machine: Vec<String>,
    note: Option<usize>,
}

impl Cells {
    fn mark(&self, row: &ComparisonRow) -> String {
        match self.note {
            Some(note) => format!("{}[{note}]", row.change.sign()),
            None => row.change.sign().to_string(),
        }
    }

    fn slot(row: &ComparisonRow) -> String {
        row.bytecode.slot.to_string()
    }
}

fn side_by_side(
    rows: &[&ComparisonRow],
    cells: &[Cells],
    console: &mut Console<'_>,
) -> io::Result<()> {
    let has_source = cells.iter().any(|cells| cells.source.is_some());
    let width = |column: &dyn Fn(&Cells) -> usize| cells.iter().map(column).max().unwrap_or(0);
    let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
    let longest = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max();
    let source = match has_source {
        true => width(&|cells| length(&cells.source)).clamp(6, SOURCE),
        false => 0,
    };
    let bytecode = width(&|cells| cells.bytecode.chars().count()).max(8) + 5;
    let xlated = width(&|cells| longest(&cells.xlated).unwrap_or(0)).max(6);
    let line = |mark: &str, c: &str, slot: &str, code: &str, after: &str, machine: &str| {
        let c = match has_source {
            true => format!("{:source$}  ", cut(c, source)),
            false => String::new(),
        };
        let code = match slot.is_empty() {
            true => code.to_owned(),
            false => format!("{slot:>3}: {code}"),
        };
        let line = format!("{mark:6}{c}{code:bytecode$}  {after:xlated$}  {machine}");
        line.trim_end().to_owned()
    };
    let names = ["C", "bytecode", "verified", "machine code"];
    let heading = line("", names[0], "", names[1], names[2], names[3]);
    console.heading(&heading)?;
    let (mut function, mut shown_source) = ("", None);
    for (row, cells) in rows.iter().zip(cells) {
        if begin_function(row, &mut function, console)? {
            shown_source = None;
        }
        let source = match row.source == shown_source {
            true => "",
            false => cells.source.as_deref().unwrap_or_default(),
        };
        shown_source.clone_from(&row.source);
        let height = cells.xlated.len().max(cells.machine.len()).max(1);
        for at in 0..height {
            let first = |text: &str| {
                if at == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            let of = |texts: &[String]| texts.get(at).cloned().unwrap_or_default();
            let text = line(
                &first(&cells.mark(row)),
                &first(source),
                &first(&Cells::slot(row)),
                &first(&cells.bytecode),
                &of(&cells.xlated),
                &of(&cells.machine),
            );
            write_row(row, &text, console)?;
        }
    }
    Ok(())
}

fn stacked(rows: &[&ComparisonRow], cells: &[Cells], console: &mut Console<'_>) -> io::Result<()> {
    let (mut function, mut shown_source) = ("", None);
    for (row, cells) in rows.iter().zip(cells) {
        if begin_function(row, &mut function, console)? {
            shown_source = None;
        }
        if row.source != shown_source
            && let Some(source) = &cells.source
        {
            let source = format!("      ; {source}");
            writeln!(console.out, "{}", console.dim(&source))?;
        }
        shown_source.clone_from(&row.source);
        let bytecode = &cells.bytecode;
        let mark = cells.mark(row);
        let text = format!("{mark:6}{:>3}: {bytecode}", Cells::slot(row));
        write_row(row, text.trim_end(), console)?;
        if row.change != Change::Same {
            for text in &cells.xlated {
                write_row(row, &format!("        verified  {text}"), console)?;
            }
        }
        for text in &cells.machine {
            writeln!(console.out, "        machine   {text}")?;
        }
    }
    Ok(())
}

/// Writes the name of the row's function if it is not the one before, and returns whether it did.
fn begin_function<'r>(
    row: &'r ComparisonRow,
    before: &mut &'r str,
    console: &mut Console<'_>,
) -> io::Result<bool> {
    if *before == row.function {
        return Ok(false);
    }
    *before = &row.function;
    let name = format!("{before}:");
    writeln!(console.out, "{}", console.bold(&name))?;
    Ok(true)
}

fn write_row(row: &ComparisonRow, text: &str, console: &mut Console<'_>) -> io::Result<()> {
    let text = match row.change.sign() {
        ' ' => text.into(),
        '-' => console.dim(text),
        _ => console.notable(text),
    };
    writeln!(console.out, "{text}")
}

fn cut(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

fn as_json(program: &LoadedProgram, comparison: &Comparison, only_changed: bool) -> Value {
    let rows = comparison.rows.iter();
    let rows = rows.filter(|row| !only_changed || row.change != Change::Same);
    json!({
        "name": program.name,
        "section": program.section,
        "type": kind_name(program.info.kind),
        "id": program.info.id,
        "tag": program.info.tag_text(),
        "call_base": match &comparison.call_base {
            Disclosure::Shown(base) => json!(format!("{base:#x}")),
            Disclosure::Absent | Disclosure::Withheld(_) => Value::Null,
        },
        "no_machine_code": comparison.no_machine.as_ref().map(no_machine_word),
        "rows": rows.map(row_json).collect::<Vec<Value>>(),
    })
}

fn no_machine_word(why: &NoMachine) -> String {
    match why {
        NoMachine::Interpreted => "the kernel interprets this program".to_owned(),
        NoMachine::Withheld(why) => why.to_string(),
        NoMachine::NoDecoder(why) => why.clone(),
        NoMachine::NotLinked => "this kernel does not link it to instructions".to_owned(),
    }
}

fn row_json(row: &ComparisonRow) -> Value {
    json!({
        "function": row.function,
        "source": row.source.as_ref().map(|line| json!({
            "file": line.file, "line": line.number, "text": line.text,
        })),
        "bytecode": {
            "slot": row.bytecode.slot,
            "bytes": hex(&row.bytecode.bytes),
            "text": row.bytecode.text,
            "relocation": row.bytecode.relocation,
        },
        "xlated": row.xlated.iter().map(|one| json!({
            "slot": one.slot, "bytes": hex(&one.bytes), "text": one.text,
        })).collect::<Vec<Value>>(),
        "machine": row.machine.iter().map(|one| json!({
            "offset": one.instruction.offset,
            "bytes": hex(&one.instruction.bytes),
            "text": one.text,
        })).collect::<Vec<Value>>(),
        "change": row.change.word(),
        "explanation": row.change.explanation(),
        "arithmetic": row.change.arithmetic(),
        "helper": helper_json(&row.change),
    })
}

fn helper_json(change: &Change) -> Value {
    let Change::HelperAddress {
        id,
        name,
        distance,
        base,
    } = change
    else {
        return Value::Null;
    };
    let address = base.map(|base| base.wrapping_add_signed((*distance).into()));
    json!({
        "id": id,
        "name": name,
        "distance": distance,
        "base": base.map(|base| format!("{base:#x}")),
        "address": address.map(|address| format!("{address:#x}")),
    })
}
