//! From a transcript to a report.

use super::check;
use super::diff::{Diff, diff};
use super::model::{Item, Lookup, Report};
use super::verdict::Verdict;
use crate::course::{CourseMask, Facet};
use crate::lesson::{Background, Check, Compare, Expectation, Lesson, SKIP_REST, Step, StepKind};
use crate::normalize::{Masks, StableText, StepFolders};
use crate::say;
use crate::snapshot::{Environment, Recipe, Recorded, SnapshotError, Stale, recipes, same_facets};
use crate::transcript::{Ending, KnownFacets, Record, RecordId, Skip, Transcript};
use crate::visible::visible;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// Judges the records of one lesson, one by one as they come or all at once.
pub struct Judge<'a> {
    steps: HashMap<&'a str, &'a Step>,
    checks: HashMap<&'a str, &'a Check>,
    recipes: HashMap<&'a str, Recipe<'a>>,
    lesson: &'a Lesson,
    folders: &'a StepFolders,
    lookup: Box<Lookup<'a>>,
    /// The accepted output of a step that runs, by the step's id.
    ready: RefCell<Option<(String, AcceptedOutput)>>,
    meanings: Environment,
    masks: &'a BTreeMap<String, CourseMask>,
}

impl<'a> Judge<'a> {
    /// `masks` are those that the course declares; `lookup` finds a step's accepted output.
    pub fn new(
        lesson: &'a Lesson,
        folders: &'a StepFolders,
        masks: &'a BTreeMap<String, CourseMask>,
        lookup: impl Fn(&str, &[String], &Environment) -> Result<Option<Recorded>, SnapshotError> + 'a,
    ) -> Judge<'a> {
        Judge {
            steps: lesson.steps().map(|step| (&*step.id, step)).collect(),
            checks: lesson.checks().map(|check| (&*check.name, check)).collect(),
            recipes: recipes(lesson, masks),
            lesson,
            folders,
            lookup: Box::new(lookup),
            ready: RefCell::new(None),
            meanings: Environment::new(),
            masks,
        }
    }

    /// The same, with what the facets of the course mean.
    pub fn with_facets(self, facets: &BTreeMap<String, Facet>) -> Judge<'a> {
        let meaning = |(name, facet): (&String, &Facet)| Some((name.clone(), facet.what.clone()?));
        Judge {
            meanings: facets.iter().filter_map(meaning).collect(),
            ..self
        }
    }

    /// The report on a whole transcript, judged where its lesson ended.
    pub fn report(&self, transcript: &Transcript) -> Report {
        let records = transcript.records.iter();
        let items = records
            .map(|record| self.item(record, &transcript.facets))
            .collect();
        self.report_of(items, transcript)
    }

    /// The same for items that were judged as they came.
    pub fn report_of(&self, items: Vec<Item>, transcript: &Transcript) -> Report {
        Report {
            items,
            leftovers: transcript.leftovers.clone(),
            environment: transcript.facets.values.clone(),
            versions: transcript.facets.versions.clone(),
            duration: transcript.duration,
            ..empty(self.lesson)
        }
    }

    /// Looks for the accepted output of a step that has begun, so that nobody waits for that at its
    /// end.
    pub fn get_ready(&self, step: &Step, facets: &KnownFacets) {
        let accepted = accepted(step, &facets.values, &*self.lookup);
        *self.ready.borrow_mut() = Some((step.id.clone(), accepted));
    }

    /// The item for one record.
    pub fn item(&self, record: &Record, facets: &KnownFacets) -> Item {
        let environment = &facets.values;
        let mut item = Item {
            ending: Some(record.ending.clone()),
            place: record.place,
            duration: record.duration,
            shell: record.shell,
            edited: record.edited.clone(),
            ..Item::of(record.id.clone(), Verdict::Passed)
        };
        item.verdict = match &record.id {
            RecordId::Step(id) => match self.steps.get(id.as_str()) {
                Some(step) => self.step(step, record, environment, &mut item),
                None => no_such("step", id),
            },
            RecordId::Check(name) => match self.checks.get(name.as_str()) {
                Some(check) => {
                    let step = self.steps.get(&*check.of);
                    let names = step.map_or(&[][..], |step| &step.masks);
                    item.text = Masks::with(names, self.folders, self.masks)
                        .ok()
                        .map(|masks| masks.stabilize(&record.output));
                    item.is_question = check.is_question();
                    match early(&record.ending) {
                        Some(verdict) => verdict,
                        None if check.is_question() => {
                            self.answer(check, record, &item, environment)
                        }
                        None => check::verdict(check, &record.ending, &record.output),
                    }
                }
                None => no_such("check", name),
            },
        };
        if let Verdict::DiffersHere {
            why_unknown,
            theirs,
            ..
        } = &mut item.verdict
        {
            let lost = facets
                .unknown
                .iter()
                .filter(|(facet, _)| theirs.contains_key(*facet));
            why_unknown.extend(lost.map(|(facet, why)| (facet.clone(), why.clone())));
        }
        item
    }

    /// The answer to a question that was accepted, if there is one.
    pub fn accepted_answer(&self, question: &Check, facets: &KnownFacets) -> Option<String> {
        let step = self.steps.get(&*question.of)?;
        let recorded = accepted(step, &facets.values, &*self.lookup).ok()??;
        Some(recorded.proves(question)?.value.clone())
    }

    /// The verdict on what answers a question: right is what was accepted.
    fn answer(
        &self,
        check: &Check,
        record: &Record,
        item: &Item,
        environment: &Environment,
    ) -> Verdict {
        let printed = item.text.as_ref().map(|text| text.sections().stdout.text());
        let printed = printed.unwrap_or_default();
        if let Some(message) = check::no_answer(check, &record.ending, &printed) {
            // Whoever changes the program may leave its question without an answer.
            if !item.edited.is_empty() {
                return Verdict::Shown;
            }
            let said = visible(&record.output.stderr.bytes()).trim().to_owned();
            let help = match said.is_empty() {
                true => "let the script of the prediction print the answer, in a line".to_owned(),
                false => format!("it said: {said}"),
            };
            return Verdict::Broken {
                message,
                help: Some(help),
            };
        }
        let answer = printed.trim().to_owned();
        let step = self.steps.get(&*check.of).copied();
        let Some(step) = step.filter(|step| step.compare == Compare::Snapshot) else {
            return Verdict::Shown;
        };
        let recorded = match accepted(step, environment, &*self.lookup) {
            Ok(recorded) => recorded,
            Err(error) => return broken(&error),
        };
        let Some(recorded) = recorded else {
            return Verdict::New;
        };
        match recorded.proves(check) {
            None => Verdict::New,
            Some(right) if right.value == answer => Verdict::Passed,
            // Whoever changes the program changes what is right.
            Some(_) if !item.edited.is_empty() => Verdict::Shown,
            Some(right) if !same_facets(&step.vary, &recorded.environment, environment) => {
                let [theirs, ours] = [&right.value, &answer].map(|one| StableText::recorded(one));
                self.differs_here(diff(&theirs, &ours), &recorded, environment)
            }
            Some(right) => Verdict::CheckFailed {
                sentence: check.sentence.clone(),
                expected: Expectation::Equals(right.value.clone()),
                actual: answer,
                ending: None,
                stderr: String::new(),
            },
        }
    }

    fn step(
        &self,
        step: &Step,
        record: &Record,
        environment: &Environment,
        item: &mut Item,
    ) -> Verdict {
        let ready = self.ready.take().filter(|(id, _)| *id == step.id);
        let accepted = match ready {
            Some((_, accepted)) => accepted,
            None => accepted(step, environment, &*self.lookup),
        };
        let lookup_failed = match accepted {
            Ok(recorded) => {
                let recipe = self.recipes.get(&*step.id);
                if let (Some(recorded), Some(recipe)) = (&recorded, recipe) {
                    item.stale = recorded.stale_for(recipe);
                }
                item.recorded = recorded;
                None
            }
            Err(error) => Some(broken(&error)),
        };
        if !matches!(record.ending, Ending::Skipped(_)) {
            match Masks::with(&step.masks, self.folders, self.masks) {
                Ok(masks) => item.text = Some(masks.stabilize(&record.output)),
                Err(error) => {
                    return Verdict::Broken {
                        message: format!("cannot compare step `{}`: {error}", step.id),
                        help: error
                            .suggestion
                            .map(|name| format!("did you mean `{name}`?")),
                    };
                }
            }
        }
        if let Ending::TimedOut(limit) = record.ending {
            let awaited = step.background.clone();
            return Verdict::TimedOut {
                limit,
                awaited: awaited.filter(|until| *until != Background::AtOnce),
            };
        }
        if step.kind == StepKind::Exercise {
            return self.exercise(step, record);
        }
        if let Some(verdict) = early(&record.ending).or_else(|| ended_wrong(step, record)) {
            return verdict;
        }
        if let Some(verdict) = lookup_failed {
            return verdict;
        }
        match (step.compare, &item.text) {
            (Compare::None, _) | (_, None) => Verdict::Shown,
            (Compare::Snapshot, Some(_)) if record.output.left_out_bytes() > 0 => {
                too_long(record.output.left_out_bytes())
            }
            (Compare::Snapshot, Some(text)) => {
                self.compared(step, &record.ending, text, item, environment)
            }
        }
    }

    /// The verdict on an exercise, or on the proof of one.
    fn exercise(&self, exercise: &Step, record: &Record) -> Verdict {
        if let Ending::Skipped(Skip::Exercise(files)) = &record.ending {
            return Verdict::Open {
                lesson: self.lesson.stem.clone(),
                files: files.clone(),
            };
        }
        if let Some(untouched) = &record.untouched
            && untouched.is_as_expected(exercise.exit)
        {
            return Verdict::Broken {
                message: say!("exercise-open"),
                help: Some(say!("exercise-open-help")),
            };
        }
        let verdict = early(&record.ending).or_else(|| ended_wrong(exercise, record));
        match verdict {
            None => Verdict::Solved,
            Some(Verdict::WrongExit { got, .. }) => Verdict::Unsolved {
                got,
                by_solution: record.untouched.is_some(),
            },
            Some(verdict) => verdict,
        }
    }

    fn compared(
        &self,
        step: &Step,
        ending: &Ending,
        text: &StableText,
        item: &Item,
        environment: &Environment,
    ) -> Verdict {
        let Some(recorded) = &item.recorded else {
            return Verdict::New;
        };
        let mut stale = item.stale.clone();
        let ended_alike = recorded.ended_like(ending.status(), step);
        if stale.is_empty() && ended_alike && recorded.text.is_same(text) {
            return Verdict::Passed;
        }
        let diff = diff(&recorded.text, text);
        let is_here = same_facets(&step.vary, &recorded.environment, environment);
        if is_here && stale.is_empty() && !item.edited.is_empty() {
            return Verdict::Edited(diff);
        }
        if is_here || !stale.is_empty() {
            let is_told = |stale: &Stale| matches!(stale, Stale::Exit(_));
            if !ended_alike && !stale.iter().any(is_told) {
                stale.push(Stale::Exit(recorded.exit.clone()));
            }
            return Verdict::Changed { diff, stale };
        }
        self.differs_here(diff, recorded, environment)
    }

    fn differs_here(&self, diff: Diff, recorded: &Recorded, environment: &Environment) -> Verdict {
        Verdict::DiffersHere {
            diff,
            theirs: recorded.environment.clone(),
            ours: environment.clone(),
            why_unknown: BTreeMap::new(),
            meanings: self.meanings.clone(),
        }
    }
}

