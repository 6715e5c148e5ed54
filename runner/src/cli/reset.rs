//! `tutor reset`.

use super::arguments::ResetArguments;
use super::context::Context;
use super::failure::{ends, unusable};
use crate::exit::Exit;
use crate::say;
use crate::workspace::Reset;

/// Starts a lesson afresh. The workspace is moved aside and never removed.
pub fn reset(context: &Context, arguments: &ResetArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let lesson = course.lesson(&arguments.lesson).map_err(unusable)?;
    let key = context.key(&course, lesson);
    // All is opened first: that fails if a run is going on, or if a newer `tutor` wrote something.
    let moments = context.moments(&key)?;
    context.store().check(&key)?;
    let workspace = Reset::hold(&context.folders, &key)?;
    let aside = workspace.set_aside()?;
    context.store().forget(&key)?;
    let forgotten = moments.forget();
    match aside {
        Some(folder) => outln!(
            "{}",
            say!(
                "reset-aside",
                lesson = lesson.stem.as_str(),
                folder = folder.display().to_string()
            )
        ),
        None => outln!("{}", say!("reset-done", lesson = lesson.stem.as_str())),
    }
    forgotten.map_err(|error| {
        let folder = context.folders.cache.display().to_string();
        let error = error.to_string();
        ends(
            Exit::Lacking,
            say!("reset-states", folder = folder, error = error),
        )
    })?;
    Ok(Exit::Success)
}
