//! Gets a package of the lock file over HTTP or HTTPS from a mirror that the user names.
//!
//! The mirror is not trusted: what does not have the SHA-256 of the lock file is deleted. `curl` talks
//! to it: it knows this system's proxies and certificates, and goes on with part of a file. What it
//! takes here is bounded by the length of the package.

use super::lock::Pinned;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tutor_files::FilesError;
use tutor_files::error::failed_io;

/// How long a mirror may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a download may take as a whole.
const WHOLE: Duration = Duration::from_secs(3600);

/// How often a download that broke off is taken up again.
const TRIES: usize = 4;

/// The status of `curl` where the server sends no such part: its own manual page, curl(1).
const NO_PARTS: i32 = 33;

/// Why a mirror gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The address is none.
    #[error("`{0}` is no address of a mirror: it begins with `http://` or `https://`")]
    NoAddress(String),
    /// There is no `curl`.
    #[error("there is no `curl` here, which talks to mirrors")]
    NoCurl,
    /// The mirror does not have it.
    #[error(
        "the mirror has no `{url}` (HTTP {status}); superseded builds vanish from mirrors after a while"
    )]
    Status {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// The mirror could not be reached, or broke off.
    #[error("cannot download `{url}`: {what}")]
    Broken {
        /// The address.
        url: String,
        /// The cause.
        what: String,
    },
    /// It is not the package.
    #[error("`{url}` is not the package of the lock file (its SHA-256 differs), so it was deleted")]
    WrongHash {
        /// The address.
        url: String,
    },
    /// It could not be kept.
    #[error(transparent)]
    Files(#[from] FilesError),
}

/// A mirror.
#[derive(Clone, Debug)]
pub struct Mirror {
    url: String,
    silence: Duration,
}

impl Mirror {
    /// Returns the mirror whose archive `debian` has this address.
    pub fn new(url: &str) -> Result<Mirror, MirrorError> {
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let is_address = rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
        });
        match is_address {
            true => Ok(Mirror {
                url: url.trim_end_matches('/').to_owned(),
                silence: SILENCE,
            }),
            false => Err(MirrorError::NoAddress(url.to_owned())),
        }
    }

    /// Returns the address that it was named by.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address of a package.
    pub fn address(&self, pinned: &Pinned) -> String {
        // Some stores take a plus sign for a blank.
        format!("{}/{}", self.url, pinned.path.replace('+', "%2B"))
    }

    /// Downloads a package into a folder and returns its file. `tell` hears how many bytes are
    /// there. Only one process at a time may use the folder.
    pub fn download(
        &self,
        pinned: &Pinned,
        folder: &Path,
        tell: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, MirrorError> {
        fs::create_dir_all(folder).map_err(failed_io("make the folder", folder))?;
        let part = folder.join(format!("{}.part", pinned.sha256));
        let url = self.address(pinned);
        let mut tries = TRIES;
        let mut furthest = 0;
        loop {
            let result = self.go_on(&url, pinned, &part, tell);
            let there = fs::metadata(&part).map(|meta| meta.len()).unwrap_or(0);
            match result {
                Ok(()) => break,
                Err(MirrorError::Broken { url, what }) => {
                    // One that brings something each time may break off as often as it likes.
                    tries = if there > furthest { tries } else { tries - 1 };
                    furthest = furthest.max(there);
                    if tries == 0 || furthest == 0 {
                        return Err(MirrorError::Broken { url, what });
                    }
                }
                Err(other) => return Err(other),
            }
        }
        let hash = crate::hashes::hash(&part).map_err(failed_io("read", &part))?;
        if hash != pinned.sha256 {
            return Err(wrong(&url, &part));
        }
        let whole = folder.join(format!("{}.deb", pinned.sha256));
        fs::rename(&part, &whole).map_err(failed_io("rename", &part))?;
        Ok(whole)
    }

    /// Fetches what is missing.
    fn go_on(
        &self,
        url: &str,
        pinned: &Pinned,
        part: &Path,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), MirrorError> {
        let broken = |what: String| MirrorError::Broken {
            url: url.to_owned(),
            what,
        };
        let mut options = File::options();
        let mut file = options
            .create(true)
            .append(true)
            .open(part)
            .map_err(failed_io("open", part))?;
        let mut there = file.metadata().map_err(failed_io("read", part))?.len();
        if there == pinned.bytes {
            return Ok(());
        }
        let mut curl = self
            .curl(url, there)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => MirrorError::NoCurl,
                _ => broken(error.to_string()),
            })?;
        let mut output = curl.stdout.take();
        let mut chunk = vec![0; 1 << 16];
        while let Some(output) = &mut output
            && let Ok(count @ 1..) = output.read(&mut chunk)
        {
            there += count as u64;
            if there > pinned.bytes {
                // No hash can be right any more. One that ended by itself needs no end.
                let _ = curl.kill().and_then(|()| curl.wait());
                return Err(wrong(url, part));
            }
            file.write_all(&chunk[..count])
                .map_err(failed_io("write", part))?;
            tell(there);
        }
        let ended = curl.wait_with_output();
        let ended = ended.map_err(|error| broken(error.to_string()))?;
        let said = String::from_utf8_lossy(&ended.stderr);
        // The last line is the status of HTTP.
        let (said, status) = said.rsplit_once('\n').unwrap_or(("", &said));
        match (status.parse().unwrap_or(0), ended.status.code()) {
            (200 | 206, Some(0)) if there == pinned.bytes => Ok(()),
            (200 | 206, Some(0)) => {
                let bytes = pinned.bytes;
                Err(broken(format!("it ended after {there} of {bytes} bytes")))
            }
            // It does not do parts as asked: from the beginning.
            (416, _) | (_, Some(NO_PARTS)) => {
                file.set_len(0).map_err(failed_io("empty", part))?;
                Err(broken(said.to_owned()))
            }
            (status @ 300.., Some(0)) | (status @ 400.., _) => {
                let url = url.to_owned();
                Err(MirrorError::Status { url, status })
            }
            _ => Err(broken(said.to_owned())),
        }
    }

    /// The command that prints what comes from an address, from a byte on. The user's own
    /// configuration of `curl` stays out of it.
    fn curl(&self, url: &str, from: u64) -> Command {
        let silence = self.silence.as_secs().to_string();
        let mut command = Command::new("curl");
        command
            .args(["--disable", "--fail", "--location", "--globoff"])
            .args(["--silent", "--show-error", "--proto", "=http,https"])
            .args(["--max-redirs", "5", "--write-out", "%{stderr}%{http_code}"])
            .args(["--connect-timeout", &silence, "--max-time"])
            .arg(WHOLE.as_secs().to_string())
            .args(["--speed-limit", "1", "--speed-time", &silence])
            .args(["--user-agent", concat!("tutor/", env!("CARGO_PKG_VERSION"))])
            .args(["--continue-at", &from.to_string(), "--url", url])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Deletes what is not the package.
fn wrong(url: &str, part: &Path) -> MirrorError {
    match fs::remove_file(part) {
        Ok(()) => MirrorError::WrongHash {
            url: url.to_owned(),
        },
        Err(error) => failed_io("remove", part)(error).into(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    /// One request, as the server saw it.
    pub(crate) struct Request {
        path: String,
        /// Where the part begins that was asked for.
        from: Option<usize>,
        /// Requests before it.
        number: usize,
    }

    /// A server of this machine.
    pub(crate) struct Server {
        pub(crate) url: String,
        requests: Arc<AtomicUsize>,
    }

    impl Server {
        pub(crate) fn new(answer: impl Fn(&Request, &mut TcpStream) + Send + 'static) -> Server {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/debian", listener.local_addr().unwrap());
            let requests = Arc::new(AtomicUsize::new(0));
            let seen = requests.clone();
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let Some(Ok(first)) = lines.next() else {
                        continue;
                    };
                    let headers: Vec<String> = lines
                        .map_while(Result::ok)
                        .take_while(|line| !line.is_empty())
                        .collect();
                    let range = headers.iter().find_map(|line| {
                        let line = line.to_ascii_lowercase();
                        line.strip_prefix("range: bytes=")?
                            .strip_suffix('-')?
                            .parse()
                            .ok()
                    });
                    let request = Request {
                        path: first.split(' ').nth(1).unwrap().to_owned(),
                        from: range,
                        number: seen.fetch_add(1, Ordering::SeqCst),
                    };
                    answer(&request, &mut stream);
                }
            });
            Server { url, requests }
        }

        fn download(&self, folder: &Path) -> Result<Vec<u8>, String> {
            let mirror = Mirror {
                url: self.url.clone(),
                silence: Duration::from_secs(1),
            };
            let file = mirror.download(&pinned(), folder, &mut |_| {});
            file.map(|file| fs::read(file).unwrap())
                // The address has a port of its own each time.
                .map_err(|error| error.to_string().replace(&self.url, "URL"))
        }

        pub(crate) fn requests(&self) -> usize {
            self.requests.load(Ordering::SeqCst)
        }
    }

    fn content() -> Vec<u8> {
        (0..300_000_u32).flat_map(|n| n.to_le_bytes()).collect()
    }

    fn pinned() -> Pinned {
        Pinned {
            series: "6.12".to_owned(),
            architecture: "x86_64".to_owned(),
            package: "kernel".to_owned(),
            version: "1".to_owned(),
            bytes: content().len() as u64,
            sha256: tutor_files::hash(&content()).to_string(),
            path: "pool/a+b.deb".to_owned(),
        }
    }

    pub(crate) fn send(stream: &mut TcpStream, head: &str, body: &[u8], length: usize) {
        let head =
            format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        // The client may have left.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
    }

    fn whole(stream: &mut TcpStream) {
        send(stream, "200 OK", &content(), content().len());
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_package_comes_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|request, stream| {
            assert_eq!(request.path, "/debian/pool/a%2Bb.deb");
            whole(stream);
        });
        assert_eq!(server.download(folder.path()).unwrap(), content());
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn what_has_another_hash_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| {
            let mut content = content();
            content[77] ^= 1;
            send(stream, "200 OK", &content, content.len());
        });
        assert_eq!(
            server.download(folder.path()).unwrap_err(),
            "`URL/pool/a%2Bb.deb` is not the package of the lock file (its SHA-256 differs), so it was deleted"
        );
        assert_eq!(names(folder.path()), 0);
    }

    #[test]
    fn what_is_longer_than_the_package_is_stopped_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| {
            let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            let mut more = stream.write_all(head).is_ok();
            while more {
                more = stream.write_all(&content()).is_ok();
            }
        });
        let error = server.download(folder.path()).unwrap_err();
        assert!(error.contains("is not the package"), "{error}");
        assert_eq!(names(folder.path()), 0);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| send(stream, "404 Not Found", b"no", 2));
        assert_eq!(
            server.download(folder.path()).unwrap_err(),
            "the mirror has no `URL/pool/a%2Bb.deb` (HTTP 404); superseded builds vanish from mirrors after a while"
        );
        assert_eq!(server.requests(), 1);
    }

    #[test]
    fn a_mirror_may_send_to_another() {
        let folder = tempfile::tempdir().unwrap();
        let other = Server::new(|_, stream| whole(stream));
        let to = format!("302 Found\r\nLocation: {}/elsewhere", other.url);
        let server = Server::new(move |_, stream| send(stream, &to, b"", 0));
        assert_eq!(server.download(folder.path()).unwrap(), content());
        assert_eq!((server.requests(), other.requests()), (1, 1));
    }

    #[test]
    fn mirrors_that_send_in_circles_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|request, stream| {
            let to = format!("302 Found\r\nLocation: {}x", request.path);
            send(stream, &to, b"", 0);
        });
        let error = server.download(folder.path()).unwrap_err();
        assert!(error.contains("redirect"), "{error}");
    }

    #[test]
    fn a_download_that_breaks_off_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|request, stream| {
            let content = content();
            let from = request.from.unwrap_or(0);
            let head = match request.from {
                None => "200 OK".to_owned(),
                Some(from) => format!(
                    "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
                    content.len() - 1,
                    content.len()
                ),
            };
            let rest = &content[from..];
            // Each time a bit more, then the connection is gone.
            send(stream, &head, &rest[..rest.len().min(100_000)], rest.len());
        });
        assert_eq!(server.download(folder.path()).unwrap(), content());
        assert!(server.requests() >= 12, "{}", server.requests());
    }

    #[test]
    fn a_mirror_that_knows_no_parts_sends_all_of_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|request, stream| match request.number {
            0 => send(stream, "200 OK", &content()[..1000], content().len()),
            _ => whole(stream),
        });
        assert_eq!(server.download(folder.path()).unwrap(), content());
        assert_eq!(server.requests(), 3);
    }

    #[test]
    fn a_wrong_part_is_not_put_behind_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|request, stream| match request.number {
            0 => send(stream, "200 OK", &content()[..1000], content().len()),
            1 => send(
                stream,
                "206 Partial Content\r\nContent-Range: bytes 0-9/10",
                &content()[..10],
                10,
            ),
            _ => whole(stream),
        });
        let first = server.download(folder.path());
        let again = first.or_else(|_| server.download(folder.path()));
        assert_eq!(again.unwrap(), content());
    }

    #[test]
    fn a_mirror_that_ends_too_early_again_and_again_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| {
            send(stream, "200 OK", &content()[..1000], content().len());
        });
        let error = server.download(folder.path()).unwrap_err();
        assert!(
            error.starts_with("cannot download `URL/pool/a%2Bb.deb`: "),
            "{error}"
        );
    }

    #[test]
    fn a_silent_mirror_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (silent, hears) = mpsc::channel::<()>();
        let server = Server::new(move |_, stream| {
            // Something, and then nothing until the test is over.
            send(stream, "200 OK", b"abc", content().len());
            let _ = hears.recv();
        });
        let error = server.download(folder.path()).unwrap_err();
        drop(silent);
        assert!(error.starts_with("cannot download"), "{error}");
    }

    #[test]
    fn only_an_address_is_a_mirror() {
        for text in [
            "",
            "ftp://a.test",
            "http://",
            "http:///x",
            "a.test",
            "http://a b",
        ] {
            assert!(Mirror::new(text).is_err(), "{text}");
        }
        let mirror = Mirror::new("https://a.test/debian/").unwrap();
        assert_eq!(
            mirror.address(&pinned()),
            "https://a.test/debian/pool/a%2Bb.deb"
        );
    }
}
