//! What is kept aside: all of a workspace when the learner begins afresh, and when a run begins what
//! steps of the last one made.

use super::{Workspace, WorkspaceError, failed, stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that keeps what an earlier run left and no step made again.
#[derive(Debug, PartialEq, Eq)]
pub struct Aside {
    /// The folder.
    pub folder: PathBuf,
    /// What is in it, below the folder.
    pub files: Vec<PathBuf>,
}

impl Workspace {
    /// Moves what steps made to a folder of its own beside the workspace, with the steps while
    /// which it changed.
    pub(super) fn put_aside(
        &mut self,
        made: BTreeMap<PathBuf, BTreeSet<String>>,
    ) -> Result<(), WorkspaceError> {
        let folder = free(self.files());
        let Some(name) = folder.file_name().filter(|_| !made.is_empty()) else {
            return Ok(());
        };
        for (path, by) in &made {
            let kept = Path::new(name).join(path);
            self.manifest.aside.insert(kept, by.clone());
        }
        // First, so that a `tutor` that is killed leaves nothing that the next one knows nothing of.
        self.save()?;
        for path in made.keys() {
            let (file, kept) = (self.files().join(path), folder.join(path));
            let above = kept.parent().unwrap_or(&folder);
            fs::create_dir_all(above).map_err(failed("make", above))?;
            fs::rename(&file, &kept).map_err(failed("move", &file))?;
        }
        Ok(())
    }

    /// Removes what was put aside and steps made again. Returns what they did not make, by folder;
    /// it stays there. `has_run` says whether a step had its chance in this run; nothing if the
    /// lesson has no such step.
    pub fn settle(&mut self, has_run: &dyn Fn(&str) -> Option<bool>) -> Vec<Aside> {
        let Some(all) = self.files().parent().map(Path::to_owned) else {
            return Vec::new();
        };
        let mut left: Vec<Aside> = Vec::new();
        for (kept, mut by) in std::mem::take(&mut self.manifest.aside) {
            let mut parts = kept.components();
            let folder = parts.next().map(|name| all.join(name)).unwrap_or_default();
            let path = parts.as_path().to_owned();
            let file = all.join(&kept);
            if stamp(&file).is_none() {
                continue;
            }
            by.retain(|step| has_run(step).is_some());
            let is_made_again = !self.files.before.contains(&path)
                && stamp(&self.files().join(&path)).is_some()
                && (self.manifest.by.get(&path)).is_some_and(|again| by.is_subset(again));
            if is_made_again && fs::remove_file(&file).is_ok() {
                let mut above = file.ancestors().skip(1).take_while(|above| *above != all);
                // One that holds something stays, and so do those above it.
                while above.next().is_some_and(|one| fs::remove_dir(one).is_ok()) {}
                continue;
            }
            match left.last_mut().filter(|aside| aside.folder == folder) {
                Some(aside) => aside.files.push(path),
                None => left.push(Aside {
                    folder,
                    files: vec![path],
                }),
            }
            // Another run may have the steps that this one had not.
            if by.iter().any(|step| has_run(step) == Some(false)) {
                self.manifest.aside.insert(kept, by);
            }
        }
        left
    }
}

/// A folder beside a workspace's files that is not there yet.
fn free(files: &Path) -> PathBuf {
    let mut number = 1;
    loop {
        let folder = files.with_extension(format!("old-{number}"));
        if fs::symlink_metadata(&folder).is_err() {
            return folder;
        }
        number += 1;
    }
}

/// Moves a lasting workspace's files to a folder of their own beside it and forgets what was
/// known of them. Returns that folder; none if there were no files.
pub fn set_aside(workspace: Workspace) -> Result<Option<PathBuf>, WorkspaceError> {
    let files = workspace.files().to_owned();
    if let Some(manifest) = &workspace.manifest_file
        && manifest.exists()
    {
        fs::remove_file(manifest).map_err(failed("remove", manifest))?;
    }
    if fs::read_dir(&files)
        .map_err(failed("read", &files))?
        .next()
        .is_none()
    {
        return Ok(None);
    }
    let aside = free(&files);
    fs::rename(&files, &aside).map_err(failed("move", &files))?;
    Ok(Some(aside))
}
