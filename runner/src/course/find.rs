//! Finds a course: named, or upward from the current folder, or in the binary.

use super::files::{MANIFEST, Origin};
use super::model::CourseError;
use std::ffi::OsStr;
use std::path::Path;

/// The course that `choice` names, or else `env`, or else the nearest upward from `cwd`.
pub(super) fn find(
    choice: Option<&Path>,
    env: Option<&OsStr>,
    cwd: &Path,
) -> Result<Origin, CourseError> {
    if let Some(folder) = choice {
        return named(folder, "`--course`", cwd);
    }
    if let Some(folder) = env.filter(|folder| !folder.is_empty()) {
        return named(Path::new(folder), "`TUTOR_COURSE`", cwd);
    }
    let upward = cwd.ancestors().find(|folder| is_there(folder));
    Ok(upward.map_or(Origin::Embedded, |root| Origin::Folder(root.to_owned())))
}

/// True if a folder has a manifest, whatever kind of file that is: reading it tells.
fn is_there(root: &Path) -> bool {
    root.join(MANIFEST).symlink_metadata().is_ok()
}

/// The course in `folder`, which may be its `lessons` folder or its manifest as well.
fn named(folder: &Path, asked: &'static str, cwd: &Path) -> Result<Origin, CourseError> {
    let folder = cwd.join(folder);
    if is_there(&folder) {
        return Ok(Origin::Folder(folder));
    }
    // Resolved first: `.` has no parent, and `lessons` may be a link.
    let resolved = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let root = resolved
        .ancestors()
        .take(3)
        .find(|root| resolved.starts_with(root.join("lessons")) && is_there(root));
    match root {
        Some(root) => Ok(Origin::Folder(root.to_owned())),
        None => Err(CourseError::NotFound { asked, folder }),
    }
}
