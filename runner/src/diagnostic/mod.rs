//! What is wrong with a lesson's text, with the place and a way to mend it.
//!
//! Parsing collects diagnostics and never stops at the first.

mod place;
mod render;

pub use place::{Lines, line_column, within};
pub use render::{Drawing, render};

pub(crate) use place::{line_end, line_start};

use std::ops::Range;
use std::path::{Path, PathBuf};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The lesson runs all the same.
    Warning,
    /// The lesson does not run.
    Error,
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the course root.
    pub path: PathBuf,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What is wrong: lower case, no final period, names in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span` of `path`.
    pub fn error(path: &Path, span: Range<usize>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            path: path.to_owned(),
            span,
            message: message.into(),
            help: None,
        }
    }

    /// A warning at `span` of `path`.
    pub fn warning(path: &Path, span: Range<usize>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(path, span, message)
        }
    }

    /// The same with a way to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The diagnostics of one file, as they are found.
#[derive(Clone, Debug)]
pub struct Findings {
    path: PathBuf,
    list: Vec<Diagnostic>,
    /// What was meant by words of the file that nobody knows.
    pub guesses: Guesses,
}

impl Findings {
    /// None yet, about the file at `path`.
    pub fn of(path: &Path) -> Self {
        Findings {
            path: path.to_owned(),
            list: Vec::new(),
            guesses: Guesses::default(),
        }
    }

    /// Notes an error and a way to mend it.
    pub fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::error(&self.path, span, message).help(help);
        self.list.push(diagnostic);
    }

    /// Notes a warning and a way to mend it.
    pub fn warning(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::warning(&self.path, span, message).help(help);
        self.list.push(diagnostic);
    }

    /// All of them, by place, with every span inside `source`.
    pub fn sorted(mut self, source: &str) -> Vec<Diagnostic> {
        for diagnostic in &mut self.list {
            diagnostic.span = within(source, &diagnostic.span);
        }
        sort(&mut self.list);
        self.list
    }
}

/// Puts diagnostics in the order of files and places.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|left, right| {
        (&left.path, left.span.start, left.span.end).cmp(&(
            &right.path,
            right.span.start,
            right.span.end,
        ))
    });
}

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Guesses::default().nearest(word, candidates)
}

/// Says what words of a text were probably meant to be.
///
/// A text may hold any number of words that nobody knows, and of names that they could be. Each is
/// compared with each only until so much was compared that nobody would read all the guesses.
#[derive(Clone, Debug)]
pub struct Guesses {
    /// What may still be compared, in pairs of characters.
    left: usize,
}

/// No word that is longer is a slip of the finger.
const LONGEST_WORD: usize = 100;

impl Default for Guesses {
    fn default() -> Self {
        Guesses { left: 10_000_000 }
    }
}

impl Guesses {
    /// The candidate that `word` was probably meant to be, as long as it may be asked for.
    pub fn nearest<'a>(
        &mut self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.left == 0 || word.len() > 4 * LONGEST_WORD {
            return None;
        }
        let word = word.to_lowercase();
        let characters = word.chars().count();
        let allowed = (characters / 3).clamp(1, 3);
        let mut found: Option<(usize, &str)> = None;
        for candidate in candidates {
            let cost = match candidate.len() > 4 * (LONGEST_WORD + allowed)
                || candidate.chars().count().abs_diff(characters) > allowed
            {
                true => 1,
                false => characters * characters + 1,
            };
            self.left = self.left.saturating_sub(cost);
            if self.left == 0 {
                return None;
            }
            if cost == 1 {
                continue;
            }
            let distance = strsim::damerau_levenshtein(&word, candidate);
            let is_near = distance <= allowed && distance < candidate.len();
            if is_near && found.is_none_or(|(least, _)| distance < least) {
                found = Some((distance, candidate));
            }
        }
        found.map(|(_, candidate)| candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_a_slip_of_the_finger_away() {
        assert_eq!(nearest("timout", ["timeout", "until"]), Some("timeout"));
        assert_eq!(nearest("idd", ["id", "on"]), Some("id"));
        assert_eq!(nearest("ID", ["id"]), Some("id"));
        assert_eq!(nearest("colour", ["id", "on"]), None);
    }
    #[test]
    fn many_words_are_guessed_only_until_nobody_would_read_it() {
        let names: Vec<String> = (0..5000).map(|number| format!("name-{number}")).collect();
        let mut guesses = Guesses::default();
        let mut compared = 0;
        let mut guessed = 0;
        for name in &names {
            let known = names.iter().map(String::as_str).inspect(|_| compared += 1);
            guessed += usize::from(guesses.nearest(&format!("{name}x"), known).is_some());
        }
        assert!(guessed > 10, "{guessed}");
        // Each with each would be five times as many.
        assert!(compared < 5_000_000, "{compared}");
        let long = "x".repeat(100_000);
        assert_eq!(nearest(&long, [&*format!("{long}y")]), None);
    }
}
