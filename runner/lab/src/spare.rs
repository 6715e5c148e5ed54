//! The spare part of a cache: kernels that no lesson asks for, and files that can be made again.

use crate::cache::{Cache, CacheError, InstalledKernel};
use crate::fetch::lock::KernelLock;
use crate::tidy::{self, CachedFile};
use std::time::Duration;

/// All that can be removed from a cache and got or made again.
#[derive(Debug)]
pub struct Spare {
    /// Kernels that lessons do not ask for.
    pub kernels: Vec<InstalledKernel>,
    /// States and archives that nothing uses now.
    pub files: Vec<CachedFile>,
    /// The remains of downloads and of unpacking, in bytes.
    pub left_bytes: u64,
}

impl Spare {
    /// Looks for it.
    pub fn of(cache: &Cache) -> Result<Spare, CacheError> {
        let lock = KernelLock::own();
        let mut kernels = Vec::new();
        for one in cache.list()? {
            let is_newest = cache.kernel(one.kernel.series())?.as_ref() == Some(&one.kernel);
            let is_pinned = lock.pinned(one.kernel.series()).is_some();
            if one.is_file || !(is_newest && is_pinned) {
                kernels.push(one);
            }
        }
        let files = tidy::spare(cache, 0, Duration::ZERO)?;
        let _lock = cache.lock_for("fetch")?;
        Ok(Spare {
            kernels,
            files,
            left_bytes: cache.left()?,
        })
    }

    /// True if there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.kernels.is_empty() && self.files.is_empty() && self.left_bytes == 0
    }

    /// Removes it, but for what is in use by now, and returns how many bytes that were.
    pub fn remove(&self, cache: &Cache) -> Result<u64, CacheError> {
        let mut bytes = 0;
        for one in &self.kernels {
            cache.remove(one)?;
            bytes += one.bytes;
        }
        for one in &self.files {
            bytes += tidy::remove(one)?;
        }
        if self.left_bytes > 0 {
            let _lock = cache.lock_for("fetch")?;
            bytes += cache.sweep_downloads() + cache.sweep_kernels()?;
        }
        Ok(bytes)
    }
}
