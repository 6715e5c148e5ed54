//! One bash, and the lines that it is told.
//!
//! bash reads commands from its standard input, a byte at a time since that is a pipe. So each run
//! is one short line, which reads the rest from a file in memory: an `eval` of the script,
//! redirected to pipes of its own, and then a report on the control pipe. So a top-level `break`
//! or `return` does no harm, an `exec >file` ends with its run, and what a run left behind still
//! writes to that run's pipes. bash counts lines over all runs, and no assignment to `LINENO`
//! changes what its messages say; that number is masked where outputs are compared.
//! The pipes and the file are opened through `/proc/<agent>/fd`, so no file descriptor of ours is ever in the
//! shell or in what it starts, and a step that closes all of them closes none of ours.

use crate::protocol::Mode;
use nix::fcntl::OFlag;
use nix::unistd::{Pid, pipe2, read, write};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What every shell of a lesson starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
}

/// A pipe whose reading end does not block.
#[derive(Debug)]
pub struct Pipe {
    pub read: OwnedFd,
    pub write: OwnedFd,
}

impl Pipe {
    pub fn new() -> io::Result<Pipe> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        nonblocking(&read)?;
        Ok(Pipe { read, write })
    }
}

pub fn nonblocking(fd: &OwnedFd) -> io::Result<()> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A bash that waits for lines.
#[derive(Debug)]
pub struct Shell {
    pub pid: Pid,
    /// What bash has not read yet.
    pending: Vec<u8>,
    input: Option<OwnedFd>,
    /// True once the shell has closed its end of the input.
    refuses: bool,
    /// What the shell itself prints, outside of any run: EXIT traps.
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// True if the last run left `set -x` on.
    pub tracing: bool,
}

impl Shell {
    pub fn start(setup: &Setup) -> io::Result<Shell> {
        let (stdin, stdout, stderr) = (Pipe::new_input()?, Pipe::new()?, Pipe::new()?);
        let child = command(setup)
            .arg("-s")
            .stdin(stdin.read)
            .stdout(stdout.write)
            .stderr(stderr.write)
            .spawn()?;
        nonblocking(&stdin.write)?;
        Ok(Shell {
            pid: Pid::from_raw(child.id() as i32),
            pending: Vec::new(),
            input: Some(stdin.write),
            refuses: false,
            stdout: stdout.read,
            stderr: stderr.read,
            tracing: false,
        })
    }

    /// Tells the shell a line; [`Shell::flush`] sends what does not fit now.
    pub fn tell(&mut self, line: &str) {
        self.pending.extend_from_slice(line.as_bytes());
        self.flush();
    }

    /// Sends as much as the shell takes now. A shell that closed its input takes nothing and ends
    /// soon: [`Shell::unread_lines`] counts what it missed.
    pub fn flush(&mut self) {
        let Some(input) = &self.input else { return };
        while !self.pending.is_empty() {
            match write(input, &self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(nix::Error::EINTR) => {}
                Err(nix::Error::EAGAIN) => return,
                Err(_) => {
                    self.refuses = true;
                    return;
                }
            }
        }
    }

    /// What to wait for when there is more to send.
    pub fn waiting_input(&self) -> Option<&OwnedFd> {
        self.input.as_ref().filter(|_| !self.pending.is_empty() && !self.refuses)
    }

    /// The number of lines that the shell has not read; the first may be read in part.
    pub fn unread_lines(self) -> usize {
        let Some(input) = &self.input else { return 0 };
        // Opening a pipe anew, by our own end of it, gives the other end: proc_pid_fd(5).
        let path = format!("/proc/self/fd/{}", input.as_raw_fd());
        let other_end = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
        let mut bytes = Vec::new();
        if let Ok(mut other_end) = other_end {
            // It ends with "would block", as nobody closed our end.
            let _ = other_end.read_to_end(&mut bytes);
        }
        bytes.iter().chain(&self.pending).filter(|byte| **byte == b'\n').count()
    }

    /// Closes the shell's input: it runs its EXIT trap and ends.
    pub fn close(&mut self) {
        self.input = None;
    }
}

impl Pipe {
    /// A pipe whose reading end blocks, as a shell expects of its standard input.
    fn new_input() -> io::Result<Pipe> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        Ok(Pipe { read, write })
    }
}

