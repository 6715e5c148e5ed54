//! Pages that hold very many of one thing. No time is measured: what compares each with each takes
//! minutes for these, and what looks at each once is done at once.

use super::*;

const MANY: usize = 20_000;
/// Files take the system's time too.
const LESSONS: usize = 10_000;

/// A thing for each number.
fn many(thing: impl Fn(usize) -> String) -> String {
    (0..MANY).map(thing).collect()
}

/// The course of one page with this text after a step `a`, and what `tutor check` says of it.
fn checked_page(text: &str) -> (Course, Vec<Diagnostic>) {
    let text = format!("\n```sh {{id=a}}\ntrue\n```\n\n{text}\n");
    let folder = folder(&[
        ("lessons/course.toml", MANIFEST),
        ("lessons/lesson-1.md", &page("hello", &text)),
    ]);
    let course = Course::load(None, None, folder.path()).expect("a course");
    let found = check(&course);
    (course, found)
}

fn count(text: &str) -> usize {
    checked_page(text).1.len()
}

#[test]
fn many_sentences_in_a_paragraph_are_found_once() {
    let links = many(|number| format!("[s](#check-c{number}) "));
    assert_eq!(count(&links), MANY);
    let used = many(|number| format!("[words][d{number}]\n"));
    let defined = many(|number| format!("[d{number}]: #check-c{number}\n"));
    assert_eq!(count(&format!("{used}\n{defined}")), MANY);
    let checks = many(|number| format!("```sh {{check=c{number} of=a expect=1}}\ntrue\n```\n\n"));
    let (course, found) = checked_page(&format!("{links}\n\n{checks}"));
    assert_eq!(found, []);
    let sentences = course.lessons[0].checks().map(|check| check.sentence.len());
    assert!(sentences.sum::<usize>() <= MANY * 1100);
}

#[test]
fn many_headings_of_one_text_get_their_ids() {
    assert_eq!(count(&many(|_| "## The same\n\n".to_owned())), 0);
}

#[test]
fn many_names_that_are_taken_are_named_with_their_line() {
    let step = |_| "```sh {id=a}\ntrue\n```\n\n".to_owned();
    assert_eq!(count(&many(step)), MANY);
    let file = |number| format!("```c {{file=f{number}/x.c}}\n```\n\n");
    assert_eq!(count(&many(file)), 0);
    let clash = |number| format!("```c {{file=f/x{number}}}\n```\n\n");
    let clashes = "```c {file=f}\n```\n\n".to_owned() + &many(clash);
    assert_eq!(count(&clashes), MANY);
}

#[test]
fn many_fences_that_do_not_run_are_named() {
    let fence = |_| "```sh {id=b}\n".to_owned();
    let of_html = format!("<div>\n{}", many(fence));
    // Some of the block would be shown as text, too.
    assert!(count(&of_html) >= MANY);
    let commented = format!("<!--\n{}-->\n", many(fence));
    assert_eq!(count(&commented), MANY);
    let comments = many(|_| "<!-- a -->\n```sh {id=b}\n".to_owned());
    assert!(count(&format!("<div>\n{comments}")) >= MANY);
    assert_eq!(count(&many(|_| "x\n    ```sh {id=b}\n\n".to_owned())), MANY);
    assert_eq!(
        count(&many(|_| "{{#include a}} `{{#include b}}`\n".to_owned())),
        MANY
    );
}

#[test]
fn many_exercises_are_bound_to_their_parts() {
    let file = "```c {file=x.c}\n```\n\n";
    let exercise = |number| {
        format!(
            "```sh {{exercise=e{number}}}\nfalse\n```\n\n<details id=\"hint-e{number}-1\"><summary>a</summary>\n\n</details>\n\n\
             <details id=\"solution-e{number}\"><summary>b</summary>\n\n```c {{file=x.c}}\nint x;\n```\n\n</details>\n\n"
        )
    };
    assert_eq!(count(&(file.to_owned() + &many(exercise))), 0);
    let stray =
        |number| format!("<details id=\"hint-f{number}-1\"><summary>a</summary>\n\n</details>\n\n");
    assert_eq!(count(&(file.to_owned() + &many(stray))), MANY);
    let hints = |number| {
        format!(
            "<details id=\"hint-e-{}\"><summary>a</summary>\n\n</details>\n\n",
            number + 2
        )
    };
    let unsolved = "```sh {exercise=e}\nfalse\n```\n\n";
    assert_eq!(count(&format!("{file}{unsolved}{}", many(hints))), 1);
}

