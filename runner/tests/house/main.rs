//! Holds the source to `ARCHITECTURE.md`, and `ARCHITECTURE.md` to the source.

mod homes;
mod layers;
mod limits;
mod map;
mod names;
mod paths;
mod source;

/// Fails with one line for each thing found, so that all are seen at once.
#[track_caller]
fn nothing(found: &[String], help: &str) {
    assert!(found.is_empty(), "\n{}\n\nhelp: {help}\n", found.join("\n"));
}

/// The text of the map.
fn architecture() -> String {
    let path = source::root().join("ARCHITECTURE.md");
    std::fs::read_to_string(path).expect("ARCHITECTURE.md can be read")
}

/// The cells of the table below a heading, one row after the other, each cell as it is written.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = below
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with('|'));
    let cells = rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    });
    // The first row names the columns, the second is a rule.
    let rows: Vec<_> = cells.skip(2).collect();
    assert!(
        !rows.is_empty(),
        "ARCHITECTURE.md has no table below `{heading}`"
    );
    rows
}

/// The parts of a text in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
