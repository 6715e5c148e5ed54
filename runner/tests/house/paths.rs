//! Which file of a crate uses which other one: every path in the code, resolved to the file that its
//! module is in. Tests and comments may name what they like.

use crate::source::{Crate, Source, Token, begins};
use std::collections::BTreeMap;

/// The files of a crate's library by the modules that lead to them.
pub struct Library<'s> {
    files: BTreeMap<Vec<&'s str>, &'s Source>,
}

/// A file that uses a module, or something in it.
pub struct Use<'s> {
    pub from: &'s Source,
    pub line: usize,
    pub to: &'s Source,
}

impl<'s> Library<'s> {
    pub fn of(krate: &Crate, sources: &'s [Source]) -> Library<'s> {
        let folder = format!("{}/", krate.folder);
        let own = sources.iter().filter(|source| {
            source.path.starts_with(&folder)
                && source.path != format!("{folder}main.rs")
                && !source.is_test()
        });
        let files = own.map(|source| (source.module_path(), source)).collect();
        Library { files }
    }

    pub fn files(&self) -> impl Iterator<Item = &'s Source> {
        self.files.values().copied()
    }

    /// The modules that `lib.rs` declares, in its order.
    pub fn modules(&self) -> Vec<&'s str> {
        let library = self.files.get(&Vec::new()).expect("a crate has a lib.rs");
        let declared = library
            .tails()
            .filter(|tail| begins(tail, &["mod"]) && tail[0].depth == 0 && !tail[0].is_test);
        declared.map(|tail| tail[1].text.as_str()).collect()
    }

    /// Every use of a file by another one.
    pub fn uses(&self) -> Vec<Use<'s>> {
        let of_file = |from: &'s Source| {
            let paths = paths(&from.tokens).into_iter();
            paths.filter_map(move |path| {
                let to = self.file_of(from, &path)?;
                let line = path[0].line;
                (to.path != from.path).then_some(Use { from, line, to })
            })
        };
        self.files().flat_map(of_file).collect()
    }

    /// The file that holds what a path names; `None` if it is of no module of this crate.
    fn file_of(&self, from: &'s Source, path: &[&'s Token]) -> Option<&'s Source> {
        let first = path[0];
        let ups = path.iter().take_while(|word| word.text == "super").count();
        let names = path.iter().map(|word| word.text.as_str());
        let mut base = from.module_path();
        let skipped = match first.text.as_str() {
            "crate" => {
                base.clear();
                1
            }
            "self" => 1,
            "super" => {
                base.truncate(base.len() - ups.saturating_sub(first.inline_modules));
                ups
            }
            _ => 0,
        };
        let start = base.len();
        base.extend(names.skip(skipped));
        while !self.files.contains_key(&base) {
            base.pop()?;
        }
        // A path that begins with a plain name leads on from here, or to somewhere else altogether.
        (skipped > 0 || base.len() > start).then(|| self.files[&base])
    }
}

/// The paths in the code, those in braces one by one: `a::{b, c::D}` is `a::b` and `a::c::D`.
fn paths(tokens: &[Token]) -> Vec<Vec<&Token>> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        rest = if begins(rest, &["pub", "(", "in"]) {
            // The module that may see an item is not used by it.
            path(&rest[3..], &mut Vec::new(), &mut Vec::new())
        } else if is_name(&rest[0]) && begins(&rest[1..], &[":", ":"]) {
            path(rest, &mut Vec::new(), &mut found)
        } else {
            &rest[1..]
        };
    }
    found.retain(|path| !path[0].is_test);
    found
}

/// Takes one path, and returns what follows it.
fn path<'t>(
    mut rest: &'t [Token],
    prefix: &mut Vec<&'t Token>,
    found: &mut Vec<Vec<&'t Token>>,
) -> &'t [Token] {
    let before = prefix.len();
    loop {
        match rest {
            [brace, inside @ ..] if brace.text == "{" && !prefix.is_empty() => {
                rest = inside;
                while let [next, after @ ..] = rest
                    && next.text != "}"
                {
                    rest = match is_name(next) {
                        true => path(rest, prefix, found),
                        false => after,
                    };
                }
                rest = rest.get(1..).unwrap_or_default();
                break;
            }
            [name, after @ ..] if is_name(name) => {
                prefix.push(name);
                rest = after;
                if !begins(rest, &[":", ":"]) {
                    found.push(prefix.clone());
                    break;
                }
                rest = &rest[2..];
            }
            // `::*` and `::<T>`.
            _ => {
                found.push(prefix.clone());
                break;
            }
        }
    }
    prefix.truncate(before);
    rest
}

fn is_name(token: &Token) -> bool {
    token
        .text
        .starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parsed;

    /// The files that `a/b.rs` uses, in a crate of a few files.
    fn used(text: &str) -> Vec<String> {
        let others = ["lib", "a/mod", "a/b/c", "a/d", "e"].map(|name| format!("x/src/{name}.rs"));
        let mut sources: Vec<Source> = others
            .iter()
            .map(|path| parsed(path, "fn f() {}"))
            .collect();
        sources.push(parsed("x/src/a/b.rs", text));
        let krate = Crate {
            name: "x".to_owned(),
            manifest: "x/Cargo.toml".to_owned(),
            folder: "x/src".to_owned(),
        };
        let library = Library::of(&krate, &sources);
        let uses = library.uses().into_iter();
        uses.map(|one| one.to.path["x/src/".len()..].to_owned())
            .collect()
    }

    #[test]
    fn a_use_leads_to_the_file_that_its_module_is_in() {
        for (text, files) in [
            ("use crate::e::E;", vec!["e.rs"]),
            (
                "use crate::{e::{self, E}, a};",
                vec!["e.rs", "e.rs", "a/mod.rs"],
            ),
            ("use super::d::*;", vec!["a/d.rs"]),
            ("use super::A;", vec!["a/mod.rs"]),
            ("pub use c::C;", vec!["a/b/c.rs"]),
            ("fn f() { g!(super::super::e::f::<u8>()) }", vec!["e.rs"]),
            ("mod inner { use super::super::d; }", vec!["a/d.rs"]),
            ("use crate::F;", vec!["lib.rs"]),
        ] {
            assert_eq!(used(text), files, "{text}");
        }
    }

    #[test]
    fn the_file_itself_other_crates_tests_and_comments_are_no_use() {
        for text in [
            "use std::{fs, e::E};",
            "use other::c::C;",
            "mod inner { use super::f; }",
            "#[cfg(test)] mod tests { use crate::e::E; }",
            "//! See [`crate::e`].",
            "fn f() { C::new() }",
            "pub(in crate::a) fn f() {}",
        ] {
            assert!(used(text).is_empty(), "{text}");
        }
    }
}
