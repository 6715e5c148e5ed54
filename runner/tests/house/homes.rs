//! Each outside library has one home, which `ARCHITECTURE.md` names.

use crate::source::{Crate, Source, Token, begins, crates, library_sources, manifest};
use crate::{architecture, nothing, quoted, table};

/// Stands in a row whose library may be used all over.
const EVERYWHERE: &str = "everywhere";

/// A library, and the files or folders that may use it; none where all may.
struct Home {
    library: String,
    places: Vec<String>,
}

fn homes() -> Vec<Home> {
    let text = architecture();
    let mut homes = Vec::new();
    for row in table(&text, "## Homes of outside libraries") {
        let places: Vec<String> = quoted(&row[1])
            .filter(|place| place.contains('/'))
            .map(str::to_owned)
            .collect();
        let named = !places.is_empty() || row[1] == EVERYWHERE;
        assert!(
            named,
            "ARCHITECTURE.md: `{}` is neither a path nor `{EVERYWHERE}`",
            row[1]
        );
        homes.extend(quoted(&row[0]).map(|name| Home {
            library: name.to_owned(),
            places: places.clone(),
        }));
    }
    homes
}

impl Home {
    fn strays(&self, source: &Source) -> Vec<String> {
        let at_home = |place: &String| match place.ends_with('/') {
            true => source.path.starts_with(place.as_str()),
            false => source.path == *place,
        };
        if self.places.is_empty() || self.places.iter().any(at_home) {
            return Vec::new();
        }
        let name = self.library.replace('-', "_");
        let uses = (0..source.tokens.len()).filter(|at| {
            let tail = &source.tokens[*at..];
            let named = begins(tail, &[&name, ":", ":"]) || begins(tail, &[&name, ";"]);
            named && !tail[0].is_test && !is_inner(&source.tokens[..*at])
        });
        uses.map(|at| {
            let line = source.tokens[at].line;
            format!(
                "{}:{line}: `{}` has its home in {}",
                source.path,
                self.library,
                self.places.join(", ")
            )
        })
        .collect()
    }
}

/// True where the words before make the next one a part of their own: `crate::`, `self.`.
fn is_inner(before: &[Token]) -> bool {
    let words: Vec<&str> = before
        .iter()
        .rev()
        .take(3)
        .map(|token| token.text.as_str())
        .collect();
    match words.as_slice() {
        [".", ..] => true,
        [":", ":", owner] => {
            *owner == ">" || owner.starts_with(|c: char| c.is_alphabetic() || c == '_')
        }
        _ => false,
    }
}

#[test]
fn a_library_is_used_in_its_home_only() {
    let sources = library_sources();
    let homes = homes();
    let strays = |source| homes.iter().flat_map(move |home| home.strays(source));
    let found: Vec<String> = sources.iter().flat_map(strays).collect();
    nothing(
        &found,
        "wanting one elsewhere usually means that a type of our own is missing",
    );
}

#[test]
fn every_library_that_is_brought_in_has_a_home() {
    let homes = homes();
    let known = |name: &str| homes.iter().any(|home| home.library == name);
    let mut found = Vec::new();
    for Crate { manifest, .. } in crates() {
        for name in dependencies(&manifest) {
            if !known(&name) {
                found.push(format!(
                    "{manifest}: `{name}` has no row below `## Homes of outside libraries`"
                ));
            }
        }
    }
    nothing(
        &found,
        "name its home in ARCHITECTURE.md, and argue for it in the commit",
    );
}

fn dependencies(path: &str) -> Vec<String> {
    let table = manifest(path);
    let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
    dependencies
        .into_iter()
        .flat_map(|names| names.keys().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parsed;

    fn strays(path: &str, text: &str) -> usize {
        let home = Home {
            library: "tidy-up".to_owned(),
            places: vec!["runner/src/tidy/".to_owned()],
        };
        home.strays(&parsed(path, text)).len()
    }

    #[test]
    fn a_use_away_from_home_is_found() {
        assert_eq!(strays("runner/src/plan.rs", "use tidy_up::Broom;"), 1);
        assert_eq!(
            strays("runner/src/plan.rs", "fn f() { ::tidy_up::sweep() }"),
            1
        );
        assert_eq!(
            strays("runner/src/plan.rs", "struct A { broom: tidy_up::Broom }"),
            1
        );
        assert_eq!(
            strays("runner/src/plan.rs", "#[derive(tidy_up::Broom)] struct A;"),
            1
        );
    }

    #[test]
    fn home_tests_and_namesakes_are_no_finding() {
        assert_eq!(strays("runner/src/tidy/broom.rs", "use tidy_up::Broom;"), 0);
        assert_eq!(
            strays(
                "runner/src/plan.rs",
                "#[cfg(test)] mod tests { use tidy_up::Broom; }"
            ),
            0
        );
        assert_eq!(
            strays(
                "runner/src/plan.rs",
                "use crate::tidy_up::Broom; // tidy_up::Broom"
            ),
            0
        );
    }
}
