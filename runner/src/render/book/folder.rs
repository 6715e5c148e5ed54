//! Writes a tree of files into a folder of its own: only what changed, and nothing stays behind.

use super::error::EmitError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tutor_files::error::failed_io;
use tutor_files::{Below, FilesError, Limits, Over, Root};

/// The file that says that a folder is ours, and which files in it are.
const MARKER: &str = ".tutor-book";
const MARKER_HEAD: &str =
    "The files below were written by `tutor book --emit`, which keeps them up to date.";

/// No file of ours is longer.
const MOST_BYTES: u64 = 64 << 20;

/// Files by path below their folder, with `/`.
pub type EmittedTree = BTreeMap<String, Vec<u8>>;

/// How many files were touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TouchedFiles {
    /// Those that are new or other than before.
    pub written: usize,
    /// Those of an earlier time that no longer belong there.
    pub removed: usize,
}

/// Makes the folder hold this tree. Files there that are not ours are left alone.
pub fn write(tree: &EmittedTree, folder: &Path) -> Result<TouchedFiles, EmitError> {
    let root = open(folder)?;
    let before = owned(&root, folder)?;
    let now: BTreeSet<Below> = tree.keys().map(Below::new).collect::<Result<_, _>>()?;
    // If this stops halfway, each of our files is in the list.
    mark(&root, before.union(&now))?;
    let mut changes = TouchedFiles::default();
    for (path, bytes) in tree {
        changes.written += usize::from(write_changed(&root, path, bytes)?);
    }
    for stale in before.difference(&now) {
        changes.removed += usize::from(root.remove(stale, Over::Anything)?);
    }
    mark(&root, now.iter())?;
    Ok(changes)
}

/// The folder, made where it is missing; links that lead to it are followed.
fn open(folder: &Path) -> Result<Root, FilesError> {
    std::fs::create_dir_all(folder).map_err(failed_io("make", folder))?;
    Root::open(&folder.canonicalize().map_err(failed_io("find", folder))?)
}

/// The files in the folder that are ours; an error if it is somebody else's.
fn owned(root: &Root, folder: &Path) -> Result<BTreeSet<Below>, EmitError> {
    match root.read(&Below::new(MARKER)?, MOST_BYTES) {
        Ok(text) => Ok(listed(&String::from_utf8_lossy(&text))),
        Err(error) if error.is_missing() => {
            let nothing = Limits {
                entries: 0,
                ..Limits::default()
            };
            match root.walk(&nothing) {
                Ok(_) => Ok(BTreeSet::new()),
                Err(FilesError::Limit { .. }) => Err(EmitError::Occupied(folder.to_owned())),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// The paths in the marker; one that leads out of the folder was not written by us.
fn listed(marker: &str) -> BTreeSet<Below> {
    let paths = marker.lines().skip(1).map(Below::new);
    paths.filter_map(Result::ok).collect()
}

fn mark<'p>(root: &Root, paths: impl Iterator<Item = &'p Below>) -> Result<(), FilesError> {
    let mut text = String::from(MARKER_HEAD);
    for path in paths {
        text.push('\n');
        text.push_str(&path.path().to_string_lossy());
    }
    text.push('\n');
    write_changed(root, MARKER, text.as_bytes()).map(drop)
}

/// Writes a file unless it holds just that, and says whether it did.
fn write_changed(root: &Root, path: &str, bytes: &[u8]) -> Result<bool, FilesError> {
    let path = Below::new(path)?;
    let old = root.read(&path, MOST_BYTES);
    if old.is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    root.make_parents(&path)?;
    root.write(&path, bytes, 0o644, Over::Anything)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[(&str, &str)]) -> EmittedTree {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
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
