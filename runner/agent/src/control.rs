//! The channel between an agent and one bash, on which only that bash is heard.
//!
//! It is a socket, and bash has the other end as its standard output while no run goes on. No program
//! can open it: a socket has no path in `/proc`, and bash keeps its own files from what it starts. A
//! subshell has it all the same, so the kernel says with each piece which process sent it
//! (SCM_CREDENTIALS in unix(7)), and a report counts from the shell alone. The script of a step that
//! is inside that shell can end with any status anyway; it can say so of its own run, and, if it goes
//! on after that, of the runs that are to follow.

use crate::pipes::nonblocking;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixCredentials, recvmsg,
    setsockopt, socketpair, sockopt,
};
use nix::unistd::{Pid, write};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The most pieces that are taken at once: whoever writes faster than this process reads must not
/// keep it from everything else.
const PIECES: usize = 16;

/// The longest line that is kept to become a report; one is shorter.
const LINE_BYTES: usize = 256;

/// The agent's end.
#[derive(Debug)]
pub struct Control {
    socket: OwnedFd,
    /// A line of the shell that has no end yet.
    line: Vec<u8>,
}

/// One piece of input from the channel.
#[derive(Debug, PartialEq, Eq)]
pub enum ControlInput {
    /// A line of the shell itself.
    Line(Vec<u8>),
    /// Something that a trap printed, say, or another process.
    Printed(Vec<u8>),
}

impl Control {
    /// Returns both ends; the second is for bash.
    pub fn pair() -> io::Result<(Control, OwnedFd)> {
        let (socket, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::Stream,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        nonblocking(&socket)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        let line = Vec::new();
        Ok((Control { socket, line }, theirs))
    }

    /// Lets bash go on: it reads a line here after each run.
    pub fn open_gate(&self) -> io::Result<()> {
        write(&self.socket, b"\n")?;
        Ok(())
    }

    /// Returns what came by now, up to a bound; `shell` is the process whose lines count.
    pub fn read(&mut self, shell: Pid, buffer: &mut [u8]) -> Vec<ControlInput> {
        let mut said = Vec::new();
        for _ in 0..PIECES {
            let Some((count, sender)) = self.receive(buffer) else {
                break;
            };
            let bytes = &buffer[..count];
            match sender == Some(shell) {
                true => self.take(bytes, &mut said),
                false => said.push(ControlInput::Printed(bytes.to_vec())),
            }
        }
        said
    }

    /// Returns what is left when the shell has ended.
    pub fn rest(self) -> Vec<u8> {
        self.line
    }

    fn take(&mut self, bytes: &[u8], said: &mut Vec<ControlInput>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let line = |this: &mut Self| std::mem::take(&mut this.line);
            if piece.ends_with(b"\n") {
                said.push(ControlInput::Line(line(self)));
            } else if self.line.len() > LINE_BYTES {
                said.push(ControlInput::Printed(line(self)));
            }
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Option<(usize, Option<Pid>)> {
        let mut space = cmsg_space!(UnixCredentials);
        let mut pieces = [IoSliceMut::new(buffer)];
        let socket = self.socket.as_raw_fd();
        let received = loop {
            match recvmsg::<()>(socket, &mut pieces, Some(&mut space), MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                received => break received.ok()?,
            }
        };
        let mut messages = received.cmsgs().ok()?;
        let sender = messages.find_map(|message| match message {
            ControlMessageOwned::ScmCredentials(sender) => Some(Pid::from_raw(sender.pid())),
            _ => None,
        });
        (received.bytes > 0).then_some((received.bytes, sender))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;
    use std::process::Command;

    #[test]
    fn another_process_is_heard_and_its_lines_do_not_count() {
        let (mut control, theirs) = Control::pair().unwrap();
        let mut own = File::from(theirs.try_clone().unwrap());
        own.write_all(b"mine\nand ").unwrap();
        let mut echo = Command::new("echo");
        echo.arg("forged").stdout(theirs).status().unwrap();
        own.write_all(b"more\n").unwrap();
        let said = control.read(Pid::this(), &mut [0; 100]);
        let expected = [
            ControlInput::Line(b"mine\n".to_vec()),
            ControlInput::Printed(b"forged\n".to_vec()),
            ControlInput::Line(b"and more\n".to_vec()),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let (mut control, theirs) = Control::pair().unwrap();
        File::from(theirs).write_all(&[b'x'; 10_000]).unwrap();
        let said = control.read(Pid::this(), &mut [0; 1000]);
        assert!(
            said.iter()
                .all(|said| matches!(said, ControlInput::Printed(_)))
        );
        assert!(control.rest().len() <= LINE_BYTES);
    }
}
