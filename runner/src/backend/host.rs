//! The learner's own machine: one agent process a shell, which guards all that steps start. An
//! agent that closed its shell well serves the next lesson.

use super::told::happening;
use super::{Backend, BackendError, Happening, KernelOwner, Mode, Opening, Session};
use crate::surroundings::Surroundings;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tutor_agent::client::Client;
use tutor_agent::confine::{Guard, Held};
use tutor_agent::protocol::{Incoming, Reply, Request};

/// How long an agent may take to say that its shell is there.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Steps run on this machine, as this user.
#[derive(Clone, Debug)]
pub struct Host {
    tutor: PathBuf,
    around: Surroundings,
    idle: Idle,
}

/// Agents without a shell.
type Idle = Arc<Mutex<Vec<Client>>>;

impl Host {
    /// `tutor` is the program that becomes the agent when called with `__agent`.
    pub fn new(tutor: &Path, around: Surroundings) -> Host {
        Host {
            tutor: tutor.to_owned(),
            around,
            idle: Idle::default(),
        }
    }

    /// Starts an agent for the first shell, so that opening it need not wait. If the agent does
    /// not start, opening the shell says so.
    pub fn get_ready(&self) {
        if let Ok(client) = self.spawn(self.around.guard()) {
            give(&self.idle, client);
        }
    }

    fn spawn(&self, guard: Guard) -> io::Result<Client> {
        let words = [&["__agent"], guard.words()].concat();
        Client::spawn(&self.tutor, &words)
    }
}

fn give(idle: &Idle, client: Client) {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    idle.push(client);
}

impl Backend for Host {
    fn kernel(&self) -> KernelOwner {
        KernelOwner::ThisMachine
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        let (mut session, held) = self.begin(opening)?;
        // Without root there is nothing that a step could mount.
        if opening.own_mounts && nix::unistd::geteuid().is_root() {
            session.refused = held.lacking.into();
        }
        Ok(Box::new(session))
    }
}

impl Host {
    /// Starts a shell, and says what holds around it.
    fn begin(&self, opening: &Opening<'_>) -> Result<(HostSession, Held), BackendError> {
        let failed = |error: String| BackendError::Start {
            program: self.tutor.clone(),
            error,
        };
        // Who meets this machine's kernel sees the ids that it knows processes by.
        let guard = match opening.own_mounts {
            true => Guard::Processes,
            false => self.around.guard(),
        };
        let own = [opening.folder, opening.home];
        let confine = self.around.confinement(&own);
        let start = Request::Start {
            cwd: opening.folder.to_owned(),
            env: opening.environment.to_vec(),
            isolate: opening.own_mounts,
            confine: confine.filter(|_| !opening.own_mounts),
            limits: self.around.limits().filter(|_| !opening.own_mounts),
        };
        let idle_agent = (!opening.own_mounts).then(|| self.idle_agent(&start));
        let client = match idle_agent.flatten() {
            Some(client) => client,
            None => {
                let mut client = (self.spawn(guard)).map_err(|error| failed(error.to_string()))?;
                client.send(&start).map_err(|_| BackendError::Gone)?;
                client
            }
        };
        // Mounts of its own are an agent's for good.
        let is_for_all = !opening.own_mounts;
        let mut session = HostSession {
            client: Some(client),
            idle: is_for_all.then(|| self.idle.clone()),
            refused: VecDeque::new(),
        };
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let wait = deadline.saturating_duration_since(Instant::now());
            match session
                .client()?
                .recv(Some(wait))
                .map_err(|error| failed(error.to_string()))?
            {
                Some(Incoming::Reply(Reply::Started { held, .. })) => {
                    if matches!(guard, Guard::Confined { .. }) && !held.root {
                        // It is confined to this lesson's folders, and no other process goes on.
                        session.idle = None;
                    }
                    return Ok((session, held));
                }
                Some(Incoming::Reply(Reply::Unconfined { why })) => {
                    return Err(BackendError::Unconfined(why));
                }
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

    /// Returns the protections around steps here, found out by starting a shell.
    pub fn held(&self, opening: &Opening<'_>) -> Result<Held, BackendError> {
        self.begin(opening).map(|(_, held)| held)
    }

    /// Takes an agent that has nothing to do and tells it to start.
    fn idle_agent(&self, start: &Request) -> Option<Client> {
        loop {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut client = idle.pop()?;
            drop(idle);
            if client.is_there() && client.send(start).is_ok() {
                return Some(client);
            }
        }
    }
}

struct HostSession {
    /// Until it is given back.
    client: Option<Client>,
    idle: Option<Idle>,
    /// The guards that this machine refused, to be told once.
    refused: VecDeque<String>,
}

impl HostSession {
    fn client(&mut self) -> Result<&mut Client, BackendError> {
        self.client.as_mut().ok_or(BackendError::Gone)
    }

    fn send(&mut self, request: &Request) -> Result<(), BackendError> {
        let sent = self.client()?.send(request);
        sent.map_err(|_| BackendError::Gone)
    }

    fn give_back(&mut self) {
        if let (Some(client), Some(idle)) = (self.client.take(), &self.idle) {
            give(idle, client);
        }
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
        if let Some(refused) = self.refused.pop_front() {
            return Ok(Some(Happening::Unguarded(refused)));
        }
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let incoming = self
                .client()?
                .recv(Some(left))
                .map_err(|_| BackendError::Gone)?;
            let Some(incoming) = incoming else {
                return Ok(None);
            };
            if let Some(happening) = happening(incoming)? {
                if let Happening::Finished { .. } = happening {
                    self.give_back();
                }
                return Ok(Some(happening));
            }
        }
    }

    fn end(&mut self, id: u32, grace: Duration) -> Result<(), BackendError> {
        self.send(&Request::End {
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
