//! The workspace's Rust, as tokens: what a comment or a string says is not among them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::{Path, PathBuf};
use std::{fs, iter};

/// The folder that holds the root manifest.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
        let is_test = path.ends_with("tests.rs");
        flatten(stream, is_test, 0, &mut tokens);
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

    /// The module below the crate that the file belongs to: `report` for `runner/src/report/diff.rs`.
    pub fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("runner/src/")?;
        let first = below.split('/').next()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then_some(name)
    }

    /// The names of modules that lead to the file, the crate's own left out: `report`, `diff`.
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
    rust.iter().map(|path| Source::read(path)).collect()
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

fn flatten(stream: TokenStream, is_test: bool, depth: usize, tokens: &mut Vec<Token>) {
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
        let is_test = is_test || in_test_item;
        let token = |text: String| Token {
            text,
            line,
            is_test,
            depth,
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
                tokens.push(token(open.to_owned()));
                flatten(
                    group.stream(),
                    is_test,
                    depth + usize::from(is_brace),
                    tokens,
                );
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

/// The names that a path can go on with: one, or those of a group `{a, b::c}`.
pub fn heads(tokens: &[Token]) -> Vec<&Token> {
    match tokens {
        [open, rest @ ..] if open.text == "{" => group_heads(rest, open.depth + 1),
        [name, ..] => vec![name],
        [] => Vec::new(),
    }
}

fn group_heads(tokens: &[Token], depth: usize) -> Vec<&Token> {
    let inside = tokens.iter().take_while(|token| token.depth >= depth);
    let own: Vec<&Token> = inside.filter(|token| token.depth == depth).collect();
    let first = own.first().copied();
    let after_commas = own
        .windows(2)
        .filter(|pair| pair[0].text == ",")
        .map(|pair| pair[1]);
    first.into_iter().chain(after_commas).collect()
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
    flatten(
        text.parse().expect("the text is Rust"),
        false,
        0,
        &mut tokens,
    );
    Source {
        path: path.to_owned(),
        tokens,
        lines: text.lines().count(),
    }
}