#[test]
fn many_sections_are_translated() {
    let section =
        |number| format!("## H{number}\n\nText.\n\n```sh {{id=s{number}}}\ntrue\n```\n\n");
    let placed =
        |number| format!("## N\n<!-- section: h{number} x -->\n\n<!-- step: s{number} -->\n\n");
    let original = page("hello", &many(section));
    for (translation, wrong) in [
        (many(placed), 0),
        (many(|number| placed(MANY - 1 - number)), MANY - 1),
    ] {
        let translation = format!("<!-- section: t x -->\n\n{translation}");
        let folder = folder(&[
            ("lessons/course.toml", MANIFEST),
            ("lessons/lesson-1.md", &original),
            ("lessons/lesson-1.zh.md", &page("hello", &translation)),
        ]);
        let course = Course::load(None, None, folder.path()).expect("a course");
        let lessons: Vec<&Lesson> = course.lessons.iter().collect();
        let translated = course.translations(&lessons).remove(0).translated;
        assert_eq!(translated.diagnostics.len(), wrong);
        assert_eq!(translated.lesson.steps().count(), MANY);
    }
}

#[test]
fn many_dead_links_are_named() {
    let headings = many(|number| format!("## Heading {number}\n\n"));
    let dead = many(|number| format!("[w](#hedaing-{number}x)\n"));
    assert_eq!(count(&format!("{headings}{dead}")), MANY);
    let labels = many(|number| format!("[some words][label{number}x]\n"));
    let defined = many(|number| format!("[label{number}]: https://a.b/\n"));
    assert_eq!(count(&format!("{labels}\n{defined}")), MANY);
    let files = many(|_| "[f](../bpf/none.c)\n".to_owned());
    assert_eq!(count(&files), MANY);
}

#[test]
fn many_needs_and_lessons_of_a_course_are_looked_up() {
    let need = |number| format!("[needs.n{number}]\nwhat = \"w\"\nwhy = \"w\"\nprobe = \"true\"\n");
    let listed = many(|number| format!(", \"m-{number}\""));
    let manifest = format!(
        "format = 1\ntitle = \"T\"\nlessons = [\"lesson-1\"{listed}]\n{}",
        many(need)
    );
    let names = many(|number| format!("n{number},"));
    let misspelt = many(|number| format!("n{number}x,"));
    let text = format!("```sh {{id=a needs={names}{misspelt}n1}}\ntrue\n```\n");
    let folder = folder(&[
        ("lessons/course.toml", &manifest),
        ("lessons/lesson-1.md", &page("hello", &text)),
    ]);
    let course = Course::load(None, None, folder.path()).expect("a course");
    // Lessons that are not there, and needs that nobody declares.
    assert_eq!(check(&course).len(), 2 * MANY);
}

#[test]
fn many_lessons_are_looked_up_by_their_names() {
    let stems: Vec<String> = (0..LESSONS)
        .map(|number| format!("lesson-{number}"))
        .collect();
    let listed: Vec<String> = stems.iter().map(|stem| format!("\"{stem}\"")).collect();
    let manifest = format!(
        "format = 1\ntitle = \"T\"\nlessons = [{}]\n",
        listed.join(",")
    );
    let folder = folder(&[("lessons/course.toml", &manifest)]);
    for (number, stem) in stems.iter().enumerate() {
        let text = format!("\n```sh {{id=a}}\ntrue\n```\n\n[w](leson-{number}.md)\n");
        let text = page(&format!("n-{number}"), &text);
        let path = folder.path().join(format!("lessons/{stem}.md"));
        std::fs::write(path, text).expect("a file");
    }
    let course = Course::load(None, None, folder.path()).expect("a course");
    // One dead link a page.
    assert_eq!(check(&course).len(), LESSONS);
}
