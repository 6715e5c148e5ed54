//! What bytes mean, and that nothing is lost on the way.

use proptest::prelude::*;

use super::*;

fn decoded(bytes: &[u8]) -> Instruction {
    let mut all = decode(bytes, ByteOrder::Little);
    let only = all.next().unwrap().unwrap();
    assert_eq!(only.bytes, bytes);
    assert_eq!(all.next(), None);
    only.instruction
}

fn flaw(bytes: [u8; 8]) -> String {
    match decoded(&bytes) {
        Instruction::Unknown(unknown) => unknown.flaw().to_string(),
        known => panic!("{known:?}"),
    }
}

proptest! {
    #[test]
    fn every_instruction_comes_back_from_its_bytes(instruction in random::instruction(), order in random::order()) {
        let encoded = instruction.encode(order);
        let mut all = decode(&encoded, order);
        prop_assert_eq!(all.next().unwrap().unwrap().instruction, instruction);
        prop_assert_eq!(all.next(), None);
    }

    #[test]
    fn bytes_come_back_from_what_they_were_taken_for(bytes in random::bytes(), order in random::order()) {
        let mut again = Vec::new();
        let mut slots = 0;
        for item in decode(&bytes, order) {
            match item {
                Ok(decoded) => {
                    prop_assert_eq!(decoded.slot, slots);
                    slots += decoded.instruction.slots();
                    prop_assert_eq!(&*decoded.instruction.encode(order), decoded.bytes);
                    again.extend_from_slice(decoded.bytes);
                }
                Err(DecodeError::Cut { offset, left }) => {
                    prop_assert_eq!(offset, again.len());
                    prop_assert!((1..8).contains(&left));
                    again.extend_from_slice(&bytes[offset..]);
                }
            }
        }
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn a_number_that_is_decoded_is_the_variants_own(opcode in any::<u8>()) {
        prop_assert_eq!(Class::of(opcode).code(), opcode & 7);
        for code in AluCode::ALL {
            prop_assert_eq!(AluCode::from_code(code.code()), Some(*code));
        }
    }
}

#[test]
fn the_call_of_the_first_lesson_is_helper_6() {
    let call = decoded(&[0x85, 0, 0, 0, 6, 0, 0, 0]);
    let callee = Callee::Helper(6);
    assert_eq!(call, Instruction::Call { callee, offset: 0 });
}

#[test]
fn a_constant_of_64_bits_takes_two_slots() {
    let bytes = [
        0x18, 1, 0, 0, 0x68, 0x65, 0x6c, 0x6c, 0, 0, 0, 0, 0x6f, 0x20, 0x77, 0x6f,
    ];
    let load = decoded(&bytes);
    assert_eq!(load.slots(), 2);
    assert_eq!(load.wide().unwrap().bits(), 0x6f77_206f_6c6c_6568);
}

#[test]
fn both_places_of_the_register_of_callx_are_read() {
    let register = Register::new(3).unwrap();
    let callx = |field| Instruction::CallRegister { register, field };
    let old = decoded(&[0x8d, 0, 0, 0, 3, 0, 0, 0]);
    let new = decoded(&[0x8d, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(old, callx(CallxField::Immediate));
    assert_eq!(new, callx(CallxField::Destination));
}

#[test]
fn what_is_no_instruction_says_why() {
    assert_eq!(
        flaw([0xff, 0, 0, 0, 0, 0, 0, 0]),
        "the opcode 0xff means nothing"
    );
    assert_eq!(
        flaw([0xb7, 0x0c, 0, 0, 0, 0, 0, 0]),
        "there is no register r12"
    );
    assert_eq!(
        flaw([0x95, 0, 0, 0, 1, 0, 0, 0]),
        "the immediate must be 0 here"
    );
    assert_eq!(
        flaw([0x85, 0x30, 0, 0, 6, 0, 0, 0]),
        "the source register has a value that means nothing here"
    );
    assert_eq!(
        flaw([0x18, 0, 0, 0, 0, 0, 0, 0]),
        "a 64-bit constant takes two slots, and the second one is missing"
    );
}

#[test]
fn bytes_that_are_left_over_are_counted() {
    let error = decode(&[0; 9], ByteOrder::Little).last().unwrap();
    assert_eq!(
        error.unwrap_err().to_string(),
        "an instruction takes 8 bytes, and at 0x8 there is 1 left"
    );
}

#[test]
fn every_opcode_of_the_kernels_table_is_known() {
    // What `struct bpf_insn` may begin with, by RFC 9669's table of opcodes and the kernel's additions.
    let known = (0..=u8::MAX).filter(|opcode| {
        let raw = |imm, offset| Raw {
            opcode: *opcode,
            imm,
            offset,
            ..Raw::default()
        };
        let tried = [raw(0, 0), raw(16, 0), raw(0x100, 0)];
        let is_known = |raw: Raw| {
            !matches!(
                Instruction::from_raw(raw, Some(Raw::default())),
                Instruction::Unknown(_)
            )
        };
        tried.into_iter().any(is_known)
    });
    // 2 × (12 operations of two forms, and a negation), 3 changes of order, 1 constant, 6 of packets,
    // 4 loads, 3 signed ones, 8 stores, 4 atomic sizes, nospec, 2 × 11 jumps of two forms, 2 goto, gotol,
    // may_goto, call, callx, exit.
    assert_eq!(
        known.count(),
        2 * 25 + 3 + 1 + 6 + 4 + 3 + 8 + 4 + 1 + 44 + 7
    );
}
