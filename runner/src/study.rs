//! A lesson at the learner's own pace: a section or a step, then a key. This is the plain face:
//! append-only, and the same for a terminal and for a pipe.

use crate::event::TakenBack;
use crate::lesson::answer::is_number;
use crate::lesson::{Check, Clue, Lesson, Node, Step, StepKind};
use crate::plan::Action;
use crate::report::{Diff, Judge, Verdict, diff};
use crate::run::{Interrupt, Sitting};
use crate::say;
use crate::store::{Prediction, Progress};
use crate::transcript::{RecordId, Skip, Transcript};
use crate::workspace::WorkspaceError;
use std::io;

/// Where the learner says how to go on.
#[derive(Clone, Copy, Debug)]
pub enum Stop<'l> {
    /// Before a step.
    Step {
        /// Which one.
        step: &'l Step,
        /// True if it answers a question that the learner has answered.
        is_predicted: bool,
    },
    /// Between two sections of the text.
    Section,
    /// After a step that went wrong, or of which a check failed.
    Failure(&'l Step),
}

/// The learner's wish at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Go on: run the step, or read the next section.
    GoOn,
    /// Go on without running the step.
    Skip,
    /// Run again: from the first step that what the learner edited has outdated, or the last step.
    Again,
    /// Predict anew what comes out.
    Predict,
    /// See what they edited, and how the output of a step that went wrong differs.
    Diff,
    /// See the next hint to an exercise.
    Hint,
    /// Go back to the step before.
    Back,
    /// Leave; the place is remembered.
    Quit,
}

/// Where wishes come from.
pub trait Learner {
    /// Waits for a wish. The end of input is a wish to leave.
    fn wish(&mut self, stop: Stop<'_>) -> io::Result<Wish>;
    /// Asks for a prediction, before the step runs that answers the question.
    fn predicts(&mut self, question: &Check, kind: AnswerKind) -> io::Result<Said>;
    /// Hears what they said to a question that is not asked again.
    fn remembers(&mut self, _question: &Check, _prediction: &Prediction) -> io::Result<()> {
        Ok(())
    }
    /// Hears what came out, after that step.
    fn answered(&mut self, _question: &Check, _prediction: &Prediction) -> io::Result<()> {
        Ok(())
    }
    /// Hears how the output of a step that went wrong differs from the recorded one, if it does.
    fn differs(&mut self, _diff: Option<&Diff>) -> io::Result<()> {
        Ok(())
    }
    /// Hears that the files of an exercise are as the lesson has them.
    fn is_unbegun(&mut self, _exercise: &Step) -> io::Result<()> {
        Ok(())
    }
    /// Hears a hint to an exercise, and how many there are after it; nothing where it has none.
    fn hint(&mut self, _exercise: &Step, _hint: Option<(&Clue, usize)>) -> io::Result<()> {
        Ok(())
    }
    /// Hears that there is no step to go back to, or to run again.
    fn at_beginning(&mut self) -> io::Result<()> {
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

/// What an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// A number, as the recorded one is.
    Number,
    /// Any words, or one of the choices.
    Words,
}

/// What a learner says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This.
    Words(String),
    /// Nothing: they would rather see.
    Nothing,
    /// Nothing: they wish something else, for the step.
    Wish(Wish),
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
    progress: Progress,
    learner: &mut dyn Learner,
) -> Result<(Transcript, Studied), StudyError> {
    let start = progress.next.as_ref().and_then(|step| sitting.step(step));
    sitting.begin(start.is_some())?;
    if let Some(step) = start {
        sitting.go_to(step)?;
        learner.resumed(step, sitting.last_kept(step))?;
    }
    let mut walk = WalkThrough {
        sitting,
        lesson,
        judge,
        interrupt,
        progress,
        learner,
        has_run: false,
        has_read: false,
        is_reached: false,
        failed: None,
    };
    let studied = walk.go()?;
    let (transcript, ended) = walk.sitting.finish();
    ended?;
    Ok((transcript, studied))
}

/// The way of a learner through a lesson.
struct WalkThrough<'w, 'r> {
    sitting: Sitting<'r>,
    lesson: &'r Lesson,
    judge: &'w Judge<'w>,
    interrupt: &'w Interrupt,
    progress: Progress,
    learner: &'w mut dyn Learner,
    /// True if a step has run in this sitting.
    has_run: bool,
    /// True if something came since the last stop, besides headings.
    has_read: bool,
    /// True if the step that is next has been shown.
    is_reached: bool,
    /// The step that went wrong just now.
    failed: Option<&'r Step>,
}

impl<'r> WalkThrough<'_, 'r> {
    fn go(&mut self) -> Result<Studied, StudyError> {
        while let Some(action) = self.sitting.next_action() {
            let wish = match (self.failed.take(), action) {
                (Some(step), _) => self.stop(Stop::Failure(step))?,
                (None, Action::Run(step)) => self.before(step)?,
                (None, Action::Read(nodes)) if self.has_read && is_section(nodes) => {
                    self.stop(Stop::Section)?
                }
                (None, Action::Read(_) | Action::Write { .. } | Action::Check(_)) => {
                    self.pass(action)?;
                    continue;
                }
            };
            if wish == Wish::Quit {
                return Ok(Studied::Left);
            }
        }
        // The last step may be what went wrong.
        while let Some(step) = self.failed.take() {
            match self.stop(Stop::Failure(step))? {
                Wish::Quit => return Ok(Studied::Left),
                Wish::Again | Wish::Back => return self.go(),
                Wish::GoOn | Wish::Skip | Wish::Predict | Wish::Diff | Wish::Hint => {}
            }
        }
        Ok(Studied::Finished)
    }

