//! A whole object file.

use std::borrow::Cow;

use super::btf::Btf;
use super::error::ObjectError;
use super::lines::LineInfo;
use super::map::Map;
use super::program::Program;
use super::section::Section;
use super::symbol::Symbol;
use super::{elf, map, program};
use crate::insn::{ByteOrder, Instructions, decode};

/// A BPF object file.
#[derive(Debug, Clone)]
pub struct BpfObject<'d> {
    order: ByteOrder,
    sections: Vec<Section<'d>>,
    symbols: Vec<Symbol<'d>>,
    programs: Vec<Program<'d>>,
    maps: Vec<Map<'d>>,
    btf: Option<Btf<'d>>,
    lines: LineInfo,
}

impl<'d> BpfObject<'d> {
    /// Reads an object from the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] for what is no BPF object, is cut off or damaged. An object without programs, BTF or
    /// licence is none.
    pub fn parse(data: &'d [u8]) -> Result<Self, ObjectError> {
        let (order, sections, symbols) = elf::read(data)?;
        let named = |name: &str| sections.iter().find(|section| section.name == name);
        let btf = named(".BTF").map(|section| Btf::parse(section.data, order));
        let btf = btf.transpose().map_err(|error| {
            let place = named(".BTF").map_or(0, |section| section.offset);
            ObjectError::broken("the BTF", error).at(place + error.offset() as u64)
        })?;
        let lines = named(".BTF.ext").zip(btf.as_ref());
        let lines = lines.map(|(section, btf)| LineInfo::parse(section.data, order, btf));
        let lines = lines.transpose().map_err(|error| {
            let place = named(".BTF.ext").map_or(0, |section| section.offset);
            ObjectError::broken("the line information", error).at(place + error.offset() as u64)
        })?;
        let programs = program::programs(&sections, &symbols);
        let maps = map::maps(&sections, &symbols, order, btf.as_ref());
        Ok(Self {
            order,
            sections,
            symbols,
            programs,
            maps,
            btf,
            lines: lines.unwrap_or_default(),
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

    /// Returns the functions in sections of code, by section and offset.
    pub fn programs(&self) -> &[Program<'d>] {
        &self.programs
    }

    /// Returns the maps that the object defines, legacy ones among them.
    pub fn maps(&self) -> &[Map<'d>] {
        &self.maps
    }

    /// Returns the type information, if the object was compiled with `-g`.
    pub fn btf(&self) -> Option<&Btf<'d>> {
        self.btf.as_ref()
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

    /// Returns the instructions of a program. Slots count from the start of the program.
    pub fn program_code(&self, program: &Program<'_>) -> Instructions<'d> {
        let data = self
            .section(program.section)
            .map_or(&[][..], |section| section.data);
        let bytes = range(data, program.offset, program.size);
        decode(bytes, self.order)
    }

    /// Returns the function that begins at an offset of a section, in bytes.
    pub fn program_at(&self, section: usize, offset: u64) -> Option<&Program<'d>> {
        let place = self
            .programs
            .binary_search_by_key(&(section, offset), |program| {
                (program.section, program.offset)
            });
        place.ok().map(|place| &self.programs[place])
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

/// Returns the part of `data` that an offset and a size name, as far as it goes.
pub(crate) fn range(data: &[u8], offset: u64, size: u64) -> &[u8] {
    let len = data.len();
    let start = usize::try_from(offset).unwrap_or(len).min(len);
    let end = usize::try_from(offset.saturating_add(size)).unwrap_or(len);
    &data[start..end.clamp(start, len)]
}
