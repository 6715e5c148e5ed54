//! Tests of reading a page, through one helper for what it holds and one for what is wrong.

use super::*;
use crate::diagnostic::line_column;
use crate::lesson::prose::plain_text;
use crate::lesson::{Background, Compare, ExpectedExit, Inline, Node, STEP_TIMEOUT, Step};
use insta::assert_snapshot;

const FRONT: &str = "---\nformat: 1\nname: hello\ntitle: Hello\n---\n";

fn files(path: &Path) -> Option<String> {
    (path == Path::new("bpf/a.c"))
        .then(|| "// ANCHOR: b\nint b;\n// ANCHOR_END: b\nint c;\n".to_owned())
}

fn reading(text: &str) -> Reading {
    let path = Path::new("lessons/lesson-1.md");
    read("lesson-1", path, &format!("{FRONT}{text}"), &files)
}

/// What the page holds, one block a line.
fn parsed(text: &str) -> String {
    let reading = reading(text);
    let blocks: Vec<String> = reading.lesson.blocks.iter().map(block).collect();
    let mut lines = blocks.join("\n");
    if !reading.diagnostics.is_empty() {
        lines.push_str(&format!("\n{} wrong", reading.diagnostics.len()));
    }
    lines
}

/// What is wrong with the page: place, marked text, message, help. Line 1 is the text's first.
fn wrong(text: &str) -> String {
    let reading = reading(text);
    let source = &reading.lesson.source;
    let lines: Vec<String> = reading
        .diagnostics
        .iter()
        .map(|found| {
            let (line, column) = line_column(source, found.span.start);
            let marked = &source[found.span.clone()];
            let help = found.help.as_deref().unwrap_or("NO HELP");
            format!(
                "{}:{column} {marked:?} {}\n    {help}",
                line - 5,
                found.message
            )
        })
        .collect();
    lines.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Prose(prose) => format!("prose {}", nodes(&prose.nodes)),
        Block::File(file) => format!(
            "file {} ({}): {:?}",
            file.path.display(),
            file.language,
            file.content
        ),
        Block::Step(step) => format!("step {}{}: {:?}", step.id, options(step), step.script),
        Block::Check(check) => format!(
            "check {} of {} = {}: {:?} proves {:?}",
            check.name, check.of, check.expect, check.script, check.sentence
        ),
    }
}

fn options(step: &Step) -> String {
    let mut text = format!(" on {}", step.on);
    for need in &step.needs {
        text.push_str(&format!(", needs {need}"));
    }
    if step.timeout != STEP_TIMEOUT {
        text.push_str(&format!(", timeout {:?}", step.timeout));
    }
    if step.exit != ExpectedExit::Code(0) {
        text.push_str(&format!(", exit {}", step.exit));
    }
    if step.compare == Compare::None {
        text.push_str(", not compared");
    }
    if !step.masks.is_empty() {
        text.push_str(&format!(", masks {}", step.masks.join("+")));
    }
    if !step.vary.is_empty() {
        text.push_str(&format!(", varies by {}", step.vary.join("+")));
    }
    if let Some(background) = &step.background {
        text.push_str(match background {
            Background::AtOnce => ", background",
            Background::Line(_) => ", background until line",
            Background::File(_) => ", background until file",
            Background::Port(_) => ", background until port",
        });
    }
    if let Some(exclusive) = &step.exclusive {
        text.push_str(&format!(", exclusive {exclusive}"));
    }
    text
}

fn nodes(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect::<Vec<_>>().join(" ")
}

fn node(node: &Node) -> String {
    match node {
        Node::Heading { level, content } => format!("h{level}({})", inlines(content)),
        Node::Paragraph(content) => format!("p({})", inlines(content)),
        Node::List { start, items } => {
            let items: Vec<String> = items.iter().map(|item| nodes(item)).collect();
            let kind = start.map_or_else(|| "ul".to_owned(), |start| format!("ol{start}"));
            format!("{kind}({})", items.join(" | "))
        }
        Node::Quote(inner) => format!("quote({})", nodes(inner)),
        Node::Code { language, text } => {
            format!("code({}: {text:?})", language.as_deref().unwrap_or("-"))
        }
        Node::Table { head, rows } => {
            let row = |cells: &Vec<Vec<Inline>>| {
                cells
                    .iter()
                    .map(|cell| inlines(cell))
                    .collect::<Vec<_>>()
                    .join(" | ")
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            format!("table({} / {})", row(head), rows.join(" / "))
        }
        Node::Rule => "rule".to_owned(),
        Node::Html(text) => format!("html({text:?})"),
    }
}

fn inlines(content: &[Inline]) -> String {
    content.iter().map(inline).collect()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) => text.clone(),
        Inline::Code(text) => format!("`{text}`"),
        Inline::Emphasis(inner) => format!("*{}*", inlines(inner)),
        Inline::Strong(inner) => format!("**{}**", inlines(inner)),
        Inline::Strikethrough(inner) => format!("~~{}~~", inlines(inner)),
        Inline::Link { url, content } => format!("[{}]({url})", inlines(content)),
        Inline::Image { url, description } => format!("![{description}]({url})"),
        Inline::SoftBreak => "␤".to_owned(),
        Inline::HardBreak => "⏎".to_owned(),
        Inline::Html(text) => format!("<{text}>"),
    }
}

