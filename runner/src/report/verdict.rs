//! The verdicts, how many there are of each, and what a process ends with for one of them.

use super::diff::Diff;
use crate::exit::Exit;
use crate::lesson::{Background, Expectation, ExpectedExit};
use crate::snapshot::{Environment, Stale};
use crate::transcript::{Ending, Skip};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The verdict on a step or check.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The output is the accepted one, or the check holds.
    Passed,
    /// The exit status is as expected; the output is not compared.
    Shown,
    /// No output is accepted yet.
    New,
    /// The output or its status differs from the accepted one, or that is of another text of the
    /// lesson.
    Changed {
        /// From the accepted output to this one; no lines where they are the same.
        diff: Diff,
        /// The reasons why the accepted one is not of this step as the lesson has it now.
        stale: Vec<Stale>,
    },
    /// It differs, and so does a facet by which the step's author says it varies.
    DiffersHere {
        /// From the accepted output to this one.
        diff: Diff,
        /// Where the accepted output was recorded.
        theirs: Environment,
        /// Where this one was made.
        ours: Environment,
        /// The facets that are known there and could not be found out here, and why not.
        why_unknown: BTreeMap<String, String>,
        /// The meanings of the facets, where the course says them.
        meanings: Environment,
    },
    /// It differs, and the learner has edited a file of the lesson above it.
    Edited(Diff),
    /// A sentence of the lesson does not hold.
    CheckFailed {
        /// The sentence.
        sentence: String,
        /// The expectation of the check's output.
        expected: Expectation,
        /// The output that came, safe to show.
        actual: String,
        /// How the check ended, where that alone makes it fail.
        ending: Option<Ending>,
        /// Its standard error, safe to show.
        stderr: String,
    },
    /// The exit status is not the expected one, whatever the output.
    WrongExit {
        /// The status that the author expects.
        expected: ExpectedExit,
        /// How it ended.
        got: Ending,
    },
    /// It took longer than it may.
    TimedOut {
        /// How long that is.
        limit: Duration,
        /// The sign that it is ready in the background, which never came.
        awaited: Option<Background>,
    },
    /// The learner stopped it.
    Interrupted,
    /// An exercise that is solved; or one of which it was proved that what the learner begins with
    /// does not pass, and that the solution does.
    Solved,
    /// An exercise that is not solved yet.
    Unsolved {
        /// How the fence that judges it ended.
        got: Ending,
        /// True if it is the lesson's own solution that does not pass.
        by_solution: bool,
    },
    /// An exercise that the learner has not begun.
    Open {
        /// The stem of its lesson.
        lesson: String,
        /// The files of its task.
        files: Vec<PathBuf>,
    },
    /// It did not run.
    Skipped(Skip),
    /// Nothing ran: this is what was accepted earlier.
    Recorded,
    /// `tutor` could not run or judge it: what was being done, what stood in the way, and what to
    /// do next, if that is known.
    Broken {
        /// The action, and the obstacle.
        message: String,
        /// How to go on.
        help: Option<String>,
    },
}

impl Verdict {
    /// True if it makes a run fail however strict it is.
    pub fn is_failure(&self) -> bool {
        Strictness::default().exit_for(self) == Exit::Different
    }

    /// True of a step that was to run, and did not come to the end that its author expects: what its
    /// lesson says below it did not happen.
    pub fn is_unfinished(&self) -> bool {
        match self {
            Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Broken { .. } => true,
            Verdict::Passed
            | Verdict::Shown
            | Verdict::New
            | Verdict::Changed { .. }
            | Verdict::DiffersHere { .. }
            | Verdict::Edited(_)
            | Verdict::CheckFailed { .. }
            | Verdict::Solved
            | Verdict::Unsolved { .. }
            | Verdict::Open { .. }
            | Verdict::Skipped(_)
            | Verdict::Recorded => false,
        }
    }

