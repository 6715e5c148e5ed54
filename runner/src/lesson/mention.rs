//! Names that a lesson takes from `course.toml`.

use super::attributes::Word;
use super::model::Need;
use std::ops::Range;

/// A name that `course.toml` must declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub what: Mentioned,
    pub name: Word,
}

/// The kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mentioned {
    Need,
    Facet,
    Exclusive,
    Mask,
}

impl Mention {
    /// The mention of a need that stands at `span`.
    pub fn of_need(need: &Need, span: Range<usize>) -> Mention {
        Mention {
            what: Mentioned::Need,
            name: Word {
                text: need.name.clone(),
                span,
            },
        }
    }
}