mod blocks {
    use super::*;

    #[test]
    fn a_page_becomes_prose_files_steps_and_checks_in_order() {
        assert_snapshot!(parsed(
            "# Hello\n\nWrite it.\n\n```c {file=hello.c}\nint main;\n```\n\n```sh {id=build}\ncc hello.c\n```\nSo [it is small](#check-size).\n\n```sh {check=size of=build expect=104}\nwc -c\n```\nEnd.\n"
        ), @"");
    }

    #[test]
    fn all_attributes_of_a_step_are_read() {
        assert_snapshot!(parsed(
            "```bash {id=a on=kernel needs=kprobe,clang>=14.0 timeout=2m exit=1 compare=none mask=prog-id,pid vary=clang,kernel background until=\"line:^ready \\d+\" exclusive=trace}\ntrue\n```\n"
        ), @"");
        assert_snapshot!(parsed("```sh {id=a exit=nonzero background until=file:done timeout=500ms}\n```\n"), @"");
        assert_snapshot!(parsed("```sh {id=a background until=port:8080}\n```\n```sh {id=b background}\n```\n"), @"");
    }

    #[test]
    fn a_check_expects_a_text_a_match_or_a_range() {
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\n[x](#check-e) [y](#check-m) [z](#check-r) [o](#check-o)\n```sh {check=e of=a expect=\"a \\\"b\\\"\"}\n```\n```sh {check=m of=a match=\"^\\d{2}$\"}\n```\n```sh {check=r of=a range=-1.5..5}\n```\n```sh {check=o of=a range=1..}\n```\n"
        ), @"");
    }

    #[test]
    fn the_whole_sentence_around_the_link_is_what_a_check_proves() {
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\nOne. The file `a.o`\nholds [*104* bytes](#check-s), see. Three.\n```sh {check=s of=a expect=1}\n```\n"
        ), @"");
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\n第一句。程序有[104 字节](#check-s)。第三句。\n```sh {check=s of=a expect=1}\n```\n"
        ), @"");
    }

    #[test]
    fn plain_fences_and_indented_code_are_prose() {
        assert_snapshot!(parsed("```c\nint x;\n```\n\n    indented\n\n~~~\nplain\n~~~\n"), @"");
    }

    #[test]
    fn prose_keeps_its_shape() {
        assert_snapshot!(parsed(
            "## A *b* `c`\n\n- one\n- two\n  - deep\n\n3. x\n\n> quoted\n> more\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n---\n\n<b>x</b> ~~y~~ [l](u) ![i](p)  \nnext\n\n<!-- c -->\n"
        ), @"");
    }

    #[test]
    fn fences_of_tildes_and_indented_fences_run_too() {
        assert_snapshot!(parsed("~~~~sh {id=a}\necho '```'\n~~~\n~~~~\n  ```sh {id=b}\n  true\n    more\n  ```\n"), @"");
    }

    #[test]
    fn line_ends_of_windows_and_a_byte_order_mark_change_nothing() {
        let page = "```sh {id=a}\ntrue\nfalse\n```\nEnd.\n";
        assert_eq!(parsed(page), parsed(&page.replace('\n', "\r\n")));
        let source = format!("\u{feff}{FRONT}{page}").replace('\n', "\r\n");
        let (lesson, diagnostics) = parse("lesson-1", Path::new("lesson-1.md"), &source, &files);
        assert_eq!(diagnostics, []);
        assert_eq!(lesson.front.title, "Hello");
        assert_eq!(
            &source[lesson.blocks[0].span()],
            "```sh {id=a}\r\ntrue\r\nfalse\r\n```"
        );
        assert_eq!(&source[lesson.blocks[1].span()], "End.");
    }

    #[test]
    fn tabs_in_a_script_stay_tabs() {
        assert_snapshot!(parsed("```sh\t{id=a\tbackground}\n\tcat <<-E\n\tx\n```\n"), @"");
    }

    #[test]
    fn an_include_becomes_the_file_s_content() {
        assert_snapshot!(parsed("```c {file=a.c}\n{{#include ../bpf/a.c}}\n```\n```c {file=b.c}\n{{#include ../bpf/a.c:b}}\n```\n"), @"");
    }

    #[test]
    fn a_file_may_be_written_again_and_lie_in_a_folder() {
        assert_snapshot!(parsed("```c {file=src/a.c}\none\n```\n```c {file=./src/a.c}\ntwo\n```\n"), @"");
    }

    #[test]
    fn spans_of_prose_leave_blank_lines_out() {
        let reading = reading("\n\nOne.\n\n\n```sh {id=a}\n```\n\n    code\n\n");
        let spans: Vec<&str> = reading
            .lesson
            .blocks
            .iter()
            .map(|block| &reading.lesson.source[block.span()])
            .collect();
        assert_eq!(spans, ["One.", "```sh {id=a}\n```", "    code"]);
    }

    #[test]
    fn what_is_nested_without_end_is_kept_flat() {
        let deep = parsed(&format!("{}text\n", "> ".repeat(50_000)));
        assert!(deep.contains("text"), "{deep}");
        assert!(plain_text(&[]).is_empty());
    }
}

