//! One program in four forms, row by row: C, bytecode, what the verifier made of it, machine code.
//!
//! What belongs together is what the kernel says belongs together: see [`crate::load::Followed`].

use std::collections::{BTreeMap, HashMap};

use super::bytecode::Bytecode;
use super::change::{Change, Seen};
use super::machine::{MachineCode, MachineError, MachineRow, Search};
use super::xlated::{Xlated, XlatedError, XlatedInstruction};
use crate::disasm::{NoNames, Text};
use crate::insn::{ByteOrder, Decoded, decode};
use crate::kallsyms::KernelSymbols;
use crate::load::{Followed, LoadedProgram, Origin, ProgramInfo, Shown, Withheld, map_name};
use crate::object::{self, BpfObject};

/// A line of a C file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file's name, as the compiler was given it.
    pub file: String,
    /// The number of the line, from 1; 0 where the compiler put code that comes from no line.
    pub number: u32,
    /// The line, without the space around it.
    pub text: String,
}

impl From<object::SourceLine<'_>> for SourceLine {
    fn from(line: object::SourceLine<'_>) -> Self {
        Self {
            file: line.file.into_owned(),
            number: line.line,
            text: line.text.trim().to_owned(),
        }
    }
}

/// A program in four forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The rows, function by function, each in the order of its instructions.
    pub rows: Vec<Row>,
    /// The address of `__bpf_call_base`.
    pub call_base: Shown<u64>,
    /// Why there is no machine code to show, if there is none.
    pub no_machine: Option<NoMachine>,
}

/// Why machine code cannot be shown beside the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMachine {
    /// The kernel interprets the program.
    Interpreted,
    /// The kernel keeps it back.
    Withheld(Withheld),
    /// Nothing here can take it apart.
    NoDecoder(String),
    /// The kernel does not say where each instruction's machine code begins.
    NotLinked,
}

/// An instruction, and all that became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The function it is in.
    pub function: String,
    /// The line of C it came from, with debug information.
    pub source: Option<SourceLine>,
    /// The instruction in the object.
    pub bytecode: Bytecode,
    /// What the verifier made of it.
    pub xlated: Vec<XlatedInstruction>,
    /// Its machine code. That of a function's first instruction begins with what the JIT puts before every
    /// function: the kernel does not tell the two apart.
    pub machine: Vec<MachineRow>,
    /// What happened to it.
    pub change: Change,
}

