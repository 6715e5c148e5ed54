//! The sections of an object file, and the places that its loader fills in.

use std::borrow::Cow;

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
    /// Its size in bytes; one without bytes in the file has a size too.
    pub size: u64,
    /// Its alignment, in bytes.
    pub align: u64,
    /// Its bytes in the file.
    pub data: &'d [u8],
    /// Its relocations, by offset.
    pub relocations: Vec<Relocation>,
}

/// A place that the object's loader fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// Where, in bytes from the start of the section.
    pub offset: u64,
    /// The number of the symbol with whose address.
    pub symbol: usize,
    /// The number to add; where it is missing, the number that stands in the place itself is added.
    pub addend: Option<i64>,
}

const SHF_EXECINSTR: u64 = 4;

impl Section<'_> {
    /// Returns whether it holds code.
    pub fn is_code(&self) -> bool {
        self.flags & SHF_EXECINSTR != 0
    }

    /// Returns whether it is where compilers put functions that name no section of their own.
    pub fn is_text(&self) -> bool {
        self.name == ".text" || self.name.starts_with(".text.")
    }

    /// Returns the relocation at an offset in bytes.
    pub fn relocation(&self, offset: u64) -> Option<&Relocation> {
        let place = self
            .relocations
            .binary_search_by_key(&offset, |relocation| relocation.offset);
        place.ok().map(|place| &self.relocations[place])
    }
}

/// Returns the part of `data` that an offset and a size name, as far as it goes.
pub(crate) fn range(data: &[u8], offset: u64, size: u64) -> &[u8] {
    let len = data.len();
    let start = usize::try_from(offset).unwrap_or(len).min(len);
    let end = usize::try_from(offset.saturating_add(size)).unwrap_or(len);
    &data[start..end.clamp(start, len)]
}
