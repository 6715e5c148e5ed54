//! The instructions of an object file, by where they lie in it.

use crate::insn::Raw;
use crate::object::{BpfObject, ObjectFunction, Section};

/// An instruction in an object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstructionOrigin {
    /// The index of its section.
    pub section: usize,
    /// The bytes before it in the section.
    pub offset: u64,
}

/// A section of instructions.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// Where each instruction in it begins, in bytes.
    pub(super) offsets: Vec<u32>,
    /// Offset and name of each function in it, in order.
    pub(super) functions: Vec<(u64, String)>,
}

pub(super) fn codes(object: &BpfObject<'_>) -> Vec<Code> {
    let sections = object.sections().iter();
    let sections = sections.filter(|section| section.is_code() && !section.data.is_empty());
    let code = |section: &Section<'_>| {
        let inside = |function: &&ObjectFunction<'_>| function.section == section.index;
        let functions = object.functions().iter().filter(inside);
        let decoded = object.code(section).flatten();
        Code {
            index: section.index,
            name: section.name.clone().into_owned(),
            bytes: section.data.to_vec(),
            offsets: decoded
                .map(|decoded| (decoded.slot * Raw::LEN) as u32)
                .collect(),
            functions: functions
                .map(|function| (function.offset, function.name.clone().into_owned()))
                .collect(),
        }
    };
    sections.map(code).collect()
}
