//! What holds of any text at all.

use super::*;
use proptest::prelude::*;

/// Every line that looks like the beginning of a step is one, or is named, or stands in a longer fence.
fn nothing_is_lost(source: &str) {
    let reading = read("x", Path::new("lessons/x.md"), source, &files);
    let told: Vec<&Diagnostic> = reading.diagnostics.iter().chain(&reading.lints).collect();
    let swallows = |found: &&&Diagnostic| found.message.contains("not closed");
    let swallowed = told.iter().filter(swallows).map(|found| found.span.start);
    let swallowed = swallowed.min().unwrap_or(source.len());
    let hidden = backticks::hide(source, 0);
    let fences = Parser::new_ext(&hidden.text, OPTIONS).into_offset_iter();
    let fences = fences.filter_map(|(event, span)| {
        matches!(
            event,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_)))
        )
        .then_some(span)
    });
    let fences: Vec<Range<usize>> = fences.collect();
    let opening = regex::Regex::new(r"(?m)^(?:[ \t>-]|text )*(```+|~~~+) *(sh|c) *\{").unwrap();
    for found in opening.captures_iter(source) {
        let marks = found.get(1).unwrap();
        let line = line_start(source, marks.start())..line_end(source, marks.start());
        let begins = |block: &Block| block.span().start == line.start;
        let is_block = reading.lesson.flattened().any(|block| match block {
            Block::Prose(_) => false,
            block => begins(block),
        });
        let is_named = told
            .iter()
            .any(|found| found.span.start < line.end && found.span.end > line.start);
        let is_text = fences.iter().any(|fence| {
            let row = source[fence.clone()].trim_start();
            let is_inside = fence.start < line.start && fence.end > line.start;
            let is_indented = marks.start() - line.start > 3;
            is_inside
                && (!marks.as_str().starts_with(&row[..3])
                    || row.starts_with(&format!("{}{}", marks.as_str(), &row[..1]))
                    || is_indented
                    || source[line.clone()].starts_with(['>', '-']))
        });
        let is_swallowed = line.start > swallowed;
        assert!(
            is_block || is_named || is_text || is_swallowed,
            "{line:?} of {source:?}"
        );
    }
}

fn line() -> impl Strategy<Value = String> {
    let lines: &[&str] = &[
        "```sh {id=a}",
        "````sh {id=b}",
        "~~~c {file=a.c}",
        "  ```sh {id=c}",
        "    ```sh {id=d}",
        "\t```sh {id=e}",
        "> ```sh {id=f}",
        "- ```sh {id=g}",
        "```",
        "````",
        "~~~",
        "```text",
        "",
        "",
        "<!--",
        "-->",
        "<div>",
        "</div>",
        "<pre>",
        "</pre>",
        "<details><summary>x</summary>",
        "<details id=\"hint-j-1\"><summary>x</summary>",
        "<details id=\"solution-j\"><summary>x</summary>",
        "</details>",
        "```sh {exercise=j}",
        "```sh {quiz=k}",
        "text",
        "- item",
        "> quote",
        "text <!-- a",
        "# A",
        "---",
        "[a]: b",
        "| a |",
        "|---|",
        "<b>",
        "<?php",
        "`` x",
        "<![CDATA[",
        "```sh {id=h} `x`",
        "```sh {check=c of=a expect=1}",
        "```sh {predict=p of=a}",
        "text ```sh {id=k}",
        "text ```c {file=b.c}",
        "text ```sh {check=d of=a expect=1}",
        "text ```sh {predict=q of=a}",
        "text ```sh {exercise=l}",
    ];
    proptest::sample::select(lines).prop_map(str::to_owned)
}

/// Reads anything at all; every span must lie in the text and on its characters.
fn holds(source: &str) {
    let reading = read("x", Path::new("lessons/x.md"), source, &files);
    for block in &reading.lesson.blocks {
        assert!(source.get(block.span()).is_some(), "{block:?}");
    }
    let flat: Vec<&Block> = reading.lesson.flattened().collect();
    for pair in flat.windows(2) {
        assert!(pair[0].span().end <= pair[1].span().start, "{pair:?}");
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
        "{predict=p of=a}",
        "{exercise=e}",
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
    fn what_looks_like_a_step_is_one_or_is_named(lines in proptest::collection::vec(line(), 0..25)) {
        nothing_is_lost(&format!("{FRONT}{}\n", lines.join("\n")));
    }

    #[test]
    fn any_mixture_of_fragments_is_read(pieces in proptest::collection::vec(fragment(), 0..40)) {
        holds(&pieces.concat());
    }
}
