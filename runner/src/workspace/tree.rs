//! One folder of a workspace: what steps made in it, and making it what it was at some moment.

use super::error::WorkspaceError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tutor_files::{Below, FilesError, Found, Kind, Limits, Over, Root, Stamp};

/// How the names of files begin that are being written: here and by the lab, which brings what its
/// steps made; the second is that of an earlier `tutor`.
pub(super) const UNFINISHED: [&str; 2] = [tutor_files::UNFINISHED, ".tutor-fetching-"];

/// The most that what steps made may hold to be kept, in bytes.
pub(super) const LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// A file, folder or link that steps made. `C` stands for a file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Artifact<C> {
    /// A folder with these permissions.
    Folder(u32),
    /// A symbolic link that leads there.
    Link(#[serde(with = "tutor_files::text")] PathBuf),
    /// A file with these permissions.
    File(u32, C),
}

/// The contents of a folder when it was looked at.
pub(super) type FoundByPath = BTreeMap<Below, Found>;

/// The stamp of what is no folder: that of a folder changes with what is in it.
pub(super) fn stamp(found: &Found) -> Option<Stamp> {
    (!found.kind.is_folder()).then_some(found.stamp)
}

/// A folder that steps make something in.
#[derive(Debug)]
pub(super) struct Tree {
    /// Where steps find it.
    pub(super) path: PathBuf,
    pub(super) root: Root,
}

/// A look at all that is below a folder.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) seen: FoundByPath,
    /// Folders that may not be read.
    pub(super) closed: Vec<Below>,
    /// Folders that something is mounted at.
    pub(super) mounts: Vec<Below>,
}

impl Tree {
    pub(super) fn new(path: PathBuf, root: Root) -> Tree {
        Tree { path, root }
    }

    /// Looks at all that is below the folder.
    pub(super) fn sight(&self) -> Result<Sight, FilesError> {
        let listing = self.root.walk(&Limits::default())?;
        let seen = listing.entries.into_iter();
        Ok(Sight {
            seen: seen.map(|found| (found.path.clone(), found)).collect(),
            closed: listing.closed,
            mounts: listing.mounts,
        })
    }

    /// Lets what is in these folders be removed, whatever permissions steps gave them.
    pub(super) fn open_up(&self, folders: &BTreeSet<Below>) {
        // A folder comes before what is in it. What cannot be changed shows itself when something is
        // to be removed there.
        for path in folders {
            if let Ok(Some(found)) = self.root.look(path)
                && let Kind::Folder { mode } = found.kind
                && mode & 0o700 != 0o700
            {
                let _ = self.root.set_mode(path, mode | 0o700);
            }
        }
    }

    /// Removes what a `tutor` left that was killed while it wrote.
    pub(super) fn sweep(&self) {
        let is_unfinished = |path: &Below| {
            let name = path.name().to_str();
            name.is_some_and(|name| UNFINISHED.iter().any(|prefix| name.starts_with(prefix)))
        };
        for (path, found) in self.sight().unwrap_or_default().seen {
            if is_unfinished(&path) && !found.kind.is_folder() {
                // A file that does not go now may go later.
                let _ = self.root.remove(&path, Over::Known(&found.stamp));
            }
        }
    }

    /// Returns what is at a path with its content; nothing if nothing is there, or that cannot be
    /// kept.
    pub(super) fn made(&self, found: &Found) -> Option<Artifact<Vec<u8>>> {
        Some(match &found.kind {
            Kind::Folder { mode } => Artifact::Folder(*mode),
            Kind::Link { target } => Artifact::Link(target.clone()),
            Kind::File { mode, .. } => {
                Artifact::File(*mode, self.root.read(&found.path, LIMIT_BYTES).ok()?)
            }
            Kind::Other => return None,
        })
    }

    /// What lies where one of the folders of a path is to be.
    pub(super) fn in_the_way(&self, path: &Below) -> Option<Found> {
        let mut above: Vec<Below> = std::iter::successors(path.parent(), Below::parent).collect();
        above.reverse();
        let mut found = above.iter().map_while(|above| self.root.look(above).ok()?);
        found.find(|found| !found.kind.is_folder())
    }

    /// The same, of what is at a path now.
    pub(super) fn made_at(&self, path: &Below) -> Option<Artifact<Vec<u8>>> {
        self.made(&self.root.look(path).ok()??)
    }

