//! A guest for a command of the learner's own: its folder, its shell, and its end.

use crate::backend::lab::{Lab, LabSession};
use crate::backend::{BackendError, Happening, Mode, Opening, Session, Status};
use crate::cli::arguments::GuestArguments;
use crate::cli::context::Context;
use crate::cli::failure::{ends, of_guest};
use crate::event::Stream;
use crate::exit::Exit;
use crate::render::terminal::kept_yours;
use crate::run::{Interrupt, PATH};
use crate::say;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The only run of a guest.
pub const RUN: u32 = 1;

/// How long an interrupted command may take to print its result.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How often a wait looks for an interrupt.
const LOOK: Duration = Duration::from_millis(100);

/// The home folder of root in a guest.
const HOME: &str = "/root";

/// A guest that is ready, with its folder, and the folder to start in.
pub fn open(lab: &Lab, arguments: &GuestArguments) -> anyhow::Result<(LabSession, PathBuf)> {
    let mut session = lab.session().map_err(of_guest)?;
    let Some(folder) = &arguments.folder else {
        return Ok((session, HOME.into()));
    };
    let shared = Path::canonicalize(folder).map_err(|error| error.to_string());
    let shared = shared.and_then(|folder| {
        let shared = session.share(&folder);
        shared.map_err(|error| of_guest(error).to_string())?;
        Ok(folder)
    });
    let folder = shared.map_err(|error| {
        let folder = folder.display().to_string();
        let message = say!("lab-folder-failed", folder = folder, error = error);
        ends(Exit::Lacking, message)
    })?;
    Ok((session, folder))
}

/// Starts the shell that a command runs in.
pub fn start(
    session: &mut LabSession,
    folder: &Path,
    environment: &[(&str, String)],
) -> Result<(), BackendError> {
    session.start(&Opening {
        folder,
        home: Path::new(HOME),
        environment: &self::environment(environment),
        own_mounts: false,
    })
}

/// Runs a command, whose output becomes this program's. `hear` is called at each output. An interrupt
/// ends the command, which may still print something.
pub fn perform(
    context: &Context,
    session: &mut dyn Session,
    words: &[&str],
    interrupt: &Interrupt,
    hear: &mut dyn FnMut(),
) -> anyhow::Result<Status> {
    let script: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let run = session.run(RUN, Mode::Step, &script.join(" "));
    run.map_err(of_guest)?;
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr());
    let mut heeded = 0;
    loop {
        if interrupt.presses() > heeded {
            heeded = interrupt.presses();
            session.end(RUN, LAST_WORDS).map_err(of_guest)?;
        }
        match session.next(LOOK).map_err(of_guest)? {
            Some(Happening::Output { stream, bytes, .. }) => {
                hear();
                match stream {
                    Stream::Stdout => {
                        stdout.write_all(&bytes)?;
                        stdout.flush()?;
                    }
                    Stream::Stderr => stderr.write_all(&bytes)?,
                }
            }
            Some(Happening::KeptYours(kept)) => context.note(&kept_yours(&kept)),
            Some(Happening::Ended {
                id: RUN, status, ..
            }) => return Ok(status),
            Some(
                Happening::Ended { .. } | Happening::Unguarded(_) | Happening::Finished { .. },
            )
            | None => {}
        }
    }
}

/// The environment of commands in a guest.
pub fn environment(more: &[(&str, String)]) -> Vec<(String, String)> {
    let base = [
        ("PATH", PATH.to_owned()),
        ("HOME", HOME.to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
    ];
    let all = base.iter().chain(more);
    all.map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// A word as bash reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The exit status as a shell has it: for a signal, 128 and its number.
pub fn code(status: Status) -> u8 {
    let code = match status {
        Status::Exited(code) => code,
        Status::Signaled(signal) => signal.saturating_add(128),
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}