mod errors {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named_with_the_right_one_and_read_as_it() {
        let page = "```sh {id=a timout=5s}\ntrue\n```\n";
        assert_snapshot!(wrong(page), @"");
        assert_snapshot!(parsed(page), @"");
        assert_snapshot!(wrong("```sh {idd=a colour=red}\n```\n```sh {chekc=x of=a expect=1}\n```\n"), @"");
    }

    #[test]
    fn a_key_of_another_kind_of_fence_is_named_with_where_it_belongs() {
        assert_snapshot!(wrong("```c {file=a.c exit=1 of=b}\n```\n```sh {id=a expect=1}\n```\n"), @"");
    }

    #[test]
    fn a_key_is_given_once_and_with_a_value() {
        assert_snapshot!(wrong("```sh {id=a id=b timeout on= needs background=yes}\n```\n"), @"");
    }

    #[test]
    fn bad_values_are_named_with_what_would_be_right() {
        assert_snapshot!(wrong(
            "```sh {id=a timeout=5 exit=-1 on=kernal compare=no exclusive=cpu}\n```\n```sh {id=b timeout=0s exit=80 background until=soon}\n```\n```sh {id=c background until=port:99999}\n```\n```sh {id=d background until=line:( timeout=99999999999999999999m}\n```\n"
        ), @"");
    }

    #[test]
    fn bad_lists_are_named_at_the_name() {
        assert_snapshot!(wrong("```sh {id=a needs=clang>=x,B,kprobe<2 mask=pid,prgo-id,,nothing}\n```\n"), @"");
    }

    #[test]
    fn until_goes_with_background() {
        assert_snapshot!(wrong("```sh {id=a until=port:80}\n```\n"), @"");
    }

    #[test]
    fn a_step_has_an_id_that_names_a_file() {
        assert_snapshot!(wrong("```sh {}\n```\n```sh {timeout=5s}\n```\n```sh {id=Count_Calls}\n```\n```sh {id=\"\"}\n```\n"), @"");
    }

