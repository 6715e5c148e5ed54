//! Answers of probes in guests as they begin, kept beside the state that they are about.

use crate::backend::Answer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tutor_lab::note;

/// Answers to probes, in a file beside the state that they are about.
pub(super) struct Answers {
    file: PathBuf,
    known: Mutex<BTreeMap<String, Answer>>,
}

impl Answers {
    /// Reads the file. If it cannot be read, there are none.
    pub(super) fn read(file: PathBuf) -> Answers {
        let known = note::read(&file).unwrap_or_default();
        Answers {
            file,
            known: Mutex::new(known),
        }
    }

    pub(super) fn get(&self, probe: &str) -> Option<Answer> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(probe).cloned()
    }

    pub(super) fn add(&self, probe: &str, answer: &Answer) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(probe.to_owned(), answer.clone());
        note::write(&self.file, &*known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_a_probe_said_is_known_to_the_next_process_and_a_broken_file_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("states/key.answers");
        let answers = Answers::read(file.clone());
        assert_eq!(answers.get("uname -r"), None);
        let answer = Answer::Yes("6.12.1\n".to_owned());
        answers.add("uname -r", &answer);
        let next = Answers::read(file.clone());
        assert_eq!(next.get("uname -r"), Some(answer));
        assert_eq!(next.get("uname"), None);
        fs::write(&file, "{").unwrap();
        assert_eq!(Answers::read(file).get("uname -r"), None);
    }
}
