//! Short questions to a place: needs, facets, checks, the inventory. Opens places at their first use.

use super::hear::{ending_of, keep};
use super::{GRACE, KernelPlace, Listen, PROBE_TIMEOUT, Runner, TICK, findings};
use crate::backend::{Backend, BackendError, Happening, KernelOwner, Mode};
use crate::event::Event;
use crate::lesson::{Check, Place, Step};
use crate::say;
use crate::transcript::{Capture, Ending, Leftover, Output, Record, RecordId, ShellFate, Skip};
use std::time::{Duration, Instant};

/// What became of a question.
pub(super) struct Asked {
    ending: Ending,
    output: Output,
    /// What became of the lesson's shell.
    shell: ShellFate,
}

impl Asked {
    /// How it ended.
    pub(super) fn ended(&self) -> &Ending {
        &self.ending
    }

    /// What it printed to standard output.
    pub(super) fn printed(&self) -> &Capture {
        &self.output.stdout
    }
}

impl<'r> Runner<'r> {
    pub(super) fn check(&mut self, check: &'r Check, listen: Listen<'_, 'r>) {
        let place = self
            .lesson
            .step(&check.of)
            .map_or(Place::Host, |step| step.on);
        let began = Instant::now();
        let mut shell = ShellFate::Kept;
        let mut output = Output::default();
        let step = self.record(&RecordId::Step(check.of.clone()));
        let ran = step.is_some_and(|record| !matches!(record.ending, Ending::Skipped(_)));
        let ending = if let Some(skip) = &self.rest_skipped {
            Ending::Skipped(skip.clone())
        } else if !ran {
            Ending::Skipped(Skip::StepSkipped(check.of.clone()))
        } else {
            match self.asked(check, place, listen) {
                Ok(asked) => {
                    output = asked.output;
                    shell = asked.shell;
                    asked.ending
                }
                Err(ending) => ending,
            }
        };
        let record = Record {
            id: RecordId::Check(check.name.clone()),
            ending,
            output,
            duration: began.elapsed(),
            place,
            shell,
        };
        self.spent += record.duration;
        self.records.push(record.clone());
        self.tell(
            &Event::CheckEnded {
                check,
                record: &record,
            },
            listen,
        );
    }

    /// Asks what a check asks, with what its step printed until now where it finds it.
    fn asked(
        &mut self,
        check: &Check,
        place: Place,
        listen: Listen<'_, 'r>,
    ) -> Result<Asked, Ending> {
        let home = self.workspace.home();
        let step = self.record(&RecordId::Step(check.of.clone()));
        let kept = step.map_or(Ok(()), |step| {
            self.shells.keep_output(&self.workspace, &check.of, step)
        });
        kept.map_err(|error| {
            let (step, error) = (check.of.as_str(), error.to_string());
            Ending::Broken(say!("keep-failed", step = step, error = error))
        })?;
        let script = self
            .shells
            .with_output_of(home, &check.of, step, &check.script);
        self.ask(place, Mode::Check, &script, listen)
            .map_err(|error| {
                if error.is_end() {
                    self.lose(place, listen);
                }
                Ending::Broken(error.to_string())
            })
    }

    /// Runs something short in a place and waits for its end.
    pub(super) fn ask(
        &mut self,
        place: Place,
        mode: Mode,
        script: &str,
        listen: Listen<'_, 'r>,
    ) -> Result<Asked, BackendError> {
        let id = self.next_id();
        let timeout = self
            .options
            .timeout
            .unwrap_or(PROBE_TIMEOUT)
            .max(Duration::from_secs(1));
        let deadline = Instant::now() + timeout;
        self.shells.session(place)?.run(id, mode, script)?;
        let mut output = Output::default();
        let mut timed_out = false;
        loop {
            let now = Instant::now();
            if now >= deadline && !timed_out {
                timed_out = true;
                self.shells.session(place)?.end(id, GRACE)?;
            }
            if now >= deadline + GRACE * 4 {
                self.shells.drop_session(place);
                return Ok(Asked {
                    ending: Ending::TimedOut(timeout),
                    output,
                    shell: ShellFate::Lost,
                });
            }
            match self.shells.session(place)?.next(TICK)? {
                Some(Happening::Output {
                    id: printed,
                    stream,
                    bytes,
                }) if printed == id => {
                    keep(&mut output, stream, &bytes);
                }
                Some(Happening::Ended {
                    id: ended,
                    status,
                    shell,
                    ..
                }) if ended == id => {
                    let ending = if timed_out {
                        Ending::TimedOut(timeout)
                    } else {
                        ending_of(status)
                    };
                    return Ok(Asked {
                        ending,
                        output,
                        shell,
                    });
                }
                Some(other) => self.heard(other, listen),
                None => {}
            }
        }
    }

    pub(super) fn may_run(&mut self, step: &Step, listen: Listen<'_, 'r>) -> Result<(), Ending> {
        if let Some(skip) = &self.rest_skipped {
            return Err(Ending::Skipped(skip.clone()));
        }
        let limit = self.options.lesson_timeout;
        if self.spent >= limit {
            return Err(Ending::Skipped(Skip::LessonTimeout(limit)));
        }
        self.open(step.on, listen)?;
        for need in self.lesson.front.needs.iter().chain(&step.needs) {
            let Some(probe) = self.course.needs.get(&need.name) else {
                continue;
            };
            let place = if probe.on == Place::Kernel {
                step.on
            } else {
                Place::Host
            };
            self.open(place, listen)?;
            let answer = self.answer(place, &probe.probe, listen);
            let answer = answer.map_err(|error| Ending::Broken(error.to_string()))?;
            if let Some(reason) = findings::missing(need, probe, &answer) {
                let remedy = self.findings.remedy(need, probe, &answer);
                let is_own = self
                    .backend(place)
                    .is_some_and(|backend| backend.kernel() == KernelOwner::ThisMachine);
                let remedy = match place == Place::Kernel && is_own {
                    true => Some(findings::on_own_kernel(
                        &self.lesson.stem,
                        remedy.as_deref(),
                    )),
                    false => remedy,
                };
                return Err(Ending::Skipped(Skip::Need {
                    need: need.to_string(),
                    reason,
                    remedy,
                }));
            }
        }
        // A background step may have asked for it meanwhile.
        match &self.rest_skipped {
            Some(skip) => Err(Ending::Skipped(skip.clone())),
            None => Ok(()),
        }
    }

