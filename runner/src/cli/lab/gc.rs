//! `tutor lab gc`: lists what is spare in the lab's cache, and removes it after asking.

use super::status::{by_purpose, counted, row};
use crate::cli::arguments::LabGcArguments;
use crate::cli::context::Context;
use crate::cli::failure::ends_with_help;
use crate::cli::output::{can_ask, confirmed};
use crate::exit::Exit;
use crate::say;
use crate::storage::size;
use std::io;
use std::time::Duration;
use tutor_lab::cache::{Cache, CacheError, InstalledKernel, PartialDownloads};
use tutor_lab::fetch::lock::KernelLock;
use tutor_lab::tidy::{self, CachedFile};

/// Lists what is spare, and removes it when told to.
pub fn gc(context: &Context, arguments: &LabGcArguments) -> anyhow::Result<Exit> {
    let cache = Cache::below(&context.folders.cache);
    let failed = |error: CacheError| {
        let message = say!("lab-gc-failed", error = error.to_string());
        ends_with_help(Exit::Lacking, message, Some(say!("lab-gc-help")))
    };
    let spare = Spare::of(&cache).map_err(failed)?;
    if spare.is_empty() {
        context.tell(&say!("lab-gc-nothing"))?;
        return Ok(Exit::Success);
    }
    spare.show(context)?;
    if !arguments.yes {
        if !can_ask() {
            context.tell(&say!("lab-gc-how"))?;
            return Ok(Exit::Success);
        }
        if !confirmed(io::stderr(), &say!("lab-gc-ask"))? {
            return Ok(Exit::Success);
        }
    }
    let bytes = spare.remove(&cache).map_err(failed)?;
    outln!("{}", say!("lab-gc-removed", size = size(bytes)));
    Ok(Exit::Success)
}

/// What `tutor lab gc` may remove.
struct Spare {
    /// Kernels that lessons do not ask for.
    kernels: Vec<InstalledKernel>,
    states: Vec<CachedFile>,
    checkpoints: Vec<CachedFile>,
    /// What downloads and unpacking left, in bytes.
    left: u64,
}

impl Spare {
    fn of(cache: &Cache) -> Result<Spare, CacheError> {
        let lock = KernelLock::own();
        let mut kernels = Vec::new();
        for one in cache.list()? {
            let is_newest = cache.kernel(one.kernel.series())?.as_ref() == Some(&one.kernel);
            let is_pinned = lock.pinned(one.kernel.series()).is_some();
            if one.is_file || !(is_newest && is_pinned) {
                kernels.push(one);
            }
        }
        let (states, checkpoints) = by_purpose(tidy::spare(cache, 0, Duration::ZERO)?);
        let _lock = cache.lock_for("fetch")?;
        Ok(Spare {
            kernels,
            states,
            checkpoints,
            left: cache.left()?,
        })
    }

    fn is_empty(&self) -> bool {
        let kept = self.states.len() + self.checkpoints.len();
        self.kernels.is_empty() && kept == 0 && self.left == 0
    }

    fn show(&self, context: &Context) -> io::Result<()> {
        let paint = &context.stdout;
        if !self.kernels.is_empty() {
            outln!("{}", paint.bold(&say!("lab-gc-kernels")));
            for one in &self.kernels {
                outln!("  {}", row(one));
            }
        }
        let mut again = counted(&self.states, &self.checkpoints);
        if self.left > 0 {
            again.push(say!("lab-gc-left", size = size(self.left)));
        }
        if !again.is_empty() {
            outln!("{}", paint.bold(&say!("lab-gc-again")));
            for line in again {
                outln!("  {line}");
            }
        }
        Ok(())
    }

    /// Removes it, but for what is in use by now, and returns how many bytes that were.
    fn remove(&self, cache: &Cache) -> Result<u64, CacheError> {
        let mut bytes = 0;
        for one in &self.kernels {
            cache.remove(one)?;
            bytes += one.bytes;
        }
        for one in self.states.iter().chain(&self.checkpoints) {
            bytes += tidy::remove(one)?;
        }
        if self.left > 0 {
            let _lock = cache.lock_for("fetch")?;
            bytes += cache.sweep_downloads(PartialDownloads::Remove) + cache.sweep_kernels()?;
        }
        Ok(bytes)
    }
}
