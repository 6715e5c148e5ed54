//! The model of a translated lesson.

use crate::diagnostic::Diagnostic;
use crate::lesson::model::Lesson;
use std::ops::Range;

/// A translated lesson, and how far it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Translated {
    /// The lesson: what is not translated stands in it in the language of the original.
    pub lesson: Lesson,
    /// The sections of the original, in the order of the text.
    pub sections: Vec<TranslatedSection>,
    /// What is wrong with the page.
    pub diagnostics: Vec<Diagnostic>,
}

/// A section of the original: from one heading to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct TranslatedSection {
    /// The id of its heading.
    pub id: String,
    /// The hash of its prose.
    pub hash: String,
    /// Where it stands in the original.
    pub original: Range<usize>,
    /// What there is of it in the other language.
    pub state: SectionState,
}

/// What there is of a section in the other language.
#[derive(Clone, Debug, PartialEq)]
pub enum SectionState {
    /// Nothing.
    Missing,
    /// A text that was written against this original.
    Current(Range<usize>),
    /// A text that was written against another original.
    Stale {
        /// Where it stands on the page.
        page: Range<usize>,
        /// Where the hash of that other original stands, or is to be written.
        hash: Range<usize>,
    },
}

/// Lines that a translation is given where it is not what the original is.
#[derive(Clone, Copy, Debug)]
pub struct Notices<'n> {
    /// Above a section whose original has changed.
    pub stale: &'n str,
    /// Above a section of the original.
    pub missing: &'n str,
}
