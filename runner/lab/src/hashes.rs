//! The SHA-256 of files, and of large ones that were hashed before: a kernel's package has a hundred
//! megabytes, and is named at each start.

use crate::note;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tutor_files::root::regular_file;
use tutor_files::{Hasher, Stamp};

/// The most files that are remembered.
const MOST: usize = 64;

/// The hash of a file, and its stamp then.
#[derive(Serialize, Deserialize)]
struct KnownHash {
    stamp: Stamp,
    hash: String,
}

/// Returns the SHA-256 of a file, in hexadecimal.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Hasher::default();
    hasher.read(regular_file(path)?)?;
    Ok(hasher.done().to_string())
}

/// Returns the SHA-256 of a file, from the file `notes` where it has not changed since.
pub fn noted_hash(path: &Path, notes: &Path) -> io::Result<String> {
    let path = path.canonicalize()?;
    let stamp = Stamp::of(&path);
    let mut known: BTreeMap<PathBuf, KnownHash> = note::read(notes).unwrap_or_default();
    if let Some(known) = known.get(&path)
        && Some(&known.stamp) == stamp.as_ref()
    {
        return Ok(known.hash.clone());
    }
    let began = SystemTime::now();
    let hash = hash(&path)?;
    if let Some(stamp) = stamp.filter(|stamp| stamp.is_settled(began)) {
        known.retain(|path, known| Stamp::of(path).as_ref() == Some(&known.stamp));
        while known.len() >= MOST {
            known.pop_first();
        }
        let hash = hash.clone();
        known.insert(path, KnownHash { stamp, hash });
        note::write(notes, &known);
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A program that was installed long ago.
    fn old() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    #[test]
    fn a_note_is_used_while_the_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let path = folder.path().join("file");
        fs::write(&path, "abc").unwrap();
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(noted_hash(&path, &notes).unwrap(), of_abc);
        // It was written just now, so nothing is said of it.
        assert!(!notes.exists());
        fs::write(&path, "abd").unwrap();
        assert_ne!(noted_hash(&path, &notes).unwrap(), of_abc);
        let real = noted_hash(&old(), &notes);
        assert_eq!(real.unwrap(), hash(&old()).unwrap());
    }

    #[test]
    fn what_the_notes_say_of_another_state_of_the_file_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        let path = folder.path().join("file");
        fs::write(&path, "abc").unwrap();
        let path = path.canonicalize().unwrap();
        let note = |stamp: Stamp| {
            let hash = "noted".to_owned();
            let known = BTreeMap::from([(path.clone(), KnownHash { stamp, hash })]);
            fs::write(&notes, serde_json::to_vec(&known).unwrap()).unwrap();
        };
        note(Stamp::of(&path).unwrap());
        assert_eq!(noted_hash(&path, &notes).unwrap(), "noted");
        note(Stamp::of(&notes).unwrap());
        assert_eq!(noted_hash(&path, &notes).unwrap(), hash(&path).unwrap());
        fs::write(&notes, "{").unwrap();
        assert_eq!(noted_hash(&path, &notes).unwrap(), hash(&path).unwrap());
    }
}
