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
