//! The verdicts, how many there are of each, and what a process ends with for them.

use super::{Diff, Report};
use crate::exit::Exit;
use crate::lesson::{Background, Expectation, ExpectedExit};
use crate::snapshot::Environment;
use crate::transcript::{Ending, Skip};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a step or check amounts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The output is the accepted one, or the check holds.
    Passed,
    /// The exit status is as expected; the output is not compared.
    Shown,
    /// No output is accepted yet.
    New,
    /// The output differs from the accepted one.
    Changed(Diff),
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
        /// What the facets mean, where the course says it.
        meanings: Environment,
    },
    /// A sentence of the lesson does not hold.
    CheckFailed {
        /// The sentence.
        sentence: String,
        /// What the check's output must be.
        expected: Expectation,
        /// What it was, safe to show.
        actual: String,
        /// How the check ended, where that alone makes it fail.
        ending: Option<Ending>,
        /// What it printed on standard error, safe to show.
        stderr: String,
    },
    /// The exit status is not the expected one, whatever the output.
    WrongExit {
        /// What the author expects.
        expected: ExpectedExit,
        /// What came.
        got: Ending,
    },
    /// It took longer than it may.
    TimedOut {
        /// How long that is.
        limit: Duration,
        /// What would have made it ready in the background, and never came.
        awaited: Option<Background>,
    },
    /// The learner stopped it.
    Interrupted,
    /// It did not run.
    Skipped(Skip),
    /// Nothing ran: this is what was accepted earlier.
    Recorded,
    /// `tutor` could not run or judge it: what was being done, what stood in the way, and what to
    /// do next, if that is known.
    Broken {
        /// What was being done and what stood in the way.
        message: String,
        /// What to do next.
        help: Option<String>,
    },
}

impl Verdict {
    /// True if it makes a run fail however strict it is.
    pub fn is_failure(&self) -> bool {
        Strictness::default().exit_for(self) == Exit::Different
    }

    /// True if it ran to its end, and nothing is wrong with it.
    pub fn is_done(&self) -> bool {
        match self {
            Verdict::Passed | Verdict::Shown | Verdict::New | Verdict::DiffersHere { .. } => true,
            Verdict::Changed(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Skipped(_)
            | Verdict::Recorded
            | Verdict::Broken { .. } => false,
        }
    }

    /// True if it did not run.
    pub fn is_skipped(&self) -> bool {
        matches!(self, Verdict::Skipped(_))
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
    pub check_failed: usize,
    pub wrong_exit: usize,
    pub timed_out: usize,
    pub interrupted: usize,
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
            Verdict::Changed(_) => &mut self.changed,
            Verdict::DiffersHere { .. } => &mut self.differs_here,
            Verdict::CheckFailed { .. } => &mut self.check_failed,
            Verdict::WrongExit { .. } => &mut self.wrong_exit,
            Verdict::TimedOut { .. } => &mut self.timed_out,
            Verdict::Interrupted => &mut self.interrupted,
            Verdict::Skipped(_) => &mut self.skipped,
            Verdict::Recorded => &mut self.recorded,
            Verdict::Broken { .. } => &mut self.broken,
        };
        *count += 1;
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.ran() + self.skipped + self.recorded
    }

    /// Those that were run, or begun.
    pub fn ran(&self) -> usize {
        self.passed + self.shown + self.new + self.failed() + self.differs_here + self.interrupted
    }

