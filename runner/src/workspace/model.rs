//! The workspace of a run, from its beginning to its end.

use super::copies::Copies;
use super::error::WorkspaceError;
use super::ledger::Ledger;
use super::locked::{AsideFolder, LockedFolders};
use super::temporary::Temporary;
use super::tree::{FoundByPath, LIMIT_BYTES, Tree, stamp};
use crate::event::Written;
use crate::folders::Folders;
use crate::lesson::FileStep;
use crate::normalize::StepFolders;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use tutor_files::{Below, FilesError, Found, Kind, Over, Root, hash};

/// A folder to run a lesson in.
#[derive(Debug)]
pub struct Workspace {
    pub(super) files: Tree,
    pub(super) home: Tree,
    /// The files at the last look.
    pub(super) seen: FoundByPath,
    /// Where something was mounted then.
    pub(super) mounts: Vec<Below>,
    /// The learner's files that changed while a step ran, until it is known whether a step did that.
    pub(super) overwritten: BTreeSet<Below>,
    pub(super) copies: Copies,
    /// Messages about files that could not be removed.
    pub(super) stays: Vec<String>,
    pub(super) ledger: Ledger,
    /// The ledger as it was written last.
    pub(super) saved: Vec<u8>,
    /// Where it is kept, or what goes with it.
    pub(super) held: Result<LockedFolders, Temporary>,
}

impl Workspace {
    /// Opens the learner's lasting workspace for a lesson; `key` tells courses apart.
    pub fn lasting(folders: &Folders, key: &str) -> Result<Workspace, WorkspaceError> {
        let place = LockedFolders::open(folders, key)?;
        let files = Tree::new(place.files.clone(), place.root()?);
        let ledger = Ledger::read(&place.manifest(), Some((&files.root, &files.path)))?;
        let (home, was) = place.home()?;
        let home = Tree::new(
            folders.state.join("workspaces").join(key).join("home"),
            home,
        );
        for tree in [&files, &home] {
            tree.sweep();
        }
        let stays = place.was.iter().cloned().chain(was).collect();
        let mut workspace = Workspace::of(files, home, Ok(place));
        workspace.ledger = ledger;
        workspace.stays = stays;
        Ok(workspace)
    }

    /// Makes a fresh folder below the system's temporary one; it goes when the workspace does,
    /// unless it is to be kept.
    pub fn fresh(lesson: &str, keep: bool) -> Result<Workspace, WorkspaceError> {
        let temporary = Temporary::make(keep)?;
        let root = Root::open(temporary.folder())?;
        let tree = |name: &str| {
            let below = Below::new(name)?;
            root.make_folder(&below, 0o700)?;
            Ok::<Tree, FilesError>(Tree::new(root.full(&below), root.within(&below)?))
        };
        // No lesson is called `.home`.
        Ok(Workspace::of(tree(lesson)?, tree(".home")?, Err(temporary)))
    }

    fn of(files: Tree, home: Tree, held: Result<LockedFolders, Temporary>) -> Workspace {
        Workspace {
            files,
            home,
            seen: FoundByPath::new(),
            mounts: Vec::new(),
            overwritten: BTreeSet::new(),
            copies: Copies::default(),
            stays: Vec::new(),
            ledger: Ledger::default(),
            saved: Vec::new(),
            held,
        }
    }

    /// The folder that steps start in.
    pub fn files(&self) -> &Path {
        &self.files.path
    }

    /// The steps' own home folder.
    pub fn home(&self) -> &Path {
        &self.home.path
    }

    /// Both, for whoever looks at what steps printed.
    pub fn folders(&self) -> StepFolders {
        StepFolders {
            workspace: self.files().to_owned(),
            home: self.home().to_owned(),
        }
    }

    /// Where a lasting one is kept.
    pub(super) fn place(&self) -> Option<&LockedFolders> {
        self.held.as_ref().ok()
    }

    /// Begins a whole run: what steps of the last run made, and nobody changed since, goes aside.
    pub fn begin(&mut self) -> Result<(), WorkspaceError> {
        if self.place().is_none() {
            return Ok(());
        }
        self.files.open_up(&self.ledger.folders);
        // Files behind a link are not the steps'.
        self.see()?;
        let left = self.seen.values().filter(|now| self.ledger.is_as_left(now));
        let left = left.map(|now| {
            let by = self.ledger.by.get(&now.path);
            (now.path.clone(), by.cloned().unwrap_or_default())
        });
        let left = left.collect();
        self.ledger.made.clear();
        self.ledger.by.clear();
        self.put_aside(left)?;
        // The contents of a folder go before the folder.
        for path in std::mem::take(&mut self.ledger.folders).iter().rev() {
            match self.files.root.remove_folder(path) {
                // One that somebody has something in stays, and so does what is no folder any more.
                Ok(_) | Err(FilesError::Changed(_) | FilesError::Behind(_)) => {}
                Err(error) => self.stays.push(error.to_string()),
            }
        }
        self.empty_home()?;
        self.see()?;
        self.ledger.learners = self.seen.keys().cloned().collect();
        Ok(())
    }