/// A report in which nothing ran: what was accepted, for the book.
pub fn recorded(lesson: &Lesson, lookup: &Lookup<'_>) -> Report {
    let item = |step: &Step| {
        let (verdict, recorded) = match accepted(step, &Environment::new(), lookup) {
            Ok(Some(recorded)) => (Verdict::Recorded, Some(recorded)),
            Ok(None) => (Verdict::New, None),
            Err(error) => (broken(&error), None),
        };
        Item {
            place: step.on,
            recorded,
            ..Item::of(RecordId::Step(step.id.clone()), verdict)
        }
    };
    let compared = |step: &&Step| step.compare == Compare::Snapshot;
    Report {
        items: lesson.steps().filter(compared).map(item).collect(),
        ..empty(lesson)
    }
}

/// The accepted output of a step, if it has one. That of a step that is not compared is a sample.
type AcceptedOutput = Result<Option<Recorded>, SnapshotError>;

fn accepted(step: &Step, environment: &Environment, lookup: &Lookup<'_>) -> AcceptedOutput {
    match step.compare {
        Compare::Snapshot => lookup(&step.id, &step.vary, environment),
        // A damaged one fails no step that is not held to it.
        Compare::None => Ok(lookup(&step.id, &[], environment).unwrap_or_default()),
    }
}

