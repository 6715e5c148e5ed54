//! Makes guests: each one resumes from the same saved state, which the first boot leaves.

use crate::checkpoint::Checkpoint;
use crate::image::Image;
use crate::machine::{Launcher, Machine, MachineError};
use crate::qemu::{Beginning, Qemu};
use crate::state;
use crate::tidy;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{Mode, Reply, Request, Status};

/// How long the warm-up may take on a busy machine.
const WARM_UP_PATIENCE: Duration = Duration::from_secs(60);

/// What is worth saying while a guest is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is tried whether KVM works, which takes ten seconds where it hangs.
    TriesKvm,
    /// There is no saved state that can be used; the guest boots, which takes seconds.
    Boots,
    /// Its state could not be kept, so that the next one boots too.
    NotKept {
        /// Where it was to be kept.
        folder: PathBuf,
        /// What stood in the way.
        error: String,
    },
}

/// No guest can be made.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The machine failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A state could not be packed or unpacked.
    #[error("cannot keep the guest's state: {0}")]
    Packing(io::Error),
    /// There is no state that this one could differ from.
    #[error("no base state was made yet")]
    NoBase,
    /// What is to be ready in the guest is not.
    #[error("the guest's first commands failed: {0}")]
    WarmUp(String),
}

/// Makes guests of one kernel.
#[derive(Debug)]
pub struct Guests {
    qemu: Qemu,
    launcher: Launcher,
    image: Image,
    states: PathBuf,
    key: String,
    base: Mutex<Option<Arc<Vec<u8>>>>,
}

impl Guests {
    /// Guests of an image, with their state kept in the folder `states`.
    pub fn new(qemu: Qemu, launcher: Launcher, image: Image, states: &Path) -> Guests {
        Guests {
            key: state::key(&qemu, &image.id),
            qemu,
            launcher,
            image,
            states: states.to_owned(),
            base: Mutex::default(),
        }
    }

    /// The name of the state that guests resume from.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// True if there is a saved state to resume from.
    pub fn is_saved(&self) -> bool {
        state::file(&self.states, &self.key).exists()
    }

    /// Returns a guest that is ready: resumed if that can be, else booted.
    pub fn guest(&self, tell: &dyn Fn(Progress)) -> Result<Machine, GuestError> {
        // Whoever comes while another one boots waits, and then resumes.
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = self.resumed(&mut base)? {
            return Ok(machine);
        }
        let lock = self.states.join(format!("{}.lock", self.key));
        let held = fs::create_dir_all(&self.states).and_then(|()| {
            let file = File::create(&lock)?;
            file.lock()?;
            Ok(file)
        });
        // Another process may have saved it while this one waited. Without a lock both boot.
        if held.is_ok()
            && let Some(machine) = self.resumed(&mut base)?
        {
            return Ok(machine);
        }
        tell(Progress::Boots);
        let (machine, state) = self.booted()?;
        let file = state::file(&self.states, &self.key);
        if let Err(error) = state::write(&file, &state) {
            tell(Progress::NotKept {
                folder: self.states.clone(),
                error: error.to_string(),
            });
        }
        *base = Some(Arc::new(state));
        Ok(machine)
    }

    /// The state that guests resume from, once there is one.
    pub fn base(&self) -> Option<Arc<Vec<u8>>> {
        let base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        base.clone()
    }

    /// Takes the state of a guest that was resumed from the base state; the guest goes on. Nothing
    /// may be asked of it meanwhile.
    pub fn checkpoint(&self, machine: &mut Machine) -> Result<Checkpoint, GuestError> {
        let Some(base) = self.base() else {
            return Err(GuestError::NoBase);
        };
        let state = machine.state()?;
        machine.go_on()?;
        Checkpoint::of(&state, base).map_err(GuestError::Packing)
    }

    /// Returns a guest as it was at a checkpoint, with the time of now.
    pub fn rewound(&self, checkpoint: &Checkpoint) -> Result<Machine, GuestError> {
        let state = checkpoint.state().map_err(GuestError::Packing)?;
        Ok(self.resume(&[&state])?)
    }

