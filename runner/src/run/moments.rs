//! Moments of a lesson's run that it can be taken back to: one after each step.
//!
//! A moment is what the files were that steps made, and the state of the guest if a kernel step
//! had run by then. The shell of host steps is not in it: its variables live in a process that
//! cannot be copied.

use super::Runner;
use crate::lesson::{Block, Lesson, Place, Step};
use crate::transcript::{Ending, RecordId};
use crate::workspace::WorkspaceError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The most that the files of one moment may hold, in bytes; beyond it no moment is kept.
const FILES_BYTES: u64 = 64 * 1024 * 1024;

/// Where the moments of one lesson are kept, in a folder that is safe to delete.
#[derive(Clone, Debug)]
pub struct Moments {
    folder: PathBuf,
}

/// What is known of a moment beside the guest's state.
#[derive(Debug, Serialize, Deserialize)]
struct Moment {
    /// Of the lesson's text up to it.
    text: String,
    /// The step whose end left the guest as it was.
    guest: Option<String>,
    /// What steps had made: permissions, and the content by its hash.
    files: BTreeMap<PathBuf, (u32, String)>,
    /// The last id that the guest knows a run by.
    last_id: u32,
    /// The steps that the guest knows by id.
    steps: BTreeMap<u32, String>,
    /// What was on the kernel before the lesson.
    inventory: Option<Vec<String>>,
}

/// Where a run stands among the moments of its lesson.
#[derive(Default)]
pub(super) struct Standing {
    kept: Option<Moments>,
    /// All steps before this one ran, in order; none if that is not so.
    next: Option<usize>,
    /// The step whose end left the guest as it is.
    guest: Option<String>,
}

impl Moments {
    /// Moments in a folder, which need not be there yet.
    pub fn new(folder: &Path) -> Moments {
        Moments {
            folder: folder.to_owned(),
        }
    }

