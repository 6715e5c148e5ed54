//! One bash, and what it is told.
//!
//! bash reads its commands from its standard input. From a pipe it would read them a byte at a
//! time, so that is a file in memory (memfd_create(2)), to which runs are added: each an `eval` of the
//! script in ANSI-C quotes, redirected to pipes of its own, and then a report. Reports go to the
//! shell's own standard output, which is the control pipe; a redirection for them would cost as
//! much as the rest of a short run, so only a shell whose files a script may have changed makes
//! one. Runs that bash is told of together are one group with
//! `/dev/null` as its input, so that it need not be opened for each of them.
//! After a group bash waits at a gate, a pipe that gets a line when more is in the file.
//! So a top-level `break` or `return` does no harm, an `exec >file` ends with its run, and what a
//! run left behind still writes to that run's pipes. bash counts lines over all runs, and no
//! assignment to `LINENO` changes what its messages say; that number is masked where outputs are
//! compared. The pipes are opened through `/proc/<agent>/fd`. While a run goes on, bash keeps its
//! own files at numbers from 10 that what it starts does not inherit, so no file of ours is ever in
//! a step's programs, and a step that closes all it finds ends the shell and nothing else.

use crate::pipes::Outlet;
use crate::processor::go_anywhere;
use crate::protocol::{Mode, When};
use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, pipe2, read, write};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
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
    /// A line for each telling that bash has not come to.
    gate: Pipe,
    /// What the shell itself prints outside of any run, but for reports.
    pub stderr: OwnedFd,
    /// The last run that it told of: that it ended, or in the background, that it began. 0 is none.
    pub told_of: u32,
}

/// How much bash reads at a time: as much as the file held when bash opened it, 8192 bytes at the most
/// (`fd_to_buffered_stream` in its `input.c`).
const PIECE_BYTES: usize = 2048;

impl Shell {
    /// Starts a shell that reports to `control`.
    pub fn start(setup: &Setup, control: &OwnedFd) -> io::Result<Shell> {
        let (gate, stderr) = (Pipe::new()?, Pipe::new()?);
        nonblocking(&gate.write)?;
        let script = memfd_create(c"tutor", MFdFlags::MFD_CLOEXEC)?;
        let script = File::from(script);
        let off = quoted(OFF);
        let begin = format!(
            "#{:>PIECE_BYTES$}\n_tutor_x= _tutor_off={off} {DONE}\n{}",
            "",
            wait_at(&gate)
        );
        script.write_all_at(begin.as_bytes(), 0)?;
        // A file opened anew has a position of its own.
        let stdin = File::open(format!("/proc/self/fd/{}", script.as_raw_fd()))?;
        let mut command = command(setup);
        command.arg("-s").stdin(stdin);
        command.stdout(control.try_clone()?).stderr(stderr.write);
        Ok(Shell {
            // That of no run.
            pid: spawn_marked(&mut command, 0)?,
            script,
            script_bytes: begin.len() as u64,
            gate,
            stderr: stderr.read,
            told_of: 0,
        })
    }

    /// Tells the shell to do some runs after all that it was told before.
    pub fn tell(&mut self, texts: &[&str]) -> io::Result<()> {
        let mut more = format!("{{ {}\n{DONE}\n}} </dev/null\n", texts.join("\n"));
        more.push_str(&wait_at(&self.gate));
        self.script
            .write_all_at(more.as_bytes(), self.script_bytes)?;
        self.script_bytes += more.len() as u64;
        self.open_gate()
    }

    /// Ends what there is to read: the shell runs its EXIT trap and ends.
    pub fn close(&self) -> io::Result<()> {
        self.open_gate()
    }

    fn open_gate(&self) -> io::Result<()> {
        write(&self.gate.write, b"\n")?;
        Ok(())
    }
}

/// The builtins that every run needs. A step may have disabled them by `enable -n`.
const OURS: &str = "eval kill printf ulimit trap wait";

/// What the scripts that a shell was given may have done to it, by the names in them.
/// A script that hides such a name harms the lesson's next steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// They may have disabled builtins, switched options, or changed the shell's files. To look
    /// whether they did is a good part of what a short run costs.
    changes: bool,
    /// They may have traps that a later script comes to, or that it inherits.
    traps: bool,
}

