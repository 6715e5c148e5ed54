//! One shell of a backend, driven step by step, and the folder it started in.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tutor::backend::{Backend, Happening, Mode, Opening, Session, Status};
use tutor::event::Stream;
use tutor::transcript::ShellFate;

/// How long anything may take that is known to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between the kind signal and the sure one, where the sure one is not what is tested.
pub const GRACE: Duration = Duration::from_secs(10);

/// The same, where waiting for the sure one is what is tested.
pub const SHORT_GRACE: Duration = Duration::from_millis(100);

/// One shell, and the folder it started in.
pub struct Shell {
    session: Box<dyn Session>,
    last_id: u32,
    /// Happenings that came while something else was awaited.
    pub later: Vec<Happening>,
    _folder: TempDir,
}

/// The result of one run.
#[derive(Debug)]
pub struct Ran {
    pub status: Status,
    pub shell_lost: bool,
    pub shell_new: bool,
    pub on_request: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Ran {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl Shell {
    pub fn open(backend: &dyn Backend) -> Shell {
        Shell::open_with(backend, |_| ())
    }

    /// Opens a shell after `prepare` had its way with the folder.
    pub fn open_with(backend: &dyn Backend, prepare: impl FnOnce(&Path)) -> Shell {
        let folder = tempfile::Builder::new()
            .prefix("conform-")
            .tempdir()
            .expect("a folder");
        prepare(folder.path());
        let environment = environment(folder.path());
        let opening = Opening {
            folder: folder.path(),
            home: folder.path(),
            environment: &environment,
            own_mounts: false,
        };
        let session = backend.open(&opening).expect("the backend opens a shell");
        Shell {
            session,
            last_id: 0,
            later: Vec::new(),
            _folder: folder,
        }
    }

    pub fn begin(&mut self, mode: Mode, script: &str) -> u32 {
        self.last_id += 1;
        self.session
            .run(self.last_id, mode, script)
            .expect("the backend takes a run");
        self.last_id
    }

    /// Waits for what `wanted` picks; all else is kept for later.
    pub fn await_that<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Happening) -> Option<T>,
    ) -> T {
        let kept = std::mem::take(&mut self.later);
        let mut found = None;
        for happening in kept {
            match found.is_none().then(|| wanted(&happening)).flatten() {
                Some(value) => found = Some(value),
                None => self.later.push(happening),
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = found {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; came: {:?}",
                self.later
            );
            let next = self
                .session
                .next(Duration::from_millis(100))
                .expect("the backend answers");
            let Some(happening) = next else { continue };
            found = wanted(&happening);
            if found.is_none() {
                self.later.push(happening);
            }
        }
    }

    pub fn end_of(&mut self, wanted: u32) -> Ran {
        let (status, fate, on_request) =
            self.await_that("the end of a run", |happening| match happening {
                Happening::Ended {
                    id,
                    status,
                    shell,
                    on_request,
                } if *id == wanted => Some((*status, *shell, *on_request)),
                _ => None,
            });
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.later.retain(|happening| match happening {
            Happening::Output { id, stream, bytes } if *id == wanted => {
                match stream {
                    Stream::Stdout => stdout.extend(bytes),
                    Stream::Stderr => stderr.extend(bytes),
                }
                false
            }
            _ => true,
        });
        Ran {
            status,
            shell_lost: fate == ShellFate::Lost,
            shell_new: fate == ShellFate::New,
            on_request,
            stdout,
            stderr,
        }
    }

    pub fn run_in(&mut self, mode: Mode, script: &str) -> Ran {
        let id = self.begin(mode, script);
        self.end_of(id)
    }

    pub fn run(&mut self, script: &str) -> Ran {
        self.run_in(Mode::Step, script)
    }

    /// Runs a step that must do well and returns what it printed on standard output.
    pub fn prints(&mut self, script: &str) -> String {
        let ran = self.run(script);
        assert_eq!(
            (ran.status, ran.shell_lost),
            (Status::Exited(0), false),
            "`{script}`: {ran:?}"
        );
        ran.stdout()
    }

    /// Waits until a condition, written for a shell of its own, holds in the folder.
    pub fn until(&mut self, condition: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.run_in(Mode::Aside, condition).status == Status::Exited(0) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for `{condition}`"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until that many processes run `sleep` for exactly so long.
    pub fn until_sleepers(&mut self, count: usize, seconds: u32) {
        self.until(&sleepers(count, seconds));
    }

    /// Has a run ended, and waits for that.
    pub fn stop(&mut self, id: u32, grace: Duration) -> Ran {
        self.session.end(id, grace).expect("the backend ends a run");
        self.end_of(id)
    }

    /// Closes the shell: what had to be ended, and what the shell printed as it closed.
    pub fn finish(&mut self) -> (Vec<(Option<u32>, String)>, String) {
        self.session
            .finish(Duration::from_secs(2))
            .expect("the backend closes a shell");
        let leftovers = self.await_that("the shell to close", |happening| match happening {
            Happening::Finished { leftovers } => Some(leftovers.clone()),
            _ => None,
        });
        let mut closing = Vec::new();
        for happening in &self.later {
            if let Happening::Output { id: 0, bytes, .. } = happening {
                closing.extend(bytes);
            }
        }
        (leftovers, String::from_utf8_lossy(&closing).into_owned())
    }
}

fn environment(home: &Path) -> Vec<(String, String)> {
    let pairs = [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("HOME", home.display().to_string()),
        ("LC_ALL", "C.UTF-8".to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A length of sleep that no other process on the machine sleeps for.
pub fn own_seconds() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id() % 100_000;
    1_000_000_000 + process * 1000 + NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A script that is true if that many processes run `sleep` for so long. It starts no process,
/// and so finds none of its own.
pub fn sleepers(count: usize, seconds: u32) -> String {
    format!(
        "count=0; for file in /proc/[0-9]*/cmdline; do \
         words=(); mapfile -d '' words <$file; [[ \"${{words[*]}}\" == 'sleep {seconds}' ]] && count=$((count + 1)); \
         done 2>/dev/null; (( count == {count} ))"
    )
}

/// A text as one word of shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
