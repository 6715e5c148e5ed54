//! What of an output is compared, and what is hidden.

use super::*;

#[test]
fn a_mask_of_the_course_hides_what_differs_and_nothing_else() {
    let tutor = Tutor::new()
        .course("[masks.port]\npattern = 'port +([0-9]+)'\ntoken = '[PORT]'\n")
        .lesson(step("one mask=port", "echo listens on port $$, 3 workers"));
    tutor.run("test").code(1).stdout_has("1 new");
    tutor.run("accept --all").code(0);
    tutor.run("test").code(0).stdout_has("1 passed");
    let accepted = tutor.get("course/snapshots/demo/one.snap");
    assert!(
        accepted.ends_with("---\nlistens on port [PORT], 3 workers\n"),
        "{accepted}"
    );
    let page = tutor.get("course/lessons/demo.md");
    tutor.put(
        "course/lessons/demo.md",
        &page.replace("3 workers", "4 workers"),
    );
    tutor
        .run("test")
        .code(1)
        .stdout_has("+listens on port [PORT], 4 workers");
}

/// A lesson with a step that prints what a file outside of it holds.
fn prints(printed: &[u8]) -> Tutor {
    let tutor = Tutor::new().unconfined();
    let file = tutor.path("printed");
    fs::write(&file, printed).expect("writable");
    let tutor = tutor.lesson(step("one", &format!("cat {}", file.display())));
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor.run("test").code(0).stdout_has("1 passed");
    tutor
}

#[test]
fn an_output_that_only_looks_the_same_is_told() {
    for (printed, other) in [
        (&b"a\0b\n"[..], "a␀b\n"),
        (b"\x1b[1m\n", "␛[1m\n"),
        (b"\rdone\n", "␍done\n"),
        (b"\xff\n", "\\xff\n"),
        ("\u{202e}\n".as_bytes(), "\\u{202e}\n"),
        ("\u{85}\n".as_bytes(), "\\u{85}\n"),
        (b"a  \n", "a\n"),
        (b"a\n", "a"),
        (b"a\n", "a\n\n"),
        (b"a\r\n", "a\n"),
        (b"--- end ---\n", "\\--- end ---\n"),
    ] {
        let tutor = prints(printed);
        fs::write(tutor.path("printed"), other).expect("writable");
        tutor.run("test").code(1).stdout_has("1 changed");
    }
}

#[test]
fn an_output_that_an_earlier_tutor_stored_passes_and_is_stored_exactly_when_it_changes() {
    let tutor = prints(b"\x1b[1mbold\\x1b\n");
    let file = "course/snapshots/demo/one.snap";
    let exact = tutor.get(file);
    assert!(exact.contains("  format: 2\n"), "{exact}");
    assert!(exact.ends_with("\n␛[1mbold\\u{5c}x1b\n"), "{exact}");

    let old = exact.replace("  format: 2\n", "").replace(r"\u{5c}", r"\");
    tutor.put(file, &old);
    tutor.run("test").code(0).stdout_has("1 passed");
    tutor.run("show demo").code(0).stdout_has("␛[1mbold\\x1b");

    tutor.put(file, &old.replace("bold", "fat"));
    tutor
        .run("test")
        .code(1)
        .stdout_has("-␛[1mfat\\x1b")
        .stdout_has("+␛[1mbold\\x1b");
    tutor.run("accept --all").code(0);
    assert_eq!(tutor.get(file), exact);
}
