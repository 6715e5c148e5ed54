//! The contract with authors holds what the parser takes.

use std::fs;
use std::path::Path;
use tutor::lesson;

fn contract() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lesson-format.md");
    fs::read_to_string(path).expect("docs/lesson-format.md can be read")
}

/// The lines between an opening fence and the one that closes it.
fn block(text: &str, opening: &str, closing: &str) -> String {
    let lines = text.lines().skip_while(|line| *line != opening).skip(1);
    lines
        .take_while(|line| *line != closing)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The complaints about a page.
fn complaints(page: &str) -> Vec<String> {
    let included = |path: &Path| {
        (path == Path::new("bpf/hello.bpf.c"))
            .then(|| "int a;\n".to_owned())
            .ok_or(lesson::NotIncluded::Missing)
    };
    let (_, found) = lesson::parse(
        "lesson-1",
        Path::new("lessons/lesson-1.md"),
        page,
        &included,
    );
    found.into_iter().map(|found| found.message).collect()
}

#[test]
fn the_whole_lesson_of_the_contract_is_sound() {
    let page = block(&contract(), "````markdown", "````");
    assert!(
        page.contains("{check=one-line of=run expect=1}"),
        "the example is not found"
    );
    assert_eq!(complaints(&page), Vec::<String>::new());
}

#[test]
fn every_fence_of_the_contract_is_sound() {
    let text = contract();
    let fences: Vec<&str> = text
        .lines()
        .filter(|line| (line.starts_with("sh {") || line.starts_with("c {")) && line.ends_with('}'))
        .collect();
    assert!(fences.len() > 3, "the examples are not found");
    for fence in fences {
        let page =
            format!("---\nformat: 1\nname: a\ntitle: A\n---\n\n# A\n\n```{fence}\ntrue\n```\n");
        assert_eq!(complaints(&page), Vec::<String>::new(), "{fence}");
    }
}

#[test]
fn every_mask_is_in_the_contract_and_no_other() {
    let text = contract();
    let (_, masks) = text
        .split_once("### Masks")
        .expect("there is a part on masks");
    let (masks, _) = masks
        .split_once("### Facets")
        .expect("the part on masks ends");
    let rows = masks.lines().filter(|line| line.starts_with("| `"));
    let first_cells = rows.filter_map(|row| row.split('|').nth(1));
    let mut listed: Vec<&str> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, tutor::normalize::mask_names());
}
