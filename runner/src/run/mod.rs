//! Runs a plan and says what happened. Judging is left to [`crate::report`].

pub mod asides;
mod ask;
pub mod exclusive;
pub mod findings;
mod hear;
pub mod interrupt;
mod moments;
mod ready;
mod shells;
mod step;

pub use findings::Findings;
pub use interrupt::Interrupt;
pub use moments::Moments;
pub use shells::PATH;

use crate::backend::{Backend, Happening};
use crate::course::Course;
use crate::event::Event;
use crate::lesson::{ExpectedExit, FileStep, Lesson, Place, Step};
use crate::plan::{Action, Plan};
use crate::surroundings::Surroundings;
use crate::transcript::{
    Ending, Leftover, Output, Record, RecordId, ShellFate, Skip, Transcript, UnknownFacets,
};
use crate::workspace::{Workspace, WorkspaceError};
use hear::keep;
use moments::Standing;
use shells::Shells;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The time between a kind signal and a sure one.
pub const GRACE: Duration = Duration::from_secs(2);

/// How long a need or a facet may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a wait looks up: for Ctrl-C, a deadline, a file that should appear.
const TICK: Duration = Duration::from_millis(20);

/// Stands for a step while the shells of a lesson close; no step is called so.
const CLOSING: &str = "";

/// The places that a run has.
pub struct Places<'p> {
    /// Where host steps run.
    pub host: &'p dyn Backend,
    /// Where kernel steps run, or why nowhere.
    pub kernel: KernelPlace<'p>,
}

/// Where kernel steps run.
#[derive(Clone)]
pub enum KernelPlace<'p> {
    /// There.
    Backend(&'p dyn Backend),
    /// Nowhere, for a reason, with a remedy.
    None {
        /// Why not.
        reason: String,
        /// What to do about it.
        remedy: Option<String>,
    },
}

/// What holds for a whole run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Takes the place of every step's own timeout.
    pub timeout: Option<Duration>,
    /// How long all steps of a lesson may take together; [`LESSON_TIMEOUT`](crate::lesson::LESSON_TIMEOUT)
    /// but for tests.
    pub lesson_timeout: Duration,
    /// The folder of the `tutor` that steps call; it comes first in their `PATH`.
    pub tutor: PathBuf,
    /// A folder whose programs steps find before those of the system.
    pub programs: Option<PathBuf>,
    /// What is around steps on this machine.
    pub surroundings: Surroundings,
    /// Where locks live.
    pub locks: PathBuf,
    /// How the learner stops it.
    pub interrupt: Interrupt,
}

/// A lesson that is being run, step by step.
pub struct Runner<'r> {
    lesson: &'r Lesson,
    course: &'r Course,
    places: &'r Places<'r>,
    findings: &'r Findings,
    options: &'r Options,
    workspace: Workspace,
    shells: Shells,
    steps: BTreeMap<u32, &'r Step>,
    background: Vec<(u32, Place, usize)>,
    standing: Standing,
    records: Vec<Record>,
    environment: BTreeMap<String, String>,
    unknown: UnknownFacets,
    inventory: Option<Vec<String>>,
    rest_skipped: Option<Skip>,
    started: Instant,
    spent: Duration,
    last_id: u32,
}

/// Whoever hears of a run while it goes on; breaking skips what is left.
pub type Listen<'l, 'r> = &'l mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>;

/// Runs a whole plan. The listener may end it early by breaking. What happened is told also where
/// the workspace let `tutor` down on the way; that is the second value.
pub fn execute<'r>(
    plan: &Plan<'r>,
    mut runner: Runner<'r>,
    listen: Listen<'_, 'r>,
) -> (Transcript, Result<(), WorkspaceError>) {
    let mut performed = runner.resume(plan.goes_on, listen);
    for action in &plan.actions {
        if performed.is_err() || runner.options.interrupt.presses() > 0 {
            break;
        }
        if let (true, Action::Run(step)) = (plan.is_of_single_steps, action) {
            performed = runner.prepare_single(step, listen);
        }
        performed = performed.and_then(|()| runner.perform(action, listen));
    }
    let (transcript, finished) = runner.finish(listen);
    (transcript, performed.and(finished))
}

