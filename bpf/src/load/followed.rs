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

use super::btf_writer::{BtfExt, BtfTypes};
use super::code::{Code, InstructionOrigin, codes};
use super::elf_file::ElfFile;
use crate::object::{BpfObject, ObjectError};

/// Line numbers have 22 bits (`BPF_LINE_INFO_LINE_NUM` of `linux/bpf.h`).
const MOST: usize = (1 << 22) - 1;
/// Why an object could not be given lines.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The object cannot be read.
    #[error("cannot follow the instructions of the object: {0}")]
    Object(#[from] ObjectError),
    /// Its file cannot be written with more in it.
    #[error("cannot follow the instructions of the object: {0}")]
    Elf(#[from] object::read::Error),
    /// Its type information is not what it should be.
    #[error("cannot follow the instructions of the object: its section `{0}` is malformed")]
    Malformed(&'static str),
    /// Its types are needed to load it, so no others can stand in for them.
    #[error("cannot follow the instructions of the object without its own types")]
    NeedsTypes,
    /// There are more instructions than line numbers.
    #[error("cannot follow the instructions of the object: there are more than {MOST}")]
    TooMany,
}

/// An object whose instructions each have a line, and what the lines mean.
#[derive(Debug, Clone)]
pub struct FollowedObject {
    /// The object's file, to be loaded in place of the one it was made from.
    pub elf: Vec<u8>,
    origins: Vec<InstructionOrigin>,
    codes: Vec<Code>,
}

/// Whose types an object is given lines beside.
#[derive(Debug, Clone, Copy)]
enum TypesOf {
    /// Its own, where it has some.
    Object,
    /// Nobody's: as few as lines need are made.
    Nobody,
}

/// A function of an object file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function<'f> {
    /// Its name.
    pub name: &'f str,
    /// Its first instruction.
    pub start: InstructionOrigin,
    /// Its bytes.
    pub bytes: &'f [u8],
}

impl FollowedObject {
    /// Returns the instruction that a line number of the kernel's line information stands for.
    pub fn origin(&self, line: u32) -> Option<InstructionOrigin> {
        let at = (line as usize).checked_sub(1)?;
        self.origins.get(at).copied()
    }

    /// Returns the function that an instruction is in.
    pub fn function(&self, origin: InstructionOrigin) -> Option<Function<'_>> {
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
            start: InstructionOrigin {
                section: code.index,
                offset: *start,
            },
            bytes: code.bytes.get(*start as usize..end as usize)?,
        })
    }

    /// Rewrites an object; its own types stay.
    pub fn new(elf: &[u8]) -> Result<Self, FollowError> {
        Self::with(elf, TypesOf::Object)
    }

    /// Rewrites an object as if it had no types, for a kernel that does not take those it has.
    pub(super) fn without_types(elf: &[u8]) -> Result<Self, FollowError> {
        Self::with(elf, TypesOf::Nobody)
    }

    fn with(elf: &[u8], types_of: TypesOf) -> Result<Self, FollowError> {
        let object = BpfObject::parse(elf)?;
        if let Some(flaw) = object.flaw() {
            return Err(flaw.clone().into());
        }
        let order = object.order();
        let data = |name| object.section_named(name).map(|section| section.data);
        let codes = codes(&object);
        let types = match types_of {
            TypesOf::Object => data(".BTF"),
            TypesOf::Nobody => None,
        };
        let mut new_types = match types {
            Some(data) => {
                BtfTypes::read(data, order).map_err(|_| FollowError::Malformed(".BTF"))?
            }
            None => BtfTypes::empty(order),
        };
        let old = match data(".BTF.ext").filter(|_| data(".BTF").is_some()) {
            Some(data) => {
                BtfExt::read(data, order).map_err(|_| FollowError::Malformed(".BTF.ext"))?
            }
            None => BtfExt::default(),
        };
        // CO-RE relocations name types by their numbers.
        if types.is_none() && !old.relocations.is_empty() {
            return Err(FollowError::NeedsTypes);
        }
        let functions = match types {
            Some(_) => old.functions,
            None => new_types.functions(&codes),
        };
        let mut origins = Vec::new();
        let lines = new_types.lines(&codes, &mut origins);
        if origins.len() > MOST {
            return Err(FollowError::TooMany);
        }
        let new_info = BtfExt {
            functions,
            lines,
            relocations: old.relocations,
        };
        let mut file = ElfFile::read(elf)?;
        file.put(b".BTF", new_types.write());
        file.put(b".BTF.ext", new_info.write(order));
        Ok(Self {
            elf: file.write()?,
            origins,
            codes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::TinyObject;
    use object::{Object as _, ObjectSection as _};

    fn followed() -> (Vec<u8>, FollowedObject) {
        let elf = TinyObject::new("socket").named("probe").to_elf().unwrap();
        let followed = FollowedObject::new(&elf).unwrap();
        (elf, followed)
    }

    #[test]
    fn every_instruction_has_a_line_that_leads_back_to_it() {
        let (elf, followed) = followed();
        let file = object::File::parse(&*elf).unwrap();
        let section = file.section_by_name("socket").unwrap().index().0;
        let origins = [1, 2].map(|line| followed.origin(line).unwrap());
        assert_eq!(
            origins,
            [0, 8].map(|offset| InstructionOrigin { section, offset })
        );
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
        let twice = FollowedObject::new(&once.elf).unwrap();
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
    fn what_is_no_object_is_an_error_wherever_it_ends() {
        let (elf, _) = followed();
        for end in 0..elf.len() {
            assert!(FollowedObject::new(&elf[..end]).is_err(), "{end} bytes");
        }
        assert!(FollowedObject::new(b"not ELF").is_err());
    }

    #[test]
    fn malformed_type_information_is_named() {
        let (_, followed) = followed();
        let file = object::File::parse(&*followed.elf).unwrap();
        let (start, _) = file.section_by_name(".BTF").unwrap().file_range().unwrap();
        let mut broken = followed.elf.clone();
        broken[start as usize + 12..start as usize + 16].fill(0xff);
        let error = FollowedObject::new(&broken).unwrap_err().to_string();
        assert!(error.contains("cannot read the BTF"), "{error}");
    }
}
