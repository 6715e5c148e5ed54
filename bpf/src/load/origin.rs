//! Gives each instruction a line of its own, so that the kernel says what became of it.
//!
//! The kernel keeps a program's line information true through all that the verifier does to the
//! program (`bpf_adjust_linfo` and `bpf_adj_linfo_after_remove` in `kernel/bpf/verifier.c`), and then
//! adds where each line's machine code begins (`bpf_prog_fill_jited_linfo` in `kernel/bpf/core.c`).
//! Compilers write an entry for each line of C. Here every instruction gets one, whose line number
//! says which instruction it is. So the way from bytecode to machine code is read and not guessed.
//!
//! Only line information changes: the same instructions are loaded, and types, functions and CO-RE
//! relocations stay. An object without BTF gets as much as line information needs.

use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, U32, U64, elf};

use crate::object::{BpfObject, ObjectError, Program, Section};

/// What the file name of a synthetic line says, to whoever looks at the loaded program meanwhile.
const FILE: &str = "bytecode";
/// Line numbers have 22 bits (`BPF_LINE_INFO_LINE_NUM` of `linux/bpf.h`).
const MOST: usize = (1 << 22) - 1;
/// The opcode of the one instruction that takes two slots.
const LDDW: u8 = 0x18;
const MAGIC: u16 = 0xeb9f;

/// Why an object could not be given lines.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The object cannot be read.
    #[error("cannot follow the instructions of the object: {0}")]
    Object(#[from] ObjectError),
    /// Its file cannot be written with more in it.
    #[error("cannot follow the instructions of the object: {0}")]
    Elf(#[from] object::read::Error),
    /// Its type information is not what it should be.
    #[error("cannot follow the instructions of the object: its section `{0}` is malformed")]
    Malformed(&'static str),
    /// There are more instructions than line numbers.
    #[error("cannot follow the instructions of the object: there are more than {MOST}")]
    TooMany,
}

/// An instruction in an object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The index of its section.
    pub section: usize,
    /// The bytes before it in the section.
    pub offset: u64,
}

/// An object whose instructions each have a line, and what the lines mean.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The object's file, to be loaded in place of the one it was made from.
    pub elf: Vec<u8>,
    origins: Vec<Origin>,
    codes: Vec<Code>,
}

/// A function of an object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function<'f> {
    /// Its name.
    pub name: &'f str,
    /// Its first instruction.
    pub start: Origin,
    /// Its bytes.
    pub bytes: &'f [u8],
}

impl Followed {
    /// Returns the instruction that a line number of the kernel's line information stands for.
    pub fn origin(&self, line: u32) -> Option<Origin> {
        let at = (line as usize).checked_sub(1)?;
        self.origins.get(at).copied()
    }

    /// Returns the function that an instruction is in.
    pub fn function(&self, origin: Origin) -> Option<Function<'_>> {
        let code = self
            .codes
            .iter()
            .find(|code| code.index == origin.section)?;
        let after = |(start, _): &&(u64, String)| *start > origin.offset;
        let end = code.functions.iter().find(after).map(|(start, _)| *start);
        let mut before = code.functions.iter().rev();
        let (start, name) = before.find(|(start, _)| *start <= origin.offset)?;
        let end = end.unwrap_or(code.bytes.len() as u64);
        Some(Function {
            name,
            start: Origin {
                section: code.index,
                offset: *start,
            },
            bytes: code.bytes.get(*start as usize..end as usize)?,
        })
    }

    /// Rewrites an object.
    pub fn new(elf: &[u8]) -> Result<Self, OriginError> {
        let codes = codes(elf)?;
        let mut file = File::read(elf)?;
        let types = file.data(b".BTF")?;
        let info = file.data(b".BTF.ext")?;
        let mut new_types = match types {
            Some(data) => Types::read(data, file.endian)?,
            None => Types::empty(file.endian),
        };
        let old = match (types, info) {
            (Some(_), Some(data)) => Info::read(data, file.endian)?,
            _ => Info::default(),
        };
        let functions = match types {
            Some(_) => old.functions,
            None => new_types.functions(&codes),
        };
        let mut origins = Vec::new();
        let lines = new_types.lines(&codes, &mut origins);
        if origins.len() > MOST {
            return Err(OriginError::TooMany);
        }
        let new_info = Info {
            functions,
            lines,
            relocations: old.relocations,
        };
        file.put(b".BTF", new_types.write());
        file.put(b".BTF.ext", new_info.write(file.endian));
        Ok(Self {
            elf: file.write()?,
            origins,
            codes,
        })
    }
}

