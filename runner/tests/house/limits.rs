//! Limits: the length of files, `unsafe`, and paths of one machine.

use crate::nothing;
use crate::source::{Source, begins, library_sources, root, sources};
use std::fs;
use std::process::Command;

/// A file of code that is longer holds two ideas. Files of tests are lists, and may be long.
const LINES: usize = 600;

/// The files that may hold `unsafe`.
const UNSAFE: [&str; 2] = ["bpf/src/sys.rs", "runner/agent/src/sys.rs"];

#[test]
fn no_file_grows_beyond_what_one_idea_needs() {
    let sources = library_sources().iter();
    let long = sources.filter(|source| !source.is_test() && source.lines > LINES);
    let found: Vec<String> = long
        .map(|source| format!("{}: {} lines", source.path, source.lines))
        .collect();
    nothing(&found, "split it by idea, not by length");
}

#[test]
fn unsafe_code_stays_where_it_is_allowed() {
    let sources = sources(&["runner", "bpf", "book"]);
    let found: Vec<String> = sources.iter().flat_map(uses_of_unsafe).collect();
    nothing(
        &found,
        "there is a safe wrapper in nix or libbpf-rs for most of what is needed",
    );
}

fn uses_of_unsafe(source: &Source) -> Vec<String> {
    if UNSAFE.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let words = source
        .tokens
        .iter()
        .filter(|token| token.text == "unsafe" || token.text == "unsafe_code");
    words
        .map(|token| format!("{}:{}: `{}`", source.path, token.line, token.text))
        .collect()
}

/// They panic where no thread can be started.
#[test]
fn threads_are_started_by_their_builder_which_can_fail() {
    let sources = library_sources().iter();
    let found: Vec<String> = sources.flat_map(panicking_starts).collect();
    nothing(
        &found,
        "`thread::Builder::new().spawn(…)`, or `spawn_scoped`, and do without the thread or say why not",
    );
}

fn panicking_starts(source: &Source) -> Vec<String> {
    let calls = [
        ["thread", ":", ":", "spawn"].as_slice(),
        &["scope", ".", "spawn"],
    ];
    let starts = source.tails().filter(|tail| {
        let is_call = calls.iter().any(|call| begins(tail, call));
        is_call && !tail[0].is_test
    });
    starts
        .map(|tail| format!("{}:{}: `spawn`", source.path, tail[0].line))
        .collect()
}

#[test]
fn no_tracked_file_names_a_folder_of_somebodys_machine() {
    let listed = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(["ls-files", "-z"])
        .output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        println!(
            "skipped: no_tracked_file_names_a_folder_of_somebodys_machine: this is no git clone, or git is missing"
        );
        return;
    };
    let clone = root().display().to_string();
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut found = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let bytes = fs::read(root().join(name)).unwrap_or_default();
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if names_a_machine(line, &clone) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    nothing(
        &found,
        "write a path from the clone's root, or one that every machine has",
    );
}

/// True for a line with this clone's own path, or with the home folder of a user.
fn names_a_machine(line: &str, clone: &str) -> bool {
    let homes = ["home", "Users", "root"].map(|name| format!("/{name}/"));
    let homes = homes.iter().any(|home| {
        line.match_indices(home).any(|(at, _)| {
            let starts = !line[..at]
                .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '}' | '-'));
            let goes_on =
                line[at + home.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.');
            starts && goes_on
        })
    });
    // A clone in `/` or `/src` would be found everywhere.
    homes || (clone.matches('/').count() > 1 && line.contains(clone))
}

#[test]
fn a_home_folder_and_the_clone_are_told_from_other_paths() {
    let home = ["/home", "ada", "tutor"].join("/");
    assert!(names_a_machine(&home, "/srv/clone"));
    assert!(names_a_machine("see /srv/clone/lessons", "/srv/clone"));
    assert!(!names_a_machine(
        "below /usr/include, or in $HOME/tutor",
        "/srv/clone"
    ));
    assert!(!names_a_machine("snapshots/home/build.snap", "/srv/clone"));
}
