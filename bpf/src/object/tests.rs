//! Objects as a compiler makes them, and files that nobody should.

use proptest::prelude::*;

use super::btf::Btf;
use super::lines::LineInfo;
use super::*;
use crate::assemble::TinyObject;
use crate::insn::ByteOrder;

fn tiny() -> Vec<u8> {
    let object = TinyObject::new("kprobe/vfs_mkdir").named("on_mkdir");
    object.to_elf().unwrap()
}

fn refused(data: &[u8]) -> String {
    match BpfObject::parse(data) {
        Ok(object) => panic!("{object:?}"),
        Err(error) => error.to_string(),
    }
}

/// Asks for everything that a command would show.
fn read_all(data: &[u8]) {
    let Ok(object) = BpfObject::parse(data) else {
        return;
    };
    let _ = (object.license(), object.maps().len());
    for section in object.sections() {
        let mut left = 10_000;
        for decoded in object.code(section).flatten() {
            left -= 1;
            if left == 0 {
                break;
            }
            let offset = 8 * decoded.slot as u64;
            let _ = object.referent(section, offset, &decoded.instruction);
            let _ = object.line(&section.name, offset);
        }
    }
    for function in object.functions() {
        let _ = object.function_code(function).last();
    }
}

#[test]
fn sections_programs_and_licence_are_found() {
    let elf = tiny();
    let object = BpfObject::parse(&elf).unwrap();
    let section = object.section_named("kprobe/vfs_mkdir").unwrap();
    assert!(section.is_code());
    assert_eq!(section.size, 16);
    let [program] = object.functions() else {
        panic!("{:?}", object.functions());
    };
    assert_eq!(program.role, FunctionRole::Program);
    assert_eq!((&*program.name, program.size), ("on_mkdir", 16));
    assert_eq!(object.function_code(program).count(), 2);
    assert_eq!(object.license().as_deref(), Some("GPL"));
    assert!(object.btf().is_none() && object.maps().is_empty());
}

#[test]
fn a_foreign_file_is_told_by_what_it_is() {
    assert_eq!(
        refused(b""),
        "this is no ELF file: it begins with nothing, not with 7f 45 4c 46"
    );
    assert_eq!(
        refused(b"#!/bin/sh"),
        "this is no ELF file: it begins with 23 21 2f 62, not with 7f 45 4c 46"
    );
    let mut elf = tiny();
    elf[18] = 62;
    assert_eq!(refused(&elf), "this is an ELF file for x86-64, not for BPF");
    let mut elf = tiny();
    elf[4] = 1;
    assert_eq!(
        refused(&elf),
        "this is a 32-bit ELF file, and BPF objects are 64-bit ones"
    );
    let mut elf = tiny();
    elf[16] = 2;
    assert_eq!(
        refused(&elf),
        "this is no relocatable object (its ELF type is 2, not 1)"
    );
}

#[test]
fn wherever_a_file_is_cut_off_the_answer_is_an_error() {
    let elf = tiny();
    for len in 0..elf.len() {
        assert!(BpfObject::parse(&elf[..len]).is_err(), "{len} bytes");
    }
}

/// Where a section's header begins in the file.
fn header_of(elf: &[u8], section: usize) -> usize {
    u64::from_le_bytes(elf[40..48].try_into().unwrap()) as usize + 64 * section
}

#[test]
fn sections_that_share_their_bytes_are_not_read() {
    let mut elf = tiny();
    let object = BpfObject::parse(&elf).unwrap();
    let index = object.section_named("license").unwrap().index;
    let at = header_of(&elf, index);
    let len = elf.len() as u64;
    elf[at + 24..at + 32].copy_from_slice(&0_u64.to_le_bytes());
    elf[at + 32..at + 40].copy_from_slice(&len.to_le_bytes());
    assert_eq!(
        refused(&elf),
        "its sections or names together claim more bytes than the whole file has"
    );
}

#[test]
fn a_range_beyond_the_end_is_as_much_as_there_is() {
    assert_eq!(range(&[1, 2, 3], 1, 1), [2]);
    assert_eq!(range(&[1, 2, 3], 1, u64::MAX), [2, 3]);
    assert!(range(&[1, 2, 3], u64::MAX, u64::MAX).is_empty());
}

proptest! {
    #[test]
    fn no_change_of_bytes_makes_it_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut elf = tiny();
        for (place, byte) in changes {
            let place = place.index(elf.len());
            elf[place] = byte;
        }
        read_all(&elf);
    }

    #[test]
    fn btf_of_any_bytes_is_read_or_refused(mut data in proptest::collection::vec(any::<u8>(), 0..200), kept in any::<bool>()) {
        if kept && data.len() > 24 {
            data[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
            data[8..24].iter_mut().for_each(|byte| *byte &= 0x1f);
            for at in [9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23] {
                data[at] = 0;
            }
        }
        if let Ok(btf) = Btf::parse(&data, ByteOrder::Little) {
            for id in 0..=btf.type_count() as u32 + 1 {
                let _ = (btf.get(id), btf.name(id));
            }
            let _ = LineInfo::parse(&data, ByteOrder::Little, &btf);
            let _ = LineInfo::parse(&data[8..], ByteOrder::Little, &btf);
        }
    }
}
