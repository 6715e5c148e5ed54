//! One step, from being reached to having ended, and background steps until they are stopped.

use super::hear::ending_of;
use super::ready::{Readiness, listens, question};
use super::{GRACE, Listen, Runner, TICK, exclusive};
use crate::backend::{BackendError, Happening, KernelOwner, Mode, Status};
use crate::event::Event;
use crate::lesson::{Background, ExpectedExit, Place, SKIP_REST, Step};
use crate::say;
use crate::transcript::{Ending, Output, Record, RecordId, ShellFate, Skip};
use std::time::{Duration, Instant};

impl<'r> Runner<'r> {
    pub(super) fn run(&mut self, step: &'r Step, listen: Listen<'_, 'r>) {
        self.tell(&Event::StepReached(step), listen);
        let mut record = Record {
            id: RecordId::Step(step.id.clone()),
            ending: Ending::Interrupted,
            output: Output::default(),
            duration: Duration::ZERO,
            place: step.on,
            shell: ShellFate::Kept,
        };
        match self.may_run(step, listen) {
            Ok(()) => {}
            Err(ending) => {
                record.ending = ending;
                self.ended(step, record, listen);
                return;
            }
        }
        match self.port_taken(step, listen) {
            Ok(None) => {}
            Ok(Some(port)) => {
                record.ending = Ending::Broken(say!("port-taken", port = port.to_string()));
                self.ended(step, record, listen);
                return;
            }
            Err(error) => {
                record.ending = Ending::Broken(error.to_string());
                self.ended(step, record, listen);
                return;
            }
        }
        let mut held = None;
        if let Some(name) = &step.exclusive
            && self.is_on_this_kernel(step)
        {
            match self.take(step, name, listen) {
                Ok(got) => held = Some(got),
                Err(ending) => {
                    record.ending = ending;
                    self.ended(step, record, listen);
                    return;
                }
            }
        }
        self.tell(&Event::StepStarted(step), listen);
        let id = self.next_id();
        self.steps.insert(id, step);
        self.records.push(record);
        let index = self.records.len() - 1;
        let began = Instant::now();
        let outcome = self.run_in_shell(step, id, index, listen);
        self.spent += began.elapsed();
        drop(held);
        let record = &mut self.records[index];
        record.duration = began.elapsed();
        match outcome {
            Ok(Some(ending)) => record.ending = ending,
            Ok(None) => {
                // A background step goes on; its record is completed when it ends.
                self.background.push((id, step.on, index));
                self.tell(&Event::StepReady(step), listen);
                return;
            }
            Err(error) => {
                record.ending = Ending::Broken(error.to_string());
                if error.is_end() {
                    record.shell = ShellFate::Lost;
                    self.lose(step.on, listen);
                }
            }
        }
        self.heed_skip_rest(step, index);
        let record = self.records[index].clone();
        self.tell(
            &Event::StepEnded {
                step,
                record: &record,
            },
            listen,
        );
    }

