//! JSON of every command, held to `docs/json.schema.json`, and `docs/json.md` to that.

use super::*;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::Command;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema() -> Value {
    serde_json::from_str(&document("json.schema.json")).expect("JSON")
}

/// The schema of one document.
fn validator(name: &str) -> Validator {
    let defs = &schema()["$defs"];
    assert!(defs[name].is_object(), "no {name} in the schema");
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": defs });
    jsonschema::draft202012::new(&schema).expect("a schema")
}

#[track_caller]
fn hold(name: &str, what: &str, value: &Value) {
    let validator = validator(name);
    let errors = validator.iter_errors(value);
    let errors: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{what}: {}\n{value:#}",
        errors.join("\n")
    );
}

/// A course in which a run ends in many ways.
fn course() -> Tutor {
    let body = step("same", "echo same")
        + &check("holds of=same expect=same", "cat \"$TUTOR_STDOUT\"")
        + &step("other", "cat /proc/sys/kernel/random/uuid")
        + &step("new", "echo new")
        + &plain("wrong", "exit 3")
        + &check("no of=wrong expect=4", "echo $TUTOR_EXIT")
        + &plain("slow timeout=100ms", "sleep 60")
        + &plain("lacks needs=gone", "true")
        + &plain("kernel on=kernel", "true")
        + &plain("server background", "echo here; sleep 60")
        + "```c {file=a.c}\nint a;\n```\n\n"
        + "```sh {exercise=task}\nfalse\n```\n\n<details id=\"hint-task-1\"><summary>A hint</summary>\n\nOne.\n\n</details>\n\n<details id=\"solution-task\"><summary>A solution</summary>\n\n```c {file=a.c}\nint b;\n```\n\n</details>\n\n"
        + &plain("left exclusive=port", "echo x >>a.c; sleep 60 & sleep 0.1");
    let tutor = Tutor::new()
        .lesson(step("same", "echo same") + &step("other", "echo other"))
        .course("exclusive = ['port']")
        .course(NEEDS)
        .course("[facets.tool]\nprobe = 'echo 1.2'\n[steps]\nread = ['/opt']");
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor.edited("demo", &body)
}

#[test]
fn what_commands_print_is_as_the_schema_says() {
    let tutor = course();
    let page =
        "---\nformat: 1\nname: demo\ntitle: A\n---\n\n# A\n<!-- section: the-lesson-demo 1 -->\n";
    tutor.put("course/lessons/demo.zh.md", page);
    for (name, line) in [
        ("list", "list --json"),
        ("plan", "show demo --json"),
        ("plan", "run demo --dry-run"),
        ("scripts", "show --all --json"),
        ("reports", "run demo --json"),
        ("diff", "diff demo --json"),
        ("exercises", "hint demo --json"),
        ("hint", "hint demo task --json"),
        ("hint", "hint demo task --solution --json"),
        ("list", "list --json"),
        ("reports", "test --format json"),
        ("matrix", "matrix --format json"),
        ("review", "review --json"),
        ("check", "check --json"),
        ("i18n-status", "i18n status --json"),
        ("doctor", "doctor --json"),
        ("lab-status", "lab status --json"),
        ("trust", "trust --list --json"),
        ("storage", "storage --json"),
    ] {
        hold(name, line, &tutor.run(line).json());
    }
    tutor.run("trust").code(0);
    hold("trust", "trust", &tutor.run("trust --json").json());
    tutor.run("doctor --report report.json").code(0);
    let report = serde_json::from_str(&tutor.get("tmp/report.json")).expect("JSON");
    hold("doctor-report", "doctor --report", &report);
    let invalid = Tutor::new().lesson("```sh {id=a tiemout=1s}\ntrue\n```\n");
    for (name, line) in [
        ("check", "check --json"),
        ("reports", "run demo --json"),
        ("reports", "test --format json"),
        ("matrix", "matrix --format json"),
    ] {
        let value = invalid.run(line).code(4).json();
        hold(name, line, &value);
        assert_eq!(
            value["diagnostics"].as_array().map(Vec::len),
            Some(1),
            "{line}"
        );
    }
}

const PROGRAM: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, long); } counts SEC(".maps");
int total;
SEC("raw_tp/sys_enter") int here(void *ctx)
{
	int key = 1;
	long *value = bpf_map_lookup_elem(&counts, &key);
	if (value)
		total++;
	bpf_printk("here");
	return 0;
}
char gpl[] SEC("license") = "GPL";
"#;

