//! Moments of a lesson's run that it can be taken back to: one after each step.
//!
//! A moment is what the files were that steps made, what the shell of host steps knew, and the
//! state of the guest if a kernel step had run by then.

mod kept;
mod shell;
mod single;

pub use kept::Moments;

use super::{Runner, findings};
use crate::backend::Mode;
use crate::event::{Event, TakenBack};
use crate::lesson::{Place, Step};
use crate::transcript::{Ending, RecordId, Skip};
use crate::workspace::{Made, Works, WorkspaceError};
use kept::{Moment, hash, kind, text_until};
use single::Others;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a run stands among the moments of its lesson.
#[derive(Default)]
pub(super) struct Standing {
    kept: Option<Moments>,
    /// All steps before this one ran, in order; none if that is not so.
    next: Option<usize>,
    /// The file with the guest's state.
    guest: Option<String>,
    /// What the shell of host steps said of itself, by its hash.
    shell: Option<String>,
    /// Steps that were skipped, and the need that was not met.
    skipped: Vec<(String, String)>,
    /// The last step that was run.
    last: Option<usize>,
    /// What was there before single steps were run.
    others: Option<Others>,
}

/// Says whether some moment has this at that path.
fn knows(moments: &Moments) -> impl Fn(&Path, &Made<Vec<u8>>) -> bool + use<> {
    let known = moments.known();
    move |path, made| known.contains(&(path.to_owned(), kind(made, |content| hash(content))))
}

/// Hears of nothing: where moments are made nothing runs in the background.
fn nobody(_: &Event<'_>, _: &Runner<'_>) -> ControlFlow<Skip> {
    ControlFlow::Continue(())
}

impl<'r> Runner<'r> {
    /// Keeps a moment after each step from now on.
    pub fn keep_moments(&mut self, moments: Moments) {
        self.standing.kept = Some(moments);
    }

    /// True if moments are kept and this is not the moment before that step.
    pub fn is_elsewhere(&self, step: &Step) -> bool {
        self.standing.kept.is_some() && self.standing.next != self.index_of(step)
    }

