//! The functions of an object file.

use std::borrow::Cow;
use std::collections::HashSet;

use super::section::Section;
use super::symbol::{Home, Symbol, SymbolKind};

/// A function in a section of code: a program, or a subprogram that others call.
#[derive(Debug, Clone)]
pub struct Program<'d> {
    /// Its name.
    pub name: Cow<'d, str>,
    /// The number of its section.
    pub section: usize,
    /// Where it begins in the section, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
}

pub(super) fn programs<'d>(sections: &[Section<'d>], symbols: &[Symbol<'d>]) -> Vec<Program<'d>> {
    let code: HashSet<usize> = sections
        .iter()
        .filter(|section| section.is_code())
        .map(|section| section.index)
        .collect();
    let program = |symbol: &Symbol<'d>| match (symbol.kind, symbol.home) {
        (SymbolKind::Function, Home::Section(section)) if code.contains(&section) => {
            Some(Program {
                name: symbol.name.clone(),
                section,
                offset: symbol.value,
                size: symbol.size,
            })
        }
        _ => None,
    };
    let mut programs: Vec<Program<'d>> = symbols.iter().filter_map(program).collect();
    programs.sort_by_key(|program| (program.section, program.offset));
    programs
}
