//! Whoever is root in a guest can talk in the agent's place. Each case here is one lie, told to a real
//! [`Machine`] and a real [`Shared`] over a socket, without QEMU.
//!
//! Each case is a process of its own, so that the memory that it took at the most is known: it stays
//! within [`MEMORY_KB`] of what an honest guest makes it take. Whatever is told, the learner's files
//! beside the shared folder are as they were. To add a case: a function among the `cases!` of one of
//! the files, with what the guest says and what is to come of it.

/// Makes a test of each case, in a process of its own.
macro_rules! cases {
    ($(fn $name:ident() $body:block)*) => {
        $(#[test] fn $name() {
            alone(concat!(module_path!(), "::", stringify!($name)), || $body)
        })*
    };
}

mod files;
mod floods;
mod protocol;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use tutor_agent::confine::Held;
use tutor_agent::protocol::frame::{Decoder, Frame, REQUEST_BYTES, data, message, output};
use tutor_agent::protocol::{
    CHUNK_BYTES, GuestReply, GuestRequest, Incoming, LISTED_PATHS, Mode, Reply, Request, ShellFate,
    Status, Stream,
};
use tutor_files::Kind;
use tutor_lab::machine::{Machine, MachineError};
use tutor_lab::shared::{LabVersion, Shared, SharedError};

/// How much more memory a lie may cost than the truth.
const MEMORY_KB: u64 = 32 * 1024;

/// How much a guest sends that sends too much: far more than may be kept.
const FLOOD_BYTES: usize = 200 * 1024 * 1024;

/// How long a guest has for one answer here.
const PATIENCE: Duration = Duration::from_secs(2);

/// Set in the process that a case runs in.
const ALONE: &str = "TUTOR_HOSTILE_CASE";

/// What every error says of a guest that lied.
const BROKE: &str = "the guest broke the protocol: ";

/// The guest's end of the channel.
struct Guest {
    channel: UnixStream,
    decoder: Decoder,
}

impl Guest {
    /// What it is asked next; nothing once nobody is there.
    fn asked(&mut self) -> Option<Request> {
        loop {
            match self.decoder.next_frame().unwrap() {
                Some(Frame::Message(json)) => return Some(serde_json::from_slice(&json).unwrap()),
                Some(Frame::Output { .. } | Frame::Data { .. }) => continue,
                None => {}
            }
            let mut buffer = [0; 65536];
            match self.channel.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.push(&buffer[..count]),
            }
        }
    }

    /// Sends what may be anything. False once nobody is there.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.channel.write_all(bytes).is_ok()
    }

    fn say(&mut self, reply: Reply) -> bool {
        self.send(&message(&reply).unwrap())
    }

    fn done(&mut self, id: u32) -> bool {
        let error = None;
        self.say(Reply::Guest(GuestReply::Done { id, error }))
    }

    fn listed(&mut self, id: u32, entries: &[Entry], more: bool) -> bool {
        let entries = entries.join(",");
        let json = format!(
            r#"{{"Guest":{{"Listed":{{"id":{id},"entries":[{entries}],"more":{more}}}}}}}"#
        );
        self.send(&framed(0, json.as_bytes()))
    }

    /// Prints some hundred megabytes.
    fn flood(&mut self) {
        let frame = output(1, Stream::Stdout, &[b'x'; 65536]);
        let mut sent = 0;
        while sent < FLOOD_BYTES && self.send(&frame) {
            sent += frame.len();
        }
    }

    /// Takes what it is given, lists these, and has these bytes in each file.
    fn obey(&mut self, entries: &[Entry], content: &[u8]) {
        self.obey_but(entries, |guest, id, _| {
            let _ = guest.send(&data(id, content)) && guest.done(id);
        });
    }

    /// The same, with files of which somebody else gives the content.
    fn obey_but(&mut self, entries: &[Entry], give: impl FnMut(&mut Guest, u32, &Path)) {
        self.obey_in_turn(&[entries], give);
    }

    /// The same with a listing for each time that it is asked for one, the last one ever after.
    fn obey_in_turn(&mut self, turns: &[&[Entry]], mut give: impl FnMut(&mut Guest, u32, &Path)) {
        let mut turns = turns.iter().peekable();
        while let Some(request) = self.asked() {
            let Request::Guest(request) = request else {
                continue;
            };
            match request {
                GuestRequest::List { id, .. } => {
                    let mut rest = **turns.peek().unwrap();
                    if turns.len() > 1 {
                        turns.next();
                    }
                    loop {
                        let (some, later) = rest.split_at(rest.len().min(32));
                        rest = later;
                        if !self.listed(id, some, !rest.is_empty()) || rest.is_empty() {
                            break;
                        }
                    }
                }
                GuestRequest::Make { id, .. }
                | GuestRequest::Put { id, .. }
                | GuestRequest::Remove { id, .. } => {
                    self.done(id);
                }
                GuestRequest::Get { id, path, .. } => give(self, id, path.path()),
                _ => {}
            }
        }
    }

    /// Takes what it is given; what it says to a listing somebody else says.
    fn obey_listing(&mut self, mut say: impl FnMut(&mut Guest, u32)) {
        while let Some(request) = self.asked() {
            match request {
                Request::Guest(GuestRequest::List { id, .. }) => say(self, id),
                Request::Guest(
                    GuestRequest::Make { id, .. }
                    | GuestRequest::Put { id, .. }
                    | GuestRequest::Remove { id, .. },
                ) => {
                    self.done(id);
                }
                _ => {}
            }
        }
    }
}

