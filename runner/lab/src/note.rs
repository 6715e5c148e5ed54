//! Notes: what took time to find out, as JSON in the cache.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use tutor_files::root::read_regular;

/// The most that is read of a note.
const NOTE_BYTES: u64 = 64 << 20;

/// Reads a note; nothing if it is missing or damaged, or of another form.
pub fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&read_regular(file, NOTE_BYTES).ok()?).ok()
}

/// Writes a note. One that cannot be written is found out anew the next time, and no more.
pub fn write(file: &Path, note: &impl Serialize) {
    if let Ok(bytes) = serde_json::to_vec(note) {
        let _ = tutor_files::write(file, &bytes, 0o600);
    }
}
