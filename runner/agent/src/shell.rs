//! One bash, and what it is told.
//!
//! bash reads its commands from its standard input. From a pipe it would read them a byte at a
//! time, so that is a file in memory (memfd_create(2)), to which runs are added: each an `eval` of the
//! script in ANSI-C quotes, redirected to pipes of its own, and then a report on the [`control`]
//! channel, which is the shell's own standard output. After a run bash waits at a gate: it reads a
//! line from that channel, which comes when more is in the file.
//!
//! So a top-level `break` or `return` does no harm, an `exec >file` ends with its run, and what a
//! run left behind still writes to that run's pipes. bash counts lines over all runs, and no
//! assignment to `LINENO` changes what its messages say; that number is masked where outputs are
//! compared. The pipes are opened through `/proc/<agent>/fd`. While a run goes on, bash keeps its
//! own files at numbers from 10 that what it starts does not inherit, so no file of ours is ever in
//! a step's programs, and a step that closes all it finds ends the shell and nothing else.
//!
//! [`control`]: crate::control

use crate::control::Control;
use crate::pipes::{Outlet, Pipe};
use crate::protocol::Mode;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder and environment that every shell of a lesson starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
}

/// A bash that waits at its gate.
#[derive(Debug)]
pub struct Shell {
    pub pid: Pid,
    /// The file that bash reads, run after run.
    script: File,
    /// How much of it is written, in bytes.
    script_bytes: u64,
    pub control: Control,
    /// The shell's own output outside of any run.
    pub stderr: OwnedFd,
    /// The run that it reported on last; 0 is none.
    pub told_of: u32,
}

/// How much bash reads at a time: as much as the file held when bash opened it, 8192 bytes at the most
/// (`fd_to_buffered_stream` in its `input.c`).
const PIECE_BYTES: usize = 2048;

impl Shell {
    pub fn start(setup: &Setup) -> io::Result<Shell> {
        let (control, stdout) = Control::pair()?;
        let stderr = Pipe::new()?;
        let script = memfd_create(c"tutor", MFdFlags::MFD_CLOEXEC)?;
        let script = File::from(script);
        let (off, last) = (quoted(OFF), quoted(LAST));
        let padding = "";
        let begin = format!(
            "#{padding:>PIECE_BYTES$}\n_tutor_x= _tutor_off={off} _tutor_last={last}; {WAIT}\n"
        );
        script.write_all_at(begin.as_bytes(), 0)?;
        // A file opened anew has a position of its own.
        let stdin = File::open(format!("/proc/self/fd/{}", script.as_raw_fd()))?;
        let mut command = command(setup);
        command.arg("-s").stdin(stdin);
        command.stdout(stdout).stderr(stderr.write);
        Ok(Shell {
            // That of no run.
            pid: spawn_marked(&mut command, 0)?,
            script,
            script_bytes: begin.len() as u64,
            control,
            stderr: stderr.read,
            told_of: 0,
        })
    }

    /// Tells a shell at its gate to do a run; see [`text`].
    pub fn tell(&mut self, text: &str) -> io::Result<()> {
        let more = format!("{{ {text}; {WAIT}; }} </dev/null\n");
        self.script
            .write_all_at(more.as_bytes(), self.script_bytes)?;
        self.script_bytes += more.len() as u64;
        self.control.open_gate()
    }

    /// Ends what there is to read: the shell runs its EXIT trap and ends.
    pub fn close(&self) -> io::Result<()> {
        self.control.open_gate()
    }
}

/// The command that makes a shell wait until the gate opens. The empty line that it reads goes to
/// a name of ours. A shell that cannot read it can do nothing more for us, and ends. So does one
/// that broke off what it was told before it came here, for a name of ours that a step made
/// readonly, say: it is at the end of its input.
const WAIT: &str = "\\builtin read -r -u 1 _tutor_gate || \\builtin exit 1";

/// The builtins that every run needs. A step may have disabled them by `enable -n`.
const OURS: &str = "eval exit printf read return ulimit unset wait";

/// The commands of a shell after a run that left `set -x`, `set -v` or `set -r` on. A restricted one
/// could not open the next run's pipes, so it ends. The others are switched off so that our lines do
/// not show; the next script gets them back.
const OFF: &str = "[[ $- == *r* ]] && \\builtin exit \"$_tutor\"; \
                   _tutor_x=\"set -${-//[^xv]};\"; \\builtin enable set; \\builtin set +xv";

