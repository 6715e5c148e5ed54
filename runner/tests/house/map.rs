//! Every name in the map is the name of something.

use crate::source::{Source, begins, crates, root, sources};
use crate::{architecture, nothing, quoted};
use std::collections::BTreeSet;
use std::fs;

/// The kinds of name in backticks that can be checked.
#[derive(Debug, PartialEq)]
enum Name<'n> {
    /// A file or folder below the root.
    Path(&'n str),
    /// `module::item`.
    Item(Vec<&'n str>),
    /// A type, trait or variant's enum by its own name.
    Type(&'n str),
}

fn name(text: &str) -> Option<Name<'_>> {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    let text = text.trim_end_matches("()");
    if text.contains("::") {
        let parts: Vec<&str> = text.split("::").collect();
        return parts
            .iter()
            .all(|part| is_word(part))
            .then_some(Name::Item(parts));
    }
    // `/proc` is the system's; `<step>.snap` is a pattern, and a command has blanks.
    let is_pattern = text.contains(|c: char| c.is_whitespace() || "<>{}*…$=#".contains(c));
    let has_end = [".rs", ".md", ".toml", ".ftl", ".c", ".h"]
        .iter()
        .any(|end| text.ends_with(end));
    if (text.contains('/') || has_end) && !text.starts_with(['/', '-', '.']) && !is_pattern {
        return Some(Name::Path(text));
    }
    let is_camel = text.starts_with(char::is_uppercase) && text.contains(char::is_lowercase);
    (is_camel && is_word(text)).then_some(Name::Type(text))
}

/// The items that files define, each behind the modules that lead to it.
fn items(sources: &[Source]) -> BTreeSet<Vec<String>> {
    const KINDS: [&str; 9] = [
        "struct", "enum", "trait", "type", "fn", "mod", "const", "static", "union",
    ];
    let mut items = BTreeSet::new();
    for source in sources {
        let path: Vec<String> = source
            .module_path()
            .into_iter()
            .map(str::to_owned)
            .collect();
        items.insert(path.clone());
        for tail in source
            .tails()
            .filter(|tail| KINDS.contains(&tail[0].text.as_str()))
        {
            if let Some(name) = tail.get(1) {
                items.insert([path.as_slice(), std::slice::from_ref(&name.text)].concat());
            }
        }
        for tail in source
            .tails()
            .filter(|tail| begins(tail, &["macro_rules", "!"]))
        {
            items.insert([path.as_slice(), std::slice::from_ref(&tail[2].text)].concat());
        }
    }
    items
}

fn is_there(name: &Name<'_>, items: &BTreeSet<Vec<String>>, crates: &BTreeSet<String>) -> bool {
    match name {
        Name::Path(path) => root().join(path).exists(),
        // A file's modules may be left out where the type is handed on by the one above.
        Name::Item(parts) => {
            let is_crate = |name: &str| name == "crate" || crates.contains(name);
            let parts = if is_crate(parts[0]) {
                &parts[1..]
            } else {
                parts
            };
            let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
                return true;
            };
            // Or it is a method, in the file of its type.
            items.iter().any(|item| {
                let [modules @ .., name] = item.as_slice() else {
                    return false;
                };
                let is_of = || {
                    let beside = [modules, &[(*first).to_owned()]].concat();
                    item.iter().any(|name| name == first) || items.contains(&beside)
                };
                name == last && is_of()
            })
        }
        Name::Type(name) => items
            .iter()
            .any(|item| item.last().is_some_and(|last| last == name)),
    }
}

#[test]
fn every_name_in_the_map_exists() {
    let items = items(&sources(&["runner", "bpf", "book"]));
    let crates = crates().into_iter().map(|krate| krate.name).collect();
    let mut found = Vec::new();
    for (number, line) in architecture().lines().enumerate() {
        for text in quoted(line) {
            if name(text).is_some_and(|name| !is_there(&name, &items, &crates)) {
                found.push(format!(
                    "ARCHITECTURE.md:{}: there is no `{text}`",
                    number + 1
                ));
            }
        }
    }
    nothing(&found, "the map follows the source: name what is there now");
}

#[test]
fn every_path_and_every_test_that_a_document_names_exists() {
    let items = items(&sources(&["runner", "bpf", "book"]));
    let is_test = |name: &str| {
        items
            .iter()
            .any(|item| item.last().is_some_and(|last| last == name))
    };
    let documents = fs::read_dir(root().join("docs")).expect("there are documents");
    let documents = documents.map(|entry| entry.expect("it can be listed").path());
    let documents = documents.chain(["CONTRIBUTING.md", "README.md"].map(|name| root().join(name)));
    let mut found = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).expect("a document can be read");
        for text in text.lines().flat_map(quoted) {
            let is_gone = match name(text) {
                Some(Name::Path(path)) if is_ours(path) => !root().join(path).exists(),
                _ => is_sentence(text) && !is_test(text),
            };
            if is_gone {
                found.push(format!("{}: there is no `{text}`", document.display()));
            }
        }
    }
    nothing(
        &found,
        "documents follow the source: name what is there now",
    );
}

/// True for a path below one of the folders of sources.
fn is_ours(path: &str) -> bool {
    ["runner/", "bpf/", "book/", "docs/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// True for what can only be the name of a test.
fn is_sentence(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.chars().all(is_word) && text.matches('_').count() > 3
}

#[test]
fn names_are_told_from_commands_and_patterns() {
    assert_eq!(
        name("runner/src/lib.rs"),
        Some(Name::Path("runner/src/lib.rs"))
    );
    assert_eq!(name("lessons/"), Some(Name::Path("lessons/")));
    assert_eq!(name("course.toml"), Some(Name::Path("course.toml")));
    assert_eq!(name("plan::Plan"), Some(Name::Item(vec!["plan", "Plan"])));
    assert_eq!(name("StableText"), Some(Name::Type("StableText")));
    for text in [
        "tutor test",
        "--on host",
        "/proc",
        "snapshots/<lesson>/<step>.snap",
        "SIGTERM",
        "plan",
        "{id=a/b}",
    ] {
        assert_eq!(name(text), None, "{text}");
    }
}
