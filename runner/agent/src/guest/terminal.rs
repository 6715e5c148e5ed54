//! A command on a terminal of its own (pty(7)).

use crate::pipes::{nonblocking, read_some};
use crate::protocol::Status;
use nix::pty::{Winsize, openpty};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

/// The most that is read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// The most typed input that is kept until the terminal takes it.
const TYPED_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub struct GuestTerminal {
    pub pid: Pid,
    pub status: Option<Status>,
    main: Option<OwnedFd>,
    typed: VecDeque<u8>,
}

impl GuestTerminal {
    /// Starts a command that leads a session with this terminal.
    pub fn start(
        command: &[String],
        cwd: &Path,
        env: &[(String, String)],
        rows: u16,
        columns: u16,
    ) -> io::Result<GuestTerminal> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(&size, None)?;
        nonblocking(&pair.master)?;
        for fd in [&pair.master, &pair.slave] {
            let flags = nix::fcntl::FdFlag::FD_CLOEXEC;
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(flags))?;
        }
        // busybox makes the terminal the session's own, which std offers no safe way to do.
        let child = Command::new("/bin/busybox")
            .args(["setsid", "-c"])
            .args(command)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(cwd)
            .stdin(Stdio::from(pair.slave.try_clone()?))
            .stdout(Stdio::from(pair.slave.try_clone()?))
            .stderr(Stdio::from(pair.slave))
            .spawn()?;
        Ok(GuestTerminal {
            pid: Pid::from_raw(child.id() as i32),
            status: None,
            main: Some(pair.master),
            typed: VecDeque::new(),
        })
    }

    /// Returns the file to poll for more to show.
    pub fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.main.as_ref().map(AsFd::as_fd)
    }

    /// Returns what it shows now.
    pub fn read(&mut self) -> Vec<u8> {
        self.write(&[]);
        let mut buffer = vec![0; CHUNK_BYTES];
        let Some(main) = &self.main else {
            return Vec::new();
        };
        match read_some(main, &mut buffer) {
            Some(count) => buffer.truncate(count),
            None => {
                // EIO: no process holds the other end.
                self.main = None;
                buffer.clear();
            }
        }
        buffer
    }

    /// Types something; what the terminal does not take now, it takes when it next shows something.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.typed.len() + bytes.len() <= TYPED_BYTES {
            self.typed.extend(bytes);
        }
        let Some(main) = &self.main else { return };
        while !self.typed.is_empty() {
            let (first, _) = self.typed.as_slices();
            match nix::unistd::write(main, first) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(nix::Error::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Tells the terminal how large its window is.
    pub fn resize(&self, rows: u16, columns: u16) -> io::Result<()> {
        match &self.main {
            Some(main) => crate::sys::set_window(main, rows, columns),
            None => Ok(()),
        }
    }

    /// Takes the terminal away from whatever still holds it.
    pub fn close(&mut self) {
        self.main = None;
    }

    /// How its command ended, once all that it showed was read.
    pub fn ended(&self) -> Option<Status> {
        self.status.filter(|_| self.main.is_none())
    }
}
