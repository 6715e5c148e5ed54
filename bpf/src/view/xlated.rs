//! A program as the verifier left it, in the words of `bpftool prog dump xlated`.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::io;

use crate::disasm::{SymbolNames, Text};
use crate::helper;
use crate::insn::{ByteOrder, Callee, DecodeError, Instruction, Wide, WideKind, decode};
use crate::kallsyms::KernelSymbols;
use crate::load::{Disclosure, ProgramInfo};

/// The symbol that calls of helpers count from: see `__bpf_call_base` in the kernel's `kernel/bpf/core.c`.
const CALL_BASE: &str = "__bpf_call_base";

/// A program after the verifier rewrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xlated {
    /// Its instructions.
    pub instructions: Vec<XlatedInstruction>,
    /// The address of `__bpf_call_base`, if a call needed it and the kernel shows it.
    pub call_base: Disclosure<u64>,
}

/// An instruction after the verifier rewrote the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XlatedInstruction {
    /// Its place, in slots of 8 bytes from the program's start.
    pub slot: usize,
    /// Its bytes, 8 or 16.
    pub bytes: Vec<u8>,
    /// Their meaning.
    pub instruction: Instruction,
    /// Their meaning, in words.
    pub text: String,
    /// Where it calls to, if it calls a function of the kernel.
    pub call: Option<HelperCall>,
}

/// A call of a function of the kernel: its immediate is the distance from `__bpf_call_base`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperCall {
    /// The distance, in bytes.
    pub distance: i32,
    /// The function's address, where the base is known.
    pub address: Option<u64>,
    /// The function's name.
    pub name: Option<String>,
}

impl Xlated {
    /// Decodes a program and names what it calls. Without `symbols`, calls stay numbers.
    pub fn new(
        bytes: &[u8],
        info: &ProgramInfo,
        mut symbols: Option<&mut KernelSymbols>,
    ) -> Result<Self, XlatedError> {
        let decoded: Vec<_> = decode(bytes, ByteOrder::NATIVE).collect::<Result<_, _>>()?;
        let mut call_base = Disclosure::Absent;
        let mut calls = HashMap::new();
        let mut names = CallNames::default();
        for one in &decoded {
            match kernel_call(&one.instruction) {
                Some(distance) => {
                    if let (Disclosure::Absent, Some(symbols)) =
                        (&call_base, symbols.as_deref_mut())
                    {
                        call_base = symbols.address(CALL_BASE)?;
                    }
                    let call = HelperCall::new(distance, &call_base, symbols.as_deref_mut())?;
                    names.0.insert(one.slot, call.text());
                    calls.insert(one.slot, call);
                }
                None => {
                    if let Some(text) = subprogram(&one.instruction, info, symbols.as_deref_mut())?
                    {
                        names.0.insert(one.slot, text);
                    }
                }
            }
        }
        let instruction = |one: &crate::insn::DecodedInstruction<'_>| XlatedInstruction {
            slot: one.slot,
            bytes: one.bytes.to_vec(),
            instruction: one.instruction,
            text: Text::new(&one.instruction, one.slot, &names).to_string(),
            call: calls.remove(&one.slot),
        };
        Ok(Self {
            instructions: decoded.iter().map(instruction).collect(),
            call_base,
        })
    }
}

/// Why a program cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum XlatedError {
    /// The kernel gave bytes that are no instructions.
    #[error("the kernel gave a program that cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The kernel's symbols cannot be read.
    #[error("cannot read the kernel's symbols from /proc/kallsyms")]
    Symbols(#[from] io::Error),
}

impl HelperCall {
    fn new(
        distance: i32,
        base: &Disclosure<u64>,
        symbols: Option<&mut KernelSymbols>,
    ) -> io::Result<Self> {
        let address = base
            .value()
            .map(|base| base.wrapping_add_signed(distance.into()));
        let name = match (address, symbols) {
            (Some(address), Some(symbols)) => symbols.name(address)?,
            (_, _) => None,
        };
        Ok(Self {
            distance,
            address,
            name,
        })
    }

    /// Returns what follows `call `, as bpftool has it.
    fn text(&self) -> String {
        match (&self.name, self.address, self.distance) {
            (Some(name), _, distance) => format!("{name}#{distance}"),
            // Without the right to see addresses the kernel puts a zero there.
            (None, None, 0) => "(address withheld)#0".to_owned(),
            (None, None, distance) => format!("(address unknown)#{distance}"),
            (None, Some(address), distance) => format!("{address:#x}#{distance}"),
        }
    }
}

/// Returns the immediate of a call that is a distance: a number of a helper would be small and positive.
fn kernel_call(instruction: &Instruction) -> Option<i32> {
    match instruction {
        // `bpf_tail_call` is no function, and keeps its number.
        Instruction::Call {
            callee: Callee::Helper(imm) | Callee::Kfunc(imm),
            ..
        } if helper::by_id(*imm).is_none() => Some(*imm),
        _ => None,
    }
}

/// Returns what follows `call ` for a call of a function of the program, which bpftool names by its symbol.
fn subprogram(
    instruction: &Instruction,
    info: &ProgramInfo,
    symbols: Option<&mut KernelSymbols>,
) -> io::Result<Option<String>> {
    let Instruction::Call {
        callee: Callee::Subprogram(index),
        offset,
    } = instruction
    else {
        return Ok(None);
    };
    let Some(functions) = info.jited.value() else {
        return Ok(None);
    };
    let function = usize::try_from(*index)
        .ok()
        .and_then(|at| functions.get(at));
    let address = function.and_then(|function| function.address);
    let name = match (address, symbols) {
        (Some(address), Some(symbols)) => symbols.name(address)?,
        (_, _) => None,
    };
    Ok(match (name, address) {
        (Some(name), _) => Some(format!("pc{offset:+}#{name}")),
        (None, Some(address)) => Some(format!("pc{offset:+}#{address:#x}")),
        (None, None) => Some(format!("pc{offset:+}")),
    })
}

/// The text after `call `, by slot.
#[derive(Default)]
struct CallNames(HashMap<usize, String>);

impl SymbolNames for CallNames {
    fn callee(
        &self,
        slot: usize,
        _callee: Callee,
        _offset: i16,
        out: &mut dyn Write,
    ) -> Result<bool, fmt::Error> {
        match self.0.get(&slot) {
            Some(text) => out.write_str(text).map(|()| true),
            None => Ok(false),
        }
    }

    /// Of a reference to a function the kernel shows the distance; the other half means nothing.
    fn wide(&self, _slot: usize, wide: Wide, out: &mut dyn Write) -> Result<bool, fmt::Error> {
        match wide.kind {
            WideKind::Function => write!(out, "subprog[{:+}]", wide.low).map(|()| true),
            WideKind::Value
            | WideKind::BtfVariable
            | WideKind::MapFd
            | WideKind::MapValue
            | WideKind::MapIndex
            | WideKind::MapIndexValue => Ok(false),
        }
    }
}
