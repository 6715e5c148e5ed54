//! What `tutor check` says of links.

use super::*;

const TWO: &str = "format = 1\ntitle = \"T\"\nlessons = [\"lesson-1\", \"lesson-2\"]\n";

const STEP: &str =
    "```sh {id=build}\ntrue\n```\n[x](#check-c)\n```sh {check=c of=build expect=1}\n```\n";

/// What `tutor check` says of a page with this text, beside a second page and a file.
fn checked(text: &str) -> String {
    super::checked(&[
        ("lessons/course.toml", TWO),
        (
            "lessons/lesson-1.md",
            &page("one", &format!("{STEP}{text}")),
        ),
        (
            "lessons/lesson-2.md",
            &page(
                "two",
                &format!(
                    "{STEP}\n## What's new?\n\n## 映射\n\n> ## `映射`\n\n<a id=\"by-hand\"></a>\n"
                ),
            ),
        ),
        ("docs/page.md", ""),
        ("bpf/a b.c", ""),
        ("bpf/hello.bpf.c", ""),
        ("bpf/a.png/text", ""),
    ])
}

#[test]
fn a_link_that_leads_somewhere_is_left_alone() {
    assert_eq!(
        checked(
            "[a](lesson-2.md) [b](#t) [c](#step-build) [d](lesson-1.md#check-c) [e](#) [f](#top)\n\
             [g](lesson-2.md#whats-new) [h](lesson-2.md#映射) [i](lesson-2.md#%E6%98%A0%e5%b0%84-2)\n\
             [j](lesson-2.md#by-hand) [m](../bpf/hello.bpf.c#L3)\n\
             [n](<../bpf/a b.c>) [o](../bpf/a%20b.c) [q][r] [r] `[s](t.md)`\n\n\
             [r]: lesson-2.md\n\n```\n[u](v.md)\n```\n"
        ),
        ""
    );
}

#[test]
fn an_address_with_a_scheme_is_left_alone() {
    assert_eq!(
        checked(
            "[a](https://nowhere.invalid/b.md#c) <https://nowhere.invalid> [d](mailto:e@f) [g](//h/i)\n"
        ),
        ""
    );
}

