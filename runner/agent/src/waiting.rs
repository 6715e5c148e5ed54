//! Keeps what the other end says while it is not heard: while something is sent to it, or an
//! answer is awaited. It is bounded. Output beyond that is left out and counted, since a program
//! need not know that its output is not read; anything else beyond it was not asked for.

use crate::protocol::{Incoming, Stream};
use std::collections::VecDeque;
use std::io;

/// The most that is kept of outputs.
const OUTPUT_BYTES: usize = 4 * 1024 * 1024;

/// The most that is kept in all. The answers to as many files as a listing has take half of it.
const ALL_BYTES: usize = 12 * 1024 * 1024;

/// The memory that one takes beside its bytes.
const ITEM_BYTES: usize = 128;

/// The messages still to be heard, in their order.
#[derive(Debug, Default)]
pub struct Waiting {
    queue: VecDeque<(Incoming, usize)>,
    bytes: usize,
    /// Where the first bytes that were not kept were printed, and the count of all of them.
    left_out: Option<(u32, Stream, u64)>,
}

impl Waiting {
    /// Keeps something that took so many bytes on its way; an error if it is too much.
    pub fn push(&mut self, incoming: Incoming, bytes: usize) -> io::Result<()> {
        let bytes = bytes + ITEM_BYTES;
        if let Incoming::Output {
            id,
            stream,
            bytes: printed,
        } = &incoming
            && (self.left_out.is_some() || self.bytes + bytes > OUTPUT_BYTES)
        {
            let (_, _, left_out) = self.left_out.get_or_insert((*id, *stream, 0));
            *left_out += printed.len() as u64;
            return Ok(());
        }
        if self.bytes + bytes > ALL_BYTES {
            let what = "it says more than anybody asked for";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.bytes += bytes;
        self.queue.push_back((incoming, bytes));
        Ok(())
    }

    /// Returns what is to be heard next. That something was left out is said where it was printed.
    pub fn pop(&mut self) -> Option<Incoming> {
        if let Some((incoming, bytes)) = self.queue.pop_front() {
            self.bytes -= bytes;
            return Some(incoming);
        }
        // An empty queue keeps the memory of its greatest length, so a new one replaces it.
        self.queue = VecDeque::new();
        let (id, stream, left_out) = self.left_out.take()?;
        let bytes = format!("\n… {left_out} bytes left out …\n").into_bytes();
        Some(Incoming::Output { id, stream, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Reply;

    fn printed(bytes: usize) -> Incoming {
        let (id, stream) = (7, Stream::Stdout);
        let bytes = vec![b'x'; bytes];
        Incoming::Output { id, stream, bytes }
    }

    fn pushed(waiting: &mut Waiting, incoming: Incoming) -> io::Result<()> {
        let bytes = match &incoming {
            Incoming::Output { bytes, .. } => bytes.len(),
            _ => 200_000,
        };
        waiting.push(incoming, bytes)
    }

    #[test]
    fn what_is_printed_beyond_the_bound_is_counted_and_told_at_the_end() {
        let mut waiting = Waiting::default();
        for _ in 0..100 {
            pushed(&mut waiting, printed(65_536)).unwrap();
        }
        let mut kept = 0;
        let mut last = Vec::new();
        while let Some(Incoming::Output { id: 7, bytes, .. }) = waiting.pop() {
            kept += bytes.len();
            last = bytes;
        }
        let note = String::from_utf8(last).unwrap();
        let left_out = 100 * 65_536 - (kept - note.len());
        assert_eq!(note, format!("\n… {left_out} bytes left out …\n"));
        assert!(kept <= OUTPUT_BYTES && waiting.pop().is_none());
        // Then there is room again.
        pushed(&mut waiting, printed(1)).unwrap();
        assert_eq!(waiting.pop(), Some(printed(1)));
    }

    #[test]
    fn small_outputs_count_too() {
        let mut waiting = Waiting::default();
        for _ in 0..1_000_000 {
            pushed(&mut waiting, printed(1)).unwrap();
        }
        assert!(waiting.queue.len() < OUTPUT_BYTES / ITEM_BYTES);
    }

    #[test]
    fn answers_that_nobody_asked_for_are_an_error_in_the_end() {
        let mut waiting = Waiting::default();
        let mut answer = || {
            let what = String::new();
            pushed(&mut waiting, Incoming::Reply(Reply::Failed { what }))
        };
        let error = (0..100).find_map(|_| answer().err()).unwrap().to_string();
        assert_eq!(error, "it says more than anybody asked for");
    }
}