    /// Does what needs no wish: reads on, writes a file, proves a sentence.
    fn pass(&mut self, action: &Action<'r>) -> Result<(), StudyError> {
        let is_heading = |node: &Node| matches!(node, Node::Heading { .. });
        self.has_read |= match action {
            Action::Read(nodes) => !nodes.iter().all(is_heading),
            Action::Write { .. } | Action::Run(_) | Action::Check(_) => true,
        };
        self.sitting.advance()?;
        if let Action::Check(check) = action {
            self.tell(check)?;
            let id = RecordId::Check(check.name.clone());
            let has_failed = self.verdict(id).is_some_and(|verdict| is_wrong(&verdict));
            self.failed = self.sitting.step(&check.of).filter(|_| has_failed);
        }
        Ok(())
    }

    /// Shows a step, asks what it answers, and does what the learner wishes.
    fn before(&mut self, step: &'r Step) -> Result<Wish, StudyError> {
        if !std::mem::take(&mut self.is_reached) {
            self.sitting.reach();
        }
        match self.ask(step)? {
            Some(wish) => self.fulfil(
                Stop::Step {
                    step,
                    is_predicted: false,
                },
                wish,
            ),
            None => {
                let mut questions = self.lesson.questions(step);
                let is_predicted = questions.next().is_some();
                self.stop(Stop::Step { step, is_predicted })
            }
        }
    }

    /// Asks what nobody has asked yet. Returns what the learner wishes instead of answering.
    fn ask(&mut self, step: &Step) -> Result<Option<Wish>, StudyError> {
        for question in self.lesson.questions(step) {
            if let Some(prediction) = self.progress.prediction(question, step) {
                self.learner.remembers(question, prediction)?;
                continue;
            }
            let recorded = self.judge.accepted_answer(question, self.sitting.facets());
            let kind = match recorded.is_some_and(|recorded| is_number(&recorded)) {
                true => AnswerKind::Number,
                false => AnswerKind::Words,
            };
            let learner = &mut *self.learner;
            let said = self
                .sitting
                .meanwhile(|| learner.predicts(question, kind))??;
            let said = match said {
                Said::Words(words) => Some(words),
                Said::Nothing => None,
                Said::Wish(wish) => return Ok(Some(wish)),
            };
            self.progress.predicted(question, step, said);
        }
        Ok(None)
    }

    /// Waits for a wish, and fulfils it.
    fn stop(&mut self, stop: Stop<'r>) -> Result<Wish, StudyError> {
        let learner = &mut *self.learner;
        let wish = self.sitting.meanwhile(|| learner.wish(stop))??;
        self.has_read = false;
        self.fulfil(stop, wish)
    }

    fn fulfil(&mut self, stop: Stop<'r>, wish: Wish) -> Result<Wish, StudyError> {
        match (wish, stop) {
            (Wish::GoOn, Stop::Step { step, .. })
                if step.kind == StepKind::Exercise && !self.sitting.is_begun(step) =>
            {
                self.learner.is_unbegun(step)?;
                self.stay(stop);
                return Ok(wish);
            }
            (Wish::GoOn, Stop::Step { step, .. }) => self.run(step)?,
            (Wish::Skip, Stop::Step { .. }) => self.sitting.skip(Skip::ByLearner),
            (Wish::Predict, Stop::Step { step, .. }) => {
                for question in self.lesson.questions(step) {
                    self.progress.predictions.remove(&question.name);
                }
                self.stay(stop);
                return Ok(wish);
            }
            (Wish::Diff, _) => {
                let diff = self.output_diff(stop);
                self.learner.differs(diff.as_ref())?;
                self.stay(stop);
                return Ok(wish);
            }
            (Wish::Hint, Stop::Step { step, .. } | Stop::Failure(step))
                if step.kind == StepKind::Exercise =>
            {
                let hints: Vec<&Clue> = self.lesson.hints(step).collect();
                let number = self.progress.next_hint(step, hints.len());
                let hint = number.map(|number| (hints[number - 1], hints.len() - number));
                self.learner.hint(step, hint)?;
                self.learner.progressed(&self.progress);
                self.stay(stop);
                return Ok(wish);
            }
            (Wish::Hint, _) => {
                self.stay(stop);
                return Ok(wish);
            }
            // What is next is read without a stop, since nothing has been read after this one.
            (Wish::GoOn | Wish::Skip | Wish::Predict, Stop::Section | Stop::Failure(_)) => {}
            (Wish::Back, _) => {
                match self.sitting.step_before() {
                    Some(step) => self.sitting.go_back_to(step),
                    None => {
                        self.learner.at_beginning()?;
                        self.stay(stop);
                    }
                }
                return Ok(wish);
            }
            (Wish::Again, _) => match self.step_to_repeat(stop) {
                Some(step) => {
                    self.sitting.go_back_to(step);
                    self.sitting.reach();
                    self.run(step)?;
                }
                None => {
                    self.learner.at_beginning()?;
                    self.stay(stop);
                }
            },
            (Wish::Quit, _) => {}
        }
        self.progress.next = match (wish, stop) {
            (Wish::Quit, Stop::Failure(step)) => Some(step.id.clone()),
            _ => self.sitting.next_step().map(|step| step.id.clone()),
        };
        self.learner.progressed(&self.progress);
        Ok(wish)
    }

