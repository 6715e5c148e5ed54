//! Finds the parts of code by syntect, its only home; drawing them is left to renderers.

use std::sync::LazyLock;
use syntect::easy::ScopeRegionIterator;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};
use syntect::util::LinesWithEndings;

/// The kind of a piece of code, in words that hold for all languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Anything else.
    Plain,
    /// A comment.
    Comment,
    /// A string or character literal.
    Literal,
    /// A number or another constant.
    Constant,
    /// A keyword or an operator in words.
    Keyword,
    /// A type.
    Type,
    /// The name of a function or a command.
    Function,
    /// A line for the preprocessor.
    Preprocessor,
    /// A variable that the shell fills in.
    Variable,
}

/// Code is not parsed beyond this; a line so long is data.
const PARSED_BYTES: usize = 64 * 1024;
/// Nor is a line that is longer than this, since each part of it may be looked at again for each part.
const PARSED_LINE_BYTES: usize = 2 * 1024;

/// The most that is taken apart of a page's files. A small page can include any number, and this is the
/// slow part of drawing it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    left_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            left_bytes: 256 * 1024,
        }
    }
}

impl Budget {
    /// The language to read some code in: its own, and plain text where too much was read already.
    pub fn language<'l>(&mut self, language: &'l str, code: &str) -> &'l str {
        match self.left_bytes.checked_sub(code.len()) {
            Some(left) => {
                self.left_bytes = left;
                language
            }
            None => "text",
        }
    }
}

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Returns the lines of some code, each a list of pieces; text only, no line ends.
///
/// A language that nobody knows, or code that is too long, comes back as plain lines.
pub fn lines(language: &str, code: &str) -> Vec<Vec<(TokenKind, String)>> {
    match syntax(language) {
        Some(syntax) if code.len() <= PARSED_BYTES => parsed(syntax, code),
        Some(_) | None => code
            .lines()
            .map(|line| vec![(TokenKind::Plain, line.to_owned())])
            .collect(),
    }
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let name = match language {
        "" | "text" | "console" => return None,
        "sh" | "shell" => "bash",
        name => name,
    };
    SYNTAXES.find_syntax_by_token(name)
}

fn parsed(syntax: &SyntaxReference, code: &str) -> Vec<Vec<(TokenKind, String)>> {
    let mut state = ParseState::new(syntax);
    let mut scopes = ScopeStack::new();
    let mut lines = Vec::new();
    for line in LinesWithEndings::from(code) {
        let mut pieces: Vec<(TokenKind, String)> = Vec::new();
        if line.len() > PARSED_LINE_BYTES {
            pieces.push((
                TokenKind::Plain,
                line.trim_end_matches(['\n', '\r']).to_owned(),
            ));
            lines.push(pieces);
            continue;
        }
        let changes = state.parse_line(line, &SYNTAXES).unwrap_or_default();
        for (text, change) in ScopeRegionIterator::new(&changes, line) {
            if scopes.apply(change).is_err() {
                scopes = ScopeStack::new();
            }
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                continue;
            }
            let kind = kind(&scopes);
            match pieces.last_mut() {
                Some((last, piece)) if *last == kind => piece.push_str(text),
                Some(_) | None => pieces.push((kind, text.to_owned())),
            }
        }
        lines.push(pieces);
    }
    lines
}

/// The kind for each scope, the first that fits before the others.
static KINDS: LazyLock<Vec<(Scope, TokenKind)>> = LazyLock::new(|| {
    let kinds = [
        ("comment", TokenKind::Comment),
        ("string", TokenKind::Literal),
        ("constant.character", TokenKind::Literal),
        ("constant", TokenKind::Constant),
        ("keyword.control.import", TokenKind::Preprocessor),
        ("meta.preprocessor", TokenKind::Preprocessor),
        ("keyword.operator", TokenKind::Plain),
        ("keyword", TokenKind::Keyword),
        ("storage.type", TokenKind::Type),
        ("storage", TokenKind::Keyword),
        ("support.type", TokenKind::Type),
        ("entity.name.function", TokenKind::Function),
        ("variable.function", TokenKind::Function),
        ("variable.other.readwrite", TokenKind::Variable),
    ];
    let known = kinds.into_iter();
    known
        .filter_map(|(name, kind)| Some((Scope::new(name).ok()?, kind)))
        .collect()
});

/// The innermost scope that says something decides.
fn kind(scopes: &ScopeStack) -> TokenKind {
    for scope in scopes.as_slice().iter().rev() {
        let mut kinds = KINDS.iter();
        if let Some((_, kind)) = kinds.find(|(prefix, _)| prefix.is_prefix_of(*scope)) {
            return *kind;
        }
    }
    TokenKind::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(language: &str, code: &str) -> String {
        let line = |pieces: Vec<(TokenKind, String)>| {
            pieces
                .iter()
                .map(|(kind, text)| format!("{kind:?}[{text}]"))
                .collect::<String>()
        };
        lines(language, code)
            .into_iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn c_is_taken_apart() {
        insta::assert_snapshot!(drawn("c", "int f(void) { return 0; } // why\n"), @"Type[int]Plain[ ]Function[f]Plain[(]Type[void]Plain[) { ]Keyword[return]Plain[ ]Constant[0]Plain[; } ]Comment[// why]");
    }

    #[test]
    fn text_and_unknown_languages_come_back_as_they_are() {
        assert_eq!(drawn("", "a < b\nc"), "Plain[a < b]\nPlain[c]");
        assert_eq!(drawn("klingon", "nuqneH"), "Plain[nuqneH]");
    }

    #[test]
    fn a_line_that_is_too_long_is_left_as_it_is_and_the_next_one_is_not() {
        let long = "int x; ".repeat(PARSED_LINE_BYTES / 7 + 1);
        let code = format!("{long}\nint y;\n");
        let drawn = drawn("c", &code);
        assert_eq!(drawn, format!("Plain[{long}]\nType[int]Plain[ y;]"));
    }

    #[test]
    fn of_very_many_files_only_the_first_are_taken_apart() {
        let code = "int x;\n".repeat(1024);
        let mut budget = Budget::default();
        let languages = (0..100).map(|_| budget.language("c", &code));
        assert_eq!(languages.filter(|language| *language == "c").count(), 36);
    }
}