/// Why forms cannot be put beside each other.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The verifier's form is withheld.
    #[error("the program as the verifier left it is {0}")]
    Withheld(Withheld),
    /// The verifier's form cannot be read.
    #[error(transparent)]
    Xlated(#[from] XlatedError),
    /// The machine code cannot be named.
    #[error(transparent)]
    Machine(#[from] MachineError),
}

impl Comparison {
    /// Puts the forms of a loaded program beside each other.
    pub fn new(
        program: &LoadedProgram,
        followed: &Followed,
        object: &BpfObject<'_>,
        mut symbols: Option<&mut KernelSymbols>,
    ) -> Result<Self, CompareError> {
        let info = &program.info;
        let xlated = match &info.xlated {
            Shown::Yes(bytes) => Xlated::new(bytes, info, symbols.as_deref_mut())?,
            Shown::Absent => return Err(CompareError::Withheld(Withheld::Capability)),
            Shown::Withheld(why) => return Err(CompareError::Withheld(*why)),
        };
        let (machine, no_machine) = machine(info, followed, symbols)?;
        let mut maker = Maker {
            followed,
            object,
            became: became(info, followed, &xlated, &machine),
            maps: HashMap::new(),
            call_base: xlated.call_base.value().copied(),
        };
        let mut rows = Vec::new();
        for start in functions(info, followed) {
            maker.function(start, &mut rows);
        }
        Ok(Self {
            rows,
            call_base: xlated.call_base,
            no_machine,
        })
    }
}

/// Returns the first instruction of each function, in the order in which the kernel holds them.
fn functions(info: &ProgramInfo, followed: &Followed) -> Vec<Origin> {
    let mut starts = Vec::new();
    for line in &info.lines {
        let function = followed
            .origin(line.line)
            .and_then(|origin| followed.function(origin));
        if let Some(function) = function
            && !starts.contains(&function.start)
        {
            starts.push(function.start);
        }
    }
    starts
}

fn machine(
    info: &ProgramInfo,
    followed: &Followed,
    symbols: Option<&mut KernelSymbols>,
) -> Result<(MachineCode, Option<NoMachine>), CompareError> {
    let none = |why| {
        Ok((
            MachineCode {
                functions: Vec::new(),
            },
            Some(why),
        ))
    };
    let jited = match (&info.jited, &info.line_addresses) {
        (Shown::Absent, _) => return none(NoMachine::Interpreted),
        (Shown::Withheld(why), _) | (Shown::Yes(_), Shown::Withheld(why)) => {
            return none(NoMachine::Withheld(*why));
        }
        (Shown::Yes(_), Shown::Absent) => return none(NoMachine::NotLinked),
        (Shown::Yes(jited), Shown::Yes(_)) => jited,
    };
    let starts = functions(info, followed);
    let known = |address: u64| {
        let at = jited
            .iter()
            .position(|function| function.address == Some(address))?;
        let function = followed.function(*starts.get(at)?)?;
        Some(function.name.to_owned())
    };
    match MachineCode::new(jited, &known, Search::Calls, symbols) {
        Ok(code) => Ok((code, None)),
        Err(MachineError::NoDecoder(why)) => none(NoMachine::NoDecoder(why.to_string())),
        Err(error @ MachineError::Symbols(_)) => Err(error.into()),
    }
}

/// What became of an instruction.
#[derive(Default)]
struct Became {
    xlated: Vec<XlatedInstruction>,
    machine: Vec<MachineRow>,
}

fn became(
    info: &ProgramInfo,
    followed: &Followed,
    xlated: &Xlated,
    machine: &MachineCode,
) -> BTreeMap<Origin, Became> {
    let addresses = info.line_addresses.value();
    let mut became = BTreeMap::<Origin, Became>::new();
    for (at, line) in info.lines.iter().enumerate() {
        let Some(origin) = followed.origin(line.line) else {
            continue;
        };
        let next = info.lines.get(at + 1);
        let end = next.map_or(usize::MAX, |next| next.slot as usize);
        let range = line.slot as usize..end;
        let one = became.entry(origin).or_default();
        let inside = xlated.instructions.iter();
        let inside = inside.filter(|instruction| range.contains(&instruction.slot));
        one.xlated.extend(inside.cloned());
        let address = addresses.and_then(|addresses| addresses.get(at).copied());
        let next = addresses.and_then(|addresses| addresses.get(at + 1).copied());
        if let Some(address) = address {
            one.machine.extend(code(machine, address, next));
        }
    }
    became
}

/// Returns the machine code from an address to the next, or to the end of the function.
fn code(machine: &MachineCode, start: u64, next: Option<u64>) -> Vec<MachineRow> {
    for function in &machine.functions {
        let Some(base) = function.address else {
            continue;
        };
        let end = base + function.length as u64;
        if !(base..end).contains(&start) {
            continue;
        }
        let end = next
            .filter(|next| (start..=end).contains(next))
            .unwrap_or(end);
        let rows = function
            .rows
            .iter()
            .filter(|row| (start..end).contains(&(base + row.instruction.offset as u64)));
        return rows.cloned().collect();
    }
    Vec::new()
}

struct Maker<'m> {
    followed: &'m Followed,
    object: &'m BpfObject<'m>,
    became: BTreeMap<Origin, Became>,
    maps: HashMap<u32, String>,
    call_base: Option<u64>,
}

impl Maker<'_> {
    fn function(&mut self, start: Origin, rows: &mut Vec<Row>) {
        let Some(function) = self.followed.function(start) else {
            return;
        };
        for decoded in decode(function.bytes, ByteOrder::NATIVE).flatten() {
            let origin = Origin {
                section: start.section,
                offset: start.offset + 8 * decoded.slot as u64,
            };
            let became = self.became.remove(&origin).unwrap_or_default();
            let row = self.row(function.name, origin, &decoded, became);
            rows.push(row);
        }
    }

    fn row(&mut self, function: &str, origin: Origin, one: &Decoded<'_>, became: Became) -> Row {
        let text = Text::new(&one.instruction, one.slot, &NoNames);
        let section = self.object.section(origin.section);
        let bytecode = Bytecode {
            slot: one.slot,
            bytes: one.bytes.to_vec(),
            instruction: one.instruction,
            text: text.to_string(),
            relocation: section
                .and_then(|section| self.object.target(section, origin.offset, &one.instruction))
                .map(|target| target.to_string()),
        };
        let change = Change::between(Seen {
            before: &bytecode,
            after: &became.xlated,
            call_base: self.call_base,
            map: &mut |id| {
                let name = self.maps.entry(id);
                name.or_insert_with(|| map_name(id).unwrap_or_default())
                    .clone()
            },
        });
        Row {
            function: function.to_owned(),
            source: section
                .and_then(|section| self.object.line(&section.name, origin.offset))
                .map(SourceLine::from),
            bytecode,
            xlated: became.xlated,
            machine: became.machine,
            change,
        }
    }
}
