//! Leaves what a test saw beside the accepted outputs, for somebody to read and accept.

mod recorded_run;

use crate::course::{Course, Origin};
use crate::lesson::{Compare, Lesson, Step};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{
    Pending, Recorded, SnapshotError, SnapshotName, name_for, pending_of, same_facets, write_new,
};
use crate::transcript::RecordId;
use recorded_run::RecordedRun;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What becomes of an output that is as accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsAccepted {
    /// What is accepted stays, and nothing waits.
    #[default]
    Stay,
    /// It waits, so that where it was made and what was checked can be accepted anew.
    Renew,
}

impl AsAccepted {
    /// From the option of the command line.
    pub fn renewed_if(renew: bool) -> AsAccepted {
        match renew {
            true => AsAccepted::Renew,
            false => AsAccepted::Stay,
        }
    }

    /// True for an output that is the accepted one and shall stay that; nothing where there is none to
    /// record.
    fn stays(self, item: &Item) -> Option<bool> {
        match &item.verdict {
            Verdict::Passed => Some(self == AsAccepted::Stay),
            // Of a step that is not compared one output is recorded, for whoever only reads. Another one is
            // no reason to renew it.
            Verdict::Shown => {
                let is_of_step = item.recorded.is_some() && item.stale.is_empty();
                Some(self == AsAccepted::Stay && is_of_step)
            }
            Verdict::New | Verdict::Changed { .. } | Verdict::DiffersHere { .. } => Some(false),
            Verdict::Edited(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Solved
            | Verdict::Unsolved { .. }
            | Verdict::Open { .. }
            | Verdict::Skipped(_)
            | Verdict::Recorded
            | Verdict::Broken { .. } => None,
        }
    }
}

/// True for an output that stays the accepted one; nothing where there is none to record.
fn stays(run: &RecordedRun<'_>, item: &Item, as_accepted: AsAccepted) -> Option<bool> {
    let stays = as_accepted.stays(item)?;
    Some(stays && !run.answers_differ_here(item))
}

/// The outputs that a test leaves to be read.
#[derive(Debug, Default)]
pub struct TestOutputs {
    /// The files that wait now.
    pub written: Vec<PathBuf>,
    /// Errors of those that could not be written or taken away; the others were.
    pub failed: Vec<SnapshotError>,
}

/// The folder that changed outputs of a course are left in, to be read; none under `CI=true`, and
/// none for a course that is inside the program.
pub fn folder(course: &Course) -> Option<PathBuf> {
    let Origin::Folder(root) = &course.origin else {
        return None;
    };
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    (!in_ci).then(|| root.join("snapshots"))
}

/// Writes `.snap.new` for every output that changed, is new or differs here, and for that of a step
/// that is not compared and has none of its command; takes away those whose output is as accepted
/// again.
pub fn changes(
    folder: &Path,
    lesson: &Lesson,
    course: &Course,
    report: &Report,
    as_accepted: AsAccepted,
) -> Result<TestOutputs, SnapshotError> {
    let run = RecordedRun::of(lesson, course, report);
    let waiting: Vec<Pending> = pending_of(folder, &report.lesson)?;
    let mut changes = TestOutputs::default();
    for item in &report.items {
        let recorded = || run.recorded(item);
        match stays(&run, item, as_accepted) {
            Some(false) => {
                if let Some(recorded) = recorded().filter(|new| !run.is_lost(new, item)) {
                    match write_new(folder, &recorded) {
                        Ok(path) => changes.written.push(path),
                        Err(error) => changes.failed.push(error),
                    }
                }
            }
            Some(true) if !waiting.is_empty() => {
                if let Some(recorded) = recorded() {
                    let discarded = discard(&waiting, &recorded.name);
                    changes.failed.extend(discarded.err());
                }
            }
            Some(true) | None => {}
        }
    }
    Ok(changes)
}

/// The outputs that a matrix leaves to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatrixOutputs {
    /// The files that wait now.
    pub written: Vec<PathBuf>,
    /// Outputs that nothing was left of: environments disagree on them, and by what the step's
    /// author says of it one output has to serve them all.
    pub torn: Vec<SnapshotName>,
}