/// What a listing says of a path, as JSON: a guest can say anything.
type Entry = String;

fn file(path: &str, bytes: u64) -> Entry {
    let mode = 0o755;
    entry(path, &Kind::File { mode, bytes })
}

fn folder(path: &str) -> Entry {
    entry(path, &Kind::Folder { mode: 0o755 })
}

fn link(path: &str, target: &Path) -> Entry {
    let target = target.to_owned();
    entry(path, &Kind::Link { target })
}

fn entry(path: &str, kind: &Kind) -> Entry {
    let path = serde_json::to_string(path).unwrap();
    let kind = serde_json::to_string(kind).unwrap();
    let stamp = r#"{"device":1,"inode":2,"bytes":3,"changed_ns":4}"#;
    format!(r#"{{"path":{path},"kind":{kind},"stamp":{stamp},"fresh":false}}"#)
}

/// The learner's home, with a folder that is shared and much that is not.
struct Home {
    folder: tempfile::TempDir,
    before: BTreeMap<PathBuf, String>,
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shared", "Documents/letters", ".ssh"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for name in [
            "Documents/letters/mother",
            ".bashrc",
            ".ssh/id",
            "shared/own",
        ] {
            fs::write(folder.path().join(name), "the learner's").unwrap();
        }
        let before = there(folder.path());
        Home { folder, before }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is in the shared folder.
    fn shared(&self) -> Vec<String> {
        let all = there(&self.at("shared")).into_keys();
        all.map(|path| path.display().to_string()).collect()
    }

    fn is_as_it_was(&self) {
        let mut now = there(self.folder.path());
        // What a guest may add to.
        now.retain(|path, _| self.before.contains_key(path) || !path.starts_with("shared"));
        assert_eq!(now, self.before);
    }
}

/// All that is below a folder, with what it holds.
fn there(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let what = if meta.is_dir() {
                folders.push(path.clone());
                "a folder".to_owned()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else if meta.len() < 100 {
                fs::read_to_string(&path).unwrap()
            } else {
                format!("{} bytes", meta.len())
            };
            all.insert(path.strip_prefix(folder).unwrap().to_owned(), what);
        }
    }
    all
}

/// Lets a machine meet a guest, and returns what came of it.
fn meet<T>(guest: impl FnOnce(&mut Guest) + Send, host: impl FnOnce(&mut Machine) -> T) -> T {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut machine = Machine::of_agent(ours).unwrap();
    machine.be_patient_for(PATIENCE);
    let mut other = Guest {
        channel: theirs,
        decoder: Decoder::new(REQUEST_BYTES),
    };
    thread::scope(|scope| {
        scope.spawn(move || guest(&mut other));
        let came = host(&mut machine);
        // The guest hears that nobody is there any more.
        drop(machine);
        came
    })
}

/// Brings the shared folder to a guest and back. Whatever comes of it, what is the learner's is as it
/// was.
fn shared_with(home: &Home, guest: impl FnOnce(&mut Guest) + Send) -> Result<(), String> {
    let came = meet(guest, |machine| -> Result<(), SharedError> {
        let mut shared = Shared::new(&home.at("shared"));
        shared.push(machine)?;
        shared.pull(machine)
    });
    home.is_as_it_was();
    came.map_err(|error| error.to_string())
}

/// What hearing a guest comes to that was asked for nothing.
fn heard(guest: impl FnOnce(&mut Guest) + Send) -> String {
    let heard = meet(guest, |machine| machine.next(PATIENCE));
    heard.unwrap_err().to_string()
}

/// Runs a case in a process of its own, and holds its memory to the bound.
fn alone(name: &str, case: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        case();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let most = status.lines().find(|line| line.starts_with("VmHWM:"));
        return println!("\n{}", most.unwrap());
    }
    static HONEST_KB: OnceLock<u64> = OnceLock::new();
    let honest = *HONEST_KB
        .get_or_init(|| most_kb("hostile_guest::files::an_honest_guest_brings_what_a_step_made"));
    let most = most_kb(name);
    println!("{most} kB, and {honest} kB with an honest guest");
    assert!(
        most <= honest + MEMORY_KB,
        "{most} kB, and {honest} kB with an honest guest"
    );
}

fn most_kb(name: &str) -> u64 {
    let program = std::env::current_exe().unwrap();
    // The harness leaves the crate out.
    let name = name.trim_start_matches("hostile_guest::");
    let words = [name, "--exact", "--nocapture", "--test-threads=1"];
    let mut command = Command::new(program);
    let done = command.args(words).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}{complaint}");
    let most = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.expect("it ran").trim().trim_end_matches(" kB");
    most.parse().unwrap()
}

fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..], &[kind], payload].concat()
}
