//! The requests that a guest has not answered yet, and so what it may say. A program that is root in a
//! guest can talk in the agent's place; here everything is refused that no agent of ours would say.

use std::collections::{BTreeMap, BTreeSet};
use tutor_agent::protocol::{
    GuestReply, GuestRequest, Incoming, LEFTOVERS, LISTED_BYTES, LISTED_PATHS, QUOTED_BYTES, Reply,
    Request, Status,
};
use tutor_files::Found;

/// A text that is quoted is this long at the most, with the mark that it was cut.
const TEXT_BYTES: usize = QUOTED_BYTES + '…'.len_utf8();

/// The requests that are not answered yet.
#[derive(Debug, Default)]
pub struct PendingRequests {
    hellos: u32,
    starts: u32,
    finishes: u32,
    runs: BTreeSet<u32>,
    of_guest: BTreeMap<u32, AwaitedAnswer>,
}

/// The answer to a request that only a guest gets.
#[derive(Debug)]
enum AwaitedAnswer {
    Done,
    /// So many bytes, and that it is done.
    File(u64),
    /// So many paths, and bytes in them, have come.
    Listing(usize, usize),
    Terminal,
}

impl PendingRequests {
    /// Adds a request.
    pub fn ask(&mut self, request: &Request) {
        match request {
            Request::Hello { .. } => self.hellos += 1,
            Request::Start { .. } => self.starts += 1,
            Request::Run { id, .. } => drop(self.runs.insert(*id)),
            Request::Finish { .. } => self.finishes += 1,
            Request::End { .. } => {}
            Request::Guest(request) => {
                let (id, awaited) = match request {
                    GuestRequest::Make { id, .. }
                    | GuestRequest::Put { id, .. }
                    | GuestRequest::Remove { id, .. }
                    | GuestRequest::Clock { id, .. }
                    | GuestRequest::Seed { id, .. } => (id, AwaitedAnswer::Done),
                    GuestRequest::Get {
                        id, at_most_bytes, ..
                    } => (id, AwaitedAnswer::File(*at_most_bytes)),
                    GuestRequest::List { id, .. } => (id, AwaitedAnswer::Listing(0, 0)),
                    GuestRequest::Terminal { id, .. } => (id, AwaitedAnswer::Terminal),
                    GuestRequest::Resize { .. } => return,
                };
                self.of_guest.insert(*id, awaited);
            }
        }
    }

    /// Checks a message of the guest; an error says how no agent of ours would have behaved.
    pub fn hear(&mut self, incoming: &Incoming) -> Result<(), String> {
        match incoming {
            // A process may print after its run ended, or have printed before the guest was saved.
            Incoming::Output { .. } | Incoming::HungUp => Ok(()),
            Incoming::Data { id, bytes } => match self.of_guest.get_mut(id) {
                Some(AwaitedAnswer::Terminal) => Ok(()),
                Some(AwaitedAnswer::File(left)) => {
                    *left = left
                        .checked_sub(bytes.len() as u64)
                        .ok_or("it sent more of a file than was wanted")?;
                    Ok(())
                }
                Some(AwaitedAnswer::Done | AwaitedAnswer::Listing(..)) | None => {
                    Err("it sent bytes of a file that was not asked for".to_owned())
                }
            },
            Incoming::Reply(reply) => self.hear_reply(reply),
        }
    }

    fn hear_reply(&mut self, reply: &Reply) -> Result<(), String> {
        let unasked = |what| format!("it answered {what} that was not asked");
        match reply {
            Reply::Hello { .. } => take(&mut self.hellos).ok_or(unasked("a greeting")),
            Reply::Started { held } => {
                held.lacking.iter().try_for_each(|lacking| text(lacking))?;
                few(held.lacking.len())?;
                take(&mut self.starts).ok_or(unasked("a start"))
            }
            Reply::Unconfined { .. } => Err(unasked("a confinement")),
            Reply::Ended { id, status, .. } => {
                possible(*status)?;
                match self.runs.remove(id) {
                    true => Ok(()),
                    false => Err("it told of the end of a run that was not there".to_owned()),
                }
            }
            Reply::Finished { leftovers } => {
                leftovers.iter().try_for_each(|left| text(&left.command))?;
                few(leftovers.len())?;
                take(&mut self.finishes).ok_or(unasked("an end"))
            }
            Reply::Failed { what } => text(what),
            Reply::Guest(GuestReply::Done { id, error }) => {
                text(error.as_deref().unwrap_or_default())?;
                let answered = self.of_guest.remove(id).map(drop);
                answered.ok_or(unasked("a request"))
            }
            Reply::Guest(GuestReply::Listed { id, entries, more }) => {
                let Some(AwaitedAnswer::Listing(paths, bytes)) = self.of_guest.get_mut(id) else {
                    return Err(unasked("a listing"));
                };
                *paths += entries.len();
                *bytes += entries.iter().map(Found::text_bytes).sum::<usize>();
                if *paths > LISTED_PATHS || *bytes > LISTED_BYTES {
                    return Err(format!(
                        "it listed more than {LISTED_PATHS} paths or {LISTED_BYTES} bytes"
                    ));
                }
                if entries.is_empty() && *more {
                    return Err("it listed nothing, and more to come".to_owned());
                }
                if !more {
                    self.of_guest.remove(id);
                }
                Ok(())
            }
            Reply::Guest(GuestReply::TerminalEnded { id, status }) => {
                possible(*status)?;
                match self.of_guest.remove(id) {
                    Some(AwaitedAnswer::Terminal) => Ok(()),
                    Some(
                        AwaitedAnswer::Done | AwaitedAnswer::File(_) | AwaitedAnswer::Listing(..),
                    )
                    | None => Err(unasked("a terminal")),
                }
            }
        }
    }
}

fn take(count: &mut u32) -> Option<()> {
    *count = count.checked_sub(1)?;
    Some(())
}

fn text(text: &str) -> Result<(), String> {
    match text.len() {
        0..=TEXT_BYTES => Ok(()),
        bytes => Err(format!(
            "it sent a text of {bytes} bytes, and {TEXT_BYTES} is the most"
        )),
    }
}

fn few(processes: usize) -> Result<(), String> {
    match processes {
        0..=LEFTOVERS => Ok(()),
        more => Err(format!(
            "it named {more} processes, and {LEFTOVERS} is the most"
        )),
    }
}

/// Holds a status to those that Linux has.
fn possible(status: Status) -> Result<(), String> {
    match status {
        Status::Exited(0..=255) | Status::Signaled(1..=64) => Ok(()),
        Status::Exited(_) | Status::Signaled(_) => {
            Err(format!("it told of an end that no process has: {status:?}"))
        }
    }
}