fn broken(error: &SnapshotError) -> Verdict {
    Verdict::Broken {
        message: error.to_string(),
        help: Some(error.help().to_owned()),
    }
}

/// The verdict on an output of which not all is there to compare.
fn too_long(left_out_bytes: u64) -> Verdict {
    Verdict::Broken {
        message: format!("of what it printed, {left_out_bytes} bytes were not kept to be compared"),
        help: Some("print less (`| head`), or give the step `compare=none`".to_owned()),
    }
}

fn empty(lesson: &Lesson) -> Report {
    Report::of_items(lesson, Vec::new())
}

fn no_such(kind: &str, name: &str) -> Verdict {
    Verdict::Broken {
        message: format!("cannot judge {kind} `{name}`: the lesson has none of that name"),
        help: Some("the lesson changed while it ran; run it again".to_owned()),
    }
}

/// The verdict on what did not come to an end of its own.
fn early(ending: &Ending) -> Option<Verdict> {
    match ending {
        Ending::Exited(_) | Ending::Signaled(_) | Ending::Stopped => None,
        Ending::TimedOut(limit) => Some(Verdict::TimedOut {
            limit: *limit,
            awaited: None,
        }),
        Ending::Interrupted => Some(Verdict::Interrupted),
        Ending::Skipped(skip) => Some(Verdict::Skipped(skip.clone())),
        Ending::Broken(message) => Some(Verdict::Broken {
            message: message.clone(),
            help: None,
        }),
    }
}

/// The verdict on a step whose exit status is not what its author expects.
fn ended_wrong(step: &Step, record: &Record) -> Option<Verdict> {
    let ending = &record.ending;
    // A background step that tutor stopped has no status of its own.
    let status = ending.status()?;
    if step.exit.allows(status) {
        return None;
    }
    if status == SKIP_REST {
        let said = record.output.last_line();
        return Some(Verdict::Skipped(Skip::BySelf { said }));
    }
    Some(Verdict::WrongExit {
        expected: step.exit,
        got: ending.clone(),
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
