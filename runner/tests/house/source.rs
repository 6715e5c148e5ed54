//! The workspace's Rust, as tokens: what a comment or a string says is not among them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, iter};

/// The folder that holds the root manifest.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A crate of the workspace.
pub struct Crate {
    /// As `use` has it.
    pub name: String,
    /// Its manifest, relative to the root.
    pub manifest: String,
    /// The folder of its sources, relative to the root.
    pub folder: String,
}

/// Every crate of the workspace, as the root manifest lists them.
pub fn crates() -> Vec<Crate> {
    let members = manifest("Cargo.toml")["workspace"]["members"].clone();
    let members: Vec<String> = members.try_into().expect("names of folders");
    let library = |member: String| (format!("{member}/Cargo.toml"), format!("{member}/src"));
    let root = ("Cargo.toml".to_owned(), "runner/src".to_owned());
    let all = iter::once(root).chain(members.into_iter().map(library));
    all.map(|(manifest, folder)| {
        let name = self::manifest(&manifest)["package"]["name"].clone();
        let name: String = name.try_into().expect("a name");
        Crate {
            name: name.replace('-', "_"),
            manifest,
            folder,
        }
    })
    .collect()
}

/// A manifest, by its path below the root.
pub fn manifest(path: &str) -> toml::Table {
    let text = fs::read_to_string(root().join(path)).expect("the manifest can be read");
    text.parse().expect("the manifest is TOML")
}

/// A word or sign of the source.
pub struct Token {
    /// As it is written.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
    /// True inside `#[cfg(test)]`, and in files that hold tests only.
    pub is_test: bool,
    /// How many braces it stands in.
    pub depth: usize,
    /// How many modules within the file it stands in.
    pub inline_modules: usize,
}

/// A file of Rust.
pub struct Source {
    /// Relative to the root, with `/`.
    pub path: String,
    pub tokens: Vec<Token>,
    pub lines: usize,
}

impl Source {
    fn read(path: &Path) -> Source {
        let text = fs::read_to_string(path).expect("a file just listed can be read");
        let below = path
            .strip_prefix(root())
            .expect("a file just listed lies below the root");
        let path = below.to_str().expect("paths here are UTF-8").to_owned();
        let stream: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut tokens = Vec::new();
        let place = Place {
            is_test: path.ends_with("tests.rs") || path.contains("/tests/"),
            ..Place::default()
        };
        flatten(stream, place, &mut tokens);
        Source {
            path,
            tokens,
            lines: text.lines().count(),
        }
    }

    /// The tokens with what follows each, so that a search can look ahead.
    pub fn tails(&self) -> impl Iterator<Item = &[Token]> {
        (0..self.tokens.len()).map(|at| &self.tokens[at..])
    }

    /// True if every token of code belongs to tests.
    pub fn is_test(&self) -> bool {
        self.tokens.iter().all(|token| token.is_test)
    }

    /// The files of modules that are declared for tests only, without `.rs`.
    fn test_files(&self) -> Vec<String> {
        let folder = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"]
            .iter()
            .find_map(|end| self.path.strip_suffix(end))
            .expect("a file of Rust");
        let declared = self.tails().filter(|tail| {
            tail[0].is_test && begins(tail, &["mod"]) && tail.get(2).is_some_and(|t| t.text == ";")
        });
        declared
            .map(|tail| format!("{folder}/{}", tail[1].text))
            .collect()
    }

    /// The names of modules that lead to the file, the crate's own left out: `report`, `diff`. None
    /// for `lib.rs`.
    pub fn module_path(&self) -> Vec<&str> {
        let (_, below) = self.path.split_once("src/").unwrap_or(("", &self.path));
        let parts = below.trim_end_matches(".rs").split('/');
        parts
            .filter(|part| !matches!(*part, "mod" | "lib" | "main"))
            .collect()
    }
}

/// Every file of Rust in these folders below the root, in order.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let files = folders
        .iter()
        .flat_map(|folder| files(&root().join(folder)));
    let mut rust: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect();
    rust.sort();
    let mut sources: Vec<Source> = rust.iter().map(|path| Source::read(path)).collect();
    let of_tests: BTreeSet<String> = sources.iter().flat_map(Source::test_files).collect();
    let of_tests = sources.iter_mut().filter(|source| {
        let file = source.path.trim_end_matches("/mod.rs");
        of_tests.contains(file.trim_end_matches(".rs"))
    });
    for token in of_tests.flat_map(|source| &mut source.tokens) {
        token.is_test = true;
    }
    sources
}

/// Every file of Rust of all crates, but for their tests, examples and fuzz targets.
pub fn library_sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let folders: Vec<String> = crates().into_iter().map(|krate| krate.folder).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        sources(&folders)
    });
    &SOURCES
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("a folder can be listed").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Where a token stands.
#[derive(Clone, Copy, Default)]
struct Place {
    is_test: bool,
    depth: usize,
    inline_modules: usize,
}

fn flatten(stream: TokenStream, place: Place, tokens: &mut Vec<Token>) {
    // From the attribute to the end of the item that it stands on.
    let mut in_test_item = false;
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if let (TokenTree::Punct(sign), Some(TokenTree::Group(group))) = (&tree, trees.peek())
            && sign.as_char() == '#'
            && group.to_string().replace(' ', "") == "[cfg(test)]"
        {
            in_test_item = true;
        }
        let line = tree.span().start().line;
        let place = Place {
            is_test: place.is_test || in_test_item,
            ..place
        };
        let token = |text: String| Token {
            text,
            line,
            is_test: place.is_test,
            depth: place.depth,
            inline_modules: place.inline_modules,
        };
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                let is_brace = group.delimiter() == Delimiter::Brace;
                let is_module = is_brace && ends_with_module(tokens);
                tokens.push(token(open.to_owned()));
                let inside = Place {
                    depth: place.depth + usize::from(is_brace),
                    inline_modules: place.inline_modules + usize::from(is_module),
                    ..place
                };
                flatten(group.stream(), inside, tokens);
                tokens.push(token(close.to_owned()));
                in_test_item &= !is_brace;
            }
            TokenTree::Punct(sign) => {
                tokens.push(token(sign.to_string()));
                in_test_item &= sign.as_char() != ';';
            }
            TokenTree::Ident(word) => tokens.push(token(word.to_string())),
            TokenTree::Literal(_) => {}
        }
    }
}

/// True after `mod name`.
fn ends_with_module(tokens: &[Token]) -> bool {
    matches!(tokens, [.., word, _] if word.text == "mod")
}

/// True if the tokens begin with these words.
pub fn begins(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len()
        && iter::zip(tokens, words).all(|(token, word)| token.text == **word)
}

/// A source that is not on the disk, to test the tests with.
#[cfg(test)]
pub fn parsed(path: &str, text: &str) -> Source {
    let mut tokens = Vec::new();
    let stream = text.parse().expect("the text is Rust");
    flatten(stream, Place::default(), &mut tokens);
    Source {
        path: path.to_owned(),
        tokens,
        lines: text.lines().count(),
    }
}
