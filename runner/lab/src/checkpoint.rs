//! A guest's state between two steps, kept as what it differs from the base state in.
//!
//! A guest that has run some steps shares nearly all its memory with the state that it was resumed
//! from, so zstd with that as a prefix makes a hundredth of it (zstd(1), `--patch-from`).

use crate::state::{Base, STATE_BYTES};
use std::io::{self, Read, Write};
use std::path::Path;
use tutor_files::root::read_regular;
use tutor_files::{Hash, Hasher};
use zstd::stream::{read::Decoder, write::Encoder};

/// zstd's fastest level.
const LEVEL: i32 = 1;

/// Matches are looked for in so much of the base state: 2^27 bytes are more than any state has.
const WINDOW_LOG: u32 = 27;

/// Keeps a state in a file, with a note about it, as its difference from a base state; for this user
/// alone.
pub fn write(file: &Path, note: &[u8], state: &[u8], base: &Base) -> io::Result<()> {
    let mut encoder = Encoder::with_ref_prefix(Vec::new(), LEVEL, base)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.long_distance_matching(true)?;
    encoder.include_checksum(true)?;
    encoder.write_all(state)?;
    let delta = encoder.finish()?;
    let length = (note.len() as u64).to_le_bytes();
    let content = [&length[..], note, &delta].concat();
    let bytes = [base.hash(), &hash_for(file, &content).0, &content[..]].concat();
    Ok(tutor_files::write(file, &bytes, 0o600)?)
}

/// The hash of what a file holds together with its name: what is whole, and another checkpoint's, has
/// a different one.
fn hash_for(file: &Path, content: &[u8]) -> Hash {
    let mut hasher = Hasher::default();
    hasher.part(file.file_name().unwrap_or_default().as_encoded_bytes());
    hasher.part(content);
    hasher.done()
}

/// Reads the state of a checkpoint from its file, with its note; an error if it was made from another
/// base state, or is not what was kept under this name.
pub fn read(file: &Path, base: &Base) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let bytes = read_regular(file, STATE_BYTES)?;
    let rest = bytes
        .strip_prefix(base.hash())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is of another base state"))?;
    let (hash, content) = rest
        .split_first_chunk()
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    if *hash != hash_for(file, content).0 {
        let error = "its bytes are not those that were saved";
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let (note, delta) = content
        .split_first_chunk()
        .and_then(|(length, rest)| {
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            rest.split_at_checked(length)
        })
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut decoder = Decoder::with_ref_prefix(delta, base)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut state = Vec::with_capacity(base.len());
    // The checksum is at the end, so that what is cut short is an error.
    decoder.take(STATE_BYTES).read_to_end(&mut state)?;
    Ok((state, note.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Bytes that no packing makes smaller, the same each time.
    fn noise(seed: u64, bytes: usize) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(bytes).collect()
    }

    fn changed(base: &[u8]) -> Vec<u8> {
        let mut state = base.to_vec();
        state[500_000..500_100].fill(7);
        state.splice(1_000_000..1_000_000, noise(9, 4096));
        state
    }

    #[test]
    fn a_file_is_read_with_its_own_base_and_as_a_whole_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("step");
        let base = Base::new(noise(1, 2_000_000));
        let state = changed(&base);
        write(&file, b"of a test", &state, &base).unwrap();
        let bytes = fs::metadata(&file).unwrap().len();
        assert!(bytes < 20_000, "{bytes} bytes");
        let (was, note) = read(&file, &base).unwrap();
        assert_eq!(note, b"of a test");
        assert!(was == state);
        let other = Base::new(noise(2, 2_000_000));
        assert!(read(&file, &other).is_err());
        let later = folder.path().join("later");
        write(&later, b"of a test", &base, &base).unwrap();
        assert!(read(&later, &base).is_ok());
        fs::copy(&file, &later).unwrap();
        let error = read(&later, &base).unwrap_err().to_string();
        assert_eq!(error, "its bytes are not those that were saved");
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read(&file, &base).is_err());
    }
}
