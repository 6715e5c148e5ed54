//! A lab for tests, one with states of its own, and a shell in a guest.

use crate::own;
use crate::support::{PATIENCE, skipped};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tutor::backend::lab::{Choice, Lab};
use tutor::backend::{Backend, BackendError, Happening, Mode, Opening, Session, Status};
use tutor_lab::accelerator::KvmPolicy;
use tutor_lab::cache::Cache;
use tutor_lab::guests::GuestProgress;

pub const TUTOR: &str = env!("CARGO_BIN_EXE_tutor");

/// The lab with the states of all tests; `None`, with a line, where there is none.
pub fn lab() -> Option<Lab> {
    lab_in(Cache::below(&own::folder()), &kernel(), |_| ())
}

/// The kernel that tests run on.
pub fn kernel() -> String {
    std::env::var("TUTOR_TEST_KERNEL").unwrap_or("default".to_owned())
}

/// The kernel as a file, which a cache of one's own takes too.
pub fn kernel_file() -> String {
    let name = kernel();
    let of_user = own::kernel(&name).map(|kernel| kernel.vmlinux.display().to_string());
    of_user.unwrap_or(name)
}

fn lab_in(
    cache: Cache,
    kernel: &str,
    tell: impl Fn(GuestProgress) + Send + Sync + 'static,
) -> Option<Lab> {
    let choice = Choice {
        cache,
        kernel: kernel.to_owned(),
        accelerator: KvmPolicy::Tcg,
        tutor: TUTOR.into(),
    };
    let lab = Lab::new(choice, tell);
    if let Err(why) = lab.guests() {
        let name = thread::current().name().unwrap_or("?").to_owned();
        skipped(&format!("{name}: {why}"));
        return None;
    }
    Some(lab)
}

/// A lab whose states are its own, and what it told.
pub struct OwnLab {
    pub lab: Lab,
    pub folder: TempDir,
    pub told: Arc<Mutex<Vec<GuestProgress>>>,
}

impl OwnLab {
    pub fn new() -> Option<OwnLab> {
        OwnLab::in_folder(tempfile::tempdir().unwrap())
    }

    pub fn in_folder(folder: TempDir) -> Option<OwnLab> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let lab = OwnLab::another(folder.path(), &told)?;
        Some(OwnLab { lab, folder, told })
    }

    /// A lab as another process would make it, with the same states.
    fn another(folder: &Path, told: &Arc<Mutex<Vec<GuestProgress>>>) -> Option<Lab> {
        let told = Arc::clone(told);
        lab_in(Cache::below(folder), &kernel_file(), move |progress| {
            told.lock().unwrap().push(progress);
        })
    }

    pub fn again(&self) -> Lab {
        OwnLab::another(self.folder.path(), &self.told).unwrap()
    }

    pub fn boots(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|told| **told == GuestProgress::Boots)
            .count()
    }

    pub fn state(&self) -> PathBuf {
        let states = fs::read_dir(self.folder.path().join("lab/states")).unwrap();
        let mut files = states.map(|entry| entry.unwrap().path());
        files
            .find(|path| path.extension().is_some_and(|end| end == "base"))
            .expect("a state was saved")
    }
}

/// A shell in a guest.
pub struct Shell {
    pub session: Box<dyn Session>,
    pub folder: Option<TempDir>,
    pub last_id: u32,
}

impl Shell {
    pub fn open(lab: &Lab) -> Shell {
        Shell::open_with(lab, |_| ())
    }

    pub fn open_with(lab: &Lab, prepare: impl FnOnce(&Path)) -> Shell {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        Shell {
            session: Shell::session(lab, folder.path()),
            folder: Some(folder),
            last_id: 0,
        }
    }

    /// A shell in a folder that others may have had before.
    pub fn in_folder(lab: &Lab, folder: &Path) -> Shell {
        Shell {
            session: Shell::session(lab, folder),
            folder: None,
            last_id: 0,
        }
    }

    pub fn session(lab: &Lab, folder: &Path) -> Box<dyn Session> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let environment = [
            ("PATH".to_owned(), path.to_owned()),
            ("HOME".to_owned(), folder.display().to_string()),
        ];
        let session = lab.open(&Opening {
            folder,
            home: folder,
            environment: &environment,
            own_mounts: true,
        });
        session.unwrap()
    }

    pub fn begin(&mut self, mode: Mode, script: &str) -> u32 {
        self.last_id += 1;
        self.session.run(self.last_id, mode, script).unwrap();
        self.last_id
    }

    pub fn end_of(&mut self, wanted: u32) -> Result<(Status, String), BackendError> {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while Instant::now() < deadline {
            match self.session.next(Duration::from_millis(100))? {
                Some(Happening::Ended { id, status, .. }) if id == wanted => {
                    return Ok((status, String::from_utf8_lossy(&said).into_owned()));
                }
                Some(Happening::Output { id, bytes, .. }) if id == wanted => said.extend(bytes),
                _ => {}
            }
        }
        panic!("waited in vain for the end of a run; it said {said:?}");
    }

    pub fn run(&mut self, script: &str) -> Result<(Status, String), BackendError> {
        let id = self.begin(Mode::Step, script);
        self.end_of(id)
    }

    pub fn prints(&mut self, script: &str) -> String {
        let (status, said) = self.run(script).unwrap();
        assert_eq!(status, Status::Exited(0), "`{script}`: {said}");
        said
    }

    pub fn at(&self, name: &str) -> PathBuf {
        let folder = self.folder.as_ref().expect("a folder of its own");
        folder.path().join(name)
    }
}
