//! Runs a plan and says what happened. Judging is left to [`crate::report`].

pub mod asides;
pub mod exclusive;
pub mod findings;
pub mod interrupt;
mod ready;
mod shells;

pub use findings::Findings;
pub use interrupt::Interrupt;

use crate::backend::{Backend, BackendError, Happening, Mode, Status};
use crate::course::Course;
use crate::event::{Event, Stream};
use crate::lesson::{Check, FileStep, LESSON_TIMEOUT, Lesson, Place, SKIP_REST, Step};
use crate::plan::{Action, Plan};
use crate::transcript::{Capture, Ending, Leftover, Output, Record, RecordId, Skip, Transcript};
use crate::workspace::{Workspace, WorkspaceError};
use ready::Readiness;
use shells::Shells;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The time between a kind signal and a sure one.
pub const GRACE: Duration = Duration::from_secs(2);

/// How long a need or a facet may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a wait looks up: for Ctrl-C, a deadline, a file that should appear.
const TICK: Duration = Duration::from_millis(20);

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
    /// The folder of the `tutor` that steps call; it comes first in their `PATH`.
    pub tutor: PathBuf,
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
    records: Vec<Record>,
    environment: BTreeMap<String, String>,
    inventory: Option<Vec<String>>,
    rest_skipped: Option<Skip>,
    started: Instant,
    spent: Duration,
    last_id: u32,
}

