//! Which line of C each instruction comes from: the line records of `.BTF.ext`
//! (`Documentation/bpf/btf.rst` of the kernel, section 4.2).

use std::collections::HashMap;

use super::btf::{Btf, BtfError, Words, header};
use crate::insn::ByteOrder;

/// The header's length up to and with the place of the line records.
const HEADER: usize = 24;
/// The length of a record that every version has.
const RECORD: u32 = 16;

/// The line records of an object, by section.
#[derive(Debug, Clone, Default)]
pub struct LineInfo {
    /// The records by the section's name, each by offset.
    sections: HashMap<String, Vec<LineRecord>>,
}

/// A line record; texts are places in the strings of `.BTF`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRecord {
    /// The first instruction it is about, in bytes from the start of the section.
    pub offset: u32,
    /// The file's name.
    pub file: u32,
    /// The line's text.
    pub text: u32,
    /// The line's number, from 1; 0 for code that comes from no line.
    pub line: u32,
    /// The column, from 1; 0 where it is unknown.
    pub column: u32,
}

impl LineInfo {
    /// Reads the section `.BTF.ext`, whose texts stand in `btf`.
    ///
    /// # Errors
    ///
    /// [`BtfError`], with the place in the section.
    pub fn parse(data: &[u8], order: ByteOrder, btf: &Btf<'_>) -> Result<Self, BtfError> {
        let words = Words { data, order };
        let header = header(words, HEADER)?;
        let word = |offset: usize, what: &'static str| {
            words.at(offset).ok_or(BtfError::Cut { what, offset })
        };
        let what = "its line records";
        let start = word(16, what)? as usize + header;
        let end = start.saturating_add(word(20, what)? as usize);
        if start == end {
            return Ok(Self::default());
        }
        if end > data.len() {
            return Err(BtfError::Cut {
                what,
                offset: start,
            });
        }
        let size = word(start, what)?;
        if size < RECORD || size % 4 != 0 {
            let offset = start;
            return Err(BtfError::Record { size, offset });
        }
        let mut sections: HashMap<String, Vec<LineRecord>> = HashMap::new();
        let mut at = start + 4;
        while at < end {
            let name = word(at, "a section of line records")?;
            let count = word(at + 4, "a section of line records")? as usize;
            at += 8;
            // Each record is there, so that no count can ask for more memory than the file's size.
            let len = count.checked_mul(size as usize);
            let next = len
                .and_then(|len| at.checked_add(len))
                .filter(|next| *next <= end);
            let next = next.ok_or(BtfError::Cut { what, offset: at })?;
            let offsets = (at..next).step_by(size as usize);
            let records = offsets.filter_map(|at| record(words, at));
            let name = btf.string(name).unwrap_or_default().into_owned();
            sections.entry(name).or_default().extend(records);
            at = next;
        }
        for records in sections.values_mut() {
            records.sort_by_key(|record| record.offset);
        }
        Ok(Self { sections })
    }

    /// Returns whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.sections.values().all(Vec::is_empty)
    }

    /// Returns the record that an instruction belongs to: `offset` in bytes from the start of its section.
    pub fn find(&self, section: &str, offset: u64) -> Option<LineRecord> {
        let records = self.sections.get(section)?;
        let after = records.partition_point(|record| u64::from(record.offset) <= offset);
        records.get(after.checked_sub(1)?).copied()
    }
}

fn record(words: Words<'_>, at: usize) -> Option<LineRecord> {
    // The line and the column share a word.
    let place = words.at(at + 12)?;
    Some(LineRecord {
        offset: words.at(at)?,
        file: words.at(at + 4)?,
        text: words.at(at + 8)?,
        line: place >> 10,
        column: place & 0x3ff,
    })
}
