//! Where a run stands among the moments of its lesson, and going back to one.

use super::kept::{Changes, Moment, Moments, texts};
use super::shell;
use crate::backend::{Mode, Session};
use crate::event::{Event, TakenBack};
use crate::lesson::{Lesson, Place, Step};
use crate::run::needs::Needs;
use crate::run::places::Options;
use crate::run::stage::Stage;
use crate::transcript::{Ending, ShellFate, Skip};
use crate::workspace::{ArtifactCache, Artifacts, Workspace, WorkspaceError};
use std::collections::HashMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};
use tutor_files::Below;

/// Of a lesson of so many steps a moment is kept after each.
const EACH: usize = 64;
/// Of a longer one so many are kept, at equal distances: a moment takes as long as ten steps that do
/// little.
const FEW: usize = 16;

/// The parts of a run that a moment records.
pub(in crate::run) struct Scene<'s, 'r> {
    pub stage: &'s mut Stage<'r>,
    pub needs: &'s mut Needs<'r>,
    pub workspace: &'s mut Workspace,
}

/// Where a run stands.
pub(in crate::run) struct Trail<'r> {
    lesson: &'r Lesson,
    options: &'r Options,
    kept: Option<Moments>,
    /// The lesson's steps by their ids: which one it is.
    steps: HashMap<&'r str, usize>,
    /// The hashes of the lesson's text up to each step.
    texts: Vec<String>,
    /// The artifacts of steps at the last moment.
    made: ArtifactCache<String>,
    /// The steps that were skipped since then, each with the need that was not met.
    lacked: Vec<(String, String)>,
    /// All steps before this one ran, in order; none if that is not so.
    next: Option<usize>,
    /// The file with the guest's state.
    guest: Option<String>,
    /// True if a kernel step ran since that was written.
    is_guest_changed: bool,
    /// The state of the shell of host steps, by its hash.
    shell: Option<String>,
    /// The last step that was run.
    last: Option<usize>,
    /// The artifacts from before single steps were run.
    others: Option<Others>,
}

/// The artifacts that single steps are to leave as they were.
struct Others {
    /// The artifacts that steps had made before.
    later: Artifacts<Vec<u8>>,
    /// The artifacts as the single ones began.
    first: Artifacts<Vec<u8>>,
}

/// The sum of all moments up to one.
struct MomentSum<'m> {
    made: Artifacts<String>,
    lacked: Vec<&'m (String, String)>,
    last: &'m Moment,
}

impl<'r> Trail<'r> {
    pub fn new(lesson: &'r Lesson, options: &'r Options) -> Self {
        Trail {
            lesson,
            options,
            kept: None,
            steps: HashMap::new(),
            texts: Vec::new(),
            made: ArtifactCache::default(),
            lacked: Vec::new(),
            next: None,
            guest: None,
            is_guest_changed: false,
            shell: None,
            last: None,
            others: None,
        }
    }

    /// Keeps moments from now on.
    pub fn keep(&mut self, moments: Moments) {
        let steps = self.lesson.steps().enumerate();
        self.steps = steps.map(|(index, step)| (&*step.id, index)).collect();
        self.texts = texts(self.lesson);
        self.kept = Some(moments);
    }

    fn index_of(&self, step: &Step) -> Option<usize> {
        self.steps.get(&*step.id).copied()
    }

    /// True if a moment is kept after this step.
    fn is_kept_after(&self, index: usize) -> bool {
        let every = match self.steps.len() {
            0..=EACH => 1,
            many => many.div_ceil(FEW),
        };
        (index + 1).is_multiple_of(every) || index + 1 == self.steps.len()
    }

    /// True if moments are kept and this is not the moment before that step.
    pub fn is_elsewhere(&self, step: &Step) -> bool {
        self.kept.is_some() && self.next != self.index_of(step)
    }

