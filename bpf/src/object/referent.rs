//! The object that an instruction refers to.

use std::fmt;

use super::bpf_object::BpfObject;
use super::section::Section;
use super::symbol::Symbol;
use super::target::Target;
use crate::insn::Instruction;

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
        /// The offset in the variable, in bytes.
        inside: i64,
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
                inside: _,
            } => write!(f, "{section}+{offset:#x}"),
            Self::Data {
                section,
                offset,
                variable,
                inside,
            } => {
                f.write_str(variable)?;
                match inside {
                    0 => {}
                    1.. => write!(f, "+{inside:#x}")?,
                    ..0 => write!(f, "-{:#x}", inside.unsigned_abs())?,
                }
                write!(f, " ({section}+{offset:#x})")
            }
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
        let (index, offset, symbol) =
            match Target::of(self.symbols(), section, offset, instruction)? {
                Target::Extern(symbol) => return Some(Referent::Extern(&symbol.name)),
                Target::Place {
                    section,
                    offset,
                    symbol,
                } => (section, offset, symbol),
            };
        let home = self.section(index)?;
        if home.is_code() {
            let function = self.function_at(index, offset)?;
            return Some(Referent::Function(&function.name));
        }
        if let Some(map) = self.map_at(index, offset) {
            return Some(Referent::Map(&map.name));
        }
        // Clang names the section in place of a static variable.
        let named = symbol.filter(|symbol| !symbol.own_name().is_empty());
        let variable = named.or_else(|| self.variable_at(index, offset));
        Some(Referent::Data {
            section: &home.name,
            offset,
            variable: variable.map_or("", Symbol::own_name),
            inside: variable.map_or(0, |variable| offset.wrapping_sub(variable.value) as i64),
        })
    }
}
