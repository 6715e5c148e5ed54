//! Writing: whole files or nothing.

use super::error::SnapshotError;
use super::form;
use super::name::SnapshotName;
use super::recorded::Recorded;
use std::path::{Path, PathBuf};
use tutor_files::{Below, FilesError, Over, Root};

/// The most that an output that waits may hold: more is refused when it is read.
const MOST_BYTES: u64 = 64 << 20;

/// Writes `<file>.new` below the folder of all snapshots, for review; returns its path.
///
/// An older one that nobody has reviewed gives way.
pub fn write_new(dir: &Path, recorded: &Recorded) -> Result<PathBuf, SnapshotError> {
    let path = new_file(dir, &recorded.name);
    let write = || {
        let below = Below::new(path.strip_prefix(dir).unwrap_or(&path))?;
        let root = Root::make(dir)?;
        root.make_parents(&below)?;
        let form = form::write(recorded);
        root.write(&below, form.as_bytes(), 0o644, Over::Anything)
    };
    write().map_err(|error| SnapshotError::files("write snapshot", &path, error))?;
    Ok(path)
}

/// Puts what waits in place of what is accepted.
pub(super) fn accept(dir: &Path, name: &SnapshotName) -> Result<(), SnapshotError> {
    let accept = || {
        let (root, below, new) = place(dir, name)?;
        let bytes = root.read(&new, MOST_BYTES)?;
        root.write(&below, &bytes, 0o644, Over::Anything)?;
        root.remove(&new, Over::Anything)
    };
    let path = dir.join(name.file());
    accept()
        .map(drop)
        .map_err(|error| SnapshotError::files("write snapshot", &path, error))
}

/// Takes away what waits.
pub(super) fn reject(dir: &Path, name: &SnapshotName) -> Result<(), SnapshotError> {
    let reject = || match place(dir, name) {
        Err(error) if error.is_missing() => Ok(false),
        place => place.and_then(|(root, _, new)| root.remove(&new, Over::Anything)),
    };
    let path = new_file(dir, name);
    reject()
        .map(drop)
        .map_err(|error| SnapshotError::files("remove", &path, error))
}

/// Takes away a file below the folder of all snapshots.
pub fn remove(dir: &Path, file: &Path) -> Result<(), SnapshotError> {
    let remove = || Root::open(dir)?.remove(&Below::new(file)?, Over::Anything);
    remove()
        .map(drop)
        .map_err(|error| SnapshotError::files("remove", &dir.join(file), error))
}

/// The folder of all snapshots, the accepted file in it, and the one that waits.
fn place(dir: &Path, name: &SnapshotName) -> Result<(Root, Below, Below), FilesError> {
    let new = new_file(Path::new(""), name);
    Ok((Root::open(dir)?, Below::new(name.file())?, Below::new(new)?))
}

pub(super) fn new_file(dir: &Path, name: &SnapshotName) -> PathBuf {
    let mut file = dir.join(name.file()).into_os_string();
    file.push(".new");
    PathBuf::from(file)
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_output_waits_beside_the_accepted_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let recorded = recorded("hello", "build", "a\n");
        let path = write_new(dir.path(), &recorded).expect("writable");
        assert_eq!(path, dir.path().join("hello/build.snap.new"));
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_ne!(
            mode & 0o044,
            0,
            "others may read it, as far as the umask goes"
        );
        reject(dir.path(), &recorded.name).expect("removable");
        reject(dir.path(), &recorded.name).expect("nothing to remove is fine");
        let left = fs::read_dir(dir.path().join("hello")).expect("readable");
        assert_eq!(left.count(), 0, "no half-written file stays");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("hello"), "a file where a folder belongs").expect("writable");
        let error = write_new(dir.path(), &recorded("hello", "build", "a\n"));
        let message = error.expect_err("no folder").to_string();
        assert!(message.starts_with("cannot write snapshot `"), "{message}");
        assert!(message.contains("hello/build.snap.new`: "), "{message}");
    }
}