    /// Those that make a run fail however strict it is.
    pub fn failed(&self) -> usize {
        self.changed + self.check_failed + self.wrong_exit + self.timed_out + self.broken
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

/// What a process that ran these lessons ends with.
///
/// Running nothing at all is a failure: because this machine lacks something, or because nothing
/// was chosen.
pub fn exit<'a>(reports: impl IntoIterator<Item = &'a Report>, strictness: Strictness) -> Exit {
    let mut exit = Exit::Success;
    let mut ran_something = false;
    let mut lacks_something = false;
    for item in reports.into_iter().flat_map(|report| &report.items) {
        exit = exit.worst(strictness.exit_for(&item.verdict));
        match &item.verdict {
            Verdict::Skipped(skip) => lacks_something |= is_lack(skip),
            Verdict::Recorded => {}
            Verdict::Passed
            | Verdict::Shown
            | Verdict::New
            | Verdict::Changed(_)
            | Verdict::DiffersHere { .. }
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Broken { .. } => ran_something = true,
        }
    }
    match (ran_something, lacks_something) {
        (true, _) => exit,
        (false, true) => exit.worst(Exit::Lacking),
        (false, false) => exit.worst(Exit::Different),
    }
}

impl Strictness {
    /// What a process ends with for that verdict alone.
    pub fn exit_for(self, verdict: &Verdict) -> Exit {
        let unless = |fails: bool, exit: Exit| if fails { exit } else { Exit::Success };
        match verdict {
            Verdict::Passed | Verdict::Shown | Verdict::Recorded => Exit::Success,
            Verdict::New => unless(self.new_fails, Exit::Different),
            Verdict::DiffersHere { .. } => unless(self.differs_here_fails, Exit::Different),
            Verdict::Changed(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Broken { .. } => Exit::Different,
            Verdict::Interrupted => Exit::Interrupted,
            // The lesson ran out of its time: that is no lack of this machine.
            Verdict::Skipped(Skip::LessonTimeout(_)) => Exit::Different,
            Verdict::Skipped(_) => unless(self.skip_fails, Exit::Lacking),
        }
    }
}

fn is_lack(skip: &Skip) -> bool {
    match skip {
        Skip::Need { .. } | Skip::NoPlace { .. } | Skip::RestSkipped(_) => true,
        // What it follows says why.
        Skip::StepSkipped(_) => false,
        Skip::StoppedEarly(_) | Skip::LessonTimeout(_) | Skip::ByLearner => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Place;
    use crate::report::Item;
    use crate::transcript::{RecordId, ShellFate};

    fn report(verdicts: Vec<Verdict>) -> Report {
        let item = |verdict| Item {
            id: RecordId::Step("a".to_owned()),
            verdict,
            ending: None,
            place: Place::Host,
            duration: Duration::ZERO,
            text: None,
            recorded: None,
            shell: ShellFate::Kept,
        };
        Report {
            lesson: "hello".to_owned(),
            stem: "lesson-2".to_owned(),
            title: "Hello".to_owned(),
            items: verdicts.into_iter().map(item).collect(),
            leftovers: Vec::new(),
            environment: Environment::new(),
            duration: Duration::ZERO,
        }
    }

    fn code(verdicts: &[Verdict], strictness: Strictness) -> u8 {
        report(verdicts.to_vec()).exit(strictness).code()
    }

    fn missing() -> Verdict {
        Verdict::Skipped(Skip::Need {
            need: "kprobe".to_owned(),
            reason: "no kprobes".to_owned(),
            remedy: None,
        })
    }

    fn differs_here() -> Verdict {
        Verdict::DiffersHere {
            diff: Diff::default(),
            theirs: Environment::new(),
            ours: Environment::new(),
            why_unknown: BTreeMap::new(),
            meanings: Environment::new(),
        }
    }

    #[test]
    fn a_skip_is_a_failure_only_if_asked_for() {
        let strict = Strictness {
            skip_fails: true,
            ..Strictness::default()
        };
        let verdicts = [Verdict::Passed, missing()];
        assert_eq!(code(&verdicts, Strictness::default()), 0);
        assert_eq!(code(&verdicts, strict), 3);
    }

    #[test]
    fn running_nothing_is_a_failure() {
        assert_eq!(code(&[missing()], Strictness::default()), 3);
        assert_eq!(code(&[], Strictness::default()), 1);
        let by_learner = Verdict::Skipped(Skip::ByLearner);
        assert_eq!(code(&[by_learner], Strictness::default()), 1);
    }

    #[test]
    fn a_lesson_that_is_skipped_whole_does_not_spoil_the_others() {
        let reports = [report(vec![Verdict::Passed]), report(vec![missing()])];
        assert_eq!(exit(&reports, Strictness::default()), Exit::Success);
    }

    #[test]
    fn a_new_output_is_information_to_a_learner_and_a_failure_to_a_test() {
        let test = Strictness {
            new_fails: true,
            ..Strictness::default()
        };
        assert_eq!(code(&[Verdict::New], Strictness::default()), 0);
        assert_eq!(code(&[Verdict::New], test), 1);
    }

    #[test]
    fn differs_here_fails_under_strict_only() {
        let strict = Strictness {
            differs_here_fails: true,
            ..Strictness::default()
        };
        assert_eq!(code(&[differs_here()], Strictness::default()), 0);
        assert_eq!(code(&[differs_here()], strict), 1);
    }

    #[test]
    fn an_interrupt_wins_and_a_lesson_out_of_time_fails() {
        let late = Verdict::Skipped(Skip::LessonTimeout(Duration::from_secs(600)));
        assert_eq!(
            code(&[Verdict::Passed, late.clone()], Strictness::default()),
            1
        );
        assert_eq!(
            code(&[late, Verdict::Interrupted], Strictness::default()),
            130
        );
    }

    #[test]
    fn every_verdict_is_counted_once() {
        let counts = report(vec![Verdict::Passed, missing(), differs_here()]).counts();
        assert_eq!((counts.total(), counts.ran(), counts.failed()), (3, 2, 0));
        assert_eq!(
            (counts.passed, counts.skipped, counts.differs_here),
            (1, 1, 1)
        );
    }
}
