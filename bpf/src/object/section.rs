//! The sections of an object file.

use std::borrow::Cow;

use super::relocation::Relocation;

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
