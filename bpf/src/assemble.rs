//! Makes small BPF object files in memory, as clang would have written them.

use object::write::{Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};

const MOV64_IMM_TO_R0: [u8; 4] = [0xb7, 0, 0, 0];
const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];

/// An object file with one program, `r0 = N; exit`, under GPL.
///
/// The section is what libbpf reads a program's type and target from, as in `SEC("kprobe/vfs_mkdir")`.
///
/// ```
/// use tutor_bpf::assemble::TinyObject;
///
/// let elf = TinyObject::new("kprobe/vfs_mkdir").returning(1).to_elf()?;
/// assert_eq!(&elf[..4], b"\x7fELF");
/// # Ok::<(), tutor_bpf::assemble::AssembleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TinyObject {
    section: String,
    program: String,
    result: i32,
}

/// Why an object file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A name holds a byte that ends every name in an ELF file.
    #[error("cannot make a BPF object: the name {0:?} holds a NUL byte")]
    NulInName(String),
    /// The ELF writer refused.
    #[error("cannot make a BPF object")]
    Write(#[from] object::write::Error),
}

impl TinyObject {
    /// Returns an object whose program stands in `section` and returns 0.
    pub fn new(section: impl Into<String>) -> Self {
        Self {
            section: section.into(),
            program: "tutor_probe".to_owned(),
            result: 0,
        }
    }

    /// Names the program; the kernel keeps the first 15 bytes.
    #[must_use]
    pub fn named(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    /// Sets what the program returns.
    #[must_use]
    pub fn returning(mut self, result: i32) -> Self {
        self.result = result;
        self
    }

    /// Returns the bytes of the object file, in this machine's byte order.
    pub fn to_elf(&self) -> Result<Vec<u8>, AssembleError> {
        for name in [&self.section, &self.program] {
            if name.contains('\0') {
                return Err(AssembleError::NulInName(name.clone()));
            }
        }
        let mut object = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::default());
        let license = object.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
        object.append_section_data(license, b"GPL\0", 1);

        let code = self.code();
        let section = self.section.clone().into_bytes();
        let section = object.add_section(Vec::new(), section, SectionKind::Text);
        object.append_section_data(section, &code, 8);
        object.add_symbol(Symbol {
            name: self.program.clone().into_bytes(),
            value: 0,
            size: code.len() as u64,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
        Ok(object.write()?)
    }

    fn code(&self) -> Vec<u8> {
        let result = self.result.to_ne_bytes();
        [&MOV64_IMM_TO_R0[..], &result, &EXIT].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

    fn assembled(object: &TinyObject) -> Vec<u8> {
        object.to_elf().unwrap()
    }

    #[test]
    fn the_program_is_two_instructions_in_the_section_asked_for() {
        let elf = assembled(&TinyObject::new("kprobe/vfs_mkdir").returning(7));
        let file = object::File::parse(&*elf).unwrap();
        assert_eq!(file.architecture(), Architecture::Bpf);
        let section = file.section_by_name("kprobe/vfs_mkdir").unwrap();
        assert_eq!(section.kind(), SectionKind::Text);
        let code = section.data().unwrap();
        assert_eq!(code[..4], [0xb7, 0, 0, 0]);
        assert_eq!(code[4..8], 7_i32.to_ne_bytes());
        assert_eq!(code[8..], [0x95, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_license_is_gpl() {
        let elf = assembled(&TinyObject::new("socket"));
        let file = object::File::parse(&*elf).unwrap();
        let license = file.section_by_name("license").unwrap();
        assert_eq!(license.data().unwrap(), b"GPL\0");
    }

    #[test]
    fn the_program_is_a_global_function_as_long_as_its_code() {
        let elf = assembled(&TinyObject::new("xdp").named("drop_all"));
        let file = object::File::parse(&*elf).unwrap();
        let symbol = file
            .symbols()
            .find(|symbol| symbol.name() == Ok("drop_all"));
        let symbol = symbol.unwrap();
        assert_eq!(symbol.kind(), SymbolKind::Text);
        assert_eq!(symbol.size(), 16);
        assert!(symbol.is_global());
    }

    #[test]
    fn a_name_with_a_nul_byte_is_refused() {
        let error = TinyObject::new("xdp\0").to_elf().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"cannot make a BPF object: the name "xdp\0" holds a NUL byte"#
        );
    }
}
