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
use crate::workspace::{ArtifactCache, Artifacts, WorkspaceError};
use kept::{Changes, Moment, texts};
use single::Others;
use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};
use tutor_files::Below;

/// Where a run stands among the moments of its lesson.
#[derive(Default)]
pub(super) struct Standing {
    kept: Option<Moments>,
    /// The lesson's steps by their ids: which one it is.
    steps: HashMap<String, usize>,
    /// The hashes of the lesson's text up to each step.
    texts: Vec<String>,
    /// What steps had made.
    made: ArtifactCache<String>,
    /// All steps before this one ran, in order; none if that is not so.
    next: Option<usize>,
    /// The file with the guest's state.
    guest: Option<String>,
    /// What the shell of host steps said of itself, by its hash.
    shell: Option<String>,
    /// The last step that was run.
    last: Option<usize>,
    /// What was there before single steps were run.
    others: Option<Others>,
}

/// Hears of nothing: where moments are made nothing runs in the background.
fn nobody(_: &Event<'_>, _: &Runner<'_>) -> ControlFlow<Skip> {
    ControlFlow::Continue(())
}

impl<'r> Runner<'r> {
    /// Keeps a moment after each step from now on.
    pub fn keep_moments(&mut self, moments: Moments) {
        let steps = self.lesson.steps().enumerate();
        self.standing.steps = steps
            .map(|(index, step)| (step.id.clone(), index))
            .collect();
        self.standing.texts = texts(self.lesson);
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
        let moments_before = steps[..index].iter().map_while(|step| {
            let moment = self.fitting(moments, step)?;
            moments.has_contents_of(moment).then_some(moment)
        });
        let kept = moments_before
            .enumerate()
            .filter(|(_, moment)| moments.has_states_of(moment))
            .last()
            .map(|(before, _)| before + 1);
        let mut before = steps[..index].iter();
        if kept != Some(index) && !before.any(|step| step.on == Place::Kernel) {
            return None;
        }
        steps.get(kept.unwrap_or(0)).copied()
    }

