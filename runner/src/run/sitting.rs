//! One sitting over a lesson: a plan, how far it has come, the workspace, and the records of what
//! ran. `run`, `study`, `test` and `matrix` drive it; what happens is told as events.

use super::exclusive::{ExclusiveLock, Locks};
use super::moments::{Moments, Scene, Trail};
use super::needs::{Needs, port_taken};
use super::outdated::{files_above, outdated};
use super::places::{Options, Places};
use super::probes::ProbeCache;
use super::records::{Records, record_of};
use super::stage::{Stage, Waited};
use crate::course::Course;
use crate::event::{Event, Listener, Outdated, TakenBack};
use crate::lesson::{Background, ExpectedExit, FileStep, Lesson, Place, SKIP_REST, Step, StepKind};
use crate::plan::{Action, Plan};
use crate::say;
use crate::transcript::{
    Ending, KnownFacets, Leftover, Record, RecordId, ShellFate, Skip, Transcript,
};
use crate::workspace::{Workspace, WorkspaceError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Stands for a step while the shells of a lesson close; no step is called so.
const CLOSING: &str = "";

/// A lesson that is being run or studied.
pub struct Sitting<'r> {
    pub(super) plan: &'r Plan<'r>,
    pub(super) lesson: &'r Lesson,
    options: &'r Options,
    /// The action that is next.
    cursor: usize,
    pub(super) stage: Stage<'r>,
    needs: Needs<'r>,
    locks: Locks,
    pub(super) workspace: Workspace,
    told_outdated: BTreeSet<Outdated>,
    trail: Trail<'r>,
    pub(super) records: Records,
    rest_skipped: Option<Skip>,
    started: Instant,
    /// How long steps and checks took by now.
    pub(super) spent: Duration,
}

/// For whom a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// For itself: what is kept of its last run is no longer what it did last.
    Own,
    /// For an exercise that needs made anew what it makes: the state before that stays.
    OfExercise,
}

impl<'r> Sitting<'r> {
    /// Prepares to go through a plan. Nothing is started before a step needs it.
    pub fn new(
        plan: &'r Plan<'r>,
        course: &'r Course,
        places: &'r Places<'r>,
        probes: &'r ProbeCache,
        options: &'r Options,
        workspace: Workspace,
        listener: &'r mut dyn Listener,
    ) -> Self {
        let lesson = plan.lesson;
        let folders = (workspace.files(), workspace.home());
        Sitting {
            plan,
            lesson,
            options,
            cursor: 0,
            stage: Stage::new(places, options, folders, listener),
            needs: Needs::new(lesson, course, probes),
            locks: Locks::default(),
            workspace,
            told_outdated: BTreeSet::new(),
            trail: Trail::new(lesson, options),
            records: Records::default(),
            rest_skipped: None,
            started: Instant::now(),
            spent: Duration::ZERO,
        }
    }

    /// Keeps moments from now on, and knows those of earlier sittings.
    pub fn keep_moments(&mut self, moments: Moments) {
        self.trail.keep(moments);
    }

    /// Goes through another plan of the same lesson, from its beginning.
    pub fn follow(&mut self, plan: &'r Plan<'r>) {
        self.plan = plan;
        self.cursor = 0;
    }

    /// The facets of the environment, as far as they are known.
    pub fn facets(&self) -> &KnownFacets {
        &self.stage.facets
    }

    /// The record of a step that ran, or of a check; the newest, if it ran more than once.
    pub fn record(&self, id: &RecordId) -> Option<&Record> {
        self.records.get(id)
    }

    /// Begins. A sitting that goes on keeps what earlier steps made; a new one does not.
    pub fn begin(&mut self, goes_on: bool) -> Result<(), WorkspaceError> {
        match goes_on {
            true => self.workspace.go_on()?,
            false => {
                self.workspace.begin()?;
                self.trail.starts_over();
            }
        }
        self.stage.tell(&Event::LessonStarted {
            lesson: self.lesson,
            workspace: self.workspace.files(),
        });
        Ok(())
    }

