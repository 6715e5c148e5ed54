//! Runs a plan, judges each record as it ends, and shows both: the whole way from plan to report.

use crate::event::Event;
use crate::plan::Plan;
use crate::render::View;
use crate::report::{Item, Judge, Report};
use crate::run::{Runner, execute};
use crate::transcript::{RecordId, Skip};
use crate::workspace::WorkspaceError;
use std::ops::ControlFlow;

/// What to do when a step is not as expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Go on with the next step.
    #[default]
    GoOn,
    /// Skip the rest of the lesson.
    Stop,
}

/// Runs a plan and returns what became of it, and what kept `tutor` from doing all of it.
pub fn run<'r>(
    plan: &Plan<'r>,
    runner: Runner<'r>,
    judge: &Judge<'_>,
    on_failure: OnFailure,
    view: &mut dyn View,
) -> (Report, Result<(), WorkspaceError>) {
    let mut items: Vec<Item> = Vec::new();
    let (transcript, done) = execute(plan, runner, &mut |event, runner| {
        view.event(event);
        let item = match event {
            Event::StepEnded { record, .. } | Event::CheckEnded { record, .. } => {
                judge.item(record, runner.environment(), runner.unknown())
            }
            Event::LessonStarted { .. }
            | Event::Prose(_)
            | Event::File { .. }
            | Event::TakenBack { .. }
            | Event::StepReached(_)
            | Event::StepStarted(_)
            | Event::StepWaits(_)
            | Event::StepTicks { .. }
            | Event::Output { .. }
            | Event::StepReady(_)
            | Event::LeftBehind(_)
            | Event::KeptYours(_)
            | Event::Unguarded(_)
            | Event::KeptAside { .. } => return ControlFlow::Continue(()),
        };
        view.judged(&item);
        let failed = item.verdict.is_failure();
        let name = item.id.clone();
        items.push(item);
        match (on_failure, failed, name) {
            (OnFailure::Stop, true, RecordId::Step(name) | RecordId::Check(name)) => {
                ControlFlow::Break(Skip::StoppedEarly(name))
            }
            _ => ControlFlow::Continue(()),
        }
    });
    let report = judge.report_of(items, &transcript);
    view.closed(&report);
    (report, done)
}
