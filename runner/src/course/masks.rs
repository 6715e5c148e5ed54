//! Masks that a course declares itself: the tables `[masks.NAME]` of `course.toml`.

use super::keys::Key;
use crate::diagnostic::Findings;
use crate::lesson::is_built_in_mask;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// What differs from run to run in the outputs of one course, and the token that takes its place.
#[derive(Clone, Debug)]
pub struct CourseMask {
    /// What its first group matches is hidden, or all of it where it has no group. `^` and `$` mean
    /// a line. It never matches its own token.
    pub pattern: Regex,
    /// Upper-case letters in brackets: `[PORT]`.
    pub token: String,
    /// Where its name stands in `course.toml`.
    pub(super) span: Range<usize>,
}

/// The keys of the table.
pub(super) const KEYS: [&str; 2] = ["pattern", "token"];

/// The table as it is written.
#[derive(Deserialize)]
pub(super) struct DeclaredMask {
    pattern: Spanned<String>,
    token: Spanned<String>,
}

/// The most memory that a compiled pattern may take.
const MOST_BYTES: usize = 1 << 20;

/// The most bytes of a token: there can be one for each letter of an output.
const MOST_LETTERS: usize = 32;

/// Reads a table, and says what is wrong with it.
pub(super) fn read(
    name: &Key<'_>,
    declared: &DeclaredMask,
    findings: &mut Findings,
) -> Option<CourseMask> {
    let shown = name.get_ref().as_ref();
    let is_taken = is_built_in_mask(shown);
    if is_taken {
        let message = format!("`{shown}` is a mask that every course has");
        findings.error(name.span(), message, "give this one another name");
    }
    let token = declared.token.get_ref();
    if !is_token(token) {
        let message = format!("`{token}` is no token");
        let help = "write a few upper-case letters in brackets, with `-` between words: `[PORT]`";
        findings.error(declared.token.span(), message, help);
    }
    let pattern = match compiled(declared.pattern.get_ref()) {
        Ok(pattern) => pattern,
        Err((message, help)) => {
            findings.error(declared.pattern.span(), message, help);
            return None;
        }
    };
    let mask = CourseMask {
        pattern,
        token: token.clone(),
        span: name.span(),
    };
    if is_token(token) && mask.hidden(token).next().is_some() {
        let message = format!("this matches the mask's own token, `{token}`");
        let help = "say more of what stands beside it, or less of what it may be: `port ([0-9]+)`";
        findings.error(declared.pattern.span(), message, help);
        return None;
    }
    (!is_taken && is_token(token)).then_some(mask)
}

impl CourseMask {
    /// One that no file declares.
    #[cfg(test)]
    pub(crate) fn new(pattern: Regex, token: String) -> CourseMask {
        CourseMask {
            pattern,
            token,
            span: 0..0,
        }
    }

    /// What it hides in a text.
    pub fn hidden<'m, 't>(
        &'m self,
        text: &'t str,
    ) -> impl Iterator<Item = Range<usize>> + use<'m, 't> {
        let first = usize::from(self.pattern.captures_len() > 1);
        let found = self.pattern.captures_iter(text);
        found.filter_map(move |found| {
            found
                .iter()
                .skip(first)
                .flatten()
                .next()
                .map(|part| part.range())
        })
    }
}

fn is_token(token: &str) -> bool {
    let words = token
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    words.is_some_and(|words| {
        let is_short = token.len() <= MOST_LETTERS;
        let mut words = words.split('-');
        is_short
            && words
                .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()))
    })
}

type Fault = (String, &'static str);

fn compiled(pattern: &str) -> Result<Regex, Fault> {
    let faulty = |reason: &str| {
        let message = format!("this regular expression cannot be used: {reason}");
        let help = "put `\\` before a character that stands for itself, and the whole in single quotes; there is no look-around";
        (message, help)
    };
    let hir = regex_syntax::parse(pattern).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim();
        faulty(last.trim_start_matches("error: "))
    })?;
    if can_be_empty(&hir) || groups(&hir).any(can_be_empty) {
        let message = "this can match where nothing stands".to_owned();
        return Err((message, "let it match at least one character: `+` for `*`"));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder
        .multi_line(true)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            let help = "write a shorter one: a large `{n}` multiplies what it stands behind";
            ("this regular expression is too large".to_owned(), help)
        }
        error => faulty(error.to_string().lines().last().unwrap_or_default()),
    })
}

fn can_be_empty(hir: &Hir) -> bool {
    hir.properties().minimum_len() == Some(0)
}

/// The groups of a pattern, the outer ones before those that they hold.
fn groups(hir: &Hir) -> Box<dyn Iterator<Item = &Hir> + '_> {
    match hir.kind() {
        HirKind::Capture(group) => Box::new(std::iter::once(&*group.sub).chain(groups(&group.sub))),
        HirKind::Repetition(repeated) => groups(&repeated.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            Box::new(parts.iter().flat_map(groups))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {
            Box::new(std::iter::empty())
        }
    }
}