impl Past {
    pub fn add(&mut self, script: &str) {
        let changes = ["enable", "set", "shopt", "exec", "ulimit", "alias"];
        self.changes |= reads_another(script) || has(script, &changes);
        let lasting = ["()", "function", "trap ''", "trap \"\""];
        self.traps |= reads_another(script) || (has(script, &["trap"]) && has(script, &lasting));
    }
}

fn has(script: &str, names: &[&str]) -> bool {
    names.iter().any(|name| script.contains(name))
}

fn reads_another(script: &str) -> bool {
    has(script, &["source", ". ", ".\t"])
}

/// What a shell does after a run that left `set -x` or `set -r` on. A restricted one could not open
/// the next run's pipes, so it ends. `set -x` is switched off so that the lines of ours do not show;
/// the next script gets it back.
const OFF: &str = "[[ $- == *r* ]] && \\builtin exit \"$_tutor\"; \
                   _tutor_x='set -x;'; \\builtin enable set; \\builtin set +x";

/// What a shell does at the end of a group, so that it is known at the gate.
const DONE: &str = "_tutor_gate=1";

/// The line that makes a shell wait until the gate opens. What it reads, an empty line, goes to a
/// name of ours.
/// A shell that cannot open it, such as a restricted one, can do nothing more for us and ends; so
/// does one that broke off a group, for a name of ours that a step made readonly, say.
fn wait_at(gate: &Pipe) -> String {
    let (agent, fd) = (std::process::id(), gate.read.as_raw_fd());
    format!(
        "\\builtin enable read exit; ((_tutor_gate)) && \
         \\builtin read -r _tutor_gate </proc/{agent}/fd/{fd} || \\builtin exit 1\n"
    )
}

/// Starts a bash of its own for one script, marked as that run's; see [`text`].
pub fn start_aside(
    id: u32,
    setup: &Setup,
    script: &str,
    stdout: &Outlet,
    stderr: &Outlet,
) -> io::Result<Pid> {
    let (stdout, stderr) = (stdout.writer()?, stderr.writer()?);
    let mut command = command(setup);
    command.arg("-c").arg(script).stdin(Stdio::null());
    command.stdout(stdout).stderr(stderr);
    spawn_marked(&mut command, id)
}

fn spawn_marked(command: &mut Command, mark: u32) -> io::Result<Pid> {
    let (before, most) = getrlimit(Resource::RLIMIT_LOCKS)?;
    // Where it may not be set the processes of a run are known by nothing but their parents.
    let _ = setrlimit(Resource::RLIMIT_LOCKS, mark.into(), most);
    let child = command.spawn();
    let _ = setrlimit(Resource::RLIMIT_LOCKS, before, most);
    Ok(Pid::from_raw(child?.id() as i32))
}

fn command(setup: &Setup) -> Command {
    go_anywhere();
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
    pub stdout: &'e Outlet,
    pub stderr: &'e Outlet,
    pub control: &'e OwnedFd,
}

