//! Copies of what the learner wrote, made before a step runs and kept where the step wrote over it.
//!
//! They lie beside the workspace from the beginning: one that a `tutor` leaves which was killed is
//! found there, too.

use super::error::WorkspaceError;
use super::ledger::Ledger;
use super::locked::{AsideFolder, LockedFolders};
use super::tree::{FoundByPath, LIMIT_BYTES};
use std::collections::{BTreeMap, BTreeSet};
use tutor_files::{Below, Found, Kind, Over, Root, Stamp};

/// The most files that are copied.
const LIMIT_FILES: usize = 10_000;

/// The copies that were not needed yet.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The folder that they are in, by its name beside the workspace; none before the first.
    folder: Option<(Below, Root)>,
    of: BTreeMap<Below, Looked>,
}

/// A file of the learner's that was looked at for copying.
#[derive(Debug)]
struct Looked {
    /// Its stamp then, if every later change shows in it.
    then: Option<Stamp>,
    /// False for the lesson's own text, of which no copy is needed.
    is_copied: bool,
}

impl Copies {
    /// Copies the learner's files that have changed since they were copied: those first that steps
    /// write too, and then the smallest, as far as the limits go. `seen` are the files at the last
    /// look, below `files`.
    pub(super) fn renew(
        &mut self,
        seen: &FoundByPath,
        files: &Root,
        ledger: &Ledger,
        place: &LockedFolders,
    ) -> Result<(), WorkspaceError> {
        let wanted = wanted(seen, ledger);
        let is_stale = |path: &Below, looked: &Looked| {
            let now = wanted.get(path).map(|found| found.stamp);
            looked.then.is_none() || looked.then != now
        };
        let of = self.of.iter();
        let stale = of.filter(|(path, looked)| is_stale(path, looked));
        let stale: Vec<Below> = stale.map(|(path, _)| path.clone()).collect();
        for path in stale {
            self.of.remove(&path);
            if let Some((_, copies)) = &self.folder {
                copies.remove(&path, Over::Anything)?;
            }
        }
        for (path, found) in wanted {
            if self.of.contains_key(path) {
                continue;
            }
            // One that may not be read, or goes meanwhile, no step reads either.
            let Ok(content) = files.read(path, LIMIT_BYTES) else {
                continue;
            };
            let is_copied = !ledger.is_as_written(path, &content);
            if let (true, Kind::File { mode, .. }) = (is_copied, &found.kind) {
                let copies = self.folder(place)?;
                copies.make_parents(path)?;
                copies.write(path, &content, *mode, Over::Anything)?;
            }
            let then = found.sure_stamp();
            let looked = Looked { then, is_copied };
            self.of.insert(path.clone(), looked);
        }
        Ok(())
    }

    fn folder(&mut self, place: &LockedFolders) -> Result<&Root, WorkspaceError> {
        if self.folder.is_none() {
            let name = place.free()?;
            place.all.make_folder(&name, 0o755)?;
            let root = place.all.within(&name)?;
            self.folder = Some((name, root));
        }
        match &self.folder {
            Some((_, root)) => Ok(root),
            None => Err(WorkspaceError::Replaced(place.files.clone())),
        }
    }

    /// Returns the copies of what is not there `now` as the learner had it: they stay.
    pub(super) fn written_over(
        &mut self,
        now: &FoundByPath,
        files: &Root,
        place: &LockedFolders,
    ) -> Option<(AsideFolder, Vec<Below>)> {
        let (name, copies) = self.folder.as_ref()?;
        let is_other = |path: &Below, looked: &Looked| {
            let stamp = now.get(path).map(|there| there.stamp);
            if looked.then.is_some() && looked.then == stamp {
                return false;
            }
            let text = files.read(path, LIMIT_BYTES).ok();
            text.is_none() || text != copies.read(path, LIMIT_BYTES).ok()
        };
        let of = self.of.iter();
        let over = of.filter(|(path, looked)| looked.is_copied && is_other(path, looked));
        let over: Vec<Below> = over.map(|(path, _)| path.clone()).collect();
        if over.is_empty() {
            return None;
        }
        let aside = AsideFolder {
            folder: place.files.with_file_name(name.name()),
            files: over.iter().map(|path| path.path().to_owned()).collect(),
        };
        self.of.retain(|path, _| !over.contains(path));
        // The next copies go into a folder of their own: nothing is written over in this one.
        self.close(place);
        Some((aside, over))
    }

    /// Removes the copies that were not needed. One that cannot be removed is one more than is needed,
    /// and nothing else.
    pub(super) fn close(&mut self, place: &LockedFolders) {
        let Copies { folder, of } = std::mem::take(self);
        let Some((name, copies)) = folder else {
            return;
        };
        let mut folders = BTreeSet::new();
        for path in of.into_keys() {
            let _ = copies.remove(&path, Over::Anything);
            folders.extend(std::iter::successors(path.parent(), Below::parent));
        }
        // The contents of a folder go before the folder; one that holds something stays.
        for folder in folders.iter().rev() {
            let _ = copies.remove_folder(folder);
        }
        let _ = place.all.remove_folder(&name);
    }
}

fn wanted<'s>(seen: &'s FoundByPath, ledger: &Ledger) -> BTreeMap<&'s Below, &'s Found> {
    let learners = ledger.learners.iter();
    let mut files: Vec<(&Below, &Found)> = learners
        .filter_map(|path| seen.get_key_value(path))
        .filter(|(_, found)| matches!(found.kind, Kind::File { .. }))
        .collect();
    let made = ledger.last_runs.values();
    let made: BTreeSet<&Below> = made.flat_map(|last| &last.made).collect();
    files.sort_by_key(|(path, found)| (!made.contains(path), found.kind.bytes()));
    let mut left_bytes = LIMIT_BYTES;
    files.retain(|(_, found)| {
        let left = left_bytes.checked_sub(found.kind.bytes());
        left_bytes = left.unwrap_or(left_bytes);
        left.is_some()
    });
    files.into_iter().take(LIMIT_FILES).collect()
}
