//! The shells of one lesson: one a place, opened when first needed.

use crate::backend::{Backend, BackendError, Happening, Opening, Session};
use crate::lesson::Place;
use crate::transcript::{Ending, HEAD_BYTES, Record, TAIL_BYTES};
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tutor_files::FilesError;

use super::{GRACE, Options};

/// The folders that steps find programs in, after `tutor`'s own. bpftool is in an sbin folder.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The shells of a lesson.
#[derive(Default)]
pub struct Shells {
    open: BTreeMap<Place, Box<dyn Session>>,
}

/// The most that shells print as they close.
const CLOSING_BYTES: usize = HEAD_BYTES + TAIL_BYTES;

impl Shells {
    pub fn is_open(&self, place: Place) -> bool {
        self.open.contains_key(&place)
    }

    pub fn open(
        &mut self,
        place: Place,
        backend: &dyn Backend,
        workspace: &Workspace,
        options: &Options,
    ) -> Result<(), BackendError> {
        let environment = environment(options, place, workspace.home());
        let session = backend.open(&Opening {
            folder: workspace.files(),
            home: workspace.home(),
            environment: &environment,
            own_mounts: place == Place::Kernel,
        })?;
        self.open.insert(place, session);
        Ok(())
    }

    /// Takes a shell that was opened elsewhere.
    pub fn insert(&mut self, place: Place, session: Box<dyn Session>) {
        self.open.insert(place, session);
    }

    pub fn session(&mut self, place: Place) -> Result<&mut dyn Session, BackendError> {
        match self.open.get_mut(&place) {
            Some(session) => Ok(session.as_mut()),
            None => Err(BackendError::Gone),
        }
    }

    /// Closes a place that does not answer; the next step there finds none.
    pub fn drop_session(&mut self, place: Place) {
        self.open.remove(&place);
    }

    /// Closes a place's shell and returns all that it still had to say.
    pub fn finish(&mut self, place: Place) -> Vec<Happening> {
        let Some(mut session) = self.open.remove(&place) else {
            return Vec::new();
        };
        let mut said = Vec::new();
        if session.finish(GRACE).is_err() {
            return said;
        }
        let deadline = Instant::now() + GRACE * 4;
        let mut room_bytes = CLOSING_BYTES;
        while Instant::now() < deadline {
            match session.next(Duration::from_millis(100)) {
                // Whoever prints at the end without end is not heard out.
                Ok(Some(Happening::Output { bytes, .. })) if bytes.len() > room_bytes => {
                    room_bytes = 0;
                }
                Ok(Some(happening)) => {
                    if let Happening::Output { bytes, .. } = &happening {
                        room_bytes -= bytes.len();
                    }
                    let last = matches!(happening, Happening::Finished { .. });
                    said.push(happening);
                    if last {
                        break;
                    }
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
        said
    }

    /// Puts a step's raw output where its checks find it.
    pub fn keep_output(
        &self,
        workspace: &Workspace,
        step: &str,
        record: &Record,
    ) -> Result<(), FilesError> {
        let [stdout, stderr] = output_files(step);
        workspace.put_in_home(&stdout, &record.output.stdout.bytes())?;
        workspace.put_in_home(&stderr, &record.output.stderr.bytes())
    }

    /// A check's script with the names of its step's output in front.
    pub fn with_output_of(
        &self,
        home: &Path,
        step: &str,
        record: Option<&Record>,
        script: &str,
    ) -> String {
        let [stdout, stderr] = output_files(step).map(|name| home.join(name));
        let exit = match record.map(|record| &record.ending) {
            Some(Ending::Exited(code)) => code.to_string(),
            Some(Ending::Signaled(signal)) => (128 + signal).to_string(),
            Some(_) | None => String::new(),
        };
        format!(
            "export TUTOR_STDOUT={} TUTOR_STDERR={} TUTOR_EXIT={exit}\n{script}",
            quoted(&stdout),
            quoted(&stderr)
        )
    }
}

/// The whole environment of steps: the same on every machine, so that output is, but for what the
/// course asked for.
pub fn environment(options: &Options, place: Place, home: &Path) -> Vec<(String, String)> {
    let own = [Some(&options.tutor), options.programs.as_ref()];
    // What the learner has on this machine is of this machine only.
    let around = (place == Place::Host).then_some(&options.surroundings);
    let asked = around.iter().flat_map(|around| &around.path);
    let own = own.into_iter().flatten().chain(asked);
    let path: String = own.map(|folder| format!("{}:", folder.display())).collect();
    let pairs = [
        ("PATH", path + PATH),
        ("HOME", home.display().to_string()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("COLUMNS", "80".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("TUTOR", "1".to_owned()),
    ];
    let asked = around.iter().flat_map(|around| &around.environment);
    let ours = pairs.map(|(name, value)| (name.to_owned(), value));
    // A course cannot ask for another value of what is the same everywhere.
    let is_ours = |name: &str| ours.iter().any(|(ours, _)| ours == name);
    let asked: Vec<_> = asked.filter(|(name, _)| !is_ours(name)).cloned().collect();
    ours.into_iter().chain(asked).collect()
}

fn output_files(step: &str) -> [String; 2] {
    ["stdout", "stderr"].map(|stream| format!(".tutor-{step}.{stream}"))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
