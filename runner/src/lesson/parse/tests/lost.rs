//! Fences with a brace group that are no step, file or check, and what tells of them.

use super::*;
use crate::lesson::keys::naming_keys;

#[test]
fn a_fence_in_a_block_of_html_is_named() {
    assert_snapshot!(wrong("<details>\n```sh {id=a}\ntrue\n```\n</details>\n\n<pre>\n\n```sh {id=b}\ntrue\n```\n</pre>\n"), @r#"
    2:1 "```sh {id=a}" a fence within HTML does not run
        put a blank line before it, since HTML goes on to the next one
    9:1 "```sh {id=b}" a fence within HTML does not run
        move it below `</pre>`
    "#);
}

#[test]
fn a_fence_in_a_comment_was_taken_out_on_purpose() {
    let page = "# A\n\n<!--\n```sh {id=a}\ntrue\n```\n-->\n\n```sh {id=b}\ntrue\n```\n";
    assert_snapshot!(wrong(page), @"");
    assert_snapshot!(parsed(page), @r#"
    prose h1(A) html("<!--\n```sh {id=a}\ntrue\n```\n-->\n")
    step b on host: "true\n"
    "#);
    assert_snapshot!(linted(page), @r#"
    4:1 "```sh {id=a}" a fence in a comment does not run
        take it out of the comment if it is to run
    "#);
}

#[test]
fn a_comment_that_never_ends_is_named() {
    assert_snapshot!(wrong("```sh {id=a}\ntrue\n```\n\n<!-- never closed\n\n```sh {id=b}\ntrue\n```\n"), @r#"
    5:1 "<!--" this comment is not closed, so it swallows what follows
        end it with `-->`
    "#);
    assert_snapshot!(wrong("<!-- one\n\n```sh {id=a}\ntrue\n```\n\n<!-- two -->\n"), @r#"
    3:1 "```sh {id=a}" the comment of line 6 swallows this fence
        end it with `-->` before this line: a second comment begins inside it
    "#);
}

#[test]
fn a_comment_within_a_line_ends_where_its_paragraph_does() {
    assert_snapshot!(linted("# A\n\nSome text <!--\n```sh {id=a}\ntrue\n```\n-->\n"), @r#"
    3:11 "<!--" this comment ends with its paragraph, so it is text, and what follows is no comment
        begin a line with `<!--`, after a blank line, and end the comment with `-->`
    "#);
    let page =
        "# A\n\nSome <!-- a\ncomment --> and `<!--` and \\<!-- too.\n\n```sh {id=a}\ntrue\n```\n";
    assert_eq!(linted(page), "");
}

#[test]
fn an_indented_fence_is_named() {
    assert_snapshot!(wrong("Text.\n\n    ```sh {id=a}\n    true\n    ```\n\n\t```sh {id=b}\n\ttrue\n\t```\n"), @r#"
    3:5 "```sh {id=a}" an indented fence is shown as code and does not run
        move it to the left margin; to show it as it is, put a longer fence around it
    7:2 "```sh {id=b}" an indented fence is shown as code and does not run
        move it to the left margin; to show it as it is, put a longer fence around it
    "#);
    assert_snapshot!(wrong("Text\n    ```sh {id=a}\n    true\n    ```\n"), @r#"
    2:5 "```sh {id=a}" indented this far, a fence is text of the paragraph above and does not run
        move it to the left margin
    "#);
}

#[test]
fn a_fence_behind_other_characters_is_named() {
    assert_snapshot!(wrong("Text.\n\n\u{a0}```sh {id=a}\ntrue\n```\n"), @r#"
    3:2 "```sh {id=a}" U+00A0 stands before this fence, so it is text and does not run
        take that character away: only blanks may stand there
    5:1 "```" this fence is not closed, so it swallows the rest of the text
        end it with a line of 3 or more backticks
    "#);
    assert_snapshot!(wrong("Run this: ```sh {id=a}\ntrue\n```\n\nThen: ```sh {id=b}\ntrue\n```\n"), @r#"
    1:11 "```sh {id=a}" a fence within a line is text and does not run
        begin a line with it, at the left margin
    "#);
    // Whatever kind it is of, and wherever the key stands that says so.
    for key in naming_keys() {
        for group in [format!("{{{key}=a}}"), format!("{{ on=host {key}=a }}")] {
            let page = format!("Run this: ```sh {group}\ntrue\n```\n");
            let told = wrong(&page);
            assert!(
                told.contains("a fence within a line is text"),
                "{page}: {told}"
            );
        }
    }
    let prose = "Write ```sh {grid=a}``` or ```c {profile=b}\nwords```.\n";
    assert_eq!(wrong(prose), "");
}

#[test]
fn a_fence_within_one_that_was_not_closed_is_named() {
    assert_snapshot!(wrong("```text\nan example\n\n```sh {id=a}\ntrue\n```\n"), @r#"
    4:1 "```sh {id=a}" a fence begins inside the fence of line 6, so it is text and does not run
        end that one with a line of 3 backticks before this one; if this is its text, open it with more: a line of 3 backticks ends it even within a here-document
    "#);
    assert_snapshot!(wrong("```c {file=a.c}\nint x;\n\n```sh {id=a}\ntrue\n```\n"), @r#"
    4:1 "```sh {id=a}" a fence begins inside the fence of line 6, so it is text and does not run
        end that one with a line of 3 backticks before this one; if this is its text, open it with more: a line of 3 backticks ends it even within a here-document
    "#);
    assert_snapshot!(wrong("~~~c {file=a.c}\nint x;\n\n~~~text\nout\n~~~\n"), @r#"
    4:1 "~~~text" a fence begins inside the fence of line 6, so it is text of that
        end that one with a line of 3 tildes before this one; if this is its text, open it with more: a line of 3 tildes ends it even within a here-document
    "#);
}

#[test]
fn a_here_document_with_a_fence_in_it_swallows_no_step() {
    let page = "```sh {id=write}\ncat > out.md <<'EOF'\nbefore\n```\nafter\nEOF\n```\n\n```sh {id=next}\necho next\n```\n";
    assert_snapshot!(wrong(page), @r#"
    9:1 "```sh {id=next}" a fence begins inside the fence of line 12, so it is text and does not run
        end that one with a line of 3 backticks before this one; if this is its text, open it with more: a line of 3 backticks ends it even within a here-document
    "#);
}

#[test]
fn a_fence_in_a_longer_one_is_text() {
    let page = "# A\n\n````text\n```sh {id=a}\ntrue\n```\n````\n\n~~~markdown {file=a.md}\n```c {file=x.c}\nint x;\n```\n~~~\n\n````sh {id=b}\ncat <<'EOF'\n```\nEOF\n````\n";
    assert_snapshot!(wrong(page), @"");
    assert_snapshot!(parsed(page), @r#"
    prose h1(A) code(text: "```sh {id=a}\ntrue\n```\n")
    file a.md (markdown): "```c {file=x.c}\nint x;\n```\n"
    step b on host: "cat <<'EOF'\n```\nEOF\n"
    "#);
    assert_eq!(linted(page), "");
}

#[test]
fn a_brace_group_after_another_word_is_named() {
    assert_snapshot!(wrong("```sh numberLines {id=a}\ntrue\n```\n"), @r#"
    1:7 "numberLines {id=a}" the brace group does not stand right behind the language, so this fence is plain
        write the language, one blank and the group: `sh {id=build}`
    "#);
    assert_snapshot!(wrong("```sh [id=a]\ntrue\n```\n"), @r#"
    1:7 "[id=a]" attributes without braces do nothing
        write `{id=a}` if this fence is to run
    "#);
}

#[test]
fn a_fence_in_the_front_matter_is_named() {
    let source = "---\nformat: 1\nname: a\ntitle: |\n  A\n  ```sh {id=a}\n  true\n  ```\n---\n";
    let reading = read("a", Path::new("lessons/a.md"), source, &files);
    assert_snapshot!(told(&reading.diagnostics, source), @r#"
    1:3 "```sh {id=a}" a fence in the front matter does not run
        move it below the line `---` that ends the front matter
    "#);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_hide_no_step() {
    let page = format!(
        "\u{feff}{FRONT}<!--\n```sh {{id=a}}\n```\n-->\n\n    ```sh {{id=b}}\n\n```sh {{id=c}}\ntrue\n```\n"
    );
    let page = page.replace('\n', "\r\n");
    let reading = read("a", Path::new("lessons/a.md"), &page, &files);
    assert_snapshot!(told(&reading.diagnostics, &page), @r#"
    6:5 "```sh {id=b}" an indented fence is shown as code and does not run
        move it to the left margin; to show it as it is, put a longer fence around it
    "#);
    assert_eq!(reading.lesson.steps().count(), 1);
}

#[test]
fn an_include_where_a_lesson_takes_none_is_named() {
    assert_snapshot!(linted("# A\n\n{{#include ../bpf/a.c}} and {{ #include b }}\n\n```c\n{{#include ../bpf/a.c}}\n```\n\n```sh {id=a}\n{{#include run.sh}}\n```\n"), @r#"
    3:1 "{{#include ../bpf/a.c}}" an include that is not in a file of the lesson is text
        put it into a fence such as `c {file=hello.c}`; if it is to be read as text, put it between backticks
    3:29 "{{ #include b }}" an include that is not in a file of the lesson is text
        put it into a fence such as `c {file=hello.c}`; if it is to be read as text, put it between backticks
    6:1 "{{#include ../bpf/a.c}}" an include that is not in a file of the lesson is text
        put it into a fence such as `c {file=hello.c}`; if it is to be read as text, put it between backticks
    10:1 "{{#include run.sh}}" an include in a script is text: bash gets the line as it stands
        write a file with a fence such as `sh {file=run.sh}`, and run that
    "#);
    let shown = "# A\n\n`{{#include a}}`, \\{{#include a}}, {{#include}}, {{name}}.\n\n```text\nwrite\n{{#include a}}\n```\n\n    {{#include a}}\n\n```c {file=a.c}\n{{ #include ../bpf/a.c }}\n```\n\n```sh {id=a}\ntrue\n```\n";
    assert_eq!(linted(shown), "");
}
