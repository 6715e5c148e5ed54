//! Canned answers in place of a shell, to test what runs steps without running any.

use super::{Backend, BackendError, Happening, KernelOwner, Mode, Opening, Session, Status};
use crate::event::Stream;
use crate::transcript::ShellFate;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Answers by script: what it prints and its exit status. An unknown script prints nothing.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    answers: BTreeMap<String, Answer>,
}

#[derive(Clone, Debug)]
enum Answer {
    Prints(String, i32),
    Hangs,
    CannotBeEnded,
    EndsShell(i32),
    EndsUnheard(i32),
    LosesPlace(String),
}

impl Scripted {
    /// The script prints `text` and exits with `status`.
    pub fn prints(mut self, script: &str, text: &str, status: i32) -> Self {
        self.answers
            .insert(script.to_owned(), Answer::Prints(text.to_owned(), status));
        self
    }

    /// The script never ends by itself.
    pub fn hangs(mut self, script: &str) -> Self {
        self.answers.insert(script.to_owned(), Answer::Hangs);
        self
    }

    /// The script does not end, whoever ends it.
    pub fn cannot_be_ended(mut self, script: &str) -> Self {
        self.answers
            .insert(script.to_owned(), Answer::CannotBeEnded);
        self
    }

    /// The script ends its shell.
    pub fn ends_shell(mut self, script: &str, status: i32) -> Self {
        self.answers
            .insert(script.to_owned(), Answer::EndsShell(status));
        self
    }

    /// In the background, the script has ended with `status` by the time it is to be stopped.
    pub fn ends_unheard(mut self, script: &str, status: i32) -> Self {
        self.answers
            .insert(script.to_owned(), Answer::EndsUnheard(status));
        self
    }

    /// The script prints `text`, and then its place is gone.
    pub fn loses_place(mut self, script: &str, text: &str) -> Self {
        self.answers
            .insert(script.to_owned(), Answer::LosesPlace(text.to_owned()));
        self
    }
}

impl Backend for Scripted {
    fn kernel(&self) -> KernelOwner {
        KernelOwner::Guest { machine: None }
    }

    fn open(&self, _opening: &Opening<'_>) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ScriptedSession {
            answers: self.answers.clone(),
            is_gone: false,
            queue: VecDeque::new(),
            unheard: BTreeMap::new(),
            background: BTreeSet::new(),
            unending: BTreeSet::new(),
        }))
    }
}

struct ScriptedSession {
    answers: BTreeMap<String, Answer>,
    is_gone: bool,
    queue: VecDeque<Happening>,
    unheard: BTreeMap<u32, i32>,
    background: BTreeSet<u32>,
    unending: BTreeSet<u32>,
}

impl Session for ScriptedSession {
    fn run(&mut self, id: u32, mode: Mode, script: &str) -> Result<(), BackendError> {
        if mode == Mode::Background {
            self.background.insert(id);
        }
        let script = script.trim_end();
        let answer = self
            .answers
            .get(script)
            .cloned()
            .unwrap_or(Answer::Prints(String::new(), 0));
        let (text, status, shell) = match answer {
            Answer::Prints(text, status) => (text, status, ShellFate::Kept),
            Answer::EndsShell(status) => (String::new(), status, ShellFate::Lost),
            Answer::Hangs => return Ok(()),
            Answer::CannotBeEnded => {
                self.unending.insert(id);
                return Ok(());
            }
            Answer::EndsUnheard(status) => {
                self.unheard.insert(id, status);
                return Ok(());
            }
            Answer::LosesPlace(text) => {
                self.is_gone = true;
                (text, 0, ShellFate::Kept)
            }
        };
        if !text.is_empty() {
            self.queue.push_back(Happening::Output {
                id,
                stream: Stream::Stdout,
                bytes: text.into_bytes(),
            });
        }
        if mode != Mode::Background && !self.is_gone {
            self.queue.push_back(Happening::Ended {
                id,
                status: Status::Exited(status),
                shell,
                on_request: false,
            });
        }
        Ok(())
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Happening>, BackendError> {
        match self.queue.pop_front() {
            None if self.is_gone => Err(BackendError::Gone),
            None if !self.unending.is_empty() => {
                // It is waited for, long.
                std::thread::sleep(wait.min(Duration::from_millis(20)));
                Ok(None)
            }
            next => Ok(next),
        }
    }

    fn end(&mut self, id: u32, _grace: Duration) -> Result<(), BackendError> {
        if self.unending.contains(&id) {
            return Ok(());
        }
        let unheard = self.unheard.remove(&id);
        let shell = match self.background.remove(&id) {
            true => ShellFate::Kept,
            false => ShellFate::Lost,
        };
        self.queue.push_back(Happening::Ended {
            id,
            status: unheard.map_or(Status::Signaled(15), Status::Exited),
            shell,
            on_request: unheard.is_none(),
        });
        Ok(())
    }

    fn finish(&mut self, _grace: Duration) -> Result<(), BackendError> {
        self.queue.push_back(Happening::Finished {
            leftovers: Vec::new(),
        });
        Ok(())
    }
}
