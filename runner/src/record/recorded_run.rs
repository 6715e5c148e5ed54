//! What one run of a lesson has to record: each output with what it was made of and what was checked.

use crate::course::Course;
use crate::lesson::{Compare, Expectation, Lesson, Place, Step};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{
    CheckClaim, Environment, HeldCheck, Made, Recipe, Recorded, beginning, ending_words, name_for,
    recipes,
};
use crate::transcript::RecordId;
use std::collections::{HashMap, HashSet};

/// One run of a lesson, with what belongs into its snapshots.
pub(super) struct RecordedRun<'r> {
    pub(super) report: &'r Report,
    course: &'r Course,
    recipes: HashMap<&'r str, Recipe<'r>>,
    checks: HashMap<&'r str, &'r Item>,
    /// The first step in the text by which, or by a check of which, the run went wrong.
    failed: Option<(usize, String)>,
    /// The places of the steps in the text.
    places: HashMap<&'r str, usize>,
}

impl<'r> RecordedRun<'r> {
    pub(super) fn of(
        lesson: &'r Lesson,
        course: &'r Course,
        report: &'r Report,
    ) -> RecordedRun<'r> {
        let steps = lesson.steps().enumerate();
        let places: HashMap<&str, usize> = steps.map(|(place, step)| (&*step.id, place)).collect();
        let owners: HashMap<&str, &str> = lesson
            .checks()
            .map(|check| (&*check.name, &*check.of))
            .collect();
        let questions = lesson.checks().filter(|check| check.is_question());
        let questions: HashSet<&str> = questions.map(|check| &*check.name).collect();
        let is_question = |id: &RecordId| match id {
            RecordId::Check(name) => questions.contains(&**name),
            RecordId::Step(_) => false,
        };
        let mut checks = HashMap::new();
        let mut failed: Option<(usize, String)> = None;
        for item in &report.items {
            let step = match &item.id {
                RecordId::Step(id) => Some(&**id),
                RecordId::Check(name) => {
                    checks.insert(&**name, item);
                    owners.get(&**name).copied()
                }
            };
            let place = step.and_then(|step| places.get(step)).copied();
            if let Some(place) = place.filter(|_| spoils(&item.verdict) && !is_question(&item.id))
                && failed.as_ref().is_none_or(|(first, _)| place < *first)
            {
                let (RecordId::Step(name) | RecordId::Check(name)) = &item.id;
                failed = Some((place, name.clone()));
            }
        }
        RecordedRun {
            report,
            course,
            recipes: recipes(lesson, &course.masks),
            checks,
            failed,
            places,
        }
    }

    /// A step's output as it would be recorded.
    pub(super) fn recorded(&self, item: &Item) -> Option<Recorded> {
        let RecordId::Step(id) = &item.id else {
            return None;
        };
        let recipe = self.recipes.get(id.as_str())?;
        let step = recipe.step;
        let text = item.text.clone()?;
        let ours = &self.report.environment;
        let vary = match step.compare {
            Compare::Snapshot => &step.vary[..],
            Compare::None => &[],
        };
        let name = match &item.recorded {
            // It serves this environment too.
            Some(found) if found.text.is_same(&text) && !self.answers_differ_here(item) => {
                found.name.clone()
            }
            found => name_for(&self.report.lesson, id, vary, ours, found.as_ref()),
        };
        let place = self.places.get(id.as_str());
        let after = self
            .failed
            .as_ref()
            .filter(|(failed, _)| place >= Some(failed));
        Some(Recorded {
            name,
            text,
            exit: ending_words(item.ending.as_ref()?),
            command: step.script.trim_end().to_owned(),
            made: Some(self.made(recipe)),
            environment: self.known_of(step, ours),
            versions: self.known_of(step, &self.report.versions),
            recorded: Some(chrono::Utc::now().date_naive().to_string()),
            after_failure: after.map(|(_, name)| name.clone()),
        })
    }

    /// True if a question of a step has another answer here, and so is the environment: then the
    /// step's output waits with that, also where it is as accepted.
    pub(super) fn answers_differ_here(&self, item: &Item) -> bool {
        let recipe = match &item.id {
            RecordId::Step(id) => self.recipes.get(id.as_str()),
            RecordId::Check(_) => None,
        };
        let checks = recipe.map_or(&[][..], |recipe| &recipe.checks);
        let mut items = checks
            .iter()
            .filter_map(|check| self.checks.get(&*check.name));
        items.any(|item| matches!(item.verdict, Verdict::DiffersHere { .. }))
    }

    fn made(&self, recipe: &Recipe<'_>) -> Made {
        let held = recipe.checks.iter().filter_map(|check| {
            let item = self.checks.get(&*check.name)?;
            let text = item.text.as_ref()?.sections().stdout.text();
            let claim = CheckClaim::of(check);
            // Masks would hide the very text that is expected.
            let value = match check.expect {
                Expectation::Equals(_) => &claim.wanted,
                Expectation::Matches(_) | Expectation::Range(..) | Expectation::Answer(_) => {
                    text.trim()
                }
            };
            let held = HeldCheck {
                script: check.script.trim_end().to_owned(),
                value: beginning(value),
                claim,
            };
            let holds = match check.is_question() {
                true => item.answer().is_some(),
                false => item.verdict == Verdict::Passed,
            };
            holds.then(|| (check.name.clone(), held))
        });
        Made {
            checks: held.collect(),
            ..recipe.made()
        }
    }

    /// What is known of the environment, as far as a step may depend on it: one that runs on the
    /// host depends on no kernel, but for what its author says it varies by.
    fn known_of(&self, step: &Step, known: &Environment) -> Environment {
        let is_of_kernel = |name: &String| match self.course.facets.get(name) {
            Some(facet) => facet.on == Place::Kernel,
            // The machine that the kernel runs in.
            None => true,
        };
        let counts = |name: &String| {
            step.on == Place::Kernel || step.vary.contains(name) || !is_of_kernel(name)
        };
        let known = known.iter().filter(|(name, _)| counts(name));
        known
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// True for an output that would take the place of the one that serves all, although nothing is
    /// known here of what that one was recorded on.
    pub(super) fn is_lost(&self, new: &Recorded, item: &Item) -> bool {
        let (Some(found), Some(recipe)) = (&item.recorded, self.recipes.get(new.name.step()))
        else {
            return false;
        };
        let is_lost = |facet: &String| {
            found.environment.contains_key(facet) && !new.environment.contains_key(facet)
        };
        new.name.variant().is_none() && recipe.step.vary.iter().any(is_lost)
    }
}

/// True if what follows in the same run may be spoiled.
fn spoils(verdict: &Verdict) -> bool {
    verdict.is_unfinished() || matches!(verdict, Verdict::CheckFailed { .. })
}
