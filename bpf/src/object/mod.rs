//! BPF object files: what the compiler put into one, read without a kernel and without loading anything.
//!
//! ```
//! use tutor_bpf::assemble::TinyObject;
//! use tutor_bpf::object::BpfObject;
//!
//! let elf = TinyObject::new("kprobe/vfs_mkdir").named("on_mkdir").to_elf()?;
//! let object = BpfObject::parse(&elf)?;
//! assert_eq!(object.programs()[0].name, "on_mkdir");
//! assert_eq!(object.license().as_deref(), Some("GPL"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ELF is read by the `object` crate. `.BTF.ext` of a file that nobody loaded is read by no crate that is kept
//! well, so the part of BTF that maps and lines need is read here, in [`btf`] and [`lines`].

pub mod btf;
mod elf;
mod error;
pub mod lines;
mod map;
mod relocation;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use crate::insn::{ByteOrder, Decoder, decode};
use btf::Btf;
use lines::LineInfo;

pub use error::ObjectError;
pub use map::{Map, MapDefinition};
pub use relocation::{Relocation, RelocationKind, Target};

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

/// A section.
#[derive(Debug, Clone)]
pub struct Section<'d> {
    /// Its number in the section headers.
    pub index: usize,
    /// Its name, such as `kprobe/sys_write`. Bytes that are no UTF-8 are replaced.
    pub name: Cow<'d, str>,
    /// Its type, a `SHT_*` of ELF.
    pub kind: u32,
    /// Its flags, `SHF_*` of ELF.
    pub flags: u64,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// Its size in bytes; one without bytes in the file has a size all the same.
    pub size: u64,
    /// What it is aligned to, in bytes.
    pub align: u64,
    /// Its bytes in the file.
    pub data: &'d [u8],
    /// Its relocations, by offset.
    pub relocations: Vec<Relocation>,
}

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
    /// What it names.
    pub kind: SymbolKind,
    /// Whether other objects see it.
    pub binding: Binding,
    /// Where it is.
    pub home: Home,
}

/// What a symbol names.
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
    /// Elsewhere: whoever loads the object finds it.
    Undefined,
    /// Nowhere: its value is a number.
    Absolute,
    /// In the section with that number.
    Section(usize),
}

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
    /// Whether other objects see it.
    pub binding: Binding,
}

const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;
const SHT_NOBITS: u32 = 8;

impl Section<'_> {
    /// Returns whether it holds code.
    pub fn is_code(&self) -> bool {
        self.flags & SHF_EXECINSTR != 0
    }

    /// Returns whether it holds data that a program can reach: `.data`, `.bss`, `.rodata` and their like.
    pub fn is_data(&self) -> bool {
        self.flags & SHF_ALLOC != 0 && !self.is_code()
    }

    /// Returns whether its bytes are zeroes that the file leaves out.
    pub fn is_empty_in_file(&self) -> bool {
        self.kind == SHT_NOBITS
    }

    /// Returns the relocation at an offset in bytes.
    pub fn relocation(&self, offset: u64) -> Option<&Relocation> {
        let place = self
            .relocations
            .binary_search_by_key(&offset, |relocation| relocation.offset);
        place.ok().map(|place| &self.relocations[place])
    }
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
        let programs = programs(&sections, &symbols);
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
    pub fn code(&self, section: &Section<'d>) -> Decoder<'d> {
        decode(section.data, self.order)
    }

    /// Returns the instructions of a program. Slots count from the start of the program.
    pub fn program_code(&self, program: &Program<'_>) -> Decoder<'d> {
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
    pub fn line(&self, section: &str, offset: u64) -> Option<SourceLine<'d>> {
        let btf = self.btf.as_ref()?;
        let record = self.lines.find(section, offset)?;
        Some(SourceLine {
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
pub struct SourceLine<'d> {
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

fn programs<'d>(sections: &[Section<'d>], symbols: &[Symbol<'d>]) -> Vec<Program<'d>> {
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
                binding: symbol.binding,
            })
        }
        _ => None,
    };
    let mut programs: Vec<Program<'d>> = symbols.iter().filter_map(program).collect();
    programs.sort_by_key(|program| (program.section, program.offset));
    programs
}
