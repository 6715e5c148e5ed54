//! What holds of any text at all.

use super::*;
use proptest::prelude::*;

/// Reads anything at all; every span must lie in the text and on its characters.
fn holds(source: &str) {
    let reading = read("x", Path::new("lessons/x.md"), source, &files);
    for block in &reading.lesson.blocks {
        assert!(source.get(block.span()).is_some(), "{block:?}");
    }
    for pair in reading.lesson.blocks.windows(2) {
        assert!(pair[0].span().end <= pair[1].span().start, "{pair:?}");
    }
    for found in reading.diagnostics.iter().chain(&reading.lints) {
        assert!(source.get(found.span.clone()).is_some(), "{found:?}");
        assert!(found.help.is_some(), "{found:?}");
    }
    crate::diagnostic::render(&reading.diagnostics, |_| Some(source), false);
}

fn fragment() -> impl Strategy<Value = String> {
    let fragments: &[&str] = &[
        "```",
        "````",
        "~~~",
        "`",
        "sh",
        "c",
        " ",
        "  ",
        "\t",
        "{",
        "}",
        "{id=a}",
        "{file=a.c}",
        "{check=c of=a expect=1}",
        "id=",
        "=",
        "\"",
        "\\",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "---\n",
        "---\nformat: 1\nname: a\ntitle: t\n---\n",
        "- ",
        "> ",
        "1. ",
        "    ",
        "# ",
        "[x](#check-c)",
        "[x]: #check-c\n",
        "{{#include ../bpf/a.c}}",
        "{{#include",
        "}}",
        "needs=a,b",
        "mask=pid,,",
        "timeout=9",
        "range=1..",
        "until=line:(",
        "background",
        "|a|b|\n|-|-|\n",
        "<!--",
        "-->",
        "<b>",
        "*",
        "**",
        "~~",
        "![",
        "](",
        ")",
        "编译",
        "\u{feff}",
        "\0",
        "é",
        "🦀",
        "&amp;",
        "title: ",
        ": ",
    ];
    proptest::sample::select(fragments).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(source in any::<String>()) {
        holds(&source);
    }

    #[test]
    fn any_front_matter_is_read(yaml in any::<String>()) {
        holds(&format!("---\n{yaml}\n---\n"));
    }

    #[test]
    fn any_mixture_of_fragments_is_read(pieces in proptest::collection::vec(fragment(), 0..40)) {
        holds(&pieces.concat());
    }
}
