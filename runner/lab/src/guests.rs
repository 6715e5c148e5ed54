//! Makes guests: each one resumes from the same saved state, which the first boot leaves.
//!
//! The guest that boots goes on from that state too, so that it is the same as one
//! that was resumed. It is handed out as soon as its state was taken; the state is packed and
//! written while it is used.

use crate::cache::Lock;
use crate::checkpoint;
use crate::image::Image;
use crate::machine::{Launcher, Machine, MachineError};
use crate::qemu::{Beginning, Qemu};
use crate::state::{self, Base, Packed};
use crate::tidy;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// News while a guest is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestProgress {
    /// KVM is tried, which takes ten seconds where it hangs.
    TriesKvm,
    /// A saved state is damaged or another one, and is made again.
    Refused {
        /// Its file.
        file: PathBuf,
        /// How it is known.
        error: String,
    },
    /// There is no saved state that can be used; the guest boots, which takes seconds.
    Boots,
    /// Its state could not be kept, so that the next one boots too.
    NotKept {
        /// Where it was to be kept.
        folder: PathBuf,
        /// The cause.
        error: String,
    },
}

/// Hears the news.
pub type Tell = Arc<dyn Fn(GuestProgress) + Send + Sync>;

/// Makes guests of one kernel.
pub struct Guests {
    qemu: Qemu,
    launcher: Launcher,
    image: Image,
    states: PathBuf,
    key: String,
    base: Mutex<Option<Arc<Base>>>,
    saving: Mutex<Option<Saving>>,
}

/// A state that is being written, and the receiver of an error.
struct Saving {
    thread: JoinHandle<io::Result<()>>,
    tell: Tell,
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.saved();
    }
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
            saving: Mutex::default(),
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
    pub fn guest(&self, tell: &Tell) -> Result<Machine, MachineError> {
        // A thread that comes while another one boots waits, and then resumes.
        let mut base = self.locked_base();
        if let Some(machine) = self.resumed(&mut base, None)? {
            return Ok(machine);
        }
        let lock = self.states.join(format!("{}.lock", self.key));
        let held = Lock::of(&lock);
        // Another process may have saved it while this one waited. Without a lock both boot.
        if held.is_ok()
            && let Some(machine) = self.resumed(&mut base, Some(tell))?
        {
            return Ok(machine);
        }
        tell(GuestProgress::Boots);
        let (machine, state) = self.booted()?;
        let state = Arc::new(state);
        *base = Some(Arc::clone(&state));
        self.save(state, held.ok(), tell);
        Ok(machine)
    }

    /// Has a state written, with the lock held until that is done.
    fn save(&self, state: Arc<Base>, lock: Option<Lock>, tell: &Tell) {
        self.saved();
        let file = state::file(&self.states, &self.key);
        let key = self.key.clone();
        let thread = std::thread::Builder::new().spawn(move || {
            let written = state::write(&file, &key, &state);
            drop(lock);
            written
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => return self.not_kept(&error, tell),
        };
        let mut saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        *saving = Some(Saving {
            thread,
            tell: Arc::clone(tell),
        });
    }

    /// Waits until the state of a guest that was booted is in its file, and tells if it could not be
    /// kept.
    pub fn saved(&self) {
        let mut saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Saving { thread, tell }) = saving.take() else {
            return;
        };
        let written = thread.join();
        let written = written.unwrap_or_else(|_| Err(io::Error::other("it could not be packed")));
        if let Err(error) = written {
            self.not_kept(&error, &tell);
        }
    }

    fn not_kept(&self, error: &io::Error, tell: &Tell) {
        tell(GuestProgress::NotKept {
            folder: self.states.clone(),
            error: error.to_string(),
        });
    }

    /// The state that guests resume from, once there is one.
    pub fn base(&self) -> Option<Arc<Base>> {
        self.locked_base().clone()
    }

    fn locked_base(&self) -> MutexGuard<'_, Option<Arc<Base>>> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a guest as it was at the checkpoint in a file, with its note; nothing if the file is
    /// missing or damaged, or was made from another base state than these guests have.
    pub fn rewound_to(&self, file: &Path) -> Option<(Machine, Vec<u8>)> {
        let base = {
            let mut base = self.locked_base();
            if base.is_none() {
                let file = state::file(&self.states, &self.key);
                let state = state::read(&file, &self.key).ok()?;
                *base = Some(Arc::new(state));
            }
            base.clone()?
        };
        let (state, note) = checkpoint::read(file, &base).ok()?;
        tidy::touch(file);
        let machine = self.resume(&mut std::iter::once(&*state)).ok()?;
        Some((machine, note))
    }

    /// Resumes from what is in memory or in the file. A state that does not work is taken away. A file
    /// that is not as it was saved is so only by somebody who has the lock, and hears why: another
    /// process may be writing it.
    fn resumed(
        &self,
        base: &mut Option<Arc<Base>>,
        locked: Option<&Tell>,
    ) -> Result<Option<Machine>, MachineError> {
        let file = state::file(&self.states, &self.key);
        let resumed = match base {
            Some(state) => Ok(self.resume(&mut std::iter::once(&***state))),
            None => match Packed::open(&file, &self.key) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                packed => packed.and_then(|packed| {
                    // The machine starts while the state is unpacked.
                    let (state, resumed) = packed.unpack(|pieces| self.resume(pieces))?;
                    tidy::touch(&file);
                    *base = Some(Arc::new(state));
                    Ok(resumed)
                }),
            },
        };
        match resumed {
            Ok(Ok(machine)) => Ok(Some(machine)),
            // A boot would not fare better.
            Ok(Err(
                error @ (MachineError::Start { .. } | MachineError::ExecutableMemory { .. }),
            )) => Err(error),
            Ok(Err(_)) => {
                *base = None;
                let _ = state::remove(&file);
                Ok(None)
            }
            Err(error) => {
                if let Some(tell) = locked {
                    let _ = state::remove(&file);
                    let error = error.to_string();
                    tell(GuestProgress::Refused { file, error });
                }
                Ok(None)
            }
        }
    }

    /// Resumes a guest from a state in pieces.
    fn resume(&self, pieces: &mut dyn Iterator<Item = &[u8]>) -> Result<Machine, MachineError> {
        let mut machine = Machine::start(&self.qemu, &self.launcher, Beginning::State)?;
        machine.resume(pieces)?;
        Ok(machine)
    }

    /// Boots a guest, and returns it with the state that it had when its agent answered first.
    fn booted(&self) -> Result<(Machine, Base), MachineError> {
        let beginning = Beginning::Kernel {
            vmlinux: &self.image.vmlinux,
            initramfs: &self.image.initramfs,
        };
        let mut machine = Machine::start(&self.qemu, &self.launcher, beginning)?;
        machine.hello()?;
        let state = machine.state()?;
        machine.go_on()?;
        // As one that was resumed.
        machine.hello()?;
        machine.freshen()?;
        Ok((machine, Base::new(state)))
    }
}
