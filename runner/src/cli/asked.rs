//! The lessons that a command line names, and what keeps some of them from running.

use super::arguments::Partition;
use super::failure::{ends, unusable, worst};
use crate::course::{Course, Listed};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::say;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The lessons that a command runs.
pub struct AskedLessons<'c> {
    /// Those without errors.
    pub lessons: Vec<&'c Lesson>,
    /// The errors of the others; those in `course.toml` keep all from running.
    pub errors: Vec<Diagnostic>,
    /// The stems of the others.
    broken: Vec<&'c str>,
}

impl<'c> AskedLessons<'c> {
    /// The lessons of these names, each once, or all of them; of those, one part.
    pub fn of(
        course: &'c Course,
        names: &[String],
        partition: Option<Partition>,
    ) -> anyhow::Result<AskedLessons<'c>> {
        let mut asked = AskedLessons {
            lessons: Vec::new(),
            errors: course.own_errors().cloned().collect(),
            broken: Vec::new(),
        };
        if !asked.errors.is_empty() {
            return Ok(asked);
        }
        let mut errors: HashMap<&Path, Vec<&Diagnostic>> = HashMap::new();
        for error in course.errors() {
            errors.entry(&error.path).or_default().push(error);
        }
        for listed in chosen(course, names, partition)? {
            let found = match listed {
                Listed::Lesson(lesson) => errors.remove(&*lesson.path).unwrap_or_default(),
                Listed::Absent(absent) => vec![&absent.error],
            };
            match listed {
                Listed::Lesson(lesson) if found.is_empty() => asked.lessons.push(lesson),
                Listed::Lesson(_) | Listed::Absent(_) => asked.broken.push(listed.stem()),
            }
            asked.errors.extend(found.into_iter().cloned());
        }
        Ok(asked)
    }

    /// How a command ends that ran those without errors.
    pub fn end(&self, ended: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
        if self.errors.is_empty() {
            return ended;
        }
        let names: Vec<String> = self.broken.iter().map(|stem| format!("`{stem}`")).collect();
        let (count, names) = (names.len(), names.join(", "));
        let message = match self.lessons.is_empty() {
            true => say!("course-invalid", count = self.errors.len()),
            false => say!("lessons-invalid", count = count, names = names),
        };
        let invalid = Err(ends(Exit::Invalid, message));
        match ended {
            Ok(exit) => worst(exit, [invalid]),
            Err(error) => worst(Exit::Success, [Err(error), invalid]),
        }
    }
}

fn chosen<'c>(
    course: &'c Course,
    names: &[String],
    partition: Option<Partition>,
) -> anyhow::Result<Vec<Listed<'c>>> {
    let mut chosen = match names {
        [] => course.all_listed(),
        names => {
            let listed = names.iter().map(|name| course.listed(name));
            listed.collect::<Result<_, _>>().map_err(unusable)?
        }
    };
    let mut seen = HashSet::new();
    chosen.retain(|listed| seen.insert(listed.stem()));
    let Some(Partition { part, parts }) = partition else {
        return Ok(chosen);
    };
    let mine = |(index, listed)| (index % parts == part - 1).then_some(listed);
    Ok(chosen.into_iter().enumerate().filter_map(mine).collect())
}