impl<'r> Runner<'r> {
    /// Prepares to run a lesson. Nothing is started before a step needs it.
    pub fn new(
        lesson: &'r Lesson,
        course: &'r Course,
        places: &'r Places<'r>,
        findings: &'r Findings,
        options: &'r Options,
        workspace: Workspace,
    ) -> Self {
        Runner {
            lesson,
            course,
            places,
            findings,
            options,
            workspace,
            shells: Shells::default(),
            steps: BTreeMap::new(),
            background: Vec::new(),
            standing: Standing::default(),
            records: Vec::new(),
            environment: BTreeMap::new(),
            unknown: UnknownFacets::default(),
            inventory: None,
            rest_skipped: None,
            started: Instant::now(),
            spent: Duration::ZERO,
            last_id: 0,
        }
    }

    /// Where the lesson's files are.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The facets of the environment known so far.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The facets that were asked for in vain so far.
    pub fn unknown(&self) -> &UnknownFacets {
        &self.unknown
    }

    /// What is known of a step that ran, or of a check.
    pub fn record(&self, id: &RecordId) -> Option<&Record> {
        self.records.iter().rfind(|record| record.id == *id)
    }

    /// Begins a sitting. One that goes on keeps what earlier steps made; a new one does not.
    pub fn resume(&mut self, goes_on: bool, listen: Listen<'_, 'r>) -> Result<(), WorkspaceError> {
        match goes_on {
            true => self.workspace.go_on()?,
            false => {
                self.workspace.begin()?;
                self.stands_at_the_beginning();
            }
        }
        let event = Event::LessonStarted {
            lesson: self.lesson,
            workspace: self.workspace.files(),
        };
        let _ = listen(&event, self);
        Ok(())
    }

    /// Notes that a step was not run, and returns what was noted.
    pub fn skip(&mut self, step: &Step, skip: Skip) -> Record {
        let record = Record {
            id: RecordId::Step(step.id.clone()),
            ending: Ending::Skipped(skip),
            output: Output::default(),
            duration: Duration::ZERO,
            place: step.on,
            shell: ShellFate::Kept,
        };
        self.records.push(record.clone());
        record
    }

    /// Waits for the learner: what changes in the workspace meanwhile is theirs, and no step's.
    pub fn meanwhile<T>(&mut self, wait: impl FnOnce() -> T) -> Result<T, WorkspaceError> {
        self.look();
        self.workspace.end()?;
        let waited = wait();
        self.workspace.go_on()?;
        Ok(waited)
    }

    /// Does one action of a plan.
    pub fn perform(
        &mut self,
        action: &Action<'r>,
        listen: Listen<'_, 'r>,
    ) -> Result<(), WorkspaceError> {
        match action {
            Action::Read(prose) => self.tell(&Event::Prose(prose), listen),
            Action::Write { file, shown } => self.write(file, *shown, listen)?,
            Action::Run(step) => {
                if self.is_elsewhere(step) {
                    self.stands_nowhere();
                }
                let running = self.look();
                self.run(step, listen);
                self.look_after(running, &step.id);
                self.moved_past(step);
            }
            Action::Check(check) => {
                let running = self.look();
                self.check(check, listen);
                self.look_after(running, &check.of);
            }
        }
        Ok(())
    }

    /// Looks at what changed in the workspace until now. Returns the steps that run in the
    /// background.
    fn look(&mut self) -> BTreeSet<String> {
        let running = self.background.iter();
        let running = running.filter_map(|(id, ..)| self.steps.get(id));
        let running = running.map(|step| step.id.clone()).collect();
        self.workspace.look(&running);
        running
    }

