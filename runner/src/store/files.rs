//! The files of what is remembered: progress and the last run of each lesson.

use super::progress::{Progress, hash_of};
use crate::folders::Folders;
use crate::say;
use crate::versioned::{self, TooNew, Versioned};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The format of progress, and of what the last run saw.
const FORMAT: u64 = 1;

/// Something could not be remembered.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!("store-write", path = .path.display().to_string(), error = .error.to_string()))]
pub struct StoreError {
    /// The file.
    pub path: PathBuf,
    /// The system's error.
    pub error: io::Error,
}

/// The learner's memory on disk.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) folder: PathBuf,
}

impl Store {
    /// Below the state folder.
    pub fn new(folders: &Folders) -> Store {
        Store {
            folder: folders.state.clone(),
        }
    }

    /// An error if a newer `tutor` keeps something of this lesson, which nobody here may write over.
    pub fn check(&self, key: &str) -> Result<(), TooNew> {
        for file in [self.progress_file(key), self.run_file(key)] {
            versioned::read::<serde::de::IgnoredAny>(&file, FORMAT, FORMAT)?;
        }
        Ok(())
    }

    /// Where the learner is in a lesson; nothing known is the beginning.
    pub fn progress(&self, key: &str) -> Result<Progress, TooNew> {
        let known = versioned::read(&self.progress_file(key), FORMAT, FORMAT)?;
        Ok(known.unwrap_or_default())
    }

    /// True if no progress is known, in any lesson.
    pub fn is_untouched(&self) -> bool {
        let entries = fs::read_dir(self.folder.join("progress"));
        entries.map_or(true, |mut entries| entries.next().is_none())
    }

    /// Remembers where the learner is.
    pub fn set_progress(&self, key: &str, progress: &Progress) -> Result<(), StoreError> {
        self.write_versioned(&self.progress_file(key), progress)?;
        self.write(&self.folder.join("last-lesson.json"), &Some(key))
    }

    /// The lesson studied last, by the key it was remembered under.
    pub fn last_lesson(&self) -> Option<String> {
        self.read(&self.folder.join("last-lesson.json"))
    }

    /// Forgets a lesson's progress.
    pub fn forget(&self, key: &str) -> Result<(), StoreError> {
        let path = self.progress_file(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError { path, error })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Keeps what the last run of a lesson saw.
    pub fn set_last_run(&self, key: &str, report: &impl Serialize) -> Result<(), StoreError> {
        self.write_versioned(&self.run_file(key), report)
    }

    fn run_file(&self, key: &str) -> PathBuf {
        self.folder.join("runs").join(format!("{key}.json"))
    }

    fn progress_file(&self, key: &str) -> PathBuf {
        self.folder.join("progress").join(format!("{key}.json"))
    }

    /// A file that is missing or damaged is as good as an empty one.
    pub(super) fn read<T: Default + DeserializeOwned>(&self, path: &Path) -> T {
        fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(super) fn write<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), StoreError> {
        let failed = |error| StoreError {
            path: path.to_owned(),
            error,
        };
        let json = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
        tutor_files::write(path, &json, 0o600).map_err(|error| failed(error.into()))
    }

    /// Writes a map with the number of its format, over none that is newer.
    fn write_versioned<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), StoreError> {
        let newer = versioned::read::<serde::de::IgnoredAny>(path, FORMAT, FORMAT);
        newer.map_err(|error| StoreError {
            path: path.to_owned(),
            error: io::Error::other(error),
        })?;
        let format = FORMAT;
        self.write(path, &Versioned { format, value })
    }
}

/// Returns the name that a lesson of this name is remembered under: its own, and for a course that is not
/// `tutor`'s also a mark of the folder, so that two courses with a lesson `hello` do not mix.
pub fn key(name: &str, foreign: Option<&Path>) -> String {
    match foreign {
        None => name.to_owned(),
        Some(folder) => {
            let mark = hash_of(&folder.display().to_string());
            format!("{name}-{}", &mark[..8])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_progress_is_the_beginning() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(&Folders::below(home.path()));
        fs::create_dir_all(home.path().join("state/progress")).unwrap();
        fs::write(home.path().join("state/progress/hello.json"), "{").unwrap();
        assert_eq!(store.progress("hello").unwrap(), Progress::default());
    }
}
