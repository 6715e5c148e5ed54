//! A lesson at the learner's own pace: prose, then a step, then a key. This is the plain face:
//! append-only, and the same for a terminal and for a pipe.

use crate::event::TakenBack;
use crate::lesson::{Check, Lesson, Step};
use crate::plan::Action;
use crate::report::Judge;
use crate::run::{Interrupt, Sitting};
use crate::say;
use crate::store::{Prediction, Progress};
use crate::transcript::{RecordId, Skip, Transcript};
use crate::workspace::WorkspaceError;
use std::io;
use std::ops::ControlFlow;

/// The learner's wish for a step.
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
    fn wish(&mut self, step: &Step) -> io::Result<Wish>;
    /// Asks for a prediction, before the step runs that answers the question.
    fn predicts(&mut self, question: &Check) -> io::Result<Said>;
    /// Hears what came out, after that step.
    fn answered(&mut self, _question: &Check, _prediction: &Prediction) -> io::Result<()> {
        Ok(())
    }
    /// Hears, before a sitting that goes on at this step, before which step the lab can be had as it
    /// was: this one, or one to go back to; nothing if steps run in no lab.
    fn resumed(&mut self, _step: &Step, _kept: Option<&Step>) -> io::Result<()> {
        Ok(())
    }
    /// Hears that all is as it was before this step, and what was taken back for it.
    fn rewound(&mut self, _step: &Step, _taken: TakenBack) -> io::Result<()> {
        Ok(())
    }
    /// Hears where the learner is now, after each step.
    fn progressed(&mut self, progress: &Progress);
}

/// What a learner says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This.
    Words(String),
    /// Nothing: they would rather see.
    Nothing,
    /// Nothing: they leave.
    Quit,
}

/// How far the learner came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Studied {
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
    Input(#[from] io::Error),
}

/// Studies a lesson from the step that the progress names, or from its beginning.
pub fn study<'r>(
    mut sitting: Sitting<'r>,
    lesson: &'r Lesson,
    judge: &Judge<'_>,
    interrupt: &Interrupt,
    mut progress: Progress,
    learner: &mut dyn Learner,
) -> Result<(Transcript, Studied), StudyError> {
    let start = progress.next.as_ref().and_then(|step| sitting.step(step));
    sitting.begin(start.is_some())?;
    if let Some(step) = start {
        sitting.go_to(step)?;
        learner.resumed(step, sitting.last_kept(step))?;
    }
    let mut studied = Studied::Finished;
    let mut has_run = false;
    while let Some(action) = sitting.next_action() {
        let Action::Run(step) = action else {
            sitting.advance()?;
            if let Action::Check(question) = action
                && let Some(answer) = answer(&sitting, judge, question)
            {
                tell(question, answer, &mut progress, learner)?;
            }
            continue;
        };
        sitting.reach();
        let questions = lesson.questions(step);
        let asked = sitting.meanwhile(|| ask(step, questions, &mut progress, learner))??;
        let wish = match asked {
            ControlFlow::Continue(()) => sitting.meanwhile(|| learner.wish(step))??,
            ControlFlow::Break(()) => Wish::Quit,
        };
        match wish {
            Wish::Run => {
                rewind(&mut sitting, step, has_run, learner)?;
                sitting.perform()?;
                interrupt.forget();
                has_run = true;
                if step.background.is_some() || is_done(&sitting, judge, step) {
                    progress.did(step);
                }
            }
            Wish::Skip => sitting.skip(Skip::ByLearner),
            Wish::Back => {
                sitting.go_back();
                continue;
            }
            Wish::Quit => studied = Studied::Left,
        }
        progress.next = sitting.next_step().map(|step| step.id.clone());
        learner.progressed(&progress);
        if studied == Studied::Left {
            break;
        }
    }
    let (transcript, ended) = sitting.finish();
    ended?;
    Ok((transcript, studied))
}

/// Asks what nobody has asked yet. Breaks if the learner leaves.
fn ask<'l>(
    step: &Step,
    questions: impl Iterator<Item = &'l Check>,
    progress: &mut Progress,
    learner: &mut dyn Learner,
) -> io::Result<ControlFlow<()>> {
    for question in questions {
        if progress.prediction(question, step).is_some() {
            continue;
        }
        let said = match learner.predicts(question)? {
            Said::Words(words) => Some(words),
            Said::Nothing => None,
            Said::Quit => return Ok(ControlFlow::Break(())),
        };
        progress.predicted(question, step, said);
    }
    Ok(ControlFlow::Continue(()))
}

/// What came out, if the script of the question could be run.
fn answer(sitting: &Sitting<'_>, judge: &Judge<'_>, question: &Check) -> Option<String> {
    let record = sitting.record(&RecordId::Check(question.name.clone()))?;
    judge.item(record, sitting.facets()).answer()
}

/// Keeps what came out beside what the learner said, and tells them.
fn tell(
    question: &Check,
    answer: String,
    progress: &mut Progress,
    learner: &mut dyn Learner,
) -> io::Result<()> {
    let Some(prediction) = progress.predictions.get_mut(&question.name) else {
        return Ok(());
    };
    prediction.answer = Some(answer);
    learner.answered(question, prediction)?;
    learner.progressed(progress);
    Ok(())
}

/// Goes back to the moment before a step, if the sitting is elsewhere.
fn rewind<'r>(
    sitting: &mut Sitting<'r>,
    step: &'r Step,
    has_run: bool,
    learner: &mut dyn Learner,
) -> Result<(), StudyError> {
    if !sitting.is_elsewhere(step) {
        return Ok(());
    }
    let kept = sitting.last_kept(step);
    let is_kept = kept.is_some_and(|kept| kept.id == step.id);
    match sitting.rewind(step)? {
        Some(taken) => learner.rewound(step, taken)?,
        // It is of another lab than this one, and so are all others.
        None if is_kept && !has_run => learner.resumed(step, sitting.first_step())?,
        None => {}
    }
    Ok(())
}

fn is_done(sitting: &Sitting<'_>, judge: &Judge<'_>, step: &Step) -> bool {
    let record = sitting.record(&RecordId::Step(step.id.clone()));
    record.is_some_and(|record| judge.item(record, sitting.facets()).verdict.is_done())
}
