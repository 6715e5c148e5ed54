//! The lab: one virtual machine a shell, with a kernel of its own, resumed from a saved state.
//!
//! The workspace and the steps' home are at the same paths in the guest as on the host; what
//! changed on one side is on the other before the next step there begins.

mod answers;
mod memory;
mod own;

use super::told::happening;
use super::{Answer, Backend, BackendError, Happening, KernelOwner, Mode, Opening, Session};
use crate::event::{KeptYours, OfLab};
use crate::packages;
use crate::say;
use answers::Answers;
use memory::MemoryWatch;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tutor_agent::protocol::{Incoming, Reply, Request};
use tutor_lab::accelerator::{self, KvmPolicy, NoKvm, Trial};
use tutor_lab::cache::{Cache, CacheError, DEFAULT_SERIES};
use tutor_lab::checkpoint;
use tutor_lab::guests::{GuestProgress, Guests, Tell};
use tutor_lab::image::{self, Image, ImageError, Programs};
use tutor_lab::libraries::Libraries;
use tutor_lab::machine::{Launcher, Machine, MachineError};
use tutor_lab::qemu::{Accelerator, Qemu, QemuError};
use tutor_lab::setup::KernelRequest;
use tutor_lab::shared::{self, Conflict, Shared, SharedError};
use tutor_lab::state::Base;

/// How long a shell may take to start in a guest, which is slow on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often files go to and fro while something runs in the background.
const SHARING: Duration = Duration::from_millis(200);

/// Which guests a lab makes.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where kernels and states are kept.
    pub cache: Cache,
    /// A kernel that is in the cache: `default`, a series such as `6.12`, a whole release; or a path.
    pub kernel: String,
    /// Whether KVM is to run the guests' code.
    pub accelerator: KvmPolicy,
    /// The program that becomes QEMU when called with `__agent guarded`.
    pub tutor: PathBuf,
}

/// Steps run in guests of one kernel. Nothing is looked for before the first shell is opened.
pub struct Lab {
    choice: Choice,
    tell: Tell,
    found: OnceLock<Result<FoundLab, Lack>>,
    /// A guest that is not taken yet.
    ready: Mutex<Option<Machine>>,
    /// Why a guest did not start. The next one would not either, and take as long.
    broken: OnceLock<Lack>,
    /// One started, so that the lab can be used here.
    started: AtomicBool,
}

/// A lack of this machine, and what to do about it.
type Lack = (String, Option<String>);

/// The parts of a lab as they were found on this machine.
struct FoundLab {
    guests: Guests,
    qemu: Qemu,
    chosen: accelerator::AcceleratorChoice,
    /// The answers of probes in guests as they begin. They begin the same each time.
    answers: Answers,
}

impl Lab {
    /// `tell` hears of what takes a while.
    pub fn new(choice: Choice, tell: impl Fn(GuestProgress) + Send + Sync + 'static) -> Lab {
        Lab {
            choice,
            tell: Arc::new(tell),
            found: OnceLock::new(),
            ready: Mutex::default(),
            broken: OnceLock::new(),
            started: AtomicBool::new(false),
        }
    }

    /// Where its kernels and states are kept.
    pub fn cache(&self) -> &Cache {
        &self.choice.cache
    }

    /// The maker of its guests, or what this machine lacks.
    pub fn guests(&self) -> Result<&Guests, BackendError> {
        self.found().map(|found| &found.guests)
    }

    /// Returns a guest that is ready.
    pub fn guest(&self) -> Result<Machine, BackendError> {
        let ready = self.ready().take();
        match (ready, self.broken.get()) {
            (Some(machine), _) => Ok(machine),
            (None, Some(why)) => Err(self.not_started(why.clone())),
            (None, None) => {
                let found = self.found()?;
                let machine = found.guests.guest(&self.tell).map_err(|error| {
                    let remedy = remedy(&error, &found.qemu.accelerator);
                    let why = (error.to_string(), Some(remedy));
                    self.not_started(self.broken.get_or_init(|| why).clone())
                })?;
                self.started.store(true, Ordering::Relaxed);
                Ok(machine)
            }
        }
    }

    /// Where one started before, that is nothing that this machine lacks.
    fn not_started(&self, why: Lack) -> BackendError {
        match self.started.load(Ordering::Relaxed) {
            true => BackendError::NotAgain { reason: why.0 },
            false => lacking(why),
        }
    }

    /// Returns a guest that has no folder of the host and no shell yet.
    pub fn session(&self) -> Result<LabSession, BackendError> {
        let machine = self.guest()?;
        Ok(LabSession::of(machine, Vec::new(), self.guests()?.base()))
    }

