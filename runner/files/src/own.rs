//! Files of our own, at paths of our own: caches, states, what is remembered.

use crate::error::{FilesError, failed_io};
use crate::place::{Beside, Over};
use crate::root::Root;
use std::io::Write;
use std::path::Path;

/// Writes a file so that it is there as a whole or not at all, and makes the folders above it. Its
/// permissions are as given: what holds a guest's memory or a learner's output is for them alone.
/// Links that lead to its folder are followed; one in its own place is replaced.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FilesError> {
    let (folder, name) = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder != Path::new("") => (folder, name),
        (_, Some(name)) => (Path::new("."), name),
        (_, None) => return Err(FilesError::NotBelow(path.to_owned())),
    };
    let real = match folder.canonicalize() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).map_err(failed_io("make", folder))?;
            folder.canonicalize()
        }
        real => real,
    };
    let real = real.map_err(failed_io("find", folder))?;
    let root = Root::open(&real)?;
    let mut beside = Beside::file(root.folder, path)?;
    beside.write_all(bytes).map_err(failed_io("write", path))?;
    beside.set_mode(mode)?;
    beside.place(name, Over::Anything)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_there_as_a_whole_with_its_folders_and_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        for text in ["one", "two"] {
            write(&path, text.as_bytes(), 0o600).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_its_place_is_replaced_and_one_to_its_folder_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("theirs"), "theirs").unwrap();
        symlink("real", at("linked")).unwrap();
        symlink(at("theirs"), at("real/file")).unwrap();
        write(&at("linked/file"), b"ours", 0o644).unwrap();
        assert_eq!(fs::read_to_string(at("theirs")).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(at("real/file")).unwrap(), "ours");
        fs::create_dir(at("full")).unwrap();
        assert!(write(&at("full"), b"", 0o644).is_err());
        assert!(at("full").is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
