//! The YAML between two `---` lines at the top of a lesson.

use super::Need;

/// What a lesson says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontMatter {
    /// The permanent key of snapshots and progress: `hello`.
    pub name: String,
    /// The title.
    pub title: String,
    /// What the learner will be able to do.
    pub goals: Vec<String>,
    /// How long it takes, in the author's words: `20 min`.
    pub time: Option<String>,
    /// What every step of the lesson needs.
    pub needs: Vec<Need>,
}
