//! A whole object file.

use std::borrow::Cow;

use super::btf::Btf;
use super::error::ObjectError;
use super::function::{FunctionRole, ObjectFunction};
use super::lines::LineInfo;
use super::map::Map;
use super::section::{Section, range};
use super::symbol::{Home, Symbol, SymbolKind};
use super::{elf, function, map};
use crate::insn::{ByteOrder, Instructions, decode};

/// A BPF object file.
#[derive(Debug, Clone)]
pub struct BpfObject<'d> {
    order: ByteOrder,
    sections: Vec<Section<'d>>,
    symbols: Vec<Symbol<'d>>,
    functions: Vec<ObjectFunction<'d>>,
    maps: Vec<Map<'d>>,
    /// The places in `symbols` of those that name data, by section and offset.
    variables: Vec<usize>,
    btf: Option<Btf<'d>>,
    lines: LineInfo,
    flaw: Option<ObjectError>,
}

/// What the compiler's `-g` adds.
#[derive(Debug, Default)]
struct DebugInfo<'d> {
    btf: Option<Btf<'d>>,
    lines: LineInfo,
}

impl<'d> DebugInfo<'d> {
    fn read(sections: &[Section<'d>], order: ByteOrder) -> Result<Self, ObjectError> {
        let named = |name: &str| sections.iter().find(|section| section.name == name);
        let Some(section) = named(".BTF") else {
            return Ok(Self::default());
        };
        let btf = Btf::parse(section.data, order).map_err(|error| {
            let place = section.offset + error.offset() as u64;
            ObjectError::broken("the BTF", error).at(place)
        })?;
        let lines = match named(".BTF.ext") {
            Some(section) => LineInfo::parse(section.data, order, &btf).map_err(|error| {
                let place = section.offset + error.offset() as u64;
                ObjectError::broken("the line information", error).at(place)
            })?,
            None => LineInfo::default(),
        };
        let btf = Some(btf);
        Ok(Self { btf, lines })
    }
}

impl<'d> BpfObject<'d> {
    /// Reads an object from the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] for what is no BPF object, is cut off or damaged. An object without programs, BTF or
    /// licence is none, and one whose BTF is damaged or too new has a [`flaw`](Self::flaw).
    pub fn parse(data: &'d [u8]) -> Result<Self, ObjectError> {
        let (order, sections, symbols) = elf::read(data)?;
        let (debug, flaw) = match DebugInfo::read(&sections, order) {
            Ok(debug) => (debug, None),
            // The code is there all the same, and newer compilers write kinds of types that we do not know.
            Err(flaw) => (DebugInfo::default(), Some(flaw)),
        };
        let DebugInfo { btf, lines } = debug;
        let functions = function::functions(&sections, &symbols, order);
        let maps = map::maps(&sections, &symbols, order, btf.as_ref());
        let variables = variables(&symbols);
        Ok(Self {
            order,
            sections,
            symbols,
            functions,
            maps,
            variables,
            btf,
            lines,
            flaw,
        })
    }

    /// Returns the order of bytes: little-endian for `-target bpf` on most machines.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// Returns the sections in the order of their headers, the empty one at 0 left out.
    pub fn sections(&self) -> &[Section<'d>] {
        &self.sections
    }

    /// Returns the section with a number.
    pub fn section(&self, index: usize) -> Option<&Section<'d>> {
        let place = self
            .sections
            .binary_search_by_key(&index, |section| section.index);
        place.ok().map(|place| &self.sections[place])
    }

    /// Returns the first section with a name.
    pub fn section_named(&self, name: &str) -> Option<&Section<'d>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Returns the symbols in the order of their table, the empty one at 0 left out.
    pub fn symbols(&self) -> &[Symbol<'d>] {
        &self.symbols
    }

    /// Returns the functions in sections of code, by section and offset; programs are among them.
    pub fn functions(&self) -> &[ObjectFunction<'d>] {
        &self.functions
    }

