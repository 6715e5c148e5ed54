//! Writes the sections `.BTF` and `.BTF.ext`, with a line for each instruction.

use super::code::{Code, InstructionOrigin};
use crate::insn::ByteOrder;
use crate::object::btf::{BtfError, MAGIC, Words, header, part};

/// The file name of the lines made here, for others who look at the loaded program.
const FILE: &str = "bytecode";
/// The length of the header of `.BTF.ext`, with the place of the relocations.
const EXT_HEADER: usize = 32;

/// The section `.BTF`: see `Documentation/bpf/btf.rst` of the kernel.
pub(super) struct BtfTypes {
    order: ByteOrder,
    types: Vec<u8>,
    count: u32,
    strings: Vec<u8>,
}

const TYPES_HEADER: usize = 24;

impl BtfTypes {
    pub(super) fn empty(order: ByteOrder) -> Self {
        Self {
            order,
            types: Vec::new(),
            count: 0,
            strings: vec![0],
        }
    }

    pub(super) fn read(data: &[u8], order: ByteOrder) -> Result<Self, BtfError> {
        let words = Words { data, order };
        let header = header(words, TYPES_HEADER)?;
        let (_, types) = part(words, header, 8, "its types")?;
        let (_, strings) = part(words, header, 16, "its strings")?;
        Ok(Self {
            order,
            types: types.to_vec(),
            count: 0,
            strings: strings.to_vec(),
        })
    }

    fn string(&mut self, text: &str) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend(text.bytes().filter(|&byte| byte != 0));
        self.strings.push(0);
        at
    }

    fn word(&mut self, word: u32) {
        self.types.extend(self.order.u32_bytes(word));
    }

    /// Adds a type of three words, and returns its id.
    fn add(&mut self, name: u32, kind: u32, size_or_type: u32) -> u32 {
        self.word(name);
        self.word(kind << 24);
        self.word(size_or_type);
        self.count += 1;
        self.count
    }

    /// Adds a type `int name(void)` for each function, and returns the records of `func_info`.
    pub(super) fn functions(&mut self, codes: &[Code]) -> Vec<u8> {
        // Kinds of types: BTF_KIND_INT, BTF_KIND_FUNC_PROTO, BTF_KIND_FUNC of `linux/btf.h`.
        const INT: u32 = 1;
        const FUNC: u32 = 12;
        const FUNC_PROTO: u32 = 13;
        const SIGNED_32_BITS: u32 = 1 << 24 | 32;
        let name = self.string("int");
        let int = self.add(name, INT, 4);
        self.word(SIGNED_32_BITS);
        let prototype = self.add(0, FUNC_PROTO, int);
        let mut records = self.order.u32_bytes(8).to_vec();
        for code in codes.iter().filter(|code| !code.functions.is_empty()) {
            let section = self.string(&code.name);
            records.extend(self.order.u32_bytes(section));
            records.extend(self.order.u32_bytes(code.functions.len() as u32));
            for (offset, name) in &code.functions {
                let name = self.string(&identifier(name));
                // Static, as the kernel takes functions without BTF: it checks them with each caller.
                let function = self.add(name, FUNC, prototype);
                records.extend(self.order.u32_bytes(*offset as u32));
                records.extend(self.order.u32_bytes(function));
            }
        }
        records
    }

    /// Returns the records of `line_info`, and what each line number means.
    pub(super) fn lines(
        &mut self,
        codes: &[Code],
        origins: &mut Vec<InstructionOrigin>,
    ) -> Vec<u8> {
        let file = self.string(FILE);
        let text = self.string("");
        let mut records = self.order.u32_bytes(16).to_vec();
        for code in codes {
            let section = self.string(&code.name);
            records.extend(self.order.u32_bytes(section));
            records.extend(self.order.u32_bytes(code.offsets.len() as u32));
            for offset in &code.offsets {
                origins.push(InstructionOrigin {
                    section: code.index,
                    offset: u64::from(*offset),
                });
                let line = (origins.len() as u32) << 10;
                for word in [*offset, file, text, line] {
                    records.extend(self.order.u32_bytes(word));
                }
            }
        }
        records
    }

    pub(super) fn write(mut self) -> Vec<u8> {
        self.types.resize(self.types.len().next_multiple_of(4), 0);
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut data = magic(self.order);
        for word in [TYPES_HEADER as u32, 0, types, types, strings] {
            data.extend(self.order.u32_bytes(word));
        }
        data.extend(self.types);
        data.extend(self.strings);
        data
    }
}

/// A name that the kernel takes for a function's: letters, digits, `_` and `.`.
fn identifier(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let name: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .take(100)
        .collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => name,
        false => format!("_{name}"),
    }
}

/// The section `.BTF.ext`: records of functions, of lines, and of CO-RE relocations.
#[derive(Default)]
pub(super) struct BtfExt {
    pub(super) functions: Vec<u8>,
    pub(super) lines: Vec<u8>,
    pub(super) relocations: Vec<u8>,
}

impl BtfExt {
    pub(super) fn read(data: &[u8], order: ByteOrder) -> Result<Self, BtfError> {
        let words = Words { data, order };
        let header = header(words, TYPES_HEADER)?;
        let (_, functions) = part(words, header, 8, "its functions")?;
        // Relocations came later; before them the header ended after the lines.
        let relocations = match header >= EXT_HEADER {
            true => part(words, header, 24, "its relocations")?.1,
            false => &[],
        };
        Ok(Self {
            functions: functions.to_vec(),
            lines: Vec::new(),
            relocations: relocations.to_vec(),
        })
    }

    pub(super) fn write(self, order: ByteOrder) -> Vec<u8> {
        let lengths =
            [&self.functions, &self.lines, &self.relocations].map(|part| part.len() as u32);
        let [functions, lines, relocations] = lengths;
        let words = [
            EXT_HEADER as u32,
            0,
            functions,
            functions,
            lines,
            functions + lines,
            relocations,
        ];
        let mut data = magic(order);
        for word in words {
            data.extend(order.u32_bytes(word));
        }
        data.extend(self.functions);
        data.extend(self.lines);
        data.extend(self.relocations);
        data
    }
}

fn magic(order: ByteOrder) -> Vec<u8> {
    const VERSION: u8 = 1;
    let [first, second] = order.u16_bytes(MAGIC);
    vec![first, second, VERSION, 0]
}
