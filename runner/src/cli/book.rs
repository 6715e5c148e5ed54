//! `tutor book`.

use super::arguments::BookArguments;
use super::asked::AskedLessons;
use super::context::Context;
use super::failure::{ends, ends_with_help};
use crate::course::Course;
use crate::exit::Exit;
use crate::render::book::{self, EmitError, EmittedTree};
use crate::say;
use crate::snapshot::OfCourse;
use std::path::{Path, PathBuf};

pub fn book(context: &Context, arguments: &BookArguments) -> anyhow::Result<Exit> {
    let course = context.readers_course()?;
    context.refuse(&course, course.own_errors())?;
    let asked = AskedLessons::of(&course, &[], None)?;
    context.note_diagnostics(&course, &asked.errors);
    if asked.lessons.is_empty() && !asked.errors.is_empty() {
        return asked.end(Ok(Exit::Success));
    }
    let sound = course.clone().without_broken_lessons();
    asked.end(make(context, &sound, arguments))
}

/// Makes a book of a course without errors.
fn make(context: &Context, course: &Course, arguments: &BookArguments) -> anyhow::Result<Exit> {
    let (tree, emitted) = book::tree(course, &OfCourse::new(course)).map_err(unmade)?;
    if !arguments.allow_missing && !emitted.gaps.is_empty() {
        context.note_diagnostics(course, &emitted.gaps);
        return Err(ends(
            Exit::Different,
            say!("book-gaps", count = emitted.gaps.len()),
        ));
    }
    match &arguments.emit {
        Some(folder) => {
            write(&tree, folder)?;
            outln!(
                "{}",
                say!("book-emitted", folder = folder.display().to_string())
            );
        }
        None => {
            let folder = tempfile::tempdir()?;
            let source = folder.path().join("book");
            write(&tree, &source)?;
            let page = render(&source, &arguments.out)?;
            outln!(
                "{}",
                say!("book-rendered", page = page.display().to_string())
            );
        }
    }
    if !emitted.gaps.is_empty() {
        outln!("{}", say!("book-gaps-told", count = emitted.gaps.len()));
    }
    match emitted.damaged.is_empty() {
        true => Ok(Exit::Success),
        false => Err(ends(Exit::Lacking, emitted.damaged.join("\n"))),
    }
}

fn write(tree: &EmittedTree, folder: &Path) -> anyhow::Result<()> {
    book::write(tree, folder).map_err(unmade)?;
    Ok(())
}

fn unmade(error: EmitError) -> anyhow::Error {
    ends_with_help(Exit::Lacking, &error, error.help())
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
