//! Whoever is root in a guest can talk in the agent's place. Each case here is one lie, told to a real
//! [`Machine`] and a real [`Shared`] over a socket, without QEMU.
//!
//! Each case is a process of its own, so that the memory that it took at the most is known: it stays
//! within [`MEMORY_KB`] of what an honest guest makes it take. Whatever is told, the learner's files
//! beside the shared folder are as they were. To add a case: a function among `cases!`, with what the
//! guest says and what is to come of it.

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
    let honest = *HONEST_KB.get_or_init(|| most_kb("an_honest_guest_brings_what_a_step_made"));
    let most = most_kb(name);
    println!("{most} kB, and {honest} kB with an honest guest");
    assert!(
        most <= honest + MEMORY_KB,
        "{most} kB, and {honest} kB with an honest guest"
    );
}

fn most_kb(name: &str) -> u64 {
    let program = std::env::current_exe().unwrap();
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

macro_rules! cases {
    ($(fn $name:ident() $body:block)*) => {
        $(#[test] fn $name() { alone(stringify!($name), || $body) })*
    };
}

cases! {
    fn an_honest_guest_brings_what_a_step_made() {
        let home = Home::new();
        let made = [folder("d"), file("d/made", 4), file("own", 13)];
        shared_with(&home, |guest| {
            guest.obey_but(&made, |guest, id, path| {
                let own = path.ends_with("own");
                let content: &[u8] = if own { b"the learner's" } else { b"made" };
                let _ = guest.send(&data(id, content)) && guest.done(id);
            });
        })
        .unwrap();
        assert_eq!(home.shared(), ["d", "d/made", "own"]);
        assert_eq!(fs::read(home.at("shared/d/made")).unwrap(), b"made");
    }

    fn a_file_that_is_said_to_have_a_byte_brings_no_more() {
        let home = Home::new();
        let entries = [file("own", 13), file("small", 1)];
        let error = shared_with(&home, |guest| {
            guest.obey_but(&entries, |guest, id, path| {
                if path.ends_with("own") {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                    return;
                }
                let frame = data(id, &[7; CHUNK_BYTES]);
                let mut sent = 0;
                while sent < 1_500_000_000 && guest.send(&frame) {
                    sent += frame.len();
                }
                guest.done(id);
            });
        })
        .unwrap_err();
        assert_eq!(error, format!("{BROKE}it sent more of a file than was wanted"));
        assert_eq!(home.shared(), ["own"]);
    }

    fn a_file_as_large_as_a_folder_may_be_is_not_held_in_memory() {
        let home = Home::new();
        let large = 90_000_000;
        let entries = [file("own", 13), file("large", large)];
        shared_with(&home, |guest| {
            guest.obey_but(&entries, |guest, id, path| {
                if path.ends_with("own") {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                    return;
                }
                let mut left = large as usize;
                while left > 0 {
                    let some = left.min(CHUNK_BYTES);
                    guest.send(&data(id, &vec![7; some]));
                    left -= some;
                }
                guest.done(id);
            });
        })
        .unwrap();
        assert_eq!(home.shared(), ["large", "own"]);
        assert_eq!(fs::metadata(home.at("shared/large")).unwrap().len(), large);
    }

    fn what_is_printed_while_a_listing_is_awaited_is_kept_within_bounds() {
        let home = Home::new();
        let (mut kept, mut last) = (0, Vec::new());
        let listed = meet(
            |guest| {
                guest.obey_listing(|guest, id| {
                    guest.flood();
                    guest.listed(id, &[file("own", 5)], false);
                });
            },
            |machine| {
                machine.be_patient_for(Duration::from_secs(60));
                let id = machine.next_id();
                let folder = home.at("shared");
                machine.request(&GuestRequest::List { id, folder }).unwrap();
                let listed = machine.answer(id, "list files", &mut |_| ()).unwrap();
                while let Some(Incoming::Output { bytes, .. }) =
                    machine.next(Duration::ZERO).unwrap()
                {
                    kept += bytes.len();
                    last = bytes;
                }
                listed
            },
        );
        assert_eq!(listed.len(), 1);
        assert!(kept < 5_000_000, "{kept}");
        let last = String::from_utf8_lossy(&last);
        assert!(last.ends_with("bytes left out …\n"), "{last}");
    }

    fn a_guest_that_prints_and_never_answers_is_given_up() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            let frame = output(1, Stream::Stdout, &[b'x'; 65536]);
            while guest.send(&frame) {}
        })
        .unwrap_err();
        assert!(error.starts_with("the guest did not answer within 2 seconds"), "{error}");
    }

    fn a_guest_that_says_nothing_is_given_up() {
        let home = Home::new();
        let error = shared_with(&home, |guest| while guest.asked().is_some() {}).unwrap_err();
        assert!(error.starts_with("the guest did not answer within 2 seconds"), "{error}");
    }

    fn a_guest_that_takes_nothing_is_given_up() {
        let home = Home::new();
        fs::write(home.at("shared/large"), vec![7; 3_000_000]).unwrap();
        let mut home = home;
        home.before = there(home.folder.path());
        let error = shared_with(&home, |guest| {
            // By this it hears that nobody is there any more.
            while guest.send(&output(1, Stream::Stdout, b"x")) {
                thread::sleep(Duration::from_millis(5));
            }
        })
        .unwrap_err();
        assert!(error.starts_with("cannot talk to the guest: "), "{error}");
    }

    fn what_is_printed_while_files_are_sent_is_kept_within_bounds() {
        let home = Home::new();
        fs::write(home.at("shared/large"), vec![7; 3_000_000]).unwrap();
        meet(
            |guest| {
                guest.flood();
                guest.obey(&[file("own", 13), file("large", 3_000_000)], b"");
            },
            |machine| {
                machine.be_patient_for(Duration::from_secs(60));
                Shared::new(&home.at("shared")).push(machine).unwrap();
            },
        );
    }

    fn a_listing_without_end_is_refused() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| {
                for number in 0.. {
                    let some = (0..32).map(|at| file(&format!("{number}-{at}"), 0));
                    if !guest.listed(id, &some.collect::<Vec<_>>(), true) {
                        break;
                    }
                }
            });
        })
        .unwrap_err();
        let what = format!("{BROKE}it listed more than {LISTED_PATHS} paths");
        assert!(error.starts_with(&what), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }

    fn a_listing_of_nothing_without_end_is_refused() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| while guest.listed(id, &[], true) {});
        })
        .unwrap_err();
        assert_eq!(error, format!("{BROKE}it listed nothing, and more to come"));
    }

    fn long_names_count() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| {
                let long = "x/".repeat(4_000);
                while guest.listed(id, &[file(&long, 0)], true) {}
            });
        })
        .unwrap_err();
        assert!(error.starts_with(BROKE), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }

    fn as_many_paths_as_a_listing_may_have_stay_within_bounds() {
        let home = Home::new();
        let long = "x".repeat(180);
        let entries = (0..LISTED_PATHS - 1)
            .map(|number| link(&format!("{number}{long}"), Path::new("y")));
        let entries: Vec<Entry> = [file("own", 13)].into_iter().chain(entries).collect();
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        assert_eq!(home.shared().len(), LISTED_PATHS);
    }

    fn sizes_whose_sum_is_more_than_a_number_holds_are_too_much() {
        let home = Home::new();
        let entries = [file("own", u64::MAX), file("b", 14)];
        let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
        assert!(error.contains("MB, and the lab takes"), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }

    fn what_the_learner_wrote_meanwhile_stays_and_the_labs_lies_beside() {
        let home = Home::new();
        let write = |name: &str, text: &str| fs::write(home.at("shared").join(name), text).unwrap();
        for folder in ["d", "e", "f"] {
            fs::create_dir(home.at("shared").join(folder)).unwrap();
        }
        for name in ["d/step", "e/gone", "f/step", "edited", "removed", "same"] {
            write(name, "before");
        }
        // A step removes `d` and writes a file there, removes `e`, and edits and writes this and that.
        let entries = [
            file("own", 13),
            file("d", 3),
            folder("f"),
            file("f/step", 3),
            file("f/new", 3),
            file("edited", 3),
            file("same", 3),
            file("new", 3),
            link("link", Path::new("lab")),
        ];
        let conflicts = meet(
            |guest| {
                guest.obey_but(&entries, |guest, id, path| {
                    let own = path.ends_with("own");
                    let content: &[u8] = if own { b"the learner's" } else { b"lab" };
                    let _ = guest.send(&data(id, content)) && guest.done(id);
                });
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                let odd = OsStr::from_bytes(b"e/r\xe9sum\xe9");
                for name in ["d/notes.txt", "new", "removed", "edited", "edited.from-lab"] {
                    write(name, "the learner's");
                }
                fs::write(home.at("shared").join(odd), "the learner's").unwrap();
                write("same", "lab");
                symlink("learner", home.at("shared/link")).unwrap();
                fs::remove_dir_all(home.at("shared/f")).unwrap();
                write("f", "a file now");
                shared.pull(machine).unwrap();
                let conflicts = shared.take_conflicts();
                // Nothing is kept twice, or told.
                shared.pull(machine).unwrap();
                assert_eq!(shared.take_conflicts(), []);
                conflicts
            },
        );
        let now = there(&home.at("shared"));
        let text = |name: &str| now.get(Path::new(name)).map(String::as_str);
        for (name, expected) in [
            ("d/notes.txt", Some("the learner's")),
            ("d/step", None),
            ("d.from-lab", Some("lab")),
            ("e/gone", None),
            ("edited", Some("the learner's")),
            ("edited.from-lab", Some("the learner's")),
            ("edited.from-lab-2", Some("lab")),
            ("removed", Some("the learner's")),
            ("same", Some("lab")),
            ("same.from-lab", None),
            ("new", Some("the learner's")),
            ("new.from-lab", Some("lab")),
            ("link", Some("learner")),
            ("link.from-lab", Some("lab")),
            ("f", Some("a file now")),
            ("f.from-lab/new", Some("lab")),
            ("f.from-lab/step", Some("lab")),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
        let odd = Path::new(OsStr::from_bytes(b"e/r\xe9sum\xe9"));
        assert_eq!(now.get(odd).map(String::as_str), Some("the learner's"));
        let told: BTreeSet<String> = conflicts
            .iter()
            .map(|conflict| match &conflict.of_lab {
                LabVersion::Kept(beside) => {
                    let beside = beside.path().display();
                    format!("{} {beside}", conflict.path.path().display())
                }
                what => format!("{} {what:?}", conflict.path.path().display()),
            })
            .collect();
        let expected = [
            "d d.from-lab",
            "e Removed",
            "edited edited.from-lab-2",
            "f f.from-lab",
            "link link.from-lab",
            "new new.from-lab",
            "removed Removed",
        ];
        assert_eq!(told, expected.map(str::to_owned).into());
    }

    fn names_of_any_bytes_come_back() {
        let home = Home::new();
        // `r\xe9sum\xe9`
        let odd = "\u{0}72e973756de9";
        let entries = [file("own", 13), file(odd, 13)];
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        let name = OsStr::from_bytes(b"r\xe9sum\xe9");
        let read = fs::read(home.at("shared").join(name)).unwrap();
        assert_eq!(read, b"the learner's");
    }

    fn what_nobody_may_enter_there_comes_back_and_is_no_other_then() {
        let home = Home::new();
        let entries = [
            file("own", 13),
            entry("z", &Kind::Folder { mode: 0 }),
            entry("z/f", &Kind::File { mode: 0, bytes: 13 }),
            entry("z/s", &Kind::File { mode: 0o4755, bytes: 13 }),
        ];
        let mut puts = 0;
        let sent = &mut puts;
        meet(
            move |guest| {
                while let Some(request) = guest.asked() {
                    let Request::Guest(request) = request else { continue };
                    match request {
                        GuestRequest::List { id, .. } => drop(guest.listed(id, &entries, false)),
                        GuestRequest::Get { id, .. } => {
                            let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                        }
                        GuestRequest::Put { id, .. } => {
                            *sent += 1;
                            guest.done(id);
                        }
                        GuestRequest::Make { id, .. } => drop(guest.done(id)),
                        _ => {}
                    }
                }
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                for _ in 0..3 {
                    shared.push(machine).unwrap();
                    shared.pull(machine).unwrap();
                }
            },
        );
        // The file that was there, and nothing that came from the guest.
        assert_eq!(puts, 1);
        let mode = |name: &str| fs::metadata(home.at(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("shared/z"), 0o700);
        assert_eq!(mode("shared/z/f"), 0o400);
        assert_eq!(mode("shared/z/s"), 0o755);
    }

    fn a_folder_that_was_replaced_is_not_written_to() {
        let mut home = Home::new();
        let entries = [file("own", 13), file("made", 13)];
        let error = meet(
            |guest| guest.obey(&entries, b"the learner's"),
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                fs::rename(home.at("shared"), home.at("moved")).unwrap();
                symlink(home.at("Documents"), home.at("shared")).unwrap();
                shared.pull(machine).unwrap_err().to_string()
            },
        );
        assert!(error.contains("is not the folder that it was"), "{error}");
        assert_eq!(there(&home.at("Documents")).len(), 2);
        assert_eq!(there(&home.at("moved")).len(), 1);
        home.before.clear();
    }

    fn a_path_that_leads_out_is_refused() {
        let hexadecimal = "\u{0}2e2e2f78";
        for path in ["../x", "d/../../x", "/x", "..", ".", "", "d/\u{0}", hexadecimal] {
            let home = Home::new();
            let entries = [file("own", 13), folder("d"), file(path, 1)];
            let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
            assert!(error.starts_with(BROKE), "{path:?}: {error}");
            assert_eq!(home.shared(), ["own"]);
        }
    }

    fn a_listing_that_contradicts_itself_is_refused_before_anything_is_made() {
        let home = Home::new();
        let out = home.folder.path();
        let lies: [&[Entry]; 4] = [
            &[folder("l"), folder("l/Documents"), link("l", out), file("l/Documents", 1)],
            &[link("l", out), file("l/.bashrc", 1)],
            &[link("l", out), folder("l/Documents"), file("l/Documents/letters", 1)],
            &[file("x", 1), file("x/y", 1)],
        ];
        for lie in lies {
            let entries = [&[folder("first"), file("own", 13)], lie].concat();
            let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
            assert!(error.starts_with(&format!("{BROKE}a listing has `")), "{error}");
            assert_eq!(home.shared(), ["own"]);
        }
    }

    fn what_leads_out_in_the_folder_leads_nobody_out() {
        let mut home = Home::new();
        // The learner's own links, and one that a guest makes first.
        symlink(home.at("Documents"), home.at("shared/documents")).unwrap();
        symlink(home.at(".bashrc"), home.at("shared/bashrc")).unwrap();
        home.before = there(home.folder.path());
        let first = [
            file("own", 13),
            link("documents", &home.at("Documents")),
            link("bashrc", &home.at(".bashrc")),
            link("made", home.folder.path()),
        ];
        let second = [
            file("own", 13),
            folder("documents"),
            folder("documents/letters"),
            file("documents/letters/mother", 13),
            file("documents/new", 13),
            file("bashrc", 13),
            folder("made"),
            file("made/.bashrc", 13),
        ];
        meet(
            |guest| {
                guest.obey_in_turn(&[&first, &first, &second], |guest, id, _| {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                });
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                for _ in 0..2 {
                    shared.push(machine).unwrap();
                    shared.pull(machine).unwrap();
                }
            },
        );
        // What the guest has now is in the shared folder.
        assert!(!home.at("shared/made").is_symlink());
        for name in ["shared/made/.bashrc", "shared/documents/new", "shared/bashrc"] {
            assert_eq!(fs::read(home.at(name)).unwrap(), b"the learner's");
        }
        for name in ["shared/documents", "shared/bashrc"] {
            home.before.remove(Path::new(name));
        }
        home.is_as_it_was();
    }

    fn a_folder_that_became_a_link_meanwhile_leads_nobody_out() {
        let home = Home::new();
        fs::create_dir(home.at("shared/d")).unwrap();
        fs::write(home.at("shared/d/mother"), "the learner's").unwrap();
        // The guest removes one file and makes another one.
        let entries = [file("own", 13), folder("d"), file("d/new", 13)];
        meet(
            |guest| {
                guest.obey(&entries, b"the learner's");
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                fs::remove_dir_all(home.at("shared/d")).unwrap();
                symlink(home.at("Documents/letters"), home.at("shared/d")).unwrap();
                shared.pull(machine).unwrap();
            },
        );
        assert_eq!(there(&home.at("Documents/letters")).len(), 1);
        assert_eq!(fs::read(home.at("Documents/letters/mother")).unwrap(), b"the learner's");
        assert_eq!(home.shared(), ["d", "d.from-lab", "d.from-lab/new", "own"]);
    }

    fn what_cannot_be_made_is_left_out() {
        let home = Home::new();
        let entries = [file("own", 13), entry("pipe", &Kind::Other), file(&"n".repeat(300), 13)];
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        assert_eq!(home.shared(), ["own"]);
    }

    fn frames_that_are_none_are_refused() {
        let nested = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
        let deep = [b"{\"Failed\":{\"what\":".to_vec(), nested.clone()].concat();
        let long = vec![b'x'; 3 << 20];
        let frames: [&[u8]; 7] = [
            b"\xff\xff\xff\xff\0",
            b"\0\0\0\0\x09",
            b"\x02\0\0\0\x01xx",
            &framed(0, &nested),
            &framed(0, &deep),
            &framed(0, b"{\"Ended\": 1}"),
            &framed(0, &long),
        ];
        for frame in frames {
            let error = heard(|guest| { guest.send(frame); });
            assert!(error.starts_with(BROKE), "{error}");
        }
    }

    fn what_nobody_asked_for_is_refused() {
        let (id, status) = (5, Status::Exited(0));
        let replies = [
            Reply::Hello { version: 3 },
            Reply::Started { held: Held::default() },
            Reply::Finished { leftovers: Vec::new() },
            Reply::Ended { id, status, shell: ShellFate::Kept, on_request: false },
            Reply::Guest(GuestReply::Done { id, error: None }),
            Reply::Guest(GuestReply::Listed { id, entries: Vec::new(), more: false }),
            Reply::Guest(GuestReply::TerminalEnded { id, status }),
        ];
        for reply in replies {
            let error = heard(|guest| { guest.say(reply); });
            assert!(error.starts_with(&format!("{BROKE}it ")), "{error}");
        }
        let error = heard(|guest| { guest.send(&data(9, b"x")); });
        assert_eq!(error, format!("{BROKE}it sent bytes of a file that was not asked for"));
    }

    fn a_text_that_is_longer_than_any_is_refused() {
        let what = "\u{1b}]0;x\u{7}".repeat(10_000);
        let error = heard(|guest| { guest.say(Reply::Failed { what }); });
        assert_eq!(error, format!("{BROKE}it sent a text of 60000 bytes, and 1003 is the most"));
    }

    fn an_end_that_no_process_has_is_refused() {
        let status = Status::Signaled(i32::MAX);
        let error = meet(
            |guest| {
                guest.asked();
                guest.say(Reply::Ended { id: 1, status, shell: ShellFate::Kept, on_request: false });
            },
            |machine| {
                let (script, mode) = ("x".to_owned(), Mode::Step);
                machine.send(&Request::Run { id: 1, script, mode }).unwrap();
                machine.next(PATIENCE).unwrap_err().to_string()
            },
        );
        assert!(error.starts_with(&format!("{BROKE}it told of an end that no process has")), "{error}");
    }

    fn a_machine_that_broke_the_protocol_is_ended() {
        let errors = meet(
            |guest| {
                guest.send(b"\0\0\0\0\x09");
                let end = guest.channel.read(&mut [0; 10]);
                assert!(matches!(end, Ok(0)), "{end:?}");
            },
            |machine| {
                let first = machine.next(PATIENCE).unwrap_err();
                let then = machine.send(&Request::Finish { grace_ms: 0 }).unwrap_err();
                [first, then]
            },
        );
        let [first, then] = errors;
        assert!(matches!(first, MachineError::Broke { .. }), "{first:?}");
        assert!(matches!(then, MachineError::Ended { .. }), "{then:?}");
    }
}

fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&length[..], &[kind], payload].concat()
}
