//! Tiny kernels, modules and packages for tests.

use super::decompress::Packing;
use object::write::Object;
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use std::io::Write as _;

/// A configuration with all that the lab needs built in.
pub const CONFIG: &str = "CONFIG_BINFMT_ELF=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_BPF_SYSCALL=y\n\
     CONFIG_DEVTMPFS=y\nCONFIG_PCI=y\nCONFIG_PROC_FS=y\nCONFIG_SYSFS=y\nCONFIG_VIRTIO_PCI=y\n\
     CONFIG_VIRTIO_CONSOLE=y\n";

/// The same with the drivers as modules.
pub fn modular_config() -> String {
    CONFIG
        .replace("VIRTIO_PCI=y", "VIRTIO_PCI=m")
        .replace("VIRTIO_CONSOLE=y", "VIRTIO_CONSOLE=m")
}

/// An ELF kernel: a note, a banner, and whatever else is put behind it.
pub fn vmlinux(note: u32, more: &[u8]) -> Vec<u8> {
    let mut notes = Vec::new();
    for number in [4, 8, note] {
        notes.extend_from_slice(&u32::to_le_bytes(number));
    }
    notes.extend_from_slice(b"Xen\0");
    notes.extend_from_slice(&[0; 8]);
    let mut elf = Vec::new();
    elf.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for (value, size) in [
        (2, 2),
        (62, 2),
        (1, 4),
        (0, 8),
        (64, 8),
        (0, 8),
        (0, 4),
        (64, 2),
        (56, 2),
        (1, 2),
        (64, 2),
        (0, 2),
        (0, 2),
    ] {
        elf.extend_from_slice(&u64::to_le_bytes(value)[..size]);
    }
    let length = notes.len() as u64;
    for (value, size) in [
        (4, 4),
        (4, 4),
        (64 + 56, 8),
        (0, 8),
        (0, 8),
        (length, 8),
        (length, 8),
        (4, 8),
    ] {
        elf.extend_from_slice(&u64::to_le_bytes(value)[..size]);
    }
    elf.extend_from_slice(&notes);
    elf.extend_from_slice(b"Linux version %s (%s)\0Linux version 6.12.7-tiny (me) #1\0");
    elf.extend_from_slice(more);
    elf
}

/// An arm64 kernel: a header, a banner, and whatever else is put behind it.
pub fn arm64(more: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 0x40];
    image[..2].copy_from_slice(b"MZ");
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    image.extend_from_slice(&[0; 0x300]);
    image.extend_from_slice(b"Linux version 6.12.7-tiny (me) #1\0");
    image.extend_from_slice(more);
    image
}

/// The note's type that QEMU looks for.
pub const PVH: u32 = 18;

/// A kernel's configuration as `CONFIG_IKCONFIG` puts it into the image.
pub fn ikconfig(text: &str) -> Vec<u8> {
    let packed = packed(Some(Packing::Gzip), text.as_bytes());
    [b"IKCFG_ST", packed.as_slice(), b"IKCFG_ED"].concat()
}

pub fn packed(packing: Option<Packing>, bytes: &[u8]) -> Vec<u8> {
    match packing {
        None => bytes.to_vec(),
        Some(Packing::Gzip) => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Some(Packing::Xz) => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Some(Packing::Zstd) => zstd::encode_all(bytes, 1).unwrap(),
        Some(Packing::Lz4) => {
            // The legacy frame, which the crate reads and does not write: blocks behind their lengths.
            let mut frame = b"\x02\x21\x4c\x18".to_vec();
            for block in bytes.chunks(8 << 20) {
                let block = lz4_flex::block::compress(block);
                frame.extend_from_slice(&u32::to_le_bytes(block.len() as u32));
                frame.extend_from_slice(&block);
            }
            frame
        }
    }
}

/// A bzImage around a kernel.
pub fn bzimage(packing: Packing, vmlinux: &[u8]) -> Vec<u8> {
    let mut payload = packed(Some(packing), vmlinux);
    if packing != Packing::Gzip {
        payload.extend_from_slice(&u32::to_le_bytes(vmlinux.len() as u32));
    }
    let mut image = vec![0; 1024];
    image[0x1f1] = 1;
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
    image[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    image[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&u32::to_le_bytes(payload.len() as u32));
    let release = b"6.12.7-tiny (me@here) #1 SMP\0";
    image[0x300..0x300 + release.len()].copy_from_slice(release);
    image.extend_from_slice(&[0; 16]);
    image.extend_from_slice(&payload);
    image
}

/// A module that says what it needs.
pub fn module(depends: &str) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = object.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    let text = format!("license=GPL\0depends={depends}\0name=x\0");
    object.append_section_data(section, text.as_bytes(), 1);
    object.write().unwrap()
}

/// A package with some files.
pub fn deb(packing: Option<Packing>, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("./{name}"), *bytes)
            .unwrap();
    }
    let data = packed(packing, &tar.into_inner().unwrap());
    let end = match packing {
        None => "",
        Some(Packing::Gzip) => ".gz",
        Some(Packing::Xz) => ".xz",
        Some(Packing::Zstd) => ".zst",
        Some(Packing::Lz4) => ".lz4",
    };
    archive(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", b"odd"),
        (&format!("data.tar{end}"), &data),
    ])
}

pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in parts {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            bytes.len()
        );
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

/// A whole package of a kernel with its drivers built in.
pub fn kernel_deb(release: &str) -> Vec<u8> {
    let image = bzimage(Packing::Zstd, &vmlinux(PVH, release.as_bytes()));
    let vmlinuz = format!("boot/vmlinuz-{release}");
    let config = format!("boot/config-{release}");
    deb(
        Some(Packing::Xz),
        &[(&vmlinuz, &image), (&config, CONFIG.as_bytes())],
    )
}
