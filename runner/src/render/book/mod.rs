//! Writes a course and its recorded outputs as the source tree of an mdBook.
//!
//! The tree is plain text and the same each time: no clock, no path of this machine. Stock
//! `mdbook build` takes it; `tutor book` renders it by the crate `tutor-book`. Whatever a step
//! printed stays text on its page: see [`html`].

mod clean;
mod code;
mod error;
mod fold;
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
pub use folder::{EmittedTree, TouchedFiles, write};

use code::Codes;
use links::PageLinks;
use shared::Book;
use step::SHELL;

use crate::course::Course;
use crate::diagnostic::Diagnostic;
use crate::lesson::{Block, Compare, Lesson, Mark, Step, marks};
use crate::say;
use crate::snapshot::{
    Files, OfCourse, OfLesson, Recorded, SnapshotError, SnapshotName, recipes, stale_words,
};
use std::collections::HashMap;
use std::path::Path;

const STYLE: &str = include_str!("../../../../book/assets/tutor.css");
const SCRIPT: &str = include_str!("../../../../book/assets/tutor.js");

/// Names that a lesson's page cannot have: mdBook and the book's own pages have them.
const RESERVED: [&str; 5] = ["404", "index", "print", "sources", "toc"];

/// The contents of an emitted book, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Emitted {
    /// How many lessons.
    pub lessons: usize,
    /// How many steps have a recorded output.
    pub recorded: usize,
    /// The steps that ought to have one and do not, the recorded outputs that are not of their step as
    /// it is now, and the files that lessons show or link to and the book cannot have.
    pub gaps: Vec<Diagnostic>,
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
    let (tree, mut emitted) = tree(course, &OfCourse::new(course))?;
    emitted.changes = folder::write(&tree, out)?;
    Ok(emitted)
}

/// The files of a course's book, by path below its folder.
pub fn tree(course: &Course, snapshots: &dyn Files) -> Result<(EmittedTree, Emitted), EmitError> {
    let marks: Vec<Vec<Mark>> = course.lessons.iter().map(marks).collect();
    let mut emitted = Emitted::default();
    let mut recorded = Vec::new();
    for lesson in &course.lessons {
        recorded.push(outputs(lesson, snapshots, &mut emitted.damaged)?);
    }
    let stale = course.lessons.iter().zip(&recorded);
    let book = Book {
        course,
        codes: Codes::of(codes(course, &marks)),
        stale: stale
            .flat_map(|(lesson, all)| stale_of(course, lesson, all))
            .collect(),
    };
    let mut tree = EmittedTree::new();
    let mut links = PageLinks::new(course);
    for ((lesson, marks), outputs) in course.lessons.iter().zip(&marks).zip(&recorded) {
        let stem = &lesson.stem;
        if RESERVED.contains(&stem.as_str()) {
            return Err(EmitError::Reserved(stem.clone()));
        }
        emitted.lessons += 1;
        emitted.gaps.extend(gaps(lesson, outputs, &book));
        emitted.recorded += outputs.values().filter(|all| !all.is_empty()).count();
        let of_step = |id: &str| outputs.get(id).map(Vec::as_slice).unwrap_or_default();
        let page = page::markdown(lesson, marks, &book, &mut links, &of_step);
        tree.insert(format!("src/{stem}.md"), page.into());
    }
    tree.insert("book.toml".to_owned(), front::settings(course).into());
    tree.insert("assets/tutor.css".to_owned(), STYLE.into());
    tree.insert("assets/tutor.js".to_owned(), SCRIPT.into());
    tree.insert(
        "src/SUMMARY.md".to_owned(),
        front::summary(course, &links).into(),
    );
    tree.insert(format!("src/{}", front::INDEX), front::index(course).into());
    if let Some(sources) = front::sources(&links, &book.codes) {
        tree.insert(format!("src/{}", links::SOURCES), sources.into());
    }
    for (name, bytes) in links.images {
        tree.insert(format!("src/{name}"), bytes);
    }
    emitted.gaps.extend(links.lacks);
    Ok((tree, emitted))
}

/// The recorded outputs of a lesson.
type LessonOutputs<'l> = HashMap<&'l str, Vec<Recorded>>;

/// Why recorded outputs of a lesson are not of their steps as they are now, by their names.
fn stale_of(
    course: &Course,
    lesson: &Lesson,
    outputs: &LessonOutputs<'_>,
) -> Vec<(SnapshotName, String)> {
    let recipes = recipes(lesson, &course.masks);
    let all = outputs.iter().flat_map(|(step, all)| {
        let recipe = recipes.get(step);
        all.iter().filter_map(move |one| {
            let stale = one.stale_for(recipe?);
            (!stale.is_empty()).then(|| (one.name.clone(), stale_words(&stale)))
        })
    });
    all.collect()
}

/// What the book lacks of a lesson.
fn gaps(lesson: &Lesson, outputs: &LessonOutputs<'_>, book: &Book<'_>) -> Vec<Diagnostic> {
    let mut gaps = Vec::new();
    for step in lesson.steps() {
        let Some(recorded) = outputs.get(&*step.id) else {
            continue;
        };
        let mut gap = |message: String| {
            let help = say!("book-gap-help", lesson = lesson.stem.as_str());
            gaps.push(Diagnostic::error(&lesson.path, step.span.clone(), message).help(help));
        };
        if recorded.is_empty() {
            gap(say!("book-unrecorded", step = step.id.as_str()));
        }
        for one in recorded {
            if let Some(reasons) = book.stale.get(&one.name) {
                let (name, reasons) = (one.name.to_string(), reasons.as_str());
                gap(say!("book-stale", name = name, reasons = reasons));
            }
        }
    }
    gaps
}

/// All code of a course, each with its language first.
fn codes<'c>(
    course: &'c Course,
    marks: &'c [Vec<Mark>],
) -> impl Iterator<Item = (&'c str, &'c str)> {
    let active = course.lessons.iter().flat_map(Lesson::flattened);
    let active = active.filter_map(|block| match block {
        Block::File(file) => Some((file.language.as_str(), file.content.as_str())),
        Block::Step(step) => Some((SHELL, step.script.as_str())),
        Block::Check(check) => Some((SHELL, check.script.as_str())),
        Block::Prose(_) | Block::Clue(_) => None,
    });
    let plain = marks.iter().flatten().filter_map(|mark| match mark {
        Mark::Code { language, text, .. } => {
            Some((language.as_deref().unwrap_or_default(), text.as_str()))
        }
        Mark::Heading { .. } | Mark::Link { .. } | Mark::Address(_) => None,
    });
    active.chain(plain)
}

/// The recorded outputs of each step that has some or ought to have one, but for those that are damaged.
fn outputs<'l>(
    lesson: &'l Lesson,
    snapshots: &dyn Files,
    damaged: &mut Vec<String>,
) -> Result<LessonOutputs<'l>, SnapshotError> {
    let of_lesson = OfLesson::of(snapshots, &lesson.front.name)?;
    let mut recorded = |step: &'l Step| {
        let mut all = Vec::new();
        let before = damaged.len();
        for one in of_lesson.all_variants(&step.id) {
            match one {
                Ok(one) => all.push(one),
                Err(error) => {
                    let help = say!("help", text = error.help());
                    damaged.push(format!("{error}\n{help}"));
                }
            }
        }
        // A damaged one is not missing, nor is one that is not compared.
        let is_due = step.compare == Compare::Snapshot && damaged.len() == before;
        let is_known = !all.is_empty() || is_due;
        is_known.then_some((step.id.as_str(), all))
    };
    let outputs = lesson.steps().filter_map(&mut recorded);
    Ok(outputs.collect())
}
