//! The object that an instruction refers to.

use std::fmt;

use super::bpf_object::BpfObject;
use super::section::{Relocation, Section};
use super::symbol::Home;
use crate::insn::{Callee, Instruction};

/// The object that an instruction refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referent<'o> {
    /// A map.
    Map(&'o str),
    /// A function of this object.
    Function(&'o str),
    /// A symbol that the object's loader finds: a kernel function or variable, a configuration value.
    Extern(&'o str),
    /// Data: a section, an offset in it in bytes, and the variable there where one has a name.
    Data {
        /// The section's name, such as `.rodata`.
        section: &'o str,
        /// The offset in it.
        offset: u64,
        /// The variable's name, or nothing.
        variable: &'o str,
    },
}

impl fmt::Display for Referent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(name) => write!(f, "map {name}"),
            Self::Function(name) => write!(f, "function {name}"),
            Self::Extern(name) => write!(f, "extern {name}"),
            Self::Data {
                section,
                offset,
                variable: "",
            } => write!(f, "{section}+{offset:#x}"),
            Self::Data {
                section,
                offset,
                variable,
            } => write!(f, "{variable} ({section}+{offset:#x})"),
        }
    }
}

impl<'d> BpfObject<'d> {
    /// Returns what the instruction at an offset of a section refers to: by a relocation, or by a distance to
    /// another function of the same section. `None` for what refers to nothing.
    pub fn referent(
        &self,
        section: &Section<'d>,
        offset: u64,
        instruction: &Instruction,
    ) -> Option<Referent<'_>> {
        match section.relocation(offset) {
            Some(relocation) => self.relocated(relocation, instruction),
            None => self.called(section, offset, instruction),
        }
    }

    fn relocated(
        &self,
        relocation: &Relocation,
        instruction: &Instruction,
    ) -> Option<Referent<'_>> {
        // The table's first symbol is the empty one, which `symbols` leaves out.
        let symbol = self.symbols().get(relocation.symbol.checked_sub(1)?)?;
        let index = match symbol.home {
            Home::Undefined => return Some(Referent::Extern(&symbol.name)),
            Home::Absolute => return None,
            Home::Section(index) => index,
        };
        let home = self.section(index)?;
        let added = match relocation.addend {
            Some(addend) => addend,
            None => in_place(instruction)?,
        };
        let offset = symbol.value.wrapping_add_signed(added);
        if home.is_code() {
            let function = self.program_at(index, offset)?;
            return Some(Referent::Function(&function.name));
        }
        let map = self
            .maps()
            .binary_search_by_key(&(index, offset), |map| (map.section, map.offset));
        if let Ok(place) = map {
            return Some(Referent::Map(&self.maps()[place].name));
        }
        Some(Referent::Data {
            section: &home.name,
            offset,
            variable: symbol.own_name(),
        })
    }

    fn called(
        &self,
        section: &Section<'d>,
        offset: u64,
        instruction: &Instruction,
    ) -> Option<Referent<'_>> {
        let Instruction::Call {
            callee: Callee::Subprogram(slots),
            ..
        } = instruction
        else {
            return None;
        };
        let next = offset.checked_add(8)?;
        let there = next.checked_add_signed(i64::from(*slots) * 8)?;
        let function = self.program_at(section.index, there)?;
        Some(Referent::Function(&function.name))
    }
}

/// Returns the number in the instruction, as bytes to add to the symbol's address.
fn in_place(instruction: &Instruction) -> Option<i64> {
    if let Some(wide) = instruction.wide() {
        return Some(wide.bits() as i64);
    }
    let Instruction::Call { callee, .. } = instruction else {
        return None;
    };
    let slots = match callee {
        Callee::Helper(number) | Callee::Subprogram(number) | Callee::Kfunc(number) => *number,
    };
    // Clang counts from the next instruction: -1 is the symbol itself.
    Some((i64::from(slots) + 1) * 8)
}
