//! The lab: one virtual machine a shell, with a kernel of its own, resumed from a saved state.
//!
//! The workspace and the steps' home are at the same paths in the guest as on the host; what
//! changed on one side is on the other before the next step there begins.

use super::told::happening;
use super::{Backend, BackendError, Happening, Mode, Opening, Session};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{Reply, Request};
use tutor_lab::cache::Cache;
use tutor_lab::guests::{GuestError, Guests, Progress};
use tutor_lab::image::{self, Programs};
use tutor_lab::libraries::Libraries;
use tutor_lab::machine::{Launcher, Machine, MachineError};
use tutor_lab::qemu::Qemu;
use tutor_lab::shared::{Shared, SharedError};

/// How long a shell may take to start in a guest, which is slow on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often files go to and fro while something runs in the background.
const SHARING: Duration = Duration::from_millis(200);

/// Says what is going on while a guest is made.
type Tell = dyn Fn(Progress) + Send + Sync;

/// Steps run in guests of one kernel.
pub struct Lab {
    guests: Guests,
    tell: Box<Tell>,
}

impl Lab {
    /// The lab of this machine, with a kernel that is in the cache: `default`, a series such as
    /// `6.12`, a whole release, or a path. `tutor` is the program that becomes QEMU when called with
    /// `__agent guarded`. `tell` hears of what takes a while. Nothing is started yet.
    pub fn on_this_machine(
        cache: &Cache,
        kernel: &str,
        tutor: &Path,
        tell: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Lab, BackendError> {
        let unusable = |reason: String, remedy: String| BackendError::Unusable {
            reason,
            remedy: Some(remedy),
        };
        let qemu = Qemu::find(cache.folder())
            .map_err(|error| unusable(error.to_string(), crate::say!("lab-remedy-qemu")))?;
        let setup = || crate::say!("lab-remedy-setup");
        let found = match kernel.contains('/') {
            true => cache.file(Path::new(kernel)).map(Some),
            false => cache.kernel(kernel),
        };
        let kernel = match found {
            Ok(Some(kernel)) => kernel,
            Ok(None) => {
                let reason = crate::say!("lab-no-kernel", kernel = kernel);
                return Err(unusable(reason, setup()));
            }
            Err(error) => return Err(unusable(error.to_string(), setup())),
        };
        let programs = Programs {
            id: tutor_guest::ID,
            agent: &tutor_guest::agent,
            tutor: &tutor_guest::tutor,
        };
        let image = image::prepare(cache, &kernel, programs)
            .map_err(|error| unusable(error.to_string(), crate::say!("lab-remedy-image")))?;
        let launcher = Launcher {
            program: tutor.to_owned(),
            arguments: ["__agent", "guarded"].map(OsString::from).to_vec(),
        };
        let states = cache.folder().join("states");
        let guests = Guests::new(qemu, launcher, image, &states);
        Ok(Lab::new(guests, tell))
    }

    /// `tell` hears of what takes a while.
    pub fn new(guests: Guests, tell: impl Fn(Progress) + Send + Sync + 'static) -> Lab {
        Lab {
            guests,
            tell: Box::new(tell),
        }
    }

    /// The maker of its guests.
    pub fn guests(&self) -> &Guests {
        &self.guests
    }
}

impl Backend for Lab {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        let machine = self.guests.guest(&*self.tell).map_err(unusable)?;
        let home = opening.environment.iter().find(|(name, _)| name == "HOME");
        let home = home.map(|(_, home)| Path::new(home));
        let mut folders = vec![Shared::new(opening.folder)];
        if let Some(home) = home.filter(|home| !home.starts_with(opening.folder)) {
            folders.push(Shared::new(home));
        }
        let mut session = LabSession {
            machine,
            folders,
            libraries: Libraries::default(),
            running: BTreeMap::new(),
            shared_at: Instant::now(),
        };
        session.push()?;
        session.start(opening)?;
        Ok(Box::new(session))
    }
}

