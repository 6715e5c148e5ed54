//! The commands that look at loaded programs, and at a C file on its way to one.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::Value;
use support::{compile, output, skipped};
use tempfile::TempDir;
use tutor_bpf::command::{BpfCommand, CommandError, CommandVerdict, Console, run};

#[derive(Debug, Parser)]
struct Bpf {
    #[command(subcommand)]
    command: BpfCommand,
}

/// Runs `tutor bpf ARGS`, and returns what it wrote and how it ended.
fn bpf(args: &[&str]) -> (String, Result<CommandVerdict, CommandError>) {
    let command = Bpf::parse_from(["bpf"].iter().chain(args)).command;
    let (mut input, mut out) = (std::io::empty(), Vec::new());
    let verdict = run(&command, &mut Console::plain(&mut input, &mut out));
    (String::from_utf8(out).unwrap(), verdict)
}

fn json(args: &[&str]) -> Value {
    let (text, verdict) = bpf(args);
    assert_eq!(verdict.unwrap(), CommandVerdict::Works, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// An object of a program in `bpf/`, in a folder of its own.
struct Object {
    _folder: TempDir,
    path: PathBuf,
}

impl Object {
    fn of(program: &str) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{program}.bpf.c"));
        Self::compiled(&source, program)
    }

    fn compiled(source: &Path, name: &str) -> Option<Self> {
        Self::compiled_with(source, name, &["-mcpu=v1", "-g"])
    }

    fn compiled_with(source: &Path, name: &str, flags: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{name}.bpf.o"));
        compile("clang", source, &path, flags)?;
        Some(Self {
            _folder: folder,
            path,
        })
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// Returns the object if programs can be compiled and loaded here; else says that the test is skipped.
fn loadable(name: &str, program: &str) -> Option<Object> {
    if !nix::unistd::geteuid().is_root() {
        skipped(name, "only root can load programs");
        return None;
    }
    let object = Object::of(program);
    if object.is_none() {
        skipped(name, "there is no clang, or it finds no headers");
    }
    object
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn of_hello_only_the_four_bytes_of_the_helper_change() {
    let Some(hello) = loadable("of_hello_only_the_four_bytes_of_the_helper_change", "hello") else {
        return;
    };
    let value = json(&["compare", hello.path(), "--json"]);
    let rows = array(&value["programs"][0]["rows"]);
    assert_eq!(rows.len(), 12);
    let changed: Vec<&Value> = rows.iter().filter(|row| row["change"] != "same").collect();
    let [row] = changed.as_slice() else {
        panic!("{changed:?}");
    };
    assert_eq!(row["change"], "helper-address");
    assert_eq!(row["bytecode"]["slot"], 10);
    assert_eq!(row["bytecode"]["bytes"], "85 00 00 00 06 00 00 00");
    assert_eq!(row["source"]["text"], "bpf_trace_printk(msg, sizeof(msg));");
    let helper = &row["helper"];
    let Some(base) = helper["base"].as_str() else {
        return skipped(
            "of_hello_only_the_four_bytes_of_the_helper_change",
            "addresses are withheld",
        );
    };
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
    let address = number(helper["address"].as_str().unwrap());
    let distance = helper["distance"].as_i64().unwrap();
    assert_eq!(address.wrapping_sub(number(base)) as i64, distance);
    let bytes: Vec<String> = (distance as i32)
        .to_le_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        row["xlated"][0]["bytes"],
        format!("85 00 00 00 {}", bytes.join(" "))
    );
    let machine = array(&row["machine"]);
    assert!(
        machine.is_empty()
            || machine
                .iter()
                .any(|one| { one["text"].as_str().unwrap().ends_with("bpf_trace_printk") })
    );
}

#[test]
fn a_comparison_reads_from_above_to_below() {
    let Some(hello) = loadable("a_comparison_reads_from_above_to_below", "hello") else {
        return;
    };
    let (text, _) = bpf(&["compare", hello.path(), "--changed"]);
    let shown: Vec<&str> = text
        .lines()
        .skip(3)
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(shown[0], "bpf_prog:");
    assert_eq!(shown[1], "      ; 15: bpf_trace_printk(msg, sizeof(msg));");
    assert_eq!(shown[2], "~[1]   10: call bpf_trace_printk#6");
    assert!(shown[3].starts_with("        verified   10: call bpf_trace_printk#"));
    assert!(text.contains("the verifier did it, not the JIT"));
}

#[test]
fn instructions_of_no_line_are_called_that() {
    let test = "instructions_of_no_line_are_called_that";
    let Some(hello) = loadable(test, "hello") else {
        return;
    };
    let (text, _) = bpf(&["compare", hello.path()]);
    // Whether there are any is the compiler's decision.
    let value = json(&["compare", hello.path(), "--json"]);
    let of_none = |row: &Value| row["source"]["line"] == 0;
    let are_there = array(&value["programs"][0]["rows"]).iter().any(of_none);
    assert_eq!(text.contains("      ; (of no line)\n"), are_there, "{text}");
    assert!(
        !text.contains("; 0: ") && !text.contains("no C: "),
        "{text}"
    );
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("hello.bpf.c");
    let plain = Object::compiled_with(&source, "plain", &["-mcpu=v1"]).unwrap();
    let (text, _) = bpf(&["compare", plain.path()]);
    assert!(text.contains("no C: "), "{text}");
    assert!(!text.contains("      ; "), "{text}");
}

#[test]
fn of_a_map_program_references_become_maps_and_calls_become_addresses() {
    const NAME: &str = "of_a_map_program_references_become_maps_and_calls_become_addresses";
    let Some(counts) = loadable(NAME, "counts") else {
        return;
    };
    let value = json(&["compare", counts.path(), "--changed", "--json"]);
    let rows = array(&value["programs"][0]["rows"]);
    let map = rows.iter().find(|row| row["change"] == "map").unwrap();
    assert_eq!(map["bytecode"]["relocation"], "map counts");
    assert!(map["explanation"].as_str().unwrap().contains("`counts`"));
    let lookup = rows.iter().find(|row| row["change"] == "inlined-helper");
    let lookup = lookup.unwrap()["explanation"].as_str().unwrap();
    assert!(lookup.contains("bpf_map_lookup_elem"), "{lookup}");
}

#[test]
fn every_form_of_a_program_can_be_shown_by_itself() {
    let Some(hello) = loadable("every_form_of_a_program_can_be_shown_by_itself", "hello") else {
        return;
    };
    let (text, verdict) = bpf(&["xlated", hello.path(), "--opcodes"]);
    assert_eq!(verdict.unwrap(), CommandVerdict::Works);
    assert!(
        text.contains("   0: (b7) r1 = 10\n       b7 01 00 00 0a 00 00 00\n"),
        "{text}"
    );
    let value = json(&["xlated", hello.path(), "--json"]);
    assert_eq!(array(&value["programs"][0]["instructions"]).len(), 12);
    let (text, verdict) = bpf(&["jited", hello.path(), "--json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let functions = value["programs"][0]["functions"].as_array();
    match verdict.unwrap() {
        CommandVerdict::Works => assert!(functions.unwrap()[0]["length"].as_u64().unwrap() > 12),
        CommandVerdict::Refused => assert!(functions.is_none_or(|functions| functions.is_empty())),
    }
}

#[test]
fn what_the_verifier_refuses_is_shown_with_instruction_and_line() {
    const NAME: &str = "what_the_verifier_refuses_is_shown_with_instruction_and_line";
    if loadable(NAME, "hello").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("bad.bpf.c");
    let c = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
             struct {\n__uint(type, BPF_MAP_TYPE_HASH);\n__uint(max_entries, 1);\n__type(key, int);\n__type(value, int);\n} m SEC(\".maps\");\n\
             SEC(\"raw_tp/sys_enter\")\nint bad(void *ctx)\n{\nint key = 0;\nint *v = bpf_map_lookup_elem(&m, &key);\nreturn *v;\n}\n\
             char _license[] SEC(\"license\") = \"GPL\";\n";
    fs::write(&source, c).unwrap();
    let bad = Object::compiled(&source, "bad").unwrap();
    let (text, verdict) = bpf(&["compare", bad.path()]);
    let error = verdict.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the kernel refused program `bad`: EACCES"),
        "{error}"
    );
    assert!(
        text.contains("\ncomplaint    R0 invalid mem access 'map_value_or_null'\n"),
        "{text}"
    );
    assert!(text.contains("\ninstruction  "), "{text}");
    assert!(text.contains("\nline of C    return *v;"), "{text}");
}

#[test]
fn a_program_that_is_not_there_is_said_to_be_not_there() {
    if !nix::unistd::geteuid().is_root() {
        return skipped(
            "a_program_that_is_not_there_is_said_to_be_not_there",
            "only root can open programs by number",
        );
    }
    let error = |args: &[&str]| bpf(args).1.unwrap_err().to_string();
    assert_eq!(
        error(&["xlated", "id", "4294967295"]),
        "cannot open the program with the id 4294967295: ENOENT (no such file or directory)"
    );
    assert!(error(&["jited", "pinned", "/sys/fs/bpf/tutor/no-such"]).contains("ENOENT"));
    assert_eq!(
        error(&["xlated", "id", "seven"]),
        "`seven` is no number of a program"
    );
    assert!(
        error(&["xlated", "/no/such.o"])
            .starts_with("/no/such.o: cannot read the file: no such file")
    );
}

#[test]
fn a_raw_tracepoint_program_runs_on_request() {
    let Some(hello) = loadable("a_raw_tracepoint_program_runs_on_request", "hello_raw") else {
        return;
    };
    let value = json(&["run", hello.path(), "--repeat", "2", "--json"]);
    assert_eq!(value["on_request"]["times"], 2);
    assert_eq!(value["on_request"]["returned"], serde_json::json!([0]));
    // Somebody else may hold the trace; who holds it sees both lines.
    if value["no_trace"].is_null() {
        assert_eq!(value["printed"], 2);
        assert_eq!(value["lines"][0]["text"], "hello world!");
    }
}

#[test]
fn a_kprobe_program_has_no_run_on_request() {
    let Some(hello) = loadable("a_kprobe_program_has_no_run_on_request", "hello") else {
        return;
    };
    let error = bpf(&["run", hello.path(), "--repeat", "1"]).1.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot run `bpf_prog` on request: its type has no test run in this kernel"
    );
    assert!(error.help().unwrap().contains("--attach"));
}

#[test]
fn types_that_this_kernel_takes_are_listed() {
    const NAME: &str = "types_that_this_kernel_takes_are_listed";
    let (text, verdict) = bpf(&["features", "--json"]);
    if let Err(error) = verdict {
        return skipped(NAME, &error.to_string());
    }
    let value: Value = serde_json::from_str(&text).unwrap();
    let works = |list: &str, name: &str| {
        let found = array(&value[list]).iter().find(|one| one["name"] == name);
        found.unwrap()["works"] == true
    };
    assert!(works("program_types", "socket_filter"));
    assert!(works("map_types", "hash"));
    let value = json(&["features", "--helpers", "kprobe", "--json"]);
    let helpers = array(&value["helpers"]);
    assert!(helpers.iter().any(|one| one["name"] == "bpf_trace_printk"));
    let error = bpf(&["features", "--helpers", "kprob"]).1.unwrap_err();
    assert_eq!(error.to_string(), "there is no program type `kprob`");
}

#[test]
fn each_stage_of_the_pipeline_comes_from_each_clang_with_its_lines() {
    const NAME: &str = "each_stage_of_the_pipeline_comes_from_each_clang_with_its_lines";
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("hello.bpf.c");
    let source = source.to_str().unwrap();
    for clang in ["clang", "clang-19"] {
        if output(clang, &["--version"]).is_none() {
            skipped(NAME, &format!("there is no {clang}"));
            continue;
        }
        let args = ["pipeline", source, "--function", "bpf_prog", "--line", "15"];
        let args = [&args[..], &["--mcpu", "v1", "--clang", clang, "--json"]].concat();
        let value = json(&args);
        let stages = array(&value["stages"]);
        let names: Vec<&str> = stages
            .iter()
            .map(|one| one["stage"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["tokens", "ast", "ir", "ir-opt", "asm", "object"]);
        let holds = |stage: usize, text: &str| {
            let rows = array(&stages[stage]["rows"]);
            let found = rows
                .iter()
                .any(|row| row["text"].as_str().unwrap().contains(text));
            assert!(found, "{clang}, {}: {rows:#?}", names[stage]);
        };
        holds(0, "identifier 'bpf_trace_printk'");
        holds(1, "CallExpr");
        holds(2, "@bpf_trace_printk");
        holds(3, "inttoptr (i64 6 to ");
        holds(4, "call 6");
        holds(5, "85 00 00 00 06 00 00 00  call bpf_trace_printk#6");
        let command = stages[3]["command"].as_str().unwrap();
        assert!(
            command.starts_with(clang) && command.contains("-emit-llvm"),
            "{command}"
        );
    }
}

#[test]
fn what_clang_refuses_is_shown_in_its_words() {
    if output("clang", &["--version"]).is_none() {
        return skipped(
            "what_clang_refuses_is_shown_in_its_words",
            "there is no clang",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.c");
    fs::write(&file, "int f(void) { return x; }\n").unwrap();
    let (text, verdict) = bpf(&["pipeline", file.to_str().unwrap(), "--stage", "asm"]);
    assert!(text.contains("use of undeclared identifier 'x'"), "{text}");
    assert!(verdict.unwrap_err().to_string().contains("`clang` refused"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("hello.bpf.c");
    for (file, line, said) in [
        (source.as_path(), "999", "there is no line 999 in"),
        (source.as_path(), "0", "there is no line 0 in"),
        (Path::new("/bin/ls"), "1", "it holds bytes that no text has"),
    ] {
        let (text, verdict) = bpf(&["pipeline", file.to_str().unwrap(), "--line", line]);
        let error = verdict.expect_err(&text).to_string();
        assert!(error.contains(said), "{error}");
    }
    let (_, verdict) = bpf(&["pipeline", source.to_str().unwrap(), "--function", "nobody"]);
    assert_eq!(
        verdict.unwrap_err().to_string(),
        "there is no function `nobody` in the file; it has bpf_prog"
    );
}