#[test]
fn a_file_that_the_book_cannot_have_is_named() {
    let text = "[k](../docs/page.md#any) [l](../bpf) ![p](../bpf/hello.bpf.c)\n\n\
                <img src=\"../bpf/a.png/\"> ![q](../bpf/a.png)\n\n![r](lesson-2.md)\n";
    assert_snapshot!(checked(text), @r#"
    lessons/lesson-1.md:13:5: "../docs/page.md#any" the book cannot show `../docs/page.md#any`: it is no page of this course
        show an image or link to a text, as docs/lesson-format.md says
    lessons/lesson-1.md:13:30: "../bpf" the book cannot show `../bpf`: it is no regular file
        show an image or link to a text, as docs/lesson-format.md says
    lessons/lesson-1.md:13:43: "../bpf/hello.bpf.c" the book cannot show `../bpf/hello.bpf.c`: it is no image that books have, a file that ends with `gif`, `jpeg`, `jpg`, `png`, `svg`, `webp`
        show an image or link to a text, as docs/lesson-format.md says
    lessons/lesson-1.md:15:11: "../bpf/a.png/" the book cannot show `../bpf/a.png/`: it is no regular file
        show an image or link to a text, as docs/lesson-format.md says
    lessons/lesson-1.md:15:32: "../bpf/a.png" the book cannot show `../bpf/a.png`: it is no regular file
        show an image or link to a text, as docs/lesson-format.md says
    lessons/lesson-1.md:17:6: "lesson-2.md" the book cannot show `lesson-2.md`: it is no image that books have, a file that ends with `gif`, `jpeg`, `jpg`, `png`, `svg`, `webp`
        show an image or link to a text, as docs/lesson-format.md says
    "#);
}

#[test]
fn a_page_that_the_course_does_not_have_is_named() {
    assert_snapshot!(checked("[a](lesson-9.md)\n[b](two.md)\n[c](lesson-2#a)\n[d](lesson_2.md)\n[e][f]\n\n[f]: lesson-8.md\n"), @r#"
    lessons/lesson-1.md:13:5: "lesson-9.md" there is no page `lessons/lesson-9.md`
        link to a lesson that `lessons/course.toml` lists
    lessons/lesson-1.md:14:5: "two.md" there is no page `lessons/two.md`
        did you mean `lesson-2.md`?
    lessons/lesson-1.md:15:5: "lesson-2#a" there is no file `lessons/lesson-2`
        did you mean `lesson-2.md`?
    lessons/lesson-1.md:16:5: "lesson_2.md" there is no page `lessons/lesson_2.md`
        did you mean `lesson-2.md`?
    lessons/lesson-1.md:17:1: "[e][f]" there is no page `lessons/lesson-8.md`
        link to a lesson that `lessons/course.toml` lists
    "#);
}

#[test]
fn a_page_that_is_not_listed_is_no_page_and_one_that_is_missing_is_told_once() {
    assert_snapshot!(super::checked(&[
        ("lessons/course.toml", TWO),
        ("lessons/lesson-1.md", &page("one", &format!("{STEP}[a](lesson-2.md#b) [c](extra.md)\n"))),
        ("lessons/extra.md", ""),
    ]), @r#"
    lessons/course.toml:3:24: "\"lesson-2\"" lesson `lesson-2` is listed, but `lessons/lesson-2.md` is not there
        write it, or begin it with `tutor new lesson-2`
    lessons/extra.md:1:1: "" this lesson is not listed in `lessons/course.toml`, so nobody sees it
        add `"extra"` to the list `lessons` there
    lessons/lesson-1.md:13:24: "extra.md" `lessons/extra.md` is no page of this course
        add `"extra"` to the list `lessons` in `lessons/course.toml`
    "#);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    assert_snapshot!(checked("[a](../bpf/helo.bpf.c) ![b *c*](d.png \"e\")\n[f](bpf/hello.bpf.c)\n[g](../none/h.c) [i]()\n"), @r#"
    lessons/lesson-1.md:13:5: "../bpf/helo.bpf.c" there is no file `bpf/helo.bpf.c`
        did you mean `../bpf/hello.bpf.c`?
    lessons/lesson-1.md:13:33: "d.png" there is no file `lessons/d.png`
        the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`
    lessons/lesson-1.md:14:5: "bpf/hello.bpf.c" there is no file `lessons/bpf/hello.bpf.c`
        did you mean `../bpf/hello.bpf.c`?
    lessons/lesson-1.md:15:5: "../none/h.c" there is no file `none/h.c`
        the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`
    lessons/lesson-1.md:15:18: "[i]()" this link leads nowhere
        write between its parentheses where it leads, or take it away
    "#);
}

#[test]
fn a_link_does_not_leave_the_course() {
    assert_snapshot!(checked("[a](../../etc/passwd) [b](/etc/passwd)\n"), @r#"
    lessons/lesson-1.md:13:5: "../../etc/passwd" `../../etc/passwd` leads out of the course
        link to a file below the folder that holds `lessons/`, or to an address with `https:`
    lessons/lesson-1.md:13:27: "/etc/passwd" `/etc/passwd` leads out of the course
        link to a file below the folder that holds `lessons/`, or to an address with `https:`
    "#);
    let outside = folder(&[("secret.c", "")]);
    let folder = folder(&[
        ("lessons/course.toml", MANIFEST),
        (
            "lessons/lesson-1.md",
            &page("a", &format!("{STEP}[a](../secret.c)\n")),
        ),
    ]);
    let link = folder.path().join("secret.c");
    std::os::unix::fs::symlink(outside.path().join("secret.c"), link).expect("a link");
    let course = Course::load(None, None, folder.path()).expect("a course");
    let messages: Vec<String> = check(&course)
        .into_iter()
        .map(|found| found.message)
        .collect();
    assert_eq!(
        messages,
        ["`secret.c` is a symbolic link that leads out of the course"]
    );
}

#[test]
fn an_anchor_that_no_part_of_the_page_has_is_named() {
    assert_snapshot!(checked(
        "[a](#nowhere) [b](#build) [c](<#What's T>) [d](#T)\n\
         [e](lesson-2.md#nowhere) [f](lesson-2.md#映射-1)\n\
         [g](lesson-2.md#What's-new) [h](lesson-2.md#step-biuld) [i](lesson-2.md#c)\n"
    ), @r##"
    lessons/lesson-1.md:13:5: "#nowhere" this page has no anchor `nowhere`
        a heading's anchor is its text in lower case, with `-` between words; a step has `#step-NAME`, a check `#check-NAME`
    lessons/lesson-1.md:13:19: "#build" this page has no anchor `build`
        did you mean `#step-build`?
    lessons/lesson-1.md:13:32: "#What's T" this page has no anchor `What's T`
        a heading's anchor is its text in lower case, with `-` between words; a step has `#step-NAME`, a check `#check-NAME`
    lessons/lesson-1.md:13:48: "#T" this page has no anchor `T`
        did you mean `#t`?
    lessons/lesson-1.md:14:5: "lesson-2.md#nowhere" `lessons/lesson-2.md` has no anchor `nowhere`
        a heading's anchor is its text in lower case, with `-` between words; a step has `#step-NAME`, a check `#check-NAME`
    lessons/lesson-1.md:14:30: "lesson-2.md#映射-1" `lessons/lesson-2.md` has no anchor `映射-1`
        did you mean `#映射-2`?
    lessons/lesson-1.md:15:5: "lesson-2.md#What's-new" `lessons/lesson-2.md` has no anchor `What's-new`
        did you mean `#whats-new`?
    lessons/lesson-1.md:15:33: "lesson-2.md#step-biuld" `lessons/lesson-2.md` has no anchor `step-biuld`
        did you mean `#step-build`?
    lessons/lesson-1.md:15:61: "lesson-2.md#c" `lessons/lesson-2.md` has no anchor `c`
        did you mean `#check-c`?
    "##);
}

#[test]
fn a_link_to_a_check_stays_what_binds_it() {
    assert_snapshot!(checked("[a](#check-d)\n[b](#check-c)\n"), @r#"
    lessons/lesson-1.md:13:1: "[a](#check-d)" this links to check `d`, which is not in the lesson
        write a fence `sh {check=d of=STEP expect=…}`
    lessons/lesson-1.md:14:1: "[b](#check-c)" a second link to check `c`
        a check proves one sentence, that of line 10: take this link away or write a check of its own
    "#);
}

#[test]
fn a_step_that_could_not_be_read_has_its_anchor_all_the_same() {
    assert_snapshot!(checked("```sh {id=Two}\n```\n[a](#step-two) [b](#nowhere)\n"), @r##"
    lessons/lesson-1.md:13:1: "```sh {id=Two}\n```" step `` holds no command
        write what bash shall run, or make it a plain fence
    lessons/lesson-1.md:13:11: "Two" `T` may not stand in the name `Two`
        use lower-case letters, digits and `-`: `two`
    lessons/lesson-1.md:15:20: "#nowhere" this page has no anchor `nowhere`
        a heading's anchor is its text in lower case, with `-` between words; a step has `#step-NAME`, a check `#check-NAME`
    "##);
}

#[test]
fn the_course_in_the_binary_is_checked_in_the_same_way() {
    let nowhere = folder(&[("x", "")]);
    let embedded = Course::load(None, None, nowhere.path()).expect("a course");
    assert_eq!(embedded.origin, Origin::Embedded);
    assert_eq!(check(&embedded), []);
    let text = "[a](lesson-2.md) [b](../bpf/hello.bpf.c) [c](../bpf)\n\
        [d](../bpf/helo.bpf.c) [e](lesson-99.md) [f](lesson-2.md#nowhere)\n";
    let path = Path::new("lessons/lesson-1.md");
    let missing = |_: &Path| Err(crate::lesson::NotIncluded::Missing);
    let (lesson, _) = crate::lesson::parse("lesson-1", path, &page("a", text), &missing);
    let mut course = embedded;
    course.lessons[0] = lesson;
    let found: Vec<String> = check(&course)
        .into_iter()
        .filter(|found| found.path == path)
        .map(|found| format!("{}; {}", found.message, found.help.unwrap_or_default()))
        .collect();
    assert_snapshot!(found.join("\n"), @"
    the book cannot show `../bpf`: there is no such file; show an image or link to a text, as docs/lesson-format.md says
    there is no file `bpf/helo.bpf.c`; did you mean `../bpf/hello.bpf.c`?
    there is no page `lessons/lesson-99.md`; link to a lesson that `lessons/course.toml` lists
    `lessons/lesson-2.md` has no anchor `nowhere`; a heading's anchor is its text in lower case, with `-` between words; a step has `#step-NAME`, a check `#check-NAME`
    ");
}