/// An ELF file to which sections are added, or in which they are replaced. What is new stands at the end,
/// and what is there stays where it is, however strange.
struct File<'data> {
    data: &'data [u8],
    endian: Endianness,
    header: elf::FileHeader64<Endianness>,
    headers: Vec<elf::SectionHeader64<Endianness>>,
    names: Vec<Vec<u8>>,
    /// The sections that are new, by their index, and what they hold.
    new: Vec<(usize, Vec<u8>)>,
}

impl<'data> File<'data> {
    fn read(data: &'data [u8]) -> Result<Self, OriginError> {
        let header = elf::FileHeader64::<Endianness>::parse(data)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, data)?;
        let name = |header| Ok(sections.section_name(endian, header)?.to_vec());
        Ok(Self {
            data,
            endian,
            header: *header,
            names: sections
                .iter()
                .map(name)
                .collect::<Result<_, OriginError>>()?,
            headers: sections.iter().copied().collect(),
            new: Vec::new(),
        })
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    fn data(&self, name: &[u8]) -> Result<Option<&'data [u8]>, OriginError> {
        let found = self.find(name).map(|at| &self.headers[at]);
        Ok(found
            .map(|header| header.data(self.endian, self.data))
            .transpose()?)
    }

    fn put(&mut self, name: &[u8], data: Vec<u8>) {
        let at = self.find(name).unwrap_or(self.headers.len());
        if at == self.headers.len() {
            let header = elf::SectionHeader64 {
                sh_name: U32::new(self.endian, 0),
                sh_type: U32::new(self.endian, elf::SHT_PROGBITS),
                sh_flags: U64::new(self.endian, elf::SectionFlags(0)),
                sh_addr: U64::new(self.endian, 0),
                sh_offset: U64::new(self.endian, 0),
                sh_size: U64::new(self.endian, 0),
                sh_link: U32::new(self.endian, 0),
                sh_info: U32::new(self.endian, 0),
                sh_addralign: U64::new(self.endian, 4),
                sh_entsize: U64::new(self.endian, 0),
            };
            self.headers.push(header);
            self.names.push(name.to_vec());
        }
        self.new.push((at, data));
    }

    fn write(mut self) -> Result<Vec<u8>, OriginError> {
        let names = usize::from(self.header.e_shstrndx(self.endian).0);
        let mut strings = self.headers[names].data(self.endian, self.data)?.to_vec();
        for (header, name) in self.headers.iter_mut().zip(&self.names) {
            let is_new = header.sh_name.get(self.endian) == 0 && !name.is_empty();
            if is_new {
                header.sh_name.set(self.endian, strings.len() as u32);
                strings.extend(name);
                strings.push(0);
            }
        }
        self.new.push((names, strings));

        let mut elf = self.data.to_vec();
        for (at, data) in self.new {
            elf.resize(elf.len().next_multiple_of(8), 0);
            self.headers[at]
                .sh_offset
                .set(self.endian, elf.len() as u64);
            self.headers[at].sh_size.set(self.endian, data.len() as u64);
            elf.extend(data);
        }
        elf.resize(elf.len().next_multiple_of(8), 0);
        self.header.e_shoff.set(self.endian, elf.len() as u64);
        self.header
            .e_shnum
            .set(self.endian, self.headers.len() as u16);
        elf.extend(object::pod::bytes_of_slice(&self.headers));
        let header = object::pod::bytes_of(&self.header);
        elf[..header.len()].copy_from_slice(header);
        Ok(elf)
    }
}

/// A section of instructions.
#[derive(Debug, Clone)]
struct Code {
    index: usize,
    name: String,
    bytes: Vec<u8>,
    /// Offset and name of each function in it, in order.
    functions: Vec<(u64, String)>,
}

impl Code {
    fn offsets(&self) -> impl Iterator<Item = usize> {
        let mut is_second = false;
        let slots = self.bytes.chunks_exact(8).enumerate();
        slots.filter_map(move |(slot, bytes)| {
            let starts = !is_second;
            is_second = starts && bytes[0] == LDDW;
            starts.then_some(slot * 8)
        })
    }
}

fn codes(data: &[u8]) -> Result<Vec<Code>, OriginError> {
    let object = BpfObject::parse(data)?;
    let sections = object.sections().iter();
    let sections = sections.filter(|section| section.is_code() && !section.data.is_empty());
    let code = |section: &Section<'_>| {
        let inside = |program: &&Program<'_>| program.section == section.index;
        let functions = object.programs().iter().filter(inside);
        Code {
            index: section.index,
            name: section.name.clone().into_owned(),
            bytes: section.data.to_vec(),
            functions: functions
                .map(|program| (program.offset, program.name.clone().into_owned()))
                .collect(),
        }
    };
    Ok(sections.map(code).collect())
}

