//! The functions of an object file, and which of them are programs.

use std::borrow::Cow;
use std::collections::HashSet;

use super::section::Section;
use super::symbol::{Binding, Home, Symbol, SymbolKind};
use super::target::Target;
use crate::insn::{ByteOrder, Raw, decode};

/// A function in a section of code.
#[derive(Debug, Clone)]
pub struct ObjectFunction<'d> {
    /// Its name.
    pub name: Cow<'d, str>,
    /// The number of its section.
    pub section: usize,
    /// Where it begins in the section, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// What it is for.
    pub role: FunctionRole,
    /// Whether its symbol says that it is a function. Clang before 9 gives symbols no type, and libbpf knows no
    /// function without.
    pub is_typed: bool,
}

/// What a function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionRole {
    /// A program: its section says where it is to be attached.
    Program,
    /// A function that programs call: it stands in `.text`, or is static.
    Subprogram,
}

/// Returns the functions by section and offset, as `llvm-objdump` and the loaders tell them: by section and binding,
/// since the symbols of clang before 9 have no type.
pub(super) fn functions<'d>(
    sections: &[Section<'d>],
    symbols: &[Symbol<'d>],
    order: ByteOrder,
) -> Vec<ObjectFunction<'d>> {
    let code_of = |symbol: &Symbol<'d>| match symbol.home {
        Home::Section(index) => sections.get(index.checked_sub(1)?),
        Home::Undefined | Home::Absolute => None,
    };
    let code_of = |symbol: &Symbol<'d>| code_of(symbol).filter(|section| section.is_code());
    let is_local = |symbol: &Symbol<'d>| symbol.binding == Binding::Local;
    let is_nameless = |symbol: &Symbol<'d>| symbol.name.is_empty();
    // Without a type, a static function looks as the label of a jump does; only it is called.
    let has_labels = symbols.iter().any(|symbol| {
        symbol.kind == SymbolKind::Untyped && is_local(symbol) && code_of(symbol).is_some()
    });
    let called = match has_labels {
        true => called(sections, symbols, order),
        false => HashSet::new(),
    };
    let function = |symbol: &Symbol<'d>| {
        let section = code_of(symbol)?;
        let is_function = match symbol.kind {
            SymbolKind::Function => true,
            SymbolKind::Untyped if is_nameless(symbol) => false,
            SymbolKind::Untyped if is_local(symbol) => {
                called.contains(&(section.index, symbol.value))
            }
            SymbolKind::Untyped => true,
            SymbolKind::Object | SymbolKind::Section | SymbolKind::File | SymbolKind::Other(_) => {
                false
            }
        };
        let role = match section.is_text() || is_local(symbol) {
            true => FunctionRole::Subprogram,
            false => FunctionRole::Program,
        };
        is_function.then(|| ObjectFunction {
            name: symbol.name.clone(),
            section: section.index,
            offset: symbol.value,
            size: symbol.size,
            role,
            is_typed: symbol.kind == SymbolKind::Function,
        })
    };
    let mut functions: Vec<ObjectFunction<'d>> = symbols.iter().filter_map(function).collect();
    // Beside functions with a type, libbpf takes one without for no program.
    if functions.iter().any(|function| function.is_typed) {
        let untyped = functions.iter_mut().filter(|function| !function.is_typed);
        untyped.for_each(|function| function.role = FunctionRole::Subprogram);
    }
    functions.sort_by_key(|function| (function.section, function.offset));
    fill_sizes(&mut functions, sections);
    functions
}

/// A symbol without a type has no size either: its function ends where the next one begins.
fn fill_sizes(functions: &mut [ObjectFunction<'_>], sections: &[Section<'_>]) {
    let mut next: Option<(usize, u64)> = None;
    for function in functions.iter_mut().rev() {
        let end = match next {
            Some((section, offset)) if section == function.section => offset,
            Some(_) | None => sections[function.section - 1].size,
        };
        if function.size == 0 {
            function.size = end.saturating_sub(function.offset);
        }
        // Two names of one place are one function.
        if next != Some((function.section, function.offset)) {
            next = Some((function.section, function.offset));
        }
    }
}

/// The places that are called, or whose address is taken: section and offset.
fn called(
    sections: &[Section<'_>],
    symbols: &[Symbol<'_>],
    order: ByteOrder,
) -> HashSet<(usize, u64)> {
    let mut called = HashSet::new();
    for section in sections.iter().filter(|section| section.is_code()) {
        for decoded in decode(section.data, order).flatten() {
            let offset = (decoded.slot * Raw::LEN) as u64;
            let target = Target::of(symbols, section, offset, &decoded.instruction);
            if let Some(Target::Place {
                section, offset, ..
            }) = target
            {
                called.insert((section, offset));
            }
        }
    }
    called
}
