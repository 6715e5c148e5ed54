//! `tutor lab run` and `tutor lab shell`: the lab for one's own experiments.

use super::arguments::{GuestArguments, LabRunArguments, LabShellArguments};
use super::context::Context;
use super::failure::{ends, of_guest};
use crate::backend::lab::{Lab, LabSession};
use crate::backend::{BackendError, Happening, Mode, Opening, Session, Status};
use crate::event::Stream;
use crate::exit::Exit;
use crate::render::terminal::kept_yours;
use crate::run::{Interrupt, PATH};
use crate::say;
use anyhow::Context as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{self, GuestReply, GuestRequest, Reply};
use tutor_lab::machine::Machine;

/// The only run of a guest.
const RUN: u32 = 1;

/// How long a command that was interrupted may take to say what it has seen by then.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How often a wait looks whether the window has another size.
const LOOK: Duration = Duration::from_millis(100);

/// The home folder of root in a guest.
pub const HOME: &str = "/root";

/// `tutor lab run`: the command's output is this program's, and so is how it ended.
pub fn run(context: &Context, arguments: &LabRunArguments) -> anyhow::Result<Exit> {
    let words = arguments.command.iter().map(|word| word.to_str());
    let words: Option<Vec<&str>> = words.collect();
    let words = words.ok_or_else(|| ends(Exit::Usage, say!("lab-command-text")))?;
    let began = Instant::now();
    let lab = context.lab(&arguments.guest.kernel)?;
    let (mut session, folder) = open(&lab, &arguments.guest)?;
    start(&mut session, &folder, &[("TERM", "dumb".to_owned())]).map_err(of_guest)?;
    let ready = began.elapsed();
    let mut first_output = None;
    let mut hear = || {
        first_output.get_or_insert_with(|| began.elapsed());
    };
    let nobody = Interrupt::default();
    let status = perform(context, &mut session, &words, &nobody, &mut hear)?;
    let ended = began.elapsed();
    if let Some(file) = &arguments.measure {
        let (checkpoint, bytes) = checkpoint(&mut session)?;
        let measured = json!({
            "format": 1,
            "guest_ready_ms": millis(ready),
            "first_output_ms": first_output.map(millis),
            "command_ended_ms": millis(ended),
            "checkpoint_ms": millis(checkpoint),
            "checkpoint_bytes": bytes,
        });
        std::fs::write(file, format!("{measured:#}\n")).with_context(|| {
            let file = file.display().to_string();
            say!("lab-measure-failed", file = file)
        })?;
    }
    Ok(Exit::OfCommand(code(status)))
}

/// Takes a checkpoint; returns how long that took, packing included, and how many bytes it is.
fn checkpoint(session: &mut LabSession) -> anyhow::Result<(Duration, u64)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("checkpoint");
    let began = Instant::now();
    session.save(&file).map_err(of_guest)?;
    session.written();
    let took = began.elapsed();
    let there = std::fs::metadata(&file).with_context(|| say!("lab-no-checkpoint"))?;
    Ok((took, there.len()))
}

/// Milliseconds with three digits behind the point.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// `tutor lab shell`.
pub fn shell(context: &Context, arguments: &LabShellArguments) -> anyhow::Result<Exit> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(ends(Exit::Usage, say!("lab-shell-no-terminal")));
    }
    let lab = context.lab(&arguments.guest.kernel)?;
    let (mut session, folder) = open(&lab, &arguments.guest)?;
    context.note(&match arguments.guest.folder {
        Some(_) => {
            let folder = folder.display().to_string();
            say!("lab-shell-hint-folder", folder = folder)
        }
        None => say!("lab-shell-hint"),
    });
    let term = std::env::var("TERM").unwrap_or("linux".to_owned());
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    session.machine().request(&GuestRequest::Terminal {
        id: RUN,
        command: ["bash", "-i"].map(str::to_owned).to_vec(),
        cwd: folder,
        env: environment(&[
            ("TERM", term),
            ("PS1", r"lab:\w\$ ".to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
        ]),
        rows,
        columns,
    })?;
    let resized = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGWINCH, Arc::clone(&resized))
        .context(say!("no-signals"))?;
    crossterm::terminal::enable_raw_mode()?;
    let status = relay(session.machine(), &resized);
    crossterm::terminal::disable_raw_mode()?;
    let status = status?;
    for kept in session.bring_back().map_err(of_guest)? {
        context.note(&kept_yours(&kept));
    }
    Ok(Exit::OfCommand(code(status)))
}

/// Passes keys one way and what the terminal shows the other, until its command ends.
fn relay(machine: &mut Machine, resized: &AtomicBool) -> anyhow::Result<Status> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut keys = [0; 4096];
    loop {
        if resized.swap(false, Ordering::Relaxed)
            && let Ok((columns, rows)) = crossterm::terminal::size()
        {
            let id = RUN;
            machine.request(&GuestRequest::Resize { id, rows, columns })?;
        }
        while let Some(incoming) = machine.next(Duration::ZERO)? {
            match incoming {
                Incoming::Data { bytes, .. } => {
                    stdout.write_all(&bytes)?;
                    stdout.flush()?;
                }
                Incoming::Reply(Reply::Guest(GuestReply::TerminalEnded { status, .. })) => {
                    return Ok(match status {
                        protocol::Status::Exited(code) => Status::Exited(code),
                        protocol::Status::Signaled(signal) => Status::Signaled(signal),
                    });
                }
                Incoming::Reply(Reply::Guest(GuestReply::Done {
                    error: Some(what), ..
                })) => return Err(ends(Exit::Lacking, what)),
                Incoming::Reply(_) | Incoming::Output { .. } | Incoming::HungUp => {}
            }
        }
        let Some(channel) = machine.readable() else {
            continue;
        };
        let mut fds = [
            PollFd::new(channel, PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::try_from(LOOK)?) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if fds[1].any().unwrap_or(false) {
            match nix::unistd::read(&stdin, &mut keys) {
                // The terminal is gone; so is whoever looked at the guest.
                Ok(0) | Err(Errno::EIO) => return Ok(Status::Exited(0)),
                Ok(count) => machine.send_data(RUN, &keys[..count])?,
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A guest that is ready, with its folder, and the folder to start in.
fn open(lab: &Lab, arguments: &GuestArguments) -> anyhow::Result<(LabSession, PathBuf)> {
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

/// Runs a command; its output is this program's. `hear` is called when some comes. An interrupt ends
/// the command, which may still say something then.
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
            session.kill(RUN, LAST_WORDS).map_err(of_guest)?;
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
            Some(Happening::Ended { .. } | Happening::Finished { .. }) | None => {}
        }
    }
}

/// What commands in a guest find in their environment.
fn environment(more: &[(&str, String)]) -> Vec<(String, String)> {
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

/// How a shell tells of an end: 128 and the signal's number.
pub fn code(status: Status) -> u8 {
    let code = match status {
        Status::Exited(code) => code,
        Status::Signaled(signal) => signal.saturating_add(128),
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}
