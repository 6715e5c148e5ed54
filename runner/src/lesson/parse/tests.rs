//! Tests of reading a page, through one helper for what it holds and one for what is wrong.

use super::*;
use crate::diagnostic::line_column;
use crate::lesson::prose::plain_text;
use crate::lesson::{Background, Compare, ExpectedExit, Inline, Node, STEP_TIMEOUT, Step};
use insta::assert_snapshot;

const FRONT: &str = "---\nformat: 1\nname: hello\ntitle: Hello\n---\n";

fn files(path: &Path) -> Included {
    (path == Path::new("bpf/a.c"))
        .then(|| "// ANCHOR: b\nint b;\n// ANCHOR_END: b\nint c;\n".to_owned())
        .ok_or(super::super::NotIncluded::Missing)
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
    told(&reading.diagnostics, &reading.lesson.source)
}

/// Findings as lines, for a text that begins in line 6 of its page.
pub(crate) fn told(found: &[Diagnostic], source: &str) -> String {
    let lines: Vec<String> = found
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
        ), @r#"
        prose h1(Hello) p(Write it.)
        file hello.c (c): "int main;\n"
        step build on host: "cc hello.c\n"
        prose p(So [it is small](#check-size).)
        check size of build = 104: "wc -c\n" proves "So it is small."
        prose p(End.)
        "#);
    }

    #[test]
    fn all_attributes_of_a_step_are_read() {
        assert_snapshot!(parsed(
            "```bash {id=a on=kernel needs=kprobe,clang>=14.0 timeout=2m exit=1 compare=none mask=prog-id,pid vary=clang,kernel background until=\"line:^ready \\d+\" exclusive=trace}\ntrue\n```\n"
        ), @r#"step a on kernel, needs kprobe, needs clang>=14.0, timeout 120s, exit 1, not compared, masks prog-id+pid, varies by clang+kernel, background until line, exclusive trace: "true\n""#);
        assert_snapshot!(parsed("```sh {id=a exit=nonzero background until=file:done timeout=500ms}\n```\n"), @r#"step a on host, timeout 500ms, exit nonzero, background until file: """#);
        assert_snapshot!(parsed("```sh {id=a background until=port:8080}\n```\n```sh {id=b background}\n```\n"), @r#"
        step a on host, background until port: ""
        step b on host, background: ""
        "#);
    }

    #[test]
    fn a_check_expects_a_text_a_match_or_a_range() {
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\n[x](#check-e) [y](#check-m) [z](#check-r) [o](#check-o)\n```sh {check=e of=a expect=\"a \\\"b\\\"\"}\n```\n```sh {check=m of=a match=\"^\\d{2}$\"}\n```\n```sh {check=r of=a range=-1.5..5}\n```\n```sh {check=o of=a range=1..}\n```\n"
        ), @r#"
        step a on host: ""
        prose p([x](#check-e) [y](#check-m) [z](#check-r) [o](#check-o))
        check e of a = a "b": "" proves "x y z o"
        check m of a = /^\d{2}$/: "" proves "x y z o"
        check r of a = -1.5..5: "" proves "x y z o"
        check o of a = 1..: "" proves "x y z o"
        "#);
    }

    #[test]
    fn the_whole_sentence_around_the_link_is_what_a_check_proves() {
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\nOne. The file `a.o`\nholds [*104* bytes](#check-s), see. Three.\n```sh {check=s of=a expect=1}\n```\n"
        ), @r#"
        step a on host: ""
        prose p(One. The file `a.o`␤holds [*104* bytes](#check-s), see. Three.)
        check s of a = 1: "" proves "The file a.o holds 104 bytes, see."
        "#);
        assert_snapshot!(parsed(
            "```sh {id=a}\n```\n第一句。程序有[104 字节](#check-s)。第三句。\n```sh {check=s of=a expect=1}\n```\n"
        ), @r#"
        step a on host: ""
        prose p(第一句。程序有[104 字节](#check-s)。第三句。)
        check s of a = 1: "" proves "程序有104 字节。"
        "#);
    }

    #[test]
    fn a_dot_that_begins_a_word_ends_no_sentence_but_the_one_before() {
        let page = "```sh {id=a}\n```\n[One](#check-s) `a.c`. `.BTF` two.\n```sh {check=s of=a expect=1}\n```\n";
        assert_eq!(
            reading(page)
                .lesson
                .checks()
                .map(|check| check.sentence.as_str())
                .collect::<Vec<_>>(),
            ["One a.c."]
        );
    }

    #[test]
    fn attributes_without_braces_are_a_warning() {
        assert_snapshot!(wrong("```sh id=build timeout=3s\ntrue\n```\n"), @r#"
        1:7 "id=build timeout=3s" attributes without braces do nothing
            write `{id=build timeout=3s}` if this fence is to run
        "#);
    }

    #[test]
    fn plain_fences_and_indented_code_are_prose() {
        assert_snapshot!(parsed("```c\nint x;\n```\n\n    indented\n\n~~~\nplain\n~~~\n"), @r#"prose code(c: "int x;\n") code(-: "indented\n") code(-: "plain\n")"#);
    }

    #[test]
    fn prose_keeps_its_shape() {
        assert_snapshot!(parsed(
            "## A *b* `c`\n\n- one\n- two\n  - deep\n\n3. x\n\n> quoted\n> more\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n---\n\n<b>x</b> ~~y~~ [l](u) ![i](p)  \nnext\n\n<!-- c -->\n"
        ), @r#"prose h2(A *b* `c`) ul(p(one) | p(two) ul(p(deep))) ol3(p(x)) quote(p(quoted␤more)) table(a | b / 1 | **2**) rule p(<<b>>x<</b>> ~~y~~ [l](u) ![i](p)⏎next) html("<!-- c -->\n")"#);
    }

    #[test]
    fn fences_of_tildes_and_indented_fences_run_too() {
        assert_snapshot!(parsed("~~~~sh {id=a}\necho '```'\n~~~\n~~~~\n  ```sh {id=b}\n  true\n    more\n  ```\n"), @r#"
        step a on host: "echo '```'\n~~~\n"
        step b on host: "true\n  more\n"
        "#);
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
        assert_snapshot!(parsed("```sh\t{id=a\tbackground}\n\tcat <<-E\n\tx\n```\n"), @r#"step a on host, background: "\tcat <<-E\n\tx\n""#);
    }

    #[test]
    fn an_include_becomes_the_file_s_content() {
        assert_snapshot!(parsed("```c {file=a.c}\n{{#include ../bpf/a.c}}\n```\n```c {file=b.c}\n{{#include ../bpf/a.c:b}}\n```\n"), @r#"
        file a.c (c): "int b;\nint c;\n"
        file b.c (c): "int b;\n"
        "#);
    }

    #[test]
    fn a_file_may_be_written_again_and_lie_in_a_folder() {
        assert_snapshot!(parsed("```c {file=src/a.c}\none\n```\n```c {file=./src/a.c}\ntwo\n```\n"), @r#"
        file src/a.c (c): "one\n"
        file src/a.c (c): "two\n"
        "#);
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
        assert_snapshot!(wrong(page), @r#"
        1:13 "timout" unknown attribute `timout` on step `a`
            did you mean `timeout`?
        "#);
        assert_snapshot!(parsed(page), @r#"
        step a on host, timeout 5s: "true\n"
        1 wrong
        "#);
        assert_snapshot!(wrong("```sh {idd=a colour=red}\n```\n```sh {chekc=x of=a expect=1}\n```\n"), @r#"
        1:8 "idd" unknown attribute `idd` on this step
            did you mean `id`?
        1:14 "colour" unknown attribute `colour` on this step
            a step takes `id`, `on`, `needs`, `timeout`, `exit`, `compare`, `mask`, `vary`, `background`, `until` and `exclusive`
        3:8 "chekc" unknown attribute `chekc` on this check
            did you mean `check`?
        3:14 "x" no sentence links to check `x`
            link the words that it proves: `[…](#check-x)`
        "#);
    }

    #[test]
    fn a_key_of_another_kind_of_fence_is_named_with_where_it_belongs() {
        assert_snapshot!(wrong("```c {file=a.c exit=1 of=b}\n```\n```sh {id=a expect=1}\n```\n"), @r#"
        1:16 "exit" `exit` has no meaning on file `a.c`
            it belongs on a step (`id=…`)
        1:23 "of" `of` has no meaning on file `a.c`
            it belongs on a check (`check=…`)
        3:13 "expect" `expect` has no meaning on step `a`
            it belongs on a check (`check=…`)
        "#);
    }

    #[test]
    fn a_key_is_given_once_and_with_a_value() {
        assert_snapshot!(wrong("```sh {id=a id=b timeout on= needs background=yes}\n```\n"), @r#"
        1:13 "id" `id` is given twice on step `a`
            keep one of them
        1:18 "timeout" `timeout` needs a value
            write `timeout=…`
        1:26 "on=" `on` has an empty value
            write `on=…`
        1:30 "needs" `needs` needs a value
            write `needs=kprobe`
        1:47 "yes" `background` takes no value
            write `background` alone
        "#);
    }

    #[test]
    fn bad_values_are_named_with_what_would_be_right() {
        assert_snapshot!(wrong(
            "```sh {id=a timeout=5 exit=-1 on=kernal compare=no exclusive=cpu}\n```\n```sh {id=b timeout=0s exit=80 background until=soon}\n```\n```sh {id=c background until=port:99999}\n```\n```sh {id=d background until=line:( timeout=99999999999999999999m}\n```\n"
        ), @r#"
        1:21 "5" `5` is no length of time
            write `500ms`, `30s` or `2m`
        1:28 "-1" `-1` is no exit status
            write a number from 0 to 255, or `nonzero`
        1:34 "kernal" `kernal` is no place
            did you mean `kernel`?
        1:49 "no" `no` is no way to compare
            write `snapshot` or `none`
        1:62 "cpu" `cpu` is no thing that only one step may hold
            write `trace`
        3:21 "0s" a step cannot end within no time
            write `500ms`, `30s` or `2m`
        3:29 "80" status 80 cannot be expected: it skips the rest of the lesson
            let the step end with another status
        3:49 "soon" `soon` says nothing to wait for
            write `until=line:REGEX`, `until=file:PATH` or `until=port:NUMBER`
        5:30 "port:99999" `99999` is no port
            write a number from 1 to 65535
        7:30 "line:(" the regular expression does not compile: unclosed group
            put `\` before a character that stands for itself; there is no look-around
        7:45 "99999999999999999999m" `99999999999999999999m` is no length of time
            write `500ms`, `30s` or `2m`
        "#);
    }

    #[test]
    fn bad_lists_are_named_at_the_name() {
        assert_snapshot!(wrong("```sh {id=a needs=clang>=x,B,kprobe<2 mask=pid,prgo-id,,nothing}\n```\n"), @r#"
        1:19 "clang>=x" `x` is no version
            write numbers with dots: `clang>=14.0`
        1:28 "B" `B` may not stand in the name `B`
            use lower-case letters, digits and `-`: `b`
        1:30 "kprobe<2" `kprobe<2` asks for a version in a way that is not known
            write `clang>=14`: only the oldest version can be asked for
        1:39 "mask=pid,prgo-id,,nothing" `mask` has an empty name in its list
            write names with commas and no blanks between them: `mask=prog-id`
        1:48 "prgo-id" unknown mask `prgo-id`
            did you mean `prog-id`?
        1:57 "nothing" unknown mask `nothing`
            the masks are `prog-id`, `map-id`, `btf-id`, `link-id`, `pid`, `time`, `tag`, `trace` and `source-line`
        "#);
    }

    #[test]
    fn until_goes_with_background() {
        assert_snapshot!(wrong("```sh {id=a until=port:80}\n```\n"), @r#"
        1:13 "until" `until` without `background`: a step in the foreground is over when it ends
            add `background` to the brace group, or take `until` away
        "#);
    }

    #[test]
    fn a_step_has_an_id_that_names_a_file() {
        assert_snapshot!(wrong("```sh {}\n```\n```sh {timeout=5s}\n```\n```sh {id=Count_Calls}\n```\n```sh {id=\"\"}\n```\n"), @r#"
        1:7 "{}" this step has no `id`
            name it: `id=build`; the name never changes, since it names the snapshot
        3:7 "{timeout=5s}" this step has no `id`
            name it: `id=build`; the name never changes, since it names the snapshot
        5:11 "Count_Calls" `C` may not stand in the name `Count_Calls`
            use lower-case letters, digits and `-`: `count-calls`
        7:8 "id=\"\"" `id` has an empty value
            write `id=…`
        "#);
    }

    #[test]
    fn ids_and_check_names_are_given_once() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n```sh {id=a}\n```\n[x](#check-c)\n```sh {check=c of=a expect=1}\n```\n```sh {check=c of=a expect=1}\n```\n"
        ), @r#"
        3:11 "a" a second step `a`
            the first stands on line 6: give this one a name of its own
        8:14 "c" a second check `c`
            the first stands on line 11: give this one a name of its own
        "#);
    }

    #[test]
    fn a_file_stays_the_same_kind_of_thing() {
        assert_snapshot!(wrong(
            "```c {file=a}\n```\n```c {file=a/b.c}\n```\n```sh {file=a}\n```\n"
        ), @r#"
        3:12 "a/b.c" `a/b.c` and `a` of line 6 cannot both be there
            one would be a file and a folder at once: rename one of them
        5:13 "a" `a` is `sh` here and `c` on line 6
            give both fences the same language, or the files different names
        "#);
    }

    #[test]
    fn a_check_names_a_step_above_it() {
        assert_snapshot!(wrong(
            "[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=build expect=1}\n```\n```sh {id=build}\n```\n```sh {check=d of=biuld expect=1}\n```\n```sh {check=e expect=1}\n```\n"
        ), @r#"
        2:19 "build" this check stands before its step `build`
            move it below line 9: a check runs where it stands
        6:19 "biuld" no step `biuld` in this lesson
            did you mean `build`?
        8:7 "{check=e expect=1}" check `e` has no `of`
            name the step that it belongs to: `of=build`
        "#);
    }

    #[test]
    fn a_check_expects_one_thing() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d)\n```sh {check=c of=a}\n```\n```sh {check=d of=a expect=1 range=1..2}\n```\n"
        ), @r#"
        4:14 "c" check `c` does not say what to expect
            add one of `expect=TEXT`, `match=REGEX` and `range=1..5`
        6:30 "range" check `d` has `expect` and `range`
            keep one of `expect`, `match` and `range`; write a second check for the other
        "#);
    }

    #[test]
    fn what_a_check_expects_can_be_met() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=a match=\"a[\"}\n```\n```sh {check=d of=a range=5..1}\n```\n```sh {check=e of=a range=nan..}\n```\n"
        ), @r#"
        4:27 "\"a[\"" the regular expression does not compile: unclosed character class
            put `\` before a character that stands for itself; there is no look-around
        6:27 "5..1" no number lies in `5..1`
            write the smaller number first
        8:27 "nan.." `nan..` is no range
            write two numbers, as in `range=1..5`; `1..` and `..5` are open
        "#);
    }

    #[test]
    fn a_check_has_one_sentence_and_a_sentence_its_check() {
        assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-two) and [y](#check-two) and [z](#check-tow)\n```sh {check=two of=a expect=1}\n```\n```sh {check=alone of=a expect=1}\n```\n"
        ), @r#"
        3:21 "[y](#check-two)" a second link to check `two`
            a check proves one sentence, that of line 8: take this link away or write a check of its own
        3:41 "[z](#check-tow)" this links to check `tow`, which is not in the lesson
            did you mean `#check-two`?
        6:14 "alone" no sentence links to check `alone`
            link the words that it proves: `[…](#check-alone)`
        "#);
    }

    #[test]
    fn a_file_stays_in_the_workspace() {
        let page = "```c {file=/etc/passwd}\nx\n```\n```c {file=../a.c}\n```\n```c {file=a/}\n```\n```c {file=.}\n```\n```c {file}\n```\n";
        assert_snapshot!(wrong(page), @r#"
        1:12 "/etc/passwd" `/etc/passwd` is an absolute path
            a lesson writes into its workspace only: name the file relative to it
        4:12 "../a.c" `../a.c` leaves the workspace
            a lesson writes into its workspace only: take the `..` away
        6:12 "a/" `a/` names no file
            name a file in the workspace: `hello.bpf.c`
        8:12 "." `.` names no file
            name a file in the workspace: `hello.bpf.c`
        10:7 "file" `file` needs a value
            write `file=…`
        "#);
        assert_snapshot!(parsed(page), @r#"
        prose code(c: "x\n") code(c: "") code(c: "") code(c: "") code(c: "")
        5 wrong
        "#);
    }

    #[test]
    fn an_include_that_cannot_be_followed_is_marked() {
        assert_snapshot!(wrong(
            "```c {file=a.c}\n{{#include ../bpf/z.c}}\n```\n```c {file=b.c}\n{{#include ../../z.c}}\n```\n```c {file=c.c}\n{{#include ../bpf/a.c:d}}\n```\n"
        ), @r#"
        2:1 "{{#include ../bpf/z.c}}" there is no file `bpf/z.c` to include
            the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`
        5:1 "{{#include ../../z.c}}" `../../z.c` lies outside the course
            include only files below the folder that holds `lessons/`
        8:1 "{{#include ../bpf/a.c:d}}" `bpf/a.c` has no anchor `d`
            mark its lines with `// ANCHOR: d` and `// ANCHOR_END: d`
        "#);
    }

    #[test]
    fn only_bash_runs() {
        assert_snapshot!(wrong("```python {id=a}\n```\n```console {id=b}\n$ true\n```\n"), @r#"
        1:4 "python" `python` does not run: a step is `sh` or `bash`
            write it with `python {file=…}` and run it from an `sh` step
        3:4 "console" `console` does not run: a step is `sh` or `bash`
            write the commands alone into an `sh` fence; `tutor` shows their output
        "#);
    }

    #[test]
    fn a_fence_in_a_list_or_quote_does_not_run() {
        let page = "- item\n\n  ```sh {id=a}\n  true\n  ```\n\n> ```sh {id=b}\n> true\n> ```\n";
        assert_snapshot!(wrong(page), @r#"
        3:3 "```sh {id=a}" a fence inside a list or a quote does not run
            move it to the left margin, out of the list or quote
        7:3 "```sh {id=b}" a fence inside a list or a quote does not run
            move it to the left margin, out of the list or quote
        "#);
        assert_snapshot!(parsed(page), @r#"
        prose ul(p(item) code(sh: "true\n")) quote(code(sh: "true\n"))
        2 wrong
        "#);
    }

    #[test]
    fn a_backtick_in_an_opening_line_is_named_and_swallows_nothing() {
        let page = "```sh {id=a until=line:`x`}\ntrue\n```\n\nProse.\n\n```sh {id=b}\nfalse\n```\n";
        assert_snapshot!(wrong(page), @r#"
        1:13 "until" `until` without `background`: a step in the foreground is over when it ends
            add `background` to the brace group, or take `until` away
        1:24 "`x`" a backtick in the line that opens a fence of backticks
            Markdown sees no fence here and misreads all that follows: fence with `~~~`, or take the backtick away
        "#);
        assert_snapshot!(parsed(page), @r#"
        step a on host: "true\n"
        prose p(Prose.)
        step b on host: "false\n"
        2 wrong
        "#);
        assert_snapshot!(wrong("```c `x`\nint x;\n```\n"), @r#"
        1:6 "`x`" a backtick in the line that opens a fence of backticks
            Markdown sees no fence here and misreads all that follows: fence with `~~~`, or take the backtick away
        "#);
        assert_snapshot!(parsed("```a``` is code, and `` ` `` too.\n\n~~~sh {id=a}\n```x`\n~~~\n"), @r#"
        prose p(`a` is code, and ``` too.)
        step a on host: "```x`\n"
        "#);
    }

    #[test]
    fn a_fence_without_an_end_is_named() {
        let page = "```sh {id=a}\ntrue\n\n# Not a heading\n";
        assert_snapshot!(wrong(page), @r#"
        1:1 "```sh {id=a}" this fence is not closed, so it swallows the rest of the text
            end it with a line of 3 or more backticks
        "#);
        assert_snapshot!(parsed(page), @r#"
        step a on host: "true\n\n# Not a heading\n"
        1 wrong
        "#);
        assert_snapshot!(wrong("```"), @r#"
        1:1 "```" this fence is not closed, so it swallows the rest of the text
            end it with a line of 3 or more backticks
        "#);
        assert_snapshot!(wrong("````sh {id=a}\n```\n"), @r#"
        1:1 "````sh {id=a}" this fence is not closed, so it swallows the rest of the text
            end it with a line of 4 or more backticks
        "#);
    }

    #[test]
    fn a_nul_byte_is_named() {
        assert_snapshot!(wrong("```sh {id=a}\necho \0\n```\n"), @r#"
        2:6 "\0" a NUL byte in a fence
            neither bash nor a text file can hold it: take it away, or write it as `\0` with `printf`
        "#);
    }

    #[test]
    fn all_errors_come_at_once() {
        assert_snapshot!(wrong("```sh {id=a timout=1}\n```\n```sh {id=a} x\n```\n[x](#check-y)\n"), @r#"
        1:13 "timout" unknown attribute `timout` on step `a`
            did you mean `timeout`?
        1:20 "1" `1` is no length of time
            write `500ms`, `30s` or `2m`
        3:11 "a" a second step `a`
            the first stands on line 6: give this one a name of its own
        3:14 "x" text after the brace group
            end the line after `}`; a value that holds `}` stands in double quotes
        5:1 "[x](#check-y)" this links to check `y`, which is not in the lesson
            write a fence `sh {check=y of=STEP expect=…}`
        "#);
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
        ), @r#"FrontMatter { name: "hello", title: "Hello: world", goals: ["a", "b"], time: Some("20 min"), needs: [Need { name: "clang", at_least: Some([14]) }, Need { name: "btf", at_least: None }] }"#);
    }

    #[test]
    fn it_must_be_there_and_closed() {
        assert_snapshot!(front("# Hello\n"), @r##"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        1:1 "# Hello" no front matter
            a lesson begins with `---`, `format: 1`, `name: hello`, `title: Hello`, `---`
        "##);
        assert_snapshot!(front(""), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        1:1 "" no front matter
            a lesson begins with `---`, `format: 1`, `name: hello`, `title: Hello`, `---`
        "#);
        assert_snapshot!(front("---\nformat: 1\n"), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        1:1 "---" the front matter is not closed
            end it with a line `---`
        "#);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_snapshot!(front("---\n---\n"), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        1:1 "---" the front matter has no `format`
            add `format: 1`
        1:1 "---" the front matter has no `name`
            add a permanent name, as in `name: hello`: it names the snapshots
        1:1 "---" the front matter has no `title`
            add `title: …`
        "#);
    }

    #[test]
    fn wrong_keys_and_values_are_named_all_at_once() {
        assert_snapshot!(front(
            "---\nformat: 2\nnmae: hello\ntitle: [a]\nauthor: me\ngoals: one\nneeds: [clang>14, 'btf', {a: b}]\ntime: ''\n---\n"
        ), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [Need { name: "btf", at_least: None }] }
        2:9 "2" lesson format `2` is not known
            this `tutor` reads `format: 1`
        3:1 "nmae" unknown key `nmae` in the front matter
            did you mean `name`?
        4:8 "[" `title` is no text
            write `title: some words`
        5:1 "author" unknown key `author` in the front matter
            the keys are `format`, `name`, `title`, `goals`, `time` and `needs`
        6:8 "one" `goals` is no list
            write `goals: [one, two]`, or each on a line of its own after `- `
        7:9 "clang>14" `clang>14` asks for a version in a way that is not known
            write `clang>=14`: only the oldest version can be asked for
        7:26 "{" `needs` is no text
            each item is a text: `- some words`
        8:7 "''" `time` is no text
            write `time: some words`
        "#);
        assert_snapshot!(front("---\nformat: 1\nname: Hello World\ntitle: 7\n---\n"), @r#"
        FrontMatter { name: "lesson-1", title: "7", goals: [], time: None, needs: [] }
        3:7 "Hello World" `H` may not stand in the name `Hello World`
            use lower-case letters, digits and `-`: `hello-world`
        "#);
    }

    #[test]
    fn yaml_that_cannot_be_read_is_named_at_its_place() {
        assert_snapshot!(front("---\nformat: 1\ntitle: a: b\n---\n"), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        3:9 ": b" the front matter is no YAML that can be read: mapping values are not allowed in this context
            write `key: value` lines; put a value that holds `: ` or `#` in quotes
        "#);
        assert_snapshot!(front("---\nformat: 1\nname: a\nname: b\ntitle: x\n---\n"), @r#"
        FrontMatter { name: "a", title: "x", goals: [], time: None, needs: [] }
        4:1 "name" `name` is given twice in the front matter
            keep one of them
        "#);
        assert_snapshot!(front("---\njust text\n---\n"), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        2:1 "just text" the front matter is no YAML that can be read: invalid type: string "just text", expected `key: value` lines
            write `key: value` lines; put a value that holds `: ` or `#` in quotes
        "#);
        assert_snapshot!(front("---\nfôrmat: [\n---\n"), @r#"
        FrontMatter { name: "lesson-1", title: "lesson-1", goals: [], time: None, needs: [] }
        2:9 "[" the front matter is no YAML that can be read: unclosed bracket '['
            write `key: value` lines; put a value that holds `: ` or `#` in quotes
        "#);
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