    /// Makes the guest that is taken first, or says why there can be none.
    pub fn make_ready(&self) -> Result<(), BackendError> {
        let machine = self.guest()?;
        *self.ready() = Some(machine);
        Ok(())
    }

    fn ready(&self) -> MutexGuard<'_, Option<Machine>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what runs its guests' code, and why. KVM was tried by then.
    pub fn accelerator(&self) -> Result<&accelerator::AcceleratorChoice, BackendError> {
        self.found().map(|found| &found.chosen)
    }

    fn found(&self) -> Result<&FoundLab, BackendError> {
        let found = self.found.get_or_init(|| find(&self.choice, &self.tell));
        found.as_ref().map_err(|lack| lacking(lack.clone()))
    }
}

/// The parts that guests are made of.
struct Parts {
    qemu: Qemu,
    launcher: Launcher,
    image: Image,
}

impl Parts {
    fn trial(&self) -> Trial<'_> {
        Trial {
            qemu: &self.qemu,
            launcher: &self.launcher,
            image: &self.image,
            device: Path::new(accelerator::DEVICE),
            patience: accelerator::PATIENCE,
        }
    }

    fn guests(self, accelerator: Accelerator, cache: &Cache) -> Guests {
        let qemu = self.qemu.under(accelerator);
        Guests::new(qemu, self.launcher, self.image, &states(cache))
    }
}

fn states(cache: &Cache) -> PathBuf {
    cache.folder().join("states")
}

/// The expected setup of a lab, as far as it is known without starting a machine.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The accelerator that would run its guests' code, and why.
    pub accelerator: accelerator::AcceleratorChoice,
    /// True if its guests resume from a saved state.
    pub is_saved: bool,
}

/// Says what a lab would do, without starting a machine.
pub fn outlook(choice: &Choice) -> Result<Outlook, BackendError> {
    let parts = parts(choice).map_err(lacking)?;
    let chosen = parts.trial().known(choice.accelerator, &choice.cache);
    let chosen = chosen.map_err(|error| lacking(no_kvm(&error)))?;
    let guests = parts.guests(chosen.accelerator.clone(), &choice.cache);
    Ok(Outlook {
        accelerator: chosen,
        is_saved: guests.is_saved(),
    })
}

fn lacking((reason, remedy): Lack) -> BackendError {
    BackendError::Unusable { reason, remedy }
}

/// Returns what to do about a QEMU that cannot be used.
pub fn qemu_remedy(error: &QemuError) -> String {
    match error {
        QemuError::Missing { .. } | QemuError::Strange { .. } => {
            packages::besides_installing("qemu").unwrap_or_else(|| say!("lab-remedy-qemu"))
        }
        QemuError::TooOld { .. } => say!("lab-remedy-qemu-old"),
        QemuError::Architecture => say!("lab-remedy-architecture"),
    }
}

fn parts(choice: &Choice) -> Result<Parts, Lack> {
    let lacks = |reason: String, remedy: String| (reason, Some(remedy));
    let cache = &choice.cache;
    let qemu = Qemu::find(cache.folder())
        .map_err(|error| lacks(error.to_string(), qemu_remedy(&error)))?;
    let wanted = choice.kernel.as_str();
    let found = match wanted.contains('/') {
        true => cache.file(Path::new(wanted)).map(Some),
        false => cache.kernel(wanted),
    };
    let kernel = match found {
        Ok(Some(kernel)) => kernel,
        Ok(None) => {
            return Err(match wanted {
                "default" => lacks(say!("lab-no-kernel"), say!("lab-remedy-setup")),
                wanted => lacks(
                    say!("lab-no-such-kernel", kernel = wanted),
                    match KernelRequest::parse(wanted) {
                        KernelRequest::Series(_) => say!("lab-remedy-kernel", kernel = wanted),
                        KernelRequest::File(_) => say!("lab-remedy-kernel-name"),
                    },
                ),
            });
        }
        Err(error) => {
            let remedy = match &error {
                CacheError::Files { .. } => say!("lab-remedy-disk"),
                CacheError::Kernel(_) => say!("lab-remedy-setup"),
                CacheError::Damaged { release, .. } => mends(release),
            };
            return Err(lacks(error.to_string(), remedy));
        }
    };
    let programs = Programs {
        id: tutor_guest::ID,
        agent: &tutor_guest::agent,
        tutor: &tutor_guest::tutor,
        sizes: tutor_guest::sizes(),
    };
    let image = image::prepare(cache, &kernel, programs).map_err(|error| {
        let remedy = match error {
            ImageError::Initramfs(_) => say!("lab-remedy-image"),
            ImageError::Write { .. } => say!("lab-remedy-disk"),
        };
        lacks(error.to_string(), remedy)
    })?;
    let launcher = Launcher {
        program: choice.tutor.clone(),
        arguments: ["__agent", "guarded"].map(OsString::from).to_vec(),
    };
    Ok(Parts {
        qemu,
        launcher,
        image,
    })
}