    /// Returns the functions that are programs, by section and offset.
    pub fn programs(&self) -> impl Iterator<Item = &ObjectFunction<'d>> {
        self.functions
            .iter()
            .filter(|function| function.role == FunctionRole::Program)
    }

    /// Returns the functions that are no programs, by section and offset.
    pub fn subprograms(&self) -> impl Iterator<Item = &ObjectFunction<'d>> {
        self.functions
            .iter()
            .filter(|function| function.role == FunctionRole::Subprogram)
    }

    /// Returns whether no symbol says that it is a function, so that libbpf finds none.
    pub fn is_untyped(&self) -> bool {
        !self.functions.is_empty() && self.functions.iter().all(|function| !function.is_typed)
    }

    /// Returns the maps that the object defines, legacy ones among them.
    pub fn maps(&self) -> &[Map<'d>] {
        &self.maps
    }

    /// Returns the type information, if the object was compiled with `-g`.
    pub fn btf(&self) -> Option<&Btf<'d>> {
        self.btf.as_ref()
    }

    /// Returns why the type information, or the lines of C, cannot be read; then there are none.
    pub fn flaw(&self) -> Option<&ObjectError> {
        self.flaw.as_ref()
    }

    /// Returns the licence that the kernel will be told, up to its first zero byte.
    pub fn license(&self) -> Option<Cow<'d, str>> {
        let data = self.section_named("license")?.data;
        let text = data.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text))
    }

    /// Returns the instructions of a section of code.
    pub fn code(&self, section: &Section<'d>) -> Instructions<'d> {
        decode(section.data, self.order)
    }

    /// Returns the instructions of a function. Slots count from the start of the function.
    pub fn function_code(&self, function: &ObjectFunction<'_>) -> Instructions<'d> {
        let data = self
            .section(function.section)
            .map_or(&[][..], |section| section.data);
        let bytes = range(data, function.offset, function.size);
        decode(bytes, self.order)
    }

    /// Returns the function that begins at an offset of a section, in bytes.
    pub fn function_at(&self, section: usize, offset: u64) -> Option<&ObjectFunction<'d>> {
        let place = (section, offset);
        let before = |function: &ObjectFunction<'d>| (function.section, function.offset) < place;
        let first = self.functions.get(self.functions.partition_point(before))?;
        ((first.section, first.offset) == place).then_some(first)
    }

    /// Returns the map that begins at an offset of a section, in bytes.
    pub(super) fn map_at(&self, section: usize, offset: u64) -> Option<&Map<'d>> {
        let place = (section, offset);
        let before = |map: &Map<'d>| (map.section, map.offset) < place;
        let first = self.maps.get(self.maps.partition_point(before))?;
        ((first.section, first.offset) == place).then_some(first)
    }

    /// Returns the symbol of the variable at an offset of a section, in bytes.
    pub(super) fn variable_at(&self, section: usize, offset: u64) -> Option<&Symbol<'d>> {
        let place = |symbol: usize| match self.symbols[symbol].home {
            Home::Section(index) => (index, self.symbols[symbol].value),
            Home::Undefined | Home::Absolute => (0, 0),
        };
        let after = |symbol: &usize| place(*symbol) <= (section, offset);
        let last = self.variables.partition_point(after).checked_sub(1)?;
        let symbol = self.variables[last];
        let (index, start) = place(symbol);
        let symbol = &self.symbols[symbol];
        let inside = offset.checked_sub(start)?;
        (index == section && (inside == 0 || inside < symbol.size)).then_some(symbol)
    }

    /// Returns the line of C that an instruction was made of: `offset` in bytes from the start of its section.
    pub fn line(&self, section: &str, offset: u64) -> Option<SourcePosition<'d>> {
        let btf = self.btf.as_ref()?;
        let record = self.lines.find(section, offset)?;
        Some(SourcePosition {
            file: btf.string(record.file)?,
            text: btf.string(record.text)?,
            line: record.line,
            column: record.column,
            starts_here: u64::from(record.offset) == offset,
        })
    }

    /// Returns whether the object says which line of C each instruction comes from.
    pub fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }
}

/// The places of the symbols that may name data, by section and offset.
fn variables(symbols: &[Symbol<'_>]) -> Vec<usize> {
    let key = |place: &usize| match (symbols[*place].kind, symbols[*place].home) {
        (SymbolKind::Object | SymbolKind::Untyped, Home::Section(index)) => {
            Some((index, symbols[*place].value))
        }
        _ => None,
    };
    let mut places: Vec<usize> = (0..symbols.len())
        .filter(|place| key(place).is_some() && !symbols[*place].name.is_empty())
        .collect();
    places.sort_by_key(key);
    places
}

/// A line of C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePosition<'d> {
    /// The file, as the compiler was called with it.
    pub file: Cow<'d, str>,
    /// The line's text.
    pub text: Cow<'d, str>,
    /// Its number, from 1.
    pub line: u32,
    /// The column, from 1; 0 where it is unknown.
    pub column: u32,
    /// Whether the instruction is the first that was made of it here.
    pub starts_here: bool,
}
