//! What `course.toml` says of masks.

use super::*;

/// A course with this mask, and a step that asks for these.
fn with(declared: &str, asked: &str) -> String {
    let page = page("a", &format!("```sh {{id=a{asked}}}\ntrue\n```\n"));
    let course = format!("{MANIFEST}{declared}");
    checked(&[
        ("lessons/course.toml", &course),
        ("lessons/lesson-1.md", &page),
    ])
}

fn declared(pattern: &str, token: &str) -> String {
    let mask = format!("[masks.port]\npattern = '{pattern}'\ntoken = '{token}'\n");
    with(&mask, " mask=port,pid")
}

#[test]
fn a_course_declares_a_mask_and_a_step_asks_for_it() {
    assert_eq!(declared("port [0-9]+", "[PORT]"), "");
    assert_eq!(declared(r"^port (\S+)$", "[PORT-NUMBER]"), "");
    assert_eq!(declared("a([0-9])|b([0-9])", "[A]"), "");
}

#[test]
fn a_mask_that_no_lesson_could_use_is_named_with_its_place() {
    assert_snapshot!(declared("[0-9", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'[0-9'" this regular expression cannot be used: unclosed character class
        put `\` before a character that stands for itself, and the whole in single quotes; there is no look-around
    "#);
    assert_snapshot!(declared("(?=a)b", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'(?=a)b'" this regular expression cannot be used: look-around, including look-ahead and look-behind, is not supported
        put `\` before a character that stands for itself, and the whole in single quotes; there is no look-around
    "#);
    assert_snapshot!(declared("[0-9]*", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'[0-9]*'" this can match where nothing stands
        let it match at least one character: `+` for `*`
    "#);
    assert_snapshot!(declared("port ([0-9]*)", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'port ([0-9]*)'" this can match where nothing stands
        let it match at least one character: `+` for `*`
    "#);
    assert_snapshot!(declared("", "[PORT]"), @r#"
    lessons/course.toml:5:11: "''" this can match where nothing stands
        let it match at least one character: `+` for `*`
    "#);
    assert_snapshot!(declared("(?:[0-9a-z]{1000}){1000}", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'(?:[0-9a-z]{1000}){1000}'" this regular expression is too large
        write a shorter one: a large `{n}` multiplies what it stands behind
    "#);
    assert_snapshot!(declared("[0-9]+", "port"), @r#"
    lessons/course.toml:6:9: "'port'" `port` is no token
        write a few upper-case letters in brackets, with `-` between words: `[PORT]`
    "#);
    assert_snapshot!(declared("[0-9]+", "[7]"), @r#"
    lessons/course.toml:6:9: "'[7]'" `[7]` is no token
        write a few upper-case letters in brackets, with `-` between words: `[PORT]`
    "#);
    assert_snapshot!(declared("[0-9]+", "[AN-ENDLESS-NUMBER-OF-A-TCP-PORT]"), @r#"
    lessons/course.toml:6:9: "'[AN-ENDLESS-NUMBER-OF-A-TCP-PORT]'" `[AN-ENDLESS-NUMBER-OF-A-TCP-PORT]` is no token
        write a few upper-case letters in brackets, with `-` between words: `[PORT]`
    "#);
    assert_snapshot!(declared("[^ ]+", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'[^ ]+'" this matches the mask's own token, `[PORT]`
        say more of what stands beside it, or less of what it may be: `port ([0-9]+)`
    "#);
    assert_snapshot!(declared("[A-Z]{4}", "[PORT]"), @r#"
    lessons/course.toml:5:11: "'[A-Z]{4}'" this matches the mask's own token, `[PORT]`
        say more of what stands beside it, or less of what it may be: `port ([0-9]+)`
    "#);
}

#[test]
fn a_name_that_every_course_has_is_taken() {
    assert_snapshot!(with("[masks.pid]\npattern = '[0-9]+'\ntoken = '[X]'\n[masks.address]\npattern = '[0-9]+'\ntoken = '[X]'\n", " mask=pid"), @r#"
    lessons/course.toml:4:8: "pid" `pid` is a mask that every course has
        give this one another name
    lessons/course.toml:7:8: "address" `address` is a mask that every course has
        give this one another name
    "#);
}

#[test]
fn a_table_that_is_none_is_told_what_it_takes() {
    assert_snapshot!(with("[masks.port]\npatern = '[0-9]+'\ntoken = '[X]'\n", " mask=port"), @r#"
    lessons/course.toml:4:1: "[masks.port]" mask `port`: missing field `pattern`
        a mask takes `pattern`, `token`
    lessons/course.toml:5:1: "patern" unknown key `patern` of mask `port`
        did you mean `pattern`?
    "#);
    assert_snapshot!(with("[masks]\nport = '[0-9]+'\n", " mask=port"), @r#"
    lessons/course.toml:5:8: "'[0-9]+'" mask `port` is no table
        write `[masks.port]` and its keys below
    "#);
    assert_snapshot!(with("masks = 3\n", ""), @r#"
    lessons/course.toml:4:9: "3" `masks` is no table
        write a table for each: `[masks.clang]`
    "#);
}

#[test]
fn a_mask_that_nobody_declared_or_asks_for_is_named() {
    assert_snapshot!(with("[masks.port]\npattern = '[0-9]+'\ntoken = '[PORT]'\n", " mask=prot,prgo-id,nothing"), @r#"
    lessons/course.toml:4:8: "port" no step asks for the mask `port`
        write `mask=port` where an output holds such a thing, or take it away
    lessons/lesson-1.md:7:18: "prot" unknown mask `prot`
        did you mean `port`?
    lessons/lesson-1.md:7:23: "prgo-id" unknown mask `prgo-id`
        did you mean `prog-id`?
    lessons/lesson-1.md:7:31: "nothing" unknown mask `nothing`
        declare it in `lessons/course.toml` under `[masks.nothing]`; every course has `prog-id`, `map-id`, `btf-id`, `link-id`, `pid`, `time`, `tag`, `trace`, `source-line`
    "#);
}