    /// Goes to a step: what is next is the text that leads to it. The files that the text before
    /// writes are there.
    pub fn go_to(&mut self, step: &Step) -> Result<(), WorkspaceError> {
        self.cursor = 0;
        let Some(index) = self.position(step) else {
            return Ok(());
        };
        let done = |action: &Action<'_>| matches!(action, Action::Run(_) | Action::Check(_));
        let before = self.plan.actions[..index].iter().rposition(done);
        self.cursor = before.map_or(0, |index| index + 1);
        for action in &self.plan.actions[..self.cursor] {
            if let Action::Write { file, .. } = action {
                self.workspace.write(file)?;
            }
        }
        Ok(())
    }

    /// The step before what is next, if there is one.
    pub fn step_before(&self) -> Option<&'r Step> {
        let before = self.plan.actions[..self.cursor].iter().rev();
        before.into_iter().find_map(Action::step)
    }

    /// Goes back to a step: it is next.
    pub fn go_back_to(&mut self, step: &Step) {
        self.cursor = self.position(step).unwrap_or(self.cursor);
    }

    fn position(&self, step: &Step) -> Option<usize> {
        let is_it = |action: &Action<'_>| matches!(action, Action::Run(run) if run.id == step.id);
        self.plan.actions.iter().position(is_it)
    }

    /// The step of the plan with this id.
    pub fn step(&self, id: &str) -> Option<&'r Step> {
        self.plan.steps().find(|step| step.id == id)
    }

    /// True if no step of the lesson is before this one.
    pub fn is_first_of_lesson(&self, step: &Step) -> bool {
        self.lesson
            .steps()
            .next()
            .is_some_and(|first| first.id == step.id)
    }

    /// The first step of the plan.
    pub fn first_step(&self) -> Option<&'r Step> {
        self.plan.steps().next()
    }

    /// The action that is next.
    pub fn next_action(&self) -> Option<&'r Action<'r>> {
        self.plan.actions.get(self.cursor)
    }

    /// The step that is next, or comes after what is next.
    pub fn next_step(&self) -> Option<&'r Step> {
        self.plan.actions[self.cursor..]
            .iter()
            .find_map(Action::step)
    }

    /// Goes through the whole plan, until it is over or the learner stops it; see
    /// [`finish`](Sitting::finish).
    pub fn run_all(mut self) -> (Transcript, Result<(), WorkspaceError>) {
        let mut done = self.begin(self.plan.goes_on);
        while done.is_ok() && self.next_action().is_some() && self.options.interrupt.presses() == 0
        {
            done = self.advance();
        }
        let (transcript, finished) = self.finish();
        (transcript, done.and(finished))
    }

    /// Returns what a step that comes next would find that was made before a file of the lesson changed.
    pub fn outdated(&self) -> Vec<Outdated> {
        outdated(self.plan, self.cursor, &self.workspace, &self.records)
    }

    /// Shows the step that is next, before it is known whether it is to run.
    pub fn reach(&mut self) {
        if let (Some(Action::Run(step)), false) = (self.next_action(), self.has_stopped()) {
            self.tell_outdated();
            self.stage.tell(&Event::StepReached(step));
        }
    }

    /// Says what is outdated, each once.
    fn tell_outdated(&mut self) {
        for outdated in self.outdated() {
            if !self.told_outdated.contains(&outdated) {
                self.stage.tell(&Event::Outdated(&outdated));
                self.told_outdated.insert(outdated);
            }
        }
    }

    /// True if the rest is skipped since a step failed: then nothing of it is shown.
    fn has_stopped(&self) -> bool {
        matches!(self.rest_skipped, Some(Skip::StoppedEarly(_)))
    }

    /// Does what is next.
    pub fn advance(&mut self) -> Result<(), WorkspaceError> {
        if let (true, Some(Action::Run(step))) = (self.plan.is_of_single_steps, self.next_action())
        {
            self.prepare_single(step)?;
        }
        self.reach();
        self.perform()
    }

    /// Does what is next, where it was shown that it is reached.
    pub fn perform(&mut self) -> Result<(), WorkspaceError> {
        let Some(action) = self.next_action() else {
            return Ok(());
        };
        if let (Action::Run(_), false) = (action, self.has_stopped()) {
            self.tell_outdated();
        }
        self.cursor += 1;
        match action {
            Action::Read(_) | Action::Write { .. } if self.has_stopped() => {}
            Action::Read(nodes) => self.stage.tell(&Event::Prose(nodes)),
            Action::Write { file, shown } => self.write(file, *shown)?,
            Action::Run(step) => {
                self.trail.reaches(step, &self.stage);
                let running = self.look();
                match step.kind {
                    StepKind::Exercise => self.exercise(step)?,
                    StepKind::Plain | StepKind::Quiz => self.run(step),
                }
                self.look_after(running, &step.id);
                self.keep_moment(step);
            }
            Action::Check(check) => {
                let running = self.look();
                self.check(check);
                self.look_after(running, &check.of);
            }
        }
        self.heed();
        Ok(())
    }

    /// Notes that the learner goes on without the step that is next.
    pub fn skip(&mut self, skip: Skip) {
        if let Some(Action::Run(step)) = self.next_action() {
            self.cursor += 1;
            let record = record_of(step, Ending::Skipped(skip));
            self.ended(step, record, None);
        }
    }

    /// Waits for the learner: what changes in the workspace meanwhile is theirs, and no step's.
    pub fn meanwhile<T>(&mut self, wait: impl FnOnce() -> T) -> Result<T, WorkspaceError> {
        self.look();
        self.workspace.end()?;
        let waited = wait();
        self.workspace.go_on()?;
        Ok(waited)
    }

    /// True if moments are kept and this is not the moment before that step.
    pub fn is_elsewhere(&self, step: &Step) -> bool {
        self.trail.is_elsewhere(step)
    }

    /// Returns the last step, up to this one, before which the lab can be had as it was; the first
    /// step of the lesson if there is none. Nothing if no moments are kept, or that of this step is
    /// not and no step before had to do with the lab. A state that is there is not looked into, so
    /// that taking it back may fail still.
    pub fn last_kept(&self, step: &Step) -> Option<&'r Step> {
        self.trail.last_kept(step)
    }

    /// Takes the guest, the shell of host steps, and the files that steps made, back to the moment
    /// before a step. Returns nothing if no moment fits or something runs in the background.
    pub fn rewind(&mut self, step: &Step) -> Result<Option<TakenBack>, WorkspaceError> {
        self.with_trail(|trail, scene| trail.rewind(step, scene))
    }

    fn with_trail<T>(&mut self, work: impl FnOnce(&mut Trail<'r>, &mut Scene<'_, 'r>) -> T) -> T {
        let mut scene = Scene {
            stage: &mut self.stage,
            needs: &mut self.needs,
            workspace: &mut self.workspace,
        };
        work(&mut self.trail, &mut scene)
    }

    /// Single steps each run in the state from before them, where one is kept.
    fn prepare_single(&mut self, step: &Step) -> Result<(), WorkspaceError> {
        self.look();
        self.with_trail(|trail, scene| trail.prepare_single(step, scene))
    }

    fn keep_moment(&mut self, step: &'r Step) {
        self.heed();
        let record = self.record(&RecordId::Step(step.id.clone()));
        let ending = record.map(|record| record.ending.clone());
        self.with_trail(|trail, scene| trail.moves_past(step, ending.as_ref(), scene));
    }

    /// Looks at what changed in the workspace until now. Returns the steps that run in the
    /// background.
    pub(super) fn look(&mut self) -> BTreeSet<String> {
        let running = self.stage.in_background();
        let running = running.map(|step| step.id.clone()).collect();
        self.look_by(&running);
        running
    }

    /// Says what of the learner's the steps wrote over, and where it is kept.
    fn look_by(&mut self, running: &BTreeSet<String>) {
        if let Some(over) = self.workspace.look(running) {
            let (folder, files) = (&*over.folder, &*over.files);
            self.stage.tell(&Event::WrittenOver { folder, files });
        }
    }

    /// Looks at what changed while a step ran, beside those in the background: those count alone,
    /// since it is not known which of them it was, and they are the same in each run.
    fn look_after(&mut self, mut running: BTreeSet<String>, step: &str) {
        if running.is_empty() {
            running.insert(step.to_owned());
        }
        self.look_by(&running);
    }

    fn write(&mut self, file: &'r FileStep, shown: bool) -> Result<(), WorkspaceError> {
        let written = self.workspace.write(file)?;
        self.stage.tell(&Event::File {
            file,
            written,
            shown,
        });
        Ok(())
    }

    /// Heeds which background steps ended meanwhile, and whether the rest is to be skipped.
    fn heed(&mut self) {
        for record in self.stage.take_over() {
            if let RecordId::Step(id) = &record.id
                && let Some(step) = self.lesson.step(id)
            {
                self.locks.release(id);
                let ending = record.ending.clone();
                self.records.complete(record);
                self.heed_skip_rest(step, &ending);
            } else {
                self.records.complete(record);
            }
        }
        if let Some(skip) = self.stage.take_stopped() {
            self.rest_skipped.get_or_insert(skip);
        }
    }

    /// Skips what has not begun if a step, in the background or not, asked for that.
    pub(super) fn heed_skip_rest(&mut self, step: &Step, ending: &Ending) {
        let asked = *ending == Ending::Exited(SKIP_REST);
        if asked && step.exit != ExpectedExit::Code(SKIP_REST) {
            let ran = self.records.ran(&step.id, &self.stage);
            let said = ran.and_then(|(_, output)| output.last_line());
            let step = step.id.clone();
            self.rest_skipped
                .get_or_insert(Skip::RestSkipped { step, said });
        }
    }

    /// Runs a step and notes how it ended, or that it goes on in the background.
    pub(super) fn run(&mut self, step: &'r Step) {
        let Some((record, run)) = self.attempt(step, Turn::Own) else {
            return;
        };
        let ending = record.ending.clone();
        self.ended(step, record, run);
        self.heed_skip_rest(step, &ending);
    }

    /// Runs a step. Returns how it ended, with its number; nothing if it goes on in the background.
    pub(super) fn attempt(&mut self, step: &'r Step, turn: Turn) -> Option<(Record, Option<u32>)> {
        let held = match self.may_run(step) {
            Ok(held) => held,
            Err(ending) => return Some((record_of(step, ending), None)),
        };
        self.needs.touch(step.on);
        let edited = self.edited();
        if turn == Turn::Own {
            self.trail.begins(step, &self.workspace);
        }
        let above = files_above(self.plan, self.cursor);
        if let Err(error) = self.workspace.begins(&step.id, above) {
            let ending = Ending::Broken(error.to_string());
            return Some((record_of(step, ending), None));
        }
        let began = Instant::now();
        let timeout = self.options.timeout.unwrap_or(step.timeout);
        let limit = timeout.min(self.options.lesson_timeout.saturating_sub(self.spent));
        let (run, waited) = self.stage.run(step, limit);
        let duration = began.elapsed();
        self.spent += duration;
        let mut record = Record {
            duration,
            edited,
            ..record_of(step, Ending::Interrupted)
        };
        match waited {
            Ok(Waited::Ready) => {
                self.stage.tell(&Event::StepReady(step));
                self.records.push(record.clone(), run);
                // Its record is completed when it ends.
                if let Some(id) = run {
                    self.stage.keep_in_background(id, record);
                    self.locks.keep(step, held);
                }
                return None;
            }
            Ok(Waited::Ended(ending, shell)) => {
                let waits = step.background.as_ref();
                let waits = waits.is_some_and(|until| *until != Background::AtOnce);
                record.ending = match ending {
                    Ending::Exited(0) if waits => Ending::Broken(say!("never-ready")),
                    ending => ending,
                };
                record.shell = shell;
            }
            Err(error) => {
                if error.is_end() {
                    record.shell = ShellFate::Lost;
                }
                record.ending = Ending::Broken(error.to_string());
            }
        }
        record.output = run.map(|id| self.stage.runs.output(id)).unwrap_or_default();
        Some((record, run))
    }

    pub(super) fn ended(&mut self, step: &'r Step, record: Record, run: Option<u32>) {
        self.stage.tell(&Event::StepEnded {
            step,
            record: &record,
        });
        self.records.push(record, run);
    }

    /// Sees to all that a step needs. Returns what it holds alone while it runs.
    fn may_run(&mut self, step: &'r Step) -> Result<Option<Arc<ExclusiveLock>>, Ending> {
        self.heed();
        self.is_to_go_on()?;
        let limit = self.options.lesson_timeout;
        if self.spent >= limit {
            return Err(Ending::Skipped(Skip::LessonTimeout(limit)));
        }
        self.needs.meet(step, &mut self.stage)?;
        let held = match &step.exclusive {
            Some(name) if self.stage.is_on_this_kernel(step.on) => {
                let waits = &mut || self.stage.tell(&Event::StepWaits(step));
                Some(self.locks.take(self.options, name, waits)?)
            }
            Some(_) | None => None,
        };
        // A background step may have asked for it meanwhile.
        self.heed();
        self.is_to_go_on()?;
        if let Some(port) = port_taken(step, self.workspace.files(), &mut self.stage)? {
            return Err(Ending::Broken(say!("port-taken", port = port.to_string())));
        }
        Ok(held)
    }

    pub(super) fn is_to_go_on(&self) -> Result<(), Ending> {
        match &self.rest_skipped {
            Some(skip) => Err(Ending::Skipped(skip.clone())),
            None => Ok(()),
        }
    }

    /// The lesson's files above what runs now that the learner edited.
    pub(super) fn edited(&self) -> Vec<PathBuf> {
        self.workspace.edited(files_above(self.plan, self.cursor))
    }

    /// Says what of an earlier run is kept aside, since steps did not make it again.
    fn settle(&mut self) {
        let steps = self.lesson.steps();
        let steps: BTreeMap<&str, bool> = steps
            .map(|step| (step.id.as_str(), self.went_as_expected(step)))
            .collect();
        for aside in self.workspace.settle(&|id| steps.get(id).copied()) {
            let (folder, files) = (&*aside.folder, &*aside.files);
            self.stage.tell(&Event::KeptAside { folder, files });
        }
    }

    /// True if a step goes on in the background.
    pub fn is_in_background(&self, step: &Step) -> bool {
        self.stage.in_background().any(|one| one.id == step.id)
    }

    /// The same of a step by its id, which may go on in the background.
    pub(super) fn goes_as_expected(&self, step: &str) -> bool {
        let step = self.lesson.step(step);
        step.is_some_and(|step| self.is_in_background(step) || self.went_as_expected(step))
    }

    fn went_as_expected(&self, step: &Step) -> bool {
        let record = self.record(&RecordId::Step(step.id.clone()));
        record.is_some_and(|record| record.ending.is_as_expected(step.exit))
    }

    /// Closes the shells, takes away what is left, and says what happened in all: also where the
    /// workspace let `tutor` down on the way, which is the second value.
    pub fn finish(mut self) -> (Transcript, Result<(), WorkspaceError>) {
        let running = self.look();
        self.stage.stop_background();
        self.heed();
        let mut leftovers = self.needs.left_on_kernel(&mut self.stage);
        for place in [Place::Host, Place::Kernel] {
            leftovers.extend(self.stage.finish(place));
        }
        self.look_after(running, CLOSING);
        self.settle();
        let ended = self
            .with_trail(|trail, scene| trail.put_again(scene.workspace))
            .and_then(|()| self.workspace.end());
        self.trail.tidy();
        let stays = self.workspace.close().into_iter();
        leftovers.extend(stays.map(|what| Leftover {
            step: None,
            what,
            still_there: true,
        }));
        for leftover in &leftovers {
            self.stage.tell(&Event::LeftBehind(leftover));
        }
        let transcript = Transcript {
            lesson: self.lesson.front.name.clone(),
            records: self.records.whole(&self.stage),
            leftovers,
            closing: self.stage.take_closing(),
            facets: self.stage.facets,
            duration: self.started.elapsed(),
        };
        (transcript, ended)
    }
}