    pub(super) fn empty_home(&mut self) -> Result<(), WorkspaceError> {
        if let Some(place) = self.place() {
            let (home, stays) = place.empty_home()?;
            self.home.root = home;
            self.stays.extend(stays.map(|error| error.to_string()));
        }
        Ok(())
    }

    /// Looks at all that is there, though a step may have shut the folder itself.
    pub(super) fn see(&mut self) -> Result<(), WorkspaceError> {
        self.files.root.check()?;
        self.files.root.open_up()?;
        let sight = self.files.sight()?;
        (self.seen, self.mounts) = (sight.seen, sight.mounts);
        Ok(())
    }

    /// Begins a run that goes on from the last one: what its steps made stays, and stays theirs.
    pub fn go_on(&mut self) -> Result<(), WorkspaceError> {
        self.see()?;
        // Files that were changed since are the learner's.
        let theirs = self
            .seen
            .values()
            .filter(|now| !self.ledger.is_as_left(now));
        let mut learners: BTreeSet<Below> = theirs.map(|now| now.path.clone()).collect();
        for path in &self.ledger.folders {
            learners.remove(path);
        }
        self.ledger.learners = learners;
        Ok(())
    }

    /// Looks at the changes since the last look, and notes the steps that ran meanwhile. A file that
    /// changed while none ran is the learner's; one that cannot be seen now counts as unchanged.
    /// Returns copies of what the steps wrote over.
    pub fn look(&mut self, by: &BTreeSet<String>) -> Option<AsideFolder> {
        if self.place().is_none() || self.files.root.check().is_err() {
            return None;
        }
        let mut now = self.files.sight().ok()?;
        for folder in &now.closed {
            let below = self.seen.range::<Below, _>(folder..);
            let below = below.take_while(|(path, _)| path.is_in(folder));
            for (path, found) in below {
                now.seen
                    .entry(path.clone())
                    .or_insert_with(|| found.clone());
            }
        }
        let written_over = match by.is_empty() {
            true => None,
            false => self.take_written_over(&now.seen),
        };
        for (path, found) in &now.seen {
            let before = self.seen.get(path);
            if before.map(stamp) == Some(stamp(found)) {
                continue;
            }
            for step in by {
                if let Some(last) = self.ledger.last_runs.get_mut(step) {
                    last.made.insert(path.clone());
                }
            }
            if by.is_empty() {
                self.ledger.learners.insert(path.clone());
            } else if self.ledger.learners.contains(path) {
                self.overwritten.insert(path.clone());
            } else {
                let noted = self.ledger.by.entry(path.clone()).or_default();
                noted.extend(by.iter().cloned());
            }
        }
        (self.seen, self.mounts) = (now.seen, now.mounts);
        written_over
    }

    /// Copies of what steps wrote over: what is there is the steps' now. A file of the lesson stays the
    /// learner's.
    fn take_written_over(&mut self, now: &FoundByPath) -> Option<AsideFolder> {
        let place = self.held.as_ref().ok()?;
        let (aside, over) = self.copies.written_over(now, &self.files.root, place)?;
        for path in over {
            if !self.ledger.written.contains_key(&path) {
                self.ledger.learners.remove(&path);
            }
        }
        Some(aside)
    }

    /// Ends a whole run: remembers what its steps made, as of the last look.
    pub fn end(&mut self) -> Result<(), WorkspaceError> {
        if self.place().is_none() {
            return Ok(());
        }
        self.files.root.check()?;
        let (mut folders, mut made) = (BTreeSet::new(), BTreeMap::new());
        for (path, found) in self.made() {
            match stamp(found) {
                Some(stamp) => drop(made.insert(path.clone(), stamp.into())),
                None => drop(folders.insert(path.clone())),
            }
        }
        for path in self.ledger.written.keys() {
            if self.ledger.is_changed_by_steps(path)
                && let Some(stamp) = self.seen.get(path).and_then(stamp)
            {
                made.insert(path.clone(), stamp.into());
            }
        }
        self.ledger.folders = folders;
        self.ledger.made = made;
        let made = &self.ledger.made;
        self.ledger.by.retain(|path, _| made.contains_key(path));
        self.save()
    }

