//! The command line from outside: a course in a folder of its own, the real binary, and what it said.

// Each test target uses a part of it.
#![allow(dead_code)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tutor::folders::Folders;
use tutor_lab::cache::Cache;

/// How long anything may take that is known to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// The commands that ask before they run a course that is not `tutor`'s own.
const ASKING: [&str; 5] = ["run", "test", "matrix", "study", "doctor"];

/// Those that run it.
const RUNNING: [&str; 4] = ["run", "test", "study", "doctor"];

/// A learner: a course, a home, an environment.
pub struct Tutor {
    folder: TempDir,
    lessons: Vec<String>,
    manifest: String,
    variables: BTreeMap<String, String>,
    stdin: String,
    yes: bool,
    unconfined: bool,
}

impl Tutor {
    pub fn new() -> Tutor {
        let folder = tempfile::Builder::new()
            .prefix("outside-")
            .tempdir()
            .expect("a folder");
        for below in ["course/lessons", "home", "tmp"] {
            fs::create_dir_all(folder.path().join(below)).expect("writable");
        }
        let tutor = Tutor {
            folder,
            lessons: Vec::new(),
            manifest: String::new(),
            variables: BTreeMap::new(),
            stdin: String::new(),
            yes: true,
            unconfined: false,
        };
        let home = tutor.path("home").display().to_string();
        let tmp = tutor.path("tmp").display().to_string();
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        tutor
            .env("TUTOR_HOME", &home)
            .env("HOME", &home)
            .env("TMPDIR", &tmp)
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            // The same on all machines, and without a trial for each fresh home.
            .env("TUTOR_LAB_ACCEL", "tcg")
    }

    /// Adds a lesson: the first is `demo`, the next ones `demo-2`, `demo-3`.
    pub fn lesson(mut self, body: impl AsRef<str>) -> Tutor {
        let stem = match self.lessons.len() {
            0 => "demo".to_owned(),
            more => format!("demo-{}", more + 1),
        };
        let front = format!(
            "format: 1\nname: {stem}\ntitle: The lesson {stem}\ngoals: [to be run]\ntime: 5 min\n"
        );
        let page = format!(
            "---\n{front}---\n\n# The lesson {stem}\n\n{}",
            body.as_ref()
        );
        self.put(&format!("course/lessons/{stem}.md"), &page);
        self.lessons.push(stem);
        self.write_manifest();
        self
    }

    /// Writes a lesson anew that was added before.
    pub fn edited(self, stem: &str, body: &str) -> Tutor {
        let file = format!("course/lessons/{stem}.md");
        let page = self.get(&file);
        let end = page.find("\n\n").and_then(|front| {
            let title = page[front + 2..].find("\n\n")?;
            Some(front + 2 + title + 2)
        });
        self.put(&file, &format!("{}{body}", &page[..end.expect("a title")]));
        self
    }

    /// Adds to `course.toml`.
    pub fn course(mut self, toml: &str) -> Tutor {
        self.manifest.push_str(toml);
        self.manifest.push('\n');
        self.write_manifest();
        self
    }

    fn write_manifest(&self) {
        let lessons: Vec<String> = self
            .lessons
            .iter()
            .map(|stem| format!("\"{stem}\""))
            .collect();
        let head = format!(
            "format = 1\ntitle = \"A course\"\nlessons = [{}]\n",
            lessons.join(", ")
        );
        self.put(
            "course/lessons/course.toml",
            &format!("{head}\n{}", self.manifest),
        );
    }

