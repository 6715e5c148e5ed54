//! Steps that a shell is given before those in front of them have ended, so that it need not wait
//! for anybody between two short steps. The shell goes on to one only if all went well before it;
//! else it is as if it had never been given (`When::AllWell` of the agent's protocol).

use super::Runner;
use crate::backend::{BackendError, Status};
use crate::lesson::Step;
use crate::plan::{Action, Plan};
use crate::transcript::ShellFate;
use std::collections::VecDeque;

/// How many steps a shell is given ahead; each has two pipes open.
const MOST: usize = 64;

/// How many of them are enough for now: with fewer a shell that goes through short ones would wait
/// until it is given more.
const ENOUGH: usize = MOST * 5 / 8;

/// Whether steps may begin before `tutor` has judged those in front of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// One after the other: somebody watches, or a difference ends the lesson.
    #[default]
    StepByStep,
    /// Where nothing stands between them.
    Ahead,
}

/// What a shell was given ahead, and what it may be given.
#[derive(Default)]
pub(super) struct Ahead<'r> {
    given: VecDeque<(u32, &'r Step)>,
    /// Steps that may follow the one that runs, in order; those given are its first.
    coming: Vec<&'r Step>,
}

impl<'r> Ahead<'r> {
    /// Looks at what follows a step.
    pub(super) fn look(&mut self, step: &'r Step, following: &[Action<'r>], plan: &Plan<'r>) {
        // As long as nothing more is given, nobody asks; the step itself may be the first of those.
        if self.given.len() > ENOUGH + 1 {
            return;
        }
        self.coming.clear();
        let stands_alone = |step: &Step| step.background.is_some() || step.exclusive.is_some();
        if stands_alone(step) || plan.is_checked(&step.id) {
            return;
        }
        for action in following {
            match action {
                Action::Read(_) => {}
                Action::Run(next)
                    if next.on == step.on && next.needs.is_empty() && !stands_alone(next) =>
                {
                    self.coming.push(next);
                    if self.coming.len() == MOST || plan.is_checked(&next.id) {
                        return;
                    }
                }
                Action::Run(_) | Action::Write { .. } | Action::Check(_) => return,
            }
        }
    }

    /// The id under which a step was given ahead.
    pub(super) fn take(&mut self, step: &Step) -> Option<u32> {
        let (id, given) = self.given.front()?;
        let id = std::ptr::eq(*given, step).then_some(*id)?;
        self.given.pop_front();
        Some(id)
    }

    /// A step ended: unless all is well, nothing that was given ahead takes place.
    pub(super) fn ended(&mut self, status: Status, shell: ShellFate) {
        if status != Status::Exited(0) || shell == ShellFate::Lost {
            self.forget();
        }
    }

    pub(super) fn forget(&mut self) {
        self.given.clear();
    }
}

impl<'r> Runner<'r> {
    /// Gives the shell of the step that runs more to do, many at once.
    pub(super) fn give_ahead(&mut self, step: &'r Step) -> Result<(), BackendError> {
        let given = self.ahead.given.len();
        if given > ENOUGH || given >= self.ahead.coming.len() || !self.background.is_empty() {
            return Ok(());
        }
        let more = self.ahead.coming[given..].to_vec();
        let more: Vec<(u32, &Step)> = more
            .into_iter()
            .map(|step| (self.next_id(), step))
            .collect();
        let scripts: Vec<(u32, &str)> =
            more.iter().map(|(id, step)| (*id, &*step.script)).collect();
        if self.shells.session(step.on)?.run_ahead(&scripts)? {
            self.ahead.given.extend(more);
        }
        Ok(())
    }
}
