//! The part of the agent that only a guest has: it takes and gives files, sets the clock, keeps
//! terminals, and says when its other end is gone for good.

mod files;
mod terminal;

use crate::protocol::frame::{data, message};
use crate::protocol::{GuestReply, GuestRequest, LISTED_AT_ONCE_BYTES, Reply, Status, quoted};
use files::Upload;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_settime};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use terminal::GuestTerminal;
use tutor_files::{Found, Root};

/// How long a guest goes on after its machine's other end was closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks whether the other end is open again.
const LOOK: Duration = Duration::from_millis(20);

/// The part of an agent that only a guest has.
#[derive(Debug, Default)]
pub struct Guest {
    incoming: BTreeMap<u32, Upload>,
    terminals: BTreeMap<u32, GuestTerminal>,
    alone_since: Option<Instant>,
}

impl Guest {
    /// Heeds that the other end of the channel is closed. True if that lasts.
    pub fn gave_up(&mut self) -> bool {
        let since = *self.alone_since.get_or_insert_with(Instant::now);
        std::thread::sleep(LOOK);
        since.elapsed() > PATIENCE
    }

    /// Does what was asked for and returns the last frames of the answer; `send` gets those before.
    pub fn obey(&mut self, request: GuestRequest, send: &mut dyn FnMut(&[u8])) -> Vec<u8> {
        self.alone_since = None;
        match request {
            GuestRequest::Make { id, folder } => {
                done(id, Root::make(&folder).map(drop).map_err(io::Error::from))
            }
            GuestRequest::Put {
                id,
                folder,
                path,
                kind,
            } => match files::put(&folder, &path, &kind) {
                Ok(None) => done(id, Ok(())),
                Ok(Some(incoming)) => {
                    self.incoming.insert(id, incoming);
                    Vec::new()
                }
                Err(error) => {
                    // Its bytes are on their way all the same.
                    self.incoming.insert(id, Upload::refused(&kind, error));
                    self.take_data(id, &[])
                }
            },
            GuestRequest::Remove { id, folder, path } => done(id, files::remove(&folder, &path)),
            GuestRequest::Get {
                id,
                folder,
                path,
                at_most_bytes,
            } => {
                let take = |bytes: &[u8]| send(&data(id, bytes));
                done(id, files::read(&folder, &path, at_most_bytes, take))
            }
            GuestRequest::List { id, folder } => match files::list(&folder) {
                Ok(entries) => {
                    listed(id, entries, send);
                    Vec::new()
                }
                Err(error) => done(id, Err(error)),
            },
            GuestRequest::Clock {
                id,
                seconds,
                nanoseconds,
            } => {
                let now = TimeSpec::new(seconds, nanoseconds);
                let set = clock_settime(ClockId::CLOCK_REALTIME, now);
                done(id, set.map_err(io::Error::from))
            }
            GuestRequest::Seed { id, bytes } => {
                let random = OpenOptions::new().write(true).open("/dev/urandom");
                done(
                    id,
                    random.and_then(|random| crate::sys::seed(random, bytes)),
                )
            }
            GuestRequest::Terminal {
                id,
                command,
                cwd,
                env,
                rows,
                columns,
            } => match GuestTerminal::start(&command, &cwd, &env, rows, columns) {
                Ok(terminal) => {
                    self.terminals.insert(id, terminal);
                    Vec::new()
                }
                Err(error) => done(id, Err(error)),
            },
            GuestRequest::Resize { id, rows, columns } => {
                if let Some(terminal) = self.terminals.get(&id) {
                    // A terminal that is about to end may refuse.
                    let _ = terminal.resize(rows, columns);
                }
                Vec::new()
            }
        }
    }

    /// Takes part of a file, or what was typed at a terminal.
    pub fn take_data(&mut self, id: u32, bytes: &[u8]) -> Vec<u8> {
        if let Some(terminal) = self.terminals.get_mut(&id) {
            terminal.write(bytes);
            return Vec::new();
        }
        let Some(incoming) = self.incoming.get_mut(&id) else {
            return Vec::new();
        };
        if !incoming.take(bytes) {
            return Vec::new();
        }
        let placed = self.incoming.remove(&id).map(Upload::place);
        done(id, placed.unwrap_or(Ok(())))
    }

    /// The terminals that may have something to show.
    pub fn terminals(&self) -> impl Iterator<Item = (u32, BorrowedFd<'_>)> {
        let open = self.terminals.iter();
        open.filter_map(|(id, terminal)| Some((*id, terminal.readable()?)))
    }

    /// Returns the frames of what a terminal shows, and of its end.
    pub fn read_terminal(&mut self, id: u32) -> Vec<u8> {
        let Some(terminal) = self.terminals.get_mut(&id) else {
            return Vec::new();
        };
        let shown = terminal.read();
        let mut frames = match shown.is_empty() {
            true => Vec::new(),
            false => data(id, &shown),
        };
        frames.extend(self.ended(id));
        frames
    }

    /// Heeds the end of a child. Returns the frames to tell of it, if it was a terminal's.
    pub fn child_ended(&mut self, child: Pid, status: Status) -> Vec<u8> {
        let mut all = self.terminals.iter_mut();
        let Some((id, terminal)) = all.find(|(_, terminal)| terminal.pid == child) else {
            return Vec::new();
        };
        terminal.status = Some(status);
        let id = *id;
        // Its last output is still to be read; background jobs of its shell may hold it open.
        let mut frames = Vec::new();
        loop {
            let shown = terminal.read();
            if shown.is_empty() {
                break;
            }
            frames.extend(data(id, &shown));
        }
        terminal.close();
        frames.extend(self.ended(id));
        frames
    }

    fn ended(&mut self, id: u32) -> Vec<u8> {
        let ended = self.terminals.get(&id).and_then(GuestTerminal::ended);
        let Some(status) = ended else {
            return Vec::new();
        };
        self.terminals.remove(&id);
        reply(GuestReply::TerminalEnded { id, status })
    }
}

/// Sends a listing, some paths at a time.
fn listed(id: u32, entries: Vec<Found>, send: &mut dyn FnMut(&[u8])) {
    let mut rest = entries.into_iter();
    loop {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < LISTED_AT_ONCE_BYTES
            && let Some(found) = rest.next()
        {
            // The braces and numbers of an entry take some more.
            bytes += found.text_bytes() + 100;
            entries.push(found);
        }
        let more = rest.len() > 0;
        send(&reply(GuestReply::Listed { id, entries, more }));
        if !more {
            return;
        }
    }
}

fn done(id: u32, result: io::Result<()>) -> Vec<u8> {
    let error = result.err().map(|error| quoted(error.to_string()));
    reply(GuestReply::Done { id, error })
}

fn reply(reply: GuestReply) -> Vec<u8> {
    // There is none that cannot be written as JSON.
    message(&Reply::Guest(reply)).unwrap_or_default()
}
