//! A name of a type means one thing in the whole workspace.

use crate::nothing;
use crate::source::{Source, library_sources};
use std::collections::BTreeMap;

#[test]
fn a_name_of_a_type_is_given_once() {
    let found = given_twice(library_sources());
    nothing(
        &found,
        "the term of its field keeps its field; the other one gets a more telling name",
    );
}

fn given_twice(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (name, line) in types(source) {
            let place = format!("{}:{line}", source.path);
            places.entry(name).or_default().push(place);
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice
        .map(|(name, places)| format!("`{name}`: {}", places.join(", ")))
        .collect()
}

/// The types that a file defines outside of tests. `type Item` of a trait is no name of its own.
fn types(source: &Source) -> impl Iterator<Item = (&str, usize)> {
    let defined = source.tails().filter(|tail| {
        let is_alone = tail[0].depth == tail[0].inline_modules;
        match tail[0].text.as_str() {
            "struct" | "enum" | "trait" | "union" => true,
            "type" => is_alone,
            _ => false,
        }
    });
    let names = defined
        .filter(|tail| !tail[0].is_test)
        .filter_map(|tail| tail.get(1));
    names
        .filter(|name| name.text.starts_with(char::is_uppercase))
        .map(|name| (name.text.as_str(), name.line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parsed;

    #[test]
    fn a_second_type_of_a_name_is_found_and_an_associated_one_is_none() {
        let one = parsed(
            "a/src/one.rs",
            "pub struct Lesson; impl I for Lesson { type Item = u8; }",
        );
        let other = parsed(
            "b/src/other.rs",
            "mod inner { type Lesson = u8; } impl I for u8 { type Item = u8; } \
             #[cfg(test)] mod tests { struct Lesson; }",
        );
        assert_eq!(
            given_twice(&[one, other]),
            ["`Lesson`: a/src/one.rs:1, b/src/other.rs:1"]
        );
    }
}
