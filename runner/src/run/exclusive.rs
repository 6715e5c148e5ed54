//! Things that only one step on the machine may hold at a time, such as `trace_pipe`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Takes it if nobody has it; `None` says that somebody has.
pub fn try_take(folder: &Path, name: &str) -> io::Result<Option<Held>> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join(format!("{name}.lock")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
