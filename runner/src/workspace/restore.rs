//! Keeps artifacts and puts them back: for going back to a moment of a lesson.

use super::error::WorkspaceError;
use super::model::Workspace;
use super::tree::{Artifact, FoundByPath, LIMIT_BYTES, Tree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tutor_files::{Below, FilesError, Found, Kind};

/// The most files, folders and links that are kept: each step looks at all of them.
const LIMIT_PATHS: usize = 50_000;

/// All artifacts at some moment, by path: in the workspace, and in the steps' home folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "C: Serialize", deserialize = "C: Deserialize<'de>"))]
pub struct Artifacts<C> {
    /// Below [`Workspace::files`].
    pub files: BTreeMap<Below, Artifact<C>>,
    /// Below [`Workspace::home`].
    pub home: BTreeMap<Below, Artifact<C>>,
}

/// Artifacts with their stamps at that moment.
#[derive(Clone, Debug)]
pub struct ArtifactCache<C> {
    /// The artifacts.
    pub works: Artifacts<C>,
    files: FoundByPath,
    home: FoundByPath,
}

impl<C> Default for ArtifactCache<C> {
    fn default() -> Self {
        ArtifactCache::from(Artifacts::default())
    }
}

impl<C> From<Artifacts<C>> for ArtifactCache<C> {
    /// Nobody has looked at it yet.
    fn from(works: Artifacts<C>) -> Self {
        ArtifactCache {
            works,
            files: FoundByPath::new(),
            home: FoundByPath::new(),
        }
    }
}

impl<C> Default for Artifacts<C> {
    fn default() -> Self {
        Artifacts {
            files: BTreeMap::new(),
            home: BTreeMap::new(),
        }
    }
}

impl Workspace {
    /// The artifacts at the last look, each file's content as `keep` has it. A file that has not
    /// changed since `last` is not read again. Nothing if that cannot be kept: it is too much, or
    /// neither a file nor a folder nor a link, or it is shut, or `keep` fails.
    pub fn works<C: Clone>(
        &self,
        last: &ArtifactCache<C>,
        keep: &mut dyn FnMut(&[u8]) -> Option<C>,
    ) -> Option<ArtifactCache<C>> {
        let home = self.home.sight().ok()?;
        if !(home.closed.is_empty() && home.mounts.is_empty() && self.mounts.is_empty()) {
            return None;
        }
        let home = home.seen;
        if self.made().count() + home.len() > LIMIT_PATHS {
            return None;
        }
        let files = self.made();
        let files: FoundByPath = files
            .map(|(path, found)| (path.clone(), found.clone()))
            .collect();
        let mut left_bytes = LIMIT_BYTES;
        let mut works = |tree: &Tree, now: &FoundByPath, then, made| {
            tree.works(now, (then, made), &mut left_bytes, keep)
        };
        let works = Artifacts {
            files: works(&self.files, &files, &last.files, &last.works.files)?,
            home: works(&self.home, &home, &last.home, &last.works.home)?,
        };
        Some(ArtifactCache { works, files, home })
    }

    /// Takes what a step wrote where the learner had something else for the step's, if `is_known`
    /// says that steps made this there once.
    pub fn claim(&mut self, is_known: &dyn Fn(&Below, &Artifact<Vec<u8>>) -> bool) {
        for path in std::mem::take(&mut self.overwritten) {
            let now = self.files.made_at(&path);
            if now.is_some_and(|now| is_known(&path, &now)) {
                self.ledger.learners.remove(&path);
            }
        }
    }

    /// Puts there what steps made `later`, wherever it is now as it was at `first`. The rest stays.
    pub fn put_again(
        &mut self,
        later: &Artifacts<Vec<u8>>,
        first: &Artifacts<Vec<u8>>,
    ) -> Result<(), WorkspaceError> {
        for tree in [&self.files, &self.home] {
            tree.root.open_up()?;
        }
        let is_learners = |path: &Below| self.ledger.learners.contains(path);
        let files = &self.files;
        files.put_again(&later.files, &first.files, &is_learners)?;
        self.home.put_again(&later.home, &first.home, &|_| false)?;
        self.see()?;
        self.end()
    }

    /// Makes what steps made what it was at some moment. `is_known` says that steps made this at
    /// that path once. What they did not make, or somebody changed since, is the learner's and
    /// stays.
    pub fn restore(
        &mut self,
        then: &Artifacts<Vec<u8>>,
        is_known: &dyn Fn(&Below, &Artifact<Vec<u8>>) -> bool,
    ) -> Result<(), WorkspaceError> {
        self.files.root.check()?;
        self.files.open_up(&self.ledger.folders);
        let (files, ledger) = (&self.files, &self.ledger);
        let is_theirs = |found: &Found| {
            let path = &found.path;
            let is_known = || (files.made(found)).is_some_and(|made| is_known(path, &made));
            let is_left = match &found.kind {
                Kind::Folder { .. } => ledger.folders.contains(path),
                Kind::Link { .. } | Kind::File { .. } | Kind::Other => ledger.is_as_left(found),
            };
            ledger.written.contains_key(path) || !is_left && !is_known()
        };
        let (mut learners, stays) = files.take_back(&then.files, &is_theirs)?;
        // A file of the lesson stays as steps changed it, which is no edit of the learner's.
        for path in ledger.written.keys() {
            if let Ok(Some(found)) = files.root.look(path)
                && ledger.is_as_left(&found)
            {
                learners.remove(path);
            }
        }
        self.stays.extend(stays.iter().map(FilesError::to_string));
        self.ledger.learners = learners;
        let is_theirs = |path: &Below| self.ledger.is_theirs(path);
        self.files.bring_back(&then.files, &is_theirs)?;
        self.empty_home()?;
        self.home.bring_back(&then.home, &|_| false)?;
        self.see()?;
        self.overwritten.clear();
        self.end()
    }
}
