//! Asks the places of a lesson by probes: needs of its steps, facets of its environment, and what
//! lies on the kernel.

use super::probes::{self, ProbeCache};
use super::reach;
use super::ready::{listens, question};
use super::stage::Stage;
use crate::backend::{Answer, BackendError, KernelOwner, Mode};
use crate::course::{Course, NeedProbe};
use crate::lesson::{Background, Lesson, Need, Place, Step};
use crate::transcript::{Ending, Leftover, Skip};
use std::path::Path;

/// Asks for one lesson.
pub(super) struct Needs<'r> {
    lesson: &'r Lesson,
    course: &'r Course,
    probes: &'r ProbeCache,
    /// The objects on the kernel before the lesson, once that was asked.
    pub inventory: Option<Vec<String>>,
    /// The places where steps ran: a refusal there may be what they brought about.
    touched: Vec<Place>,
}

impl<'r> Needs<'r> {
    pub fn new(lesson: &'r Lesson, course: &'r Course, probes: &'r ProbeCache) -> Self {
        Needs {
            lesson,
            course,
            probes,
            inventory: None,
            touched: Vec::new(),
        }
    }

    /// Heeds that a step begins in a place.
    pub fn touch(&mut self, place: Place) {
        if !self.touched.contains(&place) {
            self.touched.push(place);
        }
    }

