//! Whether a background step is ready for the next step to start.

use crate::event::Stream;
use crate::lesson::Background;
use regex::bytes::Regex;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// Watches one background step.
#[derive(Debug)]
pub struct Readiness<'l> {
    until: &'l Background,
    pattern: Option<Regex>,
    lines: [Vec<u8>; 2],
    matched: bool,
}

/// The longest line that is kept to be matched.
const LINE_BYTES: usize = 64 * 1024;

impl<'l> Readiness<'l> {
    /// Begins to watch.
    pub fn new(until: &'l Background) -> Self {
        // The parser refuses a pattern that does not compile; one that slipped through never matches.
        let pattern = match until {
            Background::Line(pattern) => Regex::new(pattern).ok(),
            Background::AtOnce | Background::File(_) | Background::Port(_) => None,
        };
        Readiness {
            until,
            pattern,
            lines: Default::default(),
            matched: false,
        }
    }

    /// Takes what the step printed.
    pub fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(pattern) = &self.pattern else { return };
        let line = &mut self.lines[usize::from(stream == Stream::Stderr)];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.len() < LINE_BYTES {
                line.extend_from_slice(piece);
            }
            if line.ends_with(b"\n") {
                self.matched |= pattern.is_match(line.trim_ascii_end());
                line.clear();
            }
        }
    }

    /// True once the next step may start.
    pub fn is_ready(&self, folder: &Path) -> bool {
        match self.until {
            Background::AtOnce => true,
            Background::Line(_) => self.matched,
            Background::File(path) => folder.join(path).exists(),
            Background::Port(port) => listens(*port),
        }
    }
}

/// True if anybody listens on a TCP port of this machine.
pub fn listens(port: u16) -> bool {
    let here = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    here.iter()
        .any(|address| TcpStream::connect_timeout(address, Duration::from_millis(100)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_matched_whole_however_it_is_cut() {
        let until = Background::Line("^ready on [0-9]+$".into());
        let mut readiness = Readiness::new(&until);
        readiness.printed(Stream::Stdout, b"not ready on 1\nrea");
        readiness.printed(Stream::Stderr, b"noise\n");
        readiness.printed(Stream::Stdout, b"dy on 8080");
        assert!(!readiness.is_ready(Path::new("/")));
        readiness.printed(Stream::Stdout, b"\n");
        assert!(readiness.is_ready(Path::new("/")));
    }

    #[test]
    fn a_port_is_ready_when_something_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let until = Background::Port(listener.local_addr().unwrap().port());
        assert!(Readiness::new(&until).is_ready(Path::new("/")));
        drop(listener);
        assert!(!Readiness::new(&until).is_ready(Path::new("/")));
    }
}
