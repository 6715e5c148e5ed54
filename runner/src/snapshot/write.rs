//! Writing: whole files or nothing.

use super::form;
use super::{Recorded, SnapshotError, SnapshotName};
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Writes `<file>.new` below the folder of all snapshots, for review; returns its path.
///
/// An older one that nobody has reviewed gives way.
pub fn write_new(dir: &Path, recorded: &Recorded) -> Result<PathBuf, SnapshotError> {
    let path = new_file(dir, &recorded.name);
    replace(&path, form::write(recorded).as_bytes())
        .map_err(|error| SnapshotError::writing(path.clone(), error))?;
    Ok(path)
}

pub(super) fn remove(path: PathBuf) -> Result<(), SnapshotError> {
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SnapshotError::refused("remove", path, error)),
    }
}

pub(super) fn new_file(dir: &Path, name: &SnapshotName) -> PathBuf {
    let mut file = dir.join(name.file()).into_os_string();
    file.push(".new");
    PathBuf::from(file)
}

/// Puts a whole file in the place of an older one, or changes nothing.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".snapshot-")
        // As for any other file: the user's umask takes from it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;

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
        remove(new_file(dir.path(), &recorded.name)).expect("removable");
        remove(new_file(dir.path(), &recorded.name)).expect("nothing to remove is fine");
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