    /// Returns the last step, up to this one, before which the lab can be had as it was; the first
    /// step of the lesson if there is none. Nothing if no moments are kept, or that of this step is
    /// not and no step before had to do with the lab. A state that is there is not looked into, so
    /// that taking it back may fail still.
    pub fn last_kept(&self, step: &Step) -> Option<&'r Step> {
        let moments = self.standing.kept.as_ref()?;
        let steps: Vec<&'r Step> = self.lesson.steps().collect();
        let index = self.index_of(step)?;
        let is_kept = |before: &Step| {
            let moment = moments.read(&before.id);
            moment.is_some_and(|moment| self.fits(&moment, before) && moments.has_all_of(&moment))
        };
        let kept = (1..=index).rev().find(|index| is_kept(steps[index - 1]));
        let mut before = steps[..index].iter();
        if kept != Some(index) && !before.any(|step| step.on == Place::Kernel) {
            return None;
        }
        steps.get(kept.unwrap_or(0)).copied()
    }

    /// True if a moment is of this text, and of this `tutor`.
    fn fits(&self, moment: &Moment, before: &Step) -> bool {
        moment.text == text_until(self.lesson, &before.id) && moment.tutor == self.options.tutor
    }

    /// Takes the guest, the shell of host steps, and the files that steps made, back to the moment
    /// before a step. Returns nothing if no moment fits or something runs in the background.
    pub fn rewind(&mut self, step: &Step) -> Result<Option<TakenBack>, WorkspaceError> {
        let (Some(moments), true) = (self.standing.kept.clone(), self.background.is_empty()) else {
            return Ok(None);
        };
        let mut taken = TakenBack {
            lab: self.shells.is_open(Place::Kernel),
            shell: self.shells.is_open(Place::Host),
        };
        let index = match self.index_of(step) {
            None => return Ok(None),
            Some(0) => {
                self.go_to_the_beginning(&moments)?;
                return Ok(Some(taken));
            }
            Some(index) => index,
        };
        let lesson = self.lesson;
        let Some(before) = lesson.steps().nth(index - 1) else {
            return Ok(None);
        };
        let moment = moments.read(&before.id);
        let Some(moment) = moment.filter(|moment| self.fits(moment, before)) else {
            return Ok(None);
        };
        let Some(made) = moments.contents(&moment.made) else {
            return Ok(None);
        };
        let script = match &moment.shell {
            None => None,
            Some(hash) => match moments.content(hash).map(String::from_utf8) {
                Some(Ok(script)) => Some(script),
                Some(Err(_)) | None => return Ok(None),
            },
        };
        if !self.still_lacks(&moment.skipped) {
            return Ok(None);
        }
        let session = match (&moment.guest, self.backend(Place::Kernel)) {
            (None, _) => None,
            (Some(_), None) => return Ok(None),
            (Some(name), Some(backend)) => match backend.reopen(&moments.guest(name)) {
                Some(session) => Some((session, backend)),
                None => return Ok(None),
            },
        };
        self.ahead.forget();
        self.shells.drop_session(Place::Kernel);
        self.workspace.restore(&made, &knows(&moments))?;
        if !self.reopen_host_shell(script.as_deref()) {
            return Ok(None);
        }
        self.inventory = moment.inventory;
        self.last_id = self.last_id.max(moment.last_id);
        for (id, name) in &moment.steps {
            if let Some(step) = lesson.step(name) {
                self.steps.insert(*id, step);
            }
        }
        if let Some((session, backend)) = session {
            self.shells.insert(Place::Kernel, session);
            if let Some(emulator) = backend.emulator() {
                self.environment.insert("machine".to_owned(), emulator);
            }
            // What cannot be learned now is missing from the report, as in a plain run.
            let _ = self.learn(Place::Kernel, &mut nobody);
        }
        taken.lab |= moment.guest.is_some();
        taken.shell |= moment.shell.is_some();
        self.standing.next = Some(index);
        self.standing.guest = moment.guest;
        self.standing.shell = moment.shell;
        self.standing.skipped = moment.skipped;
        Ok(Some(taken))
    }

    /// Closes the shells, and takes away what steps made.
    fn go_to_the_beginning(&mut self, moments: &Moments) -> Result<(), WorkspaceError> {
        self.ahead.forget();
        self.shells.drop_session(Place::Kernel);
        self.shells.drop_session(Place::Host);
        let nothing = Works::default();
        self.workspace.restore(&nothing, &knows(moments))?;
        self.inventory = None;
        self.stands_at_the_beginning();
        Ok(())
    }

    /// Closes the shell of host steps. If there was one at the moment, another one takes its
    /// place; returns false if that could not be.
    fn reopen_host_shell(&mut self, script: Option<&str>) -> bool {
        self.shells.drop_session(Place::Host);
        let Some(script) = script else { return true };
        if self.open(Place::Host, &mut nobody).is_err() {
            return false;
        }
        let asked = self.ask(Place::Host, Mode::Step, script, &mut nobody);
        asked.is_ok_and(|asked| asked.ended() == &Ending::Exited(0))
    }

    /// Asks the shell of host steps for what it knows, as a script that another one learns it by.
    fn host_shell(&mut self) -> Option<String> {
        let asked = self
            .ask(Place::Host, Mode::Check, shell::TELL, &mut nobody)
            .ok()?;
        let said = asked.printed();
        let is_whole = asked.ended() == &Ending::Exited(0) && said.left_out_bytes() == 0;
        let script = String::from_utf8(said.bytes()).ok()?;
        (is_whole && script.ends_with(shell::ALL)).then_some(script)
    }

    /// True if what kept these steps from running does so still. A kernel lacks what it lacked.
    fn still_lacks(&mut self, skipped: &[(String, String)]) -> bool {
        skipped.iter().all(|(step, lacking)| {
            let lesson = self.lesson;
            let Some(step) = lesson.step(step) else {
                return false;
            };
            let needs = lesson.front.needs.iter().chain(&step.needs);
            let Some(need) = needs.into_iter().find(|need| need.to_string() == *lacking) else {
                return false;
            };
            let Some(probe) = self.course.needs.get(&need.name) else {
                return false;
            };
            if probe.on == Place::Kernel && step.on == Place::Kernel {
                return true;
            }
            if self.open(Place::Host, &mut nobody).is_err() {
                return false;
            }
            let answer = self.answer(Place::Host, &probe.probe, &mut nobody);
            answer.is_ok_and(|answer| findings::missing(need, probe, &answer).is_some())
        })
    }

    /// A whole run begins: nothing has happened yet.
    pub(super) fn stands_at_the_beginning(&mut self) {
        self.standing.next = Some(0);
        self.standing.guest = None;
        self.standing.shell = None;
        self.standing.skipped.clear();
    }

    /// The guest is no longer what the steps before made it.
    pub(super) fn stands_nowhere(&mut self) {
        self.standing.next = None;
    }

    /// A step ended: if all before it ran, this is the moment after it.
    pub(super) fn moved_past(&mut self, step: &Step) {
        if self.standing.kept.is_none() {
            return;
        }
        let index = self.index_of(step);
        self.standing.last = index;
        let ending = self.record(&RecordId::Step(step.id.clone()));
        let ending = ending.map(|record| record.ending.clone());
        let is_whole = match ending {
            None | Some(Ending::Interrupted | Ending::Broken(_)) => false,
            // Asked again, it lacks the same; what kept other steps from running may be gone.
            Some(Ending::Skipped(Skip::Need { need, .. })) => {
                self.standing.skipped.push((step.id.clone(), need));
                true
            }
            Some(Ending::Skipped(_)) => false,
            Some(
                Ending::Exited(_) | Ending::Signaled(_) | Ending::TimedOut(_) | Ending::Stopped,
            ) => true,
        };
        if self.standing.next != index || !is_whole {
            return self.stands_nowhere();
        }
        self.standing.next = index.map(|index| index + 1);
        // Without a moment a later run has a longer way, and nothing else is lost.
        if !self.background.is_empty() || self.note_moment(step).is_none() {
            self.stands_nowhere();
        }
    }

    fn note_moment(&mut self, step: &Step) -> Option<()> {
        let moments = self.standing.kept.clone()?;
        fs::create_dir_all(&moments.folder).ok()?;
        let moment = moments.moment(&step.id);
        if self.shells.is_open(Place::Host) {
            let script = self.host_shell()?;
            self.standing.shell = Some(moments.keep(script.as_bytes()).ok()?);
        }
        self.workspace.claim(&knows(&moments));
        let made = self
            .workspace
            .works(&mut |content| moments.keep(content).ok())?;
        if step.on == Place::Kernel {
            // Another run of the step leaves another state, and moments after it have the old one.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            let name = format!("{}-{:x}.guest", step.id, now.as_nanos());
            let session = self.shells.session(Place::Kernel).ok()?;
            let saved = session.save(&moments.guest(&name)).ok()?;
            self.standing.guest = Some(name).filter(|_| saved);
            self.standing.guest.as_ref()?;
        }
        let of_guest = self
            .steps
            .iter()
            .filter(|(_, step)| step.on == Place::Kernel);
        let known = Moment {
            text: text_until(self.lesson, &step.id),
            tutor: self.options.tutor.clone(),
            guest: self.standing.guest.clone(),
            shell: self.standing.shell.clone(),
            made,
            skipped: self.standing.skipped.clone(),
            last_id: self.last_id,
            steps: of_guest.map(|(id, step)| (*id, step.id.clone())).collect(),
            inventory: self.inventory.clone(),
        };
        self.hand_on(&moments, step, &known);
        let bytes = serde_json::to_vec(&known).ok()?;
        moments.write(&moment, &bytes).ok()?;
        // So that they are known for the steps' own, however this process ends.
        self.workspace.end().ok()?;
        // What stays too long is more than is needed, and nothing else.
        let _ = moments.tidy();
        Some(())
    }

    fn index_of(&self, step: &Step) -> Option<usize> {
        self.lesson.steps().position(|other| other.id == step.id)
    }
}
