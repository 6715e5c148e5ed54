//! Puts files aside: all of a workspace when the learner begins afresh, and the artifacts of the last
//! run when a new one begins.

use super::error::WorkspaceError;
use super::ledger::Ledger;
use super::locked::{AsideFolder, LockedFolders};
use super::model::Workspace;
use crate::folders::Folders;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tutor_files::{Below, FilesError, Over};

impl Workspace {
    /// Moves artifacts to a folder of their own beside the workspace, each with the steps that may
    /// have made it.
    pub(super) fn put_aside(
        &mut self,
        made: BTreeMap<Below, BTreeSet<String>>,
    ) -> Result<(), WorkspaceError> {
        let Some(place) = self.place().filter(|_| !made.is_empty()) else {
            return Ok(());
        };
        let folder = place.free()?;
        let kept = |path: &Below| Below::new(folder.path().join(path.path()));
        let entries = made
            .iter()
            .map(|(path, by)| Ok((kept(path)?, by.clone())))
            .collect::<Result<Vec<_>, FilesError>>()?;
        let all = place.all.clone();
        self.ledger.aside.extend(entries);
        // First, so that a `tutor` that is killed leaves nothing that the next one knows nothing of.
        self.save()?;
        all.make_folder(&folder, 0o755)?;
        let aside = all.within(&folder)?;
        let mut above = None;
        for path in made.keys() {
            // Those in one folder mostly follow each other.
            let parents = match above == path.parent() {
                true => Ok(()),
                false => aside.make_parents(path),
            };
            above = path.parent();
            let moved = parents.and_then(|()| self.files.root.rename(path, &aside, path));
            match moved {
                Err(error) if error.is_missing() => {}
                Err(error) => self.stays.push(error.to_string()),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Removes what was put aside and steps made again. Returns what they did not make, by folder;
    /// it stays there. `has_run` says whether a step had its chance in this run; nothing if the
    /// lesson has no such step.
    pub fn settle(&mut self, has_run: &dyn Fn(&str) -> Option<bool>) -> Vec<AsideFolder> {
        let Some(place) = self.place() else {
            return Vec::new();
        };
        let (all, files) = (place.all.clone(), place.files.clone());
        let mut left: Vec<AsideFolder> = Vec::new();
        let mut emptied: BTreeSet<Below> = BTreeSet::new();
        for (kept, mut by) in std::mem::take(&mut self.ledger.aside) {
            let mut parts = kept.path().components();
            let name = parts.next().map(|name| name.as_os_str().to_owned());
            let folder = files.with_file_name(name.unwrap_or_default());
            let Ok(path) = Below::new(parts.as_path()) else {
                continue;
            };
            by.retain(|step| has_run(step).is_some());
            let there = all.look(&kept).ok().flatten();
            let again = self.seen.get(&path).filter(|again| !again.kind.is_folder());
            let is_made_again = again.is_some()
                && !self.ledger.learners.contains(&path)
                && (self.ledger.by.get(&path)).is_some_and(|again| by.is_subset(again));
            let is_gone = match &there {
                // A `tutor` that was killed may have left the folders.
                None => true,
                Some(found) => {
                    is_made_again && all.remove(&kept, Over::Known(&found.stamp)).is_ok()
                }
            };
            if is_gone {
                let above = std::iter::successors(kept.parent(), Below::parent);
                emptied.extend(
                    above
                        .take_while(|folder| !emptied.contains(folder))
                        .collect::<Vec<_>>(),
                );
                continue;
            }
            let file = path.path().to_owned();
            match left.last_mut().filter(|aside| aside.folder == folder) {
                Some(aside) => aside.files.push(file),
                None => left.push(AsideFolder {
                    folder,
                    files: vec![file],
                }),
            }
            // Another run may have the steps that this one had not.
            if by.iter().any(|step| has_run(step) == Some(false)) {
                self.ledger.aside.insert(kept, by);
            }
        }
        // The contents of a folder go before the folder; one that holds something stays.
        for folder in emptied.iter().rev() {
            let _ = all.remove_folder(folder);
        }
        left
    }
}

/// A lesson's lasting workspace that is to begin afresh, held against other runs.
#[derive(Debug)]
pub struct Reset(LockedFolders);

impl Reset {
    /// Holds the workspace, whatever is in its place. Nothing is touched if a newer `tutor` kept it.
    pub fn hold(folders: &Folders, key: &str) -> Result<Reset, WorkspaceError> {
        let place = LockedFolders::open(folders, key)?;
        Ledger::read(&place.manifest(), None)?;
        Ok(Reset(place))
    }

    /// Moves the files to a folder of their own beside it and forgets what was known of them.
    /// Returns that folder; none if there were no files.
    pub fn set_aside(self) -> Result<Option<PathBuf>, WorkspaceError> {
        let manifest = Below::new("manifest.json")?;
        self.0.state.remove(&manifest, Over::Anything)?;
        self.0.put_aside()
    }
}
