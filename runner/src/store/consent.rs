//! The learner's consent: which parts of which courses may run, and which courses are their own.

use super::files::{Store, StoreError};
use crate::course::{PartHashes, lesson_prefix};
use crate::versioned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// The version of the file.
const FORMAT: u64 = 1;

/// The learner's consent, by folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    format: u64,
    /// The folders of courses that are one's own: never asked about, never confined.
    pub own: BTreeSet<PathBuf>,
    /// Which parts may run of courses in other folders: the hash of each by its key.
    pub agreed: BTreeMap<PathBuf, PartHashes>,
}

impl Default for Consents {
    fn default() -> Self {
        Consents {
            format: FORMAT,
            own: BTreeSet::new(),
            agreed: BTreeMap::new(),
        }
    }
}

/// The consent that an earlier `tutor` remembered: to whole courses by a hash, or to anything in a
/// folder. It had a different meaning, so it is only mentioned.
#[derive(Default, Deserialize)]
struct Earlier {
    folders: BTreeSet<PathBuf>,
}

impl Store {
    /// The consent given so far. A file of a later `tutor` is an error, and is left alone.
    pub fn consents(&self) -> Result<Consents, StoreError> {
        let path = self.consent_file();
        let consents = versioned::read(&path, FORMAT, FORMAT).map_err(|newer| StoreError {
            path: newer.path,
            error: io::Error::new(io::ErrorKind::InvalidData, crate::say!("consent-newer")),
        })?;
        Ok(consents.unwrap_or_default())
    }

    /// True if the course in that folder is one's own: it is never asked about, and not confined.
    pub fn is_own(&self, folder: &Path) -> bool {
        let consents = self.consents();
        consents.is_ok_and(|consents| consents.own.contains(&known_as(folder)))
    }

    /// True if an earlier `tutor` let that folder run whatever it holds.
    pub fn was_trusted_earlier(&self, folder: &Path) -> bool {
        let earlier: Earlier = self.read(&self.folder.join("trust.json"));
        earlier.folders.contains(folder) || earlier.folders.contains(&known_as(folder))
    }

    /// The parts of the course in that folder that were agreed to.
    pub fn agreed(&self, folder: &Path) -> Result<PartHashes, StoreError> {
        let agreed = self.consents()?.agreed.remove(&known_as(folder));
        Ok(agreed.unwrap_or_default())
    }

    /// Remembers that these parts of the course in that folder may run, those of whole lessons among
    /// them.
    pub fn agree(&self, folder: &Path, parts: &PartHashes) -> Result<(), StoreError> {
        let mut consents = self.consents()?;
        let known = consents.agreed.entry(known_as(folder)).or_default();
        let lessons = parts.keys().filter_map(|key| key.strip_prefix("lesson "));
        for prefix in lessons.map(lesson_prefix) {
            let of_lesson = known.range(prefix.clone()..);
            let of_lesson = of_lesson.take_while(|(key, _)| key.starts_with(&prefix));
            let keys: Vec<String> = of_lesson.map(|(key, _)| key.clone()).collect();
            for key in keys {
                known.remove(&key);
            }
        }
        known.extend(parts.clone());
        self.write(&self.consent_file(), &consents)
    }

    /// Remembers that the course in that folder is one's own.
    pub fn own(&self, folder: &Path) -> Result<(), StoreError> {
        let mut consents = self.consents()?;
        consents.own.insert(known_as(folder));
        self.write(&self.consent_file(), &consents)
    }

    /// Forgets all that was agreed to of a folder, and says whether there was anything.
    pub fn revoke(&self, folder: &Path) -> Result<bool, StoreError> {
        let mut consents = self.consents()?;
        let folder = known_as(folder);
        let was_own = consents.own.remove(&folder);
        let was_agreed = consents.agreed.remove(&folder).is_some();
        if was_own || was_agreed {
            self.write(&self.consent_file(), &consents)?;
        }
        Ok(was_own || was_agreed)
    }

    fn consent_file(&self) -> PathBuf {
        self.folder.join("consent.json")
    }
}

/// A folder by its one name, however it was reached; one that is gone by the name that was given.
fn known_as(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::Folders;
    use std::fs;

    fn parts(parts: &[(&str, &str)]) -> PartHashes {
        let owned = parts
            .iter()
            .map(|(key, hash)| ((*key).to_owned(), (*hash).to_owned()));
        owned.collect()
    }

    #[test]
    fn what_is_agreed_to_is_for_its_folder_and_its_lesson() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(&Folders::below(home.path()));
        let course = Path::new("/course");
        assert_eq!(store.agreed(course).unwrap(), PartHashes::new());
        let one = parts(&[("lesson a", "1"), ("a: step x", "2"), ("need n", "3")]);
        store.agree(course, &one).unwrap();
        assert_eq!(store.agreed(course).unwrap(), one);
        assert_eq!(
            store.agreed(Path::new("/other")).unwrap(),
            PartHashes::new()
        );
        // What a lesson has no more is forgotten, what others have is not.
        store
            .agree(course, &parts(&[("lesson b", "4"), ("b: step y", "5")]))
            .unwrap();
        store
            .agree(course, &parts(&[("lesson a", "6"), ("a: step z", "7")]))
            .unwrap();
        let expected = [
            ("a: step z", "7"),
            ("b: step y", "5"),
            ("lesson a", "6"),
            ("lesson b", "4"),
            ("need n", "3"),
        ];
        assert_eq!(store.agreed(course).unwrap(), parts(&expected));
        assert!(store.revoke(course).unwrap() && !store.revoke(course).unwrap());
        assert_eq!(store.agreed(course).unwrap(), PartHashes::new());
    }

    #[test]
    fn a_course_of_ones_own_is_known_by_whatever_way_it_is_reached() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(&Folders::below(home.path()));
        let course = home.path().join("course");
        fs::create_dir(&course).unwrap();
        store.own(&home.path().join("./course")).unwrap();
        assert!(store.is_own(&course) && !store.is_own(home.path()));
        assert!(store.revoke(&course).unwrap() && !store.is_own(&course));
    }

    #[test]
    fn what_an_earlier_tutor_remembered_lets_nothing_run() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(&Folders::below(home.path()));
        fs::create_dir_all(home.path().join("state")).unwrap();
        let old = r#"{ "contents": ["abc"], "folders": ["/course"] }"#;
        fs::write(home.path().join("state/trust.json"), old).unwrap();
        let course = Path::new("/course");
        assert!(store.was_trusted_earlier(course) && !store.is_own(course));
        assert_eq!(store.agreed(course).unwrap(), PartHashes::new());
        store.own(Path::new("/mine")).unwrap();
        let kept = fs::read_to_string(home.path().join("state/trust.json")).unwrap();
        assert_eq!(kept, old);
    }

    #[test]
    fn what_a_later_tutor_remembers_is_named_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(&Folders::below(home.path()));
        fs::create_dir_all(home.path().join("state")).unwrap();
        let later = r#"{ "format": 2, "own": { "/course": "always" } }"#;
        let file = home.path().join("state/consent.json");
        fs::write(&file, later).unwrap();
        assert!(!store.is_own(Path::new("/course")));
        let error = store.own(Path::new("/mine")).unwrap_err().to_string();
        assert!(error.contains("newer"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), later);
    }
}
