//! Judges what the learner made of an exercise, or proves that its judgement tells right from wrong.

use super::records::record_of;
use super::sitting::{Sitting, Turn};
use crate::event::Written;
use crate::lesson::{Clue, FileStep, Step};
use crate::say;
use crate::transcript::{Ending, Record, RecordId, Skip};
use crate::workspace::WorkspaceError;

impl<'r> Sitting<'r> {
    /// True if the learner has changed a file of an exercise.
    pub fn is_begun(&mut self, exercise: &Step) -> bool {
        self.look();
        let starts = self.lesson.starts(exercise);
        !self.workspace.edited(starts.into_iter()).is_empty()
    }

    /// Runs the fence that judges an exercise, once the learner has begun with the task.
    pub(super) fn exercise(&mut self, exercise: &'r Step) -> Result<(), WorkspaceError> {
        if self.plan.proves_exercises {
            return self.prove(exercise);
        }
        let starts = self.lesson.starts(exercise);
        let is_begun = !self.workspace.edited(starts.iter().copied()).is_empty();
        if is_begun || self.plan.is_of_single_steps {
            if let Some((record, run)) = self.judged(exercise) {
                let ending = record.ending.clone();
                self.ended(exercise, record, run);
                self.heed_skip_rest(exercise, &ending);
            }
        } else {
            let files = starts.iter().map(|file| file.path.clone()).collect();
            let skip = Ending::Skipped(Skip::Exercise(files));
            self.ended(exercise, record_of(exercise, skip), None);
        }
        Ok(())
    }

    /// Judges what the learner begins with, and then the solution; the record has both. The files
    /// are afterwards what the learner begins with.
    fn prove(&mut self, exercise: &'r Step) -> Result<(), WorkspaceError> {
        let Some((untouched, _)) = self.judged(exercise) else {
            return Ok(());
        };
        if matches!(untouched.ending, Ending::Skipped(_)) {
            self.ended(exercise, untouched, None);
            return Ok(());
        }
        let solution = self.lesson.solution(exercise);
        let solution = solution.into_iter().flat_map(Clue::files);
        let solved = match self.put(solution)? {
            None => self.judged(exercise).map(|(record, _)| record),
            Some(trouble) => Some(record_of(exercise, Ending::Broken(trouble))),
        };
        if let Some(solved) = solved {
            let untouched = Some(untouched.ending);
            self.ended(
                exercise,
                Record {
                    untouched,
                    ..solved
                },
                None,
            );
        }
        self.put(self.lesson.starts(exercise).into_iter())?;
        Ok(())
    }

    /// Runs what is to run before an exercise is judged, such as a compiler, and then what judges it.
    /// Where the first does not end well, that is the judgement.
    fn judged(&mut self, exercise: &'r Step) -> Option<(Record, Option<u32>)> {
        let before = exercise.after.as_ref();
        if let Some(before) = before.and_then(|step| self.lesson.step(step)) {
            let (record, run) = self.attempt(before, Turn::OfExercise)?;
            if !record.ending.is_as_expected(before.exit) {
                let id = RecordId::Step(exercise.id.clone());
                return Some((Record { id, ..record }, run));
            }
        }
        self.attempt(exercise, Turn::Own)
    }

    /// Writes files of the lesson. Returns what stands in the way of one.
    fn put<'f>(
        &mut self,
        files: impl Iterator<Item = &'f FileStep>,
    ) -> Result<Option<String>, WorkspaceError> {
        for file in files {
            match self.workspace.write(file)? {
                Written::New | Written::Unchanged | Written::Updated => {}
                Written::KeptEdits | Written::KeptChanged => {
                    let file = file.path.display().to_string();
                    return Ok(Some(say!("exercise-changed", file = file)));
                }
            }
        }
        Ok(None)
    }
}
