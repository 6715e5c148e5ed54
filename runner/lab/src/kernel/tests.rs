//! Kernels, whole and broken, made up here; and the real one, where it is at hand.

use super::decompress::Packing;
use super::samples::*;
use super::*;
use proptest::prelude::*;
use std::fs;

const PACKINGS: [Packing; 4] = [Packing::Gzip, Packing::Xz, Packing::Zstd, Packing::Lz4];

fn unpacked(bytes: &[u8]) -> Result<Unpacked, KernelError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    unpack(file.path())
}

/// The error in words, without the file's name.
fn refusal(bytes: &[u8]) -> String {
    let error = unpacked(bytes).expect_err("it is refused").to_string();
    let (before, rest) = error.split_once('`').unwrap();
    format!("{before}{}", rest.split_once('`').unwrap().1)
}

fn whole(config: &str) -> Vec<u8> {
    vmlinux(PVH, &ikconfig(config))
}

#[test]
fn an_image_is_taken_as_it_is_and_says_its_release() {
    let image = whole(CONFIG);
    let kernel = unpacked(&image).unwrap();
    assert_eq!(kernel.release, "6.12.7-tiny");
    assert_eq!(kernel.vmlinux, image);
    assert_eq!(kernel.unknown, [] as [&str; 0]);
}

#[test]
fn a_bzimage_gives_its_kernel_however_it_is_packed() {
    let image = whole(CONFIG);
    for packing in PACKINGS {
        let kernel = unpacked(&bzimage(packing, &image)).unwrap();
        assert_eq!(kernel.vmlinux, image, "{packing:?}");
        assert_eq!(kernel.release, "6.12.7-tiny");
    }
}

#[test]
fn what_could_not_be_looked_up_is_said() {
    let kernel = unpacked(&vmlinux(PVH, b"")).unwrap();
    assert!(kernel.unknown.contains(&"CONFIG_VIRTIO_CONSOLE".to_owned()));
    assert_eq!(kernel.unknown.len(), 9);
}

#[test]
fn a_kernel_is_refused_by_the_name_of_what_it_lacks() {
    let without = |line: &str| refusal(&whole(&CONFIG.replace(line, "")));
    assert_eq!(
        without("CONFIG_BPF_SYSCALL=y\n"),
        "the kernel  cannot run in the lab: it was built without `CONFIG_BPF_SYSCALL`"
    );
    assert_eq!(
        without("CONFIG_VIRTIO_CONSOLE=y\n"),
        "the kernel  cannot run in the lab: it was built without `CONFIG_VIRTIO_CONSOLE`"
    );
    assert_eq!(
        refusal(&vmlinux(19, &ikconfig(CONFIG))),
        "the kernel  cannot run in the lab: it was built without `CONFIG_PVH` \
         (there is no PVH note, by which QEMU starts it)"
    );
    let modular = refusal(&whole(&modular_config()));
    assert!(
        modular.contains("it has `CONFIG_VIRTIO_PCI` as a module, which did not come along"),
        "{modular}"
    );
}

