//! Instructions as tools print them, given back to `tutor bpf insn`.

mod support;

use serde_json::Value;
use support::asked::{Run, compiled};

/// The bytes of all instructions that a text stands for.
fn bytes_of(run: Run) -> String {
    let json = run.json();
    let all = json["instructions"].as_array().unwrap().clone();
    let bytes: Vec<&str> = all
        .iter()
        .map(|one| one["bytes"].as_str().unwrap())
        .collect();
    bytes.join(" ")
}

#[test]
fn a_line_is_read_as_tools_print_it() {
    let wide = "18 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00";
    for (line, bytes) in [
        ("   5: (18) r1 = 0x0  ; map counts", wide),
        (
            "   5: 18 01 00 00 00 00 00 00  (18) r1 = 0x0  ; map counts",
            wide,
        ),
        (
            "5: (18) r1 = 0x0                     ; R1_w=map_ptr(ks=4,vs=8)",
            wide,
        ),
        (
            "   0: 18 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00  r1 = 0x0 <map counts>",
            wide,
        ),
        (
            "       5:\t18 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00\tr1 = 0x0 ll",
            wide,
        ),
        (
            "       0:\tb7 01 00 00 0a 00 00 00\tr1 = 0xa",
            "b7 01 00 00 0a 00 00 00",
        ),
        (
            "       0:\tb7 01 00 00 0a 00 00 00\tr1 = 10",
            "b7 01 00 00 0a 00 00 00",
        ),
        (
            "6: (85) call bpf_map_lookup_elem#1   ; R0=map_value_or_null(id=1)",
            "85 00 00 00 01 00 00 00",
        ),
        (
            "  11: (85) call 0xffffffff81203fe0#-98144",
            "85 00 00 00 a0 80 fe ff",
        ),
        (
            "  11: (85) call (address withheld)#0",
            "85 00 00 00 00 00 00 00",
        ),
        (
            "      32:\tc3 71 00 00 00 01 00 00\t<unknown>",
            "c3 71 00 00 00 01 00 00",
        ),
        ("   7: 95 00 00 00 00 00 00 00", "95 00 00 00 00 00 00 00"),
        (
            "   7: .byte 0xff 0x00 0x00 0x00 0x00 0x00 0x00 0x00  ; the opcode 0xff means nothing",
            "ff 00 00 00 00 00 00 00",
        ),
    ] {
        let (_, text) = Run::new(&["insn", "--json", line]).answer();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["instructions"][0]["bytes"], bytes, "{line}");
    }
}

#[test]
fn a_text_that_stands_for_two_instructions_says_so() {
    let json = Run::new(&["insn", "r3 = 0xffffffff"]).json();
    let one = &json["instructions"][0];
    let wide = "18 03 00 00 ff ff ff ff 00 00 00 00 00 00 00 00";
    assert_eq!(one["bytes"], wide);
    assert_eq!(one["also"]["text"], "(b7) r3 = -1");
    assert_eq!(one["also"]["bytes"], "b7 03 00 00 ff ff ff ff");
    let text = Run::new(&["insn", "r3 = 0xffffffff"]).columns(400).text();
    let note = text.lines().nth(1).unwrap();
    assert_eq!(
        note,
        "the text stands for two instructions: this one in the notation of the kernel and bpftool, \
         and `(b7) r3 = -1`, b7 03 00 00 ff ff ff ff, in that of llvm-objdump 16 and later"
    );
    for plain in [
        "r3 = 10",
        "r3 = 0xa ll",
        "(18) r3 = 0xa",
        "w3 = 0xa",
        "r3 += 0xa",
    ] {
        let json = Run::new(&["insn", plain]).json();
        assert_eq!(json["instructions"][0]["also"], Value::Null, "{plain}");
    }
}

#[test]
fn bytes_and_text_that_differ_are_told() {
    let error = Run::new(&["insn", "0: b7 01 00 00 0a 00 00 00  (b7) r1 = 11"]).error();
    assert_eq!(
        error,
        "the bytes of `(b7) r1 = 11` are b7 01 00 00 0b 00 00 00, and b7 01 00 00 0a 00 00 00 stand before it\n\
         help: leave out the bytes or the text"
    );
    let error = Run::new(&["insn", "call pc+2#bpf_prog_6deef7357e7b4530"]).error();
    assert!(error.ends_with("help: give its eight bytes"), "{error}");
    let error = Run::new(&["insn", "-"]).input(b"exit\nr1 <- 5\n").error();
    assert!(
        error.starts_with("line 2 of standard input: cannot read `r1 <- 5`: column 4: "),
        "{error}"
    );
}

