//! How far a learner is in a lesson.

use crate::lesson::answer::is_same_answer;
use crate::lesson::{Check, FormerName, Lesson, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a learner is in one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The steps that were done, by id: the hash of what they ran then.
    pub done: BTreeMap<String, String>,
    /// The step to go on with.
    pub next: Option<String>,
    /// The learner's predictions, by the names of their questions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predictions: BTreeMap<String, Prediction>,
    /// How many hints were shown, by the names of exercises.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, usize>,
}

/// A learner's prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// A hash of the question that they answered, with what answers it: another one is asked anew.
    #[serde(default)]
    pub of: String,
    /// What they said; nothing if they went on without saying anything.
    pub said: Option<String>,
    /// What came out, once it did.
    pub answer: Option<String>,
}

impl Prediction {
    /// True if they said what came out: the same number, or the same words in letters of either case.
    pub fn is_right(&self) -> bool {
        let (Some(said), Some(answer)) = (&self.said, &self.answer) else {
            return false;
        };
        is_same_answer(said, answer)
    }
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

    /// Takes what is known of a step, and of the questions that it answers, from the progress of the
    /// lesson where it stood before.
    pub fn inherit(
        &mut self,
        step: &Step,
        questions: &[&str],
        was: &FormerName,
        before: &Progress,
    ) {
        if let Some(hash) = before.done.get(&was.step) {
            let done = self.done.entry(step.id.clone());
            done.or_insert_with(|| hash.clone());
        }
        for question in questions {
            if let Some(prediction) = before.predictions.get(*question) {
                let known = self.predictions.entry((*question).to_owned());
                known.or_insert_with(|| prediction.clone());
            }
        }
    }

    /// Sets the step to go on with to the first that is not done, unless there is one.
    pub fn find_next(&mut self, lesson: &Lesson) {
        let next = self.next.take();
        let open = |step: &&Step| self.standing(step) != StepProgress::Done;
        let found = || lesson.steps().find(open).map(|step| step.id.clone());
        self.next = next
            .filter(|next| lesson.step(next).is_some())
            .or_else(found);
    }

    /// What the learner said to a question as it stands.
    pub fn prediction(&self, question: &Check, step: &Step) -> Option<&Prediction> {
        let prediction = self.predictions.get(&question.name)?;
        (prediction.of == question_mark(question, step)).then_some(prediction)
    }

    /// Notes what the learner says to a question; nothing if they would rather see.
    pub fn predicted(&mut self, question: &Check, step: &Step, said: Option<String>) {
        let prediction = Prediction {
            of: question_mark(question, step),
            said,
            answer: None,
        };
        self.predictions.insert(question.name.clone(), prediction);
    }

    /// The number of the hint that comes next to an exercise that has so many, which counts as shown
    /// from now on: the last one again, where all were shown. Nothing where there is none.
    pub fn next_hint(&mut self, exercise: &Step, count: usize) -> Option<usize> {
        let seen = self.hints.entry(exercise.id.clone()).or_default();
        *seen = (*seen + 1).min(count);
        (count > 0).then_some(*seen)
    }

    /// Notes that a step was done.
    pub fn did(&mut self, step: &Step) {
        self.done.insert(step.id.clone(), hash_of(&step.script));
    }
}

/// A mark of a question as it stands: its words, its choices, and the scripts that answer it.
fn question_mark(question: &Check, step: &Step) -> String {
    let choices = question.expect.to_string();
    let parts = [&question.sentence, &choices, &question.script, &step.script];
    hash_of(&parts.map(String::as_str).join("\0"))
}

pub(super) fn hash_of(text: &str) -> String {
    tutor_files::hash(text.as_bytes()).to_string()
}