    /// Forgets them all.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn guest(&self, step: &str) -> PathBuf {
        self.folder.join(format!("{step}.guest"))
    }

    fn blob(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.made"))
    }

    fn moment(&self, step: &str) -> PathBuf {
        self.folder.join(format!("{step}.moment"))
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut beside = tempfile::NamedTempFile::new_in(&self.folder)?;
        beside.write_all(bytes)?;
        beside.persist(file)?;
        Ok(())
    }

    fn read(&self, step: &str) -> Option<Moment> {
        serde_json::from_slice(&fs::read(self.moment(step)).ok()?).ok()
    }

    /// Keeps the content of a file. Returns its hash.
    fn keep(&self, content: &[u8]) -> io::Result<String> {
        let hash = hex(&Sha256::digest(content));
        let blob = self.blob(&hash);
        if !blob.exists() {
            self.write(&blob, content)?;
        }
        Ok(hash)
    }

    fn content(&self, hash: &str) -> Option<Vec<u8>> {
        let content = fs::read(self.blob(hash)).ok()?;
        (hex(&Sha256::digest(&content)) == hash).then_some(content)
    }
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
    /// step of the lesson if there is none. Nothing if no moments are kept, or no step before had to do
    /// with the lab. A state that is there is not looked into, so that taking it back may fail still.
    pub fn last_kept(&self, step: &Step) -> Option<&'r Step> {
        let moments = self.standing.kept.as_ref()?;
        let lesson = self.lesson;
        let steps: Vec<&'r Step> = lesson.steps().collect();
        let index = self.index_of(step)?;
        let is_of_lab = |step: &&&Step| step.on == Place::Kernel;
        steps[..index].iter().find(is_of_lab)?;
        let is_kept = |before: &Step| {
            let moment = moments.read(&before.id);
            moment.is_some_and(|moment| {
                moment.text == text_until(lesson, &before.id)
                    && moment
                        .files
                        .values()
                        .all(|(_, hash)| moments.blob(hash).exists())
                    && moment
                        .guest
                        .is_none_or(|step| moments.guest(&step).exists())
            })
        };
        let kept = (1..=index).rev().find(|index| is_kept(steps[index - 1]));
        steps.get(kept.unwrap_or(0)).copied()
    }

    /// Takes the guest, and the files that steps made, back to the moment before a step. Returns
    /// false, having changed nothing, if no moment fits or something runs in the background.
    pub fn rewind(&mut self, step: &Step) -> Result<bool, WorkspaceError> {
        let (Some(moments), true) = (self.standing.kept.clone(), self.background.is_empty()) else {
            return Ok(false);
        };
        let Some(index @ 1..) = self.index_of(step) else {
            return Ok(false);
        };
        let lesson = self.lesson;
        let Some(before) = lesson.steps().nth(index - 1) else {
            return Ok(false);
        };
        let fits = |moment: &Moment| moment.text == text_until(lesson, &before.id);
        let Some(moment) = moments.read(&before.id).filter(fits) else {
            return Ok(false);
        };
        let files: Option<BTreeMap<PathBuf, (u32, Vec<u8>)>> = moment
            .files
            .iter()
            .map(|(path, (mode, hash))| Some((path.clone(), (*mode, moments.content(hash)?))))
            .collect();
        let Some(files) = files else {
            return Ok(false);
        };
        let session = match (&moment.guest, self.backend(Place::Kernel)) {
            (None, _) => None,
            (Some(_), None) => return Ok(false),
            (Some(step), Some(backend)) => match backend.reopen(&moments.guest(step)) {
                Some(session) => Some((session, backend)),
                None => return Ok(false),
            },
        };
        self.ahead.forget();
        self.shells.drop_session(Place::Kernel);
        if self.standing.next.is_none() && self.records.is_empty() {
            self.workspace.go_on();
        }
        let is_kept = |content: &[u8]| moments.blob(&hex(&Sha256::digest(content))).exists();
        self.workspace.restore(&files, &is_kept)?;
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
            let _ = self.learn(Place::Kernel);
        }
        self.standing.next = Some(index);
        self.standing.guest = moment.guest;
        Ok(true)
    }

    /// A whole run begins: nothing has happened yet.
    pub(super) fn stands_at_the_beginning(&mut self) {
        self.standing.next = Some(0);
        self.standing.guest = None;
    }

    /// The guest is no longer what the steps before made it.
    pub(super) fn stands_nowhere(&mut self) {
        self.standing.next = None;
    }

    /// A step ended: if all before it ran, this is the moment after it.
    pub(super) fn moved_past(&mut self, step: &Step) {
        let index = self.index_of(step);
        let ending = self.record(&RecordId::Step(step.id.clone()));
        let ending = ending.map(|record| record.ending.clone());
        let is_whole = !matches!(ending, None | Some(Ending::Interrupted | Ending::Broken(_)));
        let ran = !matches!(ending, Some(Ending::Skipped(_)));
        // A guest that a kernel step did not run in is no state to come back to.
        let is_missed = step.on == Place::Kernel && !ran;
        if self.standing.kept.is_none() || self.standing.next != index || !is_whole || is_missed {
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
        let _ = fs::remove_file(&moment);
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        for path in self.workspace.made() {
            let file = self.workspace.files().join(&path);
            let there = fs::symlink_metadata(&file).ok()?;
            bytes += there.len();
            // Links, and what is no file at all, are as they are.
            if !there.is_file() {
                continue;
            }
            if bytes > FILES_BYTES {
                return None;
            }
            let hash = moments.keep(&fs::read(&file).ok()?).ok()?;
            files.insert(path, (there.permissions().mode() & 0o777, hash));
        }
        if step.on == Place::Kernel {
            let saved = self.shells.session(Place::Kernel).ok()?;
            let saved = saved.save(&moments.guest(&step.id)).ok()?;
            self.standing.guest = Some(step.id.clone()).filter(|_| saved);
            self.standing.guest.as_ref()?;
        }
        let of_guest = self
            .steps
            .iter()
            .filter(|(_, step)| step.on == Place::Kernel);
        let known = Moment {
            text: text_until(self.lesson, &step.id),
            guest: self.standing.guest.clone(),
            files,
            last_id: self.last_id,
            steps: of_guest.map(|(id, step)| (*id, step.id.clone())).collect(),
            inventory: self.inventory.clone(),
        };
        let bytes = serde_json::to_vec(&known).ok()?;
        moments.write(&moment, &bytes).ok()
    }

    fn index_of(&self, step: &Step) -> Option<usize> {
        self.lesson.steps().position(|other| other.id == step.id)
    }
}

/// The hash of what a lesson has its steps do up to a step, and of the files they find.
fn text_until(lesson: &Lesson, last: &str) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for block in &lesson.blocks {
        match block {
            Block::Prose(_) | Block::Check(_) => {}
            Block::File(file) => {
                add("file");
                add(&file.path.to_string_lossy());
                add(&file.content);
            }
            Block::Step(step) => {
                add(&step.on.to_string());
                add(&step.id);
                add(&step.script);
                if step.id == last {
                    break;
                }
            }
        }
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