#[test]
fn what_disasm_prints_is_read_back_to_the_same_bytes() {
    for endian in ["bpfel", "bpfeb"] {
        let flags = ["-g", "-target", endian];
        let Some(object) = compiled("what_disasm_prints", "tests/programs/calls", &flags) else {
            return;
        };
        let json = Run::on(&object, &["disasm"]).json();
        let sections = json["sections"].as_array().unwrap().clone();
        let all = sections
            .iter()
            .flat_map(|section| section["instructions"].as_array().unwrap());
        let real: Vec<&str> = all.map(|one| one["bytes"].as_str().unwrap()).collect();
        for words in [
            &["disasm"][..],
            &["disasm", "--bytes"],
            &["disasm", "--source"],
        ] {
            for columns in [60, 80] {
                let listing = Run::on(&object, words).columns(columns).text();
                let mut again = Run::new(&["insn", "-"]).input(listing.as_bytes());
                if endian == "bpfeb" {
                    again.words.push("--big-endian".to_owned());
                }
                assert_eq!(bytes_of(again), real.join(" "), "{words:?} {columns}");
            }
        }
    }
}

#[test]
fn the_fields_of_an_instruction_say_where_they_lie() {
    let json = Run::new(&["insn", "(18) r1 = 0x6f77206f6c6c6568"]).json();
    let one = &json["instructions"][0];
    for (field, start, length) in [
        ("opcode", 0, 1),
        ("dst", 1, 1),
        ("src", 1, 1),
        ("offset", 2, 2),
        ("immediate", 4, 4),
        ("second_immediate", 12, 4),
    ] {
        assert_eq!(one[field]["start"], start, "{field}");
        assert_eq!(one[field]["length"], length, "{field}");
    }
    assert_eq!(one["dst"]["bits"], ".... 0001");
    let big = Run::new(&["insn", "--big-endian", "b71000000000000a"]).json();
    assert_eq!(big["instructions"][0]["dst"]["bits"], "0001 ....");
}

#[test]
fn the_number_of_a_loaded_call_is_no_helpers() {
    let (_, text) = Run::new(&["insn", "85 00 00 00 a0 80 fe ff"])
        .columns(200)
        .answer();
    assert!(!text.contains("the helper's number"), "{text}");
    assert!(
        text.contains(
            "no helper's number; in a loaded program, how far the function is from __bpf_call_base"
        ),
        "{text}"
    );
}

const LOG: &str = "\
arg#0 reference type('UNKNOWN ') size cannot be determined: -22
0: R1=ctx() R10=fp0
; __u32 k = 1; @ nocheck.bpf.c:5
0: (b7) r1 = 1                        ; R1_w=1
4: (18) r1 = 0xffff888005fb8400       ; R1_w=map_ptr(map=counts,ks=4,vs=8)
6: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1,map=counts,ks=4,vs=8)
from 6 to 8: R0=map_value(map=counts,ks=4,vs=8)
7: (79) r1 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

const BPFTOOL: &str = "\
int count(void * ctx):
; int count(void *ctx)
   0: (bf) r6 = r1
       bf 16 00 00 00 00 00 00
   1: (18) r1 = map[id:7]
       18 11 00 00 07 00 00 00 00 00 00 00 00 00 00 00
   3: (85) call __htab_map_lookup_elem#268224
       85 00 00 00 c0 17 04 00
   4: (85) call pc+2#bpf_prog_6deef7357e7b4530_add
       85 10 02 00 01 00 00 00
   5: (85) call bpf_rcu_read_lock#-74512
       85 20 00 00 f0 dc fe ff
";

#[test]
fn a_whole_log_of_the_verifier_and_a_whole_dump_are_read() {
    for (listing, bytes) in [
        (
            LOG,
            "b7 01 00 00 01 00 00 00 18 01 00 00 00 84 fb 05 00 00 00 00 80 88 ff ff \
             85 00 00 00 01 00 00 00 79 01 00 00 00 00 00 00",
        ),
        (
            BPFTOOL,
            "bf 16 00 00 00 00 00 00 18 11 00 00 07 00 00 00 00 00 00 00 00 00 00 00 85 00 00 00 c0 17 04 00 \
             85 10 02 00 01 00 00 00 85 20 00 00 f0 dc fe ff",
        ),
    ] {
        let run = Run::new(&["insn", "--json", "-"]).input(listing.as_bytes());
        let (_, text) = run.answer();
        let json: Value = serde_json::from_str(&text).unwrap();
        let all = json["instructions"].as_array().unwrap().iter();
        let read: Vec<&str> = all.map(|one| one["bytes"].as_str().unwrap()).collect();
        assert_eq!(read.join(" "), bytes);
    }
}

#[test]
fn a_numbered_line_that_is_no_instruction_is_an_error() {
    let error = Run::new(&["insn", "-"])
        .input(b"0: (95) exit\n1: (95) exot\n")
        .error();
    assert!(
        error.starts_with("line 2 of standard input: cannot read"),
        "{error}"
    );
}
