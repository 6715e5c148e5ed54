//! The symbols of an object file.

use std::borrow::Cow;

/// A symbol.
#[derive(Debug, Clone)]
pub struct Symbol<'d> {
    /// Its number in the symbol table.
    pub index: usize,
    /// Its name; that of a section's own symbol is the section's.
    pub name: Cow<'d, str>,
    /// Its value: an offset in its section.
    pub value: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The kind of object that it names.
    pub kind: SymbolKind,
    /// Whether other objects see it.
    pub binding: Binding,
    /// Where it is.
    pub home: Home,
}

/// The kind of object that a symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// Nothing that is said.
    Untyped,
    /// Data, a map among it.
    Object,
    /// A function.
    Function,
    /// A section.
    Section,
    /// The source file.
    File,
    /// Another type of ELF's.
    Other(u8),
}

/// Whether other objects see a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// They do not.
    Local,
    /// They do.
    Global,
    /// They do, and may replace it.
    Weak,
    /// Another binding of ELF's.
    Other(u8),
}

/// Where a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Elsewhere: the object's loader finds it.
    Undefined,
    /// Nowhere: its value is a number.
    Absolute,
    /// In the section with that number.
    Section(usize),
}

impl Symbol<'_> {
    /// Returns the name, which is empty for a section's own symbol: its name is the section's.
    pub fn own_name(&self) -> &str {
        match self.kind {
            SymbolKind::Section => "",
            SymbolKind::Untyped
            | SymbolKind::Object
            | SymbolKind::Function
            | SymbolKind::File
            | SymbolKind::Other(_) => &self.name,
        }
    }
}
