//! What this machine has and lacks for the lessons: each finding says what it is, why it matters,
//! for which lessons, and the command that mends it.

pub mod guard;
pub mod lab;
pub mod own_kernel;

use crate::course::Course;
use crate::lesson::{Lesson, Need, Place};
use crate::packages::{self, Distribution, Mend};
use crate::run::findings::{self, Answer};
use serde_json::{Value, json};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The tools of this machine.
    Host,
    /// What keeps steps on this machine in.
    Guards,
    /// The lab, as a machine that starts.
    Lab,
    /// The kernel that kernel steps run on.
    Kernel,
    /// This machine's own kernel, where kernel steps run in the lab.
    OwnKernel,
}

impl Area {
    /// Its name for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Area::Host => "host",
            Area::Guards => "guards",
            Area::Lab => "lab",
            Area::Kernel => "kernel",
            Area::OwnKernel => "own-kernel",
        }
    }
}

/// A probe could not be asked: why, and what to do about it.
pub type Unasked = (String, Option<String>);

/// One thing that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The need's name: `clang`.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// The lessons that want it, by stem.
    pub lessons: Vec<String>,
    /// Where it was looked for.
    pub area: Area,
    /// What was found.
    pub state: State,
    /// More about it, for people.
    pub note: Option<String>,
    /// The rows of the list of packages that bring it.
    pub packages: Vec<String>,
    /// What to do about it.
    pub mend: Option<Mend>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, in this version where one is known.
    Has(Option<String>),
    /// It is not there, for this reason.
    Lacks(String),
}

/// Looks for everything that the course's steps may need.
///
/// `ask` runs a probe in a place and returns its answer, or why it could not be asked; `is_own` says
/// whether the kernel there is this machine's own. What was `found` already is told with the rest.
pub fn examine(
    course: &Course,
    distribution: Distribution,
    is_own: bool,
    ask: &mut dyn FnMut(Place, &str) -> Result<Answer, Unasked>,
    mut found: Vec<Finding>,
) -> Vec<Finding> {
    for (name, probe) in &course.needs {
        let lessons = lessons_that_need(course, name);
        let (state, mend) = match ask(probe.on, &probe.probe) {
            Ok(answer) => match findings::missing(&wanted(course, name), probe, &answer) {
                None => {
                    let numbers = findings::version(&answer.text);
                    let version = numbers.map(|numbers| findings::dotted(&numbers));
                    (State::Has(version), None)
                }
                Some(reason) => {
                    let mend = findings::mend(probe, &answer, distribution);
                    let is_own = is_own && probe.on == Place::Kernel;
                    let mend = match (lessons.first().filter(|_| is_own), mend) {
                        (Some(lesson), mend) => Some(on_own_kernel(lesson, mend)),
                        (None, mend) => mend,
                    };
                    (State::Lacks(reason), mend)
                }
            },
            Err((reason, remedy)) => (State::Lacks(reason), remedy.map(Mend::Remedy)),
        };
        found.push(Finding {
            name: name.clone(),
            what: probe.what.clone(),
            why: probe.why.clone(),
            lessons,
            area: match probe.on {
                Place::Host => Area::Host,
                Place::Kernel => Area::Kernel,
            },
            state,
            note: None,
            packages: probe.package.iter().cloned().collect(),
            mend,
        });
    }
    // What the lessons want most stands first; ties keep the order of names.
    found.sort_by_key(|finding| (finding.area, std::cmp::Reverse(finding.lessons.len())));
    found
}

/// The lessons with steps that need a kernel, by stem.
pub fn lessons_with_kernel_steps(course: &Course) -> Vec<String> {
    let has = |lesson: &&Lesson| lesson.steps().any(|step| step.on == Place::Kernel);
    let lessons = course.lessons.iter().filter(has);
    lessons.map(|lesson| lesson.stem.clone()).collect()
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

/// What mends it for one of the lessons that want it.
fn on_own_kernel(lesson: &str, mend: Option<Mend>) -> Mend {
    let said = mend.map(|mend| match mend {
        Mend::Install(words) => packages::as_root(&words),
        Mend::Remedy(text) => text,
    });
    Mend::Remedy(findings::on_own_kernel(lesson, said.as_deref()))
}

/// The command that installs rows of the list of packages.
pub fn install(names: &[String], distribution: Distribution) -> Option<Vec<String>> {
    let packages: Vec<_> = names
        .iter()
        .filter_map(|name| packages::named(name))
        .collect();
    distribution.install(&packages.iter().collect::<Vec<_>>())
}

/// Returns one command that installs everything missing that a package brings.
pub fn install_all(findings: &[Finding], distribution: Distribution) -> Option<Vec<String>> {
    let missing = findings
        .iter()
        .filter(|finding| matches!(finding.mend, Some(Mend::Install(_))));
    let names: Vec<String> = missing
        .flat_map(|finding| finding.packages.clone())
        .collect();
    install(&names, distribution)
}

/// The findings for a script.
pub fn to_json(findings: &[Finding]) -> Value {
    let rows: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let (has, version, reason) = match &finding.state {
                State::Has(version) => (true, version.clone(), None),
                State::Lacks(reason) => (false, None, Some(reason.clone())),
            };
            let mend = finding.mend.as_ref().map(|mend| match mend {
                Mend::Install(words) => json!({ "install": words }),
                Mend::Remedy(text) => json!({ "remedy": text }),
            });
            json!({
                "name": finding.name,
                "what": finding.what,
                "why": finding.why,
                "lessons": finding.lessons,
                "on": finding.area.name(),
                "has": has,
                "version": version,
                "reason": reason,
                "note": finding.note,
                "mend": mend,
            })
        })
        .collect();
    json!({ "format": 1, "findings": rows })
}
