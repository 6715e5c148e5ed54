//! The results of a test for programs: on standard output, and in a file beside it.

use super::arguments::{Partition, TestedArguments};
use super::asked::AskedLessons;
use super::context::Context;
use super::failure::worst;
use super::output::ResultFile;
use crate::course::{Course, Origin};
use crate::exit::Exit;
use crate::render::json;
use crate::render::junit::JunitDocument;
use crate::report::{Report, Strictness};
use serde_json::Value;
use std::path::PathBuf;

/// Tells the results of a course.
pub struct Results<'r> {
    course: &'r Course,
    /// The lessons that are tested.
    asked: AskedLessons<'r>,
    /// The course root, from the current folder if it lies below that.
    root: PathBuf,
    strictness: Strictness,
    junit: Option<ResultFile<'r>>,
}

impl<'r> Results<'r> {
    /// Refuses a file that cannot be written, and shows errors in the lessons, before anything runs.
    pub fn of(
        context: &Context,
        course: &'r Course,
        arguments: &'r TestedArguments,
        partition: Option<Partition>,
    ) -> anyhow::Result<Results<'r>> {
        let junit = arguments.junit.as_deref();
        let results = Results {
            course,
            asked: AskedLessons::of(course, &arguments.lessons, partition)?,
            root: root_from_here(course).unwrap_or_default(),
            strictness: arguments.strictness(),
            junit: junit.map(ResultFile::new).transpose()?,
        };
        context.note_diagnostics(course, &results.asked.errors);
        Ok(results)
    }

    /// The lessons that are tested.
    pub fn asked(&self) -> &AskedLessons<'r> {
        &self.asked
    }

    /// What counts as a failure.
    pub fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// What is wrong with the lessons, as JSON has it.
    pub fn diagnostics(&self) -> Vec<Value> {
        diagnostics(self.course, &self.asked)
    }

    /// Reports under their names as JUnit's XML.
    pub fn junit<'p>(
        &self,
        reports: impl IntoIterator<Item = (String, &'p Report)>,
    ) -> anyhow::Result<String> {
        let mut document = JunitDocument::new(&self.root, self.strictness);
        for (name, report) in reports {
            document.add(&name, report);
        }
        document.add_diagnostics(&self.asked.errors, |path| self.course.source(path));
        Ok(document.text()?)
    }

    /// Writes the file of `--junit`, if there is to be one, and prints; one that fails keeps the other from
    /// nothing.
    pub fn tell<'p>(
        &self,
        reports: impl IntoIterator<Item = (String, &'p Report)>,
        print: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let written = match &self.junit {
            Some(file) => self.junit(reports).and_then(|text| file.write(&text)),
            None => Ok(()),
        };
        worst(Exit::Success, [written, print()]).map(drop)
    }
}

/// What is wrong with the lessons that were to be run, as JSON has it.
pub fn diagnostics(course: &Course, asked: &AskedLessons<'_>) -> Vec<Value> {
    json::diagnostics(&asked.errors, |path| course.source(path))
}

/// Reports under the names of their lessons' files.
pub fn named(reports: &[Report]) -> impl Iterator<Item = (String, &Report)> {
    reports.iter().map(|report| (report.stem.clone(), report))
}

fn root_from_here(course: &Course) -> Option<PathBuf> {
    let Origin::Folder(root) = &course.origin else {
        return None;
    };
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    let root = root.canonicalize().ok()?;
    Some(root.strip_prefix(here).ok()?.to_owned())
}
