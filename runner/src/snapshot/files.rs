//! Where snapshots are read from: a folder, or the binary.

use crate::course::Course;
use std::io;
use std::path::{Path, PathBuf};

/// Something that holds files. Paths are relative to the folder of all snapshots.
pub trait Files: Send + Sync {
    /// A file's content; `None` if there is no such file.
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>>;
    /// The names of the files in a folder, without those below it; none if there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The name of a file for messages.
    fn locate(&self, file: &Path) -> PathBuf;
}

/// A folder of the machine.
#[derive(Clone, Debug)]
pub struct SnapshotFolder(PathBuf);

impl SnapshotFolder {
    /// The folder that holds one folder a lesson.
    pub fn at(path: &Path) -> SnapshotFolder {
        SnapshotFolder(path.to_owned())
    }
}

impl Files for SnapshotFolder {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        match crate::regular_file::read(&self.0.join(file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.0.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn locate(&self, file: &Path) -> PathBuf {
        self.0.join(file)
    }
}

/// The snapshots of a course, wherever its files are.
#[derive(Clone, Debug)]
pub struct OfCourse<'c>(pub &'c Course);

impl Files for OfCourse<'_> {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.0.snapshot_dir() {
            Some(folder) => SnapshotFolder(folder).read(file),
            None => Ok(self.0.read(&self.locate(file)).ok()),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        match self.0.snapshot_dir() {
            Some(snapshots) => SnapshotFolder(snapshots).names(folder),
            None => Ok(self.0.embedded_names(&self.locate(folder))),
        }
    }

    fn locate(&self, file: &Path) -> PathBuf {
        self.0
            .snapshot_dir()
            .unwrap_or_else(|| PathBuf::from("snapshots"))
            .join(file)
    }
}
