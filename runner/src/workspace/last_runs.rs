//! The last run of each step: which text of the lesson's files it found, and what it made. So it is
//! known which step is to run again after an edit.
//!
//! A step reads a file that its script names, or that a file of the lesson names which it names; and
//! what an earlier step read to make something that its script names. Which files a program opens
//! without being told their names is not known, but for a file that no step names: that is read by the
//! first step below it.

use super::error::WorkspaceError;
use super::ledger::LastRun;
use super::model::Workspace;
use crate::event::Outdated;
use crate::lesson::{FileStep, Step};
use std::collections::{BTreeMap, BTreeSet};
use tutor_files::Below;

impl Workspace {
    /// Notes that a step begins, which finds these files of the lesson.
    /// What the learner wrote is copied, should the step write over it.
    pub fn begins<'f>(
        &mut self,
        step: &str,
        files: impl Iterator<Item = &'f FileStep>,
    ) -> Result<(), WorkspaceError> {
        let Ok(place) = &self.held else {
            return Ok(());
        };
        let (seen, root) = (&self.seen, &self.files.root);
        self.copies.renew(seen, root, &self.ledger, place)?;
        let found = files.filter_map(|file| {
            let path = Below::new(&file.path).ok()?;
            let content = self.content_hash(&path)?;
            Some((path, content))
        });
        let found = found.collect();
        let made = BTreeSet::new();
        let last = LastRun { found, made };
        self.ledger.last_runs.insert(step.to_owned(), last);
        Ok(())
    }

    /// The files that a step made when it ran last, and no other step did.
    pub fn made_alone_by(&self, step: &str) -> BTreeSet<Below> {
        let last_runs = &self.ledger.last_runs;
        let others = last_runs.iter().filter(|(other, _)| *other != step);
        let others: BTreeSet<&Below> = others.flat_map(|(_, last)| &last.made).collect();
        let made = last_runs.get(step).map(|last| &last.made);
        let alone = made.into_iter().flatten();
        let alone = alone.filter(|path| !others.contains(path));
        alone.cloned().collect()
    }

    /// Returns the lesson's files that are not what they were when the last of `before` ran that reads
    /// them, each with the first such step. `before` are steps in the order of the lesson; `files` are
    /// those above the last of them.
    pub fn outdated(&self, before: &[&Step], files: &[&FileStep]) -> Vec<Outdated> {
        let known: Vec<(&Step, &LastRun)> = before
            .iter()
            .filter_map(|step| Some((*step, self.ledger.last_runs.get(&step.id)?)))
            .collect();
        let files: BTreeMap<Below, &FileStep> = files
            .iter()
            .filter_map(|file| Some((Below::new(&file.path).ok()?, *file)))
            .collect();
        let outdated = files.keys().filter_map(|path| {
            let now = self.content_hash(path)?;
            let found_other =
                |last: &LastRun| last.found.get(path).is_some_and(|then| *then != now);
            // Mostly nothing has changed, and then no script is read.
            if !known.iter().any(|(_, last)| found_other(last)) {
                return None;
            }
            let reads = readers(&known, path, &files);
            let first_below = || {
                known
                    .iter()
                    .position(|(_, last)| last.found.contains_key(path))
            };
            let (step, _) = match reads.contains(&true) {
                true => known
                    .iter()
                    .zip(&reads)
                    .find_map(|(one, reads)| (*reads && found_other(one.1)).then_some(one))?,
                false => known.get(first_below()?).filter(|one| found_other(one.1))?,
            };
            Some(Outdated {
                file: path.path().to_owned(),
                step: step.id.clone(),
            })
        });
        outdated.collect()
    }

    /// The hash of a file of the lesson as steps find it now. What steps made of it counts as the lesson's.
    fn content_hash(&self, path: &Below) -> Option<String> {
        match self.ledger.learners.contains(path) {
            true => self.found_by_steps(path),
            false => self.ledger.written.get(path).cloned(),
        }
    }
}

/// Which of these steps read a file of the lesson, in their order.
fn readers(
    steps: &[(&Step, &LastRun)],
    wanted: &Below,
    files: &BTreeMap<Below, &FileStep>,
) -> Vec<bool> {
    let mut readers = Vec::with_capacity(steps.len());
    for (at, (step, last)) in steps.iter().enumerate() {
        let makers = steps[..at].iter().zip(&readers);
        let mut made = makers
            .filter(|(_, reads)| **reads)
            .flat_map(|((_, last), _)| &last.made);
        let reads =
            finds(step, last, files).contains(wanted) || made.any(|path| names(&step.script, path));
        readers.push(reads);
    }
    readers
}

/// The files of the lesson that a step's script names, and those that they name.
fn finds<'f>(
    step: &Step,
    last: &'f LastRun,
    files: &'f BTreeMap<Below, &FileStep>,
) -> BTreeSet<&'f Below> {
    let mut found = BTreeSet::new();
    let mut named: Vec<&Below> = last.found.keys().collect();
    named.retain(|path| names(&step.script, path));
    while let Some(path) = named.pop() {
        if found.insert(path)
            && let Some(file) = files.get(path)
        {
            named.extend(files.keys().filter(|other| names(&file.content, other)));
        }
    }
    found
}

/// True if a text has the name of a file as a word.
fn names(text: &str, path: &Below) -> bool {
    let Some(name) = path.name().to_str() else {
        return false;
    };
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // A full stop may end a sentence, and a word that goes on after it is another name.
        let rest = after.strip_prefix('.').unwrap_or(after);
        !before.ends_with(|c| is_part(c) || c == '.') && !rest.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_its_own() {
        let path = Below::new("src/a.c").unwrap();
        for text in ["cc a.c", "cc src/a.c -o a", "\"a.c\"", "as in a.c."] {
            assert!(names(text, &path), "{text}");
        }
        for text in ["cc aa.c", "cc a.cc", "a.c.o", "b-a.c", "x.a.c"] {
            assert!(!names(text, &path), "{text}");
        }
    }
}
