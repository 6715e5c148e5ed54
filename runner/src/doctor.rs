//! What this machine has and lacks for the lessons: each finding says what it is, why it matters,
//! for which lessons, and the command that mends it.

use crate::course::{Course, NeedProbe};
use crate::lesson::Place;
use crate::packages::{self, Distribution, Package};
use crate::run::findings::{self, Answer};
use serde_json::{Value, json};

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
    pub place: Place,
    /// What was found.
    pub state: State,
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

/// What to do about something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Run this command, as root.
    Install(Vec<String>),
    /// Do this.
    Remedy(String),
}

/// Looks for everything that the course's steps may need.
///
/// `ask` runs a probe in a place and returns its answer, or why it could not be asked.
pub fn examine(
    course: &Course,
    distribution: Distribution,
    ask: &mut dyn FnMut(Place, &str) -> Result<Answer, String>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, probe) in &course.needs {
        let (state, remedy) = match ask(probe.on, &probe.probe) {
            Ok(answer) if answer.yes => {
                let numbers = findings::version(&answer.text);
                (
                    State::Has(numbers.map(|numbers| findings::dotted(&numbers))),
                    None,
                )
            }
            Ok(answer) => {
                let remedy = findings::remedy(probe, &answer);
                (State::Lacks(findings::reason(probe, &answer)), remedy)
            }
            Err(reason) => (State::Lacks(reason), probe.remedy.clone()),
        };
        let mend = match &state {
            State::Has(_) => None,
            State::Lacks(_) => mend(probe, remedy, distribution),
        };
        found.push(Finding {
            name: name.clone(),
            what: probe.what.clone(),
            why: probe.why.clone(),
            lessons: lessons_that_need(course, name),
            place: probe.on,
            state,
            mend,
        });
    }
    // What the lessons want most stands first; ties keep the order of names.
    found.sort_by_key(|finding| (finding.place, std::cmp::Reverse(finding.lessons.len())));
    found
}

fn lessons_that_need(course: &Course, name: &str) -> Vec<String> {
    let needs = |lesson: &&crate::lesson::Lesson| {
        let steps = lesson.steps().flat_map(|step| &step.needs);
        lesson
            .front
            .needs
            .iter()
            .chain(steps)
            .any(|need| need.name == name)
    };
    course
        .lessons
        .iter()
        .filter(needs)
        .map(|lesson| lesson.stem.clone())
        .collect()
}

fn mend(probe: &NeedProbe, remedy: Option<String>, distribution: Distribution) -> Option<Mend> {
    let package = probe.package.as_deref().and_then(packages::named);
    let install = package.and_then(|package| distribution.install(&[&package]));
    install
        .map(Mend::Install)
        .or_else(|| remedy.map(Mend::Remedy))
}

/// Returns one command that installs everything missing that a package brings.
pub fn install_all(
    course: &Course,
    findings: &[Finding],
    distribution: Distribution,
) -> Option<Vec<String>> {
    let missing = findings
        .iter()
        .filter(|finding| matches!(finding.state, State::Lacks(_)));
    let packages: Vec<Package> = missing
        .filter_map(|finding| course.needs.get(&finding.name)?.package.as_deref())
        .filter_map(packages::named)
        .collect();
    distribution.install(&packages.iter().collect::<Vec<_>>())
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
                "on": finding.place.to_string(),
                "has": has,
                "version": version,
                "reason": reason,
                "mend": mend,
            })
        })
        .collect();
    json!({ "format": 1, "findings": rows })
}
