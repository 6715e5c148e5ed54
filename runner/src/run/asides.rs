//! Probes outside of any lesson: one shell a place, opened when first needed.

use super::findings::Answer;
use super::hear::keep;
use super::{GRACE, Options, PROBE_TIMEOUT, TICK, shells};
use crate::backend::{Backend, BackendError, Happening, Mode, Opening, Session, Status};
use crate::lesson::Place;
use crate::transcript::Output;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Shells to ask things in.
pub struct Asides {
    folder: PathBuf,
    options: Options,
    open: BTreeMap<Place, Box<dyn Session>>,
    last_id: u32,
}

impl Asides {
    /// Shells that start in a folder, with the environment that steps get.
    pub fn new(folder: &Path, options: &Options) -> Asides {
        Asides {
            folder: folder.to_owned(),
            options: options.clone(),
            open: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// Runs a probe and waits for its answer.
    pub fn ask(
        &mut self,
        place: Place,
        backend: &dyn Backend,
        probe: &str,
    ) -> Result<Answer, BackendError> {
        if !self.open.contains_key(&place) {
            let environment = shells::environment(&self.options, place, &self.folder);
            let opening = Opening {
                folder: &self.folder,
                home: &self.folder,
                environment: &environment,
                own_mounts: place == Place::Kernel,
            };
            self.open.insert(place, backend.open(&opening)?);
        }
        let Some(session) = self.open.get_mut(&place) else {
            return Err(BackendError::Gone);
        };
        self.last_id += 1;
        let id = self.last_id;
        session.run(id, Mode::Aside, probe)?;
        let deadline = Instant::now() + PROBE_TIMEOUT;
        let mut output = Output::default();
        loop {
            if Instant::now() > deadline {
                session.end(id, GRACE)?;
                return Ok(Answer {
                    yes: false,
                    text: crate::say!("probe-timeout"),
                });
            }
            match session.next(TICK)? {
                Some(Happening::Output { stream, bytes, .. }) => keep(&mut output, stream, &bytes),
                Some(Happening::Ended {
                    id: ended, status, ..
                }) if ended == id => {
                    return Ok(Answer::of(status == Status::Exited(0), &output));
                }
                Some(
                    Happening::Ended { .. }
                    | Happening::Finished { .. }
                    | Happening::KeptYours(_)
                    | Happening::Unguarded(_),
                )
                | None => {}
            }
        }
    }
}
