//! The learner's own machine: one agent process a shell, which guards all that steps start. An
//! agent that closed its shell well serves the next lesson.

use super::told::happening;
use super::{Backend, BackendError, Happening, Mode, Opening, Session, Status};
use crate::surroundings::Surroundings;
use crate::transcript::ShellFate;
use nix::unistd::Pid;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tutor_agent::client::{Client, Incoming};
use tutor_agent::confine::{Guard, Held};
use tutor_agent::processes::children;
use tutor_agent::processor::{WORTH_IT, go_anywhere, keep_off};
use tutor_agent::protocol::{Reply, Request, When};

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

    /// Starts an agent for whoever opens the first shell, who then need not wait for it. One that
    /// does not start is for them to tell.
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
    fn is_own_kernel(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        let (session, _) = self.begin(opening)?;
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
            shell_depth: 1,
            last_ahead: 0,
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
                    session.shell_depth = depth(guard, &held);
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

    /// What holds around steps here, found out by starting a shell.
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

/// How many processes there are from an agent to its shell.
fn depth(guard: Guard, held: &Held) -> usize {
    match guard {
        Guard::Confined { .. } if held.namespaces => 3,
        Guard::Namespaces if held.namespaces => 2,
        Guard::Processes | Guard::Namespaces | Guard::Confined { .. } => 1,
    }
}

struct HostSession {
    /// Until it is given back.
    client: Option<Client>,
    idle: Option<Idle>,
    /// How many processes there are from the one that was started here to the first shell.
    shell_depth: usize,
    /// The last run that was given ahead.
    last_ahead: u32,
}

impl HostSession {
    fn client(&mut self) -> Result<&mut Client, BackendError> {
        self.client.as_mut().ok_or(BackendError::Gone)
    }

    fn send(&mut self, request: &Request) -> Result<(), BackendError> {
        let sent = self.client()?.send(request);
        sent.map_err(|_| BackendError::Gone)
    }

    /// The first shell, by the id that it has here: in a PID namespace it has another one.
    fn shell(&mut self) -> Result<Option<Pid>, BackendError> {
        let agent = Pid::from_raw(self.client()?.pid() as i32);
        let below = |process: Option<Pid>, _| children(process?).first().copied();
        Ok((0..self.shell_depth).fold(Some(agent), below))
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
            when: When::Anyway,
        })
    }

    fn run_ahead(&mut self, steps: &[(u32, &str)]) -> Result<bool, BackendError> {
        let request = |(id, script): &(u32, &str)| Request::Run {
            id: *id,
            script: (*script).to_owned(),
            mode: Mode::Step,
            when: When::AllWell,
        };
        let requests: Vec<Request> = steps.iter().map(request).collect();
        self.last_ahead = steps.last().map_or(self.last_ahead, |(id, _)| *id);
        if steps.len() >= WORTH_IT {
            self.shell()?.into_iter().for_each(keep_off);
        }
        let sent = self.client()?.send_all(&requests);
        sent.map(|()| true).map_err(|_| BackendError::Gone)
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Happening>, BackendError> {
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
                match happening {
                    Happening::Finished { .. } => self.give_back(),
                    // The shell has nothing more to go on with, and what this thread starts may
                    // be another place's.
                    Happening::Ended {
                        id, status, shell, ..
                    } if id >= self.last_ahead
                        || shell == ShellFate::Lost
                        || status != Status::Exited(0) =>
                    {
                        go_anywhere();
                    }
                    Happening::Ended { .. }
                    | Happening::Output { .. }
                    | Happening::KeptYours(_) => {}
                }
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
        go_anywhere();
        self.send(&Request::Finish {
            grace_ms: grace.as_millis() as u64,
        })
    }
}
