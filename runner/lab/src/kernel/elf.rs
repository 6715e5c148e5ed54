//! What an uncompressed kernel image says of itself.

use super::Flaw;
use super::decompress::{Packing, unpacked};
use memchr::memmem;
use object::Endianness;
use object::elf::{EM_X86_64, FileHeader64, NoteType, PT_NOTE};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

/// The type of the note that names the 32-bit entry: Xen's `public/elfnote.h`.
const XEN_ELFNOTE_PHYS32_ENTRY: NoteType = NoteType(18);

/// The largest configuration that is unpacked, in bytes; real ones have some 300 KB.
const CONFIG_LIMIT: u64 = 8 << 20;

/// True for the start of an ELF file.
pub fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

/// An ELF kernel for a processor that the lab has.
pub struct Vmlinux<'v> {
    bytes: &'v [u8],
    has_pvh_note: bool,
}

impl<'v> Vmlinux<'v> {
    /// Reads the headers.
    pub fn parse(bytes: &'v [u8]) -> Result<Vmlinux<'v>, Flaw> {
        let flaw = |error: object::Error| Flaw::damaged(format!("the ELF image: {error}"));
        let header = FileHeader64::<Endianness>::parse(bytes).map_err(flaw)?;
        let endian = header.endian().map_err(flaw)?;
        if header.e_machine(endian) != EM_X86_64 {
            return Err(Flaw::damaged(
                "the kernel is for another processor than x86-64",
            ));
        }
        let mut has_pvh_note = false;
        for segment in header.program_headers(endian, bytes).map_err(flaw)? {
            let end = segment
                .p_offset(endian)
                .checked_add(segment.p_filesz(endian));
            if end.is_none_or(|end| end > bytes.len() as u64) {
                return Err(Flaw::damaged("the ELF image is cut off"));
            }
            if segment.p_type(endian) != PT_NOTE {
                continue;
            }
            let Some(mut notes) = segment.notes(endian, bytes).map_err(flaw)? else {
                continue;
            };
            while let Some(note) = notes.next().map_err(flaw)? {
                has_pvh_note |=
                    note.name() == b"Xen" && note.n_type(endian) == XEN_ELFNOTE_PHYS32_ENTRY;
            }
        }
        Ok(Vmlinux {
            bytes,
            has_pvh_note,
        })
    }

    /// True where QEMU finds an entry by the PVH boot protocol: `CONFIG_PVH`.
    pub fn has_pvh_note(&self) -> bool {
        self.has_pvh_note
    }

    /// Returns the release from the banner `Linux version …` (the kernel's `init/version.c`).
    pub fn release(&self) -> Option<String> {
        const BANNER: &[u8] = b"Linux version ";
        let words = memmem::find_iter(self.bytes, BANNER).filter_map(|at| {
            let text = &self.bytes[at + BANNER.len()..];
            let text = &text[..text.len().min(256)];
            let word = text.split(|byte| *byte == b' ').next()?;
            // The image also holds the banner's pattern, with `%s` in it.
            let is_release = word.first().is_some_and(u8::is_ascii_digit);
            String::from_utf8(is_release.then(|| word.to_vec())?).ok()
        });
        words.into_iter().next()
    }

    /// Returns the configuration inside, where the kernel has `CONFIG_IKCONFIG` (`kernel/configs.c`).
    pub fn config(&self) -> Option<Vec<u8>> {
        const START: &[u8] = b"IKCFG_ST";
        let mut starts = memmem::find_iter(self.bytes, START);
        starts.find_map(|at| {
            let packed = &self.bytes[at + START.len()..];
            unpacked(Packing::of(packed)?, packed, CONFIG_LIMIT).ok()
        })
    }
}
