//! Where steps run: the shells of a lesson, one a place, with all that goes on in them. The only
//! loop that waits for a shell is [`Stage::hear_until`]. Which step is next is left to
//! [`Sitting`](super::Sitting).

use super::environment::environment;
use super::places::{KernelPlace, Options, Places};
use super::ready::question;
use super::runs::{OpenRuns, RunEnd};
use crate::backend::{
    Answer, Backend, BackendError, Happening, KernelOwner, Mode, Opening, Session, Status,
};
use crate::event::{Event, Listener, Stream};
use crate::lesson::{Background, Place, Step};
use crate::transcript::{
    Ending, HEAD_BYTES, KnownFacets, Leftover, Output, Record, RecordId, ShellFate, Skip,
    TAIL_BYTES,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time between a kind signal and a sure one.
const GRACE: Duration = Duration::from_secs(2);

/// How long a need or a facet may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a wait looks up: for Ctrl-C, a deadline, a file that should appear.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// The most that shells print as they close.
const CLOSING_BYTES: u64 = (HEAD_BYTES + TAIL_BYTES) as u64;

/// The shells of a lesson, and what runs in them.
pub struct Stage<'r> {
    places: &'r Places<'r>,
    pub(super) options: &'r Options,
    files: PathBuf,
    home: PathBuf,
    listener: &'r mut dyn Listener,
    /// The facets of the places, as known so far.
    pub(super) facets: KnownFacets,
    open: BTreeMap<Place, Box<dyn Session>>,
    /// The places that were given up, and whose next step has not been told so.
    lost: BTreeSet<Place>,
    pub(super) runs: OpenRuns<'r>,
    /// The steps that run in the background, in the order in which they were begun.
    background: Vec<BackgroundStep>,
    /// The records of background steps that ended, for the sitting.
    over: Vec<Record>,
    /// Why the listener wants nothing more to run.
    stopped: Option<Skip>,
    /// The output of the shells as they closed.
    closing: Output,
    leftovers: Option<Vec<(Option<u32>, String)>>,
    /// What did not end, and was given up with its place.
    unending: Vec<Leftover>,
    last_output: Instant,
    /// True if nothing more was said when that was looked for last.
    is_quiet: bool,
}

/// A step that runs in the background, and its record until now.
struct BackgroundStep {
    id: u32,
    record: Record,
}

/// The result of waiting for a run.
pub(super) enum Waited {
    /// It ended.
    Ended(Ending, ShellFate),
    /// It runs in the background, and is ready.
    Ready,
}

/// The result of a question.
pub(super) struct Asked {
    /// How it ended.
    pub ending: Ending,
    /// Its output.
    pub output: Output,
    /// The fate of the lesson's shell.
    pub shell: ShellFate,
}

/// The limits of a wait, beside the end of the run.
struct Patience {
    limit: Duration,
    /// The presses of Ctrl-C that do not count: those from before.
    presses: usize,
}

impl<'r> Stage<'r> {
    /// Nothing is started before something is to run.
    pub fn new(
        places: &'r Places<'r>,
        options: &'r Options,
        folders: (&Path, &Path),
        listener: &'r mut dyn Listener,
    ) -> Self {
        let (files, home) = folders;
        Stage {
            places,
            options,
            files: files.to_owned(),
            home: home.to_owned(),
            listener,
            facets: KnownFacets::default(),
            open: BTreeMap::new(),
            lost: BTreeSet::new(),
            runs: OpenRuns::default(),
            background: Vec::new(),
            over: Vec::new(),
            stopped: None,
            closing: Output::default(),
            leftovers: None,
            unending: Vec::new(),
            last_output: Instant::now(),
            is_quiet: false,
        }
    }

    /// Tells the listener.
    pub(super) fn tell(&mut self, event: &Event<'_>) {
        if let ControlFlow::Break(skip) = self.listener.hear(event, &self.facets) {
            self.stopped.get_or_insert(skip);
        }
    }

