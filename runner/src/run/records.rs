//! The records of the steps and checks of a sitting.

use super::stage::Stage;
use crate::lesson::Step;
use crate::transcript::{Ending, Output, Record, RecordId, ShellFate};
use std::collections::HashMap;
use std::time::Duration;

/// The records of a sitting, in the order in which they were begun.
#[derive(Default)]
pub(super) struct Records {
    kept: Vec<Kept>,
    /// Which one is the newest of a step or check.
    newest: HashMap<RecordId, usize>,
}

/// A record, and the run that it is about: processes that the run left behind may print more.
struct Kept {
    record: Record,
    run: Option<u32>,
}

impl Kept {
    /// Returns what its run printed by now.
    fn output(&self, stage: &Stage<'_>) -> Output {
        match self.run {
            Some(run) => stage.runs.output(run),
            None => self.record.output.clone(),
        }
    }
}

impl Records {
    pub fn push(&mut self, record: Record, run: Option<u32>) {
        self.newest.insert(record.id.clone(), self.kept.len());
        self.kept.push(Kept { record, run });
    }

    /// Completes the newest record of a step.
    pub fn complete(&mut self, record: Record) {
        if let Some(index) = self.newest.get(&record.id) {
            self.kept[*index].record = record;
        }
    }

    fn newest(&self, id: &RecordId) -> Option<&Kept> {
        Some(&self.kept[*self.newest.get(id)?])
    }

    /// The newest record of a step or check.
    pub fn get(&self, id: &RecordId) -> Option<&Record> {
        self.newest(id).map(|kept| &kept.record)
    }

    /// How a step ended and what it printed by now, if it was not skipped.
    pub fn ran(&self, step: &str, stage: &Stage<'_>) -> Option<(Ending, Output)> {
        let kept = self.newest(&RecordId::Step(step.to_owned()))?;
        match &kept.record.ending {
            Ending::Skipped(_) => None,
            ending => Some((ending.clone(), kept.output(stage))),
        }
    }

    /// All of them, with all that was printed.
    pub fn whole(&self, stage: &Stage<'_>) -> Vec<Record> {
        let whole = self.kept.iter().map(|kept| Record {
            output: kept.output(stage),
            ..kept.record.clone()
        });
        whole.collect()
    }
}

/// The record of a step that printed nothing.
pub(super) fn record_of(step: &Step, ending: Ending) -> Record {
    Record {
        id: RecordId::Step(step.id.clone()),
        ending,
        output: Output::default(),
        duration: Duration::ZERO,
        place: step.on,
        shell: ShellFate::Kept,
        edited: Vec::new(),
        untouched: None,
    }
}
