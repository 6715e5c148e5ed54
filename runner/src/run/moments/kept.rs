//! The folder of a lesson's moments.
//!
//! `STEP.moment` says what changed since the moment before, `HASH.made` is what a file held or a
//! shell said of itself, and `STEP-TIME.guest` is the state of a guest. A moment that became void as
//! its step began again is `STEP.void`: it tells what steps made once, and nothing else. All moments are read once,
//! and each step writes its own.

use crate::lesson::{Block, Lesson};
use crate::versioned::{self, TooNew, Versioned};
use crate::workspace::{Artifact, Artifacts};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tutor_files::{Below, FilesError, Hasher, hash};

/// The format of a moment. One of an older format is made again.
const FORMAT: u64 = 3;

/// Where the moments of one lesson are kept, in a folder that is safe to delete.
#[derive(Debug)]
pub struct Moments {
    pub(super) folder: PathBuf,
    /// By the step that they come after.
    kept: BTreeMap<String, Moment>,
    /// The artifacts that steps made once, each by its path and hash.
    known: BTreeSet<(Below, String)>,
}

/// The record of a moment beside the guest's state.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    /// Of the lesson's text up to it.
    pub(super) text: String,
    /// The folder of the `tutor` that steps called.
    pub(super) tutor: PathBuf,
    /// The file with the guest's state.
    pub(super) guest: Option<String>,
    /// The state of the shell of host steps, by its hash; none if there was no such shell.
    pub(super) shell: Option<String>,
    /// The step's changes to what steps had made; the content of files by its hash.
    pub(super) changed: Changes,
    /// The steps since the moment before that were skipped, each with the need that was not met.
    pub(super) lacked: Vec<(String, String)>,
    /// The last id that the guest knows a run by.
    pub(super) last_id: u32,
    /// The steps that the guest knows by id.
    pub(super) steps: BTreeMap<u32, String>,
    /// The objects on the kernel before the lesson.
    pub(super) inventory: Option<Vec<String>>,
}

/// The artifacts that a step made or changed; `None` where it took one away.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes {
    files: BTreeMap<Below, Option<Artifact<String>>>,
    home: BTreeMap<Below, Option<Artifact<String>>>,
}

impl Changes {
    /// Returns the changes from one state to another, but for what is the learner's now.
    pub(super) fn between(
        then: &Artifacts<String>,
        now: &Artifacts<String>,
        is_theirs: &dyn Fn(&Below) -> bool,
    ) -> Changes {
        Changes {
            files: difference(&then.files, &now.files, is_theirs),
            home: difference(&then.home, &now.home, &|_| false),
        }
    }

    pub(super) fn apply(&self, works: &mut Artifacts<String>) {
        for (changed, works) in [
            (&self.files, &mut works.files),
            (&self.home, &mut works.home),
        ] {
            for (path, made) in changed {
                match made {
                    Some(made) => works.insert(path.clone(), made.clone()),
                    None => works.remove(path),
                };
            }
        }
    }
}

fn difference(
    then: &BTreeMap<Below, Artifact<String>>,
    now: &BTreeMap<Below, Artifact<String>>,
    is_theirs: &dyn Fn(&Below) -> bool,
) -> BTreeMap<Below, Option<Artifact<String>>> {
    let gone = then.keys().filter(|path| !now.contains_key(*path));
    let gone = gone.filter(|path| !is_theirs(path));
    let made = now
        .iter()
        .filter(|(path, made)| then.get(*path) != Some(*made));
    gone.map(|path| (path.clone(), None))
        .chain(made.map(|(path, made)| (path.clone(), Some(made.clone()))))
        .collect()
}

