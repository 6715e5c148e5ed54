//! The course that the command line names, else the environment, else the folders upward from here.

use super::failure::unusable;
use crate::course::{Course, CourseError, TableOfContents};
use crate::say;
use anyhow::Context as _;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Loads it, whatever is wrong with its texts.
pub fn load(choice: Option<&Path>) -> anyhow::Result<Course> {
    found(choice, Course::load)
}

/// Its table of contents, without reading the lessons.
pub fn contents(choice: Option<&Path>) -> anyhow::Result<TableOfContents> {
    found(choice, Course::contents)
}

/// The folder that somebody names, on the command line or in the environment.
pub fn named(choice: Option<&Path>) -> Option<PathBuf> {
    let env = || environment().map(PathBuf::from);
    choice.map(Path::to_owned).or_else(env)
}

fn environment() -> Option<OsString> {
    std::env::var_os("TUTOR_COURSE").filter(|value| !value.is_empty())
}

fn found<T>(
    choice: Option<&Path>,
    read: impl Fn(Option<&Path>, Option<&OsStr>, &Path) -> Result<T, CourseError>,
) -> anyhow::Result<T> {
    let here = std::env::current_dir().context(say!("no-current-folder"))?;
    read(choice, environment().as_deref(), &here).map_err(unusable)
}
