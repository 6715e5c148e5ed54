//! The lesson's files beside what the learner made of them: to show it, and to begin a file afresh.

use super::error::WorkspaceError;
use super::ledger::Ledger;
use super::model::Workspace;
use super::tree::LIMIT_BYTES;
use crate::folders::Folders;
use crate::lesson::FileStep;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tutor_files::root::read_regular;
use tutor_files::{Below, FilesError, Kind, Root, hash};

/// A file of a lesson that is in the workspace, or was.
#[derive(Debug)]
pub struct LessonFile<'l> {
    /// The lesson's own.
    pub file: &'l FileStep,
    /// What is there now.
    pub state: FileState,
}

/// What is in the place of a lesson's file.
#[derive(Debug, PartialEq, Eq)]
pub enum FileState {
    /// The lesson's own text.
    AsWritten,
    /// This, by the learner's hand.
    Edited(Vec<u8>),
    /// This, as a step left it.
    ChangedByStep(Vec<u8>),
    /// Nothing.
    Missing,
    /// No file that can be compared: a folder, a link, one that is too large, or something else where a
    /// folder of its path is to be.
    Unreadable,
}

/// The outcome of beginning a file of a lesson afresh.
#[derive(Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was the lesson's own text already.
    AsWritten,
    /// It was not there.
    Written,
    /// What was there lies here now.
    KeptAt(PathBuf),
}

/// Returns those of a lesson's files that its lasting workspace has, or had, by path, with what is
/// there now. The workspace is read as it is and not held: a run may go on in it.
pub fn lesson_files<'l>(
    folders: &Folders,
    key: &str,
    files: impl Iterator<Item = &'l FileStep>,
) -> Result<Vec<LessonFile<'l>>, WorkspaceError> {
    let folder = folders.data.join("workspaces").join(key);
    let manifest = folders.state.join("workspaces").join(key);
    let Ok(root) = Root::open(&folder) else {
        return Ok(Vec::new());
    };
    let manifest = manifest.join("manifest.json");
    let ledger = Ledger::read(&manifest, Some((&root, &folder)))?;
    let mut states = Vec::new();
    for (path, file) in as_written(&ledger, files)? {
        let state = match root.look(&path) {
            Err(FilesError::Behind(_)) => FileState::Unreadable,
            Err(error) => return Err(error.into()),
            Ok(None) if !ledger.written.contains_key(&path) => continue,
            Ok(None) => FileState::Missing,
            Ok(Some(found)) if !matches!(found.kind, Kind::File { .. }) => FileState::Unreadable,
            Ok(Some(found)) => match root.read(&path, LIMIT_BYTES) {
                Err(_) => FileState::Unreadable,
                Ok(content) if content == file.content.as_bytes() => FileState::AsWritten,
                Ok(content) if ledger.is_as_left(&found) => FileState::ChangedByStep(content),
                Ok(content) => FileState::Edited(content),
            },
        };
        states.push(LessonFile { file, state });
    }
    Ok(states)
}

/// The lesson's files by path. A lesson may write one path more than once: then it is the one that it
/// wrote last, as far as the lesson has come.
fn as_written<'l>(
    ledger: &Ledger,
    files: impl Iterator<Item = &'l FileStep>,
) -> Result<BTreeMap<Below, &'l FileStep>, WorkspaceError> {
    let mut chosen = BTreeMap::new();
    for file in files {
        let path = Below::new(&file.path)?;
        let is_written = ledger.is_as_written(&path, file.content.as_bytes());
        if is_written || !chosen.contains_key(&path) {
            chosen.insert(path, file);
        }
    }
    Ok(chosen)
}

impl Workspace {
    /// Those of a lesson's files that are not as the lesson has them, by the learner's hand, as of
    /// the last look. Where it has two of one path, the later one counts.
    pub fn edited<'f>(&self, files: impl Iterator<Item = &'f FileStep>) -> Vec<PathBuf> {
        if self.ledger.learners.is_empty() {
            return Vec::new();
        }
        let files: BTreeMap<&Path, &FileStep> = files.map(|file| (&*file.path, file)).collect();
        let is_edited = |file: &&FileStep| {
            let path = Below::new(&file.path).ok();
            let path = path.filter(|path| self.ledger.learners.contains(path));
            let found = path.and_then(|path| self.found_by_steps(&path));
            found.is_some_and(|found| found != hash(file.content.as_bytes()).to_string())
        };
        let edited = files.into_values().filter(is_edited);
        edited.map(|file| file.path.clone()).collect()
    }

    /// The hash of what steps find in a place where the learner put something: of the text that is
    /// there, also behind a link. Of what has no text, or too long a one, that of its length and its
    /// time of change. Nothing if nothing is there.
    pub(super) fn found_by_steps(&self, path: &Below) -> Option<String> {
        self.files.root.look(path).ok()??;
        let file = self.files.root.full(path);
        let found = match read_regular(&file, LIMIT_BYTES) {
            Ok(content) => hash(&content),
            Err(_) => {
                let there = fs::metadata(&file).map(|there| (there.len(), there.modified().ok()));
                hash(format!("{:?}", there.ok()).as_bytes())
            }
        };
        Some(found.to_string())
    }

    /// Puts the lesson's text in the place of one of its files, whose path all of `files` have. What
    /// is there, or where a folder of the path is to be, goes to a folder beside the workspace.
    pub fn restore_file(
        &mut self,
        files: &[&FileStep],
    ) -> Result<Option<Restored>, WorkspaceError> {
        let chosen = as_written(&self.ledger, files.iter().copied())?;
        let Some((path, file)) = chosen.into_iter().next() else {
            return Ok(None);
        };
        let there = match self.files.in_the_way(&path) {
            Some(found) => Some(found),
            None => self.files.root.look(&path)?,
        };
        let Some(found) = there else {
            self.write(file)?;
            return Ok(Some(Restored::Written));
        };
        let content = match found.kind {
            Kind::File { .. } if found.path == path => {
                self.files.root.read(&path, LIMIT_BYTES).ok()
            }
            Kind::File { .. } | Kind::Link { .. } | Kind::Folder { .. } | Kind::Other => None,
        };
        if content.is_some_and(|content| content == file.content.as_bytes()) {
            return Ok(Some(Restored::AsWritten));
        }
        let Some(place) = self.place() else {
            return Ok(None);
        };
        let folder = place.free()?;
        place.all.make_folder(&folder, 0o755)?;
        let aside = place.all.within(&folder)?;
        aside.make_parents(&found.path)?;
        self.files.root.rename(&found.path, &aside, &found.path)?;
        self.write(file)?;
        Ok(Some(Restored::KeptAt(aside.full(&found.path))))
    }
}
