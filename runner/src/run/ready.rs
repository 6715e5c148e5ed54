//! Whether a background step is ready for the next step to start.

use crate::event::Stream;
use crate::lesson::Background;
use regex::bytes::Regex;
use std::path::Path;

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

    /// When the step is ready.
    pub fn until(&self) -> &'l Background {
        self.until
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

/// A command that succeeds once a step in a guest is ready, to be run there: its ports and files are
/// not this machine's. Nothing for what is seen from here.
pub fn question(until: &Background, folder: &Path) -> Option<String> {
    match until {
        Background::AtOnce | Background::Line(_) => None,
        Background::File(path) => {
            let path = folder.join(path).display().to_string();
            Some(format!("test -e '{}'", path.replace('\'', r"'\''")))
        }
        // As `listens` does it.
        Background::Port(port) => Some(format!(
            "for list in {}; do\n[[ -r $list ]] && while builtin read -r _ at _ state _; do\n\
             [[ $state = 0A && $at = *:{port:04X} ]] && exit 0\ndone <$list\ndone\nexit 1",
            SOCKETS.join(" ")
        )),
    }
}

/// The kernel's lists of TCP sockets, of a machine's whole network (proc(5)).
const SOCKETS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// True if a process listens on a TCP port of this machine. It does not connect: that would use up
/// a server that takes one connection.
pub fn listens(port: u16) -> bool {
    let lists = SOCKETS
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    let wanted = format!(":{port:04X}");
    lists.into_iter().any(|list| {
        list.lines().any(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let is_here = words.next().is_some_and(|at| at.ends_with(&wanted));
            // 0A is TCP_LISTEN (include/net/tcp_states.h).
            is_here && words.nth(1) == Some("0A")
        })
    })
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
    fn the_question_to_a_guest_is_answered_by_bash() {
        let folder = tempfile::tempdir().unwrap();
        let yes = |until: &Background| {
            let script = question(until, folder.path()).unwrap();
            let status = std::process::Command::new("bash")
                .args(["-c", &script])
                .status();
            status.unwrap().success()
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Background::Port(listener.local_addr().unwrap().port());
        assert!(yes(&port));
        drop(listener);
        assert!(!yes(&port));
        let file = Background::File("it's there".into());
        assert!(!yes(&file));
        std::fs::write(folder.path().join("it's there"), "").unwrap();
        assert!(yes(&file));
        assert_eq!(question(&Background::Line("a".into()), folder.path()), None);
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
