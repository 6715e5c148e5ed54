//! The course that the command line names, else the environment, else the folders upward from here.

use super::failure::unusable;
use crate::course::{Course, CourseError, TableOfContents};
use crate::say;
use anyhow::Context as _;
use std::ffi::OsStr;
use std::path::Path;

/// Loads it, whatever is wrong with its texts.
pub fn load(choice: Option<&Path>) -> anyhow::Result<Course> {
    found(choice, Course::load)
}

/// Its table of contents, without reading the lessons.
pub fn contents(choice: Option<&Path>) -> anyhow::Result<TableOfContents> {
    found(choice, Course::contents)
}

fn found<T>(
    choice: Option<&Path>,
    read: impl Fn(Option<&Path>, Option<&OsStr>, &Path) -> Result<T, CourseError>,
) -> anyhow::Result<T> {
    let here = std::env::current_dir().context(say!("no-current-folder"))?;
    let env = std::env::var_os("TUTOR_COURSE").filter(|value| !value.is_empty());
    read(choice, env.as_deref(), &here).map_err(unusable)
}