    /// Runs a step in its place's shell until it ended (`Some`) or is ready in the background
    /// (`None`).
    pub(super) fn run_in_shell(
        &mut self,
        step: &'r Step,
        id: u32,
        index: usize,
        listen: Listen<'_, 'r>,
    ) -> Result<Option<Ending>, BackendError> {
        let timeout = self.options.timeout.unwrap_or(step.timeout);
        let limit = timeout.min(self.options.lesson_timeout.saturating_sub(self.spent));
        let mode = if step.background.is_some() {
            Mode::Background
        } else {
            Mode::Step
        };
        self.shells.session(step.on)?.run(id, mode, &step.script)?;
        let mut readiness = step.background.as_ref().map(Readiness::new);
        let question = self.question(step);
        let mut asked = None;
        let began = Instant::now();
        let mut last_output = began;
        let deadline = began + limit;
        let mut giving_up: Option<Ending> = None;
        loop {
            if question.is_none()
                && readiness
                    .as_ref()
                    .is_some_and(|ready| ready.is_ready(self.workspace.files()))
                && giving_up.is_none()
            {
                return Ok(None);
            }
            if let (Some(question), None, None) = (&question, asked, &giving_up) {
                let id = self.next_id();
                self.shells
                    .session(step.on)?
                    .run(id, Mode::Aside, question)?;
                asked = Some(id);
            }
            // All of them count, those from before the step as well: whoever pressed wants an end, and
            // who goes on after one forgets it.
            let presses = self.options.interrupt.presses();
            let now = Instant::now();
            let wait = deadline.saturating_duration_since(now).min(TICK);
            match &giving_up {
                None if presses > 0 => {
                    self.shells.session(step.on)?.end(id, GRACE)?;
                    giving_up = Some(Ending::Interrupted);
                }
                None if now >= deadline => {
                    self.shells.session(step.on)?.end(id, GRACE)?;
                    giving_up = Some(Ending::TimedOut(limit));
                }
                Some(Ending::Interrupted) if presses > 1 => {
                    self.shells.session(step.on)?.end(id, Duration::ZERO)?;
                }
                Some(ending) if now >= deadline + GRACE * 4 && presses == 0 => {
                    // The place does not answer; closing it ends all that it keeps.
                    let ending = ending.clone();
                    self.records[index].shell = ShellFate::Lost;
                    self.lose(step.on, listen);
                    return Ok(Some(ending));
                }
                None | Some(_) => {}
            }
            let wait = if giving_up.is_some() { TICK } else { wait };
            let Some(happening) = self.shells.session(step.on)?.next(wait)? else {
                self.hear_others(step.on, listen)?;
                let (running, silent) = (began.elapsed(), last_output.elapsed());
                self.tell(
                    &Event::StepTicks {
                        step,
                        running,
                        silent,
                    },
                    listen,
                );
                continue;
            };
            match happening {
                Happening::Ended {
                    id: ended, status, ..
                } if asked == Some(ended) => {
                    asked = None;
                    if status == Status::Exited(0) && giving_up.is_none() {
                        return Ok(None);
                    }
                    std::thread::sleep(TICK);
                }
                Happening::Ended {
                    id: ended,
                    status,
                    shell,
                    ..
                } if ended == id => {
                    if let Some(asked) = asked {
                        self.await_answer(step.on, asked, listen)?;
                    }
                    self.records[index].shell = shell;
                    let ending = giving_up.unwrap_or_else(|| ending_of(status));
                    let waited_for = step.background.as_ref();
                    if ending == Ending::Exited(0)
                        && waited_for.is_some_and(|until| *until != Background::AtOnce)
                    {
                        return Ok(Some(Ending::Broken(say!("never-ready"))));
                    }
                    return Ok(Some(ending));
                }
                Happening::Output {
                    id: printed,
                    stream,
                    bytes,
                } => {
                    if printed == id
                        && let Some(ready) = &mut readiness
                    {
                        ready.printed(stream, &bytes);
                    }
                    last_output = Instant::now();
                    self.printed(printed, stream, &bytes, listen);
                }
                other => self.heard(other, listen),
            }
        }
    }

    /// Skips what has not begun if a step, in the background or not, asked for that.
    fn heed_skip_rest(&mut self, step: &Step, index: usize) {
        let asked = self.records[index].ending == Ending::Exited(SKIP_REST);
        if asked && step.exit != ExpectedExit::Code(SKIP_REST) {
            self.rest_skipped
                .get_or_insert(Skip::RestSkipped(step.id.clone()));
        }
    }

    /// What to ask where a background step runs to find out whether it is ready: a guest, and for
    /// ports what has a network of its own.
    fn question(&self, step: &Step) -> Option<String> {
        let until = step.background.as_ref()?;
        let is_seen_from_here = match until {
            Background::AtOnce | Background::Line(_) | Background::File(_) => true,
            Background::Port(_) => {
                step.on == Place::Kernel || !self.options.surroundings.has_own_network()
            }
        };
        match is_seen_from_here && self.is_on_this_kernel(step) {
            true => None,
            false => question(until, self.workspace.files()),
        }
    }

    /// Waits for such a question to end, whatever its answer is.
    fn await_answer(
        &mut self,
        place: Place,
        asked: u32,
        listen: Listen<'_, 'r>,
    ) -> Result<(), BackendError> {
        let deadline = Instant::now() + GRACE * 4;
        while Instant::now() < deadline {
            match self.shells.session(place)?.next(TICK)? {
                Some(Happening::Ended { id, .. }) if id == asked => return Ok(()),
                Some(other) => self.heard(other, listen),
                None => {}
            }
        }
        Ok(())
    }

