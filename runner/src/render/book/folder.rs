//! Writes a tree of files into a folder of its own: only what changed, and nothing stays behind.

use super::error::EmitError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The file that says that a folder is ours, and which files in it are.
const MARKER: &str = ".tutor-book";
const MARKER_HEAD: &str =
    "The files below were written by `tutor book --emit`, which keeps them up to date.";

/// Files by path below their folder, with `/`.
pub type Tree = BTreeMap<String, String>;

/// How many files were touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that are new or other than before.
    pub written: usize,
    /// Those of an earlier time that no longer belong there.
    pub removed: usize,
}

/// Makes the folder hold this tree. Files there that are not ours are left alone.
pub fn write(tree: &Tree, folder: &Path) -> Result<Changes, EmitError> {
    let before = owned(folder)?;
    let now: BTreeSet<PathBuf> = tree.keys().map(PathBuf::from).collect();
    // Whatever happens halfway, each of our files is in the list.
    mark(folder, before.union(&now))?;
    let mut changes = Changes::default();
    for (path, text) in tree {
        changes.written += usize::from(write_changed(&folder.join(path), text)?);
    }
    for stale in before.difference(&now) {
        changes.removed += usize::from(remove(folder, stale)?);
    }
    mark(folder, now.iter())?;
    Ok(changes)
}

/// The files in the folder that are ours; an error if it is somebody else's.
fn owned(folder: &Path) -> Result<BTreeSet<PathBuf>, EmitError> {
    let marker = folder.join(MARKER);
    match fs::read_to_string(&marker) {
        Ok(text) => Ok(listed(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match is_free(folder) {
            Ok(true) => Ok(BTreeSet::new()),
            Ok(false) => Err(EmitError::Occupied(folder.to_owned())),
            Err(error) => Err(EmitError::new("read", folder, error)),
        },
        Err(error) => Err(EmitError::new("read", &marker, error)),
    }
}

/// True if nothing is there.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The paths in the marker; one that leads out of the folder was not written by us.
fn listed(marker: &str) -> BTreeSet<PathBuf> {
    let inside = |path: &PathBuf| {
        let mut components = path.components();
        components.all(|component| matches!(component, Component::Normal(_)))
    };
    let paths = marker.lines().skip(1).filter(|line| !line.is_empty());
    paths.map(PathBuf::from).filter(inside).collect()
}

fn mark<'p>(folder: &Path, paths: impl Iterator<Item = &'p PathBuf>) -> Result<(), EmitError> {
    let mut text = String::from(MARKER_HEAD);
    for path in paths {
        text.push('\n');
        text.push_str(&path.to_string_lossy());
    }
    text.push('\n');
    write_changed(&folder.join(MARKER), &text)?;
    Ok(())
}

/// Writes a file unless it holds just that, and says whether it did.
fn write_changed(path: &Path, text: &str) -> Result<bool, EmitError> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|error| EmitError::new("make", parent, error))?;
    fs::write(path, text).map_err(|error| EmitError::new("write", path, error))?;
    Ok(true)
}

fn remove(folder: &Path, file: &Path) -> Result<bool, EmitError> {
    let path = folder.join(file);
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(EmitError::new("remove", &path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn only_what_changed_is_written_and_stale_files_go() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = temp.path().join("tree");
        let changes = |files: &[_]| {
            let changes = write(&tree(files), &folder).expect("writable");
            (changes.written, changes.removed)
        };
        assert_eq!(changes(&[("a", "1"), ("src/b", "2")]), (2, 0));
        assert_eq!(changes(&[("a", "1"), ("src/b", "2")]), (0, 0));
        fs::write(folder.join("theirs"), "3").expect("writable");
        assert_eq!(changes(&[("a", "4")]), (1, 1));
        assert!(folder.join("theirs").exists() && !folder.join("src/b").exists());
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let temp = tempfile::tempdir().expect("a folder");
        fs::write(temp.path().join("theirs"), "3").expect("writable");
        let error = write(&tree(&[("a", "1")]), temp.path()).expect_err("refused");
        assert!(matches!(error, EmitError::Occupied(_)), "{error}");
        assert!(!temp.path().join("a").exists());
    }

    #[test]
    fn a_marker_that_names_other_folders_removes_nothing_there() {
        let temp = tempfile::tempdir().expect("a folder");
        fs::write(temp.path().join("theirs"), "3").expect("writable");
        let folder = temp.path().join("tree");
        write(&tree(&[("a", "1")]), &folder).expect("writable");
        let absolute = temp.path().join("theirs");
        let marker = format!("{MARKER_HEAD}\n../theirs\n{}\na\n", absolute.display());
        fs::write(folder.join(MARKER), marker).expect("writable");
        let changes = write(&tree(&[]), &folder).expect("writable");
        assert_eq!(changes.removed, 1);
        assert!(absolute.exists());
    }
}