    pub fn env(mut self, name: &str, value: &str) -> Tutor {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn stdin(mut self, text: &str) -> Tutor {
        self.stdin = text.to_owned();
        self
    }

    /// Leaves `--yes` out.
    pub fn not_trusted(mut self) -> Tutor {
        self.yes = false;
        self
    }

    /// Lets steps reach all that the learner can.
    pub fn unconfined(mut self) -> Tutor {
        self.unconfined = true;
        self
    }

    /// Gives the learner the kernels of this user's own cache.
    pub fn with_own_kernels(&self) {
        let own = Folders::of_user().expect("a home").cache.join("lab");
        let lab = self.path("home/cache/lab");
        fs::create_dir_all(&lab).expect("writable");
        symlink(own.join("kernels"), lab.join("kernels")).expect("writable");
    }

    /// A path below the folder that holds all: `course`, `home`, `tmp`.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn put(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    pub fn get(&self, below: &str) -> String {
        let path = self.path(below);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The lasting workspace of a lesson that was run.
    pub fn workspace(&self, lesson: &str) -> PathBuf {
        let folder = self.path("home/data/workspaces");
        let entries = fs::read_dir(&folder)
            .expect("a workspace")
            .flatten()
            .map(|entry| entry.path());
        let name = format!("{lesson}-");
        // A marked name has eight hexadecimal digits at its end.
        let mut found = entries.filter(|path| {
            let file = path
                .file_name()
                .map(|file| file.to_string_lossy().into_owned());
            file.is_some_and(|file| file.strip_prefix(&name).is_some_and(|mark| mark.len() == 8))
        });
        found
            .next()
            .unwrap_or_else(|| panic!("no workspace of {lesson}"))
    }

    /// All files below a folder with what they hold.
    pub fn files(&self, below: &str) -> BTreeMap<String, String> {
        let root = self.path(below);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path
                    .strip_prefix(&root)
                    .expect("below")
                    .display()
                    .to_string();
                files.insert(
                    name,
                    String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned(),
                );
            }
        }
        files
    }

    /// The program with its arguments, environment and course; words are parted by spaces.
    pub fn command(&self, line: &str) -> Command {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
        command
            .args(&words)
            .arg("--course")
            .arg(self.path("course"));
        if self.yes && words.first().is_some_and(|word| ASKING.contains(word)) {
            command.arg("--yes");
        }
        if self.unconfined && words.first().is_some_and(|word| RUNNING.contains(word)) {
            command.arg("--unconfined");
        }
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path("tmp"));
        command
    }

    /// Runs a command line to its end.
    pub fn run(&self, line: &str) -> Ran {
        self.start(line).end()
    }

    /// Starts a command line.
    pub fn start(&self, line: &str) -> Running {
        self.start_command(self.command(line), line)
    }

    pub fn start_command(&self, command: Command, line: &str) -> Running {
        let mut running = self.start_interactive(command, line);
        running.say(&self.stdin);
        running.stdin = None;
        running
    }

    /// Starts a command whose standard input stays open for [`Running::say`].
    pub fn start_interactive(&self, mut command: Command, line: &str) -> Running {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().expect("tutor starts");
        let (send, pieces) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            listen(stdout, true, send.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            listen(stderr, false, send);
        }
        let stdin = child.stdin.take();
        Running {
            line: line.to_owned(),
            child,
            stdin,
            pieces,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

fn listen(
    mut stream: impl Read + Send + 'static,
    is_stdout: bool,
    send: mpsc::Sender<(bool, Vec<u8>)>,
) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if send.send((is_stdout, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}

/// A `tutor` that runs.
pub struct Running {
    line: String,
    child: Child,
    stdin: Option<ChildStdin>,
    pieces: Receiver<(bool, Vec<u8>)>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Running {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("tutor runs");
    }

    /// Types something. One that ended without reading it is fine.
    pub fn say(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_bytes());
        }
    }

    /// Waits until standard output holds a text.
    pub fn until_stdout(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !String::from_utf8_lossy(&self.stdout).contains(text) {
            if !self.hear(deadline) {
                let line = self.line.clone();
                panic!(
                    "`tutor {line}` never said {text:?}:\n{}",
                    String::from_utf8_lossy(&self.stdout)
                );
            }
        }
    }

    /// Takes one piece of output; false at the end of both streams.
    fn hear(&mut self, deadline: Instant) -> bool {
        match self
            .pieces
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok((true, bytes)) => self.stdout.extend(bytes),
            Ok((false, bytes)) => self.stderr.extend(bytes),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                let _ = kill(Pid::from_raw(-self.pid().as_raw()), Signal::SIGKILL);
                let (out, err) = (
                    String::from_utf8_lossy(&self.stdout),
                    String::from_utf8_lossy(&self.stderr),
                );
                panic!(
                    "`tutor {}` hangs; stdout:\n{out}\nstderr:\n{err}",
                    self.line
                );
            }
        }
        true
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ran {
        self.stdin = None;
        let deadline = Instant::now() + PATIENCE;
        while self.hear(deadline) {}
        let status = self.child.wait().expect("tutor ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            line: self.line,
            status,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
        }
    }
}