impl Moments {
    /// Moments in a folder, which need not be there yet.
    pub fn open(folder: &Path) -> Result<Moments, TooNew> {
        let mut moments = Moments {
            folder: folder.to_owned(),
            kept: BTreeMap::new(),
            known: BTreeSet::new(),
        };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(step) = path.file_stem().and_then(|step| step.to_str()) else {
                continue;
            };
            if (ends(&path, "moment") || ends(&path, "void"))
                && let Some(moment) = versioned::read(&path, FORMAT, FORMAT)?
            {
                moments.learn(&moment);
                if ends(&path, "moment") {
                    moments.kept.insert(step.to_owned(), moment);
                }
            }
        }
        Ok(moments)
    }

    /// Forgets them all.
    pub fn forget(self) -> Result<(), FilesError> {
        tutor_files::remove_tree(&self.folder)
    }

    pub(super) fn guest(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn blob(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.made"))
    }

    pub(super) fn get(&self, step: &str) -> Option<&Moment> {
        self.kept.get(step)
    }

    /// Keeps the moment after a step in place of an older one.
    pub(super) fn put(&mut self, step: &str, moment: Moment) -> io::Result<()> {
        if self.kept.get(step) == Some(&moment) {
            return Ok(());
        }
        let file = self.folder.join(format!("{step}.moment"));
        let versioned = Versioned {
            format: FORMAT,
            value: &moment,
        };
        tutor_files::write(&file, &serde_json::to_vec(&versioned)?, 0o600)?;
        let _ = fs::remove_file(file.with_extension("void"));
        self.learn(&moment);
        let older = self.kept.insert(step.to_owned(), moment);
        // They are large, and a learner may run one step many times.
        if let Some(guest) = older.and_then(|older| older.guest)
            && !self
                .kept
                .values()
                .any(|moment| moment.guest.as_ref() == Some(&guest))
        {
            // A file that cannot be removed now is removed when all is tidied.
            let _ = fs::remove_file(self.guest(&guest));
        }
        Ok(())
    }

    /// Keeps no moment after a step. What steps made once stays known, also to the next `tutor`, so
    /// that it is taken for nobody's edit.
    pub(super) fn drop_after(&mut self, step: &str) {
        let file = self.folder.join(format!("{step}.moment"));
        // One that cannot be renamed would say what is no longer so; the next run tidies.
        let _ = fs::rename(&file, file.with_extension("void"));
        self.kept.remove(step);
    }

    fn learn(&mut self, moment: &Moment) {
        let made = moment.changed.files.iter();
        let made = made.filter_map(|(path, made)| Some((path, made.as_ref()?)));
        self.known
            .extend(made.map(|(path, made)| (path.clone(), kind(made, |hash| hash.clone()))));
    }

    /// True if steps made this at that path once.
    pub(super) fn knows(&self, path: &Below, made: &Artifact<Vec<u8>>) -> bool {
        let kind = kind(made, |content| hash(content).to_string());
        self.known.contains(&(path.to_owned(), kind))
    }

    /// Keeps the content of a file. Returns its hash.
    pub(super) fn keep(&self, content: &[u8]) -> io::Result<String> {
        let hash = hash(content).to_string();
        // One that is there may be damaged.
        if self.content(&hash).is_none() {
            tutor_files::write(&self.blob(&hash), content, 0o600)?;
        }
        Ok(hash)
    }

    pub(super) fn content(&self, hash: &str) -> Option<Vec<u8>> {
        let content = fs::read(self.blob(hash)).ok()?;
        (tutor_files::hash(&content).to_string() == hash).then_some(content)
    }

    pub(super) fn contents(&self, works: &Artifacts<String>) -> Option<Artifacts<Vec<u8>>> {
        let contents = |made: &BTreeMap<Below, Artifact<String>>| {
            let content = |(path, made): (&Below, &Artifact<String>)| {
                let made = match made {
                    Artifact::Folder(mode) => Artifact::Folder(*mode),
                    Artifact::Link(target) => Artifact::Link(target.clone()),
                    Artifact::File(mode, hash) => Artifact::File(*mode, self.content(hash)?),
                };
                Some((path.clone(), made))
            };
            made.iter().map(content).collect::<Option<_>>()
        };
        Some(Artifacts {
            files: contents(&works.files)?,
            home: contents(&works.home)?,
        })
    }

    /// Returns the blobs of the files that changed before a moment.
    fn contents_of<'m>(&'m self, moment: &'m Moment) -> impl Iterator<Item = PathBuf> + 'm {
        let changed = moment.changed.files.values();
        let changed = changed.chain(moment.changed.home.values());
        let hashes = changed.filter_map(|made| match made {
            Some(Artifact::File(_, hash)) => Some(hash),
            Some(Artifact::Folder(_) | Artifact::Link(_)) | None => None,
        });
        hashes.map(|hash| self.blob(hash))
    }

    /// The states of the shell and the guest.
    fn states_of<'m>(&'m self, moment: &'m Moment) -> impl Iterator<Item = PathBuf> + 'm {
        let shell = moment.shell.iter().map(|hash| self.blob(hash));
        shell.chain(moment.guest.iter().map(|name| self.guest(name)))
    }

    pub(super) fn has_contents_of(&self, moment: &Moment) -> bool {
        self.contents_of(moment).all(|file| file.exists())
    }

    pub(super) fn has_states_of(&self, moment: &Moment) -> bool {
        self.states_of(moment).all(|file| file.exists())
    }

    /// Removes what no moment needs any more, and notes of the rest that it is in use.
    pub(super) fn tidy(&self) -> io::Result<()> {
        let used: BTreeSet<PathBuf> = self
            .kept
            .values()
            .flat_map(|moment| self.contents_of(moment).chain(self.states_of(moment)))
            .collect();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_moment = ends(&path, "moment");
            let step = path.file_stem().and_then(|step| step.to_str());
            let is_kept = is_moment && step.is_some_and(|step| self.kept.contains_key(step));
            if is_kept || used.contains(&path) {
                // All of a lesson grow old together.
                let file = File::options().append(true).open(path)?;
                file.set_modified(SystemTime::now())?;
            } else if is_moment || ends(&path, "guest") || ends(&path, "made") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn ends(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|other| other == end)
}

/// The hashes of what a lesson has its steps do up to each step, and of the files they find.
pub(super) fn texts(lesson: &Lesson) -> Vec<String> {
    let mut hash = Hasher::default();
    let mut texts = Vec::new();
    for block in &lesson.blocks {
        match block {
            Block::Prose(_) | Block::Check(_) | Block::Clue(_) => {}
            Block::File(file) => {
                hash.part(b"file");
                hash.part(file.path.as_os_str().as_bytes());
                hash.part(file.content.as_bytes());
            }
            Block::Step(step) => {
                hash.part(step.on.to_string().as_bytes());
                hash.part(step.id.as_bytes());
                hash.part(step.script.as_bytes());
                texts.push(hash.clone().done().to_string());
            }
        }
    }
    texts
}

/// Tells apart what steps made at a path: a folder, a link to somewhere, a file by its hash.
fn kind<C>(made: &Artifact<C>, hash: impl FnOnce(&C) -> String) -> String {
    match made {
        Artifact::Folder(_) => "folder".to_owned(),
        Artifact::Link(target) => format!("link {}", target.display()),
        Artifact::File(_, content) => hash(content),
    }
}
