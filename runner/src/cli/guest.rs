//! `tutor lab run` and `tutor lab shell`: the lab for one's own experiments.

use super::arguments::{GuestArguments, LabRunArguments, LabShellArguments};
use super::context::Context;
use super::failure::{ends, lab_lacking};
use crate::backend::lab::{self, Lab};
use crate::exit::Exit;
use crate::render::terminal::kept_yours;
use crate::run::Interrupt;
use crate::say;
use anyhow::Context as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{GuestReply, GuestRequest, Mode, Reply, Request, Status, Stream};
use tutor_lab::libraries::Libraries;
use tutor_lab::machine::Machine;
use tutor_lab::shared::Shared;

/// The only run of a guest.
const RUN: u32 = 1;

/// How long a command that was interrupted may take to say what it has seen by then.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How often a wait looks whether the window has another size.
const LOOK: Duration = Duration::from_millis(100);

/// `tutor lab run`: the command's output is this program's, and so is how it ended.
pub fn run(context: &Context, arguments: &LabRunArguments) -> anyhow::Result<Exit> {
    let words = arguments.command.iter().map(|word| word.to_str());
    let words: Option<Vec<&str>> = words.collect();
    let words = words.ok_or_else(|| ends(Exit::Usage, say!("lab-command-text")))?;
    let began = Instant::now();
    let mut guest = Guest::open(context, &arguments.guest)?;
    let ready = began.elapsed();
    let mut first_output = None;
    let folder = guest.folder.clone();
    let environment = environment(&[("TERM", "dumb".to_owned())]);
    let mut hear = || {
        first_output.get_or_insert_with(|| began.elapsed());
    };
    let nobody = Interrupt::default();
    let status = guest.perform(&folder, &environment, &words, &nobody, &mut hear)?;
    let ended = began.elapsed();
    guest.bring_back(context)?;
    if let Some(file) = &arguments.measure {
        let mut measured = json!({
            "format": 1,
            "guest_ready_ms": millis(ready),
            "first_output_ms": first_output.map(millis),
            "command_ended_ms": millis(ended),
        });
        guest.measure_checkpoint(&mut measured)?;
        std::fs::write(file, format!("{measured:#}\n")).with_context(|| {
            let file = file.display().to_string();
            say!("lab-measure-failed", file = file)
        })?;
    }
    Ok(Exit::OfCommand(code(status)))
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
    let mut guest = Guest::open(context, &arguments.guest)?;
    context.note(&match guest.shared {
        Some(_) => {
            let folder = guest.folder.display().to_string();
            say!("lab-shell-hint-folder", folder = folder)
        }
        None => say!("lab-shell-hint"),
    });
    let term = std::env::var("TERM").unwrap_or("linux".to_owned());
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    guest.machine.request(&GuestRequest::Terminal {
        id: RUN,
        command: ["bash", "-i"].map(str::to_owned).to_vec(),
        cwd: guest.folder.clone(),
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
    let status = relay(&mut guest.machine, &resized);
    crossterm::terminal::disable_raw_mode()?;
    let status = status?;
    guest.bring_back(context)?;
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
                // The terminal is gone; so is whoever looked at the guest.
                Ok(0) | Err(Errno::EIO) => return Ok(Status::Exited(0)),
                Ok(count) => machine.send_data(RUN, &keys[..count])?,
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A guest with a folder that was brought along.
pub struct Guest {
    lab: Lab,
    machine: Machine,
    folder: PathBuf,
    shared: Option<Shared>,
}

impl Guest {
    /// A guest that is ready, with its folder.
    pub fn open(context: &Context, arguments: &GuestArguments) -> anyhow::Result<Guest> {
        let lab = context.lab(&arguments.kernel)?;
        let mut machine = lab.guest().map_err(lab_lacking)?;
        let Some(folder) = &arguments.folder else {
            return Ok(Guest {
                lab,
                machine,
                folder: "/root".into(),
                shared: None,
            });
        };
        let failed = |error: String| {
            let folder = folder.display().to_string();
            ends(
                Exit::Lacking,
                say!("lab-folder-failed", folder = folder, error = error),
            )
        };
        let folder = Path::canonicalize(folder).map_err(|error| failed(error.to_string()))?;
        let mut shared = Shared::new(&folder);
        let programs = shared.push(&mut machine);
        let programs = programs.map_err(|error| failed(error.to_string()))?;
        Libraries::default()
            .bring(&programs, &folder, &mut machine)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Guest {
            lab,
            machine,
            folder,
            shared: Some(shared),
        })
    }

    /// The machine that it runs in.
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Runs a command in a folder; its output is this program's. `hear` is called when some comes. An
    /// interrupt ends the command, which may still say something then.
    pub fn perform(
        &mut self,
        folder: &Path,
        environment: &[(String, String)],
        words: &[&str],
        interrupt: &Interrupt,
        hear: &mut dyn FnMut(),
    ) -> anyhow::Result<Status> {
        self.machine.send(&Request::Start {
            cwd: folder.to_owned(),
            env: environment.to_vec(),
            isolate: false,
            confine: None,
            limits: None,
        })?;
        let script: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        self.machine.send(&Request::Run {
            id: RUN,
            script: script.join(" "),
            mode: Mode::Step,
            when: Default::default(),
        })?;
        let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
        let mut heeded = 0;
        loop {
            if interrupt.presses() > heeded {
                heeded = interrupt.presses();
                let grace_ms = LAST_WORDS.as_millis() as u64;
                self.machine.send(&Request::Kill { id: RUN, grace_ms })?;
            }
            match self.machine.next(LOOK)? {
                Some(Incoming::Output { stream, bytes, .. }) => {
                    hear();
                    match stream {
                        Stream::Stdout => {
                            stdout.write_all(&bytes)?;
                            stdout.flush()?;
                        }
                        Stream::Stderr => stderr.write_all(&bytes)?,
                    }
                }
                Some(Incoming::Reply(Reply::Ended {
                    id: RUN, status, ..
                })) => return Ok(status),
                Some(Incoming::Reply(Reply::Failed { what })) => {
                    return Err(ends(Exit::Lacking, what));
                }
                Some(Incoming::Reply(_) | Incoming::Data { .. } | Incoming::HungUp) | None => {}
            }
        }
    }

    /// Takes a checkpoint and notes how long that took, packing included, and how many bytes it is.
    fn measure_checkpoint(&mut self, measured: &mut Value) -> anyhow::Result<()> {
        let guests = self.lab.guests().map_err(lab_lacking)?;
        let began = Instant::now();
        let checkpoint = guests.checkpoint(&mut self.machine)?;
        measured["checkpoint_ms"] = millis(began.elapsed()).into();
        measured["checkpoint_bytes"] = checkpoint.bytes().into();
        Ok(())
    }

    fn bring_back(&mut self, context: &Context) -> anyhow::Result<()> {
        if let Some(shared) = &mut self.shared {
            shared.pull(&mut self.machine)?;
            for conflict in shared.take_conflicts() {
                context.note(&kept_yours(&lab::kept_yours(conflict)));
            }
        }
        Ok(())
    }
}

/// What commands in a guest find in their environment.
pub fn environment(more: &[(&str, String)]) -> Vec<(String, String)> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let base = [
        ("PATH", path.to_owned()),
        ("HOME", "/root".to_owned()),
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
