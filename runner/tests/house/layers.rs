//! A module uses only modules that `lib.rs` lists above it. Links in comments may point anywhere.

use crate::source::{Source, Token, begins, heads, sources};
use crate::{architecture, nothing, quoted, table};

/// Uses that are put up with, as `file: module`. Empty, and to stay so.
const TOLERATED: [&str; 0] = [];

/// The modules of the library in the order of `lib.rs`.
pub fn modules(sources: &[Source]) -> Vec<String> {
    let lib = sources
        .iter()
        .find(|source| source.path == "runner/src/lib.rs");
    let lib = lib.expect("runner/src/lib.rs is there");
    let declared = lib
        .tails()
        .filter(|tail| begins(tail, &["mod"]) && tail[0].depth == 0);
    declared.map(|tail| tail[1].text.clone()).collect()
}

fn upward(source: &Source, modules: &[String]) -> Vec<String> {
    let place = |name: &str| modules.iter().position(|module| module == name);
    let Some((module, own)) = source.module().and_then(|name| Some((name, place(name)?))) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for tail in source.tails() {
        for head in heads(path_from_root(source, tail)) {
            let Some(used) = place(&head.text).filter(|used| *used > own) else {
                continue;
            };
            let entry = format!("{}: {}", source.path, modules[used]);
            if !TOLERATED.contains(&entry.as_str()) {
                found.push(format!(
                    "{}:{}: `{module}` uses `{}`, which stands below it",
                    source.path, head.line, modules[used]
                ));
            }
        }
    }
    found
}

/// What follows `crate::`, or as many `super::` as lead out of the module; else nothing.
fn path_from_root<'s>(source: &Source, tail: &'s [Token]) -> &'s [Token] {
    if begins(tail, &["crate", ":", ":"]) {
        return &tail[3..];
    }
    let mut rest = tail;
    let mut steps = 0;
    while begins(rest, &["super", ":", ":"]) {
        rest = &rest[3..];
        steps += 1;
    }
    // Inside braces there may be a module within the file, which takes one step more.
    match steps > 0 && steps == source.module_path().len() && tail[0].depth == 0 {
        true => rest,
        false => &[],
    }
}

#[test]
fn a_module_uses_only_modules_listed_above_it() {
    let sources = sources(&["runner/src"]);
    let modules = modules(&sources);
    let found: Vec<String> = sources
        .iter()
        .flat_map(|source| upward(source, &modules))
        .collect();
    nothing(
        &found,
        "move what is needed up, or pass it in; runner/src/lib.rs gives the order",
    );
}

#[test]
fn every_module_is_listed_in_the_library_and_every_listed_one_is_there() {
    let sources = sources(&["runner/src"]);
    let modules = modules(&sources);
    let unlisted = sources
        .iter()
        .filter_map(Source::module)
        .filter(|name| !modules.iter().any(|module| module == name));
    let found: Vec<String> = unlisted
        .map(|name| format!("`{name}` is not in runner/src/lib.rs"))
        .collect();
    nothing(&found, "declare it where its layer is");
}

#[test]
fn the_map_lists_the_modules_in_the_order_of_the_library() {
    let text = architecture();
    let rows = table(&text, "## Modules, in reading order");
    let mapped: Vec<&str> = rows
        .iter()
        .filter_map(|row| quoted(&row[0]).next())
        .collect();
    let modules = modules(&sources(&["runner/src"]));
    assert_eq!(
        mapped, modules,
        "left ARCHITECTURE.md, right runner/src/lib.rs"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parsed;

    fn found(path: &str, text: &str) -> Vec<String> {
        let modules = ["lesson", "plan", "report"].map(str::to_owned);
        upward(&parsed(path, text), &modules)
    }

    #[test]
    fn a_use_of_a_lower_module_is_found_in_every_form() {
        for text in [
            "use crate::report::Report;",
            "use crate::{lesson::Lesson, report::{Item, Report}};",
            "fn f() { crate::report::f() }",
            "use super::report;",
            "fn f() { g!(crate::report::f()) }",
        ] {
            let found = found("runner/src/plan.rs", text);
            assert_eq!(
                found,
                ["runner/src/plan.rs:1: `plan` uses `report`, which stands below it"],
                "{text}"
            );
        }
        assert_eq!(
            found("runner/src/plan/part.rs", "use super::super::report;").len(),
            1
        );
    }

    #[test]
    fn what_is_above_or_in_a_comment_is_no_finding() {
        for text in [
            "use crate::lesson::Lesson;",
            "//! See [`crate::report`].",
            "use super::parts::report;",
        ] {
            assert!(found("runner/src/plan.rs", text).is_empty(), "{text}");
        }
        assert!(found("runner/src/plan/part.rs", "use super::report;").is_empty());
    }
}
