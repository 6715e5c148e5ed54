//! What holds of anything that comes from a guest's port: it is heard without a panic, the same however
//! the stream is cut, and a listing that is taken leads nowhere but below its folder. The fuzz target
//! asks it of what libFuzzer thinks of, `runner/tests/cli/fuzz.rs` of its seeds.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Component, Path};
use std::time::Duration;
use tutor_agent::protocol::frame::{Decoder, Frame, REPLY_BYTES};
use tutor_agent::protocol::{GuestRequest, Mode, Request, VERSION, listing_limits};
use tutor_files::Found;
use tutor_lab::machine::Machine;

/// The most of a stream that is asked about: a socket takes as much with nobody reading.
pub const MOST_BYTES: usize = 64 * 1024;

/// Hears a stream.
pub fn holds_of(stream: &[u8]) {
    let stream = &stream[..stream.len().min(MOST_BYTES)];
    let whole = frames(&[stream]);
    let (first, second) = stream.split_at(stream.len() / 2);
    assert_eq!(whole, frames(&[first, second]));
    assert_eq!(whole, frames(&stream.chunks(3).collect::<Vec<_>>()));
    hear(stream);
}

/// The frames of a stream that comes in these pieces, and whether it is a stream of frames.
fn frames(pieces: &[&[u8]]) -> (Vec<Frame>, bool) {
    let mut decoder = Decoder::new(REPLY_BYTES);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    (frames, true)
}

/// Lets a machine ask for what guests are asked for, and hear the stream as the answer.
fn hear(stream: &[u8]) {
    let (ours, mut theirs) = UnixStream::pair().expect("two sockets");
    let mut machine = Machine::of_agent(ours).expect("a channel");
    machine.be_patient_for(Duration::from_secs(1));
    let ids: Vec<u32> = (0..3).map(|_| machine.next_id()).collect();
    let [listing, file, more] = ids[..] else {
        return;
    };
    let folder = Path::new("/shared");
    let list = |id| GuestRequest::List {
        id,
        folder: folder.to_owned(),
    };
    let asked = [
        Request::Hello { version: VERSION },
        Request::Run {
            id: 1,
            script: String::new(),
            mode: Mode::Step,
        },
        Request::Guest(list(listing)),
        Request::Guest(GuestRequest::Get {
            id: file,
            folder: folder.to_owned(),
            path: tutor_files::Below::new("file").expect("a name"),
            at_most_bytes: 10,
        }),
        Request::Guest(list(more)),
        Request::Finish { grace_ms: 0 },
    ];
    for request in &asked {
        if machine.send(request).is_err() {
            return;
        }
    }
    theirs.write_all(stream).expect("it fits");
    let _ = theirs.shutdown(std::net::Shutdown::Write);
    let mut bytes = 0;
    for id in [listing, file, more] {
        match machine.answer(id, "answer", &mut |some| bytes += some.len()) {
            Ok(entries) => taken(folder, entries),
            Err(_) => break,
        }
    }
    assert!(bytes <= 10, "{bytes} bytes of a file");
    while let Ok(Some(_)) = machine.next(Duration::ZERO) {}
}

/// What is taken of a listing lies below its folder, each path once.
fn taken(folder: &Path, entries: Vec<Found>) {
    let Ok(entries) = listing_limits().check(folder, entries) else {
        return;
    };
    for pair in entries.windows(2) {
        assert!(pair[0].path < pair[1].path, "{pair:?}");
    }
    for found in &entries {
        let mut parts = found.path.path().components();
        assert!(
            parts.all(|part| matches!(part, Component::Normal(_))),
            "{found:?}"
        );
        assert!(found.path.path().components().next().is_some(), "{found:?}");
    }
}
