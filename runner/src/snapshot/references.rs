//! Tells cargo-insta that our snapshots are in use.

use super::error::SnapshotError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The variable by which `cargo insta test --unreferenced=…` names its list.
const LIST: &str = "INSTA_SNAPSHOT_REFERENCES_FILE";

/// Enters every snapshot below `dir` in cargo-insta's list of those in use.
///
/// Without that, `cargo insta test --unreferenced=delete` deletes them: no Rust test asserts
/// them. Does nothing when no cargo-insta asks.
pub fn register_references(dir: &Path) -> Result<(), SnapshotError> {
    let Some(list) = std::env::var_os(LIST).filter(|list| !list.is_empty()) else {
        return Ok(());
    };
    register_in(Path::new(&list), dir)
}

fn register_in(list: &Path, dir: &Path) -> Result<(), SnapshotError> {
    let mut snapshots = Vec::new();
    collect(dir, &mut snapshots).map_err(|error| SnapshotError::listing(dir.to_owned(), error))?;
    snapshots.sort();
    let lines: String = snapshots
        .iter()
        .map(|snapshot| format!("{}\n", snapshot.display()))
        .collect();
    // One write, so that test binaries that run at once do not mix their lines.
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(list)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|error| SnapshotError::refused("write the references in", list.to_owned(), error))
}

fn collect(folder: &Path, snapshots: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, snapshots)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "snap")
        {
            snapshots.push(path.canonicalize()?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snapshot_is_entered_and_earlier_entries_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("it is there");
        let list = root.join("list");
        fs::create_dir_all(root.join("snapshots/hello")).expect("writable");
        for file in ["a.snap", "b.snap.new", "b@kernel-6.12.snap"] {
            fs::write(root.join("snapshots/hello").join(file), "").expect("writable");
        }
        fs::write(&list, "/earlier.snap\n").expect("writable");
        register_in(&list, &root.join("snapshots/../snapshots")).expect("registered");
        let entered = fs::read_to_string(&list).expect("readable");
        let entered = entered.replace(&root.display().to_string(), "ROOT");
        assert_eq!(
            entered,
            "/earlier.snap\nROOT/snapshots/hello/a.snap\nROOT/snapshots/hello/b@kernel-6.12.snap\n"
        );
    }

    #[test]
    fn no_snapshots_are_no_error() {
        let dir = tempfile::tempdir().expect("a folder");
        register_in(&dir.path().join("list"), &dir.path().join("none")).expect("registered");
    }
}
