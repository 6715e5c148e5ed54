//! Accepted outputs, in insta's file format: `snapshots/<lesson>/<step>.snap`.
//!
//! insta itself is not called. Its reader takes a path only, while the course can lie in the
//! binary; it names no line when a file is damaged, unwraps some numbers, and prints to standard
//! error. So the format is read and written here, from and to bytes, and the tests hold both
//! directions against insta's own reader and writer. Judging is left to [`crate::report`].

mod check;
mod error;
mod files;
mod find;
mod form;
mod name;
mod pending;
mod recipe;
mod recorded;
mod references;
mod write;
mod yaml;

pub use check::{Orphan, Owner, Owners, SnapshotFindings, check, orphans};
pub use error::SnapshotError;
pub use files::{Files, OfCourse, SnapshotFolder};
pub use find::{OfLesson, find, name_for, same_facets};
pub use name::{Environment, SnapshotName};
pub use pending::{Pending, pending, pending_of};
pub use recipe::{Recipe, Stale, recipes, stale_words};
pub use recorded::{CheckClaim, HeldCheck, Made, Recorded, beginning, ending_words, value_of};
pub use references::register_references;
pub use write::{remove, write_new};

#[cfg(test)]
pub(crate) mod tests;