/// Starts a bash of its own for one script.
pub fn start_aside(setup: &Setup, script: &str, stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Pid> {
    let child =
        command(setup).arg("-c").arg(script).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn()?;
    Ok(Pid::from_raw(child.id() as i32))
}

fn command(setup: &Setup) -> Command {
    let mut command = Command::new(bash());
    command
        .arg0("bash")
        .args(["--noprofile", "--norc"])
        .env_clear()
        .envs(setup.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&setup.folder)
        .process_group(0);
    command
}

/// bash by its path: the environment of steps may name folders that hold something else.
fn bash() -> &'static Path {
    let paths = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
    let found = paths.into_iter().map(Path::new).find(|path| fs::metadata(path).is_ok());
    found.unwrap_or(Path::new("bash"))
}

/// Where a run's output goes, and where its report goes, as paths that a shell can open.
pub struct Ends<'e> {
    pub stdout: &'e OwnedFd,
    pub stderr: &'e OwnedFd,
    pub control: &'e OwnedFd,
}

/// The file in memory (memfd_create(2)) that a shell reads one run from. A run has one of its
/// own: the next may be asked for before the shell came to read this one.
#[derive(Debug)]
pub struct Tape {
    file: File,
}

impl Tape {
    pub fn of(text: &str) -> io::Result<Tape> {
        let file = nix::sys::memfd::memfd_create(c"tutor", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?;
        let file = File::from(file);
        file.write_all_at(text.as_bytes(), 0)?;
        Ok(Tape { file })
    }

    /// Returns the line that makes a shell run it.
    pub fn line(&self) -> String {
        let (agent, fd) = (std::process::id(), self.file.as_raw_fd());
        format!("\\builtin mapfile -td '' _tutor </proc/{agent}/fd/{fd};\\builtin eval \"$_tutor\"\n")
    }
}

/// Returns the text that makes a shell run a script and report. `nonce` opens a report that counts.
pub fn text(nonce: &str, id: u32, mode: Mode, script: &str, ends: &Ends<'_>, tracing: bool) -> String {
    let agent = std::process::id();
    let path = |fd: &OwnedFd| format!("/proc/{agent}/fd/{}", fd.as_fd().as_raw_fd());
    let (stdout, stderr, control) = (path(ends.stdout), path(ends.stderr), path(ends.control));
    // `set -x` was switched off so that the lines of ours do not show; the script gets it back.
    let head = if tracing { "set -x;" } else { "" };
    let script = quoted(head, script);
    let redirected = format!("</dev/null >|{stdout} 2>|{stderr}");
    // The report must not go to the run's own pipes, and `set -x` must not show it.
    let report = format!("{{ \\builtin printf '{nonce} {id} %d %s\\n' \"$?\" \"$-\" >|{control}; \\builtin set +x; }} >/dev/null 2>&1");
    match mode {
        Mode::Step => format!("\\builtin eval {script} {redirected}; {report}"),
        // `&&` keeps `set -e` of the lesson's shell from ending it when a check fails.
        Mode::Check => format!("( \\builtin eval {script} ) {redirected} && \\builtin :; {report}"),
        Mode::Background => {
            let end = format!("\\builtin printf \"{nonce} {id} %d -\\n\" \"$?\" >|{control}");
            format!(
                "( \\builtin trap {} EXIT; \\builtin eval {script} ) {redirected} & \
                 {{ \\builtin printf '{nonce} {id} pid %d\\n' \"$!\" >|{control}; }} >/dev/null 2>&1",
                quoted("", &end)
            )
        }
        // An aside has a shell of its own; see `start_aside`.
        Mode::Aside => String::new(),
    }
}

/// A text in bash's ANSI-C quotes, on one line.
fn quoted(head: &str, script: &str) -> String {
    let mut quoted = String::with_capacity(script.len() + head.len() + 16);
    quoted.push_str("$'");
    quoted.push_str(head);
    for character in script.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push('\t'),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Reads what is there now: `None` at the end of the stream.
pub fn read_some(fd: &OwnedFd, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match read(fd, buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(nix::Error::EINTR) => {}
            Err(nix::Error::EAGAIN) => return Some(0),
            Err(_) => return None,
        }
    }
}
