//! The QEMU Machine Protocol: one JSON object a line (QEMU's docs/interop/qmp-spec).

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tutor_agent::protocol::quoted;

/// How long QEMU may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest line that is taken.
const LINE_BYTES: u64 = 1 << 20;

/// The most lines that are no answer before one is missed.
const EVENTS: usize = 100_000;

/// A machine's monitor. What comes from it is bounded, too: a guest may have broken out into QEMU.
#[derive(Debug)]
pub struct Qmp {
    read: BufReader<UnixStream>,
    greeted: bool,
}

impl Qmp {
    /// Talks over a stream socket. Nothing is said before the first command.
    pub fn new(stream: UnixStream) -> io::Result<Qmp> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Qmp {
            read: BufReader::new(stream),
            greeted: false,
        })
    }

    /// Gives a command and returns what it returned. Events on the way are passed over.
    pub fn execute(&mut self, command: &str, arguments: Value) -> io::Result<Value> {
        self.greet()?;
        let line = format!("{}\n", json!({"execute": command, "arguments": arguments}));
        self.read.get_ref().write_all(line.as_bytes())?;
        self.answer()
    }

    /// Gives the machine a file descriptor to refer to by name, as `fd:NAME`.
    pub fn give(&mut self, name: &str, fd: impl AsFd) -> io::Result<()> {
        self.greet()?;
        let line = format!(
            "{}\n",
            json!({"execute": "getfd", "arguments": {"fdname": name}})
        );
        let fds = [fd.as_fd().as_raw_fd()];
        let sent = sendmsg::<()>(
            self.read.get_ref().as_raw_fd(),
            &[IoSlice::new(line.as_bytes())],
            &[ControlMessage::ScmRights(&fds)],
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        self.read.get_ref().write_all(&line.as_bytes()[sent..])?;
        self.answer().map(drop)
    }

    fn greet(&mut self) -> io::Result<()> {
        if self.greeted {
            return Ok(());
        }
        self.line()?;
        self.greeted = true;
        self.execute("qmp_capabilities", json!({})).map(drop)
    }

    fn answer(&mut self) -> io::Result<Value> {
        for _ in 0..EVENTS {
            let mut line = self.line()?;
            if let Some(returned) = line.get_mut("return") {
                return Ok(returned.take());
            }
            if let Some(error) = line.get("error") {
                let said = error["desc"].as_str().unwrap_or("an error without words");
                return Err(io::Error::other(quoted(said.to_owned())));
            }
        }
        Err(strange("it says much, and does not answer"))
    }

    fn line(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        let mut read = self.read.by_ref().take(LINE_BYTES);
        if read.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !line.ends_with('\n') {
            return Err(strange("it ends within a line, or has one longer than any"));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::other(format!("the machine's monitor broke its protocol: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(said: &'static str, then: impl FnOnce(&mut Qmp)) -> String {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut other = theirs.try_clone().unwrap();
        other
            .write_all(b"{\"QMP\": {}}\n{\"return\": {}}\n")
            .unwrap();
        other.write_all(said.as_bytes()).unwrap();
        let mut qmp = Qmp::new(ours).unwrap();
        then(&mut qmp);
        drop((qmp, other));
        io::read_to_string(theirs).unwrap()
    }

    #[test]
    fn an_event_is_no_answer() {
        let said = "{\"event\": \"RESUME\"}\n{\"return\": {\"status\": \"active\"}}\n";
        let heard = with(said, |qmp| {
            let status = qmp.execute("query-migrate", json!({})).unwrap();
            assert_eq!(status["status"], "active");
        });
        assert_eq!(heard.lines().count(), 2, "{heard}");
    }

    #[test]
    fn an_error_comes_in_the_words_of_the_machine() {
        let said = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such fd\"}}\n";
        with(said, |qmp| {
            let error = qmp.execute("migrate", json!({})).unwrap_err();
            assert_eq!(error.to_string(), "no such fd");
        });
    }

    #[test]
    fn a_monitor_that_says_much_and_does_not_answer_is_an_error() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let _ = theirs.write_all(b"{\"QMP\": {}}\n{\"return\": {}}\n");
            while theirs.write_all(b"{\"event\": \"RESUME\"}\n").is_ok() {}
        });
        let error = Qmp::new(ours).unwrap().execute("cont", json!({}));
        let error = error.unwrap_err().to_string();
        assert!(
            error.ends_with("it says much, and does not answer"),
            "{error}"
        );
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || while theirs.write_all(&[b' '; 4096]).is_ok() {});
        let error = Qmp::new(ours).unwrap().execute("cont", json!({}));
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("one longer than any"), "{error}");
    }

    #[test]
    fn a_machine_that_is_gone_is_an_error() {
        with("", |qmp| {
            let stream = qmp.read.get_ref().try_clone().unwrap();
            qmp.greet().unwrap();
            stream.shutdown(std::net::Shutdown::Both).unwrap();
            assert!(qmp.execute("cont", json!({})).is_err());
        });
    }
}
