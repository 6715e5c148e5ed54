//! A module uses only modules that its `lib.rs` lists above it, and no two files use each other.

use crate::paths::{Library, Use};
use crate::source::{crates, library_sources};
use crate::{architecture, nothing, quoted, table};
use std::collections::{BTreeMap, BTreeSet};

fn upward(library: &Library<'_>) -> Vec<String> {
    let modules = library.modules();
    let place = |name: &str| modules.iter().position(|module| *module == name);
    let mut found = Vec::new();
    for Use { from, line, to } in library.uses() {
        let (from_path, to_path) = (from.module_path(), to.module_path());
        if let (Some(module), Some(used)) = (from_path.first(), to_path.first())
            && place(used) > place(module)
        {
            let path = &from.path;
            found.push(format!(
                "{path}:{line}: `{module}` uses `{used}`, which stands below it"
            ));
        }
    }
    found
}

#[test]
fn a_module_uses_only_modules_listed_above_it() {
    let sources = library_sources();
    let libraries = crates().into_iter();
    let found: Vec<String> = libraries
        .flat_map(|krate| upward(&Library::of(&krate, sources)))
        .collect();
    nothing(
        &found,
        "move what is needed up, or pass it in; each lib.rs gives the order of its modules",
    );
}

#[test]
fn every_module_is_listed_in_its_library() {
    let sources = library_sources();
    let mut found = Vec::new();
    for krate in crates() {
        let library = Library::of(&krate, sources);
        let modules = library.modules();
        for source in library.files() {
            if let [module, ..] = source.module_path()[..]
                && !modules.contains(&module)
            {
                found.push(format!("{}: `{module}` is not in lib.rs", source.path));
            }
        }
    }
    nothing(&found, "declare it where its layer is");
}

#[test]
fn the_map_lists_the_modules_in_the_order_of_the_library() {
    assert_mapped("runner/src", "## Modules, in reading order");
}

#[test]
fn the_map_lists_the_modules_in_the_order_of_tutor_bpf() {
    assert_mapped("bpf/src", "## Modules of `tutor-bpf`");
}

/// Holds the table below a heading of the map to the list of a library.
#[track_caller]
fn assert_mapped(folder: &str, heading: &str) {
    let text = architecture();
    let rows = table(&text, heading);
    let mapped: Vec<&str> = rows
        .iter()
        .filter_map(|row| quoted(&row[0]).next())
        .collect();
    let crates = crates();
    let krate = crates.iter().find(|krate| krate.folder == folder);
    let library = Library::of(krate.expect("a crate"), library_sources());
    assert_eq!(
        mapped,
        library.modules(),
        "left ARCHITECTURE.md, right {folder}/lib.rs"
    );
}

#[test]
fn no_two_files_use_each_other() {
    let sources = library_sources();
    let libraries = crates().into_iter();
    let found: Vec<String> = libraries
        .flat_map(|krate| loops(&Library::of(&krate, sources)))
        .collect();
    nothing(
        &found,
        "what both need belongs in a file of its own, below both",
    );
}

/// The files that lead back to themselves, each with one that it uses on the way; a text for each
/// set of files that are in loops with each other.
fn loops(library: &Library<'_>) -> Vec<String> {
    let mut uses: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for Use { from, line, to } in library.uses() {
        let lines = uses.entry(&from.path).or_default();
        lines.entry(&to.path).or_insert(line);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|file| (*file, reach(file, &uses)))
        .collect();
    let leads_to = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(to));
    let mut sets: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
    for file in uses.keys().filter(|file| leads_to(file, file)) {
        let others = uses.keys().copied();
        let set: Vec<&str> = others
            .filter(|other| leads_to(file, other) && leads_to(other, file))
            .collect();
        let inner = uses[file].iter().filter(|(to, _)| set.contains(to));
        let lines: Vec<String> = inner
            .map(|(to, line)| format!("{file}:{line}: uses {to}"))
            .collect();
        sets.entry(set).or_default().extend(lines);
    }
    sets.into_values().map(|lines| lines.join("\n")).collect()
}

/// All files that a file uses, and that those use.
fn reach<'p>(file: &str, uses: &BTreeMap<&'p str, BTreeMap<&'p str, usize>>) -> BTreeSet<&'p str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for to in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*to) {
                next.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Crate, Source, parsed};

    /// Gives a library of these files to a function.
    fn with<T>(files: &[(&str, &str)], look: impl FnOnce(&Library<'_>) -> T) -> T {
        let files = files.iter();
        let sources: Vec<Source> = files
            .map(|(name, text)| parsed(&format!("x/src/{name}.rs"), text))
            .collect();
        let krate = Crate {
            name: "x".to_owned(),
            manifest: "x/Cargo.toml".to_owned(),
            folder: "x/src".to_owned(),
        };
        look(&Library::of(&krate, &sources))
    }

    #[test]
    fn a_use_of_a_lower_module_is_found_and_of_a_higher_one_is_none() {
        let lib = ("lib", "pub mod lesson; pub mod plan; pub mod report;");
        let report = ("report", "fn f() {}");
        for (text, count) in [
            ("use crate::report::Report;", 1),
            ("use crate::{lesson::Lesson, report};", 1),
            ("fn f() { crate::report::f() }", 1),
            ("use super::report;", 1),
            ("use crate::lesson::Lesson;", 0),
        ] {
            let lesson = ("lesson", "fn f() {}");
            let found = with(&[lib, lesson, ("plan", text), report], upward);
            assert_eq!(found.len(), count, "{text}");
        }
    }

    #[test]
    fn a_loop_is_found_whether_it_is_of_two_files_or_of_more() {
        let lib = ("lib", "pub mod a; pub mod b; pub mod c;");
        let a = ("a", "use crate::b;");
        let b = ("b", "use crate::c;");
        assert!(with(&[lib, a, b, ("c", "")], loops).is_empty());
        let found = with(&[lib, a, b, ("c", "use crate::a;")], loops);
        assert_eq!(
            found,
            [
                "x/src/a.rs:1: uses x/src/b.rs\nx/src/b.rs:1: uses x/src/c.rs\nx/src/c.rs:1: uses x/src/a.rs"
            ]
        );
        let parent = ("a/mod", "pub use b::B; pub struct A;");
        assert_eq!(
            with(&[lib, parent, ("a/b", "use super::A;")], loops).len(),
            1
        );
    }
}
