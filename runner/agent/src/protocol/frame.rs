//! Frames: how messages, output and files travel on one stream of bytes.
//!
//! A frame is the length of its payload (u32, little-endian), a kind (u8), and the payload. Kind 0
//! holds a message as JSON; kinds 1 and 2 hold a run's id (u32, little-endian) and bytes of its
//! standard output and standard error; kind 3 holds the id of a file or a terminal, and bytes of it,
//! in either direction.

use super::run::Stream;
use serde::Serialize;
use std::io;

/// The longest payload that `tutor` sends: a script is as long as its author made it.
pub const REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// The longest payload that an agent sends. A longer message takes several frames.
pub const REPLY_BYTES: usize = 2 * 1024 * 1024;

const HEADER_BYTES: usize = 5;

/// The memory that a decoder keeps for the next frame when it has handed out all that came.
const KEPT_BYTES: usize = 256 * 1024;

/// One frame, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message as JSON.
    Message(Vec<u8>),
    /// Something that a run printed.
    Output {
        /// The run.
        id: u32,
        /// Where.
        stream: Stream,
        /// The bytes as they came.
        bytes: Vec<u8>,
    },
    /// Part of a file, or of what a terminal gets or shows.
    Data {
        /// The request that it belongs to.
        id: u32,
        /// The bytes as they are.
        bytes: Vec<u8>,
    },
}

/// Returns the frame of a message.
pub fn message(message: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(frame(0, &[&serde_json::to_vec(message)?]))
}

/// Returns the frame of something that a run printed.
pub fn output(id: u32, stream: Stream, bytes: &[u8]) -> Vec<u8> {
    let kind = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    frame(kind, &[&id.to_le_bytes(), bytes])
}

/// Returns the frame of a part of a file or terminal.
pub fn data(id: u32, bytes: &[u8]) -> Vec<u8> {
    frame(3, &[&id.to_le_bytes(), bytes])
}

fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(HEADER_BYTES + length);
    frame.extend_from_slice(&(length as u32).to_le_bytes());
    frame.push(kind);
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

/// Puts frames together from a stream that arrives in pieces. Where each piece is followed by taking
/// all frames that are whole, it never keeps more than one frame and one piece.
#[derive(Debug)]
pub struct Decoder {
    longest_bytes: usize,
    buffer: Vec<u8>,
    taken: usize,
}

impl Decoder {
    /// Takes frames with payloads up to this length; a longer one means that the stream is not this
    /// protocol.
    pub fn new(longest_bytes: usize) -> Decoder {
        Decoder {
            longest_bytes,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 && self.taken >= self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            if self.buffer.len() + bytes.len() <= KEPT_BYTES {
                self.buffer.shrink_to(KEPT_BYTES);
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next frame, if it is whole; an error if the stream is not this protocol.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        let rest = &self.buffer[self.taken..];
        let Some((header, rest)) = rest.split_at_checked(HEADER_BYTES) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if length > self.longest_bytes {
            let what = format!(
                "a frame of {length} bytes, and {} is the most",
                self.longest_bytes
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = match header[4] {
            0 => Frame::Message(payload.to_vec()),
            kind @ 1..=3 => {
                let Some((id, bytes)) = payload.split_first_chunk() else {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "output of no run",
                    ));
                };
                let (id, bytes) = (u32::from_le_bytes(*id), bytes.to_vec());
                let stream = match kind {
                    1 => Stream::Stdout,
                    2 => Stream::Stderr,
                    _ => {
                        self.taken += HEADER_BYTES + length;
                        return Ok(Some(Frame::Data { id, bytes }));
                    }
                };
                Frame::Output { id, stream, bytes }
            }
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a frame of no known kind",
                ));
            }
        };
        self.taken += HEADER_BYTES + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_whole_however_the_stream_is_cut() {
        let mut stream = output(7, Stream::Stderr, b"oops\n");
        stream.extend(message(&"hello").unwrap());
        stream.extend(output(8, Stream::Stdout, b""));
        for cut in 0..stream.len() {
            let mut decoder = Decoder::new(REPLY_BYTES);
            let mut frames = Vec::new();
            for piece in [&stream[..cut], &stream[cut..]] {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            let oops = Frame::Output {
                id: 7,
                stream: Stream::Stderr,
                bytes: b"oops\n".to_vec(),
            };
            assert_eq!(frames.len(), 3);
            assert_eq!(frames[0], oops);
        }
    }

    #[test]
    fn a_frame_of_the_longest_payload_is_taken_and_a_longer_one_is_refused_by_its_header() {
        let mut decoder = Decoder::new(100);
        decoder.push(&data(1, &[7; 96]));
        assert!(decoder.next_frame().unwrap().is_some());
        decoder.push(&data(1, &[7; 97])[..HEADER_BYTES]);
        let error = decoder.next_frame().unwrap_err().to_string();
        assert_eq!(error, "a frame of 101 bytes, and 100 is the most");
    }

    #[test]
    fn a_decoder_keeps_no_more_than_one_frame_needs() {
        let mut decoder = Decoder::new(REPLY_BYTES);
        let long = data(1, &vec![7; REPLY_BYTES - 4]);
        for _ in 0..3 {
            for piece in long.chunks(64 * 1024) {
                decoder.push(piece);
                while decoder.next_frame().unwrap().is_some() {}
                assert!(decoder.buffer.capacity() <= 2 * (REPLY_BYTES + 64 * 1024));
            }
        }
        for _ in 0..100_000 {
            decoder.push(&data(1, b"x"));
            while decoder.next_frame().unwrap().is_some() {}
        }
        assert!(
            decoder.buffer.capacity() <= KEPT_BYTES,
            "{}",
            decoder.buffer.capacity()
        );
    }

    #[test]
    fn a_stream_of_something_else_is_refused() {
        let mut decoder = Decoder::new(REPLY_BYTES);
        decoder.push(b"\xff\xff\xff\xff\0");
        assert!(decoder.next_frame().is_err());
        let mut decoder = Decoder::new(REPLY_BYTES);
        decoder.push(b"\0\0\0\0\x09");
        assert!(decoder.next_frame().is_err());
    }
}
