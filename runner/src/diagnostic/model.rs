//! One thing that is wrong with a text, and all that are wrong with a file.

use super::guesses::Guesses;
use super::place::within;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may be meant so: only `check` tells of it.
    Note,
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
    /// The message: lower case, no final period, names in backticks.
    pub message: String,
    /// How to mend it.
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

    /// A note about `span` of `path`.
    pub fn note(path: &Path, span: Range<usize>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::error(path, span, message)
        }
    }

    /// The same with a way to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A fault in a part of a text, and a way to mend it. The caller knows the place of the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The message.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl Complaint {
    /// A complaint with these words.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Complaint {
        Complaint {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// The diagnostics of one file, as they are found.
#[derive(Clone, Debug)]
pub struct Findings {
    path: PathBuf,
    list: Vec<Diagnostic>,
    /// Guesses at the meaning of unknown words of the file.
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

    /// Notes a complaint about the part at `span`, as an error.
    pub fn complain(&mut self, span: Range<usize>, complaint: Complaint) {
        self.error(span, complaint.message, complaint.help);
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

    /// Notes what may be meant so, and what to do if it is not.
    pub fn note(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::note(&self.path, span, message).help(help);
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
