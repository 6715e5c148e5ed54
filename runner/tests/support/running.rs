//! A `tutor` that runs, and what it said when it ended.

use super::PATIENCE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

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
    /// Starts a command whose standard input stays open; `line` is how a failing test calls it.
    pub fn start(mut command: Command, line: &str) -> Running {
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

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("tutor runs");
    }

    /// Types something. One that ended without reading it is fine.
    pub fn say(&mut self, text: impl AsRef<[u8]>) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_ref());
        }
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
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
        self.close_stdin();
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

/// The result of a `tutor` that ended; each expectation returns it for the next one.
#[derive(Debug)]
pub struct Ran {
    line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The exit code; a signal counts below zero.
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

    /// All of it, for a failing test to print.
    pub fn told(&self) -> String {
        format!(
            "tutor {}\n{}\nstdout:\n{}\nstderr:\n{}",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}
