//! The command line, from outside: what it prints, what it leaves, what it ends with.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod background;
mod book;
mod broken;
mod cargo_insta;
mod checking;
mod checks;
mod comparing;
mod confined;
mod consent;
mod disks;
mod documents;
mod exclusive;
mod exercises;
mod faults;
mod files;
mod fuzz;
mod images;
mod json;
mod killed;
mod languages;
mod moved;
mod needs;
mod outputs;
mod predictions;
mod proofs;
mod reading;
mod records;
mod report;
mod results;
mod run;
mod screen;
mod setup;
mod single_steps;
mod snapshots;
mod space;
mod stops;
mod study;
mod surroundings;
mod testing;
mod tools;
mod trying;

use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;
use support::{
    Ran, Tutor, check, in_own_mounts, own_seconds, plain, skipped, sleepers, step, until,
};

/// A course in which all outputs are accepted.
fn accepted(body: &str) -> Tutor {
    let tutor = Tutor::new().lesson(body);
    tutor.run("test");
    tutor.run("accept --all").code(0);
    tutor
}

/// Needs that no machine meets.
const NEEDS: &str = r#"
[needs.gone]
what = "a tool that nobody has"
why = "shows what a lack looks like"
probe = "echo looked; echo 'there is no such tool'; exit 1"
remedy = "build it yourself"

[needs.tool]
what = "the tool"
why = "shows what a version is for"
probe = "echo tool version 1.2.3"
remedy = "a newer one"
"#;

/// A command line as somebody types it at a terminal; `None`, with a line, where none can be played.
fn at_a_terminal(tutor: &Tutor, line: &str) -> Option<support::running::Running> {
    at_a_terminal_of(tutor, 80, line)
}

/// The same at a terminal that many columns wide.
fn at_a_terminal_of(
    tutor: &Tutor,
    columns: usize,
    line: &str,
) -> Option<support::running::Running> {
    if !support::has("script") {
        skipped("`script` is not installed, so no terminal was played");
        return None;
    }
    let plain = tutor.command(line);
    let words = std::iter::once(plain.get_program()).chain(plain.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
    let mut command = std::process::Command::new("script");
    command
        .args([
            "-qec",
            &format!("stty cols {columns}; {}", words.join(" ")),
            "/dev/null",
        ])
        .env_clear();
    command
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("TERM", "xterm");
    Some(tutor.start_interactive(command, line))
}

impl Tutor {
    /// Leaves `--yes` out.
    pub fn not_trusted(mut self) -> Tutor {
        self.yes = false;
        self
    }
}

impl Ran {
    /// The verdicts of a `--json` report: `one passed, check three check failed`.
    #[track_caller]
    pub fn verdicts(&self) -> String {
        let whole = self.json();
        let mut words = Vec::new();
        for lesson in whole["lessons"].as_array().expect("lessons") {
            for item in lesson["items"].as_array().expect("items") {
                let (name, verdict) = (
                    item["name"].as_str().expect("a name"),
                    item["verdict"].as_str().expect("a word"),
                );
                let kind = if item["kind"] == "check" {
                    "check "
                } else {
                    ""
                };
                words.push(format!("{kind}{name} {verdict}"));
            }
        }
        words.join(", ")
    }
}
