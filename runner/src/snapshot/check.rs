//! Finds faulty snapshots of a course: damaged ones, and those of a step that does not exist.

use super::error::SnapshotError;
use super::files::{Files, SnapshotFolder};
use super::find::read;
use super::name::SnapshotName;
use super::recorded::Recorded;
use crate::course::Course;
use crate::diagnostic::Diagnostic;
use crate::lesson::Step;
use crate::visible::visible_text;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

/// The diagnostics, and the texts of the files that they point into.
#[derive(Clone, Debug, Default)]
pub struct SnapshotFindings {
    /// The message.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that are damaged, as far as they are text.
    pub texts: BTreeMap<PathBuf, String>,
}

/// Looks at all files below `snapshots`; those in the binary were looked at when it was made.
pub fn check(course: &Course) -> SnapshotFindings {
    let mut checked = SnapshotFindings::default();
    let Some(dir) = course.snapshot_dir() else {
        return checked;
    };
    if let Err(error) = look(course, &dir, &mut checked) {
        let path = Path::new("snapshots");
        let unread = Diagnostic::error(path, 0..0, format!("this cannot be read: {error}"));
        checked.diagnostics.push(unread);
    }
    checked
}

fn look(course: &Course, dir: &Path, checked: &mut SnapshotFindings) -> io::Result<()> {
    let files = SnapshotFolder::at(dir);
    let owners = Owners::of(course);
    for lesson in files.names(Path::new(""))? {
        if !dir.join(&lesson).is_dir() {
            continue;
        }
        for file in files.names(Path::new(&lesson))? {
            let accepted = file.strip_suffix(".new").unwrap_or(&file);
            let Some(name) = SnapshotName::parse(&lesson, accepted) else {
                continue;
            };
            let path = Path::new("snapshots").join(&lesson).join(&file);
            if owners.step(&name).is_none() {
                let message = "this output is of no step of this course";
                let help = "rename it if the step was renamed, or delete it";
                let lost = Diagnostic::warning(&path, 0..0, message).help(help);
                checked.diagnostics.push(lost);
            } else if accepted == file
                && let Err(error) = read(&files, name)
            {
                checked.damaged(dir, path, error);
            }
        }
    }
    Ok(())
}

impl SnapshotFindings {
    fn damaged(&mut self, dir: &Path, path: PathBuf, error: SnapshotError) {
        let help = error.help().to_owned();
        let (span, message) = match error {
            SnapshotError::Refused { .. } => (0..0, error.to_string()),
            SnapshotError::Damaged { line, reason, .. } => {
                let file = dir.parent().unwrap_or(dir).join(&path);
                let bytes = crate::regular_file::read(&file).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let lines = text.split_inclusive('\n');
                let start: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
                let length = text[start..].lines().next().map_or(0, str::len);
                self.texts.insert(path.clone(), text);
                let message = format!("this accepted output is damaged: {reason}");
                (start..start + length, message)
            }
        };
        let damaged = Diagnostic::error(&path, span, message).help(help);
        self.diagnostics.push(damaged);
    }
}

/// The steps of a course by the snapshots that are theirs.
pub struct Owners<'c>(HashMap<SnapshotName, &'c Step>);

impl<'c> Owners<'c> {
    /// Those of this course.
    pub fn of(course: &'c Course) -> Owners<'c> {
        let mut owners = HashMap::new();
        for lesson in &course.lessons {
            for step in lesson.steps() {
                let base = SnapshotName::base(&lesson.front.name, &step.id);
                owners.entry(base).or_insert(step);
            }
        }
        Owners(owners)
    }

    /// The step whose output a snapshot holds, if the course has it.
    pub fn step(&self, name: &SnapshotName) -> Option<&'c Step> {
        self.0.get(&name.base_of()).copied()
    }
}

/// True if an output is of the command that the step has now.
pub fn is_of_now(step: &Step, recorded: &Recorded) -> bool {
    visible_text(step.script.trim_end()) == visible_text(&recorded.command)
}