/// Leaves what one lesson printed in several environments, each as a variant where the step varies.
///
/// A new output of the first report becomes the base, so the first is that of the environment
/// which learners have most.
pub fn across(
    folder: &Path,
    lesson: &Lesson,
    course: &Course,
    reports: &[&Report],
    as_accepted: AsAccepted,
) -> Result<MatrixOutputs, SnapshotError> {
    let reports = reports.iter().copied();
    let runs: Vec<RecordedRun<'_>> = reports
        .map(|report| RecordedRun::of(lesson, course, report))
        .collect();
    let waiting = pending_of(folder, &lesson.front.name)?;
    let mut across = MatrixOutputs::default();
    // Where an output is not compared, no environment contradicts another.
    let compared = |step: &&Step| step.compare == Compare::Snapshot;
    for step in lesson.steps().filter(compared) {
        let (settled, torn) = settled(step, &runs, as_accepted);
        across.torn.extend(torn);
        for (name, recorded) in settled {
            match recorded {
                Some(recorded) => across.written.push(write_new(folder, &recorded)?),
                None => discard(&waiting, &name)?,
            }
        }
    }
    Ok(across)
}

/// Takes away what waits for an output that is as accepted again.
fn discard(waiting: &[Pending], name: &SnapshotName) -> Result<(), SnapshotError> {
    let older = waiting.iter().find(|older| older.name == *name);
    older.map_or(Ok(()), Pending::reject)
}

/// An output as it belongs into a snapshot.
struct Candidate {
    recorded: Recorded,
    /// True if the snapshot holds already.
    is_accepted: bool,
    /// True if the snapshot has that text already, be it of another text of the lesson.
    is_as_found: bool,
}

/// Returns for each snapshot of a step what is to be left beside it, or nothing where what is
/// accepted holds; and those that environments disagree on.
fn settled(
    step: &Step,
    runs: &[RecordedRun<'_>],
    as_accepted: AsAccepted,
) -> (BTreeMap<SnapshotName, Option<Recorded>>, Vec<SnapshotName>) {
    let mut torn = Vec::new();
    let mut settled = BTreeMap::new();
    for (name, mut candidates) in candidates(step, runs, as_accepted) {
        let new = candidates.iter().position(|one| !one.is_accepted);
        let Some(index) = new else {
            settled.insert(name, None);
            continue;
        };
        let wanted = candidates.swap_remove(index).recorded;
        match moved(step, &wanted, candidates) {
            Some(moved) => {
                settled.insert(name, Some(wanted));
                settled.extend(moved.into_iter().map(|one| (one.name.clone(), Some(one))));
            }
            None => torn.push(name),
        }
    }
    (settled, torn)
}

/// The output of each environment, by the snapshot that it would be.
fn candidates(
    step: &Step,
    runs: &[RecordedRun<'_>],
    as_accepted: AsAccepted,
) -> BTreeMap<SnapshotName, Vec<Candidate>> {
    let id = RecordId::Step(step.id.clone());
    let mut candidates: BTreeMap<SnapshotName, Vec<Candidate>> = BTreeMap::new();
    let mut first_new: Option<Recorded> = None;
    for run in runs {
        let Some(item) = run.report.items.iter().find(|item| item.id == id) else {
            continue;
        };
        let Some(mut recorded) = run.recorded(item) else {
            continue;
        };
        let Some(is_accepted) = stays(run, item, as_accepted) else {
            continue;
        };
        if run.is_lost(&recorded, item) {
            continue;
        }
        if item.verdict == Verdict::New {
            let base = first_new.get_or_insert_with(|| recorded.clone());
            if base.text != recorded.text {
                recorded.name = beside(step, run.report, base);
            }
        }
        let found = item.recorded.as_ref();
        let is_as_found = found.is_some_and(|found| found.text.is_same(&recorded.text));
        let of_name = candidates.entry(recorded.name.clone()).or_default();
        of_name.push(Candidate {
            recorded,
            is_accepted,
            is_as_found,
        });
    }
    candidates
}

/// The other outputs of one name that become variants; nothing if one of them contradicts `wanted`.
fn moved(step: &Step, wanted: &Recorded, others: Vec<Candidate>) -> Option<Vec<Recorded>> {
    let differ = others
        .into_iter()
        .filter(|other| other.recorded.text != wanted.text);
    differ
        .map(|other| {
            let environment = &other.recorded.environment;
            let own = SnapshotName::base(wanted.name.lesson(), &step.id)
                .variant_for(&step.vary, environment);
            let is_apart = !same_facets(&step.vary, &wanted.environment, environment);
            // The base changes for others; what still prints it keeps it as a variant.
            let keeps = is_apart && other.is_as_found && own != wanted.name;
            keeps.then_some(Recorded {
                name: own,
                ..other.recorded
            })
        })
        .collect()
}

/// The name of an output beside the one that becomes the base.
fn beside(step: &Step, report: &Report, base: &Recorded) -> SnapshotName {
    name_for(
        &report.lesson,
        &step.id,
        &step.vary,
        &report.environment,
        Some(base),
    )
}

#[cfg(test)]
mod tests;