#[test]
fn what_bpf_commands_print_is_as_the_schema_says() {
    let tutor = Tutor::new();
    tutor.put("tmp/here.bpf.c", PROGRAM);
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-target", "bpf", "-c", "here.bpf.c"]);
    let include = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let compiled = clang.arg(include).current_dir(tutor.path("tmp")).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return skipped("there is no clang or no libbpf here, so no JSON of an object was seen");
    }
    for (name, line) in [
        ("bpf-sections", "sections here.bpf.o --json"),
        ("bpf-symbols", "symbols here.bpf.o --json"),
        ("bpf-disasm", "disasm here.bpf.o --json"),
        ("bpf-pipeline", "pipeline here.bpf.c --json"),
        ("bpf-insn", "insn 8500000006000000 --json"),
        ("bpf-insn", "insn 1807000001000000 0000000002000000 --json"),
        ("bpf-insn", "insn ffffffffffffffff --json"),
        ("bpf-expand", "expand BPF_CALL|BPF_JMP --json"),
        ("bpf-expand", "expand BPF_CALLS --json"),
        ("bpf-probe", "probe --json"),
        ("bpf-features", "features --json"),
        ("bpf-helpers", "features --helpers xdp --json"),
    ] {
        hold(name, line, &tutor.run(&format!("bpf {line}")).json());
    }
    if tutor.run("bpf probe bpf").status.code() != Some(0) {
        return skipped("no BPF program may be loaded here, so no JSON of a loaded one was seen");
    }
    for (name, line) in [
        ("bpf-run", "run --repeat 3 here.bpf.o --json"),
        ("bpf-run", "run --attach 0.1 here.bpf.o --json"),
        ("bpf-xlated", "xlated here.bpf.o --json"),
        ("bpf-jited", "jited here.bpf.o --json"),
        ("bpf-compare", "compare here.bpf.o --json"),
    ] {
        let ran = tutor.run(&format!("bpf {line}"));
        assert_ne!(ran.status.code(), Some(2), "{line}: {}", ran.stderr);
        // A kernel may take programs and not those of this type, or run none on request.
        match ran.stdout.is_empty() {
            true => skipped(&format!(
                "`tutor bpf {line}` does not work here: {}",
                ran.stderr
            )),
            false => hold(name, line, &ran.json()),
        }
    }
}

#[test]
fn a_field_that_the_schema_does_not_know_is_found_wherever_it_is() {
    let tutor = course();
    let value = tutor.run("test --format json").json();
    for pointer in [
        "",
        "/lessons/0",
        "/lessons/0/items/0",
        "/lessons/0/leftovers/0",
    ] {
        let mut more = value.clone();
        let place = more
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer}: {value:#}"));
        place["surprise"] = json!(1);
        assert!(!validator("reports").is_valid(&more), "{pointer}");
    }
    let parts = schema()["$defs"].as_object().expect("parts").clone();
    for (name, part) in parts {
        assert_eq!(part["additionalProperties"], false, "{name}");
        for (field, about) in part["properties"].as_object().expect("fields") {
            assert!(about["description"].is_string(), "{name}.{field}");
        }
    }
}

/// The type of a field in words, with links to parts.
fn kind(about: &Value) -> String {
    if let Some(part) = about["$ref"].as_str() {
        let part = part.trim_start_matches("#/$defs/");
        return format!("[{part}](#{part})");
    }
    if let Some(value) = about.get("const") {
        return value.to_string();
    }
    if let Some(values) = about["enum"].as_array() {
        let values = values.iter().map(|value| match value {
            Value::String(text) => format!("`{text}`"),
            value => value.to_string(),
        });
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(any) = about["anyOf"].as_array() {
        return any.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let simple = |name: &str| match name {
        "array" => format!("list of {}", kind(&about["items"])),
        "object" => format!("object of {}", kind(&about["additionalProperties"])),
        name => name.to_owned(),
    };
    match &about["type"] {
        Value::String(name) => simple(name),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).map(simple);
            names.collect::<Vec<_>>().join(" or ")
        }
        other => panic!("{other}: {about}"),
    }
}

/// The tables of all parts of the schema.
fn tables() -> String {
    let mut text = String::new();
    let schema = schema();
    let parts = schema["$defs"].as_object().expect("parts");
    // Documents first; their parts below.
    let (documents, rest): (Vec<_>, Vec<_>) = parts
        .iter()
        .partition(|(_, part)| part["title"].is_string());
    for (heading, parts) in [("Documents", documents), ("Parts", rest)] {
        let _ = write!(text, "## {heading}\n\n");
        for (name, part) in parts {
            let _ = write!(text, "### {name}\n\n");
            if let Some(title) = part["title"].as_str() {
                let commands = title.split(", ").map(|command| format!("`{command}`"));
                let _ = write!(text, "{}\n\n", commands.collect::<Vec<_>>().join(", "));
            }
            let about = part["description"].as_str().expect("words");
            let _ = write!(
                text,
                "{about}\n\n| field | what it is | type |\n|---|---|---|\n"
            );
            let required = part["required"].as_array().expect("a list");
            for (field, about) in part["properties"].as_object().expect("fields") {
                let words = about["description"].as_str().expect("words");
                let missing = match required.iter().any(|name| name == field) {
                    true => "",
                    false => "; may be missing",
                };
                let _ = writeln!(text, "| `{field}` | {words}{missing} | {} |", kind(about));
            }
            text.push('\n');
        }
    }
    text.trim_end().to_owned() + "\n"
}

#[test]
fn the_page_on_json_has_the_tables_of_the_schema() {
    let page = document("json.md");
    let (words, found) = page.split_once("## Documents\n").expect("tables");
    let expected = tables();
    let found = format!("## Documents\n{found}");
    if found != expected && std::env::var_os("TUTOR_WRITE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
        fs::write(path, format!("{words}{expected}")).expect("writable");
        return;
    }
    let help = "write them by `TUTOR_WRITE_DOCS=1 cargo test -p tutor --test cli the_page_on_json`";
    assert!(
        found == expected,
        "the tables of docs/json.md are not those of the schema: {help}"
    );
}
