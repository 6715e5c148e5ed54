//! Whether the former names of steps hold: each is a name that a step of this course left, and that
//! one step only claims.

use super::model::Course;
use crate::diagnostic::{Diagnostic, Guesses};
use crate::lesson::{Lesson, Step};
use std::collections::{HashMap, HashSet};

/// Everything that is wrong with them.
pub(super) fn faults(course: &Course) -> Vec<Diagnostic> {
    let lessons: HashSet<&str> = names(course).collect();
    let mut claims: HashMap<String, String> = course
        .lessons
        .iter()
        .flat_map(|lesson| lesson.steps().map(|step| name(lesson, step)))
        .map(|name| (name.clone(), name))
        .collect();
    let mut guesses = Guesses::default();
    let mut diagnostics = Vec::new();
    for lesson in &course.lessons {
        for step in lesson.steps() {
            let Some(was) = &step.was else { continue };
            if !lessons.contains(&*was.lesson) {
                let message = format!("no lesson of this course has the name `{}`", was.lesson);
                let help = match guesses.nearest(&was.lesson, names(course)) {
                    Some(meant) => format!("did you mean `{meant}/{}`?", was.step),
                    None => "write the lesson's `name`, `/` and the id that the step had there"
                        .to_owned(),
                };
                let unknown = Diagnostic::warning(&lesson.path, was.span.clone(), message);
                diagnostics.push(unknown.help(help));
            }
            let former = was.to_string();
            let Some(owner) = claims.get(&former) else {
                claims.insert(former, name(lesson, step));
                continue;
            };
            let message = match *owner == former {
                true => format!("there is still a step `{former}`, whose outputs these are"),
                false => format!("the step `{owner}` was `{former}` too"),
            };
            let help = "take `was` from the step that is new, or name the one that it was";
            let claimed = Diagnostic::error(&lesson.path, was.span.clone(), message);
            diagnostics.push(claimed.help(help));
        }
    }
    diagnostics
}

fn names(course: &Course) -> impl Iterator<Item = &str> {
    course.lessons.iter().map(|lesson| &*lesson.front.name)
}

fn name(lesson: &Lesson, step: &Step) -> String {
    format!("{}/{}", lesson.front.name, step.id)
}