    #[test]
    fn ids_and_check_names_are_given_once() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n```sh {id=a}\n```\n[x](#check-c)\n```sh {check=c of=a expect=1}\n```\n```sh {check=c of=a expect=1}\n```\n"
        ), @"");
    }

    #[test]
    fn a_file_stays_the_same_kind_of_thing() {
        assert_snapshot!(wrong(
            "```c {file=a}\n```\n```c {file=a/b.c}\n```\n```sh {file=a}\n```\n"
        ), @"");
    }

    #[test]
    fn a_check_names_a_step_above_it() {
        assert_snapshot!(wrong(
            "[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=build expect=1}\n```\n```sh {id=build}\n```\n```sh {check=d of=biuld expect=1}\n```\n```sh {check=e expect=1}\n```\n"
        ), @"");
    }

    #[test]
    fn a_check_expects_one_thing() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d)\n```sh {check=c of=a}\n```\n```sh {check=d of=a expect=1 range=1..2}\n```\n"
        ), @"");
    }

    #[test]
    fn what_a_check_expects_can_be_met() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=a match=\"a[\"}\n```\n```sh {check=d of=a range=5..1}\n```\n```sh {check=e of=a range=nan..}\n```\n"
        ), @"");
    }

    #[test]
    fn a_check_has_one_sentence_and_a_sentence_its_check() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-two) and [y](#check-two) and [z](#check-tow)\n```sh {check=two of=a expect=1}\n```\n```sh {check=alone of=a expect=1}\n```\n"
        ), @"");
    }

    #[test]
    fn a_file_stays_in_the_workspace() {
        let page = "```c {file=/etc/passwd}\nx\n```\n```c {file=../a.c}\n```\n```c {file=a/}\n```\n```c {file=.}\n```\n```c {file}\n```\n";
        assert_snapshot!(wrong(page), @"");
        assert_snapshot!(parsed(page), @"");
    }

    #[test]
    fn an_include_that_cannot_be_followed_is_marked() {
        assert_snapshot!(wrong(
            "```c {file=a.c}\n{{#include ../bpf/z.c}}\n```\n```c {file=b.c}\n{{#include ../../z.c}}\n```\n```c {file=c.c}\n{{#include ../bpf/a.c:d}}\n```\n"
        ), @"");
    }

    #[test]
    fn only_bash_runs() {
        assert_snapshot!(wrong("```python {id=a}\n```\n```console {id=b}\n$ true\n```\n"), @"");
    }

    #[test]
    fn a_fence_in_a_list_or_quote_does_not_run() {
        let page = "- item\n\n  ```sh {id=a}\n  true\n  ```\n\n> ```sh {id=b}\n> true\n> ```\n";
        assert_snapshot!(wrong(page), @"");
        assert_snapshot!(parsed(page), @"");
    }

    #[test]
    fn a_backtick_in_an_opening_line_is_named_and_swallows_nothing() {
        let page = "```sh {id=a until=line:`x`}\ntrue\n```\n\nProse.\n\n```sh {id=b}\nfalse\n```\n";
        assert_snapshot!(wrong(page), @"");
        assert_snapshot!(parsed(page), @"");
        assert_snapshot!(wrong("```c `x`\nint x;\n```\n"), @"");
        assert_snapshot!(parsed("```a``` is code, and `` ` `` too.\n\n~~~sh {id=a}\n```x`\n~~~\n"), @"");
    }

    #[test]
    fn a_fence_without_an_end_is_named() {
        let page = "```sh {id=a}\ntrue\n\n# Not a heading\n";
        assert_snapshot!(wrong(page), @"");
        assert_snapshot!(parsed(page), @"");
        assert_snapshot!(wrong("```"), @"");
        assert_snapshot!(wrong("````sh {id=a}\n```\n"), @"");
    }

    #[test]
    fn a_nul_byte_is_named() {
        assert_snapshot!(wrong("```sh {id=a}\necho \0\n```\n"), @"");
    }

    #[test]
    fn all_errors_come_at_once() {
        assert_snapshot!(wrong("```sh {id=a timout=1}\n```\n```sh {id=a} x\n```\n[x](#check-y)\n"), @"");
    }
}

mod front {
    use super::*;

    /// What is wrong with a page that has this front matter, and what was read of it.
    fn front(text: &str) -> String {
        let (lesson, diagnostics) = parse("lesson-1", Path::new("lesson-1.md"), text, &files);
        let mut lines = vec![format!("{:?}", lesson.front)];
        for found in diagnostics {
            let (line, column) = line_column(text, found.span.start);
            let marked = &text[found.span.clone()];
            let help = found.help.unwrap_or_default();
            lines.push(format!(
                "{line}:{column} {marked:?} {}\n    {help}",
                found.message
            ));
        }
        lines.join("\n")
    }

    #[test]
    fn everything_is_read() {
        assert_snapshot!(front(
            "---\nformat: 1\nname: hello\ntitle: 'Hello: world'\ngoals: [a, b]\ntime: 20 min\nneeds:\n  - clang>=14\n  - btf\n---\n"
        ), @"");
    }

    #[test]
    fn it_must_be_there_and_closed() {
        assert_snapshot!(front("# Hello\n"), @"");
        assert_snapshot!(front(""), @"");
        assert_snapshot!(front("---\nformat: 1\n"), @"");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_snapshot!(front("---\n---\n"), @"");
    }

    #[test]
    fn wrong_keys_and_values_are_named_all_at_once() {
        assert_snapshot!(front(
            "---\nformat: 2\nnmae: hello\ntitle: [a]\nauthor: me\ngoals: one\nneeds: [clang>14, 'btf', {a: b}]\ntime: ''\n---\n"
        ), @"");
        assert_snapshot!(front("---\nformat: 1\nname: Hello World\ntitle: 7\n---\n"), @"");
    }

    #[test]
    fn yaml_that_cannot_be_read_is_named_at_its_place() {
        assert_snapshot!(front("---\nformat: 1\ntitle: a: b\n---\n"), @"");
        assert_snapshot!(front("---\nformat: 1\nname: a\nname: b\ntitle: x\n---\n"), @"");
        assert_snapshot!(front("---\njust text\n---\n"), @"");
        assert_snapshot!(front("---\nfôrmat: [\n---\n"), @"");
    }
}

mod properties {
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
}
