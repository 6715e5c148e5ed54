//! `tutor lab shell`: the terminal of a machine, for the learner's own experiments.

use super::guest::{RUN, code, environment, open};
use crate::backend::Status;
use crate::cli::arguments::LabShellArguments;
use crate::cli::context::Context;
use crate::cli::failure::{ends, of_guest};
use crate::exit::Exit;
use crate::render::terminal::kept_yours;
use crate::say;
use anyhow::Context as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
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
                    return Ok(status);
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
                // The terminal is gone, and with it the learner.
                Ok(0) | Err(Errno::EIO) => return Ok(Status::Exited(0)),
                Ok(count) => machine.send_data(RUN, &keys[..count])?,
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