struct LabSession {
    machine: Machine,
    folders: Vec<Shared>,
    libraries: Libraries,
    running: BTreeMap<u32, Mode>,
    shared_at: Instant,
}

impl LabSession {
    fn start(&mut self, opening: &Opening<'_>) -> Result<(), BackendError> {
        self.send(&Request::Start {
            cwd: opening.folder.to_owned(),
            env: opening.environment.to_vec(),
            // The whole guest goes when the session does.
            isolate: false,
        })?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.machine.next(left).map_err(ended)? {
                Some(Incoming::Reply(Reply::Started { .. })) => return Ok(()),
                Some(Incoming::Reply(Reply::Failed { what })) => {
                    return Err(BackendError::Failed(what));
                }
                Some(_) => {}
                None => {
                    let seconds = START_TIMEOUT.as_secs();
                    return Err(BackendError::Ended(crate::say!(
                        "backend-slow",
                        seconds = seconds
                    )));
                }
            }
        }
    }

    fn send(&mut self, request: &Request) -> Result<(), BackendError> {
        self.machine.send(request).map_err(ended)
    }

    /// Brings what changed on the host to the guest.
    fn push(&mut self) -> Result<(), BackendError> {
        for folder in &mut self.folders {
            let programs = folder.push(&mut self.machine).map_err(not_shared)?;
            self.libraries
                .bring(&programs, &mut self.machine)
                .map_err(not_shared)?;
        }
        self.shared_at = Instant::now();
        Ok(())
    }

    /// Brings what changed in the guest to the host.
    fn pull(&mut self) -> Result<(), BackendError> {
        for folder in &mut self.folders {
            folder.pull(&mut self.machine).map_err(not_shared)?;
        }
        self.shared_at = Instant::now();
        Ok(())
    }

    /// What goes on in the background, on either side, sees the other side's files.
    fn share_in_background(&mut self) -> Result<(), BackendError> {
        let background = self.running.values().any(|mode| *mode == Mode::Background);
        if background && self.shared_at.elapsed() >= SHARING {
            self.pull()?;
            self.push()?;
        }
        Ok(())
    }
}

impl Session for LabSession {
    fn run(&mut self, id: u32, mode: Mode, script: &str) -> Result<(), BackendError> {
        match mode {
            Mode::Step | Mode::Check | Mode::Background => self.push()?,
            // It asks what the machine is like.
            Mode::Aside => {}
        }
        self.running.insert(id, mode);
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
            let Some(incoming) = self.machine.next(left).map_err(ended)? else {
                self.share_in_background()?;
                return Ok(None);
            };
            let Some(happening) = happening(incoming)? else {
                continue;
            };
            match &happening {
                Happening::Ended { id, .. } => match self.running.remove(id) {
                    Some(Mode::Step | Mode::Background) => self.pull()?,
                    Some(Mode::Check | Mode::Aside) | None => {}
                },
                Happening::Finished { .. } => self.pull()?,
                Happening::Output { .. } => {}
            }
            return Ok(Some(happening));
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

fn ended(error: MachineError) -> BackendError {
    BackendError::Ended(error.to_string())
}

fn not_shared(error: SharedError) -> BackendError {
    match error {
        SharedError::Machine(error @ MachineError::Refused { .. }) => {
            BackendError::Failed(error.to_string())
        }
        SharedError::Machine(error) => ended(error),
        error @ (SharedError::File { .. } | SharedError::TooMuch { .. }) => {
            BackendError::Failed(error.to_string())
        }
    }
}

fn unusable(error: GuestError) -> BackendError {
    BackendError::Unusable {
        reason: error.to_string(),
        remedy: remedy(&error),
    }
}

/// What to do about a lab that does not start.
fn remedy(error: &GuestError) -> Option<String> {
    match error {
        GuestError::Machine(MachineError::ExecutableMemory { .. }) => {
            Some(crate::say!("lab-remedy-memory"))
        }
        GuestError::Machine(_) | GuestError::WarmUp(_) => Some(crate::say!("lab-remedy-machine")),
    }
}
