//! The commands that read objects and instructions, as a learner sees them.

mod support;

use insta::assert_snapshot;
use serde_json::Value;
use support::asked::{Object, Run, compiled, file_of};
use tutor_bpf::command::CommandVerdict;

#[test]
fn hello_has_a_section_for_its_program_and_one_for_its_licence() {
    let Some(hello) = compiled("hello_has_a_section", "hello", &[]) else {
        return;
    };
    assert_snapshot!(Run::on(&hello, &["sections"]).text());
    assert_snapshot!(Run::on(&hello, &["sections"]).columns(40).text());
    let json = Run::on(&hello, &["sections"]).json();
    assert_eq!(json["license"], "GPL");
    assert_eq!(json["programs"][0]["name"], "bpf_prog");
    assert_eq!(json["programs"][0]["size"], 104);
    assert_eq!(json["btf_types"], Value::Null);
}

#[test]
fn hello_names_its_program_and_its_licence() {
    let Some(hello) = compiled("hello_names", "hello", &[]) else {
        return;
    };
    assert_snapshot!(Run::on(&hello, &["symbols"]).text());
    let json = Run::on(&hello, &["symbols"]).json();
    let symbols = json["symbols"].as_array().unwrap();
    assert!(
        symbols
            .iter()
            .any(|symbol| symbol["name"] == "bpf_prog" && symbol["size"] == 104)
    );
}

#[test]
fn hello_is_twelve_instructions_in_thirteen_slots() {
    let Some(hello) = compiled("hello_is_twelve", "hello", &[]) else {
        return;
    };
    assert_snapshot!(Run::on(&hello, &["disasm"]).text());
    assert_snapshot!(Run::on(&hello, &["disasm", "--bytes"]).text());
    assert_snapshot!(Run::on(&hello, &["disasm", "--bytes"]).columns(40).text());
    let json = Run::on(&hello, &["disasm"]).json();
    let instructions = json["sections"][0]["instructions"].as_array().unwrap();
    assert_eq!(instructions.len(), 12);
    assert_eq!(instructions[9]["bytes"], "85 00 00 00 06 00 00 00");
    assert_eq!(instructions[9]["slot"], 10);
    assert_eq!(instructions[9]["text"], "call bpf_trace_printk#6");
}

#[test]
fn a_map_program_shows_its_lines_of_c_and_its_map() {
    let Some(counts) = compiled("a_map_program", "counts", &["-g"]) else {
        return;
    };
    assert_snapshot!(Run::on(&counts, &["disasm", "--source"]).text());
    let one = Run::on(&counts, &["disasm", "--source", "--program", "count_write"]);
    assert_eq!(one.text(), Run::on(&counts, &["disasm", "--source"]).text());
    let json = Run::on(&counts, &["sections"]).json();
    assert_eq!(json["maps"][0]["name"], "counts");
    assert_eq!(json["maps"][0]["type"], "hash");
    assert_eq!(json["maps"][0]["key_size"], 4);
    assert_eq!(json["maps"][0]["value_size"], 8);
    assert_eq!(json["maps"][0]["max_entries"], 1024);
    let code = Run::on(&counts, &["disasm"]).json();
    let load = &code["sections"][0]["instructions"][7];
    assert_eq!(load["refers_to"]["kind"], "map");
    assert_eq!(load["refers_to"]["name"], "counts");
    assert_eq!(load["source"]["line"], 24);
}

#[test]
fn big_endian_code_reads_the_same() {
    let Some(little) = compiled("big_endian", "counts", &["-g"]) else {
        return;
    };
    let big = compiled("big_endian", "counts", &["-g", "-target", "bpfeb"]).unwrap();
    let texts = |object: &Object| -> Vec<String> {
        let json = Run::on(object, &["disasm"]).json();
        let instructions = json["sections"][0]["instructions"]
            .as_array()
            .unwrap()
            .clone();
        let line = |one: &Value| format!("{} {} {}", one["text"], one["refers_to"], one["source"]);
        instructions.iter().map(line).collect()
    };
    assert_eq!(texts(&big), texts(&little));
    let json = Run::on(&big, &["sections"]).json();
    assert_eq!(json["byte_order"], "big");
    assert_eq!(json["maps"][0]["max_entries"], 1024);
}

#[test]
fn an_instruction_is_taken_apart_bit_by_bit() {
    let call = ["insn", "85", "00", "00", "00", "06", "00", "00", "00"];
    assert_snapshot!(Run::new(&call).text());
    assert_snapshot!(Run::new(&call).columns(40).text());
    assert_snapshot!(Run::new(&["insn", "r1 = 0x6f77206f6c6c6568 ll"]).text());
    assert_snapshot!(Run::new(&["insn", "*(u16 *)(r10 - 4) = r1"]).text());
    assert_snapshot!(Run::new(&["insn", "if w1 s> -1 goto +3"]).text());
    assert_snapshot!(Run::new(&["insn", "--big-endian", "07100000fffffff0"]).text());
}

#[test]
fn every_way_to_say_the_call_gives_its_bytes() {
    for words in [
        &["85 00 00 00 06 00 00 00"][..],
        &["8500000006000000"],
        &["85000000", "06000000"],
        &["0x85,0,0,0,6,0,0,0"],
        &["call", "bpf_trace_printk"],
        &["call BPF_FUNC_trace_printk"],
        &["call", "6"],
        &["call 0x6"],
        &["(85) call bpf_trace_printk#6"],
    ] {
        let words: Vec<&str> = ["insn"].into_iter().chain(words.iter().copied()).collect();
        // `0` is one digit, and is read as it stands only beside others of its kind.
        if words.contains(&"0x85,0,0,0,6,0,0,0") {
            assert_eq!(
                Run::new(&words).error(),
                "9 hex digits are no whole number of bytes\nhelp: two digits make a byte, as in `0a`"
            );
            continue;
        }
        let json = Run::new(&words).json();
        let one = &json["instructions"][0];
        assert_eq!(one["bytes"], "85 00 00 00 06 00 00 00", "{words:?}");
        assert_eq!(
            one["opcode"]["sum"],
            "BPF_JMP | BPF_CALL = 0x05 | 0x80 = 0x85"
        );
        assert_eq!(one["helper"]["name"], "bpf_trace_printk");
    }
}

