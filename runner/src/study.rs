//! A lesson at the learner's own pace: prose, then a step, then a key. This is the plain face:
//! append-only, and the same for a terminal and for a pipe.

use crate::event::TakenBack;
use crate::lesson::Step;
use crate::plan::{Action, Plan};
use crate::render::View;
use crate::report::{Item, Judge, Report};
use crate::run::{Interrupt, Runner};
use crate::say;
use crate::store::Progress;
use crate::transcript::{RecordId, Skip};
use crate::workspace::WorkspaceError;
use std::ops::ControlFlow;

/// What the learner wants now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Run the step.
    Run,
    /// Go on without running it.
    Skip,
    /// Go back to the step before.
    Back,
    /// Leave; the place is remembered.
    Quit,
}

/// Where wishes come from.
pub trait Learner {
    /// Waits for a wish about this step. The end of input is a wish to leave.
    fn wish(&mut self, step: &Step) -> std::io::Result<Wish>;
    /// Hears, before a sitting that goes on at this step, before which step the lab can be had as it
    /// was: this one, or one to go back to; nothing if steps run in no lab.
    fn resumed(&mut self, _step: &Step, _kept: Option<&Step>) -> std::io::Result<()> {
        Ok(())
    }
    /// Hears that all is as it was before this step, and what was taken back for it.
    fn rewound(&mut self, _step: &Step, _taken: TakenBack) -> std::io::Result<()> {
        Ok(())
    }
    /// Hears where the learner is now, after each step.
    fn progressed(&mut self, progress: &Progress);
}

/// How a sitting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sitting {
    /// The lesson's end was reached.
    Finished,
    /// The learner left before it.
    Left,
}

/// A sitting could not go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The workspace.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The keyboard.
    #[error("{}", say!("study-input", error = .0.to_string()))]
    Input(#[from] std::io::Error),
}

/// Studies a lesson from the step that the progress names, or from its beginning.
pub fn study<'r>(
    plan: &Plan<'r>,
    mut runner: Runner<'r>,
    judge: &Judge<'_>,
    interrupt: &Interrupt,
    mut progress: Progress,
    learner: &mut dyn Learner,
    view: &mut dyn View,
) -> Result<(Report, Sitting), StudyError> {
    let start = progress.next.clone().and_then(|step| position(plan, &step));
    let mut items: Vec<Item> = Vec::new();
    let mut index = match start {
        // The text that leads to a step belongs to it.
        Some(step) => lead_in(plan, step),
        None => 0,
    };
    runner.resume(start.is_some(), &mut |event, _| {
        view.event(event);
        ControlFlow::Continue(())
    })?;
    // Whoever begins in the middle has the files that the text before it writes.
    for action in plan.actions[..index]
        .iter()
        .filter(|action| matches!(action, Action::Write { .. }))
    {
        runner.perform(action, &mut |_, _| ControlFlow::Continue(()))?;
    }
    if let Some(Action::Run(step)) = start.and_then(|start| plan.actions.get(start)) {
        learner.resumed(step, runner.last_kept(step))?;
    }
    let mut sitting = Sitting::Finished;
    while let Some(action) = plan.actions.get(index) {
        if let Action::Run(step) = action {
            view.event(&crate::event::Event::StepReached(step));
            match runner.meanwhile(|| learner.wish(step))?? {
                Wish::Run => {
                    if runner.is_elsewhere(step) {
                        let kept = runner.last_kept(step);
                        let is_kept = kept.is_some_and(|kept| kept.id == step.id);
                        if let Some(taken) = runner.rewind(step)? {
                            learner.rewound(step, taken)?;
                        } else if is_kept && items.is_empty() {
                            // It is of another lab than this one, and so are all others.
                            learner.resumed(step, plan.steps().next())?;
                        }
                    }
                }
                Wish::Skip => {
                    let record = runner.skip(step, Skip::ByLearner);
                    view.judged(&judge.item(&record, runner.environment(), runner.unknown()));
                    progress.next = next_step(plan, index).map(|step| step.id.clone());
                    learner.progressed(&progress);
                    index += 1;
                    continue;
                }
                Wish::Back => {
                    index = step_before(plan, index).unwrap_or(index);
                    continue;
                }
                Wish::Quit => {
                    progress.next = Some(step.id.clone());
                    learner.progressed(&progress);
                    sitting = Sitting::Left;
                    break;
                }
            }
        }
        let before = items.len();
        runner.perform(action, &mut |event, runner| {
            if !matches!(event, crate::event::Event::StepReached(_)) {
                view.event(event);
            }
            if let crate::event::Event::StepEnded { record, .. }
            | crate::event::Event::CheckEnded { record, .. } = event
            {
                let item = judge.item(record, runner.environment(), runner.unknown());
                view.judged(&item);
                items.retain(|old| old.id != item.id);
                items.push(item);
            }
            ControlFlow::Continue(())
        })?;
        interrupt.forget();
        if let Action::Run(step) = action {
            let fine = items[before.min(items.len())..]
                .iter()
                .chain(items.last())
                .any(|item| item.id == RecordId::Step(step.id.clone()) && item.verdict.is_done());
            if fine || step.background.is_some() {
                progress.did(step);
            }
            progress.next = next_step(plan, index).map(|step| step.id.clone());
            learner.progressed(&progress);
        }
        index += 1;
    }
    let (transcript, ended) = runner.finish(&mut |event, runner| {
        view.event(event);
        if let crate::event::Event::StepEnded { record, .. } = event {
            let item = judge.item(record, runner.environment(), runner.unknown());
            view.judged(&item);
            items.push(item);
        }
        ControlFlow::Continue(())
    });
    ended?;
    Ok((judge.report_of(items, &transcript), sitting))
}

fn position(plan: &Plan<'_>, id: &str) -> Option<usize> {
    plan.actions
        .iter()
        .position(|action| matches!(action, Action::Run(step) if step.id == id))
}

/// The first action after the step before: the text and files that lead to a step.
fn lead_in(plan: &Plan<'_>, step: usize) -> usize {
    let done = |action: &Action<'_>| matches!(action, Action::Run(_) | Action::Check(_));
    plan.actions[..step]
        .iter()
        .rposition(done)
        .map_or(0, |index| index + 1)
}

fn step_before(plan: &Plan<'_>, index: usize) -> Option<usize> {
    plan.actions[..index]
        .iter()
        .rposition(|action| matches!(action, Action::Run(_)))
}

fn next_step<'l>(plan: &Plan<'l>, index: usize) -> Option<&'l Step> {
    plan.actions
        .iter()
        .skip(index + 1)
        .find_map(|action| match action {
            Action::Run(step) => Some(*step),
            Action::Read(_) | Action::Write { .. } | Action::Check(_) => None,
        })
}