/// The section `.BTF`: see `Documentation/bpf/btf.rst` of the kernel.
struct Types {
    endian: Endianness,
    types: Vec<u8>,
    count: u32,
    strings: Vec<u8>,
}

const TYPES_HEADER: usize = 24;

impl Types {
    fn empty(endian: Endianness) -> Self {
        Self {
            endian,
            types: Vec::new(),
            count: 0,
            strings: vec![0],
        }
    }

    fn read(data: &[u8], endian: Endianness) -> Result<Self, OriginError> {
        let read = || {
            let header = Words::after_magic(data, endian)?;
            let part = |at| header.part(at, at + 1);
            Some((part(1)?.to_vec(), part(3)?.to_vec()))
        };
        let (types, strings) = read().ok_or(OriginError::Malformed(".BTF"))?;
        Ok(Self {
            endian,
            types,
            count: 0,
            strings,
        })
    }

    fn string(&mut self, text: &str) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend(text.bytes().filter(|&byte| byte != 0));
        self.strings.push(0);
        at
    }

    fn word(&mut self, word: u32) {
        self.types.extend(bytes(self.endian, word));
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
    fn functions(&mut self, codes: &[Code]) -> Vec<u8> {
        // Kinds of types: BTF_KIND_INT, BTF_KIND_FUNC_PROTO, BTF_KIND_FUNC of `linux/btf.h`.
        const INT: u32 = 1;
        const FUNC: u32 = 12;
        const FUNC_PROTO: u32 = 13;
        const SIGNED_32_BITS: u32 = 1 << 24 | 32;
        let name = self.string("int");
        let int = self.add(name, INT, 4);
        self.word(SIGNED_32_BITS);
        let prototype = self.add(0, FUNC_PROTO, int);
        let mut records = bytes(self.endian, 8).to_vec();
        for code in codes.iter().filter(|code| !code.functions.is_empty()) {
            let section = self.string(&code.name);
            records.extend(bytes(self.endian, section));
            records.extend(bytes(self.endian, code.functions.len() as u32));
            for (offset, name) in &code.functions {
                let name = self.string(&identifier(name));
                // Static, as the kernel takes functions without BTF: it checks them with each caller.
                let function = self.add(name, FUNC, prototype);
                records.extend(bytes(self.endian, *offset as u32));
                records.extend(bytes(self.endian, function));
            }
        }
        records
    }

    /// Returns the records of `line_info`, and what each line number means.
    fn lines(&mut self, codes: &[Code], origins: &mut Vec<Origin>) -> Vec<u8> {
        let file = self.string(FILE);
        let text = self.string("");
        let mut records = bytes(self.endian, 16).to_vec();
        for code in codes {
            let section = self.string(&code.name);
            records.extend(bytes(self.endian, section));
            records.extend(bytes(self.endian, code.offsets().count() as u32));
            for offset in code.offsets() {
                origins.push(Origin {
                    section: code.index,
                    offset: offset as u64,
                });
                let line = (origins.len() as u32) << 10;
                for word in [offset as u32, file, text, line] {
                    records.extend(bytes(self.endian, word));
                }
            }
        }
        records
    }

    fn write(mut self) -> Vec<u8> {
        self.types.resize(self.types.len().next_multiple_of(4), 0);
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut data = magic(self.endian);
        for word in [TYPES_HEADER as u32, 0, types, types, strings] {
            data.extend(bytes(self.endian, word));
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
struct Info {
    functions: Vec<u8>,
    lines: Vec<u8>,
    relocations: Vec<u8>,
}

impl Info {
    fn read(data: &[u8], endian: Endianness) -> Result<Self, OriginError> {
        let read = || {
            let header = Words::after_magic(data, endian)?;
            let part = |at| Some(header.part(at, at + 1)?.to_vec());
            // Relocations came later; before them the header ended after the lines.
            let has_relocations = header.length >= 32;
            Some(Self {
                functions: part(1)?,
                lines: Vec::new(),
                relocations: if has_relocations {
                    part(5)?
                } else {
                    Vec::new()
                },
            })
        };
        read().ok_or(OriginError::Malformed(".BTF.ext"))
    }

    fn write(self, endian: Endianness) -> Vec<u8> {
        const HEADER: u32 = 32;
        let lengths =
            [&self.functions, &self.lines, &self.relocations].map(|part| part.len() as u32);
        let [functions, lines, relocations] = lengths;
        let words = [
            HEADER,
            0,
            functions,
            functions,
            lines,
            functions + lines,
            relocations,
        ];
        let mut data = magic(endian);
        for word in words {
            data.extend(bytes(endian, word));
        }
        data.extend(self.functions);
        data.extend(self.lines);
        data.extend(self.relocations);
        data
    }
}

/// The words of a header after its magic number; offsets in it count from its end.
struct Words<'data> {
    data: &'data [u8],
    endian: Endianness,
    length: usize,
}

impl<'data> Words<'data> {
    fn after_magic(data: &'data [u8], endian: Endianness) -> Option<Self> {
        let is_btf = data.get(..2)? == two_bytes(endian, MAGIC);
        let mut words = Self {
            data,
            endian,
            length: 0,
        };
        words.length = words.word(0)?;
        is_btf.then_some(words)
    }

    fn word(&self, at: usize) -> Option<usize> {
        let bytes = self.data.get(4 + at * 4..8 + at * 4)?.try_into().ok()?;
        Some(match self.endian {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        } as usize)
    }

    /// Returns the part whose offset and length stand in these words.
    fn part(&self, offset: usize, length: usize) -> Option<&'data [u8]> {
        let start = self.length.checked_add(self.word(offset)?)?;
        let end = start.checked_add(self.word(length)?)?;
        self.data.get(start..end)
    }
}

fn magic(endian: Endianness) -> Vec<u8> {
    const VERSION: u8 = 1;
    let mut data = two_bytes(endian, MAGIC).to_vec();
    data.extend([VERSION, 0]);
    data
}

fn two_bytes(endian: Endianness, number: u16) -> [u8; 2] {
    match endian {
        Endianness::Little => number.to_le_bytes(),
        Endianness::Big => number.to_be_bytes(),
    }
}

fn bytes(endian: Endianness, number: u32) -> [u8; 4] {
    match endian {
        Endianness::Little => number.to_le_bytes(),
        Endianness::Big => number.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::TinyObject;
    use object::{Object as _, ObjectSection as _};

    fn followed() -> (Vec<u8>, Followed) {
        let elf = TinyObject::new("socket").named("probe").to_elf().unwrap();
        let followed = Followed::new(&elf).unwrap();
        (elf, followed)
    }

    #[test]
    fn every_instruction_has_a_line_that_leads_back_to_it() {
        let (elf, followed) = followed();
        let file = object::File::parse(&*elf).unwrap();
        let section = file.section_by_name("socket").unwrap().index().0;
        let origins = [1, 2].map(|line| followed.origin(line).unwrap());
        assert_eq!(origins, [0, 8].map(|offset| Origin { section, offset }));
        assert_eq!(followed.origin(0), None);
        assert_eq!(followed.origin(3), None);
    }

    #[test]
    fn what_was_in_the_object_stays_as_it_was() {
        let (elf, followed) = followed();
        let old = object::File::parse(&*elf).unwrap();
        let new = object::File::parse(&*followed.elf).unwrap();
        for section in old.sections() {
            let name = section.name().unwrap();
            if name != ".shstrtab" {
                let same = new.section_by_index(section.index()).unwrap();
                assert_eq!(same.name(), Ok(name));
                assert_eq!(same.data(), section.data(), "{name}");
            }
        }
        assert!(new.section_by_name(".BTF").is_some());
    }

    #[test]
    fn following_twice_is_following_once() {
        let (_, once) = followed();
        let twice = Followed::new(&once.elf).unwrap();
        assert_eq!(once.origins, twice.origins);
        let data = |elf: &[u8]| {
            let file = object::File::parse(elf).unwrap();
            file.section_by_name(".BTF.ext")
                .unwrap()
                .data()
                .unwrap()
                .len()
        };
        assert_eq!(data(&once.elf), data(&twice.elf));
    }

    #[test]
    fn an_instruction_of_two_slots_has_one_line() {
        let code = Code {
            index: 1,
            name: "x".to_owned(),
            bytes: [[LDDW, 0, 0, 0, 0, 0, 0, 0], [0; 8], [0x95; 8]].concat(),
            functions: Vec::new(),
        };
        assert_eq!(code.offsets().collect::<Vec<_>>(), [0, 16]);
    }

    #[test]
    fn what_is_no_object_is_an_error_wherever_it_ends() {
        let (elf, _) = followed();
        for end in 0..elf.len() {
            let _ = Followed::new(&elf[..end]);
        }
        assert!(Followed::new(b"not ELF").is_err());
    }

    #[test]
    fn malformed_type_information_is_named() {
        let (_, followed) = followed();
        let file = object::File::parse(&*followed.elf).unwrap();
        let (start, _) = file.section_by_name(".BTF").unwrap().file_range().unwrap();
        let mut broken = followed.elf.clone();
        broken[start as usize + 12..start as usize + 16].fill(0xff);
        let error = Followed::new(&broken).unwrap_err().to_string();
        assert!(error.contains("cannot read the BTF"), "{error}");
    }
}