    /// The port that a step is awaited by, if something listens there before the step begins.
    fn port_taken(
        &mut self,
        step: &Step,
        listen: Listen<'_, 'r>,
    ) -> Result<Option<u16>, BackendError> {
        let Some(Background::Port(port)) = step.background else {
            return Ok(None);
        };
        let is_taken = match self.question(step) {
            None => listens(port),
            Some(question) => self.probe(step.on, &question, listen)?.yes,
        };
        Ok(is_taken.then_some(port))
    }

    /// False if the step has a kernel that no other lesson shares.
    fn is_on_this_kernel(&self, step: &Step) -> bool {
        self.backend(step.on)
            .is_none_or(|backend| backend.kernel() == KernelOwner::ThisMachine)
    }

    pub(super) fn take(
        &mut self,
        step: &'r Step,
        name: &str,
        listen: Listen<'_, 'r>,
    ) -> Result<exclusive::Held, Ending> {
        let deadline = Instant::now() + self.options.lesson_timeout;
        let mut told = false;
        loop {
            match exclusive::try_take(&self.options.locks, name) {
                Ok(Some(held)) => return Ok(held),
                Ok(None) if self.options.interrupt.presses() > 0 => {
                    return Err(Ending::Interrupted);
                }
                Ok(None) if Instant::now() > deadline => {
                    return Err(Ending::TimedOut(self.options.lesson_timeout));
                }
                Ok(None) => {
                    if !told {
                        self.tell(&Event::StepWaits(step), listen);
                        told = true;
                    }
                    std::thread::sleep(TICK);
                }
                Err(error) => {
                    let what = say!("exclusive-failed", name = name, error = error.to_string());
                    return Err(Ending::Broken(what));
                }
            }
        }
    }

    pub(super) fn ended(&mut self, step: &'r Step, record: Record, listen: Listen<'_, 'r>) {
        self.records.push(record.clone());
        self.tell(
            &Event::StepEnded {
                step,
                record: &record,
            },
            listen,
        );
    }

    pub(super) fn stop_background(&mut self, listen: Listen<'_, 'r>) {
        // Last started, first stopped, as one undoes things at a terminal.
        while let Some((id, place, index)) = self.background.pop() {
            let deadline = Instant::now() + GRACE * 4;
            let mut ending = None;
            if let Ok(session) = self.shells.session(place)
                && session.end(id, GRACE).is_ok()
            {
                while ending.is_none() && Instant::now() < deadline {
                    let next = self
                        .shells
                        .session(place)
                        .and_then(|session| session.next(TICK));
                    match next {
                        Ok(Some(Happening::Ended {
                            id: ended,
                            status,
                            on_request,
                            ..
                        })) if ended == id => {
                            ending = Some(match on_request {
                                true => Ending::Stopped,
                                false => ending_of(status),
                            });
                        }
                        Ok(Some(happening)) => self.heard(happening, listen),
                        Ok(None) => {}
                        Err(error) => ending = Some(Ending::Broken(error.to_string())),
                    }
                }
            }
            let ending = ending.unwrap_or(Ending::Stopped);
            self.complete(id, index, ending, listen);
        }
    }

    /// Gives up a place that is gone or does not answer: its background steps ended with it, and
    /// the next step there opens it anew.
    pub(super) fn lose(&mut self, place: Place, listen: Listen<'_, 'r>) {
        self.shells.drop_session(place);
        if place == Place::Kernel {
            self.stands_nowhere();
        }
        let background = std::mem::take(&mut self.background);
        let (lost, kept) = background.into_iter().partition(|(_, on, _)| *on == place);
        self.background = kept;
        let lost: Vec<(u32, Place, usize)> = lost;
        for (id, _, index) in lost {
            self.complete(
                id,
                index,
                Ending::Broken(BackendError::Gone.to_string()),
                listen,
            );
        }
    }

    pub(super) fn complete(
        &mut self,
        id: u32,
        index: usize,
        ending: Ending,
        listen: Listen<'_, 'r>,
    ) {
        self.records[index].ending = ending;
        let Some(step) = self.steps.get(&id).copied() else {
            return;
        };
        self.heed_skip_rest(step, index);
        let record = self.records[index].clone();
        self.tell(
            &Event::StepEnded {
                step,
                record: &record,
            },
            listen,
        );
    }
}
