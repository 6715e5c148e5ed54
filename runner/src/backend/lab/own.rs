//! A guest for the learner's own experiments: single files that are brought there, and its terminal.

use super::{LabSession, ended};
use crate::backend::{BackendError, Happening};
use crate::event::{Brought, KeptYours};
use std::path::Path;
use tutor_agent::protocol::GuestRequest;
use tutor_files::root::read_regular;
use tutor_files::{Below, Kind};
use tutor_lab::machine::Machine;
use tutor_lab::shared::{HostChange, LIMIT_BYTES, Shared, send};

impl LabSession {
    /// The machine itself, to talk to its terminal.
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Makes a folder in the guest.
    pub fn make(&mut self, folder: &Path) -> Result<(), BackendError> {
        let (id, folder) = (self.machine.next_id(), folder.to_owned());
        let make = GuestRequest::Make { id, folder };
        self.machine.request(&make).map_err(ended)?;
        self.machine.done(id, "make a folder").map_err(ended)
    }

    /// Brings a file to the same place in the guest. A file that cannot be read is left
    /// out: the command that wants it there reports that as it always does.
    pub fn bring(&mut self, file: &Path) -> Result<(), BackendError> {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return Ok(());
        };
        let content = read_regular(file, LIMIT_BYTES);
        let (Ok(content), Ok(name)) = (content, Below::new(name)) else {
            return Ok(());
        };
        let kind = Kind::File {
            mode: 0o644,
            bytes: content.len() as u64,
        };
        // The way to it may lead up and down again.
        self.make(folder)?;
        let sent = send(&mut self.machine, folder, &name, &kind, Some(&content));
        let id = sent.map_err(ended)?;
        self.machine.done(id, "take a file").map_err(ended)
    }

    /// Brings what changed in the guest back, and returns what stays as the learner changed it.
    pub fn bring_back(&mut self) -> Result<Vec<KeptYours>, BackendError> {
        self.pull()?;
        let told = self.told.drain(..);
        let kept = told.filter_map(|happening| match happening {
            Happening::KeptYours(kept) => Some(kept),
            Happening::Output { .. }
            | Happening::Ended { .. }
            | Happening::Unguarded(_)
            | Happening::OutOfMemory(_)
            | Happening::Finished { .. } => None,
        });
        Ok(kept.collect())
    }

    /// What came back since the last call.
    pub fn take_brought(&mut self) -> Brought {
        let mut brought = Brought::default();
        for (path, change) in self.folders.iter_mut().flat_map(Shared::take_changes) {
            let paths = match change {
                HostChange::Written => &mut brought.written,
                HostChange::Removed => &mut brought.removed,
            };
            paths.push(path.path().to_owned());
        }
        brought
    }
}
