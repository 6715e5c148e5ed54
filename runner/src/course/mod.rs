//! A course: where it was found, what it holds, what its steps may need.

pub mod asks;
mod check;
mod create;
mod embedded;
mod files;
mod find;
mod keys;
mod languages;
mod links;
mod load;
mod manifest;
mod masks;
mod model;
mod moved;
mod names;
mod package;
mod scripts;
mod shown;
mod syntax;

pub use check::check;
pub use create::{CreateError, begin, create};
pub use files::{MANIFEST, Origin};
pub use languages::{LessonTranslation, is_language};
pub use masks::CourseMask;
pub use model::{
    AbsentLesson, Course, CourseError, Facet, LessonEntry, Listed, NeedProbe, Precision,
    TableOfContents,
};
pub use scripts::{PartHashes, Script, ScriptKind, lesson_key, lesson_prefix, part_of, parts};
pub use shown::{CourseImage, LinkedFile};

#[cfg(test)]
mod tests;