#[test]
fn standard_input_may_hold_bytes_and_text_by_line() {
    let input = b"b7 00 00 00 00 00 00 00\n\n  exit\n";
    let json = Run::new(&["insn", "-"]).input(input).json();
    let texts: Vec<&Value> = json["instructions"].as_array().unwrap().iter().collect();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0]["text"], "r0 = 0");
    assert_eq!(texts[1]["bytes"], "95 00 00 00 00 00 00 00");
    let empty = Run::new(&["insn", "-"]).error();
    assert!(
        empty.starts_with("standard input is empty\nhelp: for example"),
        "{empty}"
    );
}

#[test]
fn a_function_in_text_is_no_program() {
    let Some(calls) = compiled("a_function_in_text", "tests/programs/calls", &["-g"]) else {
        return;
    };
    let json = Run::on(&calls, &["sections"]).json();
    let names = |key: &str| -> Vec<String> {
        let all = json[key].as_array().unwrap().iter();
        let names = all.map(|one| one["name"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names("programs"), ["jumps", "loops"]);
    assert_eq!(names("functions"), ["add", "cube", "square"]);
    let text = Run::on(&calls, &["sections"]).columns(200).text();
    assert!(text.contains("\nfunctions "), "{text}");
}

#[test]
fn what_is_no_instruction_is_shown_and_refused() {
    let (verdict, text) = Run::new(&["insn", "ff00000000000000"]).answer();
    assert_eq!(verdict, Ok(CommandVerdict::Refused));
    assert_snapshot!(text);
    let (verdict, text) = Run::new(&["insn", "85 00 00 00 ff 06 00 00"]).answer();
    assert_eq!(verdict, Ok(CommandVerdict::Refused));
    assert!(
        text.contains("there is no helper 1791: they are 1 to 211"),
        "{text}"
    );
}

#[test]
fn a_wrong_question_is_answered_with_what_to_do() {
    let errors = [
        Run::new(&["insn", "850"]).error(),
        Run::new(&["insn", "85 00 00 00 06 00 00"]).error(),
        Run::new(&["insn", "call bpf_trace_prink"]).error(),
        Run::new(&["insn", "r1 <- 5"]).error(),
        Run::new(&["insn", "r1 = 99999999999999999999999"]).error(),
    ];
    assert_snapshot!(errors.join("\n\n"));
}

#[test]
fn a_file_that_is_no_object_is_told_by_what_it_is() {
    let Some(hello) = compiled("a_file_that_is_no_object", "hello", &[]) else {
        return;
    };
    let elf = std::fs::read(&hello.path).unwrap();
    let errors = [
        Run::new(&["sections", "no/such/file.o"]).error(),
        Run::on(&file_of(b"int main;"), &["sections"]).error(),
        Run::on(&file_of(b""), &["symbols"]).error(),
        Run::on(&file_of(&elf[..600]), &["disasm"]).error(),
        Run::on(&hello, &["disasm", "--source"]).error(),
        Run::on(&hello, &["disasm", "--program", "bpf_pro"]).error(),
    ];
    assert_snapshot!(errors.join("\n\n"));
    let foreign = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let foreign = Run::on(&file_of(&foreign), &["disasm"]).error();
    assert!(
        foreign.contains(", not for BPF\nhelp: make a BPF object with"),
        "{foreign}"
    );
}

#[test]
fn color_repeats_what_the_words_say() {
    let mut colored = Run::new(&["insn", "exit"]);
    colored.color = true;
    let colored = colored.text();
    assert!(colored.contains('\u{1b}'));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, Run::new(&["insn", "exit"]).text());
}

#[test]
fn code_is_read_where_the_types_beside_it_are_too_new() {
    let Some(counts) = compiled("code_is_read", "counts", &["-g"]) else {
        return;
    };
    let mut elf = std::fs::read(&counts.path).unwrap();
    let magic = [0x9f, 0xeb, 1, 0, 24, 0, 0, 0];
    let btf = elf.windows(8).position(|bytes| *bytes == magic).unwrap();
    // The kind of the first type, in the highest byte of its second word.
    elf[btf + 24 + 7] = 31;
    let newer = file_of(&elf);
    let json = Run::on(&newer, &["sections"]).json();
    assert_eq!(json["programs"][0]["name"], "count_write");
    assert_eq!(json["maps"][0]["name"], "counts");
    assert_eq!(
        json["btf_error"],
        "cannot read the BTF: a type is of kind 31, which is unknown"
    );
    let text = Run::on(&newer, &["sections"]).columns(200).text();
    let row = format!(
        "none: cannot read the BTF: a type is of kind 31, which is unknown, at {:#x}",
        btf + 24
    );
    assert!(text.contains(&row), "{text}");
    assert_eq!(
        Run::on(&newer, &["disasm"]).text(),
        Run::on(&counts, &["disasm"]).text()
    );
    let error = Run::on(&newer, &["disasm", "--source"]).error();
    assert!(
        error.ends_with("a type is of kind 31, which is unknown"),
        "{error}"
    );
}
