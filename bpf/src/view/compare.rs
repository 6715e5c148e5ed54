//! One program in four forms, row by row: C, bytecode, what the verifier made of it, machine code.
//!
//! The kernel says which rows belong together: see [`crate::load::FollowedObject`].

use std::collections::{BTreeMap, HashMap};

use super::bytecode::Bytecode;
use super::change::{Change, Rewrite};
use super::machine::{MachineCode, MachineCodeError, MachineRow, Search};
use super::xlated::{Xlated, XlatedError, XlatedInstruction};
use crate::disasm::{NoNames, Text};
use crate::insn::{ByteOrder, DecodedInstruction, decode};
use crate::kallsyms::KernelSymbols;
use crate::load::{
    Disclosure, FollowedObject, InstructionOrigin, LoadedProgram, ProgramInfo, Withheld, map_name,
};
use crate::object::{self, BpfObject};

/// A line of a C file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CLine {
    /// The file's name, as the compiler was given it.
    pub file: String,
    /// The number of the line, from 1; 0 where the compiler put code that comes from no line.
    pub number: u32,
    /// The line, without the space around it.
    pub text: String,
}

impl From<object::SourcePosition<'_>> for CLine {
    fn from(line: object::SourcePosition<'_>) -> Self {
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
    pub rows: Vec<ComparisonRow>,
    /// The address of `__bpf_call_base`.
    pub call_base: Disclosure<u64>,
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
pub struct ComparisonRow {
    /// The function it is in.
    pub function: String,
    /// The line of C it came from, with debug information.
    pub source: Option<CLine>,
    /// The instruction in the object.
    pub bytecode: Bytecode,
    /// The verifier's instructions for it.
    pub xlated: Vec<XlatedInstruction>,
    /// Its machine code. That of a function's first instruction begins with what the JIT puts before every
    /// function: the kernel does not tell the two apart.
    pub machine: Vec<MachineRow>,
    /// The change that it went through.
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
    Machine(#[from] MachineCodeError),
}

impl Comparison {
    /// Puts the forms of a loaded program beside each other.
    pub fn new(
        program: &LoadedProgram,
        followed: &FollowedObject,
        object: &BpfObject<'_>,
        mut symbols: Option<&mut KernelSymbols>,
    ) -> Result<Self, CompareError> {
        let info = &program.info;
        let xlated = match &info.xlated {
            Disclosure::Shown(bytes) => Xlated::new(bytes, info, symbols.as_deref_mut())?,
            Disclosure::Absent => return Err(CompareError::Withheld(Withheld::Capability)),
            Disclosure::Withheld(why) => return Err(CompareError::Withheld(*why)),
        };
        let (machine, no_machine) = machine(info, followed, symbols)?;
        let mut maker = RowBuilder {
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
fn functions(info: &ProgramInfo, followed: &FollowedObject) -> Vec<InstructionOrigin> {
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
    followed: &FollowedObject,
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
        (Disclosure::Absent, _) => return none(NoMachine::Interpreted),
        (Disclosure::Withheld(why), _) | (Disclosure::Shown(_), Disclosure::Withheld(why)) => {
            return none(NoMachine::Withheld(*why));
        }
        (Disclosure::Shown(_), Disclosure::Absent) => return none(NoMachine::NotLinked),
        (Disclosure::Shown(jited), Disclosure::Shown(_)) => jited,
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
        Err(MachineCodeError::NoDecoder(why)) => none(NoMachine::NoDecoder(why.to_string())),
        Err(error @ MachineCodeError::Symbols(_)) => Err(error.into()),
    }
}

/// The verifier's instructions and the machine code of an instruction.
#[derive(Default)]
struct Translation {
    xlated: Vec<XlatedInstruction>,
    machine: Vec<MachineRow>,
}

fn became(
    info: &ProgramInfo,
    followed: &FollowedObject,
    xlated: &Xlated,
    machine: &MachineCode,
) -> BTreeMap<InstructionOrigin, Translation> {
    let addresses = info.line_addresses.value();
    let mut became = BTreeMap::<InstructionOrigin, Translation>::new();
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

struct RowBuilder<'m> {
    followed: &'m FollowedObject,
    object: &'m BpfObject<'m>,
    became: BTreeMap<InstructionOrigin, Translation>,
    maps: HashMap<u32, String>,
    call_base: Option<u64>,
}

impl RowBuilder<'_> {
    fn function(&mut self, start: InstructionOrigin, rows: &mut Vec<ComparisonRow>) {
        let Some(function) = self.followed.function(start) else {
            return;
        };
        for decoded in decode(function.bytes, ByteOrder::NATIVE).flatten() {
            let origin = InstructionOrigin {
                section: start.section,
                offset: start.offset + 8 * decoded.slot as u64,
            };
            let became = self.became.remove(&origin).unwrap_or_default();
            let row = self.row(function.name, origin, &decoded, became);
            rows.push(row);
        }
    }

    fn row(
        &mut self,
        function: &str,
        origin: InstructionOrigin,
        one: &DecodedInstruction<'_>,
        became: Translation,
    ) -> ComparisonRow {
        let text = Text::new(&one.instruction, one.slot, &NoNames);
        let section = self.object.section(origin.section);
        let bytecode = Bytecode {
            slot: one.slot,
            bytes: one.bytes.to_vec(),
            instruction: one.instruction,
            text: text.to_string(),
            relocation: section
                .and_then(|section| {
                    self.object
                        .referent(section, origin.offset, &one.instruction)
                })
                .map(|target| target.to_string()),
        };
        let change = Change::between(Rewrite {
            before: &bytecode,
            after: &became.xlated,
            call_base: self.call_base,
            map: &mut |id| {
                let name = self.maps.entry(id);
                name.or_insert_with(|| map_name(id).unwrap_or_default())
                    .clone()
            },
        });
        ComparisonRow {
            function: function.to_owned(),
            source: section
                .and_then(|section| self.object.line(&section.name, origin.offset))
                .map(CLine::from),
            bytecode,
            xlated: became.xlated,
            machine: became.machine,
            change,
        }
    }
}
