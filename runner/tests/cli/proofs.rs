//! What a page of the book says to be true, and what it lacks.

use super::*;

fn page(tutor: &Tutor) -> String {
    tutor.get("tree/src/demo.md")
}

/// A course with an accepted output, and a check that held then.
fn checked() -> Tutor {
    accepted(
        &(step("run", "echo hello") + &check("one of=run expect=1", "wc -l <\"$TUTOR_STDOUT\"")),
    )
}

fn edit(tutor: &Tutor, from: &str, to: &str) {
    let page = tutor.get("course/lessons/demo.md");
    assert!(page.contains(from), "{page}");
    tutor.put("course/lessons/demo.md", &page.replace(from, to));
}

#[test]
fn a_tick_stands_where_the_accepted_record_proves_it() {
    let tutor = checked();
    let tree = tutor.path("tree");
    tutor
        .run(&format!("book --emit {}", tree.display()))
        .code(0)
        .stdout_lacks("lacks");
    let page = page(&tutor);
    assert!(
        page.contains("[The sentence of one\u{a0}✓](#check-one)"),
        "{page}"
    );
    assert!(
        page.contains("found <samp>1</samp>, as it must · recorded 20"),
        "{page}"
    );
    // The sentence stands in the text, and nowhere else.
    assert_eq!(page.matches("sentence of one").count(), 1, "{page}");
}

#[test]
fn a_check_that_changed_since_has_no_tick() {
    let tutor = checked();
    edit(&tutor, "of=run expect=1", "of=run expect=7");
    let tree = tutor.path("tree").display().to_string();
    tutor
        .run(&format!("book --emit {tree}"))
        .code(1)
        .stderr_has("lessons/demo.md:")
        .stderr_has("`demo/run` was recorded of something else")
        .stderr_has("tutor test demo");
    assert!(!tutor.path("tree").exists());
    tutor
        .run(&format!("book --emit {tree} --allow-missing"))
        .code(0)
        .stdout_has("the book lacks something that its pages should show");
    let page = page(&tutor);
    assert!(!page.contains('✓'), "{page}");
    assert!(
        page.contains("checked on every run; this page has no record of it"),
        "{page}"
    );
    assert!(page.contains("recorded of something else: "), "{page}");
}

#[test]
fn a_step_without_a_record_keeps_the_book_from_being_made() {
    let tutor = checked();
    edit(&tutor, "echo hello", "echo other");
    tutor
        .run(&format!("book --emit {}", tutor.path("tree").display()))
        .code(1)
        .stderr_has("`demo/run` was recorded of something else");
    fs::remove_file(tutor.path("course/snapshots/demo/run.snap")).expect("there");
    let tree = tutor.path("tree").display().to_string();
    tutor
        .run(&format!("book --emit {tree}"))
        .code(1)
        .stderr_has("step `run` has no recorded output")
        .stderr_has("cannot make the book: it lacks something");
    tutor
        .run(&format!("book --emit {tree} --allow-missing"))
        .code(0);
    let page = page(&tutor);
    assert!(
        page.contains("Not recorded yet") && !page.contains('✓'),
        "{page}"
    );
}