    /// The moment after a step, if it is of this text, and of this `tutor`.
    fn fitting<'m>(&self, moments: &'m Moments, step: &Step) -> Option<&'m Moment> {
        let moment = moments.get(&step.id)?;
        let fits = Some(&moment.text) == self.standing.texts.get(self.index_of(step)?);
        (fits && moment.tutor == self.options.tutor).then_some(moment)
    }

    /// Takes the guest, the shell of host steps, and the files that steps made, back to the moment
    /// before a step. Returns nothing if no moment fits or something runs in the background.
    pub fn rewind(&mut self, step: &Step) -> Result<Option<TakenBack>, WorkspaceError> {
        if !self.background.is_empty() {
            return Ok(None);
        }
        let Some(moments) = self.standing.kept.take() else {
            return Ok(None);
        };
        let taken = self.rewind_by(&moments, step);
        self.standing.kept = Some(moments);
        taken
    }

    fn rewind_by(
        &mut self,
        moments: &Moments,
        step: &Step,
    ) -> Result<Option<TakenBack>, WorkspaceError> {
        let mut taken = TakenBack {
            lab: self.shells.is_open(Place::Kernel),
            shell: self.shells.is_open(Place::Host),
        };
        let index = match self.index_of(step) {
            None => return Ok(None),
            Some(0) => {
                self.go_to_the_beginning(moments)?;
                return Ok(Some(taken));
            }
            Some(index) => index,
        };
        let lesson = self.lesson;
        let mut made = Artifacts::default();
        let mut lacked = Vec::new();
        let mut last = None;
        for step in lesson.steps().take(index) {
            let Some(moment) = self.fitting(moments, step) else {
                return Ok(None);
            };
            moment.changed.apply(&mut made);
            lacked.extend(moment.lacked.as_ref().map(|need| (step, need.as_str())));
            last = Some(moment);
        }
        let (Some(moment), Some(contents)) = (last, moments.contents(&made)) else {
            return Ok(None);
        };
        let script = match &moment.shell {
            None => None,
            Some(hash) => match moments.content(hash).map(String::from_utf8) {
                Some(Ok(script)) => Some(script),
                Some(Err(_)) | None => return Ok(None),
            },
        };
        if !self.still_lacks(&lacked) {
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
        self.shells.drop_session(Place::Kernel);
        self.workspace
            .restore(&contents, &|path, made| moments.knows(path, made))?;
        if !self.reopen_host_shell(script.as_deref()) {
            return Ok(None);
        }
        self.inventory = moment.inventory.clone();
        self.last_id = self.last_id.max(moment.last_id);
        for (id, name) in &moment.steps {
            if let Some(step) = lesson.step(name) {
                self.steps.insert(*id, step);
            }
        }
        if let Some((session, backend)) = session {
            self.shells.insert(Place::Kernel, session);
            self.learn_machine(backend);
            // What cannot be learned now is missing from the report, as in a plain run.
            let _ = self.learn(Place::Kernel, &mut nobody);
        }
        taken.lab |= moment.guest.is_some();
        taken.shell |= moment.shell.is_some();
        self.standing.next = Some(index);
        self.standing.guest = moment.guest.clone();
        self.standing.shell = moment.shell.clone();
        self.standing.made = ArtifactCache::from(made);
        Ok(Some(taken))
    }

    /// Closes the shells, and takes away what steps made.
    fn go_to_the_beginning(&mut self, moments: &Moments) -> Result<(), WorkspaceError> {
        self.shells.drop_session(Place::Kernel);
        self.shells.drop_session(Place::Host);
        let nothing = Artifacts::default();
        self.workspace
            .restore(&nothing, &|path, made| moments.knows(path, made))?;
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
        shell::script(&said.bytes()).filter(|_| is_whole)
    }

    /// True if what kept these steps from running does so still. A kernel lacks what it lacked.
    fn still_lacks(&mut self, lacked: &[(&Step, &str)]) -> bool {
        lacked.iter().all(|(step, lacking)| {
            let needs = self.lesson.front.needs.iter().chain(&step.needs);
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
        self.standing.made = ArtifactCache::default();
    }

    /// The guest is no longer what the steps before made it.
    pub(super) fn stands_nowhere(&mut self) {
        self.standing.next = None;
    }

    /// A step ended: if all before it ran, this is the moment after it.
    pub(super) fn moved_past(&mut self, step: &Step) {
        let Some(mut moments) = self.standing.kept.take() else {
            return;
        };
        self.moved_past_by(&mut moments, step);
        self.standing.kept = Some(moments);
    }

    fn moved_past_by(&mut self, moments: &mut Moments, step: &Step) {
        let index = self.index_of(step);
        self.standing.last = index;
        let ending = self.record(&RecordId::Step(step.id.clone()));
        let ending = ending.map(|record| record.ending.clone());
        let mut lacked = None;
        let is_whole = match ending {
            None | Some(Ending::Interrupted | Ending::Broken(_)) => false,
            // Asked again, it lacks the same; what kept other steps from running may be gone.
            Some(Ending::Skipped(Skip::Need { need, .. })) => {
                lacked = Some(need);
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
        if !self.background.is_empty() || self.note_moment(moments, step, lacked).is_none() {
            self.stands_nowhere();
        }
    }

    fn note_moment(
        &mut self,
        moments: &mut Moments,
        step: &Step,
        lacked: Option<String>,
    ) -> Option<()> {
        fs::create_dir_all(&moments.folder).ok()?;
        if self.shells.is_open(Place::Host) {
            let script = self.host_shell()?;
            self.standing.shell = Some(moments.keep(script.as_bytes()).ok()?);
        }
        self.workspace
            .claim(&|path, made| moments.knows(path, made));
        let mut made = self.workspace.works(&self.standing.made, &mut |content| {
            moments.keep(content).ok()
        })?;
        let is_theirs = |path: &Below| self.workspace.is_theirs(path);
        let changed = Changes::between(&self.standing.made.works, &made.works, &is_theirs);
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
        let text = self.standing.texts.get(self.index_of(step)?)?.clone();
        let moment = Moment {
            text,
            tutor: self.options.tutor.clone(),
            guest: self.standing.guest.clone(),
            shell: self.standing.shell.clone(),
            changed,
            lacked,
            last_id: self.last_id,
            steps: of_guest.map(|(id, step)| (*id, step.id.clone())).collect(),
            inventory: self.inventory.clone(),
        };
        let mut works = std::mem::take(&mut self.standing.made).works;
        moment.changed.apply(&mut works);
        made.works = works;
        self.standing.made = made;
        moments.put(&step.id, moment).ok()?;
        // So that they are known for the steps' own, however this process ends.
        self.workspace.end().ok()
    }

    /// Ends the sitting: what stays too long is more than is needed, and nothing else.
    pub(super) fn tidy_moments(&self) {
        if let Some(moments) = &self.standing.kept {
            let _ = moments.tidy();
        }
    }

    fn index_of(&self, step: &Step) -> Option<usize> {
        self.standing.steps.get(&step.id).copied()
    }
}