/// Returns the text that makes a shell run a script and report. `nonce` opens a report that counts.
///
/// What the run starts is told by its limit on file locks, which Linux keeps and has not enforced
/// since 2.4.25 (RLIMIT_LOCKS in getrlimit(2)): the run's id, inherited by all that it starts.
///
/// `past` is that of the shell with this script.
pub fn text(
    nonce: &str,
    (id, mode, when): (u32, Mode, When),
    script: &str,
    past: Past,
    ends: &Ends<'_>,
) -> String {
    let (stdout, stderr) = (ends.stdout.path(), ends.stderr.path());
    let quoted_script = quoted(script);
    // Its group's input is the same, unless an `exec` changed it.
    let input = if past.changes { "</dev/null " } else { "" };
    let redirected = format!("{input}>|{stdout} 2>|{stderr}");
    let mark = format!("\\builtin ulimit -Sx {id} || \\builtin :");
    // `((` is no word, so that no alias stands for it.
    let guard = match when {
        When::Anyway => "",
        // Its own report says 1 then, which nobody heeds, and those after it see that.
        When::AllWell => "((_tutor == 0)) && ",
    };
    let (again, mended) = match past.changes {
        true => (
            // On a line of its own: bash shows the line that it cannot read.
            "\"_tutor_x=;$_tutor_x\"$'\\n'",
            format!(
                "\\builtin enable {OURS} || \\enable builtin {OURS}; \
                 [[ $- == *[rx]* ]] && \\builtin eval \"$_tutor_off\"; "
            ),
        ),
        false => ("", String::new()),
    };
    // A shell that has no more room for as many files as a run needs, by `ulimit -n`, ends here and
    // does not fail at the next run.
    let to_control = to_control(past, ends.control);
    let report = format!(
        "_tutor=$?; {mended}\
         \\builtin printf '{nonce} {id} %d\\n' \"$_tutor\"{to_control} || \\builtin exit \"$_tutor\""
    );
    match mode {
        Mode::Step => {
            format!("{mark}; {guard}\\builtin eval {again}{quoted_script} {redirected}; {report}")
        }
        // `&&` keeps `set -e` of the lesson's shell from ending it when a check fails.
        Mode::Check => format!(
            "{mark}; ( \\builtin eval {quoted_script} ) {redirected} && \\builtin :; {report}"
        ),
        Mode::Background => {
            let (agent, control) = (std::process::id(), ends.control.as_raw_fd());
            let end = format!(
                "\\builtin trap '\\builtin printf \"{nonce} {id} end %d\\n\" \"$?\" >|/proc/{agent}/fd/{control}' EXIT"
            );
            // With traps it gets signals as bash has it: one of its own for EXIT runs when a signal
            // ends it.
            let begin = match past.traps || has(script, &["trap"]) {
                true => end,
                false => format!("{CATCH_TERM}; {end}; {LEAVE_TERM}"),
            };
            // bash shows a job's text where it tells of it, so nothing that differs is in it.
            format!(
                "{mark}; _tutor_script={quoted_script} _tutor_begin={}; \
                 {{ ( \\builtin eval \"$_tutor_begin\"; \\builtin eval \"$_tutor_script\" ) & }} {redirected}; \
                 _tutor_begin=; \\builtin printf '{nonce} {id} pid %d\\n' \"$!\"{to_control}",
                quoted(&begin)
            )
        }
        // An aside has a shell of its own; see `start_aside`.
        Mode::Aside => String::new(),
    }
}

/// What a background run of ours does to SIGTERM before its EXIT trap, and after it.
///
/// From its first EXIT trap on, bash catches the signals that would end it
/// (`initialize_terminating_signals` in its `sig.c`), and until 5.2 at least one that comes while it
/// begins a command may be heard at that command's end, or never. Whatever it did with a signal
/// before it first had a trap for it, it does again without one.
const CATCH_TERM: &str = "\\builtin trap '\\builtin trap - TERM; \\builtin kill $BASHPID' TERM";
const LEAVE_TERM: &str = "\\builtin trap - TERM";

/// Returns the text that makes a shell report how a background run of it ended. It remembers that of
/// each of its jobs, until somebody waits for all of them; then it says 127.
pub fn asks_how_ended(nonce: &str, id: u32, pid: Pid, past: Past, control: &OwnedFd) -> String {
    let to_control = to_control(past, control);
    format!(
        "\\builtin wait {pid} 2>/dev/null && \\builtin printf '{nonce} {id} 0\\n'{to_control} || \
         \\builtin printf '{nonce} {id} %d\\n' \"$?\"{to_control}"
    )
}

/// Where a shell's report goes. Closing a file that bash keeps takes its output from it.
fn to_control(past: Past, control: &OwnedFd) -> String {
    let (agent, fd) = (std::process::id(), control.as_raw_fd());
    match past.changes {
        true => format!(" </dev/null >|/proc/{agent}/fd/{fd} 2>|/dev/null"),
        false => String::new(),
    }
}

/// A text in bash's ANSI-C quotes, on one line.
fn quoted(script: &str) -> String {
    let mut quoted = String::with_capacity(script.len() + 16);
    quoted.push_str("$'");
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