    /// Looks at what changed while a step ran, beside those in the background: those count alone,
    /// since nobody knows which of them it was, and they are the same in each run.
    fn look_after(&mut self, mut running: BTreeSet<String>, step: &str) {
        if running.is_empty() {
            running.insert(step.to_owned());
        }
        self.workspace.look(&running);
    }

    /// Says what of an earlier run is kept aside, since steps did not make it again.
    fn settle(&mut self, listen: Listen<'_, 'r>) {
        let steps = self.lesson.steps();
        let steps: BTreeMap<&str, bool> = steps
            .map(|step| (step.id.as_str(), self.went_as_expected(step)))
            .collect();
        for aside in self.workspace.settle(&|id| steps.get(id).copied()) {
            let (folder, files) = (&*aside.folder, &*aside.files);
            let _ = listen(&Event::KeptAside { folder, files }, self);
        }
    }

    fn went_as_expected(&self, step: &Step) -> bool {
        let record = self.record(&RecordId::Step(step.id.clone()));
        match (record.map(|record| &record.ending), step.exit) {
            (Some(Ending::Exited(code)), ExpectedExit::Code(expected)) => *code == expected,
            (Some(Ending::Exited(code)), ExpectedExit::NonZero) => *code != 0,
            (Some(Ending::Stopped), _) => true,
            (None | Some(_), _) => false,
        }
    }

    /// Closes the shells, takes away what is left, and says what happened in all.
    pub fn finish(mut self, listen: Listen<'_, 'r>) -> (Transcript, Result<(), WorkspaceError>) {
        let running = self.look();
        self.stop_background(listen);
        let mut leftovers = self.inventory_leftovers(listen);
        let mut closing = Output::default();
        for place in [Place::Host, Place::Kernel] {
            for happening in self.shells.finish(place) {
                match happening {
                    Happening::Output { stream, bytes, .. } => {
                        let _ = listen(
                            &Event::Output {
                                step: None,
                                stream,
                                bytes: &bytes,
                            },
                            &self,
                        );
                        keep(&mut closing, stream, &bytes);
                    }
                    Happening::Finished { leftovers: found } => {
                        leftovers.extend(found.into_iter().map(|(id, what)| {
                            Leftover {
                                step: id
                                    .and_then(|id| self.steps.get(&id))
                                    .map(|step| step.id.clone()),
                                what,
                                still_there: false,
                            }
                        }));
                    }
                    Happening::KeptYours(kept) => {
                        let _ = listen(&Event::KeptYours(&kept), &self);
                    }
                    Happening::Unguarded(refused) => {
                        let _ = listen(&Event::Unguarded(&refused), &self);
                    }
                    Happening::Ended { .. } => {}
                }
            }
        }
        self.look_after(running, CLOSING);
        self.settle(listen);
        let ended = self.put_again().and_then(|()| self.workspace.end());
        self.tidy_moments();
        let stays = self.workspace.close().into_iter();
        leftovers.extend(stays.map(|what| Leftover {
            step: None,
            what,
            still_there: true,
        }));
        for leftover in &leftovers {
            let _ = listen(&Event::LeftBehind(leftover), &self);
        }
        let transcript = Transcript {
            lesson: self.lesson.front.name.clone(),
            records: self.records,
            environment: self.environment,
            unknown: self.unknown,
            leftovers,
            closing,
            duration: self.started.elapsed(),
        };
        (transcript, ended)
    }

    pub(super) fn tell(&mut self, event: &Event<'_>, listen: Listen<'_, 'r>) {
        if let ControlFlow::Break(skip) = listen(event, self) {
            self.rest_skipped.get_or_insert(skip);
        }
    }

    pub(super) fn write(
        &mut self,
        file: &'r FileStep,
        shown: bool,
        listen: Listen<'_, 'r>,
    ) -> Result<(), WorkspaceError> {
        let written = self.workspace.write(file)?;
        let event = Event::File {
            file,
            written,
            shown,
        };
        self.tell(&event, listen);
        Ok(())
    }

    pub(super) fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }
}

#[cfg(test)]
mod tests;