    /// True if it ran to its end, and nothing is wrong with it.
    pub fn is_done(&self) -> bool {
        match self {
            Verdict::Passed
            | Verdict::Shown
            | Verdict::New
            | Verdict::DiffersHere { .. }
            | Verdict::Solved
            | Verdict::Edited(_) => true,
            Verdict::Changed { .. }
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Unsolved { .. }
            | Verdict::Open { .. }
            | Verdict::Skipped(_)
            | Verdict::Recorded
            | Verdict::Broken { .. } => false,
        }
    }
}

/// How many items there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counts {
    pub passed: usize,
    pub shown: usize,
    pub new: usize,
    pub changed: usize,
    pub differs_here: usize,
    pub edited: usize,
    pub check_failed: usize,
    pub wrong_exit: usize,
    pub timed_out: usize,
    pub interrupted: usize,
    pub solved: usize,
    pub unsolved: usize,
    pub open: usize,
    pub skipped: usize,
    pub recorded: usize,
    pub broken: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: &Verdict) {
        let count = match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Shown => &mut self.shown,
            Verdict::New => &mut self.new,
            Verdict::Changed { .. } => &mut self.changed,
            Verdict::DiffersHere { .. } => &mut self.differs_here,
            Verdict::Edited(_) => &mut self.edited,
            Verdict::CheckFailed { .. } => &mut self.check_failed,
            Verdict::WrongExit { .. } => &mut self.wrong_exit,
            Verdict::TimedOut { .. } => &mut self.timed_out,
            Verdict::Interrupted => &mut self.interrupted,
            Verdict::Solved => &mut self.solved,
            Verdict::Unsolved { .. } => &mut self.unsolved,
            Verdict::Open { .. } => &mut self.open,
            Verdict::Skipped(_) => &mut self.skipped,
            Verdict::Recorded => &mut self.recorded,
            Verdict::Broken { .. } => &mut self.broken,
        };
        *count += 1;
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.ran() + self.open + self.skipped + self.recorded
    }

    /// Those that were run, or begun.
    pub fn ran(&self) -> usize {
        self.passed
            + self.shown
            + self.new
            + self.failed()
            + self.differs_here
            + self.edited
            + self.solved
            + self.interrupted
    }

    /// Those that make a run fail however strict it is.
    pub fn failed(&self) -> usize {
        self.changed
            + self.check_failed
            + self.wrong_exit
            + self.timed_out
            + self.unsolved
            + self.broken
    }
}

impl<'a> FromIterator<&'a Verdict> for Counts {
    fn from_iter<Verdicts: IntoIterator<Item = &'a Verdict>>(verdicts: Verdicts) -> Counts {
        let mut counts = Counts::default();
        verdicts.into_iter().for_each(|verdict| counts.add(verdict));
        counts
    }
}

/// Which of the verdicts that are information to a learner are failures to this caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// `--strict`: an output that differs only because the environment does.
    pub differs_here_fails: bool,
    /// `--no-skip`: a step that could not run here.
    pub skip_fails: bool,
    /// `test`: an output that nobody has accepted yet.
    pub new_fails: bool,
}

impl Strictness {
    /// The exit code for that verdict alone.
    pub fn exit_for(self, verdict: &Verdict) -> Exit {
        let unless = |fails: bool, exit: Exit| if fails { exit } else { Exit::Success };
        match verdict {
            Verdict::Passed
            | Verdict::Shown
            | Verdict::Recorded
            | Verdict::Edited(_)
            | Verdict::Solved
            | Verdict::Open { .. } => Exit::Success,
            Verdict::New => unless(self.new_fails, Exit::Different),
            Verdict::DiffersHere { .. } => unless(self.differs_here_fails, Exit::Different),
            Verdict::Changed { .. }
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Unsolved { .. }
            | Verdict::Broken { .. } => Exit::Different,
            Verdict::Interrupted => Exit::Interrupted,
            // The lesson ran out of its time: that is no lack of this machine.
            Verdict::Skipped(Skip::LessonTimeout(_)) => Exit::Different,
            Verdict::Skipped(_) => unless(self.skip_fails, Exit::Lacking),
        }
    }
}
