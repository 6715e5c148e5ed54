//! Macros, opened one at a time by clang.

mod support;

use std::fs;

use support::asked::Run;
use support::{output, skipped};
use tempfile::TempDir;
use tutor_bpf::command::CommandVerdict;
use tutor_bpf::expand::{ConstantValue, ExpandError, Expansion, MacroQuestion, expand};

const HEADER: &str = "\
#define A B
#define B A
#define REC(x) REC(x + 1)
#define STR(x) #x
#define XSTR(x) STR(x)
#define V 42
#define CAT(a, b) a##b
#define XY 7
#define F(x) G(x) + x
#define G(x) (V * x)
#define LIST(FN) FN(one), FN(two), FN(three)
#define ENTRY(x) NUMBER_ ## x
enum numbers { LIST(ENTRY) };
#undef ENTRY
#define SPREAD(f, ...) f(__VA_ARGS__)
#define EMPTY
";

fn question(folder: &TempDir, expression: &str) -> MacroQuestion {
    let header = folder.path().join("macros.h");
    fs::write(&header, HEADER).unwrap();
    MacroQuestion {
        expression: expression.to_owned(),
        headers: vec![header.to_str().unwrap().to_owned()],
        options: Vec::new(),
        about: None,
        clang: "clang".to_owned(),
    }
}

fn has_clang(name: &str) -> bool {
    let has = output("clang", &["--version"]).is_some();
    if !has {
        skipped(name, "there is no clang");
    }
    has
}

fn expanded(expression: &str) -> Expansion {
    let folder = tempfile::tempdir().unwrap();
    expand(&question(&folder, expression)).unwrap()
}

/// Each step as `MACRO:LINE: text`.
fn steps(expression: &str) -> Vec<String> {
    let step = |step: &tutor_bpf::expand::ExpansionStep| match &step.opened {
        Some(opened) => format!("{}:{}: {}", opened.name, opened.line, step.text),
        None => format!("the rest: {}", step.text),
    };
    expanded(expression).steps.iter().map(step).collect()
}

#[test]
fn macros_are_opened_one_at_a_time_from_the_left() {
    if !has_clang("macros_are_opened_one_at_a_time_from_the_left") {
        return;
    }
    assert_eq!(
        steps("F(V)"),
        ["F:9: G(V) + V", "G:10: (V * V) + V", "V:6: (42 * 42) + 42"]
    );
    assert_eq!(
        steps("SPREAD(CAT, X, Y)"),
        ["SPREAD:15: CAT(X, Y)", "CAT:7: XY", "XY:8: 7"]
    );
    assert_eq!(steps("1 EMPTY + V"), ["EMPTY:16: 1 + V", "V:6: 1 + 42"]);
}

#[test]
fn an_argument_is_opened_first_where_the_order_matters() {
    if !has_clang("an_argument_is_opened_first_where_the_order_matters") {
        return;
    }
    assert_eq!(
        steps("XSTR(V)"),
        ["V:6: XSTR(42)", "XSTR:5: STR(42)", "STR:4: \"42\""]
    );
    assert_eq!(steps("STR(V)"), ["STR:4: \"V\""]);
}

#[test]
fn a_macro_in_its_own_expansion_stays_closed() {
    if !has_clang("a_macro_in_its_own_expansion_stays_closed") {
        return;
    }
    assert_eq!(steps("A"), ["A:1: B", "B:2: A"]);
    assert_eq!(steps("REC(1)"), ["REC:3: REC(1 + 1)"]);
}

#[test]
fn a_list_is_opened_with_a_macro_that_its_header_takes_back() {
    if !has_clang("a_list_is_opened_with_a_macro_that_its_header_takes_back") {
        return;
    }
    let expansion = expanded("LIST(ENTRY)");
    assert_eq!(expansion.result, "NUMBER_one, NUMBER_two, NUMBER_three");
    let opened = expansion.steps[1].opened.as_ref().unwrap();
    assert_eq!(
        (opened.name.as_str(), opened.undefined_at),
        ("ENTRY", Some(14))
    );
    let constants = [("NUMBER_one", 0), ("NUMBER_two", 1), ("NUMBER_three", 2)];
    assert_eq!(
        expansion.constants,
        constants.map(|(name, number)| (name.to_owned(), number))
    );
}

