//! Sections, symbols and relocations, as the `object` crate reads them.

use std::borrow::Cow;

use ::object::Endianness;
use ::object::elf::{self, FileHeader64};
use ::object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym, SymbolTable};

use super::error::ObjectError;
use super::section::{Relocation, Section};
use super::symbol::{Binding, Home, Symbol, SymbolKind};
use crate::insn::ByteOrder;

type Header = FileHeader64<Endianness>;
type ElfParts<'d> = (ByteOrder, Vec<Section<'d>>, Vec<Symbol<'d>>);

/// How often a byte of the file may be part of a symbol's name: names share their ends, and a section's own symbol
/// has the section's name.
const NAMES: usize = 4;

pub fn read(data: &[u8]) -> Result<ElfParts<'_>, ObjectError> {
    check_start(data)?;
    let header = Header::parse(data).map_err(|why| ObjectError::broken("the ELF header", why))?;
    let endian = header
        .endian()
        .map_err(|why| ObjectError::broken("the ELF header", why))?;
    let kind = header.e_type.get(endian);
    if kind != elf::ET_REL {
        return Err(ObjectError::Kind { kind: kind.0 });
    }
    let table = header.sections(endian, data).map_err(|why| {
        ObjectError::broken("the section headers", why).at(header.e_shoff(endian))
    })?;
    let order = match endian {
        Endianness::Little => ByteOrder::Little,
        Endianness::Big => ByteOrder::Big,
    };
    let mut sections = sections(endian, data, &table)?;
    let symbol_table = table
        .symbols(endian, data, elf::SHT_SYMTAB)
        .map_err(|why| ObjectError::broken("the symbol table", why))?;
    let symbols = symbols(endian, &symbol_table, &sections, NAMES * data.len())?;
    relocations(endian, data, &table, &mut sections)?;
    Ok((order, sections, symbols))
}

/// Says of a foreign file what it is, before anything else is read.
fn check_start(data: &[u8]) -> Result<(), ObjectError> {
    if !data.starts_with(&elf::ELFMAG) {
        let start = data.iter().take(4).copied().collect();
        return Err(ObjectError::NotElf { start });
    }
    // e_machine is at the same place in 32-bit headers.
    let (Some(class), Some(encoding), Some(machine)) = (data.get(4), data.get(5), data.get(18..20))
    else {
        let why = "the file ends within it";
        return Err(ObjectError::broken("the ELF header", why).at(data.len() as u64));
    };
    let machine = [machine[0], machine[1]];
    let machine = match elf::DataEncoding(*encoding) {
        elf::ELFDATA2MSB => u16::from_be_bytes(machine),
        _ => u16::from_le_bytes(machine),
    };
    if elf::Machine(machine) != elf::EM_BPF {
        let machine = machine_name(machine);
        return Err(ObjectError::Machine { machine });
    }
    match elf::FileClass(*class) {
        elf::ELFCLASS64 => Ok(()),
        _ => Err(ObjectError::Class),
    }
}

fn machine_name(machine: u16) -> String {
    let name = match elf::Machine(machine) {
        elf::EM_X86_64 => "x86-64",
        elf::EM_386 => "x86",
        elf::EM_AARCH64 => "arm64",
        elf::EM_ARM => "arm",
        elf::EM_RISCV => "RISC-V",
        elf::EM_S390 => "s390",
        elf::EM_PPC64 => "ppc64",
        elf::EM_LOONGARCH => "LoongArch",
        _ => return format!("machine {machine}"),
    };
    name.to_owned()
}

fn sections<'d>(
    endian: Endianness,
    data: &'d [u8],
    table: &SectionTable<'d, Header>,
) -> Result<Vec<Section<'d>>, ObjectError> {
    // In what a compiler makes no byte is in two sections. In a hostile file all of it may be in each, and what is
    // made of a section would take more memory than the file's size lets expect.
    let mut left = data.len();
    let mut sections = Vec::with_capacity(table.len());
    for (index, header) in table.enumerate().skip(1) {
        let index = index.0;
        let name = table
            .section_name(endian, header)
            .map_err(|why| ObjectError::broken(format!("the name of section {index}"), why))?;
        let name = String::from_utf8_lossy(name);
        let offset = header.sh_offset(endian);
        let bytes = header.data(endian, data).map_err(|why| {
            ObjectError::broken(format!("section {index}, `{}`", name.escape_debug()), why)
                .at(offset)
        })?;
        left = left.checked_sub(bytes.len()).ok_or(ObjectError::Overlap)?;
        sections.push(Section {
            index,
            name,
            kind: header.sh_type(endian).0,
            flags: header.sh_flags(endian).0,
            offset,
            size: header.sh_size(endian),
            align: header.sh_addralign(endian),
            data: bytes,
            relocations: Vec::new(),
        });
    }
    Ok(sections)
}