/// The commands that give a script the status of the step before it as its `$?`. They start no
/// process, and neither `set -e` nor an ERR trap minds the first of an `&&` list.
const LAST: &str = "_tutor_return() { \\builtin unset -f _tutor_return; \
                    \\builtin return \"$_tutor_status\"; }; _tutor_return && \\builtin :;";

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

/// The run that a shell is told to do, and where it prints.
pub struct Told<'t> {
    pub id: u32,
    pub mode: Mode,
    pub script: &'t str,
    pub stdout: &'t Outlet,
    pub stderr: &'t Outlet,
    /// Where a background run says that it came to its end.
    pub ends: &'t Pipe,
}

/// Returns the text that makes a shell run a script and report. `nonce` opens a report.
///
/// The limit on file locks marks the processes of the run; Linux keeps it and has not enforced it
/// since 2.4.25 (RLIMIT_LOCKS in getrlimit(2)). It is the run's id, and they all inherit it.
pub fn text(nonce: &str, told: &Told<'_>) -> String {
    let (id, script) = (told.id, quoted(told.script));
    let mark = format!("\\builtin ulimit -Sx {id} || \\builtin :");
    let redirected = format!(">|{} 2>|{}", told.stdout.path(), told.stderr.path());
    // A check is none of the shell's own commands, and a script without any changes nothing.
    let (last, keep) = match told.mode {
        Mode::Step if has_commands(told.script) => (
            "[[ ${_tutor_status:-0} == 0 ]] || \
             _tutor_begin=\"{ $_tutor_begin$_tutor_last } >/dev/null 2>&1\"; ",
            "_tutor_status=$_tutor; ",
        ),
        Mode::Step | Mode::Check | Mode::Background | Mode::Aside => ("", ""),
    };
    let report = format!(
        "_tutor=$?; {keep}\\builtin enable {OURS} || \\enable builtin {OURS}; \
         [[ $- == *[rvx]* ]] && \\builtin eval \"$_tutor_off\"; \
         \\builtin printf '{nonce} {id} %d\\n' \"$_tutor\" || \\builtin exit \"$_tutor\""
    );
    match told.mode {
        // The script is on a line of its own: bash shows the line that it cannot read, and with
        // `set -v` each line. Nothing goes before it that needs not, for a DEBUG trap's sake.
        Mode::Step => format!(
            "_tutor_begin=$_tutor_x; _tutor_x=; {last}{mark}; \
             \\builtin eval \"$_tutor_begin\"$'\\n'{script} {redirected}; {report}"
        ),
        // `&&` keeps `set -e` of the lesson's shell from ending it when a check fails.
        Mode::Check => {
            format!("{mark}; ( \\builtin eval {script} ) {redirected} && \\builtin :; {report}")
        }
        // bash shows a job's text where it tells of it, so nothing that differs is in it.
        Mode::Background => {
            let (agent, ends) = (std::process::id(), told.ends.write.as_raw_fd());
            let end =
                format!("\\builtin printf '{nonce} {id} %d\\n' \"$?\" >|/proc/{agent}/fd/{ends}");
            format!(
                "{mark}; _tutor_script={script} _tutor_end={}; \
                 {{ ( \\builtin eval \"$_tutor_script\"; \\builtin eval \"$_tutor_end\" ) & }} {redirected}; \
                 \\builtin printf '{nonce} {id} pid %d\\n' \"$!\"",
                quoted(&end)
            )
        }
        // It has a shell of its own; see `start_aside`.
        Mode::Aside => String::new(),
    }
}

/// Returns the text that makes a shell report how a background run of it ended. It remembers that
/// of each of its jobs, until a script waits for all of them; then it says 127.
pub fn asks_how_ended(nonce: &str, id: u32, pid: Pid) -> String {
    format!(
        "\\builtin wait {pid} 2>/dev/null && \\builtin printf '{nonce} {id} 0\\n' || \
         \\builtin printf '{nonce} {id} %d\\n' \"$?\""
    )
}

/// False of a script of nothing but comments: its status is 0, whatever it began with.
fn has_commands(script: &str) -> bool {
    let mut lines = script.lines().map(str::trim_start);
    lines.any(|line| !line.is_empty() && !line.starts_with('#'))
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