    /// Opens a place at its first use, and learns what its environment is like.
    pub fn open(&mut self, place: Place, stage: &mut Stage<'r>) -> Result<(), Ending> {
        match stage.open(place) {
            Ok(true) => self.learn(place, stage).map_err(broken),
            Ok(false) => Ok(()),
            Err(BackendError::Unusable { reason, remedy }) => {
                Err(Ending::Skipped(Skip::NoPlace { reason, remedy }))
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// Opens what a step needs to be open. An error says why the step cannot run.
    pub fn meet(&mut self, step: &Step, stage: &mut Stage<'r>) -> Result<(), Ending> {
        self.open(step.on, stage)?;
        for (need, probe) in self.of(step) {
            let place = match probe.on {
                Place::Kernel => step.on,
                Place::Host => Place::Host,
            };
            self.open(place, stage)?;
            let answer = self.answer(place, &probe.probe, stage).map_err(broken)?;
            if let Answer::Unknown(why) = &answer {
                return Err(Ending::Skipped(Skip::NeedUnknown {
                    need: need.to_string(),
                    reason: why.clone(),
                }));
            }
            if let Some(reason) = probes::missing(need, probe, &answer) {
                let remedy = self.probes.remedy(need, probe, &answer);
                let out_of_reach = reach::remedy(
                    self.course,
                    stage.options,
                    &need.name,
                    probe,
                    remedy.as_deref(),
                );
                let remedy = out_of_reach.or(remedy);
                let kernel = stage.backend(place).map(|backend| backend.kernel());
                let is_own = place == Place::Kernel && kernel == Some(KernelOwner::ThisMachine);
                let remedy = match is_own {
                    true => Some(probes::on_own_kernel(&self.lesson.stem, remedy.as_deref())),
                    false => remedy,
                };
                return Err(Ending::Skipped(Skip::Need {
                    need: need.to_string(),
                    reason,
                    remedy,
                }));
            }
        }
        Ok(())
    }

    /// True if a need that kept a step from running does so still. A kernel lacks what it lacked.
    pub fn still_lacks(&mut self, step: &Step, lacking: &str, stage: &mut Stage<'r>) -> bool {
        let mut needs = self.of(step).into_iter();
        let Some((need, probe)) = needs.find(|(need, _)| need.to_string() == lacking) else {
            return false;
        };
        if probe.on == Place::Kernel && step.on == Place::Kernel {
            return true;
        }
        if self.open(Place::Host, stage).is_err() {
            return false;
        }
        let answer = self.answer(Place::Host, &probe.probe, stage);
        answer.is_ok_and(|answer| probes::missing(need, probe, &answer).is_some())
    }

    /// The needs of a step and of its lesson, each with its probe.
    fn of<'s>(&self, step: &'s Step) -> Vec<(&'s Need, &'r NeedProbe)>
    where
        'r: 's,
    {
        let needs = self.lesson.front.needs.iter().chain(&step.needs);
        let probe = |need: &'s Need| Some((need, self.course.needs.get(&need.name)?));
        needs.filter_map(probe).collect()
    }

    /// The answer to a probe in a place that is open.
    fn answer(
        &self,
        place: Place,
        probe: &str,
        stage: &mut Stage<'r>,
    ) -> Result<Answer, BackendError> {
        let ask = || self.known_or_probed(place, probe, stage);
        self.probes.answer(place, probe, ask)
    }

    /// Returns the known answer of a machine that begins as the same one each time, or probes it.
    fn known_or_probed(
        &self,
        place: Place,
        probe: &str,
        stage: &mut Stage<'r>,
    ) -> Result<Answer, BackendError> {
        let backend = stage.backend(place);
        if let Some(answer) = backend.and_then(|backend| backend.known(probe)) {
            return Ok(answer);
        }
        let answer = stage.probe(place, probe)?;
        let says_of_machine = match &answer {
            Answer::Yes(_) => true,
            Answer::No(_) => !self.touched.contains(&place),
            Answer::Unknown(_) => false,
        };
        if let Some(backend) = backend.filter(|_| says_of_machine) {
            backend.note(probe, &answer);
        }
        Ok(answer)
    }

    /// Learns the facets of a place that is open, and what lies on the kernel.
    pub fn learn(&mut self, place: Place, stage: &mut Stage<'r>) -> Result<(), BackendError> {
        let facets = self.course.facets.iter();
        for (name, facet) in facets.filter(|(_, facet)| facet.on == place) {
            let answer = self.answer(place, &facet.probe, stage)?;
            let facets = &mut stage.facets;
            if let Some(version) = probes::whole_version(&answer) {
                facets.versions.insert(name.clone(), version);
            }
            match probes::facet_value(facet, &answer) {
                Some(value) => drop(facets.values.insert(name.clone(), value)),
                None => {
                    let why = probes::facet_unknown(facet, &answer);
                    facets.unknown.insert(name.clone(), why);
                }
            }
        }
        if place == Place::Kernel
            && self.inventory.is_none()
            && let Some(inventory) = &self.course.inventory
        {
            self.inventory = match self.known_or_probed(place, inventory, stage)? {
                Answer::Yes(text) | Answer::No(text) => Some(lines(&text)),
                Answer::Unknown(_) => None,
            };
        }
        Ok(())
    }

    /// Returns what lies on the kernel now and did not before the lesson.
    pub fn left_on_kernel(&mut self, stage: &mut Stage<'r>) -> Vec<Leftover> {
        let (Some(before), Some(inventory)) = (self.inventory.take(), &self.course.inventory)
        else {
            return Vec::new();
        };
        // Not by `answer`, which would remember it as what the machine begins with.
        let Ok(asked) = stage.ask(Place::Kernel, Mode::Aside, inventory) else {
            return Vec::new();
        };
        let after = match Answer::of(&asked.ending, &asked.output) {
            Answer::Yes(text) | Answer::No(text) => lines(&text),
            Answer::Unknown(_) => Vec::new(),
        };
        after
            .into_iter()
            .filter(|line| !before.contains(line))
            .map(|what| Leftover {
                step: None,
                what,
                still_there: true,
            })
            .collect()
    }
}

/// A place could not answer.
fn broken(error: BackendError) -> Ending {
    Ending::Broken(error.to_string())
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The port that a step is awaited by, if something listens there before the step begins.
pub(super) fn port_taken(
    step: &Step,
    files: &Path,
    stage: &mut Stage<'_>,
) -> Result<Option<u16>, Ending> {
    let Some(until @ Background::Port(port)) = &step.background else {
        return Ok(None);
    };
    let is_taken = match stage.is_seen_from_here(until, step.on) {
        true => listens(*port),
        false => match question(until, files) {
            Some(question) => {
                let answer = stage.probe(step.on, &question);
                let answer = answer.map_err(|error| Ending::Broken(error.to_string()))?;
                matches!(answer, Answer::Yes(_))
            }
            None => false,
        },
    };
    Ok(is_taken.then_some(*port))
}
