//! The results of a test for programs: on standard output, and in a file beside it.

use super::context::errors;
use super::output::{ResultFile, out_json};
use crate::course::{Course, Origin};
use crate::diagnostic::Diagnostic;
use crate::render::json;
use crate::render::junit::JunitDocument;
use crate::report::{Report, Strictness};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Tells the results of a course.
pub struct Results<'r> {
    course: &'r Course,
    /// The course root, from the current folder if it lies below that.
    root: PathBuf,
    strictness: Strictness,
    junit: Option<ResultFile<'r>>,
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
        })
    }

    /// What is wrong with the course, as JSON has it.
    pub fn diagnostics(&self) -> Vec<Value> {
        json::diagnostics(&errors(self.course), |path| self.course.source(path))
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
        let found: Vec<Diagnostic> = errors(self.course);
        document.add_diagnostics(&found, |path| self.course.source(path));
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
