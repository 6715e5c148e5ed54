//! Writes a course and its recorded outputs as the source tree of an mdBook.
//!
//! The tree is plain text and the same each time: no clock, no path of this machine. Stock
//! `mdbook build` takes it; `tutor book` renders it by the crate `tutor-book`. Whatever a step
//! printed stays text on its page: see [`html`].

mod clean;
mod code;
mod error;
mod folder;
mod front;
mod html;
mod links;
mod output;
mod page;
mod prose;
mod shared;
mod step;

pub use error::EmitError;
pub use folder::{EmittedTree, TouchedFiles};

use code::Codes;
use links::PageLinks;
use shared::Book;
use step::SHELL;

use crate::course::Course;
use crate::lesson::{Block, Compare, Lesson, Mark, Step, marks};
use crate::say;
use crate::snapshot::{Files, OfCourse, OfLesson, Recorded, SnapshotError};
use std::collections::HashMap;
use std::path::Path;

const STYLE: &str = include_str!("../../../../book/assets/tutor.css");
const SCRIPT: &str = include_str!("../../../../book/assets/tutor.js");

/// Names that a lesson's page cannot have: mdBook and the book's own pages have them.
const RESERVED: [&str; 5] = ["404", "index", "print", "sources", "toc"];

/// The contents of an emitted book, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    /// How many lessons.
    pub lessons: usize,
    /// How many steps have a recorded output.
    pub recorded: usize,
    /// How many steps ought to have one and do not.
    pub unrecorded: usize,
    /// The recorded outputs that cannot be read, each with what to do about it: the book lacks them.
    pub damaged: Vec<String>,
    /// How many files were touched.
    pub changes: TouchedFiles,
}

/// Writes the course's book as an mdBook source tree into a folder of its own.
///
/// Only files that changed are written, and those of an earlier time that no longer belong there
/// are removed. A folder that holds anything else is refused.
pub fn emit(course: &Course, out: &Path) -> Result<Emitted, EmitError> {
    let (tree, mut emitted) = tree(course, &OfCourse(course))?;
    emitted.changes = folder::write(&tree, out)?;
    Ok(emitted)
}

/// The files of a course's book, by path below its folder.
pub fn tree(course: &Course, snapshots: &dyn Files) -> Result<(EmittedTree, Emitted), EmitError> {
    let marks: Vec<Vec<Mark>> = course.lessons.iter().map(marks).collect();
    let book = Book {
        course,
        codes: Codes::of(codes(course, &marks)),
    };
    let mut tree = EmittedTree::new();
    let mut emitted = Emitted::default();
    let mut links = PageLinks::new(course);
    for (lesson, marks) in course.lessons.iter().zip(&marks) {
        let stem = &lesson.stem;
        if RESERVED.contains(&stem.as_str()) {
            return Err(EmitError::Reserved(stem.clone()));
        }
        let outputs = outputs(lesson, snapshots, &mut emitted.damaged)?;
        emitted.lessons += 1;
        emitted.unrecorded += outputs.values().filter(|all| all.is_empty()).count();
        emitted.recorded += outputs.values().filter(|all| !all.is_empty()).count();
        let of_step = |id: &str| outputs.get(id).map(Vec::as_slice).unwrap_or_default();
        let page = page::markdown(lesson, marks, &book, &mut links, &of_step);
        tree.insert(format!("src/{stem}.md"), page);
    }
    tree.insert("book.toml".to_owned(), front::settings(course));
    tree.insert("assets/tutor.css".to_owned(), STYLE.to_owned());
    tree.insert("assets/tutor.js".to_owned(), SCRIPT.to_owned());
    tree.insert("src/SUMMARY.md".to_owned(), front::summary(course, &links));
    tree.insert(format!("src/{}", front::INDEX), front::index(course));
    if let Some(sources) = front::sources(&links, &book.codes) {
        tree.insert(format!("src/{}", links::SOURCES), sources);
    }
    Ok((tree, emitted))
}

/// All code of a course, each with its language first.
fn codes<'c>(
    course: &'c Course,
    marks: &'c [Vec<Mark>],
) -> impl Iterator<Item = (&'c str, &'c str)> {
    let active = course.lessons.iter().flat_map(|lesson| &lesson.blocks);
    let active = active.filter_map(|block| match block {
        Block::File(file) => Some((file.language.as_str(), file.content.as_str())),
        Block::Step(step) => Some((SHELL, step.script.as_str())),
        Block::Check(check) => Some((SHELL, check.script.as_str())),
        Block::Prose(_) => None,
    });
    let plain = marks.iter().flatten().filter_map(|mark| match mark {
        Mark::Code { language, text, .. } => {
            Some((language.as_deref().unwrap_or_default(), text.as_str()))
        }
        Mark::Heading { .. } | Mark::Link { .. } => None,
    });
    active.chain(plain)
}

/// The recorded outputs of each step that ought to have one, but for those that are damaged.
fn outputs<'l>(
    lesson: &'l Lesson,
    snapshots: &dyn Files,
    damaged: &mut Vec<String>,
) -> Result<HashMap<&'l str, Vec<Recorded>>, SnapshotError> {
    let compared = |step: &&Step| step.compare == Compare::Snapshot;
    let of_lesson = OfLesson::of(snapshots, &lesson.front.name)?;
    let mut recorded = |step: &'l Step| {
        let mut all = Vec::new();
        for one in of_lesson.all_variants(&step.id) {
            match one {
                Ok(one) => all.push(one),
                Err(error) => {
                    let help = say!("help", text = error.help());
                    damaged.push(format!("{error}\n{help}"));
                }
            }
        }
        (step.id.as_str(), all)
    };
    let outputs = lesson.steps().filter(compared).map(&mut recorded);
    Ok(outputs.collect())
}
