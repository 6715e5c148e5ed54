//! Stamps, which tell a file from other files, and from itself after a change.
//!
//! A file that is written to, replaced, renamed or given other permissions gets another change time
//! from the kernel, which no program can set (inode(7)). Those times are of the coarse clock: a
//! second change within a tick of the first one shows nowhere, so what changed within the tick of a
//! look counts as `fresh`, and its stamp says nothing yet.

use nix::sys::stat::FileStat;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long ago a file must have changed: some file systems keep times in steps of two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// The state of a file or folder at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed_ns: i64,
}

impl Stamp {
    /// Looks at what a path leads to, if something is there. Links are followed.
    pub fn of(path: &Path) -> Option<Stamp> {
        std::fs::metadata(path)
            .ok()
            .map(|there| Stamp::from(&there))
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Which file it is of, whatever that holds.
    pub fn identity(&self) -> Identity {
        Identity {
            device: self.device,
            inode: self.inode,
        }
    }

    /// True if the other one is of the same file in the same state, as far as one can tell when the
    /// machine has been restarted since, by which devices may get other numbers.
    pub fn is_of_same(&self, other: &Stamp) -> bool {
        let device = self.device;
        Stamp { device, ..*other } == *self
    }

    /// True if it changed long enough before a time that any later change shows.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let limit = now.saturating_sub(SETTLED);
        i128::from(self.changed_ns) < limit.as_nanos() as i128
    }

    /// True if it changed at this time of the coarse clock or later.
    pub(crate) fn is_fresh(&self, now_ns: i64) -> bool {
        self.changed_ns >= now_ns
    }
}

impl From<&Metadata> for Stamp {
    fn from(there: &Metadata) -> Stamp {
        Stamp {
            device: there.dev(),
            inode: there.ino(),
            bytes: there.len(),
            changed_ns: nanoseconds(there.ctime(), there.ctime_nsec()),
        }
    }
}

impl From<&FileStat> for Stamp {
    fn from(there: &FileStat) -> Stamp {
        Stamp {
            device: there.st_dev,
            inode: there.st_ino,
            bytes: there.st_size.try_into().unwrap_or(0),
            changed_ns: nanoseconds(there.st_ctime, there.st_ctime_nsec),
        }
    }
}

/// Which file or folder it is, while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl From<&FileStat> for Identity {
    fn from(there: &FileStat) -> Identity {
        Stamp::from(there).identity()
    }
}

/// The time that files which change now would get.
pub(crate) fn coarse_now() -> io::Result<i64> {
    let now = clock_gettime(ClockId::CLOCK_REALTIME_COARSE)?;
    Ok(nanoseconds(now.tv_sec(), now.tv_nsec()))
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}