    /// Why the listener wants nothing more to run, once.
    pub(super) fn take_stopped(&mut self) -> Option<Skip> {
        self.stopped.take()
    }

    /// The background steps that ended since this was asked last.
    pub(super) fn take_over(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.over)
    }

    /// The steps that run in the background.
    pub(super) fn in_background(&self) -> impl Iterator<Item = &Step> {
        let steps = self.background.iter();
        steps.filter_map(|background| self.runs.step_of(background.id))
    }

    /// The backend of a place, if there is one.
    pub(super) fn backend(&self, place: Place) -> Option<&'r dyn Backend> {
        match (place, &self.places.kernel) {
            (Place::Host, _) => Some(self.places.host),
            (Place::Kernel, KernelPlace::Backend(backend)) => Some(*backend),
            (Place::Kernel, KernelPlace::None { .. }) => None,
        }
    }

    /// True if steps in a place meet this machine's own kernel.
    pub(super) fn is_on_this_kernel(&self, place: Place) -> bool {
        let backend = self.backend(place);
        backend.is_none_or(|backend| backend.kernel() == KernelOwner::ThisMachine)
    }

    pub(super) fn is_open(&self, place: Place) -> bool {
        self.open.contains_key(&place)
    }

    /// Opens a place's shell at its first use. True if it was opened now.
    pub(super) fn open(&mut self, place: Place) -> Result<bool, BackendError> {
        if self.is_open(place) {
            return Ok(false);
        }
        let backend = match (place, &self.places.kernel) {
            (Place::Host, _) => self.places.host,
            (Place::Kernel, KernelPlace::Backend(backend)) => *backend,
            (Place::Kernel, KernelPlace::None { reason, remedy }) => {
                let (reason, remedy) = (reason.clone(), remedy.clone());
                return Err(BackendError::Unusable { reason, remedy });
            }
        };
        let session = backend.open(&Opening {
            folder: &self.files,
            home: &self.home,
            environment: &environment(self.options, place, &self.home),
            own_mounts: place == Place::Kernel,
        })?;
        self.put(place, session);
        Ok(true)
    }

    /// Takes a shell that was opened elsewhere.
    pub(super) fn put(&mut self, place: Place, session: Box<dyn Session>) {
        self.open.insert(place, session);
        let kernel = self.backend(place).map(|backend| backend.kernel());
        if let Some(KernelOwner::Guest {
            machine: Some(machine),
        }) = kernel
        {
            // Outputs are recorded with it.
            self.facets.values.insert("machine".to_owned(), machine);
        }
    }

    /// Closes a place without hearing it.
    pub(super) fn close(&mut self, place: Place) {
        self.open.remove(&place);
        self.lost.remove(&place);
    }

    /// Gives up a place that is gone or does not answer: its background steps ended with it, and
    /// the next step there opens it anew.
    fn lose(&mut self, place: Place) {
        self.open.remove(&place);
        self.lost.insert(place);
        let background = std::mem::take(&mut self.background);
        let (lost, kept) = background
            .into_iter()
            .partition(|background| background.record.place == place);
        self.background = kept;
        let lost: Vec<BackgroundStep> = lost;
        for background in lost {
            self.complete(background, Ending::Broken(BackendError::Gone.to_string()));
        }
    }

    /// Gives up a place if what was asked of it shows that it is gone.
    fn heed_end<T>(
        &mut self,
        place: Place,
        asked: Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        if asked.as_ref().is_err_and(BackendError::is_end) {
            self.lose(place);
        }
        asked
    }

    /// The shell of a place, as a session.
    pub(super) fn session(&mut self, place: Place) -> Result<&mut dyn Session, BackendError> {
        match self.open.get_mut(&place) {
            Some(session) => Ok(session.as_mut()),
            None => Err(BackendError::Gone),
        }
    }

    /// Runs a step until it ended, or is ready in the background. Returns the id of its run, if it
    /// began, and what waiting for it came to.
    pub(super) fn run(
        &mut self,
        step: &'r Step,
        limit: Duration,
    ) -> (Option<u32>, Result<Waited, BackendError>) {
        let mode = match step.background {
            Some(_) => Mode::Background,
            None => Mode::Step,
        };
        let is_shell_new = self.lost.remove(&step.on);
        let begun = self.begin(step.on, mode, &step.script, Some(step));
        self.tell(&Event::StepStarted(step));
        let id = match begun {
            Ok(id) => id,
            Err(error) => return (None, Err(error)),
        };
        // Presses from before the step count: the learner wants an end. A caller that goes on
        // after one forgets it.
        let patience = Patience { limit, presses: 0 };
        let waited = match self.wait(step.on, id, &patience) {
            Ok(Waited::Ended(ending, ShellFate::Kept)) if is_shell_new => {
                Ok(Waited::Ended(ending, ShellFate::New))
            }
            waited => waited,
        };
        // Its own record says that.
        self.lost.remove(&step.on);
        (Some(id), waited)
    }

    /// Lets a step that is ready go on in the background.
    pub(super) fn keep_in_background(&mut self, id: u32, record: Record) {
        self.background.push(BackgroundStep { id, record });
    }

    /// Runs something short in a place and waits for its end.
    pub(super) fn ask(
        &mut self,
        place: Place,
        mode: Mode,
        script: &str,
    ) -> Result<Asked, BackendError> {
        let limit = self.options.timeout.unwrap_or(PROBE_TIMEOUT);
        let patience = Patience {
            limit: limit.max(Duration::from_secs(1)),
            presses: self.options.interrupt.presses(),
        };
        let id = self.begin(place, mode, script, None)?;
        let waited = self.wait(place, id, &patience);
        let output = self.runs.forget(id);
        Ok(match waited? {
            Waited::Ended(ending, shell) => Asked {
                ending,
                output,
                shell,
            },
            // A question runs in the foreground.
            Waited::Ready => return Err(BackendError::Gone),
        })
    }

    /// Runs a probe in a place, which is opened if it is not, in a shell of its own.
    pub fn probe(&mut self, place: Place, probe: &str) -> Result<Answer, BackendError> {
        self.open(place)?;
        let asked = self.ask(place, Mode::Aside, probe)?;
        Ok(Answer::of(&asked.ending, &asked.output))
    }

    /// Hears all that a step in the background has printed by now: no run is told to have ended
    /// before what others printed until then.
    pub(super) fn catch_up(&mut self, step: &str) {
        let running = self.background.iter().map(|background| &background.record);
        let mut running = running.filter(|record| record.id == RecordId::Step(step.to_owned()));
        if let Some(place) = running.next().map(|record| record.place) {
            // Where that cannot be asked, the check cannot either, and says why.
            let _ = self.ask(place, Mode::Aside, ":");
        }
    }

    fn begin(
        &mut self,
        place: Place,
        mode: Mode,
        script: &str,
        step: Option<&'r Step>,
    ) -> Result<u32, BackendError> {
        let id = self.runs.next_id();
        let begun = self
            .session(place)
            .and_then(|session| session.run(id, mode, script));
        self.heed_end(place, begun)?;
        self.last_output = Instant::now();
        self.runs.begin(id, step);
        Ok(id)
    }

    /// Waits for a run to end or to be ready. One that takes too long, or that the learner stops, is
    /// ended. A place that does not do that is given up.
    fn wait(&mut self, place: Place, id: u32, patience: &Patience) -> Result<Waited, BackendError> {
        let began = Instant::now();
        // How it is being ended, if it is, and since when.
        let mut ended: Option<(Ending, Instant)> = None;
        let mut at_once = false;
        let waited = self.hear_until(place, |stage| {
            if let Some(end) = stage.runs.get(id).and_then(|run| run.end) {
                let ending = match &ended {
                    Some((ending, _)) => ending.clone(),
                    None => ending_of(end.status),
                };
                return Ok(Some(Waited::Ended(ending, end.shell)));
            }
            if ended.is_none() && stage.is_ready(place, id)? {
                return Ok(Some(Waited::Ready));
            }
            let presses = stage.options.interrupt.presses();
            let presses = presses.saturating_sub(patience.presses);
            match &ended {
                None if presses > 0 => {
                    stage.session(place)?.end(id, GRACE)?;
                    ended = Some((Ending::Interrupted, Instant::now()));
                }
                None if began.elapsed() >= patience.limit => {
                    stage.session(place)?.end(id, GRACE)?;
                    ended = Some((Ending::TimedOut(patience.limit), Instant::now()));
                }
                Some((Ending::Interrupted, _)) if presses > 1 && !at_once => {
                    stage.session(place)?.end(id, Duration::ZERO)?;
                    at_once = true;
                }
                Some((ending, since)) if since.elapsed() >= GRACE * 4 => {
                    let ending = ending.clone();
                    let step = stage.runs.step_of(id);
                    let left = step.map(|step| Leftover::unending(&step.id));
                    stage.unending.extend(left);
                    stage.lose(place);
                    return Ok(Some(Waited::Ended(ending, ShellFate::Lost)));
                }
                None | Some(_) => {}
            }
            if let Some(step) = stage.runs.step_of(id).filter(|_| stage.is_quiet) {
                let (running, silent) = (began.elapsed(), stage.last_output.elapsed());
                stage.tell(&Event::StepTicks {
                    step,
                    running,
                    silent,
                });
            }
            Ok(None)
        });
        self.heed_end(place, waited)
    }

    /// True if a run is ready for the next step to begin.
    fn is_ready(&mut self, place: Place, id: u32) -> Result<bool, BackendError> {
        let run = self.runs.get(id);
        let Some(readiness) = run.and_then(|run| run.readiness.as_ref()) else {
            return Ok(false);
        };
        let until = readiness.until();
        if self.is_seen_from_here(until, place) {
            return Ok(readiness.is_ready(&self.files));
        }
        let Some(question) = question(until, &self.files) else {
            return Ok(readiness.is_ready(&self.files));
        };
        let answer = self.probe(place, &question)?;
        if let Answer::Yes(_) = answer {
            return Ok(true);
        }
        std::thread::sleep(TICK);
        Ok(false)
    }

    /// False for what only a guest can see, and ports of what has a network of its own.
    pub(super) fn is_seen_from_here(&self, until: &Background, place: Place) -> bool {
        let is_here = match until {
            Background::AtOnce | Background::Line(_) | Background::File(_) => true,
            Background::Port(_) => {
                place == Place::Kernel || !self.options.surroundings.has_own_network()
            }
        };
        is_here && self.is_on_this_kernel(place)
    }

    /// Hears what is said until something holds; it is looked for whenever nothing more was said.
    fn hear_until<T>(
        &mut self,
        place: Place,
        mut look: impl FnMut(&mut Self) -> Result<Option<T>, BackendError>,
    ) -> Result<T, BackendError> {
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            let happening = self.session(place)?.next(TICK)?;
            self.is_quiet = happening.is_none();
            match happening {
                Some(happening) => self.heard(happening),
                None => self.hear_others(place),
            }
        }
    }

    /// Hears what other places have to say, so that nothing of theirs waits. One that is gone is no
    /// concern of the place that is waited for.
    fn hear_others(&mut self, place: Place) {
        let others: Vec<Place> = self.open.keys().copied().collect();
        for other in others.into_iter().filter(|other| *other != place) {
            loop {
                let next = self.session(other).and_then(|it| it.next(Duration::ZERO));
                match next {
                    Ok(Some(happening)) => self.heard(happening),
                    Ok(None) => break,
                    Err(_) => {
                        self.lose(other);
                        break;
                    }
                }
            }
        }
    }

    fn heard(&mut self, happening: Happening) {
        match happening {
            Happening::Output { id, stream, bytes } => self.printed(id, stream, &bytes),
            Happening::Ended {
                id,
                status,
                shell,
                on_request,
            } => {
                self.runs.ended(id, RunEnd { status, shell });
                let mut background = self.background.iter();
                if let Some(position) = background.position(|background| background.id == id) {
                    let background = self.background.remove(position);
                    let ending = match on_request {
                        true => Ending::Stopped,
                        false => ending_of(status),
                    };
                    self.complete(background, ending);
                }
            }
            Happening::KeptYours(kept) => self.tell(&Event::KeptYours(&kept)),
            Happening::Unguarded(refused) => self.tell(&Event::Unguarded(&refused)),
            Happening::OutOfMemory(process) => self.tell(&Event::OutOfMemory(&process)),
            Happening::Finished { leftovers } => self.leftovers = Some(leftovers),
        }
    }

    fn printed(&mut self, id: u32, stream: Stream, bytes: &[u8]) {
        self.last_output = Instant::now();
        let step = match self.runs.printed(id, stream, bytes) {
            Some(run) => {
                let Some(step) = run.step else { return };
                Some(step.id.as_str())
            }
            // A shell prints what its traps do as it closes.
            None if id == 0 && self.leftovers.is_none() => {
                self.closing.push(stream, bytes);
                None
            }
            None => return,
        };
        self.tell(&Event::Output {
            step,
            stream,
            bytes,
        });
    }

    fn complete(&mut self, background: BackgroundStep, ending: Ending) {
        let BackgroundStep { id, mut record } = background;
        record.ending = ending;
        record.output = self.runs.output(id);
        if let Some(step) = self.runs.step_of(id) {
            self.tell(&Event::StepEnded {
                step,
                record: &record,
            });
        }
        self.over.push(record);
    }

    /// Ends what runs in the background: last started, first stopped, as one undoes things at a
    /// terminal.
    pub(super) fn stop_background(&mut self) {
        while let Some(background) = self.background.last() {
            let (id, place) = (background.id, background.record.place);
            let began = Instant::now();
            let stopped = match self.session(place).and_then(|place| place.end(id, GRACE)) {
                Ok(()) => self.hear_until(place, |stage| {
                    let runs = |background: &BackgroundStep| background.id == id;
                    let is_over = !stage.background.iter().any(runs);
                    Ok((is_over || began.elapsed() >= GRACE * 4).then_some(()))
                }),
                Err(error) => Err(error),
            };
            if let Some(background) = self.background.pop_if(|background| background.id == id) {
                let ending = stopped.map_or_else(
                    |error| Ending::Broken(error.to_string()),
                    |()| Ending::Stopped,
                );
                self.complete(background, ending);
            }
        }
    }

    /// Closes a place's shell, and returns what it left behind.
    pub(super) fn finish(&mut self, place: Place) -> Vec<Leftover> {
        let finished = self.session(place).and_then(|place| place.finish(GRACE));
        let began = Instant::now();
        if finished.is_ok() {
            // One that is gone has said all.
            let _ = self.hear_until(place, |stage| {
                // A process that prints without end at the end is not heard out.
                let is_flood = stage.closing.left_out_bytes() > CLOSING_BYTES;
                let is_over = stage.leftovers.is_some() || began.elapsed() >= GRACE * 4;
                Ok((is_over || is_flood).then_some(()))
            });
        }
        self.close(place);
        let leftovers = self.leftovers.take().unwrap_or_default().into_iter();
        let unending = std::mem::take(&mut self.unending);
        let named = leftovers.map(|(id, what)| {
            let step = id.and_then(|id| self.runs.step_of(id));
            Leftover {
                step: step.map(|step| step.id.clone()),
                what,
                still_there: false,
            }
        });
        unending.into_iter().chain(named).collect()
    }

    /// Returns what the shells printed as they closed.
    pub(super) fn take_closing(&mut self) -> Output {
        std::mem::take(&mut self.closing)
    }
}

/// How a run ended, in the transcript's words.
fn ending_of(status: Status) -> Ending {
    match status {
        Status::Exited(code) => Ending::Exited(code),
        Status::Signaled(signal) => Ending::Signaled(signal),
    }
}