/// Returns what to do about a kernel that is damaged.
pub fn mends(release: &str) -> String {
    let series = tutor_lab::kernel::series(release);
    let setup = match series {
        DEFAULT_SERIES => "tutor lab setup".to_owned(),
        series => format!("tutor lab setup --kernel {series}"),
    };
    say!("lab-remedy-damaged", setup = setup)
}

/// KVM was asked for and cannot be had, with what to do about it.
fn no_kvm(error: &NoKvm) -> Lack {
    let remedy = match error {
        NoKvm::Device { .. } => say!("lab-remedy-kvm-device"),
        NoKvm::Refused { .. } => say!("lab-remedy-kvm"),
    };
    (error.to_string(), Some(remedy))
}

fn find(choice: &Choice, tell: &Tell) -> Result<FoundLab, Lack> {
    let cache = &choice.cache;
    let parts = parts(choice)?;
    let tries = || tell(GuestProgress::TriesKvm);
    let chosen = parts.trial().choose(choice.accelerator, cache, &tries);
    let chosen = chosen.map_err(|error| no_kvm(&error))?;
    let qemu = parts.qemu.under(chosen.accelerator.clone());
    let guests = parts.guests(chosen.accelerator.clone(), cache);
    let answers = states(cache).join(guests.key()).with_extension("answers");
    Ok(FoundLab {
        qemu,
        answers: Answers::read(answers),
        guests,
        chosen,
    })
}

impl Backend for Lab {
    fn kernel(&self) -> KernelOwner {
        let machine = self.found().ok().map(|found| {
            let minor: Vec<&str> = found.qemu.version.split('.').take(2).collect();
            let minor = minor.join(".");
            match found.qemu.accelerator {
                Accelerator::Tcg => format!("QEMU {minor}"),
                Accelerator::Kvm { .. } => format!("QEMU {minor} with KVM"),
            }
        });
        KernelOwner::Guest { machine }
    }

    fn known(&self, probe: &str) -> Option<Answer> {
        self.found().ok()?.answers.get(probe)
    }

    fn note(&self, probe: &str, answer: &Answer) {
        if let Ok(found) = self.found() {
            found.answers.add(probe, answer);
        }
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        let mut session = self.session()?;
        session.share(opening.folder)?;
        let home = opening.environment.iter().find(|(name, _)| name == "HOME");
        let home = home.map(|(_, home)| Path::new(home));
        if let Some(home) = home.filter(|home| !home.starts_with(opening.folder)) {
            session.share(home)?;
        }
        session.start(opening)?;
        Ok(Box::new(session))
    }

    fn reopen(&self, file: &Path) -> Option<Box<dyn Session>> {
        let guests = self.guests().ok()?;
        let (machine, note) = guests.rewound_to(file)?;
        self.ready().take();
        let folders = serde_json::from_slice(&note).ok()?;
        Some(Box::new(LabSession::of(machine, folders, guests.base())))
    }
}

/// A guest, the folders that it shares with the host, and its shell once that was started.
pub struct LabSession {
    machine: Machine,
    folders: Vec<Shared>,
    libraries: Libraries,
    running: BTreeMap<u32, Mode>,
    shared_at: Instant,
    /// The events to be told before anything else.
    told: VecDeque<Happening>,
    /// The state that checkpoints are written as differences from.
    base: Option<Arc<Base>>,
    /// The checkpoint that is being written.
    writing: Option<JoinHandle<()>>,
    memory: MemoryWatch,
}

impl Drop for LabSession {
    fn drop(&mut self) {
        self.written();
    }
}

impl LabSession {
    fn of(machine: Machine, folders: Vec<Shared>, base: Option<Arc<Base>>) -> LabSession {
        LabSession {
            machine,
            folders,
            libraries: Libraries::default(),
            running: BTreeMap::new(),
            shared_at: Instant::now(),
            told: VecDeque::new(),
            base,
            writing: None,
            memory: MemoryWatch::default(),
        }
    }

    /// Brings a folder to the same place in the guest; what changes there comes back.
    pub fn share(&mut self, folder: &Path) -> Result<(), BackendError> {
        self.folders.push(Shared::new(folder));
        self.push()
    }

