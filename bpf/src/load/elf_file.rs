//! Writes an ELF file with more in it.

use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, U32, U64, elf};

/// An ELF file to which sections are added, or in which they are replaced. What is new stands at the end,
/// and what is there stays where it is, however strange.
pub(super) struct ElfFile<'data> {
    data: &'data [u8],
    endian: Endianness,
    header: elf::FileHeader64<Endianness>,
    headers: Vec<elf::SectionHeader64<Endianness>>,
    names: Vec<Vec<u8>>,
    /// The sections that are new, by their index, and what they hold.
    new: Vec<(usize, Vec<u8>)>,
}

impl<'data> ElfFile<'data> {
    pub(super) fn read(data: &'data [u8]) -> Result<Self, object::read::Error> {
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
                .collect::<Result<_, object::read::Error>>()?,
            headers: sections.iter().copied().collect(),
            new: Vec::new(),
        })
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    pub(super) fn put(&mut self, name: &[u8], data: Vec<u8>) {
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

    pub(super) fn write(mut self) -> Result<Vec<u8>, object::read::Error> {
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
