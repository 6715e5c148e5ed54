//! Things that only one step on the machine may hold at a time, such as `trace_pipe` or a port.

use super::places::Options;
use super::stage::TICK;
use crate::lesson::Step;
use crate::say;
use crate::transcript::Ending;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Arc;
use std::time::Instant;

/// Held as long as it lives; the system lets go of it when the process ends, however it ends.
///
/// It is a socket with an abstract name (unix(7)), for those are the machine's: a file would be of one
/// user and one home folder.
#[derive(Debug)]
pub struct ExclusiveLock {
    _socket: UnixListener,
}

/// Takes the lock if it is free; `None` says that a process holds it.
fn try_take(name: &str) -> io::Result<Option<ExclusiveLock>> {
    let address = SocketAddr::from_abstract_name(format!("tutor/exclusive/{name}"))?;
    match UnixListener::bind_addr(&address) {
        Ok(socket) => Ok(Some(ExclusiveLock { _socket: socket })),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

/// The locks that the background steps of a lesson hold while they go on.
#[derive(Debug, Default)]
pub(super) struct Locks {
    kept: Vec<KeptLock>,
}

#[derive(Debug)]
struct KeptLock {
    step: String,
    name: Option<String>,
    lock: Arc<ExclusiveLock>,
}

impl Locks {
    /// Takes the lock, waiting until it is free, or shares that of a background step of this lesson,
    /// which would be waited for in vain; `waits` is called once if another lesson holds it. An error
    /// is how the step ends that wanted it.
    pub fn take(
        &self,
        options: &Options,
        name: &str,
        waits: &mut dyn FnMut(),
    ) -> Result<Arc<ExclusiveLock>, Ending> {
        let mut kept = self.kept.iter();
        if let Some(kept) = kept.find(|kept| kept.name.as_deref() == Some(name)) {
            return Ok(Arc::clone(&kept.lock));
        }
        let began = Instant::now();
        let mut told = false;
        loop {
            match try_take(name) {
                Ok(Some(lock)) => return Ok(Arc::new(lock)),
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

    /// Keeps what a background step holds.
    pub fn keep(&mut self, step: &Step, held: Option<Arc<ExclusiveLock>>) {
        self.kept.extend(held.map(|lock| KeptLock {
            step: step.id.clone(),
            name: step.exclusive.clone(),
            lock,
        }));
    }

    /// Lets go of what a background step held that has ended.
    pub fn release(&mut self, step: &str) {
        self.kept.retain(|kept| kept.step != step);
    }
}
