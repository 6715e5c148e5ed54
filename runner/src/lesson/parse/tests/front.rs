//! Front matter.

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
