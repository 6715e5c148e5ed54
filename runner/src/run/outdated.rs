//! What a step would find that was made before a file of the lesson changed.

use super::records::Records;
use crate::event::Outdated;
use crate::lesson::{FileStep, Step};
use crate::plan::{Action, Plan};
use crate::transcript::{Ending, RecordId};
use crate::workspace::Workspace;

/// The lesson's files above an action of a plan.
pub(super) fn files_above<'p>(
    plan: &'p Plan<'_>,
    cursor: usize,
) -> impl Iterator<Item = &'p FileStep> {
    let above = plan.actions[..cursor].iter();
    above.filter_map(|action| match action {
        Action::Write { file, .. } => Some(*file),
        Action::Read(_) | Action::Run(_) | Action::Check(_) => None,
    })
}

/// See [`Sitting::outdated`](super::Sitting::outdated).
pub(super) fn outdated(
    plan: &Plan<'_>,
    cursor: usize,
    workspace: &Workspace,
    records: &Records,
) -> Vec<Outdated> {
    let next = plan.actions[cursor..].iter().find_map(Action::step);
    let is_next = |step: &&Step| next.is_some_and(|next| next.id == step.id);
    // What was skipped just now could not run again.
    let is_skipped = |step: &&Step| {
        let record = records.get(&RecordId::Step(step.id.clone()));
        record.is_some_and(|record| matches!(record.ending, Ending::Skipped(_)))
    };
    let before = plan.lesson.steps().take_while(|step| !is_next(step));
    // What an exercise needs made is made anew before it is judged.
    let is_made_anew =
        |step: &&Step| next.is_some_and(|next| next.after.as_ref() == Some(&step.id));
    let before = before.filter(|step| !is_skipped(step) && !is_made_anew(step));
    let before: Vec<&Step> = before.collect();
    let files: Vec<&FileStep> = files_above(plan, cursor).collect();
    workspace.outdated(&before, &files)
}
