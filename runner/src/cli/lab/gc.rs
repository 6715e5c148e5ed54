//! `tutor lab gc`: lists what is spare in the lab's cache, and removes it after asking.

use super::status::{counted, row};
use crate::cli::arguments::LabGcArguments;
use crate::cli::context::Context;
use crate::cli::failure::ends_with_help;
use crate::cli::output::{can_ask, confirmed};
use crate::exit::Exit;
use crate::say;
use crate::storage::size;
use std::io;
use tutor_lab::cache::{Cache, CacheError};
use tutor_lab::spare::Spare;

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
    show(context, &spare)?;
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

fn show(context: &Context, spare: &Spare) -> io::Result<()> {
    let paint = &context.stdout;
    if !spare.kernels.is_empty() {
        outln!("{}", paint.bold(&say!("lab-gc-kernels")));
        for one in &spare.kernels {
            outln!("  {}", row(one));
        }
    }
    let mut again = counted(&spare.files);
    if spare.left_bytes > 0 {
        again.push(say!("lab-gc-left", size = size(spare.left_bytes)));
    }
    if !again.is_empty() {
        outln!("{}", paint.bold(&say!("lab-gc-again")));
        for line in again {
            outln!("  {line}");
        }
    }
    Ok(())
}