/// What a `tutor` that ended did; each expectation returns it for the next one.
#[derive(Debug)]
pub struct Ran {
    line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// What it ended with; a signal counts below zero.
    fn ended_with(&self) -> i32 {
        let signal = || -self.status.signal().unwrap_or(0);
        self.status.code().unwrap_or_else(signal)
    }

    pub fn code_is(&self, code: i32) -> bool {
        self.ended_with() == code
    }

    #[track_caller]
    pub fn code(self, code: i32) -> Ran {
        let found = self.ended_with();
        assert_eq!(found, code, "{}", self.told());
        self
    }

    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Ran {
        assert!(
            self.stdout.contains(text),
            "no {text:?} on stdout: {}",
            self.told()
        );
        self
    }

    #[track_caller]
    pub fn stdout_lacks(self, text: &str) -> Ran {
        assert!(
            !self.stdout.contains(text),
            "{text:?} is on stdout: {}",
            self.told()
        );
        self
    }

    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Ran {
        assert!(
            self.stderr.contains(text),
            "no {text:?} on stderr: {}",
            self.told()
        );
        self
    }

    #[track_caller]
    pub fn stderr_is_empty(self) -> Ran {
        assert!(self.stderr.is_empty(), "{}", self.told());
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.told()))
    }

    /// The verdicts of a `--json` report: `one passed, check three check failed`.
    #[track_caller]
    pub fn verdicts(&self) -> String {
        let whole = self.json();
        let mut words = Vec::new();
        for lesson in whole["lessons"].as_array().expect("lessons") {
            for item in lesson["items"].as_array().expect("items") {
                let (name, verdict) = (
                    item["name"].as_str().expect("a name"),
                    item["verdict"].as_str().expect("a word"),
                );
                let kind = if item["kind"] == "check" {
                    "check "
                } else {
                    ""
                };
                words.push(format!("{kind}{name} {verdict}"));
            }
        }
        words.join(", ")
    }

    /// All of it, for a failing test to print.
    pub fn told(&self) -> String {
        format!(
            "tutor {}\n{}\nstdout:\n{}\nstderr:\n{}",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}

/// A step's fence: `id`, then any other keys.
pub fn step(id_and_keys: &str, script: &str) -> String {
    format!("```sh {{id={id_and_keys}}}\n{script}\n```\n\n")
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

/// A length of sleep that nobody else on the machine sleeps for.
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

/// True if the lab has a kernel; else says what was not tried.
pub fn lab_has_kernel(else_not_tried: &str) -> bool {
    let cache = Folders::of_user().map(|folders| Cache::below(&folders.cache));
    let has_one = cache.is_ok_and(|cache| matches!(cache.kernel("default"), Ok(Some(_))));
    if !has_one {
        skipped(&format!("the lab has no kernel, so {else_not_tried}"));
    }
    has_one
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

/// Mounts a small disk there and fills it but for that many pages of 4 KiB.
pub fn nearly_full(folder: &Path, pages: usize) -> String {
    let folder = folder.display();
    format!(
        "mount -t tmpfs -o size=256k tmpfs {folder} && {{ head -c {} /dev/zero >{folder}/.full; }}",
        256 * 1024 - pages * 4096
    )
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
