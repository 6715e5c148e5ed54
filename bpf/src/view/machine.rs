//! The machine code of a program, with its calls named.

use std::io;

use crate::jit::{MachineInstruction, NoDecoder, Processor, disassemble};
use crate::kallsyms::KernelSymbols;
use crate::load::JitedFunction;

/// The machine code of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineCode {
    /// Its functions, in the kernel's order: the program itself, then what it calls.
    pub functions: Vec<MachineFunction>,
}

/// The machine code of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFunction {
    /// Where it lies, if the kernel says.
    pub address: Option<u64>,
    /// How many bytes it has.
    pub length: usize,
    /// Its instructions.
    pub rows: Vec<MachineRow>,
}

/// An instruction, and how to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRow {
    /// The instruction.
    pub instruction: MachineInstruction,
    /// The instruction in words: targets inside the function count from its start, others have a name where there is one.
    pub text: String,
    /// The name of what it calls or jumps to outside the function.
    pub target_name: Option<String>,
}

/// For which targets to read on in the kernel's long list of symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// For all.
    Everything,
    /// For calls. Jumps out of a function go to where it returns, which stands near the list's end: their names
    /// are shown only if they were read by then.
    Calls,
}

/// Why machine code cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum MachineCodeError {
    /// There is no disassembler for this machine.
    #[error(transparent)]
    NoDecoder(#[from] NoDecoder),
    /// The kernel's symbols cannot be read.
    #[error("cannot read the kernel's symbols from /proc/kallsyms")]
    Symbols(#[from] io::Error),
}

impl MachineCode {
    /// Takes the functions apart. `known` knows names of functions that need no search, by address.
    pub fn new(
        functions: &[JitedFunction],
        known: &dyn Fn(u64) -> Option<String>,
        search: Search,
        mut symbols: Option<&mut KernelSymbols>,
    ) -> Result<Self, MachineCodeError> {
        let mut shown = Vec::new();
        for function in functions {
            let start = function.address.unwrap_or(0);
            let end = start + function.code.len() as u64;
            let mut rows = Vec::new();
            for instruction in disassemble(Processor::here(), &function.code, start)? {
                let target = instruction.target;
                let outside = target.filter(|target| !(start..end).contains(target));
                let target_name = match (outside, function.address, symbols.as_deref_mut()) {
                    (Some(target), Some(_), Some(symbols)) => match known(target) {
                        Some(name) => Some(name),
                        None if instruction.is_call || search == Search::Everything => {
                            symbols.name(target)?
                        }
                        None => symbols.name_at_hand(target),
                    },
                    (_, _, _) => None,
                };
                let text = text(&instruction, start..end, function.address, &target_name);
                rows.push(MachineRow {
                    instruction,
                    text,
                    target_name,
                });
            }
            shown.push(MachineFunction {
                address: function.address,
                length: function.code.len(),
                rows,
            });
        }
        Ok(Self { functions: shown })
    }
}

fn text(
    instruction: &MachineInstruction,
    function: std::ops::Range<u64>,
    address: Option<u64>,
    name: &Option<String>,
) -> String {
    let mnemonic = &instruction.mnemonic;
    match (instruction.target, name, address) {
        (Some(target), _, _) if function.contains(&target) => {
            format!("{mnemonic} {:#x}", target - function.start)
        }
        (Some(_), Some(name), _) => format!("{mnemonic} {name}"),
        (Some(_), None, None) => format!("{mnemonic} (address withheld)"),
        (Some(_), None, Some(_)) | (None, _, _) => instruction.to_string(),
    }
}
