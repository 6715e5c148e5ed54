//! The folder of a lesson's moments.
//!
//! `STEP.moment` says what was, `HASH.made` is what a file held or a shell said of itself, and
//! `STEP-TIME.guest` is the state of a guest.

use crate::lesson::{Block, Lesson};
use crate::workspace::{Made, Works};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the moments of one lesson are kept, in a folder that is safe to delete.
#[derive(Clone, Debug)]
pub struct Moments {
    pub(super) folder: PathBuf,
}

/// What is known of a moment beside the guest's state.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Moment {
    /// Of the lesson's text up to it.
    pub(super) text: String,
    /// The folder of the `tutor` that steps called.
    pub(super) tutor: PathBuf,
    /// The file with the guest's state.
    pub(super) guest: Option<String>,
    /// What the shell of host steps said of itself, by its hash; none if there was no such shell.
    pub(super) shell: Option<String>,
    /// What steps had made; the content of files by its hash.
    pub(super) made: Works<String>,
    /// Steps that were skipped, and the need that was not met.
    pub(super) skipped: Vec<(String, String)>,
    /// The last id that the guest knows a run by.
    pub(super) last_id: u32,
    /// The steps that the guest knows by id.
    pub(super) steps: BTreeMap<u32, String>,
    /// What was on the kernel before the lesson.
    pub(super) inventory: Option<Vec<String>>,
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

    pub(super) fn guest(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn blob(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.made"))
    }

    pub(super) fn moment(&self, step: &str) -> PathBuf {
        self.folder.join(format!("{step}.moment"))
    }

    pub(super) fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut beside = tempfile::Builder::new()
            .prefix(".saving-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)?;
        beside.write_all(bytes)?;
        beside.persist(file)?;
        Ok(())
    }

    pub(super) fn read(&self, step: &str) -> Option<Moment> {
        serde_json::from_slice(&fs::read(self.moment(step)).ok()?).ok()
    }

    /// Keeps the content of a file. Returns its hash.
    pub(super) fn keep(&self, content: &[u8]) -> io::Result<String> {
        let hash = hash(content);
        // One that is there may be damaged.
        if self.content(&hash).is_none() {
            self.write(&self.blob(&hash), content)?;
        }
        Ok(hash)
    }

    pub(super) fn content(&self, hash: &str) -> Option<Vec<u8>> {
        let content = fs::read(self.blob(hash)).ok()?;
        (self::hash(&content) == hash).then_some(content)
    }

    pub(super) fn contents(&self, works: &Works<String>) -> Option<Works<Vec<u8>>> {
        let contents = |made: &BTreeMap<PathBuf, Made<String>>| {
            let content = |(path, made): (&PathBuf, &Made<String>)| {
                let made = match made {
                    Made::Folder(mode) => Made::Folder(*mode),
                    Made::Link(target) => Made::Link(target.clone()),
                    Made::File(mode, hash) => Made::File(*mode, self.content(hash)?),
                };
                Some((path.clone(), made))
            };
            made.iter().map(content).collect::<Option<_>>()
        };
        Some(Works {
            files: contents(&works.files)?,
            home: contents(&works.home)?,
        })
    }

    /// All moments that can be read.
    fn all(&self) -> Vec<Moment> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let bytes = entries.filter_map(|entry| {
            let path = entry.path();
            let is_moment = path.extension().is_some_and(|end| end == "moment");
            is_moment.then(|| fs::read(path).ok())?
        });
        bytes
            .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
            .collect()
    }

    /// What steps made by some moment: where, and what by its hash.
    pub(super) fn known(&self) -> BTreeSet<(PathBuf, String)> {
        let moments = self.all().into_iter();
        let made = moments.flat_map(|moment| moment.made.files);
        made.map(|(path, made)| (path, kind(&made, |hash| hash.clone())))
            .collect()
    }

    /// The files beside its own that a moment needs.
    fn files_of(&self, moment: &Moment) -> Vec<PathBuf> {
        let made = moment.made.files.values().chain(moment.made.home.values());
        let hashes = made.filter_map(|made| match made {
            Made::File(_, hash) => Some(hash),
            Made::Folder(_) | Made::Link(_) => None,
        });
        let blobs = hashes.chain(&moment.shell).map(|hash| self.blob(hash));
        blobs
            .chain(moment.guest.iter().map(|name| self.guest(name)))
            .collect()
    }

    /// True if all is there that a moment needs.
    pub(super) fn has_all_of(&self, moment: &Moment) -> bool {
        self.files_of(moment).iter().all(|file| file.exists())
    }

    /// Removes what no moment needs any more, and notes of the rest that it is in use.
    pub(super) fn tidy(&self) -> io::Result<()> {
        let entries: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        let ends = |path: &Path, end: &str| path.extension().is_some_and(|other| other == end);
        let mut used = BTreeSet::new();
        for moment in self.all() {
            used.extend(self.files_of(&moment));
        }
        for path in &entries {
            if used.contains(path) || ends(path, "moment") {
                // All of a lesson grow old together.
                let file = File::options().append(true).open(path)?;
                file.set_modified(SystemTime::now())?;
            } else if ends(path, "guest") || ends(path, "made") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// The hash of what a lesson has its steps do up to a step, and of the files they find.
pub(super) fn text_until(lesson: &Lesson, last: &str) -> String {
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

/// Tells apart what steps made at a path: a folder, a link to somewhere, a file by its hash.
pub(super) fn kind<C>(made: &Made<C>, hash: impl FnOnce(&C) -> String) -> String {
    match made {
        Made::Folder(_) => "folder".to_owned(),
        Made::Link(target) => format!("link {}", target.display()),
        Made::File(_, content) => hash(content),
    }
}

/// The hash of a content, in hexadecimal.
pub(super) fn hash(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
