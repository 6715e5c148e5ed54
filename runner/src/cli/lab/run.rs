//! `tutor lab run`: a command in a machine of its own.

use super::guest::{code, open, perform, start, tell_brought, with_loss};
use crate::backend::Session;
use crate::backend::lab::LabSession;
use crate::cli::arguments::LabRunArguments;
use crate::cli::context::{Context, listen_for_interrupts};
use crate::cli::failure::{ends, of_guest};
use crate::exit::Exit;
use crate::say;
use anyhow::Context as _;
use serde_json::json;
use std::time::{Duration, Instant};

/// `tutor lab run`: the command's output is this program's, and so is how it ended.
pub fn run(context: &Context, arguments: &LabRunArguments) -> anyhow::Result<Exit> {
    let words = arguments.command.iter().map(|word| word.to_str());
    let words: Option<Vec<&str>> = words.collect();
    let words = words.ok_or_else(|| ends(Exit::Usage, say!("lab-command-text")))?;
    let began = Instant::now();
    let lab = context.lab(&arguments.guest.kernel)?;
    let (mut session, folder) = open(&lab, &arguments.guest)?;
    start(&mut session, &folder, &[("TERM", "dumb".to_owned())]).map_err(of_guest)?;
    let ready = began.elapsed();
    let mut first_output = None;
    let mut hear = || {
        first_output.get_or_insert_with(|| began.elapsed());
    };
    let interrupt = listen_for_interrupts()?;
    let performed = perform(context, &mut session, &words, &interrupt, &mut hear);
    let ended = began.elapsed();
    if let Some(folder) = &arguments.guest.folder {
        tell_brought(context, folder, &session.take_brought());
    }
    let status = performed.map_err(|error| match error.is::<std::io::Error>() {
        // It came back all the same.
        true => error,
        false => with_loss(error, arguments.guest.folder.as_deref()),
    })?;
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    if let Some(file) = &arguments.measure {
        let (checkpoint, bytes) = checkpoint(&mut session)?;
        let measured = json!({
            "format": 1,
            "guest_ready_ms": millis(ready),
            "first_output_ms": first_output.map(millis),
            "command_ended_ms": millis(ended),
            "checkpoint_ms": millis(checkpoint),
            "checkpoint_bytes": bytes,
        });
        std::fs::write(file, format!("{measured:#}\n")).with_context(|| {
            let file = file.display().to_string();
            say!("lab-measure-failed", file = file)
        })?;
    }
    Ok(Exit::OfCommand(code(status)))
}

/// Takes a checkpoint; returns how long that took, packing included, and how many bytes it is.
fn checkpoint(session: &mut LabSession) -> anyhow::Result<(Duration, u64)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("checkpoint");
    let began = Instant::now();
    session.save(&file).map_err(of_guest)?;
    session.written();
    let took = began.elapsed();
    let there = std::fs::metadata(&file).with_context(|| say!("lab-no-checkpoint"))?;
    Ok((took, there.len()))
}

/// Milliseconds with three digits behind the point.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
