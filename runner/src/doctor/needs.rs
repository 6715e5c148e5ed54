//! The needs that a course declares, asked for one by one.

use super::finding::{Area, Finding, State};
use crate::backend::BackendError;
use crate::course::Course;
use crate::lesson::{Lesson, Need, Place};
use crate::packages::{Distribution, Mend};
use crate::run::probes::{self, Answer};
use crate::run::{Options, reach};
use crate::say;

/// Looks for everything that the course's steps may need.
///
/// `ask` runs a probe in a place; `is_own` says whether kernel steps meet this machine's own kernel.
pub fn examine(
    course: &Course,
    options: &Options,
    distribution: Distribution,
    is_own: bool,
    ask: &mut dyn FnMut(Place, &str) -> Result<Answer, BackendError>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, probe) in &course.needs {
        let lessons = lessons_that_need(course, name);
        let (state, mend) = match ask(probe.on, &probe.probe) {
            Ok(Answer::Unknown(why)) => (
                State::Lacks(say!("doctor-unknown", why = why.as_str())),
                None,
            ),
            Ok(answer) => match probes::missing(&wanted(course, name), probe, &answer) {
                None => {
                    let numbers = probes::version(answer.text());
                    let version = numbers.map(|numbers| probes::dotted(&numbers));
                    (State::Has(version), None)
                }
                Some(reason) => {
                    let mend = probes::mend(probe, &answer, distribution);
                    let said = mend.as_ref().map(Mend::in_words);
                    let out_of_reach = reach::remedy(course, options, name, probe, said.as_deref());
                    let mend = out_of_reach.map(Mend::Remedy).or(mend);
                    let is_own = is_own && probe.on == Place::Kernel;
                    let mend = match (lessons.first().filter(|_| is_own), mend) {
                        (Some(lesson), mend) => {
                            let said = mend.map(|mend| mend.in_words());
                            let text = probes::on_own_kernel(lesson, said.as_deref());
                            Some(Mend::Remedy(text))
                        }
                        (None, mend) => mend,
                    };
                    (State::Lacks(reason), mend)
                }
            },
            Err(error) => (
                State::Lacks(error.to_string()),
                error.help().map(str::to_owned).map(Mend::Remedy),
            ),
        };
        let area = match probe.on {
            Place::Host => Area::Host,
            Place::Kernel => Area::Kernel,
        };
        let is_there = matches!(state, State::Has(_)) && probe.on == Place::Host;
        let note = is_there.then(|| reach::other_than_steps(options, name));
        found.push(Finding {
            lessons,
            note: note.flatten(),
            packages: probe.package.iter().cloned().collect(),
            mend,
            ..Finding::new(area, name, probe.what.clone(), probe.why.clone(), state)
        });
    }
    found
}

fn lessons_that_need(course: &Course, name: &str) -> Vec<String> {
    let needs = |lesson: &&Lesson| needs_of(lesson).any(|need| need.name == name);
    let lessons = course.lessons.iter().filter(needs);
    lessons.map(|lesson| lesson.stem.clone()).collect()
}

fn needs_of(lesson: &Lesson) -> impl Iterator<Item = &Need> {
    let steps = lesson.steps().flat_map(|step| &step.needs);
    lesson.front.needs.iter().chain(steps)
}

/// The need with the newest version that any lesson asks for.
fn wanted(course: &Course, name: &str) -> Need {
    let needs = course.lessons.iter().flat_map(needs_of);
    let versions = needs.filter(|need| need.name == name);
    Need {
        name: name.to_owned(),
        at_least: versions.filter_map(|need| need.at_least.clone()).max(),
    }
}
