//! The part of BTF, the kernel's type information, that maps and lines need
//! (`Documentation/bpf/btf.rst` of the kernel).

use std::borrow::Cow;

use crate::insn::ByteOrder;

pub(crate) const MAGIC: u16 = 0xeb9f;
/// The length of the header that every version has.
const HEADER: usize = 24;
const TYPE: usize = 12;
/// As much of a string is read: one that is longer could be repeated for each instruction.
const STRING: usize = 1024;

/// Why BTF cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// It ends within something.
    #[error("it ends within {what}")]
    Cut {
        /// Within what.
        what: &'static str,
        /// Where that begins, in bytes.
        offset: usize,
    },
    /// It does not begin as BTF does.
    #[error("it begins with {found:#06x}, not with 0xeb9f")]
    Magic {
        /// Its first two bytes.
        found: u16,
    },
    /// A type is of a kind that is newer than this reader.
    #[error("a type is of kind {kind}, which is unknown")]
    Kind {
        /// The kind's number.
        kind: u8,
        /// Where the type begins, in bytes.
        offset: usize,
    },
    /// A record is too short for what it must hold.
    #[error("it says that a record takes {size} bytes, which cannot be")]
    Record {
        /// The size it says.
        size: u32,
        /// Where it says so, in bytes.
        offset: usize,
    },
}

impl BtfError {
    /// Returns where, in bytes from the start of the section.
    pub fn offset(&self) -> usize {
        match self {
            Self::Cut { offset, .. } | Self::Kind { offset, .. } | Self::Record { offset, .. } => {
                *offset
            }
            Self::Magic { .. } => 0,
        }
    }
}

/// Type information.
#[derive(Debug, Clone)]
pub struct Btf<'d> {
    data: &'d [u8],
    order: ByteOrder,
    strings: &'d [u8],
    /// Where each type begins in `data`; the first has the number 1.
    types: Vec<u32>,
}

/// The kind of a type; all kinds that nothing here looks into are `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type<'b> {
    /// Something with a size of its own.
    Sized(u32),
    Pointer(u32),
    Array {
        element: u32,
        count: u32,
    },
    Struct {
        size: u32,
        members: &'b [u8],
    },
    /// Another name, or a qualifier, of a type.
    Alias(u32),
    Variable(u32),
    Other,
}

/// The 32-bit numbers of a section, in its order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'d> {
    pub data: &'d [u8],
    pub order: ByteOrder,
}

impl Words<'_> {
    pub fn at(&self, offset: usize) -> Option<u32> {
        let bytes = self.data.get(offset..offset.checked_add(4)?)?;
        Some(self.order.u32(bytes.try_into().ok()?))
    }
}

/// Checks the beginning that `.BTF` and `.BTF.ext` share, and returns the header's length.
pub(crate) fn header(words: Words<'_>, least: usize) -> Result<usize, BtfError> {
    let what = "its header";
    let cut = BtfError::Cut { what, offset: 0 };
    let magic = words.data.get(..2).ok_or(cut)?;
    let found = words.order.u16([magic[0], magic[1]]);
    if found != MAGIC {
        return Err(BtfError::Magic { found });
    }
    let len = words.at(4).ok_or(cut)? as usize;
    match len >= least && words.data.len() >= len {
        true => Ok(len),
        false => Err(cut),
    }
}

/// Returns the part whose offset and length stand at `at` in the header, and where it begins; offsets count from the
/// header's end.
pub(crate) fn part<'d>(
    words: Words<'d>,
    header: usize,
    at: usize,
    what: &'static str,
) -> Result<(usize, &'d [u8]), BtfError> {
    let part = || {
        let start = header.checked_add(words.at(at)? as usize)?;
        let end = start.checked_add(words.at(at + 4)? as usize)?;
        Some((start, words.data.get(start..end)?))
    };
    part().ok_or(BtfError::Cut { what, offset: at })
}

impl<'d> Btf<'d> {
    /// Reads the section `.BTF`.
    ///
    /// # Errors
    ///
    /// [`BtfError`], with the place in the section.
    pub fn parse(data: &'d [u8], order: ByteOrder) -> Result<Self, BtfError> {
        let words = Words { data, order };
        let header = header(words, HEADER)?;
        let (start, types) = part(words, header, 8, "its types")?;
        let (_, strings) = part(words, header, 16, "its strings")?;
        let types = starts(words, start, start + types.len())?;
        Ok(Self {
            data,
            order,
            strings,
            types,
        })
    }

    /// Returns how many types there are.
    pub fn type_count(&self) -> usize {
        self.types.len()
    }

    /// Returns the string at an offset, or its first 1024 bytes; bytes that are no UTF-8 are replaced.
    pub fn string(&self, offset: u32) -> Option<Cow<'d, str>> {
        let rest = self.strings.get(offset as usize..)?;
        let rest = &rest[..rest.len().min(STRING)];
        let text = rest.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text))
    }

    pub(super) fn words(&self) -> Words<'d> {
        Words {
            data: self.data,
            order: self.order,
        }
    }

    /// Returns the numbers of all types.
    pub(super) fn ids(&self) -> std::ops::RangeInclusive<u32> {
        1..=self.types.len() as u32
    }

    pub(super) fn name(&self, id: u32) -> Option<Cow<'d, str>> {
        self.string(self.words().at(self.start(id)?)?)
    }

    pub(super) fn get(&self, id: u32) -> Option<Type<'d>> {
        let at = self.start(id)?;
        let words = self.words();
        let info = words.at(at + 4)?;
        let last = words.at(at + 8)?;
        let rest = self.data.get(at + TYPE..)?;
        Some(match kind_of(info) {
            1 | 6 | 16 | 19 => Type::Sized(last),
            2 => Type::Pointer(last),
            3 => Type::Array {
                element: words.at(at + TYPE)?,
                count: words.at(at + TYPE + 8)?,
            },
            4 | 5 => Type::Struct {
                size: last,
                members: rest.get(..(info & 0xffff) as usize * 12)?,
            },
            8..=11 | 18 => Type::Alias(last),
            14 => Type::Variable(last),
            _ => Type::Other,
        })
    }

    fn start(&self, id: u32) -> Option<usize> {
        let place = (id as usize).checked_sub(1)?;
        self.types.get(place).map(|start| *start as usize)
    }
}

fn kind_of(info: u32) -> u8 {
    (info >> 24 & 0x1f) as u8
}

/// Walks over the types; each says its own length.
fn starts(words: Words<'_>, mut at: usize, end: usize) -> Result<Vec<u32>, BtfError> {
    let mut starts = Vec::new();
    while at < end {
        let cut = BtfError::Cut {
            what: "a type",
            offset: at,
        };
        let info = words.at(at + 4).ok_or(cut)?;
        let count = (info & 0xffff) as usize;
        let kind = kind_of(info);
        let rest = match kind {
            1 | 14 | 17 => 4,
            2 | 7..=12 | 16 | 18 => 0,
            3 => 12,
            4 | 5 | 15 | 19 => 12 * count,
            6 | 13 => 8 * count,
            _ => return Err(BtfError::Kind { kind, offset: at }),
        };
        let next = at + TYPE + rest;
        if next > end {
            return Err(cut);
        }
        starts.push(at as u32);
        at = next;
    }
    Ok(starts)
}
