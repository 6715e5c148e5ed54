//! One bash, and what it is told.
//!
//! bash reads its commands from its standard input. From a pipe it would read them a byte at a
//! time, so that is a file in memory (memfd_create(2)), to which each run is added: an `eval` of the
//! script in ANSI-C quotes, redirected to pipes of its own, and then a report on the control pipe.
//! After each run bash waits at a gate, a pipe that gets a line when the next run is in the file.
//! So a top-level `break` or `return` does no harm, an `exec >file` ends with its run, and what a
//! run left behind still writes to that run's pipes. bash counts lines over all runs, and no
//! assignment to `LINENO` changes what its messages say; that number is masked where outputs are
//! compared. The pipes are opened through `/proc/<agent>/fd`, so no file descriptor of ours is ever
//! in the shell or in what it starts, and a step that closes all of them closes none of ours.

use crate::protocol::Mode;
use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{Pid, pipe2, read, write};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
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

/// A bash that waits at its gate.
#[derive(Debug)]
pub struct Shell {
    pub pid: Pid,
    /// What bash reads, run after run.
    script: File,
    /// How much of it is written, in bytes.
    script_bytes: u64,
    /// A line for each run that bash has not come to.
    gate: Pipe,
    /// What the shell itself prints, outside of any run: EXIT traps.
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    /// True if the last run left `set -x` on.
    pub tracing: bool,
}

/// bash reads a file in pieces of its first size, up to this.
const PIECE_BYTES: usize = 8192;

impl Shell {
    pub fn start(setup: &Setup) -> io::Result<Shell> {
        let (gate, stdout, stderr) = (Pipe::new()?, Pipe::new()?, Pipe::new()?);
        nonblocking(&gate.write)?;
        let script = memfd_create(c"tutor", MFdFlags::MFD_CLOEXEC)?;
        let script = File::from(script);
        let begin = format!("#{:>PIECE_BYTES$}\n{}", "", wait_at(&gate));
        script.write_all_at(begin.as_bytes(), 0)?;
        // A file opened anew has a position of its own.
        let stdin = File::open(format!("/proc/self/fd/{}", script.as_raw_fd()))?;
        let child = command(setup)
            .arg("-s")
            .stdin(stdin)
            .stdout(stdout.write)
            .stderr(stderr.write)
            .spawn()?;
        Ok(Shell {
            pid: Pid::from_raw(child.id() as i32),
            script,
            script_bytes: begin.len() as u64,
            gate,
            stdout: stdout.read,
            stderr: stderr.read,
            tracing: false,
        })
    }

    /// Tells the shell to run a text after all that it was told before.
    pub fn tell(&mut self, text: &str) -> io::Result<()> {
        let more = format!("{text}\n{}", wait_at(&self.gate));
        self.script
            .write_all_at(more.as_bytes(), self.script_bytes)?;
        self.script_bytes += more.len() as u64;
        self.open_gate()
    }

    /// The number of runs that the shell did not come to.
    pub fn unread_runs(self) -> usize {
        let mut bytes = Vec::new();
        drop(self.gate.write);
        // Nobody else holds an end of it, unless a step opened it by hand.
        let _ = File::from(self.gate.read).read_to_end(&mut bytes);
        bytes.len()
    }

    /// Ends what there is to read: the shell runs its EXIT trap and ends.
    pub fn close(&mut self) -> io::Result<()> {
        self.open_gate()
    }

    fn open_gate(&self) -> io::Result<()> {
        write(&self.gate.write, b"\n")?;
        Ok(())
    }
}

/// The builtins that the control code needs. A step may have disabled them by `enable -n`.
const OURS: &str = "builtin eval printf read set trap exit";

/// The line that makes a shell wait until the gate opens. What it reads goes to a name of ours.
/// A shell that cannot open it, such as a restricted one, can do nothing more for us and ends.
fn wait_at(gate: &Pipe) -> String {
    let (agent, fd) = (std::process::id(), gate.read.as_raw_fd());
    format!("\\builtin read -r _tutor </proc/{agent}/fd/{fd} || \\builtin exit 1\n")
}

/// Starts a bash of its own for one script.
pub fn start_aside(
    setup: &Setup,
    script: &str,
    stdout: OwnedFd,
    stderr: OwnedFd,
) -> io::Result<Pid> {
    let child = command(setup)
        .arg("-c")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()?;
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
    let found = paths
        .into_iter()
        .map(Path::new)
        .find(|path| fs::metadata(path).is_ok());
    found.unwrap_or(Path::new("bash"))
}

/// Where a run's output goes, and where its report goes, as paths that a shell can open.
pub struct Ends<'e> {
    pub stdout: &'e OwnedFd,
    pub stderr: &'e OwnedFd,
    pub control: &'e OwnedFd,
}

/// Returns the text that makes a shell run a script and report. `nonce` opens a report that counts.
pub fn text(
    nonce: &str,
    id: u32,
    mode: Mode,
    script: &str,
    ends: &Ends<'_>,
    tracing: bool,
) -> String {
    let agent = std::process::id();
    let path = |fd: &OwnedFd| format!("/proc/{agent}/fd/{}", fd.as_fd().as_raw_fd());
    let (stdout, stderr, control) = (path(ends.stdout), path(ends.stderr), path(ends.control));
    // `set -x` was switched off so that the lines of ours do not show; the script gets it back.
    let head = if tracing { "set -x;" } else { "" };
    let script = quoted(head, script);
    let redirected = format!("</dev/null >|{stdout} 2>|{stderr}");
    // A restricted shell cannot report, but by the status that it ends with.
    // What traps or `set -x` print of the report goes to the shell's own output, which nobody shows.
    let report = format!(
        "_tutor=$?; \\builtin enable {OURS} || \\enable {OURS}; \
         \\builtin printf '{nonce} {id} %d %s\\n' \"$_tutor\" \"$-\" >|{control} || \
         \\builtin exit \"$_tutor\"; \\builtin set +x"
    );
    match mode {
        Mode::Step => format!("\\builtin eval {script} {redirected}; {report}"),
        // `&&` keeps `set -e` of the lesson's shell from ending it when a check fails.
        Mode::Check => format!("( \\builtin eval {script} ) {redirected} && \\builtin :; {report}"),
        Mode::Background => {
            let end = format!("\\builtin printf \"{nonce} {id} %d -\\n\" \"$?\" >|{control}");
            format!(
                "( \\builtin trap {} EXIT; \\builtin eval {script} ) {redirected} & \
                 \\builtin printf '{nonce} {id} pid %d\\n' \"$!\" >|{control}",
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