    /// Returns what is there `now`; what has not changed since `then` was made of it before.
    pub(super) fn works<C: Clone>(
        &self,
        now: &FoundByPath,
        (then, made): (&FoundByPath, &BTreeMap<Below, Artifact<C>>),
        left_bytes: &mut u64,
        keep: &mut dyn FnMut(&[u8]) -> Option<C>,
    ) -> Option<BTreeMap<Below, Artifact<C>>> {
        let of = |(path, found): (&Below, &Found)| {
            let works = match &found.kind {
                Kind::Folder { mode } => Artifact::Folder(*mode),
                Kind::Link { target } => Artifact::Link(target.clone()),
                Kind::File { mode, bytes } => {
                    *left_bytes = left_bytes.checked_sub(*bytes)?;
                    let then = then.get(path).and_then(Found::sure_stamp);
                    match made.get(path).filter(|_| then == Some(found.stamp)) {
                        Some(made) => made.clone(),
                        None => {
                            let content = self.root.read(path, LIMIT_BYTES).ok()?;
                            Artifact::File(*mode, keep(&content)?)
                        }
                    }
                }
                Kind::Other => return None,
            };
            Some((path.clone(), works))
        };
        now.iter().map(of).collect()
    }

    /// Puts there what was there `later`, wherever it is now as it was at `first`, and not what
    /// `is_theirs` says to be the learner's.
    pub(super) fn put_again(
        &self,
        later: &BTreeMap<Below, Artifact<Vec<u8>>>,
        first: &BTreeMap<Below, Artifact<Vec<u8>>>,
        is_theirs: &dyn Fn(&Below) -> bool,
    ) -> Result<(), WorkspaceError> {
        let mut missing = BTreeMap::new();
        for (path, made) in later {
            let there = self.root.look(path).ok().flatten();
            let now = there.as_ref().and_then(|found| self.made(found));
            let is_changed = now.is_some() != there.is_some() || now.as_ref() != first.get(path);
            if is_changed || now.as_ref() == Some(made) || is_theirs(path) {
                continue;
            }
            if let Some(found) = there.filter(|found| !found.kind.is_folder()) {
                self.root.remove(path, Over::Known(&found.stamp))?;
            }
            missing.insert(path.clone(), made.clone());
        }
        self.bring_back(&missing, &|_| false)
    }

    /// Removes what is there now and was not there `then`, but for what `is_theirs` says to be the
    /// learner's. Returns the learner's paths, and why something else stays.
    pub(super) fn take_back(
        &self,
        then: &BTreeMap<Below, Artifact<Vec<u8>>>,
        is_theirs: &dyn Fn(&Found) -> bool,
    ) -> Result<(BTreeSet<Below>, Vec<FilesError>), WorkspaceError> {
        let (mut learners, mut stays) = (BTreeSet::new(), Vec::new());
        // The contents of a folder go before the folder.
        for (path, found) in self.sight()?.seen.into_iter().rev() {
            if is_theirs(&found) {
                learners.insert(path);
                continue;
            }
            let gone = match (&found.kind, then.get(&path)) {
                (Kind::Folder { .. }, Some(Artifact::Folder(_)))
                | (Kind::File { .. }, Some(Artifact::File(..))) => continue,
                // One that somebody has something in stays.
                (Kind::Folder { .. }, _) => self.root.remove_folder(&path),
                _ => self.root.remove(&path, Over::Known(&found.stamp)),
            };
            match gone {
                Ok(_) => {}
                // Somebody wrote it just now.
                Err(FilesError::Changed(_)) => drop(learners.insert(path)),
                Err(error) => stays.push(error),
            }
        }
        Ok((learners, stays))
    }

    /// Puts there what was there then, but for what the learner has at those paths.
    pub(super) fn bring_back(
        &self,
        then: &BTreeMap<Below, Artifact<Vec<u8>>>,
        is_theirs: &dyn Fn(&Below) -> bool,
    ) -> Result<(), WorkspaceError> {
        for (path, made) in then.iter().filter(|(path, _)| !is_theirs(path)) {
            match self.bring(path, made) {
                // The learner put something there, or a file where the folder was.
                Err(FilesError::Changed(_) | FilesError::Behind(_)) => {}
                brought => brought?,
            }
        }
        // Last, as one may forbid to put something into it.
        for (path, made) in then.iter().rev() {
            if let Artifact::Folder(mode) = made
                && !is_theirs(path)
                && let Ok(Some(found)) = self.root.look(path)
                && found.kind.is_folder()
            {
                self.root.set_mode(path, *mode)?;
            }
        }
        Ok(())
    }

    fn bring(&self, path: &Below, made: &Artifact<Vec<u8>>) -> Result<(), FilesError> {
        self.root.make_parents(path)?;
        let there = self.root.look(path)?;
        let over = match &there {
            None => Over::Nothing,
            Some(found) => Over::Known(&found.stamp),
        };
        match made {
            Artifact::Folder(_) if there.is_some() => Ok(()),
            Artifact::Folder(_) => self.root.make_folder(path, 0o700),
            Artifact::Link(target) => self.root.link(path, target, over),
            Artifact::File(mode, content) => self.root.write(path, content, *mode, over),
        }
    }
}