fn symbols<'d>(
    endian: Endianness,
    table: &SymbolTable<'d, Header>,
    sections: &[Section<'d>],
    mut names: usize,
) -> Result<Vec<Symbol<'d>>, ObjectError> {
    let mut symbols = Vec::with_capacity(table.len());
    for (index, symbol) in table.enumerate().skip(1) {
        let home = match symbol.st_shndx(endian) {
            elf::SHN_UNDEF => Home::Undefined,
            elf::SHN_XINDEX => table
                .shndx(endian, index)
                .map_or(Home::Undefined, |index| Home::Section(index as usize)),
            number if number.0 >= elf::SHN_LORESERVE => Home::Absolute,
            number => Home::Section(usize::from(number.0)),
        };
        let kind = match symbol.st_type() {
            elf::STT_NOTYPE => SymbolKind::Untyped,
            elf::STT_OBJECT => SymbolKind::Object,
            elf::STT_FUNC => SymbolKind::Function,
            elf::STT_SECTION => SymbolKind::Section,
            elf::STT_FILE => SymbolKind::File,
            other => SymbolKind::Other(other.0),
        };
        let binding = match symbol.st_bind() {
            elf::STB_LOCAL => Binding::Local,
            elf::STB_GLOBAL => Binding::Global,
            elf::STB_WEAK => Binding::Weak,
            other => Binding::Other(other.0),
        };
        // A name that points nowhere is shown as none: the rest of the symbol is still worth a line.
        let own = symbol.name(endian, table.strings()).unwrap_or_default();
        let name = match (kind, home) {
            (SymbolKind::Section, Home::Section(index)) if own.is_empty() => {
                let section = index.checked_sub(1).and_then(|place| sections.get(place));
                section.map_or(Cow::Borrowed(""), |section| section.name.clone())
            }
            _ => String::from_utf8_lossy(own),
        };
        names = names.checked_sub(name.len()).ok_or(ObjectError::Overlap)?;
        symbols.push(Symbol {
            index: index.0,
            name,
            value: symbol.st_value(endian),
            size: symbol.st_size(endian),
            kind,
            binding,
            home,
        });
    }
    Ok(symbols)
}

fn relocations(
    endian: Endianness,
    data: &[u8],
    table: &SectionTable<'_, Header>,
    sections: &mut [Section<'_>],
) -> Result<(), ObjectError> {
    for (index, header) in table.enumerate().skip(1) {
        let broken = |why| {
            let what = format!("the relocations in section {}", index.0);
            ObjectError::broken(what, why).at(header.sh_offset(endian))
        };
        let plain = header.rel(endian, data).map_err(broken)?;
        let plain = plain.map(|(entries, _)| entries).unwrap_or_default();
        let added = header.rela(endian, data).map_err(broken)?;
        let added = added.map(|(entries, _)| entries).unwrap_or_default();
        let applies_to = header.sh_info(endian) as usize;
        let section = applies_to.checked_sub(1);
        let Some(section) = section.and_then(|place| sections.get_mut(place)) else {
            continue;
        };
        section.relocations.reserve(plain.len() + added.len());
        for entry in plain {
            section.relocations.push(Relocation {
                offset: entry.r_offset.get(endian),
                symbol: entry.r_sym(endian) as usize,
                addend: None,
            });
        }
        for entry in added {
            section.relocations.push(Relocation {
                offset: entry.r_offset.get(endian),
                symbol: entry.r_sym(endian, false) as usize,
                addend: Some(entry.r_addend.get(endian)),
            });
        }
    }
    for section in sections {
        section
            .relocations
            .sort_by_key(|relocation| relocation.offset);
    }
    Ok(())
}
