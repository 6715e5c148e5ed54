//! Where an instruction leads: to a symbol that a relocation names, or to a function at a distance.

use super::section::Section;
use super::symbol::{Home, Symbol};
use crate::insn::{Callee, Instruction};

/// Where an instruction leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'s, 'd> {
    /// To a symbol that the object's loader finds.
    Extern(&'s Symbol<'d>),
    /// To a place in a section.
    Place {
        /// The number of the section.
        section: usize,
        /// The offset in it, in bytes.
        offset: u64,
        /// The symbol that the relocation names, where there is one.
        symbol: Option<&'s Symbol<'d>>,
    },
}

impl<'s, 'd> Target<'s, 'd> {
    /// Returns where the instruction at an offset of a section leads: by its relocation, or by the distance that a
    /// call says.
    pub fn of(
        symbols: &'s [Symbol<'d>],
        section: &Section<'d>,
        offset: u64,
        instruction: &Instruction,
    ) -> Option<Self> {
        let Some(relocation) = section.relocation(offset) else {
            return called(section, offset, instruction);
        };
        // The table's first symbol is the empty one, which `symbols` leaves out.
        let symbol = symbols.get(relocation.symbol.checked_sub(1)?)?;
        let section = match symbol.home {
            Home::Undefined => return Some(Self::Extern(symbol)),
            Home::Absolute => return None,
            Home::Section(index) => index,
        };
        let added = match relocation.addend {
            Some(addend) => addend,
            None => in_place(instruction)?,
        };
        Some(Self::Place {
            section,
            offset: symbol.value.wrapping_add_signed(added),
            symbol: Some(symbol),
        })
    }
}

fn called<'s, 'd>(
    section: &Section<'d>,
    offset: u64,
    instruction: &Instruction,
) -> Option<Target<'s, 'd>> {
    let Instruction::Call {
        callee: Callee::Subprogram(slots),
        ..
    } = instruction
    else {
        return None;
    };
    let next = offset.checked_add(8)?;
    Some(Target::Place {
        section: section.index,
        offset: next.checked_add_signed(i64::from(*slots) * 8)?,
        symbol: None,
    })
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