#[test]
fn a_package_gives_its_modules_in_load_order() {
    let image = bzimage(Packing::Xz, &vmlinux(PVH, b""));
    let config = modular_config();
    let folder = "lib/modules/6.1.0-9-tiny";
    let drivers = format!("{folder}/kernel/drivers");
    let names = [
        format!("{drivers}/char/virtio_console.ko"),
        format!("{drivers}/virtio/virtio_pci.ko.xz"),
        format!("{drivers}/virtio/virtio.ko.zst"),
        format!("{drivers}/virtio/virtio-ring.ko.gz"),
        // Nobody would look for it at first, and its path is longer than the tar header's field.
        format!("{drivers}/{}/odd_helper.ko", "deep/".repeat(30)),
        format!("{drivers}/block/virtio_blk.ko"),
    ];
    let files = [
        ("boot/vmlinuz-6.1.0-9-tiny", image),
        ("boot/config-6.1.0-9-tiny", config.into_bytes()),
        (
            "lib/modules/6.1.0-9-tiny/modules.builtin",
            b"kernel/lib/glue.ko\n".to_vec(),
        ),
        (&names[0], module("virtio_ring,virtio")),
        (
            &names[1],
            packed(Some(Packing::Xz), &module("odd_helper,virtio,virtio-ring")),
        ),
        (&names[2], packed(Some(Packing::Zstd), &module(""))),
        (
            &names[3],
            packed(Some(Packing::Gzip), &module("virtio,glue")),
        ),
        (&names[4], module("")),
        (&names[5], module("virtio")),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    for packing in [
        None,
        Some(Packing::Xz),
        Some(Packing::Zstd),
        Some(Packing::Gzip),
    ] {
        let kernel = unpacked(&deb(packing, &files)).unwrap();
        let order: Vec<&str> = kernel.modules.iter().map(|m| m.name.as_str()).collect();
        let expected = [
            "odd_helper.ko",
            "virtio.ko",
            "virtio_ring.ko",
            "virtio_pci.ko",
            "virtio_console.ko",
        ];
        assert_eq!(order, expected, "{packing:?}");
        assert_eq!(kernel.release, "6.1.0-9-tiny");
        assert_eq!(kernel.modules[2].bytes, module("virtio,glue"));
        assert_eq!(kernel.unknown, [] as [&str; 0]);
    }
    let without = |name: &str| {
        let files: Vec<_> = files
            .iter()
            .copied()
            .filter(|(n, _)| !n.contains(name))
            .collect();
        refusal(&deb(None, &files))
    };
    assert_eq!(
        without("odd_helper"),
        " is damaged: its module `virtio_pci` needs `odd_helper`, which is not in the package"
    );
    assert!(without("virtio_console").contains("it has `CONFIG_VIRTIO_CONSOLE` as a module"));
}

#[test]
fn where_the_list_of_what_is_built_in_is_all_there_is_it_decides() {
    let image = bzimage(Packing::Xz, &vmlinux(PVH, b""));
    let package = |builtin: &[u8]| {
        deb(
            Some(Packing::Xz),
            &[
                ("usr/lib/modules/7.0.1-tiny/vmlinuz", &image),
                ("usr/lib/modules/7.0.1-tiny/modules.builtin", builtin),
                ("usr/lib/modules/7.0.1-tiny/kernel/fs/odd.ko", &module("")),
            ],
        )
    };
    let both = b"kernel/drivers/virtio/virtio_pci.ko\nkernel/drivers/char/virtio_console.ko\n";
    let kernel = unpacked(&package(both)).unwrap();
    assert_eq!(kernel.release, "7.0.1-tiny");
    assert!(!kernel.unknown.contains(&"CONFIG_VIRTIO_PCI".to_owned()));
    assert_eq!(
        refusal(&package(b"kernel/drivers/virtio/virtio_pci.ko\n")),
        "the kernel  cannot run in the lab: `CONFIG_VIRTIO_CONSOLE` is neither built in nor \
         among the package's modules"
    );
}

#[test]
fn what_is_no_kernel_is_told_so() {
    assert_eq!(
        refusal(b"#!/bin/sh\n"),
        " is no kernel: it is neither a `.deb` package, nor a bzImage, nor an ELF vmlinux, nor an arm64 image"
    );
    assert_eq!(
        refusal(&deb(Some(Packing::Xz), &[("usr/bin/tool", b"x")])),
        " is damaged: the package holds no kernel (`boot/vmlinuz-*`)"
    );
    assert_eq!(
        refusal(&archive(&[("debian-binary", b"2.0\n")])),
        " is damaged: the package holds no files"
    );
    assert!(
        unpack(Path::new("/"))
            .unwrap_err()
            .to_string()
            .contains("is no kernel")
    );
    assert!(
        unpack(Path::new("/nowhere/at/all"))
            .unwrap_err()
            .to_string()
            .starts_with("cannot read")
    );
}

#[test]
fn a_release_never_leads_out_of_its_folder() {
    let image = bzimage(Packing::Xz, &vmlinux(PVH, b""));
    for release in ["..", "6/../../x", "6.1\u{1b}[2J", ""] {
        let name = format!("boot/vmlinuz-{release}");
        let mut tar = tar::Header::new_gnu();
        tar.set_size(image.len() as u64);
        tar.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        tar.set_cksum();
        let mut data = tar.as_bytes().to_vec();
        data.extend_from_slice(&image);
        data.resize(data.len().next_multiple_of(512) + 1024, 0);
        let text = refusal(&archive(&[("data.tar", &data)]));
        assert!(text.contains("is no release of a kernel"), "{text}");
    }
}

#[test]
fn what_claims_to_be_huge_is_refused_before_it_is_unpacked() {
    let bomb = vec![0; 4 << 20];
    let mut image = bzimage(Packing::Xz, &bomb);
    let end = image.len();
    image[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(&image).contains("more than any has"));
    // It becomes more than it says.
    image[end - 4..].copy_from_slice(&1024_u32.to_le_bytes());
    assert_eq!(
        refusal(&image),
        " is damaged: unpacked, it has more than 1024 bytes"
    );
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let package = kernel_deb("6.12.7-tiny");
    assert!(unpacked(&package).is_ok());
    for length in (0..package.len()).step_by(7) {
        assert!(unpacked(&package[..length]).is_err(), "{length} bytes");
    }
    let image = bzimage(Packing::Zstd, &whole(CONFIG));
    for length in (0..image.len()).step_by(7) {
        assert!(unpacked(&image[..length]).is_err(), "{length} bytes");
    }
    // Bytes behind the segments are not loaded; up to there none may be missing.
    let image = vmlinux(PVH, b"");
    for length in 0..64 + 56 + 24 {
        assert!(unpacked(&image[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_a_file_holds_nothing_panics(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        kind in 0..6_usize,
    ) {
        let image = whole(CONFIG);
        let mut bytes = match kind {
            0 => image,
            4 => kernel_deb("6.12.7-tiny"),
            5 => deb(None, &[("boot/vmlinuz-6.1", &bzimage(Packing::Gzip, &image))]),
            packing => bzimage(PACKINGS[packing - 1], &image),
        };
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let _ = unpacked(&bytes);
    }
}

#[test]
fn an_arm64_image_is_a_kernel_for_arm64_and_for_nothing_else() {
    let image = arm64(b"");
    let package = deb(
        None,
        &[
            ("boot/vmlinuz-6.12.7-tiny", &image),
            ("boot/config-6.12.7-tiny", CONFIG.as_bytes()),
        ],
    );
    let at = |architecture: &str, bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        unpack_for(architecture, file.path()).map_err(|error| error.to_string())
    };
    for bytes in [&package, &image] {
        let unpacked = at("aarch64", bytes).unwrap();
        assert_eq!(unpacked.release, "6.12.7-tiny");
        assert_eq!(unpacked.vmlinux, image);
        let refused = at("x86_64", bytes).unwrap_err();
        assert!(refused.contains("` is for aarch64, and"), "{refused}");
    }
    let refused = at("aarch64", &whole(CONFIG)).unwrap_err();
    assert!(refused.contains("` is for x86_64, and"), "{refused}");
    // The options that it lacks are named, too.
    let lacking = arm64(&ikconfig(&CONFIG.replace("BPF_SYSCALL=y", "BPF_SYSCALL=n")));
    let refused = at("aarch64", &lacking).unwrap_err();
    assert!(refused.contains("CONFIG_BPF_SYSCALL"), "{refused}");
}

#[test]
fn the_series_is_the_first_two_numbers() {
    assert_eq!(series("6.12.118+deb13-cloud-amd64"), "6.12");
    assert_eq!(series("7.0"), "7.0");
    assert_eq!(series("6.1-rc3"), "6.1");
    assert_eq!(series("odd"), "odd");
}

#[test]
fn another_module_or_another_order_is_another_id() {
    let module = |name: &str, bytes: &[u8]| Module {
        name: name.to_owned(),
        bytes: bytes.to_owned(),
    };
    let id = |modules: Vec<Module>| {
        Unpacked {
            release: "6.1".to_owned(),
            vmlinux: b"kernel".to_vec(),
            modules,
            config: None,
            unknown: Vec::new(),
        }
        .id()
    };
    let ids = [
        id(vec![]),
        id(vec![module("a", b"bc")]),
        id(vec![module("ab", b"c")]),
        id(vec![module("a", b"b"), module("b", b"c")]),
        id(vec![module("b", b"c"), module("a", b"b")]),
    ];
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

/// The default kernel, where `tutor lab setup` put it for the user who runs the tests.
#[test]
fn the_real_kernel_has_what_the_lab_needs() {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let cache = folder("TUTOR_HOME")
        .map(|home| home.join("cache"))
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("tutor")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/tutor")));
    let cache = crate::cache::Cache::below(&cache.unwrap_or_default());
    let Some(kernel) = cache.kernel("default").unwrap() else {
        eprintln!("skipped: no kernel in the cache; `tutor lab setup` gets it");
        return;
    };
    let bytes = fs::read(&kernel.vmlinux).unwrap();
    assert!(bytes.len() > 20 << 20);
    let elf = super::vmlinux::Vmlinux::parse(&bytes).unwrap();
    assert!(elf.has_entry());
    assert_eq!(elf.release().as_deref(), Some(kernel.release.as_str()));
    // It is taken for what it is without its package too, with less known of it.
    let bare = unpack(&kernel.vmlinux).unwrap();
    assert_eq!(bare.release, kernel.release);
    assert_eq!(bare.vmlinux, bytes);
}