#[test]
fn clang_works_out_what_is_constant() {
    if !has_clang("clang_works_out_what_is_constant") {
        return;
    }
    let value = |expression| expanded(expression).value;
    assert_eq!(value("F(2)"), Some(ConstantValue::Integer(86)));
    assert_eq!(value("-V"), Some(ConstantValue::Integer(-42)));
    assert_eq!(
        value("~0ULL"),
        Some(ConstantValue::Integer(u64::MAX.into()))
    );
    assert_eq!(
        value("XSTR(V)"),
        Some(ConstantValue::Bytes(b"42\0".to_vec()))
    );
    assert_eq!(value("NUMBER_three"), Some(ConstantValue::Integer(2)));
    assert_eq!(value("unknown(V)"), None);
    assert_eq!(value("&V"), None);
}

#[test]
fn an_expression_without_macros_has_no_steps() {
    if !has_clang("an_expression_without_macros_has_no_steps") {
        return;
    }
    assert!(steps("1 + 2").is_empty());
    // A macro that takes arguments and gets none is only a name.
    assert!(steps("F").is_empty());
}

#[test]
fn the_uapi_header_gives_the_opcode_of_a_call() {
    const NAME: &str = "the_uapi_header_gives_the_opcode_of_a_call";
    if !has_clang(NAME) || !std::path::Path::new("/usr/include/linux/bpf.h").exists() {
        return skipped(NAME, "there is no clang, or no linux/bpf.h");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut question = question(&folder, "BPF_JMP | BPF_CALL");
    question.headers = vec!["linux/bpf.h".to_owned()];
    let expansion = expand(&question).unwrap();
    assert_eq!(expansion.result, "0x05 | 0x80");
    assert_eq!(expansion.value, Some(ConstantValue::Integer(0x85)));
    let header = expansion.steps[0]
        .opened
        .as_ref()
        .unwrap()
        .header
        .as_deref();
    assert!(header.unwrap().ends_with("linux/bpf_common.h"));
}

#[test]
fn what_cannot_be_expanded_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |expression: &str| expand(&question(&folder, expression)).unwrap_err();
    assert!(matches!(refused(" "), ExpandError::Empty));
    assert!(matches!(refused("#define X"), ExpandError::NoExpression));
    assert_eq!(
        refused("F(1").to_string(),
        "the expression is not balanced: `(` is never closed"
    );
    let mut nobody = question(&folder, "V");
    nobody.clang = "clang-of-nobody".to_owned();
    let error = expand(&nobody).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no `clang-of-nobody` on this machine"
    );
    if has_clang("what_cannot_be_expanded_is_said_with_its_reason") {
        let mut missing = question(&folder, "V");
        missing.headers = vec!["linux/no-such.h".to_owned()];
        let error = expand(&missing).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no header `linux/no-such.h` where clang looks"
        );
        assert!(error.help().unwrap().contains("-I"));
    }
}

#[test]
fn a_name_that_no_header_has_is_told_with_those_like_it() {
    if !has_clang("a_name_that_no_header_has_is_told_with_those_like_it") {
        return;
    }
    let unknown = |expression| {
        let unknown = expanded(expression).unknown.into_iter();
        let told = unknown.map(|unknown| (unknown.name, unknown.lacks_arguments, unknown.near));
        told.collect::<Vec<_>>()
    };
    let near = vec!["SPREAD".to_owned()];
    assert_eq!(unknown("SPRAED(1)"), [("SPRAED".to_owned(), false, near)]);
    assert_eq!(unknown("SPRAED(NUMBER_two)")[0].0, "SPRAED");
    assert_eq!(unknown("SPRAED(NUMBER_two)").len(), 1);
    assert_eq!(unknown("F"), [("F".to_owned(), true, Vec::new())]);
    assert!(unknown("1 + 2").is_empty());
    assert!(unknown("NUMBER_two").is_empty());
}

fn asked(header: &str, expression: &str) -> Expansion {
    expand(&MacroQuestion {
        expression: expression.to_owned(),
        headers: vec![header.to_owned()],
        options: Vec::new(),
        about: None,
        clang: "clang".to_owned(),
    })
    .unwrap()
}

#[test]
fn a_function_that_no_header_knows_is_named_beside_macros_that_were_opened() {
    if !has_clang("a_function_that_no_header_knows_is_named_beside_macros_that_were_opened") {
        return;
    }
    let names = |expression| -> Vec<String> {
        let unknown = expanded(expression).unknown.into_iter();
        unknown.map(|unknown| unknown.name).collect()
    };
    assert_eq!(names("no_such(V)"), ["no_such"]);
    assert!(names("F(free) + (unsigned int)sizeof(V)").is_empty());
}

#[test]
fn a_function_that_a_header_declares_is_not_called_unknown() {
    if !has_clang("a_function_that_a_header_declares_is_not_called_unknown") {
        return;
    }
    let expansion = asked("string.h", "memcpy(0, 0, 1)");
    assert!(expansion.unknown.is_empty(), "{:?}", expansion.unknown);
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