    /// The answer to a probe in a place, whose shell is opened if it has to be asked.
    pub(super) fn answer(
        &mut self,
        place: Place,
        probe: &str,
        listen: Listen<'_, 'r>,
    ) -> Result<findings::Answer, BackendError> {
        let findings = self.findings;
        findings.answer(place, probe, || self.known_or_probed(place, probe, listen))
    }

    pub(super) fn probe(
        &mut self,
        place: Place,
        script: &str,
        listen: Listen<'_, 'r>,
    ) -> Result<findings::Answer, BackendError> {
        let asked = self.ask(place, Mode::Aside, script, listen)?;
        let yes = asked.ending == Ending::Exited(0);
        let mut answer = findings::Answer::of(yes, &asked.output);
        if let Ending::TimedOut(_) = asked.ending {
            answer.text = say!("probe-timeout");
        }
        // A probe that was cut short says nothing of the machine, and a refusal may be what steps
        // brought about.
        let is_untouched = !self.steps.values().any(|step| step.on == place);
        if let (Ending::Exited(_), Some(backend)) = (&asked.ending, self.backend(place))
            && (yes || is_untouched)
        {
            backend.note(script, &answer);
        }
        Ok(answer)
    }

    /// What is known of a machine that begins as the same one each time; else its probe is run.
    fn known_or_probed(
        &mut self,
        place: Place,
        script: &str,
        listen: Listen<'_, 'r>,
    ) -> Result<findings::Answer, BackendError> {
        match self
            .backend(place)
            .and_then(|backend| backend.known(script))
        {
            Some(answer) => Ok(answer),
            None => self.probe(place, script, listen),
        }
    }

    pub(super) fn backend(&self, place: Place) -> Option<&'r dyn Backend> {
        match (place, &self.places.kernel) {
            (Place::Host, _) => Some(self.places.host),
            (Place::Kernel, KernelPlace::Backend(backend)) => Some(*backend),
            (Place::Kernel, KernelPlace::None { .. }) => None,
        }
    }

    /// Opens a place's shell at its first use, and learns what its environment is like.
    pub(super) fn open(&mut self, place: Place, listen: Listen<'_, 'r>) -> Result<(), Ending> {
        if self.shells.is_open(place) {
            return Ok(());
        }
        let backend = match (place, &self.places.kernel) {
            (Place::Host, _) => self.places.host,
            (Place::Kernel, KernelPlace::Backend(backend)) => *backend,
            (Place::Kernel, KernelPlace::None { reason, remedy }) => {
                let skip = Skip::NoPlace {
                    reason: reason.clone(),
                    remedy: remedy.clone(),
                };
                return Err(Ending::Skipped(skip));
            }
        };
        let opened = self
            .shells
            .open(place, backend, &self.workspace, self.options);
        opened.map_err(|error| match error {
            BackendError::Unusable { reason, remedy } => {
                Ending::Skipped(Skip::NoPlace { reason, remedy })
            }
            error => Ending::Broken(error.to_string()),
        })?;
        self.learn_machine(backend);
        self.learn(place, listen)
            .map_err(|error| Ending::Broken(error.to_string()))
    }

    /// Notes the machine that a guest runs on: outputs are recorded with it.
    pub(super) fn learn_machine(&mut self, backend: &dyn Backend) {
        if let KernelOwner::Guest {
            machine: Some(machine),
        } = backend.kernel()
        {
            self.environment.insert("machine".to_owned(), machine);
        }
    }

    pub(super) fn learn(
        &mut self,
        place: Place,
        listen: Listen<'_, 'r>,
    ) -> Result<(), BackendError> {
        let course = self.course;
        for (name, facet) in course.facets.iter().filter(|(_, facet)| facet.on == place) {
            let answer = self.answer(place, &facet.probe, listen)?;
            match findings::facet_value(facet, &answer) {
                Some(value) => {
                    self.environment.insert(name.clone(), value);
                }
                None => {
                    let why = findings::facet_unknown(facet, &answer);
                    self.unknown.0.insert(name.clone(), why);
                }
            }
        }
        if place == Place::Kernel
            && self.inventory.is_none()
            && let Some(inventory) = &course.inventory
        {
            self.inventory = Some(lines(&self.known_or_probed(place, inventory, listen)?.text));
        }
        Ok(())
    }

    pub(super) fn inventory_leftovers(&mut self, listen: Listen<'_, 'r>) -> Vec<Leftover> {
        let (Some(before), Some(inventory)) = (self.inventory.take(), &self.course.inventory)
        else {
            return Vec::new();
        };
        // Not by `probe`, which would remember it as what the machine begins with.
        let Ok(after) = self.ask(Place::Kernel, Mode::Aside, inventory, listen) else {
            return Vec::new();
        };
        lines(&findings::Answer::of(true, &after.output).text)
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

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
