//! Reads an uncompressed kernel image: an ELF file for x86-64, a flat one for arm64.

use super::decompress::{Packing, unpacked};
use super::flaw::Flaw;
use memchr::memmem;
use object::Endianness;
use object::elf::{EM_X86_64, FileHeader64, NoteType, PT_NOTE};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

/// The type of the note that names the 32-bit entry: Xen's `public/elfnote.h`.
const XEN_ELFNOTE_PHYS32_ENTRY: NoteType = NoteType(18);

/// The largest configuration that is unpacked, in bytes; real ones have some 300 KB.
const CONFIG_LIMIT: u64 = 8 << 20;

/// The magic number of an arm64 image and where it is: the kernel's `Documentation/arch/arm64/booting.rst`.
const ARM64_MAGIC: (usize, &[u8]) = (0x38, b"ARM\x64");

/// True for the start of an image that QEMU boots as it is.
pub fn is_plain(start: &[u8]) -> bool {
    is_elf(start) || is_arm64(start)
}

/// True for the start of an arm64 image.
fn is_arm64(start: &[u8]) -> bool {
    let (at, magic) = ARM64_MAGIC;
    start.get(at..).is_some_and(|rest| rest.starts_with(magic))
}

/// True for the start of an ELF file.
fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

/// A kernel's image, unpacked.
pub struct Vmlinux<'v> {
    bytes: &'v [u8],
    architecture: &'static str,
    has_entry: bool,
}

impl<'v> Vmlinux<'v> {
    /// Reads the headers.
    pub fn parse(bytes: &'v [u8]) -> Result<Vmlinux<'v>, Flaw> {
        if is_arm64(bytes) {
            return Ok(Vmlinux {
                bytes,
                architecture: "aarch64",
                has_entry: true,
            });
        }
        let flaw = |error: object::Error| Flaw::damaged(format!("the ELF image: {error}"));
        let header = FileHeader64::<Endianness>::parse(bytes).map_err(flaw)?;
        let endian = header.endian().map_err(flaw)?;
        if header.e_machine(endian) != EM_X86_64 {
            return Err(Flaw::damaged(
                "the ELF image is for another processor than x86-64",
            ));
        }
        let mut has_entry = false;
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
                has_entry |=
                    note.name() == b"Xen" && note.n_type(endian) == XEN_ELFNOTE_PHYS32_ENTRY;
            }
        }
        Ok(Vmlinux {
            bytes,
            architecture: "x86_64",
            has_entry,
        })
    }

    /// The processor architecture, as Rust names it.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// True where QEMU finds an entry: on x86-64 by the PVH boot protocol (`CONFIG_PVH`), on arm64 always.
    pub fn has_entry(&self) -> bool {
        self.has_entry
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