    /// Starts the shell.
    pub fn start(&mut self, opening: &Opening<'_>) -> Result<(), BackendError> {
        self.send(&Request::Start {
            cwd: opening.folder.to_owned(),
            env: opening.environment.to_vec(),
            // The whole guest goes when the session does.
            isolate: false,
            confine: None,
            limits: None,
        })?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let heard = match left.is_zero() {
                true => None,
                false => self.machine.next(left).map_err(ended)?,
            };
            match heard {
                Some(Incoming::Reply(Reply::Started { .. })) => return Ok(()),
                Some(Incoming::Reply(Reply::Failed { what })) => {
                    return Err(BackendError::Failed(what));
                }
                Some(_) => {}
                None => {
                    let seconds = START_TIMEOUT.as_secs();
                    return Err(BackendError::Ended(say!("backend-slow", seconds = seconds)));
                }
            }
        }
    }

    fn send(&mut self, request: &Request) -> Result<(), BackendError> {
        self.machine.send(request).map_err(ended)
    }

    /// Waits until the checkpoint before is in its file.
    pub fn written(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }

    /// Brings what changed on the host to the guest.
    fn push(&mut self) -> Result<(), BackendError> {
        for folder in &mut self.folders {
            let programs = folder.push(&mut self.machine).map_err(not_shared)?;
            self.libraries
                .bring(&programs, folder.folder(), &mut self.machine)
                .map_err(not_shared)?;
        }
        self.shared_at = Instant::now();
        Ok(())
    }

    /// Brings what changed in the guest to the host.
    fn pull(&mut self) -> Result<(), BackendError> {
        for folder in &mut self.folders {
            folder.pull(&mut self.machine).map_err(not_shared)?;
            let kept = folder.take_conflicts().into_iter().map(kept_yours);
            self.told.extend(kept.map(Happening::KeptYours));
        }
        self.shared_at = Instant::now();
        Ok(())
    }

    /// Brings each side's files to the other while a background step runs.
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
            if let Some(happening) = self.told.pop_front() {
                return Ok(Some(happening));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(incoming) = self.machine.next(left).map_err(ended)? else {
                self.share_in_background()?;
                return Ok(self.told.pop_front());
            };
            let Some(happening) = happening(incoming)? else {
                continue;
            };
            match &happening {
                Happening::Ended { id, status, .. } => {
                    match self.running.remove(id) {
                        Some(Mode::Step | Mode::Background) => self.pull()?,
                        Some(Mode::Check | Mode::Aside) | None => {}
                    }
                    let killed = self.memory.killed(*status, &|| self.machine.said());
                    self.told.extend(killed.map(Happening::OutOfMemory));
                }
                Happening::Finished { .. } => self.pull()?,
                Happening::Output { .. }
                | Happening::KeptYours(_)
                | Happening::Unguarded(_)
                | Happening::OutOfMemory(_) => {}
            }
            self.told.push_back(happening);
        }
    }

    fn save(&mut self, file: &Path) -> Result<bool, BackendError> {
        // A run could be cut off in the middle of a message to us.
        let (true, Some(base)) = (self.running.is_empty(), self.base.clone()) else {
            return Ok(false);
        };
        self.written();
        // An older one of that name is of another run.
        let _ = fs::remove_file(file);
        let Ok(note) = serde_json::to_vec(&self.folders) else {
            return Ok(false);
        };
        let state = self.machine.state().map_err(ended)?;
        self.machine.go_on().map_err(ended)?;
        let file = file.to_owned();
        // The guest goes on meanwhile. A checkpoint that cannot be written is one that is missing.
        let writing = std::thread::Builder::new().spawn(move || {
            let _ = checkpoint::write(&file, &note, &state, &base);
        });
        self.writing = writing.ok();
        Ok(true)
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

/// Returns the file that stayed as the learner changed it.
pub fn kept_yours(conflict: Conflict) -> KeptYours {
    KeptYours {
        path: conflict.path.path().to_owned(),
        of_lab: match conflict.of_lab {
            shared::LabVersion::Kept(beside) => OfLab::Kept(beside.path().to_owned()),
            shared::LabVersion::Removed => OfLab::Removed,
            shared::LabVersion::Lost => OfLab::Lost,
        },
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
        error @ (SharedError::Files(_) | SharedError::TooMuch { .. }) => {
            BackendError::Failed(error.to_string())
        }
    }
}

/// Returns what to do about a lab that does not start.
fn remedy(error: &MachineError, accelerator: &Accelerator) -> String {
    let is_forbidden = matches!(error, MachineError::ExecutableMemory { .. });
    match accelerator {
        Accelerator::Tcg | Accelerator::Kvm { .. } if is_forbidden => say!("lab-remedy-memory"),
        Accelerator::Kvm { .. } => say!("lab-remedy-kvm"),
        Accelerator::Tcg => say!("lab-remedy-machine"),
    }
}