    /// Comes to the same stop once more.
    fn stay(&mut self, stop: Stop<'r>) {
        match stop {
            Stop::Step { .. } => self.is_reached = true,
            Stop::Section => self.has_read = true,
            Stop::Failure(step) => self.failed = Some(step),
        }
    }

    fn output_diff(&self, stop: Stop<'r>) -> Option<Diff> {
        let Stop::Failure(step) = stop else {
            return None;
        };
        let record = self.sitting.record(&RecordId::Step(step.id.clone()))?;
        let item = self.judge.item(record, self.sitting.facets());
        let (recorded, text) = (item.recorded?, item.text?);
        let diff = diff(&recorded.text, &text);
        (!diff.hunks.is_empty()).then_some(diff)
    }

    /// The first step that an edit has outdated; else the one that went wrong, or the last one.
    fn step_to_repeat(&self, stop: Stop<'r>) -> Option<&'r Step> {
        let outdated = self.sitting.outdated();
        let is_outdated = |step: &&Step| outdated.iter().any(|one| one.step == step.id);
        let first = self.lesson.steps().find(is_outdated);
        first.or(match stop {
            Stop::Failure(step) => Some(step),
            Stop::Step { .. } | Stop::Section => self.sitting.step_before(),
        })
    }

    fn run(&mut self, step: &'r Step) -> Result<(), StudyError> {
        self.rewind(step)?;
        self.sitting.perform()?;
        self.interrupt.forget();
        self.has_run = true;
        self.has_read = true;
        let verdict = self.verdict(RecordId::Step(step.id.clone()));
        let is_done = verdict.as_ref().is_some_and(Verdict::is_done);
        if step.background.is_some() || is_done {
            self.progress.did(step);
        }
        // How one ends that goes on in the background is not known yet.
        let has_ended = !self.sitting.is_in_background(step);
        let has_failed = has_ended && verdict.is_some_and(|verdict| is_wrong(&verdict));
        self.failed = has_failed.then_some(step);
        Ok(())
    }

    /// Goes back to the moment before a step, if the sitting is elsewhere.
    fn rewind(&mut self, step: &'r Step) -> Result<(), StudyError> {
        if !self.sitting.is_elsewhere(step) {
            return Ok(());
        }
        let kept = self.sitting.last_kept(step);
        let is_kept = kept.is_some_and(|kept| kept.id == step.id);
        match self.sitting.rewind(step)? {
            Some(taken) => self.learner.rewound(step, taken)?,
            // It is of another lab than this one, and so are all others.
            None if is_kept && !self.has_run => {
                self.learner.resumed(step, self.sitting.first_step())?;
            }
            None => {}
        }
        Ok(())
    }

    /// Keeps what came out beside what the learner said, and tells them.
    fn tell(&mut self, question: &Check) -> Result<(), StudyError> {
        let id = RecordId::Check(question.name.clone());
        let record = self.sitting.record(&id);
        let item = record.map(|record| self.judge.item(record, self.sitting.facets()));
        let Some(answer) = item.and_then(|item| item.answer()) else {
            return Ok(());
        };
        let Some(prediction) = self.progress.predictions.get_mut(&question.name) else {
            return Ok(());
        };
        prediction.answer = Some(answer);
        self.learner.answered(question, prediction)?;
        self.learner.progressed(&self.progress);
        Ok(())
    }

    fn verdict(&self, id: RecordId) -> Option<Verdict> {
        let record = self.sitting.record(&id)?;
        Some(self.judge.item(record, self.sitting.facets()).verdict)
    }
}

fn is_section(nodes: &[Node]) -> bool {
    matches!(nodes.first(), Some(Node::Heading { .. }))
}

/// True if what the lesson says next may not be so.
fn is_wrong(verdict: &Verdict) -> bool {
    verdict.is_failure() || verdict.is_unfinished()
}