    /// Returns a guest as it was at the checkpoint in a file, with its note; nothing if the file is
    /// missing or damaged, or was made from another base state than these guests have.
    pub fn rewound_to(&self, file: &Path) -> Option<(Machine, Vec<u8>)> {
        let base = {
            let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
            if base.is_none() {
                let state = state::read(&state::file(&self.states, &self.key)).ok()?;
                *base = Some(Arc::new(state));
            }
            base.clone()?
        };
        let (checkpoint, note) = Checkpoint::read(file, base).ok()?;
        tidy::touch(file);
        Some((self.rewound(&checkpoint).ok()?, note))
    }

    /// Resumes from what is in memory or in the file. A state that does not work is taken away.
    fn resumed(&self, base: &mut Option<Arc<Vec<u8>>>) -> Result<Option<Machine>, GuestError> {
        let file = state::file(&self.states, &self.key);
        if base.is_none() {
            match state::read(&file) {
                Ok(state) => {
                    tidy::touch(&file);
                    *base = Some(Arc::new(state));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(_) => {
                    let _ = fs::remove_file(&file);
                    return Ok(None);
                }
            }
        }
        let Some(state) = base else { return Ok(None) };
        match self.resume(&[state]) {
            Ok(machine) => Ok(Some(machine)),
            // A boot would not fare better.
            Err(error @ (MachineError::Start { .. } | MachineError::ExecutableMemory { .. })) => {
                Err(error.into())
            }
            Err(_) => {
                *base = None;
                let _ = fs::remove_file(&file);
                Ok(None)
            }
        }
    }

    /// Resumes a guest from a state in pieces.
    pub fn resume(&self, state: &[&[u8]]) -> Result<Machine, MachineError> {
        let mut machine = Machine::start(&self.qemu, &self.launcher, Beginning::State)?;
        machine.feed(state)?;
        machine.hello()?;
        machine.freshen()?;
        Ok(machine)
    }

    /// Boots a guest, makes it warm, and returns it with the state that it had then.
    fn booted(&self) -> Result<(Machine, Vec<u8>), GuestError> {
        let beginning = Beginning::Kernel {
            vmlinux: &self.image.vmlinux,
            initramfs: &self.image.initramfs,
        };
        let mut machine = Machine::start(&self.qemu, &self.launcher, beginning)?;
        machine.hello()?;
        machine.freshen()?;
        warm_up(&mut machine)?;
        let state = machine.state()?;
        machine.go_on()?;
        machine.freshen()?;
        Ok((machine, state))
    }
}

fn warm_up(machine: &mut Machine) -> Result<(), GuestError> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    machine.send(&Request::Start {
        cwd: "/".into(),
        env: vec![("PATH".to_owned(), path.to_owned())],
        isolate: false,
    })?;
    machine.send(&Request::Run {
        id: 1,
        script: state::WARM_UP.to_owned(),
        mode: Mode::Step,
        when: Default::default(),
    })?;
    let deadline = Instant::now() + WARM_UP_PATIENCE;
    let mut said = String::new();
    let mut ended = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(incoming) = machine.next(left)? else {
            return Err(GuestError::WarmUp("they did not end".to_owned()));
        };
        match incoming {
            Incoming::Output { bytes, .. } => said.push_str(&String::from_utf8_lossy(&bytes)),
            Incoming::Reply(Reply::Failed { what }) => return Err(GuestError::WarmUp(what)),
            Incoming::Reply(Reply::Ended { status, .. }) => {
                ended = Some(status);
                machine.send(&Request::Finish { grace_ms: 2000 })?;
            }
            Incoming::Reply(Reply::Finished { .. }) if ended == Some(Status::Exited(0)) => {
                return Ok(());
            }
            Incoming::Reply(Reply::Finished { .. }) => return Err(GuestError::WarmUp(said)),
            Incoming::Reply(_) | Incoming::Data { .. } | Incoming::HungUp => {}
        }
    }
}
