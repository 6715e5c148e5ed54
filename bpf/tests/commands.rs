//! The commands that read objects and instructions, as a learner sees them.

use std::path::PathBuf;
use std::process::Command;

use clap::Parser;
use insta::assert_snapshot;
use serde_json::Value;
use tutor_bpf::command::{BpfCommand, CommandVerdict, Console, run};

#[derive(Debug, Parser)]
struct Bpf {
    #[command(subcommand)]
    command: BpfCommand,
}

/// A command line that is run, and what it answers.
struct Run {
    words: Vec<String>,
    columns: usize,
    color: bool,
    input: Vec<u8>,
}

impl Run {
    fn new(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            columns: 80,
            color: false,
            input: Vec::new(),
        }
    }

    fn on(file: &Object, words: &[&str]) -> Self {
        let mut run = Self::new(words);
        run.words.insert(1, file.path.display().to_string());
        run
    }

    fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    fn input(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    fn answer(self) -> (Result<CommandVerdict, String>, String) {
        let words = std::iter::once("bpf".to_owned()).chain(self.words);
        let command = Bpf::try_parse_from(words).unwrap().command;
        let (mut input, mut out) = (&self.input[..], Vec::new());
        let mut console = Console::plain(&mut input, &mut out);
        console.columns = self.columns;
        console.color = self.color;
        let verdict = run(&command, &mut console).map_err(|error| match error.help() {
            Some(help) => format!("{error}\nhelp: {help}"),
            None => error.to_string(),
        });
        (verdict, String::from_utf8(out).unwrap())
    }

    fn text(self) -> String {
        let (verdict, text) = self.answer();
        assert_eq!(verdict, Ok(CommandVerdict::Works));
        text
    }

    fn json(mut self) -> Value {
        self.words.push("--json".to_owned());
        let value: Value = serde_json::from_str(&self.text()).unwrap();
        assert_eq!(value["format"], 1);
        value
    }

    /// What it answers instead; the folder of the object is left out.
    fn error(self) -> String {
        let (verdict, _) = self.answer();
        let error = verdict.unwrap_err();
        match error.find(".o:") {
            Some(end) => {
                let start = error[..end].rfind('/').map_or(0, |slash| slash + 1);
                error[start..].to_owned()
            }
            None => error,
        }
    }
}

/// A file that goes when the test ends.
struct Object {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Compiles a program of this crate. `None`, and a line that says so, where there is no clang.
fn compiled(test: &str, name: &str, flags: &[&str]) -> Option<Object> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name.replace('/', "-") + ".o");
    let answer = Command::new("clang")
        .args(["-O2", "-target", "bpf", "-mcpu=v1"])
        .args(flags)
        .arg(format!(
            "-I/usr/include/{}-linux-gnu",
            std::env::consts::ARCH
        ))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("-c")
        .arg(format!("{name}.bpf.c"))
        .arg("-o")
        .arg(&path)
        .output();
    let Ok(answer) = answer else {
        println!("skipped: {test}: there is no clang");
        return None;
    };
    let words = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{words}");
    Some(Object {
        path,
        _folder: folder,
    })
}

/// A file of these bytes.
fn file_of(bytes: &[u8]) -> Object {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.o");
    std::fs::write(&path, bytes).unwrap();
    Object {
        path,
        _folder: folder,
    }
}

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

/// Whether libbpf's headers are here; says that a test is skipped where they are not.
fn has_libbpf(test: &str) -> bool {
    let probe = Run::new(&["expand", "--header", "bpf/bpf_helpers.h", "SEC(0)"]).answer();
    let has = probe.0.is_ok();
    if !has {
        println!("skipped: {test}: there is no clang, or libbpf's headers are missing");
    }
    has
}

#[test]
fn macros_of_libbpf_are_found_without_naming_a_header() {
    if !has_libbpf("macros_of_libbpf_are_found") {
        return;
    }
    for (expression, result) in [
        (
            "bpf_printk(\"hi\")",
            "bpf_trace_printk(____fmt, sizeof(____fmt))",
        ),
        ("SEC(\"xdp\")", "section(\"xdp\")"),
        (
            "BPF_KPROBE(on_open, int fd)",
            "____on_open(struct pt_regs *ctx, int fd)",
        ),
        ("BPF_CORE_READ(task, pid)", "bpf_probe_read_kernel("),
        ("bpf_htons(80)", "__builtin_bswap16(80)"),
        ("BPF_OP(BPF_JMP)", "((0x05) & 0xf0)"),
    ] {
        let json = Run::new(&["expand", expression]).json();
        let found = json["result"].as_str().unwrap();
        assert!(found.contains(result), "{expression}: {found}");
    }
}

#[test]
fn a_macro_of_another_header_is_told_with_that_header() {
    if !has_libbpf("a_macro_of_another_header") {
        return;
    }
    let question = ["expand", "--header", "linux/bpf.h", "bpf_printk(\"hi\")"];
    let (verdict, text) = Run::new(&question).answer();
    assert_eq!(verdict, Ok(CommandVerdict::Refused));
    let help = "help: it is in bpf/bpf_helpers.h: add `--header bpf/bpf_helpers.h`";
    assert!(text.contains(help), "{text}");
    let (_, text) = Run::new(&["expand", "bpf_prink(\"hi\")"]).answer();
    assert!(text.contains("did you mean `bpf_printk`"), "{text}");
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
