//! `tutor book`.

use super::arguments::BookArguments;
use super::context::Context;
use super::failure::{ends, ends_with_help};
use crate::course::Course;
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::render::book::{self, Emitted};
use crate::say;
use std::path::{Path, PathBuf};

pub fn book(context: &Context, arguments: &BookArguments) -> anyhow::Result<Exit> {
    let course = context.usable_course()?;
    let errors: Vec<Diagnostic> = course.errors().cloned().collect();
    let (_, broken) = context.without_broken(&course, course.lessons.iter().collect(), &errors);
    let course = course.without_broken_lessons();
    broken.end(make(&course, arguments))
}

/// Makes a book of a course without errors.
fn make(course: &Course, arguments: &BookArguments) -> anyhow::Result<Exit> {
    match &arguments.emit {
        Some(folder) => {
            let emitted = emit(course, folder)?;
            outln!(
                "{}",
                say!("book-emitted", folder = folder.display().to_string())
            );
            tell(&emitted)
        }
        None => {
            let folder = tempfile::tempdir()?;
            let tree = folder.path().join("book");
            let emitted = emit(course, &tree)?;
            let page = render(&tree, &arguments.out)?;
            outln!(
                "{}",
                say!("book-rendered", page = page.display().to_string())
            );
            tell(&emitted)
        }
    }
}

fn emit(course: &Course, folder: &Path) -> anyhow::Result<Emitted> {
    book::emit(course, folder).map_err(|error| ends_with_help(Exit::Lacking, &error, error.help()))
}

/// Says what the book lacks.
fn tell(emitted: &Emitted) -> anyhow::Result<Exit> {
    if emitted.unrecorded > 0 {
        outln!("{}", say!("book-unrecorded", count = emitted.unrecorded));
    }
    match emitted.damaged.is_empty() {
        true => Ok(Exit::Success),
        false => Err(ends(Exit::Lacking, emitted.damaged.join("\n"))),
    }
}

/// Renders the tree and returns the page to open.
#[cfg(feature = "book")]
fn render(tree: &Path, out: &Path) -> anyhow::Result<PathBuf> {
    tutor_book::render(tree, out)
        .map_err(|error| ends_with_help(Exit::Lacking, &error, error.help()))?;
    Ok(out.join("index.html"))
}

#[cfg(not(feature = "book"))]
fn render(_tree: &Path, _out: &Path) -> anyhow::Result<PathBuf> {
    Err(ends(Exit::Lacking, say!("book-feature")))
}
