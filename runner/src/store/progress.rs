//! How far a learner is in a lesson.

use crate::lesson::Step;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a learner is in one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The steps that were done, by id: the hash of what they ran then.
    pub done: BTreeMap<String, String>,
    /// The step to go on with.
    pub next: Option<String>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepProgress {
    /// Never done.
    New,
    /// Done as it stands.
    Done,
    /// Done, but its text has changed since.
    Changed,
}

impl Progress {
    /// How far a step is.
    pub fn standing(&self, step: &Step) -> StepProgress {
        match self.done.get(&step.id) {
            None => StepProgress::New,
            Some(hash) if *hash == hash_of(&step.script) => StepProgress::Done,
            Some(_) => StepProgress::Changed,
        }
    }

    /// Notes that a step was done.
    pub fn did(&mut self, step: &Step) {
        self.done.insert(step.id.clone(), hash_of(&step.script));
    }
}

pub(super) fn hash_of(text: &str) -> String {
    tutor_files::hash(text.as_bytes()).to_string()
}
