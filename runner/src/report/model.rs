//! The report on a lesson's run, item by item, and the exit code for all.

use super::verdict::{Counts, Strictness, Verdict};
use crate::diagnostic::Lines;
use crate::exit::Exit;
use crate::lesson::{Block, Lesson, Place};
use crate::normalize::StableText;
use crate::snapshot::{Environment, Recorded, SnapshotError, Stale, value_of};
use crate::transcript::{Ending, Leftover, RecordId, ShellFate, Skip};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The report on one lesson's run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The lesson's permanent name.
    pub lesson: String,
    /// The stem of its file.
    pub stem: String,
    /// Its file, below the course root.
    pub file: PathBuf,
    /// The line of each of its steps and checks in that file.
    pub lines: BTreeMap<RecordId, usize>,
    /// Its title.
    pub title: String,
    /// Its steps and checks, in the order in which they were to run.
    pub items: Vec<Item>,
    /// The lesson's leftovers.
    pub leftovers: Vec<Leftover>,
    /// Where it ran.
    pub environment: Environment,
    /// The same with whole versions.
    pub versions: Environment,
    /// How long it took in all.
    pub duration: Duration,
}

/// The report on one step or check.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which one it is.
    pub id: RecordId,
    /// True for the answer to a question.
    pub is_question: bool,
    /// The verdict on it.
    pub verdict: Verdict,
    /// How it ended; nothing where no run is judged.
    pub ending: Option<Ending>,
    /// Where it ran.
    pub place: Place,
    /// How long it took.
    pub duration: Duration,
    /// Its output, made stable; nothing where it did not run.
    pub text: Option<StableText>,
    /// The accepted output, if there is one.
    pub recorded: Option<Recorded>,
    /// The reasons why that is not of the step as the lesson has it now.
    pub stale: Vec<Stale>,
    /// The fate of the lesson's shell.
    pub shell: ShellFate,
    /// The first step before it that did not do what its author expects, if there is one: what came
    /// after it may hold for no good reason.
    pub after_failed: Option<String>,
    /// The lesson's files above it that the learner had edited when it began.
    pub edited: Vec<PathBuf>,
}

impl Item {
    /// What answers a question; nothing for all else, and where its script could not be run.
    pub fn answer(&self) -> Option<String> {
        let is_answered = matches!(
            self.verdict,
            Verdict::Passed
                | Verdict::New
                | Verdict::Shown
                | Verdict::DiffersHere { .. }
                | Verdict::CheckFailed { ending: None, .. }
        );
        let ran_well = self.ending == Some(Ending::Exited(0));
        let is_answer = self.is_question && is_answered && ran_well;
        let answer = self.text.as_ref().filter(|_| is_answer).map(value_of);
        answer.filter(|answer| !answer.is_empty())
    }

    /// A verdict, and nothing else that is known.
    pub fn of(id: RecordId, verdict: Verdict) -> Item {
        Item {
            id,
            is_question: false,
            verdict,
            ending: None,
            place: Place::Host,
            duration: Duration::ZERO,
            text: None,
            recorded: None,
            stale: Vec::new(),
            shell: ShellFate::Kept,
            after_failed: None,
            edited: Vec::new(),
        }
    }

    /// Something that kept a whole lesson from going on.
    pub fn broken(name: &str, message: String) -> Item {
        let help = None;
        Item::of(
            RecordId::Step(name.to_owned()),
            Verdict::Broken { message, help },
        )
    }
}

impl Report {
    /// A report of a lesson that holds these items and nothing else.
    pub fn of_items(lesson: &Lesson, items: Vec<Item>) -> Report {
        Report {
            lesson: lesson.front.name.clone(),
            stem: lesson.stem.clone(),
            file: lesson.path.clone(),
            lines: lines(lesson),
            title: lesson.front.title.clone(),
            items,
            leftovers: Vec::new(),
            environment: Environment::new(),
            versions: Environment::new(),
            duration: Duration::ZERO,
        }
    }

    /// How many items there are of each verdict.
    pub fn counts(&self) -> Counts {
        self.items.iter().map(|item| &item.verdict).collect()
    }

    /// The exit code of a process that ran this lesson alone.
    pub fn exit(&self, strictness: Strictness) -> Exit {
        exit([self], strictness)
    }
}

/// How the accepted output of a step is looked up: by its id, the facets it varies by, and the
/// environment.
pub type Lookup<'a> =
    dyn Fn(&str, &[String], &Environment) -> Result<Option<Recorded>, SnapshotError> + 'a;

/// The exit code of a process that ran these lessons.
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
            Verdict::Recorded | Verdict::Open { .. } => {}
            Verdict::Passed
            | Verdict::Shown
            | Verdict::New
            | Verdict::Changed { .. }
            | Verdict::DiffersHere { .. }
            | Verdict::Edited(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Solved
            | Verdict::Unsolved { .. }
            | Verdict::Broken { .. } => ran_something = true,
        }
    }
    match (ran_something, lacks_something) {
        (true, _) => exit,
        (false, true) => exit.worst(Exit::Lacking),
        (false, false) => exit.worst(Exit::Different),
    }
}

fn lines(lesson: &Lesson) -> BTreeMap<RecordId, usize> {
    let lines = Lines::of(&lesson.source);
    let named = lesson.blocks.iter().filter_map(|block| match block {
        Block::Prose(_) | Block::File(_) | Block::Clue(_) => None,
        Block::Step(step) => Some((RecordId::Step(step.id.clone()), step.span.start)),
        Block::Check(check) => Some((RecordId::Check(check.name.clone()), check.span.start)),
    });
    named.map(|(id, byte)| (id, lines.line(byte))).collect()
}

fn is_lack(skip: &Skip) -> bool {
    match skip {
        Skip::Need { .. }
        | Skip::NeedUnknown { .. }
        | Skip::NoPlace { .. }
        | Skip::RestSkipped { .. }
        | Skip::BySelf { .. } => true,
        // The step before it says why.
        Skip::StepSkipped(_) | Skip::StepFailed(_) => false,
        Skip::StoppedEarly(_) | Skip::LessonTimeout(_) | Skip::ByLearner | Skip::Exercise(_) => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Diff;
    use std::collections::BTreeMap;

    fn report(verdicts: Vec<Verdict>) -> Report {
        let item = |verdict| Item::of(RecordId::Step("a".to_owned()), verdict);
        Report {
            lesson: "hello".to_owned(),
            stem: "lesson-2".to_owned(),
            file: PathBuf::new(),
            lines: BTreeMap::new(),
            title: "Hello".to_owned(),
            items: verdicts.into_iter().map(item).collect(),
            leftovers: Vec::new(),
            environment: Environment::new(),
            versions: Environment::new(),
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
