//! `tutor reset`.

use super::arguments::ResetArguments;
use super::context::Context;
use super::diff::versions;
use super::failure::ends;
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::say;
use crate::workspace::{Reset, Restored, Workspace};
use std::path::PathBuf;

/// Starts a lesson afresh, or some of its files. What is there is moved aside and never removed.
pub fn reset(context: &Context, arguments: &ResetArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let lesson = context.lesson(&course, &arguments.lesson)?;
    let key = context.key(&course, lesson);
    match arguments.files.is_empty() {
        true => whole(context, lesson, &key),
        false => files(context, lesson, &key, &arguments.files),
    }
}

fn whole(context: &Context, lesson: &Lesson, key: &str) -> anyhow::Result<Exit> {
    // All is opened first: that fails if a run is going on, or if a newer `tutor` wrote something.
    let moments = context.moments(key)?;
    context.store().check(key)?;
    let workspace = Reset::hold(&context.folders, key)?;
    let aside = workspace.set_aside()?;
    context.store().forget(key)?;
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

fn files(context: &Context, lesson: &Lesson, key: &str, paths: &[PathBuf]) -> anyhow::Result<Exit> {
    // A wrong name is told before anything is touched.
    let chosen: Vec<_> = paths
        .iter()
        .map(|path| Ok((path, versions(lesson, path)?)))
        .collect::<anyhow::Result<_>>()?;
    let mut workspace = Workspace::lasting(&context.folders, key)?;
    for (path, files) in chosen {
        let file = path.display().to_string();
        match workspace.restore_file(&files)? {
            Some(Restored::KeptAt(kept)) => outln!(
                "{}",
                say!(
                    "reset-file-aside",
                    file = file,
                    kept = kept.display().to_string()
                )
            ),
            Some(Restored::Written) => outln!("{}", say!("file-written", file = file)),
            Some(Restored::AsWritten) | None => outln!("{}", say!("reset-file-same", file = file)),
        }
    }
    Ok(Exit::Success)
}
