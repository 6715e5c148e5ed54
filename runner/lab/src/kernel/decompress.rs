//! Unpacks one packed stream, by what it begins with, and never past a limit.

use std::io::{self, BufRead, Read};

/// The memory that a window may take, in bytes. The kernel packs itself with windows of up to
/// 128 MB (`zstd -22 --ultra`, `scripts/Makefile.lib`).
const WINDOW_LIMIT_LOG2: u32 = 27;

/// The memory that the decoder of xz may take, in bytes.
const XZ_LIMIT: u64 = 256 << 20;

/// A way of packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip, RFC 1952.
    Gzip,
    /// The .xz file format.
    Xz,
    /// Zstandard, RFC 8878.
    Zstd,
    /// The legacy frame of `lz4 -l`, which the kernel's build uses, or a frame of today.
    Lz4,
}

impl Packing {
    /// Knows a way of packing by its first bytes.
    pub fn of(start: &[u8]) -> Option<Packing> {
        let kinds: [(&[u8], Packing); 5] = [
            (b"\x1f\x8b", Packing::Gzip),
            (b"\xfd7zXZ\0", Packing::Xz),
            (b"\x28\xb5\x2f\xfd", Packing::Zstd),
            (b"\x02\x21\x4c\x18", Packing::Lz4),
            (b"\x04\x22\x4d\x18", Packing::Lz4),
        ];
        let kind = kinds.iter().find(|(magic, _)| start.starts_with(magic));
        kind.map(|(_, packing)| *packing)
    }

    /// Returns a reader of the unpacked bytes of one stream. What follows the stream is not read.
    pub fn reader<'r>(self, packed: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Packing::Gzip => Box::new(flate2::bufread::GzDecoder::new(packed)),
            Packing::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_LIMIT, 0)
                    .map_err(io::Error::other)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?.single_frame();
                decoder.window_log_max(WINDOW_LIMIT_LOG2)?;
                Box::new(decoder)
            }
            Packing::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(packed)),
        })
    }
}

/// Unpacks a stream that becomes at most `limit` bytes.
pub fn unpacked(packing: Packing, packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    bounded(packing.reader(packed)?, limit)
}

/// Reads all there is, and fails when that is more than `limit` bytes.
pub fn bounded(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("unpacked, it has more than {limit} bytes"),
        ));
    }
    Ok(bytes)
}
