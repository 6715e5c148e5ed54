//! All lasting workspaces: what is in them, and holding them all.

use super::error::WorkspaceError;
use super::ledger::Ledger;
use super::locked::LockedFolders;
use super::tree::LIMIT_BYTES;
use crate::folders::Folders;
use std::fs;
use std::path::{Path, PathBuf};
use tutor_files::{Found, Limits, Root};

/// One workspace, or what was put aside of one.
#[derive(Debug)]
pub struct WorkspaceSummary {
    /// Where it is.
    pub folder: PathBuf,
    /// The learner's own files in it, below the folder; nothing of what is aside, where nobody knows
    /// whose it is.
    pub edits: Option<Vec<PathBuf>>,
}

/// Looks at all workspaces, in order of their names.
pub fn survey(folders: &Folders) -> Result<Vec<WorkspaceSummary>, WorkspaceError> {
    let all = folders.data.join("workspaces");
    let mut surveyed = Vec::new();
    for name in names(&all) {
        let folder = all.join(&name);
        let is_aside = Path::new(&name)
            .extension()
            .is_some_and(|end| end.to_string_lossy().starts_with("old-"));
        let edits = match is_aside {
            true => None,
            false => {
                let state = folders.state.join("workspaces").join(&name);
                Some(edits(&folder, &state)?)
            }
        };
        surveyed.push(WorkspaceSummary { folder, edits });
    }
    Ok(surveyed)
}

/// The files of a workspace that neither the lesson nor its steps left as they are.
fn edits(folder: &Path, state: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    // The contents of a folder that cannot be opened are not known.
    let Ok(root) = Root::open(folder) else {
        return Ok(Vec::new());
    };
    let ledger = Ledger::read(&state.join("manifest.json"), Some((&root, folder)))?;
    let Ok(listing) = root.walk(&Limits::default()) else {
        return Ok(Vec::new());
    };
    let is_known = |found: &Found| {
        let content = || root.read(&found.path, LIMIT_BYTES);
        ledger.is_as_left(found)
            || content().is_ok_and(|content| ledger.is_as_written(&found.path, &content))
    };
    let files = listing.entries.into_iter();
    let edits = files.filter(|found| !found.kind.is_folder() && !is_known(found));
    let mut edits: Vec<PathBuf> = edits.map(|found| found.path.path().to_owned()).collect();
    edits.sort();
    Ok(edits)
}

/// Holds all workspaces against other runs until it is dropped.
pub fn hold_all(folders: &Folders) -> Result<impl Sized, WorkspaceError> {
    let mut held = Vec::new();
    for name in names(&folders.state.join("workspaces")) {
        let place = LockedFolders::open(folders, &name)?;
        Ledger::read(&place.manifest(), None)?;
        held.push(place);
    }
    Ok(held)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
