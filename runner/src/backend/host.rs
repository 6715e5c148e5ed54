//! The learner's own machine: one agent process a shell, which guards all that steps start.

use super::told::happening;
use super::{Backend, BackendError, Happening, Mode, Opening, Session};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tutor_agent::client::{Client, Incoming};
use tutor_agent::protocol::{Reply, Request};

/// How long an agent may take to say that its shell is there.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Steps run on this machine, as this user.
#[derive(Clone, Debug)]
pub struct Host {
    tutor: PathBuf,
}

impl Host {
    /// `tutor` is the program that becomes the agent when called with `__agent`.
    pub fn new(tutor: &Path) -> Host {
        Host {
            tutor: tutor.to_owned(),
        }
    }
}

impl Backend for Host {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        let failed = |error: String| BackendError::Start {
            program: self.tutor.clone(),
            error,
        };
        let client =
            Client::spawn(&self.tutor, &["__agent"]).map_err(|error| failed(error.to_string()))?;
        let mut session = HostSession { client };
        session.send(&Request::Start {
            cwd: opening.folder.to_owned(),
            env: opening.environment.to_vec(),
            isolate: opening.own_mounts,
        })?;
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let wait = deadline.saturating_duration_since(Instant::now());
            match session
                .client
                .recv(Some(wait))
                .map_err(|error| failed(error.to_string()))?
            {
                Some(Incoming::Reply(Reply::Started { .. })) => return Ok(Box::new(session)),
                Some(Incoming::Reply(Reply::Failed { what })) => return Err(failed(what)),
                Some(Incoming::HungUp) => return Err(BackendError::Gone),
                Some(Incoming::Reply(_) | Incoming::Output { .. } | Incoming::Data { .. })
                | None => {}
            }
        }
        Err(failed(crate::say!(
            "backend-slow",
            seconds = START_TIMEOUT.as_secs()
        )))
    }
}

struct HostSession {
    client: Client,
}

impl HostSession {
    fn send(&mut self, request: &Request) -> Result<(), BackendError> {
        self.client.send(request).map_err(|_| BackendError::Gone)
    }
}

impl Session for HostSession {
    fn run(&mut self, id: u32, mode: Mode, script: &str) -> Result<(), BackendError> {
        self.send(&Request::Run {
            id,
            script: script.to_owned(),
            mode,
        })
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Happening>, BackendError> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let incoming = self
                .client
                .recv(Some(left))
                .map_err(|_| BackendError::Gone)?;
            let Some(incoming) = incoming else {
                return Ok(None);
            };
            if let Some(happening) = happening(incoming)? {
                return Ok(Some(happening));
            }
        }
    }

    fn kill(&mut self, id: u32, grace: Duration) -> Result<(), BackendError> {
        self.send(&Request::Kill {
            id,
            grace_ms: grace.as_millis() as u64,
        })
    }

    fn stop(&mut self, id: u32, grace: Duration) -> Result<(), BackendError> {
        self.send(&Request::Stop {
            id,
            grace_ms: grace.as_millis() as u64,
        })
    }

    fn finish(&mut self, grace: Duration) -> Result<(), BackendError> {
        self.send(&Request::Finish {
            grace_ms: grace.as_millis() as u64,
        })
    }
}
