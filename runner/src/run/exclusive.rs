//! Things that only one step on the machine may hold at a time, such as `trace_pipe`.

use super::places::Options;
use super::stage::TICK;
use crate::say;
use crate::transcript::Ending;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Instant;

/// Held as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct ExclusiveLock {
    _file: File,
}

/// Takes the lock if it is free; `None` says that a process holds it.
pub fn try_take(folder: &Path, name: &str) -> io::Result<Option<ExclusiveLock>> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join(format!("{name}.lock")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(ExclusiveLock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock, waiting until it is free; `waits` is called once if it is held. An error is how
/// the step ends that wanted it.
pub(super) fn take(
    options: &Options,
    name: &str,
    waits: &mut dyn FnMut(),
) -> Result<ExclusiveLock, Ending> {
    let began = Instant::now();
    let mut told = false;
    loop {
        match try_take(&options.locks, name) {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) if options.interrupt.presses() > 0 => return Err(Ending::Interrupted),
            Ok(None) if began.elapsed() > options.lesson_timeout => {
                return Err(Ending::TimedOut(options.lesson_timeout));
            }
            Ok(None) => {
                if !told {
                    waits();
                    told = true;
                }
                std::thread::sleep(TICK);
            }
            Err(error) => {
                let what = say!("exclusive-failed", name = name, error = error.to_string());
                return Err(Ending::Broken(what));
            }
        }
    }
}
