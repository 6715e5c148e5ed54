//! The packed kernel inside a bzImage.
//!
//! The offsets are those of the setup header: the kernel's `Documentation/arch/x86/boot.rst`.

use super::decompress::{Packing, unpacked};
use super::flaw::Flaw;

/// The bytes that hold the whole setup header.
pub const HEADER_LENGTH: usize = 0x268;

/// The first protocol that says where the payload is: 2.08, since Linux 2.6.26.
const PROTOCOL_WITH_PAYLOAD: u16 = 0x208;

/// The largest kernel that is unpacked, in bytes.
const VMLINUX_LIMIT: u64 = 512 << 20;

/// True for the start of a bzImage.
pub fn is_bzimage(start: &[u8]) -> bool {
    start.len() >= HEADER_LENGTH && start.get(0x202..0x206) == Some(b"HdrS")
}

fn u16_at(image: &[u8], at: usize) -> Option<u16> {
    let bytes = image.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn u32_at(image: &[u8], at: usize) -> Option<u32> {
    let bytes = image.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// Returns the release that the setup header points at.
pub fn release(image: &[u8]) -> Option<String> {
    let at = usize::from(u16_at(image, 0x20e)?);
    let text = image.get(at.checked_add(0x200)?..)?;
    let text = &text[..text.len().min(256)];
    let word = text.split(|byte| byte.is_ascii_whitespace() || *byte == 0);
    let word = String::from_utf8(word.into_iter().next()?.to_vec()).ok()?;
    (!word.is_empty()).then_some(word)
}

/// Returns the unpacked ELF image.
pub fn vmlinux(image: &[u8]) -> Result<Vec<u8>, Flaw> {
    let cut = || Flaw::damaged("the bzImage is cut off");
    let protocol = u16_at(image, 0x206).ok_or_else(cut)?;
    if protocol < PROTOCOL_WITH_PAYLOAD {
        return Err(Flaw::damaged(format!(
            "its boot protocol {}.{:02} does not say where the kernel is",
            protocol >> 8,
            protocol & 0xff
        )));
    }
    let sectors = match image[0x1f1] {
        // For old loaders' sake 0 means 4.
        0 => 4,
        sectors => usize::from(sectors),
    };
    let offset = u32_at(image, 0x248).ok_or_else(cut)? as usize;
    let length = u32_at(image, 0x24c).ok_or_else(cut)? as usize;
    let start = (sectors + 1) * 512 + offset;
    let payload = image.get(start..start + length).ok_or_else(cut)?;
    let packing = Packing::of(payload)
        .ok_or_else(|| Flaw::damaged("its kernel is packed in a way that is not known here"))?;
    // The kernel's build writes the unpacked size behind each stream; gzip ends with it anyway.
    let (stream, size) = payload.split_at(payload.len().saturating_sub(4));
    let size = u64::from(u32_at(size, 0).ok_or_else(cut)?);
    if size > VMLINUX_LIMIT {
        return Err(Flaw::damaged(format!(
            "it claims a kernel of {size} bytes, more than any has"
        )));
    }
    let packed = match packing {
        Packing::Gzip => payload,
        Packing::Xz | Packing::Zstd | Packing::Lz4 => stream,
    };
    let vmlinux = unpacked(packing, packed, size)?;
    if vmlinux.len() as u64 != size {
        return Err(Flaw::damaged(format!(
            "its kernel has {} bytes where {size} were promised",
            vmlinux.len()
        )));
    }
    Ok(vmlinux)
}
