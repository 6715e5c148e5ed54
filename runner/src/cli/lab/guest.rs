//! A guest for a command of the learner's own: its folder, its shell, and its end.

use crate::backend::lab::{Lab, LabSession};
use crate::backend::{BackendError, Happening, Mode, Opening, Session, Status};
use crate::cli::arguments::GuestArguments;
use crate::cli::context::Context;
use crate::cli::failure::{ends, of_guest};
use crate::event::{Brought, Stream};
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
/// ends the command, which may still print something; so does an output that cannot be printed, since
/// what the command did to files comes back all the same.
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
    let mut heeded = 0;
    let mut unprinted = None;
    loop {
        if interrupt.presses() > heeded {
            heeded = interrupt.presses();
            session.end(RUN, LAST_WORDS).map_err(of_guest)?;
        }
        match session.next(LOOK).map_err(of_guest)? {
            Some(Happening::Output { stream, bytes, .. }) => {
                hear();
                if unprinted.is_none()
                    && let Err(error) = print(stream, &bytes)
                {
                    unprinted = Some(error);
                    session.end(RUN, LAST_WORDS).map_err(of_guest)?;
                }
            }
            Some(Happening::KeptYours(kept)) => context.note(&kept_yours(&kept)),
            Some(Happening::OutOfMemory(process)) => {
                context.note(&say!("out-of-memory", process = process))
            }
            Some(Happening::Ended {
                id: RUN, status, ..
            }) => return unprinted.map_or(Ok(status), |error| Err(error.into())),
            Some(
                Happening::Ended { .. } | Happening::Unguarded(_) | Happening::Finished { .. },
            )
            | None => {}
        }
    }
}

fn print(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        Stream::Stderr => io::stderr().write_all(bytes),
    }
}

/// Says what came back to the folder that was brought along.
pub fn tell_brought(context: &Context, folder: &Path, brought: &Brought) {
    let named = |paths: &[PathBuf]| {
        let mut names: Vec<String> = paths
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let names = names.join(", ");
        match more {
            0 => names,
            more => say!("lab-brought-more", names = names, count = more),
        }
    };
    let folder = folder.display().to_string();
    if !brought.written.is_empty() {
        let names = named(&brought.written);
        context.note(&say!(
            "lab-brought",
            folder = folder.as_str(),
            names = names
        ));
    }
    if !brought.removed.is_empty() {
        let names = named(&brought.removed);
        context.note(&say!(
            "lab-brought-removed",
            folder = folder.as_str(),
            names = names
        ));
    }
}

/// How many files are named that came back.
const NAMED: usize = 8;

/// The error of a guest whose changes in a folder are gone with it.
pub fn with_loss(error: anyhow::Error, folder: Option<&Path>) -> anyhow::Error {
    let Some(folder) = folder else {
        return error;
    };
    let folder = folder.display().to_string();
    let loss = say!("lab-folder-lost", folder = folder);
    ends(Exit::Lacking, format!("{error:#}\n{loss}"))
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
