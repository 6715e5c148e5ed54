//! A file's bytes on their way from a guest: a few in memory, and many in a file of the folder that has
//! no name there, so that a guest decides how much disk they take and not how much memory.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use tempfile::SpooledTempFile;
use tutor_files::Hash;
use tutor_files::hash::Hasher;

/// How much is kept in memory.
const MEMORY_BYTES: usize = 4 * 1024 * 1024;

/// The part of a file that has come so far.
pub(super) struct Content {
    bytes: SpooledTempFile,
    hash: Hasher,
    count: u64,
    failed: io::Result<()>,
}

impl Content {
    /// Nothing yet. A file that is too large for the memory goes to this folder.
    pub(super) fn new(folder: &Path) -> Content {
        Content {
            bytes: tempfile::spooled_tempfile_in(MEMORY_BYTES, folder),
            hash: Hasher::default(),
            count: 0,
            failed: Ok(()),
        }
    }

    /// Takes the next bytes. An error is kept for the end, since the rest comes all the same.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.count += bytes.len() as u64;
        if self.failed.is_ok() {
            self.failed = self.bytes.write_all(bytes);
        }
    }

    /// How many bytes came.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The hash of what came; an error if that could not be kept.
    pub(super) fn hash(&mut self) -> io::Result<Hash> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        Ok(self.hash.clone().done())
    }

    /// All that came, from its beginning.
    pub(super) fn read(&mut self) -> io::Result<&mut dyn Read> {
        self.bytes.rewind()?;
        Ok(&mut self.bytes)
    }
}
