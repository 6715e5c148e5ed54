//! What places say: whose output it is, and which background step has ended.

use super::{Listen, Runner};
use crate::backend::{BackendError, Happening, Status};
use crate::event::{Event, Stream};
use crate::lesson::Place;
use crate::transcript::{Capture, Ending, Output, RecordId};
use std::time::Duration;

impl<'r> Runner<'r> {
    /// Hears what other places have to say, so that nothing of theirs waits.
    pub(super) fn hear_others(
        &mut self,
        place: Place,
        listen: Listen<'_, 'r>,
    ) -> Result<(), BackendError> {
        let other = match place {
            Place::Host => Place::Kernel,
            Place::Kernel => Place::Host,
        };
        if !self.shells.is_open(other) {
            return Ok(());
        }
        while let Some(happening) = self.shells.session(other)?.next(Duration::ZERO)? {
            self.heard(happening, listen);
        }
        Ok(())
    }

    pub(super) fn heard(&mut self, happening: Happening, listen: Listen<'_, 'r>) {
        match happening {
            Happening::Output { id, stream, bytes } => self.printed(id, stream, &bytes, listen),
            Happening::Ended { id, status, .. } => {
                let Some(position) = self
                    .background
                    .iter()
                    .position(|(running, ..)| *running == id)
                else {
                    return;
                };
                let (id, _, index) = self.background.remove(position);
                self.complete(id, index, ending_of(status), listen);
            }
            Happening::KeptYours(kept) => self.tell(&Event::KeptYours(&kept), listen),
            Happening::Unguarded(refused) => self.tell(&Event::Unguarded(&refused), listen),
            Happening::Finished { .. } => {}
        }
    }

    pub(super) fn printed(
        &mut self,
        id: u32,
        stream: Stream,
        bytes: &[u8],
        listen: Listen<'_, 'r>,
    ) {
        let Some(step) = self.steps.get(&id).copied() else {
            return;
        };
        let wanted = RecordId::Step(step.id.clone());
        if let Some(record) = self.records.iter_mut().rfind(|record| record.id == wanted) {
            keep(&mut record.output, stream, bytes);
        }
        self.tell(
            &Event::Output {
                step: Some(&step.id),
                stream,
                bytes,
            },
            listen,
        );
    }
}

/// Adds to what is kept of an output.
pub(super) fn keep(output: &mut Output, stream: Stream, bytes: &[u8]) {
    let capture: &mut Capture = match stream {
        Stream::Stdout => &mut output.stdout,
        Stream::Stderr => &mut output.stderr,
    };
    capture.push(bytes);
}

/// How a run ended, in the transcript's words.
pub(super) fn ending_of(status: Status) -> Ending {
    match status {
        Status::Exited(code) => Ending::Exited(code),
        Status::Signaled(signal) => Ending::Signaled(signal),
    }
}
