//! Reads the files that commands are about.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{CommandError, FilePlace};
use crate::object::BpfObject;

/// More than any BPF object has; a whole kernel is larger, and an endless file is not read for ever.
const LIMIT: u64 = 256 << 20;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let cannot = |error: std::io::Error| {
        let place = FilePlace::file(path);
        CommandError::at(place, format!("cannot read the file: {}", plain(&error)))
    };
    let file = File::open(path).map_err(cannot)?;
    let mut data = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut data)
        .map_err(cannot)?;
    if data.len() as u64 > LIMIT {
        let message = format!(
            "the file has more than {} MiB, and no BPF object has",
            LIMIT >> 20
        );
        return Err(CommandError::at(FilePlace::file(path), message));
    }
    Ok(data)
}

/// The error's words without Rust's number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

/// Reads an object out of what [`read`] returned.
pub fn object<'d>(path: &Path, data: &'d [u8]) -> Result<BpfObject<'d>, CommandError> {
    BpfObject::parse(data).map_err(|error| {
        let place = FilePlace::file(path).offset(error.offset());
        CommandError::at(place, &error).with_help(error.help())
    })
}