/// Runs a whole plan. The listener may end it early by breaking.
pub fn execute<'r>(
    plan: &Plan<'r>,
    mut runner: Runner<'r>,
    listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
) -> Result<Transcript, WorkspaceError> {
    runner.resume(false, listen)?;
    for action in &plan.actions {
        runner.perform(action, plan, listen)?;
        if runner.options.interrupt.presses() > 0 {
            break;
        }
    }
    runner.finish(listen)
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
            records: Vec::new(),
            environment: BTreeMap::new(),
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

    /// What is known of a step that ran, or of a check.
    pub fn record(&self, id: &RecordId) -> Option<&Record> {
        self.records.iter().rfind(|record| record.id == *id)
    }

    /// Begins a sitting. One that goes on keeps what earlier steps made; a new one does not.
    pub fn resume(
        &mut self,
        goes_on: bool,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<(), WorkspaceError> {
        if !goes_on {
            self.workspace.begin()?;
        }
        let event = Event::LessonStarted { lesson: self.lesson, workspace: self.workspace.files() };
        let _ = listen(&event, self);
        Ok(())
    }

    /// Notes that a step was not run.
    pub fn skip(&mut self, step: &Step, skip: Skip) {
        self.records.push(Record {
            id: RecordId::Step(step.id.clone()),
            ending: Ending::Skipped(skip),
            output: Output::default(),
            duration: Duration::ZERO,
            place: step.on,
            shell_lost: false,
        });
    }

    /// Does one action of a plan.
    pub fn perform(
        &mut self,
        action: &Action<'r>,
        plan: &Plan<'r>,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<(), WorkspaceError> {
        match action {
            Action::Read(prose) => self.tell(&Event::Prose(prose), listen),
            Action::Write(file) => self.write(file, listen)?,
            Action::Run(step) => self.run(step, plan, listen),
            Action::Check(check) => self.check(check, listen),
        }
        Ok(())
    }

    /// Closes the shells, takes away what is left, and says what happened in all.
    pub fn finish(
        mut self,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<Transcript, WorkspaceError> {
        self.stop_background(listen);
        let mut leftovers = self.inventory_leftovers();
        let mut closing = Output::default();
        for place in [Place::Host, Place::Kernel] {
            for happening in self.shells.finish(place) {
                match happening {
                    Happening::Output { stream, bytes, .. } => {
                        let _ = listen(&Event::Output { step: None, stream, bytes: &bytes }, &self);
                        keep(&mut closing, stream, &bytes);
                    }
                    Happening::Finished { leftovers: found } => {
                        leftovers.extend(found.into_iter().map(|(id, what)| Leftover {
                            step: id.and_then(|id| self.steps.get(&id)).map(|step| step.id.clone()),
                            what,
                            still_there: false,
                        }));
                    }
                    Happening::Ended { .. } => {}
                }
            }
        }
        for leftover in &leftovers {
            let _ = listen(&Event::LeftBehind(leftover), &self);
        }
        self.workspace.end()?;
        Ok(Transcript {
            lesson: self.lesson.front.name.clone(),
            records: self.records,
            environment: self.environment,
            leftovers,
            closing,
            duration: self.started.elapsed(),
        })
    }

    fn tell(&mut self, event: &Event<'_>, listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>) {
        if let ControlFlow::Break(skip) = listen(event, self) {
            self.rest_skipped.get_or_insert(skip);
        }
    }

    fn write(
        &mut self,
        file: &'r FileStep,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<(), WorkspaceError> {
        let written = self.workspace.write(file)?;
        self.tell(&Event::File { file, written }, listen);
        Ok(())
    }

    fn run(
        &mut self,
        step: &'r Step,
        plan: &Plan<'r>,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) {
        self.tell(&Event::StepReached(step), listen);
        let mut record = Record {
            id: RecordId::Step(step.id.clone()),
            ending: Ending::Interrupted,
            output: Output::default(),
            duration: Duration::ZERO,
            place: step.on,
            shell_lost: false,
        };
        match self.may_run(step) {
            Ok(()) => {}
            Err(ending) => {
                record.ending = ending;
                self.ended(step, record, listen);
                return;
            }
        }
        let mut held = None;
        if let Some(name) = &step.exclusive {
            match self.take(step, name, listen) {
                Ok(got) => held = Some(got),
                Err(ending) => {
                    record.ending = ending;
                    self.ended(step, record, listen);
                    return;
                }
            }
        }
        self.tell(&Event::StepStarted(step), listen);
        let id = self.next_id();
        self.steps.insert(id, step);
        self.records.push(record);
        let index = self.records.len() - 1;
        let began = Instant::now();
        let outcome = self.run_in_shell(step, id, index, listen);
        self.spent += began.elapsed();
        drop(held);
        let record = &mut self.records[index];
        record.duration = began.elapsed();
        match outcome {
            Ok(Some(ending)) => record.ending = ending,
            Ok(None) => {
                // A background step goes on; its record is completed when it ends.
                self.background.push((id, step.on, index));
                self.tell(&Event::StepReady(step), listen);
                return;
            }
            Err(error) => record.ending = Ending::Broken(error.to_string()),
        }
        if record.ending == Ending::Exited(SKIP_REST) && step.exit != crate::lesson::ExpectedExit::Code(SKIP_REST) {
            self.rest_skipped.get_or_insert(Skip::RestSkipped(step.id.clone()));
        }
        if plan.checks_of(&step.id) {
            let kept = self.shells.keep_output(self.workspace.home(), &step.id, &self.records[index]);
            if let Err(error) = kept {
                self.records[index].ending = Ending::Broken(error.to_string());
            }
        }
        let record = self.records[index].clone();
        self.tell(&Event::StepEnded { step, record: &record }, listen);
    }

    /// Runs a step in its place's shell until it ended (`Some`) or is ready in the background (`None`).
    fn run_in_shell(
        &mut self,
        step: &'r Step,
        id: u32,
        index: usize,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<Option<Ending>, BackendError> {
        let timeout = self.options.timeout.unwrap_or(step.timeout);
        let limit = timeout.min(LESSON_TIMEOUT.saturating_sub(self.spent));
        let mode = if step.background.is_some() { Mode::Background } else { Mode::Step };
        self.shells.session(step.on)?.run(id, mode, &step.script)?;
        let mut readiness = step.background.as_ref().map(Readiness::new);
        let began = Instant::now();
        let mut last_output = began;
        let deadline = began + limit;
        let mut giving_up: Option<Ending> = None;
        let presses_before = self.options.interrupt.presses();
        loop {
            if readiness.as_ref().is_some_and(|ready| ready.is_ready(self.workspace.files())) && giving_up.is_none() {
                return Ok(None);
            }
            let presses = self.options.interrupt.presses() - presses_before.min(self.options.interrupt.presses());
            let now = Instant::now();
            let wait = deadline.saturating_duration_since(now).min(TICK);
            match &giving_up {
                None if presses > 0 => {
                    self.shells.session(step.on)?.kill(id, GRACE)?;
                    giving_up = Some(Ending::Interrupted);
                }
                None if now >= deadline => {
                    self.shells.session(step.on)?.kill(id, GRACE)?;
                    giving_up = Some(Ending::TimedOut(limit));
                }
                Some(Ending::Interrupted) if presses > 1 => {
                    self.shells.session(step.on)?.kill(id, Duration::ZERO)?;
                }
                Some(ending) if now >= deadline + GRACE * 4 && presses == 0 => {
                    // The place does not answer; closing it ends all that it keeps.
                    self.shells.drop_session(step.on);
                    return Ok(Some(ending.clone()));
                }
                None | Some(_) => {}
            }
            let wait = if giving_up.is_some() { TICK } else { wait };
            let Some(happening) = self.shells.session(step.on)?.next(wait)? else {
                self.hear_others(step.on, listen)?;
                let (running, silent) = (began.elapsed(), last_output.elapsed());
                self.tell(&Event::StepTicks { step, running, silent }, listen);
                continue;
            };
            match happening {
                Happening::Ended { id: ended, status, shell_lost } if ended == id => {
                    self.records[index].shell_lost = shell_lost;
                    return Ok(Some(giving_up.unwrap_or_else(|| ending_of(status))));
                }
                Happening::Output { id: printed, stream, bytes } => {
                    if printed == id && let Some(ready) = &mut readiness {
                        ready.printed(stream, &bytes);
                    }
                    last_output = Instant::now();
                    self.printed(printed, stream, &bytes, listen);
                }
                other => self.heard(other, listen),
            }
        }
    }

    fn check(&mut self, check: &'r Check, listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>) {
        let place = self.lesson.step(&check.of).map_or(Place::Host, |step| step.on);
        let began = Instant::now();
        let mut output = Output::default();
        let step = self.record(&RecordId::Step(check.of.clone()));
        let ran = step.is_some_and(|record| !matches!(record.ending, Ending::Skipped(_)));
        let ending = if let Some(skip) = &self.rest_skipped {
            Ending::Skipped(skip.clone())
        } else if !ran {
            Ending::Skipped(Skip::StepSkipped(check.of.clone()))
        } else {
            let script = self.shells.with_output_of(self.workspace.home(), &check.of, step, &check.script);
            match self.ask(place, Mode::Check, &script) {
                Ok((status, printed)) => {
                    output = printed;
                    status
                }
                Err(error) => Ending::Broken(error.to_string()),
            }
        };
        let record = Record {
            id: RecordId::Check(check.name.clone()),
            ending,
            output,
            duration: began.elapsed(),
            place,
            shell_lost: false,
        };
        self.spent += record.duration;
        self.records.push(record.clone());
        self.tell(&Event::CheckEnded { check, record: &record }, listen);
    }

    /// Runs something short in a place and waits for its end.
    fn ask(&mut self, place: Place, mode: Mode, script: &str) -> Result<(Ending, Output), BackendError> {
        let id = self.next_id();
        let timeout = self.options.timeout.unwrap_or(PROBE_TIMEOUT).max(Duration::from_secs(1));
        let deadline = Instant::now() + timeout;
        self.shells.session(place)?.run(id, mode, script)?;
        let mut output = Output::default();
        let mut timed_out = false;
        loop {
            let now = Instant::now();
            if now >= deadline && !timed_out {
                timed_out = true;
                self.shells.session(place)?.kill(id, GRACE)?;
            }
            if now >= deadline + GRACE * 4 {
                self.shells.drop_session(place);
                return Ok((Ending::TimedOut(timeout), output));
            }
            match self.shells.session(place)?.next(TICK)? {
                Some(Happening::Output { id: printed, stream, bytes }) if printed == id => {
                    keep(&mut output, stream, &bytes);
                }
                Some(Happening::Ended { id: ended, status, .. }) if ended == id => {
                    let ending = if timed_out { Ending::TimedOut(timeout) } else { ending_of(status) };
                    return Ok((ending, output));
                }
                Some(other) => self.heard(other, &mut |_, _| ControlFlow::Continue(())),
                None => {}
            }
        }
    }

    fn may_run(&mut self, step: &Step) -> Result<(), Ending> {
        if let Some(skip) = &self.rest_skipped {
            return Err(Ending::Skipped(skip.clone()));
        }
        if self.spent >= LESSON_TIMEOUT {
            return Err(Ending::Skipped(Skip::LessonTimeout(LESSON_TIMEOUT)));
        }
        self.open(step.on)?;
        for need in self.lesson.front.needs.iter().chain(&step.needs) {
            let Some(probe) = self.course.needs.get(&need.name) else { continue };
            let place = if probe.on == Place::Kernel { step.on } else { Place::Host };
            self.open(place)?;
            let findings = self.findings;
            let answer = findings.answer(place, &probe.probe, || self.probe(place, &probe.probe));
            let answer = answer.map_err(|error| Ending::Broken(error.to_string()))?;
            if let Some(skip) = findings::missing(need, probe, &answer) {
                return Err(Ending::Skipped(skip));
            }
        }
        Ok(())
    }

    fn probe(&mut self, place: Place, script: &str) -> Result<findings::Answer, BackendError> {
        let (ending, output) = self.ask(place, Mode::Aside, script)?;
        Ok(findings::Answer::of(ending == Ending::Exited(0), &output))
    }

    /// Opens a place's shell at its first use, and learns what its environment is like.
    fn open(&mut self, place: Place) -> Result<(), Ending> {
        if self.shells.is_open(place) {
            return Ok(());
        }
        let backend = match (place, &self.places.kernel) {
            (Place::Host, _) => self.places.host,
            (Place::Kernel, KernelPlace::Backend(backend)) => *backend,
            (Place::Kernel, KernelPlace::None { reason, remedy }) => {
                let skip = Skip::NoPlace { reason: reason.clone(), remedy: remedy.clone() };
                return Err(Ending::Skipped(skip));
            }
        };
        let opened = self.shells.open(place, backend, &self.workspace, &self.options.tutor);
        opened.map_err(|error| Ending::Broken(error.to_string()))?;
        self.learn(place).map_err(|error| Ending::Broken(error.to_string()))
    }

    fn learn(&mut self, place: Place) -> Result<(), BackendError> {
        let course = self.course;
        let findings = self.findings;
        for (name, facet) in course.facets.iter().filter(|(_, facet)| facet.on == place) {
            let answer = findings.answer(place, &facet.probe, || self.probe(place, &facet.probe))?;
            if let Some(value) = findings::facet_value(facet, &answer) {
                self.environment.insert(name.clone(), value);
            }
        }
        if place == Place::Kernel && let Some(inventory) = &course.inventory {
            self.inventory = Some(lines(&self.probe(place, inventory)?.text));
        }
        Ok(())
    }

    fn inventory_leftovers(&mut self) -> Vec<Leftover> {
        let (Some(before), Some(inventory)) = (self.inventory.take(), &self.course.inventory) else {
            return Vec::new();
        };
        let Ok(after) = self.probe(Place::Kernel, inventory) else { return Vec::new() };
        lines(&after.text)
            .into_iter()
            .filter(|line| !before.contains(line))
            .map(|what| Leftover { step: None, what, still_there: true })
            .collect()
    }

    fn take(
        &mut self,
        step: &'r Step,
        name: &str,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<exclusive::Held, Ending> {
        let deadline = Instant::now() + LESSON_TIMEOUT;
        let mut told = false;
        loop {
            match exclusive::try_take(&self.options.locks, name) {
                Ok(Some(held)) => return Ok(held),
                Ok(None) if self.options.interrupt.presses() > 0 => return Err(Ending::Interrupted),
                Ok(None) if Instant::now() > deadline => return Err(Ending::TimedOut(LESSON_TIMEOUT)),
                Ok(None) => {
                    if !told {
                        self.tell(&Event::StepWaits(step), listen);
                        told = true;
                    }
                    std::thread::sleep(TICK);
                }
                Err(error) => {
                    let what = crate::say!("exclusive-failed", name = name, error = error.to_string());
                    return Err(Ending::Broken(what));
                }
            }
        }
    }

    fn ended(
        &mut self,
        step: &'r Step,
        record: Record,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) {
        self.records.push(record.clone());
        self.tell(&Event::StepEnded { step, record: &record }, listen);
    }

    fn stop_background(&mut self, listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>) {
        // Last started, first stopped, as one undoes things at a terminal.
        while let Some((id, place, index)) = self.background.pop() {
            let deadline = Instant::now() + GRACE * 4;
            let mut ending = None;
            if let Ok(session) = self.shells.session(place)
                && session.stop(id, GRACE).is_ok()
            {
                while ending.is_none() && Instant::now() < deadline {
                    let next = self.shells.session(place).and_then(|session| session.next(TICK));
                    match next {
                        Ok(Some(Happening::Ended { id: ended, .. })) if ended == id => ending = Some(Ending::Stopped),
                        Ok(Some(happening)) => self.heard(happening, listen),
                        Ok(None) => {}
                        Err(error) => ending = Some(Ending::Broken(error.to_string())),
                    }
                }
            }
            let ending = ending.unwrap_or(Ending::Stopped);
            self.complete(id, index, ending, listen);
        }
    }

    fn complete(
        &mut self,
        id: u32,
        index: usize,
        ending: Ending,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) {
        self.records[index].ending = ending;
        let Some(step) = self.steps.get(&id).copied() else { return };
        let record = self.records[index].clone();
        self.tell(&Event::StepEnded { step, record: &record }, listen);
    }

    /// Hears what other places have to say, so that nothing of theirs waits.
    fn hear_others(
        &mut self,
        place: Place,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) -> Result<(), BackendError> {
        let other = match place {
            Place::Host => Place::Kernel,
            Place::Kernel => Place::Host,
        };
        if !self.shells.is_open(other) {
            return Ok(());
        }
        while let Some(happening) = self.shells.session(other)?.next(Duration::ZERO)? {
            self.heard(happening, listen);
        }
        Ok(())
    }

    fn heard(
        &mut self,
        happening: Happening,
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) {
        match happening {
            Happening::Output { id, stream, bytes } => self.printed(id, stream, &bytes, listen),
            Happening::Ended { id, status, .. } => {
                let Some(position) = self.background.iter().position(|(running, ..)| *running == id) else { return };
                let (id, _, index) = self.background.remove(position);
                self.complete(id, index, ending_of(status), listen);
            }
            Happening::Finished { .. } => {}
        }
    }

    fn printed(
        &mut self,
        id: u32,
        stream: Stream,
        bytes: &[u8],
        listen: &mut dyn FnMut(&Event<'_>, &Runner<'r>) -> ControlFlow<Skip>,
    ) {
        let Some(step) = self.steps.get(&id).copied() else { return };
        let wanted = RecordId::Step(step.id.clone());
        if let Some(record) = self.records.iter_mut().rfind(|record| record.id == wanted) {
            keep(&mut record.output, stream, bytes);
        }
        self.tell(&Event::Output { step: Some(&step.id), stream, bytes }, listen);
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }
}

fn keep(output: &mut Output, stream: Stream, bytes: &[u8]) {
    let capture: &mut Capture = match stream {
        Stream::Stdout => &mut output.stdout,
        Stream::Stderr => &mut output.stderr,
    };
    capture.push(bytes);
}

fn ending_of(status: Status) -> Ending {
    match status {
        Status::Exited(code) => Ending::Exited(code),
        Status::Signaled(signal) => Ending::Signaled(signal),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
