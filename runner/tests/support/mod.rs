//! The command line from outside: a course in a folder of its own, the real binary, and what it said.

mod learner;
pub mod running;

pub use learner::Tutor;
pub use running::Ran;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that is known to come.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A step's fence: `id`, then any other keys.
pub fn step(id_and_keys: &str, script: &str) -> String {
    format!("```sh {{id={id_and_keys}}}\n{script}\n```\n\n")
}

/// The same where the output is not compared, so that nothing has to be accepted first.
pub fn plain(id: &str, script: &str) -> String {
    step(&format!("{id} compare=none"), script)
}

/// A check's fence, and the sentence that it proves: `The sentence of NAME`.
pub fn check(name_and_keys: &str, script: &str) -> String {
    let name = name_and_keys.split(' ').next().unwrap_or_default();
    format!(
        "[The sentence of {name}](#check-{name}) stands here.\n\n```sh {{check={name_and_keys}}}\n{script}\n```\n\n"
    )
}

/// Waits until something holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A length of sleep that no other process on the machine sleeps for.
pub fn own_seconds() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    2_000_000_000 + std::process::id() % 100_000 * 1000 + NEXT.fetch_add(1, Ordering::Relaxed)
}

/// How many processes run `sleep` for so long.
pub fn sleepers(seconds: u32) -> usize {
    let wanted = format!("sleep\0{seconds}\0");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter(|entry| {
            fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted.as_bytes())
        })
        .count()
}

/// Says past the test harness, which would swallow it, what this machine lacks.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

/// A command that runs `tutor` after `prepare`, a line of shell, in mounts of its own; `None`,
/// with a line, where that cannot be.
pub fn in_own_mounts(tutor: &Tutor, prepare: &str, line: &str) -> Option<Command> {
    let trial = Command::new("unshare").args(["-m", "true"]).output();
    if !is_root() || !has("unshare") || !trial.is_ok_and(|output| output.status.success()) {
        skipped(
            "no mounts of one's own without root, so a full disk or a missing program was not tried",
        );
        return None;
    }
    let plain = tutor.command(line);
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{prepare} && exec \"$@\""), "sh"]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.env_clear().envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.current_dir(tutor.path("tmp"));
    Some(command)
}

/// Runs a command at a terminal that answers to a question, and returns what was seen there and the
/// status.
pub fn at_a_terminal(mut command: Command, question: &str, answer: &str) -> (String, Option<i32>) {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    command.stdin(slave()).stdout(slave()).stderr(slave());
    let mut child = command.spawn().unwrap();
    drop(command);
    drop(terminal.slave);
    let mut master = fs::File::from(terminal.master);
    let mut writer = master.try_clone().unwrap();
    let answer = answer.to_owned();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let mut answered = false;
    // Reading ends with an error when the last one at the terminal has left.
    while let Ok(length) = master.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..length]);
        if length == 0 {
            break;
        }
        if !answered && String::from_utf8_lossy(&seen).contains(question) {
            writer.write_all(answer.as_bytes()).unwrap();
            answered = true;
        }
    }
    let status = child.wait().unwrap();
    (String::from_utf8_lossy(&seen).into_owned(), status.code())
}

/// True if this process is root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// True if a program is to be found.
pub fn has(program: &str) -> bool {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    path.split(':')
        .any(|folder| Path::new(folder).join(program).exists())
}
