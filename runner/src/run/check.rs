//! Runs the checks of a lesson, each in the shell of its step.

use super::environment::{output_files, with_output_of};
use super::sitting::Sitting;
use super::stage::Asked;
use crate::backend::Mode;
use crate::event::Event;
use crate::lesson::{Check, Place};
use crate::say;
use crate::transcript::{Ending, Output, Record, RecordId, ShellFate, Skip};
use std::time::Instant;
use tutor_files::FilesError;

impl<'r> Sitting<'r> {
    /// Runs a check and notes what it found.
    pub(super) fn check(&mut self, check: &'r Check) {
        let place = self.lesson.step(&check.of);
        let place = place.map_or(Place::Host, |step| step.on);
        let edited = self.edited();
        let began = Instant::now();
        let asked = self.ask(check, place);
        let duration = began.elapsed();
        self.spent += duration;
        let asked = asked.unwrap_or_else(|ending| Asked {
            ending,
            output: Output::default(),
            shell: ShellFate::Kept,
        });
        let record = Record {
            id: RecordId::Check(check.name.clone()),
            ending: asked.ending,
            output: asked.output,
            duration,
            place,
            shell: asked.shell,
            edited,
            untouched: None,
        };
        self.stage.tell(&Event::CheckEnded {
            check,
            record: &record,
        });
        self.records.push(record, None);
    }

    /// Asks what a check asks, with what its step printed until now where it finds it.
    fn ask(&mut self, check: &Check, place: Place) -> Result<Asked, Ending> {
        self.is_to_go_on()?;
        self.stage.catch_up(&check.of);
        let Some((ending, output)) = self.records.ran(&check.of, &self.stage) else {
            return Err(Ending::Skipped(Skip::StepSkipped(check.of.clone())));
        };
        // What a sentence is about was not made.
        if !self.goes_as_expected(&check.of) {
            return Err(Ending::Skipped(Skip::StepFailed(check.of.clone())));
        }
        self.keep_output(&check.of, &output).map_err(|error| {
            let (step, error) = (check.of.as_str(), error.to_string());
            Ending::Broken(say!("keep-failed", step = step, error = error))
        })?;
        let home = self.workspace.home();
        let script = with_output_of(home, &check.of, &ending, &check.script);
        self.stage
            .ask(place, Mode::Check, &script)
            .map_err(|error| Ending::Broken(error.to_string()))
    }

    /// Puts a step's raw output where its checks find it.
    fn keep_output(&self, step: &str, output: &Output) -> Result<(), FilesError> {
        let [stdout, stderr] = output_files(step);
        self.workspace
            .put_in_home(&stdout, &output.stdout.bytes())?;
        self.workspace.put_in_home(&stderr, &output.stderr.bytes())
    }
}
