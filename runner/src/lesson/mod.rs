//! A lesson and how it is read from Markdown.
//!
//! Running is left to [`crate::run`].

pub mod anchors;
pub mod answer;
mod attributes;
pub mod check;
pub mod destination;
mod exercise;
mod fence;
pub mod front_matter;
pub mod html;
mod include;
mod keys;
mod mention;
mod model;
mod names;
mod number;
mod page;
pub mod parse;
pub mod prose;
mod references;
pub mod translation;
mod values;

pub use include::{Included, NotIncluded, included};
pub use model::{
    ALWAYS_MASKED, Background, Block, Check, CheckKind, Clue, ClueKind, Compare, Expectation,
    ExpectedExit, FileStep, FormerName, FrontMatter, LESSON_TIMEOUT, Lesson, MASK_NAMES, Need,
    Place, Prose, SKIP_REST, STEP_TIMEOUT, Step, StepKind, is_built_in_mask,
};
pub use number::Number;
pub use page::new_page;
pub use parse::{Mark, Markup, MarkupKind, marks, markup, parse};
pub use prose::{Inline, Node};
pub use values::{is_name, parse_duration};

pub(crate) use include::MOST_INCLUDED_BYTES;
pub(crate) use mention::{Mention, Mentioned};
