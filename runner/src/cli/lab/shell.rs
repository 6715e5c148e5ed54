//! `tutor lab shell`: the terminal of a machine, for the learner's own experiments.

use super::guest::{RUN, code, environment, open, tell_brought, with_loss};
use crate::backend::Status;
use crate::cli::arguments::LabShellArguments;
use crate::cli::context::Context;
use crate::cli::failure::{ends, of_guest};
use crate::event::Brought;
use crate::exit::Exit;
use crate::render::terminal::kept_yours;
use crate::say;
use anyhow::Context as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGHUP, SIGTERM, SIGWINCH};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tutor_agent::protocol::{GuestReply, GuestRequest, Incoming, Reply};
use tutor_lab::machine::Machine;

/// How often a wait looks whether the window has a different size.
const LOOK: Duration = Duration::from_millis(100);

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
    let flag = |signal| {
        let flag = Arc::new(AtomicBool::new(false));
        let registered = signal_hook::flag::register(signal, Arc::clone(&flag));
        registered.map(|_| flag).context(say!("no-signals"))
    };
    let signals = Signals {
        resized: flag(SIGWINCH)?,
        hung_up: flag(SIGHUP)?,
        terminated: flag(SIGTERM)?,
    };
    let shared = arguments.guest.folder.as_deref();
    loop {
        let left = at_terminal(session.machine(), &folder, &signals);
        let left = left.map_err(|error| with_loss(error, shared))?;
        let kept = match session.bring_back() {
            Ok(kept) => kept,
            Err(error) if !error.is_end() && matches!(left, Left::Ended(_)) => {
                let error = of_guest(error).to_string();
                context.note(&say!("lab-shell-again", error = error));
                continue;
            }
            Err(error) => return Err(with_loss(of_guest(error), shared)),
        };
        for kept in &kept {
            context.note(&kept_yours(kept));
        }
        if let Some(shared) = shared {
            let brought = session.take_brought();
            if brought == Brought::default() && kept.is_empty() {
                let folder = shared.display().to_string();
                context.note(&say!("lab-brought-nothing", folder = folder));
            }
            tell_brought(context, shared, &brought);
        }
        return Ok(match left {
            Left::Ended(status) => Exit::OfCommand(code(status)),
            Left::Gone => Exit::Interrupted,
        });
    }
}

/// The signals that came.
struct Signals {
    /// The window has a different size.
    resized: Arc<AtomicBool>,
    /// The terminal is gone.
    hung_up: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
}

/// How a shell was left.
enum Left {
    /// Its command ended.
    Ended(Status),
    /// The terminal is gone, and with it the learner.
    Gone,
}

/// Runs a shell in a guest at this terminal.
fn at_terminal(machine: &mut Machine, folder: &Path, signals: &Signals) -> anyhow::Result<Left> {
    let term = std::env::var("TERM").unwrap_or("linux".to_owned());
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    machine.request(&GuestRequest::Terminal {
        id: RUN,
        command: ["bash", "-i"].map(str::to_owned).to_vec(),
        cwd: folder.to_owned(),
        env: environment(&[
            ("TERM", term),
            ("PS1", r"lab:\w\$ ".to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
        ]),
        rows,
        columns,
    })?;
    crossterm::terminal::enable_raw_mode()?;
    let left = relay(machine, signals);
    // One that is gone has no mode.
    let _ = crossterm::terminal::disable_raw_mode();
    left
}

/// Passes keys one way and what the terminal shows the other, until its command ends.
fn relay(machine: &mut Machine, signals: &Signals) -> anyhow::Result<Left> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut keys = [0; 4096];
    loop {
        if signals.hung_up.load(Ordering::Relaxed) || signals.terminated.load(Ordering::Relaxed) {
            return Ok(Left::Gone);
        }
        if signals.resized.swap(false, Ordering::Relaxed)
            && let Ok((columns, rows)) = crossterm::terminal::size()
        {
            let id = RUN;
            machine.request(&GuestRequest::Resize { id, rows, columns })?;
        }
        while let Some(incoming) = machine.next(Duration::ZERO)? {
            match incoming {
                Incoming::Data { bytes, .. } => {
                    let shown = stdout.write_all(&bytes);
                    if shown.and_then(|()| stdout.flush()).is_err() {
                        return Ok(Left::Gone);
                    }
                }
                Incoming::Reply(Reply::Guest(GuestReply::TerminalEnded { status, .. })) => {
                    return Ok(Left::Ended(status));
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
                Ok(0) | Err(Errno::EIO) => return Ok(Left::Gone),
                Ok(count) => machine.send_data(RUN, &keys[..count])?,
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
