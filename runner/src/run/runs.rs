//! The runs that were begun in some shell: whose they are, what they printed, how they ended.

use super::ready::Readiness;
use crate::backend::Status;
use crate::event::Stream;
use crate::lesson::{Place, Step};
use crate::transcript::{Output, ShellFate};
use std::collections::BTreeMap;

/// All of a sitting.
#[derive(Default)]
pub(super) struct OpenRuns<'r> {
    runs: BTreeMap<u32, OpenRun<'r>>,
    last_id: u32,
}

/// A run that was begun in some shell.
#[derive(Default)]
pub(super) struct OpenRun<'r> {
    /// Nothing for a question.
    pub step: Option<&'r Step>,
    pub output: Output,
    pub readiness: Option<Readiness<'r>>,
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunEnd {
    pub status: Status,
    pub shell: ShellFate,
}

impl<'r> OpenRuns<'r> {
    /// The id of a run to come.
    pub fn next_id(&self) -> u32 {
        self.last_id + 1
    }

    /// Heeds that a run began, of a step or of a question.
    pub fn begin(&mut self, id: u32, step: Option<&'r Step>) {
        self.last_id = id;
        let readiness = step.and_then(|step| step.background.as_ref());
        let run = OpenRun {
            step,
            readiness: readiness.map(Readiness::new),
            ..OpenRun::default()
        };
        self.runs.insert(id, run);
    }

    pub fn get(&self, id: u32) -> Option<&OpenRun<'r>> {
        self.runs.get(&id)
    }

    pub fn step_of(&self, id: u32) -> Option<&'r Step> {
        self.get(id)?.step
    }

    /// Returns what a run printed by now: a process that it left behind may print more.
    pub fn output(&self, id: u32) -> Output {
        let run = self.get(id);
        run.map(|run| run.output.clone()).unwrap_or_default()
    }

    /// Takes what a run printed. Returns that run, if it is one.
    pub fn printed(&mut self, id: u32, stream: Stream, bytes: &[u8]) -> Option<&OpenRun<'r>> {
        let run = self.runs.get_mut(&id)?;
        run.output.push(stream, bytes);
        if let Some(readiness) = &mut run.readiness {
            readiness.printed(stream, bytes);
        }
        Some(run)
    }

    pub fn ended(&mut self, id: u32, end: RunEnd) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.end = Some(end);
        }
    }

    /// Forgets a question. Returns what it printed.
    pub fn forget(&mut self, id: u32) -> Output {
        let run = self.runs.remove(&id);
        run.map(|run| run.output).unwrap_or_default()
    }

    /// Makes runs known that a guest tells of which was resumed; ids from now on are others.
    pub fn know(&mut self, runs: impl Iterator<Item = (u32, &'r Step)>, last_id: u32) {
        self.last_id = self.last_id.max(last_id);
        for (id, step) in runs {
            let run = OpenRun {
                step: Some(step),
                ..OpenRun::default()
            };
            self.runs.insert(id, run);
        }
    }

    /// The last id of a run, and the steps that a place knows by their ids.
    pub fn known_to(&self, place: Place) -> (u32, BTreeMap<u32, String>) {
        let steps = self.runs.iter().filter_map(|(id, run)| {
            let step = run.step.filter(|step| step.on == place)?;
            Some((*id, step.id.clone()))
        });
        (self.last_id, steps.collect())
    }
}
