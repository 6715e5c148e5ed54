//! The results of a test for programs: on standard output, and in a file beside it.

use super::output::{ResultFile, out_json};
use crate::course::{Course, MANIFEST, Origin};
use crate::diagnostic::Diagnostic;
use crate::lesson::Lesson;
use crate::render::json;
use crate::render::junit::JunitDocument;
use crate::report::{Report, Strictness};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Tells the results of a course.
pub struct Results<'r> {
    course: &'r Course,
    /// The course root, from the current folder if it lies below that.
    root: PathBuf,
    strictness: Strictness,
    junit: Option<ResultFile<'r>>,
    /// The errors in the texts of what was to be run.
    errors: Vec<Diagnostic>,
}

impl<'r> Results<'r> {
    /// Refuses a file that cannot be written, before anything runs.
    pub fn of(
        course: &'r Course,
        strictness: Strictness,
        junit: Option<&'r Path>,
    ) -> anyhow::Result<Results<'r>> {
        Ok(Results {
            course,
            root: root_from_here(course).unwrap_or_default(),
            strictness,
            junit: junit.map(ResultFile::new).transpose()?,
            errors: course.errors().cloned().collect(),
        })
    }

    /// Tells only the errors of these lessons, and those of lessons that cannot be read where all were asked for.
    pub fn narrow(&mut self, lessons: &[&Lesson], are_all: bool) {
        let mut asked: HashSet<&Path> = lessons.iter().map(|lesson| &*lesson.path).collect();
        asked.extend(are_all.then_some(Path::new(MANIFEST)));
        self.errors.retain(|found| asked.contains(&*found.path));
    }

    /// What counts as a failure.
    pub fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// The errors in the texts of what was to be run.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// What is wrong with the course, as JSON has it.
    pub fn diagnostics(&self) -> Vec<Value> {
        json::diagnostics(&self.errors, |path| self.course.source(path))
    }

    /// Prints reports as JSON.
    pub fn print_json<'p>(
        &self,
        reports: impl IntoIterator<Item = &'p Report>,
    ) -> anyhow::Result<()> {
        Ok(out_json(&json::document(reports, self.diagnostics()))?)
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
        document.add_diagnostics(&self.errors, |path| self.course.source(path));
        Ok(document.text()?)
    }

    /// Writes the file of `--junit`, if there is to be one.
    pub fn write<'p>(
        &self,
        reports: impl IntoIterator<Item = (String, &'p Report)>,
    ) -> anyhow::Result<()> {
        match &self.junit {
            Some(file) => file.write(&self.junit(reports)?),
            None => Ok(()),
        }
    }
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
