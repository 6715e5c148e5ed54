//! The folder that a lesson's steps run in, and the owners of its files.
//!
//! Three kinds of files live there: those that the lesson wrote, those that its steps made, and
//! those that the learner wrote or edited. The last are never overwritten and never removed; what a step
//! itself writes over or removes of them is copied before, and the copy lies beside the workspace then.
//! A file that appears while a step runs counts as made by it, though the learner may have written
//! it at that moment. So it goes aside when a new run begins, and for good once steps made it again.
//! The steps' own home folder lies beside it; all in there is theirs.

mod aside;
mod copies;
mod edits;
mod error;
mod last_runs;
mod ledger;
mod locked;
mod model;
mod restore;
mod survey;
mod temporary;
mod tree;

pub use aside::Reset;
pub use edits::{FileState, LessonFile, Restored, lesson_files};
pub use error::WorkspaceError;
pub use locked::AsideFolder;
pub use model::Workspace;
pub use restore::{ArtifactCache, Artifacts};
pub use survey::{WorkspaceSummary, hold_all, survey};
pub use temporary::{kept_folders, remove_abandoned};
pub use tree::Artifact;

#[cfg(test)]
mod tests;