    /// See [`Sitting::last_kept`](crate::run::Sitting::last_kept).
    pub fn last_kept(&self, step: &Step) -> Option<&'r Step> {
        let moments = self.kept.as_ref()?;
        let steps: Vec<&'r Step> = self.lesson.steps().collect();
        let index = self.index_of(step)?;
        let moments_before = (0..index)
            .filter(|before| self.is_kept_after(*before))
            .map_while(|before| {
                let moment = self.fitting(moments, steps[before])?;
                moments.has_contents_of(moment).then_some((before, moment))
            });
        let kept = moments_before
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
        let fits = Some(&moment.text) == self.texts.get(self.index_of(step)?);
        (fits && moment.tutor == self.options.tutor).then_some(moment)
    }

    /// Returns the sum of the moments that lead to the one before a step.
    fn sum<'m>(&self, moments: &'m Moments, index: usize) -> Option<MomentSum<'m>> {
        let mut made = Artifacts::default();
        let mut lacked = Vec::new();
        let mut last = None;
        for (before, step) in self.lesson.steps().take(index).enumerate() {
            if self.is_kept_after(before) {
                let moment = self.fitting(moments, step)?;
                moment.changed.apply(&mut made);
                lacked.extend(&moment.lacked);
                last = Some((before, moment));
            }
        }
        match last {
            Some((before, last)) if before + 1 == index => Some(MomentSum { made, lacked, last }),
            Some(_) | None => None,
        }
    }

    /// See [`Sitting::rewind`](crate::run::Sitting::rewind).
    pub fn rewind(
        &mut self,
        step: &Step,
        scene: &mut Scene<'_, 'r>,
    ) -> Result<Option<TakenBack>, WorkspaceError> {
        if scene.stage.in_background().next().is_some() {
            return Ok(None);
        }
        let Some(moments) = self.kept.take() else {
            return Ok(None);
        };
        let taken = self.rewind_by(&moments, step, scene);
        self.kept = Some(moments);
        taken
    }

    fn rewind_by(
        &mut self,
        moments: &Moments,
        step: &Step,
        scene: &mut Scene<'_, 'r>,
    ) -> Result<Option<TakenBack>, WorkspaceError> {
        let mut taken = TakenBack {
            lab: scene.stage.is_open(Place::Kernel),
            shell: scene.stage.is_open(Place::Host),
        };
        let index = match self.index_of(step) {
            None => return Ok(None),
            Some(0) => {
                self.go_to_the_beginning(moments, scene)?;
                return Ok(Some(taken));
            }
            Some(index) => index,
        };
        let Some(MomentSum { made, lacked, last }) = self.sum(moments, index) else {
            return Ok(None);
        };
        let Some(contents) = moments.contents(&made) else {
            return Ok(None);
        };
        let script = match &last.shell {
            None => None,
            Some(hash) => match moments.content(hash).map(String::from_utf8) {
                Some(Ok(script)) => Some(script),
                Some(Err(_)) | None => return Ok(None),
            },
        };
        let still = lacked.into_iter().all(|(step, need)| {
            let step = self.lesson.step(step);
            step.is_some_and(|step| scene.needs.still_lacks(step, need, scene.stage))
        });
        if !still {
            return Ok(None);
        }
        let guest = match &last.guest {
            None => None,
            Some(name) => match reopened(&moments.guest(name), scene.stage) {
                Some(session) => Some(session),
                None => return Ok(None),
            },
        };
        scene.stage.close(Place::Kernel);
        scene
            .workspace
            .restore(&contents, &|path, made| moments.knows(path, made))?;
        if !reopen_host_shell(script.as_deref(), scene) {
            return Ok(None);
        }
        scene.needs.inventory = last.inventory.clone();
        let known = last.steps.iter();
        let known = known.filter_map(|(id, step)| Some((*id, self.lesson.step(step)?)));
        scene.stage.runs.know(known, last.last_id);
        if let Some(session) = guest {
            scene.stage.put(Place::Kernel, session);
            // A fact that cannot be learned now is missing from the report, as in a plain run.
            let _ = scene.needs.learn(Place::Kernel, scene.stage);
        }
        taken.lab |= last.guest.is_some();
        taken.shell |= last.shell.is_some();
        self.next = Some(index);
        self.guest = last.guest.clone();
        self.is_guest_changed = false;
        self.shell = last.shell.clone();
        self.made = ArtifactCache::from(made);
        self.lacked.clear();
        Ok(Some(taken))
    }

    /// Closes the shells, and takes away what steps made.
    fn go_to_the_beginning(
        &mut self,
        moments: &Moments,
        scene: &mut Scene<'_, 'r>,
    ) -> Result<(), WorkspaceError> {
        scene.stage.close(Place::Kernel);
        scene.stage.close(Place::Host);
        scene
            .workspace
            .restore(&Artifacts::default(), &|path, made| {
                moments.knows(path, made)
            })?;
        scene.needs.inventory = None;
        self.starts_over();
        Ok(())
    }

    /// A whole run begins: nothing has happened yet.
    pub fn starts_over(&mut self) {
        self.next = Some(0);
        self.guest = None;
        self.is_guest_changed = false;
        self.shell = None;
        self.made = ArtifactCache::default();
        self.lacked.clear();
    }

    /// The guest is no longer what the steps before made it.
    pub fn leaves(&mut self) {
        self.next = None;
    }

    /// A step is to run.
    pub fn reaches(&mut self, step: &Step, stage: &Stage<'r>) {
        let has_guest = self.guest.is_some() || self.is_guest_changed;
        let is_guest_lost = has_guest && !stage.is_open(Place::Kernel);
        if is_guest_lost || self.is_elsewhere(step) {
            self.leaves();
        }
    }

    /// A step begins: what is kept of its last run is no longer what it did last.
    pub fn begins(&mut self, step: &Step, workspace: &Workspace) {
        if let Some(others) = &mut self.others {
            let own = workspace.made_alone_by(&step.id);
            others.later.files.retain(|path, _| !own.contains(path));
        }
        let Some(index) = self.index_of(step) else {
            return;
        };
        let mut covers = self.lesson.steps().enumerate().skip(index);
        let covering = covers.find(|(after, _)| self.is_kept_after(*after));
        if let (Some(moments), Some((_, covering))) = (&mut self.kept, covering) {
            moments.drop_after(&covering.id);
        }
    }

    /// A step ended: if all before it ran, this is the moment after it.
    pub fn moves_past(&mut self, step: &Step, ending: Option<&Ending>, scene: &mut Scene<'_, 'r>) {
        let Some(mut moments) = self.kept.take() else {
            return;
        };
        if self
            .moves_past_by(&mut moments, step, ending, scene)
            .is_none()
        {
            self.leaves();
        }
        self.kept = Some(moments);
    }

    /// Nothing if no later step can be gone on with from here. Then a later run has a longer way, and
    /// nothing else is lost.
    fn moves_past_by(
        &mut self,
        moments: &mut Moments,
        step: &Step,
        ending: Option<&Ending>,
        scene: &mut Scene<'_, 'r>,
    ) -> Option<()> {
        let index = self.index_of(step);
        self.last = index;
        let is_whole = match ending {
            None | Some(Ending::Interrupted | Ending::Broken(_)) => false,
            // Asked again, it lacks the same; what kept other steps from running may be gone.
            Some(Ending::Skipped(Skip::Need { need, .. })) => {
                self.lacked.push((step.id.clone(), need.clone()));
                true
            }
            // A task that nobody has begun leaves all as it was.
            Some(Ending::Skipped(Skip::Exercise(_))) => true,
            Some(Ending::Skipped(_)) => false,
            Some(
                Ending::Exited(_) | Ending::Signaled(_) | Ending::TimedOut(_) | Ending::Stopped,
            ) => true,
        };
        let index = index.filter(|index| is_whole && self.next == Some(*index))?;
        self.next = Some(index + 1);
        let is_begun = !matches!(ending, Some(Ending::Skipped(Skip::Exercise(_))));
        self.is_guest_changed |= is_begun && step.on == Place::Kernel;
        match self.is_kept_after(index) {
            true => self.note(moments, step, scene),
            false => Some(()),
        }
    }

    fn note(
        &mut self,
        moments: &mut Moments,
        step: &Step,
        scene: &mut Scene<'_, 'r>,
    ) -> Option<()> {
        if scene.stage.in_background().next().is_some() {
            return None;
        }
        fs::create_dir_all(&moments.folder).ok()?;
        if scene.stage.is_open(Place::Host) {
            let script = host_shell(scene.stage)?;
            self.shell = Some(moments.keep(script.as_bytes()).ok()?);
        }
        let workspace = &mut *scene.workspace;
        workspace.claim(&|path, made| moments.knows(path, made));
        let keep = &mut |content: &[u8]| moments.keep(content).ok();
        let mut made = workspace.works(&self.made, keep)?;
        let is_theirs = |path: &Below| workspace.is_theirs(path);
        let changed = Changes::between(&self.made.works, &made.works, &is_theirs);
        if self.is_guest_changed {
            // Another run of the step leaves another state, and moments after it have the old one.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            let name = format!("{}-{:x}.guest", step.id, now.as_nanos());
            let session = scene.stage.session(Place::Kernel).ok()?;
            let saved = session.save(&moments.guest(&name)).ok()?;
            self.guest = Some(name).filter(|_| saved);
            self.guest.as_ref()?;
            self.is_guest_changed = false;
        }
        let (last_id, steps) = scene.stage.runs.known_to(Place::Kernel);
        let moment = Moment {
            text: self.texts.get(self.index_of(step)?)?.clone(),
            tutor: self.options.tutor.clone(),
            guest: self.guest.clone(),
            shell: self.shell.clone(),
            changed,
            lacked: std::mem::take(&mut self.lacked),
            last_id,
            steps,
            inventory: scene.needs.inventory.clone(),
        };
        let mut works = std::mem::take(&mut self.made).works;
        moment.changed.apply(&mut works);
        made.works = works;
        self.made = made;
        moments.put(&step.id, moment).ok()?;
        // So that they are known for the steps' own, however this process ends.
        scene.workspace.end().ok()
    }

    /// Takes all back to the moment before a step that does not follow the last one. If that cannot
    /// be, it runs with what is there. Nothing to do where no moments are kept.
    pub fn prepare_single(
        &mut self,
        step: &Step,
        scene: &mut Scene<'_, 'r>,
    ) -> Result<(), WorkspaceError> {
        let index = self.index_of(step);
        let follows = self.last.map(|last| last + 1) == index;
        if self.kept.is_none() || follows {
            return Ok(());
        }
        self.put_again(scene.workspace)?;
        // Artifacts that could not be put there again are not taken away.
        let Some(later) = made(scene.workspace) else {
            scene.stage.tell(&Event::TakenBack { step, taken: None });
            return Ok(());
        };
        let is_empty = later.files.is_empty() && later.home.is_empty();
        let taken = self.rewind(step, scene)?;
        let first = made(scene.workspace).unwrap_or_default();
        self.others = Some(Others { later, first });
        if taken.is_none() {
            // It may have come as far as the files.
            self.put_again(scene.workspace)?;
        }
        if index != Some(0) || !is_empty {
            scene.stage.tell(&Event::TakenBack { step, taken });
        }
        Ok(())
    }

    /// Puts there again what was taken away for single steps, but for what they made anew.
    pub fn put_again(&mut self, workspace: &mut Workspace) -> Result<(), WorkspaceError> {
        let Some(others) = self.others.take() else {
            return Ok(());
        };
        self.leaves();
        workspace.put_again(&others.later, &others.first)
    }

    /// Ends the sitting: what stays too long is more than is needed, and nothing else.
    pub fn tidy(&self) {
        if let Some(moments) = &self.kept {
            let _ = moments.tidy();
        }
    }
}

