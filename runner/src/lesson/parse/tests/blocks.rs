//! What a page becomes.

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
fn fences_that_a_carriage_return_alone_parts_do_not_overlap() {
    let text = "~~~sh {id=a}\r\ntrue\r\n~~~\r ~~~sh {id=b}\nx\n~~~\n";
    let lesson = read("lesson-1", Path::new("lessons/lesson-1.md"), text, &|_| {
        Err(crate::lesson::NotIncluded::Missing)
    })
    .lesson;
    let steps: Vec<_> = lesson.steps().collect();
    assert_eq!(steps.len(), 2);
    assert!(steps[0].span.end <= steps[1].span.start);
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

#[test]
fn an_alert_has_its_label() {
    assert_snapshot!(parsed("> [!WARNING]\n> Hot.\n\n> [!note] is text.\n"), @"prose quote(p(**Warning**) p(Hot.)) quote(p([!note] is text.))");
}

#[test]
fn what_is_included_arrives_as_it_is() {
    let page = format!("{FRONT}```c {{file=a.c}}\n{{{{#include ../a.c}}}}\n```\n");
    for text in [
        "int y;",
        "int x;\r\n",
        "\u{feff}int b;\n",
        "```c\nint z;\n```\n~~~\n",
        "",
    ] {
        let path = Path::new("lessons/lesson-1.md");
        let reading = read("lesson-1", path, &page, &|_| Ok(text.to_owned()));
        let [Block::File(file)] = &reading.lesson.blocks[..] else {
            panic!("{:?}", reading.lesson.blocks);
        };
        assert_eq!(file.content, text);
    }
}
