//! What text means, in both notations, and that ours comes back.

use proptest::prelude::*;

use super::*;
use crate::disasm::{NoNames, Text};
use crate::hex::hex;
use crate::insn::{ByteOrder, Instruction, Raw, random};

fn bytes(text: &str, dialect: Dialect) -> String {
    match instruction(text, dialect) {
        Ok(instruction) => {
            let encoded = instruction.encode(ByteOrder::Little);
            hex(&encoded)
        }
        Err(error) => error.to_string(),
    }
}

fn kernel(text: &str) -> String {
    bytes(text, Dialect::Kernel)
}

fn llvm(text: &str) -> String {
    bytes(text, Dialect::Llvm)
}

proptest! {
    #[test]
    fn our_text_means_the_instruction_it_was_made_of(instruction in random::instruction()) {
        let text = Text::new(&instruction, 0, &NoNames).to_string();
        prop_assert_eq!(super::instruction(&text, Dialect::Kernel), Ok(instruction), "{}", text);
        let opcode = instruction.raw().opcode;
        let text = format!("({opcode:02x}) {text}");
        prop_assert_eq!(super::instruction(&text, Dialect::Llvm), Ok(instruction), "{}", text);
    }

    #[test]
    fn the_text_of_any_bytes_means_them(bytes in random::bytes()) {
        for decoded in crate::insn::decode(&bytes, ByteOrder::Little).flatten() {
            let text = Text::new(&decoded.instruction, 0, &NoNames).to_string();
            let again = super::instruction(&text, Dialect::Kernel).unwrap();
            prop_assert_eq!(&*again.encode(ByteOrder::Little), decoded.bytes, "{}", text);
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(text in "[ -~é]{0,40}") {
        let _ = super::instruction(&text, Dialect::Kernel);
        let _ = super::instruction(&text, Dialect::Llvm);
    }
}

/// Numbers where something changes: of sizes, signs, atomic operations and notations.
const EDGES: [i32; 12] = [
    0,
    1,
    -1,
    10,
    16,
    32,
    64,
    0x50,
    0xe1,
    0x110,
    i32::MAX,
    i32::MIN,
];

#[test]
fn each_opcode_with_edges_in_its_fields_comes_back_from_its_line() {
    for opcode in 0..=u8::MAX {
        for (dst, src) in [(0, 0), (1, 0), (0, 1), (10, 3), (15, 15)] {
            for offset in [0, 1, -1, 8, 32, i16::MIN] {
                for imm in EDGES {
                    let raw = Raw {
                        opcode,
                        dst,
                        src,
                        offset,
                        imm,
                    };
                    for high in [None, Some(0), Some(-1)] {
                        comes_back(raw, high);
                    }
                }
            }
        }
    }
}

fn comes_back(raw: Raw, high: Option<i32>) {
    let second = high.map(|imm| Raw {
        imm,
        ..Raw::default()
    });
    let instruction = Instruction::from_raw(raw, second);
    let text = Text::new(&instruction, 0, &NoNames).to_string();
    let said = format!("   7: ({:02x}) {text}  ; map counts", raw.opcode);
    let lines = match instruction {
        Instruction::Unknown(_) => vec![text],
        _ => vec![text, said],
    };
    for line in lines {
        let readings = ListedLine::new(&line).readings();
        assert_eq!(
            readings.map(|readings| readings.kernel),
            Ok(instruction),
            "{line}"
        );
    }
}

#[test]
fn a_plain_constant_means_what_its_dialect_says() {
    assert_eq!(llvm("r1 = 0xa"), "b7 01 00 00 0a 00 00 00");
    assert_eq!(kernel("r1 = 10"), "b7 01 00 00 0a 00 00 00");
    assert_eq!(llvm("r1 = 10"), "b7 01 00 00 0a 00 00 00");
    let wide = "18 01 00 00 0a 00 00 00 00 00 00 00 00 00 00 00";
    assert_eq!(kernel("r1 = 0xa"), wide);
    assert_eq!(llvm("r1 = 0xa ll"), wide);
    assert_eq!(llvm("r1 = 10 ll"), wide);
    assert_eq!(llvm("(18) r1 = 0xa"), wide);
}

#[test]
fn both_generations_of_llvm_are_read() {
    for (text, bytes) in [
        ("call 6", "85 00 00 00 06 00 00 00"),
        ("call 0x6", "85 00 00 00 06 00 00 00"),
        ("*(u16 *)(r10 - 4) = r1", "6b 1a fc ff 00 00 00 00"),
        ("*(u16 *)(r10 - 0x4) = r1", "6b 1a fc ff 00 00 00 00"),
        ("r1 += -16", "07 01 00 00 f0 ff ff ff"),
        ("r1 += -0x10", "07 01 00 00 f0 ff ff ff"),
        ("w1 = 0xe", "b4 01 00 00 0e 00 00 00"),
        (
            "if r0 != 0x0 goto +0x9 <prog+0x88>",
            "55 00 09 00 00 00 00 00",
        ),
        ("if w7 s< 6 goto -2 <LBB0_2>", "c6 07 fe ff 06 00 00 00"),
        ("goto +0x23 <prog+0x1a0>", "05 00 23 00 00 00 00 00"),
        ("gotol -0x2 <LBB0_1>", "06 00 00 00 fe ff ff ff"),
        ("lock *(u64 *)(r0 + 0x0) += r1", "db 10 00 00 00 00 00 00"),
        ("lock *(u32 *)(r0 + 0x0) += w1", "c3 10 00 00 00 00 00 00"),
        (
            "r2 = atomic_fetch_add((u64 *)(r0 + 0x0), r2)",
            "db 20 00 00 01 00 00 00",
        ),
        (
            "r0 = cmpxchg_64(r1 + 0x0, r0, r2)",
            "db 21 00 00 f1 00 00 00",
        ),
        (
            "w0 = cmpxchg32_32(r1 + 0, w0, w2)",
            "c3 21 00 00 f1 00 00 00",
        ),
        ("r7 = xchg_64(r1 + 0x0, r7)", "db 71 00 00 e1 00 00 00"),
        ("w1 = (s16)w7", "bc 71 10 00 00 00 00 00"),
        ("r1 = *(s32 *)(r2 + 0x4)", "81 21 04 00 00 00 00 00"),
        ("r8 = bswap32 r8", "d7 08 00 00 20 00 00 00"),
        ("r1 = be16 r1", "dc 01 00 00 10 00 00 00"),
        ("r0 = *(u8 *)skb[0xc]", "30 00 00 00 0c 00 00 00"),
        ("r0 = *(u16 *)skb[r3]", "48 30 00 00 00 00 00 00"),
        ("w1 s/= 0x3", "34 01 01 00 03 00 00 00"),
        ("r3 = -r3", "87 03 00 00 00 00 00 00"),
        ("callx r3", "8d 03 00 00 00 00 00 00"),
        ("may_goto +0x1 <x>", "e5 00 01 00 00 00 00 00"),
    ] {
        assert_eq!(llvm(text), bytes, "{text}");
    }
}

#[test]
fn what_the_kernels_tools_print_is_read() {
    assert_eq!(
        kernel("(85) call bpf_trace_printk#-61360"),
        "85 00 00 00 50 10 ff ff"
    );
    assert_eq!(kernel("(85) call pc+5"), "85 10 00 00 05 00 00 00");
    assert_eq!(
        kernel("(18) r1 = map[id:7]"),
        "18 11 00 00 07 00 00 00 00 00 00 00 00 00 00 00"
    );
    assert_eq!(
        kernel("(18) r1 = map[id:7][0]+8"),
        "18 21 00 00 07 00 00 00 00 00 00 00 08 00 00 00"
    );
    assert_eq!(
        kernel("r2 = atomic64_fetch_add((u64 *)(r0 +0), r2)"),
        "db 20 00 00 01 00 00 00"
    );
}

#[test]
fn an_error_says_where_and_what() {
    for (text, error) in [
        ("", "column 1: expected an instruction, found the end"),
        (
            "r1 = ",
            "column 6: expected a register, a number, memory or an operation, found the end",
        ),
        (
            "r12 = 1",
            "column 1: there is no register `r12`: they are r0 to r10, and w0 to w10 for 32 bits",
        ),
        (
            "r1 += w2",
            "column 7: `r` is 64 bits of a register and `w` 32: both must be the same here",
        ),
        (
            "r1 = 4294967296",
            "column 6: the number does not fit into 32 bits",
        ),
        (
            "goto pc+40000",
            "column 8: the number does not fit into 16 bits",
        ),
        (
            "exit now",
            "column 6: expected the end of the instruction, found `now`",
        ),
        (
            "(95) call 6",
            "column 1: the opcode 0x95 in front is not that of the text, which is 0x85",
        ),
        (
            "call bpf_trace_print",
            "column 6: there is no helper `bpf_trace_print`",
        ),
        (
            "r1 = be16 r2",
            "column 11: this instruction works on one register, and the text names two",
        ),
    ] {
        assert_eq!(kernel(text), error, "{text}");
    }
    let misspelt = instruction("call bpf_trace_print", Dialect::Kernel).unwrap_err();
    assert_eq!(
        misspelt.help().as_deref(),
        Some("did you mean `bpf_trace_printk`?")
    );
}