    /// No step runs any more: removes what goes with the run. Returns what stays, and why.
    pub fn close(&mut self) -> Vec<String> {
        let mut stays = std::mem::take(&mut self.stays);
        match &mut self.held {
            Ok(place) => {
                self.copies.close(place);
                let mounts = self.mounts.iter().map(|path| self.files.path.join(path));
                stays.extend(mounts.map(|path| FilesError::Mount(path).to_string()));
            }
            Err(temporary) => stays.extend(temporary.remove().err().map(|error| error.to_string())),
        }
        stays
    }

    /// Puts a file of the lesson into the workspace, unless the learner has edited it.
    pub fn write(&mut self, file: &FileStep) -> Result<Written, WorkspaceError> {
        let path = Below::new(&file.path)?;
        self.files.root.check()?;
        if let Some(found) = self.files.in_the_way(&path) {
            return Err(WorkspaceError::InTheWay {
                file: file.path.clone(),
                way: found.path.path().to_owned(),
                is_link: matches!(found.kind, Kind::Link { .. }),
            });
        }
        self.files.root.make_parents(&path)?;
        let there = self.files.root.look(&path)?;
        let written = match &there {
            None => Written::New,
            Some(found) => match self.content_of(found)? {
                Some(content) if content == file.content.as_bytes() => Written::Unchanged,
                Some(content) if self.ledger.is_as_written(&path, &content) => Written::Updated,
                Some(_) | None => return Ok(self.keep_theirs(path, found)),
            },
        };
        let over = match (written, &there) {
            (Written::Unchanged, _) => None,
            (_, None) => Some(Over::Nothing),
            (_, Some(found)) => Some(Over::Known(&found.stamp)),
        };
        if let Some(over) = over {
            let content = file.content.as_bytes();
            match self.files.root.write(&path, content, 0o644, over) {
                // Somebody was quicker.
                Err(FilesError::Changed(_)) => {
                    self.ledger.learners.insert(path);
                    return Ok(Written::KeptEdits);
                }
                placed => placed?,
            }
        }
        self.ledger.learners.remove(&path);
        self.ledger.by.remove(&path);
        if let Some(found) = self.files.root.look(&path)? {
            self.seen.insert(path.clone(), found);
        }
        let content = hash(file.content.as_bytes()).to_string();
        self.ledger.written.insert(path, content);
        self.save()?;
        Ok(written)
    }

    /// The content of a file, to be compared; nothing for what is none, or too long, or shut.
    fn content_of(&self, found: &Found) -> Result<Option<Vec<u8>>, WorkspaceError> {
        match &found.kind {
            Kind::Link { .. } | Kind::Folder { .. } | Kind::Other => return Ok(None),
            Kind::File { .. } => {}
        }
        match self.files.root.read(&found.path, LIMIT_BYTES) {
            Err(FilesError::Limit { .. }) => Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    /// Keeps a file in the place of a lesson's file, which is not as the lesson wrote it.
    fn keep_theirs(&mut self, path: Below, found: &Found) -> Written {
        let seen = self.seen.get(&path).map(|seen| seen.stamp);
        if self.ledger.is_changed_by_steps(&path) && seen == Some(found.stamp) {
            return Written::KeptChanged;
        }
        self.ledger.learners.insert(path);
        Written::KeptEdits
    }

    /// Puts something of ours into the steps' home.
    pub fn put_in_home(&self, name: &str, bytes: &[u8]) -> Result<(), FilesError> {
        let path = Below::new(name)?;
        self.home.root.write(&path, bytes, 0o644, Over::Anything)
    }

    /// True of what is not for steps to take away.
    pub fn is_theirs(&self, path: &Below) -> bool {
        self.ledger.is_theirs(path)
    }

    /// The artifacts of this run, or of the runs that it goes on from, as of the last look; a
    /// folder comes before what is in it.
    pub(super) fn made(&self) -> impl Iterator<Item = (&Below, &Found)> {
        self.seen.iter().filter(|(path, _)| !self.is_theirs(path))
    }

    /// Writes down what is known, if that is not what was written last.
    pub(super) fn save(&mut self) -> Result<(), WorkspaceError> {
        let Ok(place) = &self.held else {
            return Ok(());
        };
        let json = self.ledger.json();
        if json != self.saved {
            tutor_files::write(&place.manifest(), &json, 0o600)?;
            self.saved = json;
        }
        Ok(())
    }
}