/// The guest of a state.
fn reopened(state: &std::path::Path, stage: &Stage<'_>) -> Option<Box<dyn Session>> {
    stage.backend(Place::Kernel)?.reopen(state)
}

/// Closes the shell of host steps. If there was one at the moment, another one takes its place;
/// returns false if that could not be.
fn reopen_host_shell(script: Option<&str>, scene: &mut Scene<'_, '_>) -> bool {
    scene.stage.close(Place::Host);
    let Some(script) = script else { return true };
    if scene.needs.open(Place::Host, scene.stage).is_err() {
        return false;
    }
    let asked = scene.stage.ask(Place::Host, Mode::Step, script);
    let ends = Ending::Exited(shell::status(script));
    asked.is_ok_and(|asked| asked.ending == ends && asked.shell == ShellFate::Kept)
}

/// Asks the shell of host steps for what it knows, as a script that another one learns it by.
fn host_shell(stage: &mut Stage<'_>) -> Option<String> {
    let asked = stage.ask(Place::Host, Mode::Check, shell::TELL).ok()?;
    let said = &asked.output.stdout;
    let is_whole = asked.ending == Ending::Exited(0) && said.left_out_bytes() == 0;
    shell::script(&said.bytes()).filter(|_| is_whole)
}

/// Returns the artifacts of steps, with their content.
fn made(workspace: &Workspace) -> Option<Artifacts<Vec<u8>>> {
    let all = &mut |content: &[u8]| Some(content.to_vec());
    let kept = workspace.works(&ArtifactCache::default(), all)?;
    Some(kept.works)
}
