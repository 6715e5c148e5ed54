//! The learner at the keyboard: one key at a terminal, one line in a pipe, and a line for an answer.

use crate::cli::context::Context;
use crate::cli::diff;
use crate::cli::hint;
use crate::cli::output::{print_lines, typed_line};
use crate::event::TakenBack;
use crate::lesson::answer::{self, COMMAND_MARK, is_number, lettered};
use crate::lesson::{Check, Clue, Expectation, Lesson, Place, Step, StepKind};
use crate::render::difference;
use crate::render::paint::Paint;
use crate::render::verdict::Style;
use crate::report::Diff;
use crate::run::Interrupt;
use crate::say;
use crate::store::{Prediction, Progress, Store};
use crate::study::{AnswerKind, Learner, Said, Stop, Wish};
use crate::visible::visible_text;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{FlushArg, tcflush};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// A learner at the keyboard.
pub struct Keyboard<'k> {
    pub context: &'k Context,
    pub store: &'k Store,
    pub key: &'k str,
    pub lesson: &'k Lesson,
    /// Where the lesson's files are.
    pub workspace: &'k Path,
    pub interrupt: &'k Interrupt,
}

impl Learner for Keyboard<'_> {
    fn wish(&mut self, stop: Stop<'_>) -> io::Result<Wish> {
        if let Stop::Failure(_) = stop {
            let folder = self.workspace.display().to_string();
            self.tell(Paint::notable, "", &say!("study-mend", folder = folder))?;
        }
        if let Stop::Step { step, .. } = stop
            && step.kind == StepKind::Exercise
        {
            let starts = self.lesson.starts(step).into_iter();
            let files: Vec<String> = starts
                .map(|file| self.workspace.join(&file.path).display().to_string())
                .collect();
            let task = say!("study-exercise", files = files.join(", "));
            self.tell(Paint::advice, "", &task)?;
        }
        loop {
            let lines = self.paint().fitted_in(Paint::bold, "", &prompt(stop));
            let wish = match io::stdin().is_terminal() {
                true => self.pressed(stop, &lines),
                false => typed(stop, &lines).map(Some),
            };
            outln!("");
            if let Some(wish) = wish? {
                return Ok(wish);
            }
        }
    }

    fn predicts(&mut self, question: &Check, kind: AnswerKind) -> io::Result<Said> {
        let sentence = question.sentence.as_str();
        let asked = say!("study-question", question = sentence);
        self.tell(Paint::advice, "? ", &asked)?;
        let choices = match &question.expect {
            Expectation::Answer(choices) => &**choices,
            Expectation::Equals(_) | Expectation::Matches(_) | Expectation::Range(..) => &[],
        };
        for (letter, choice) in lettered(choices) {
            let letter = letter.to_string();
            let line = say!("study-choice", letter = letter, choice = choice.as_str());
            self.tell(Paint::advice, "  ", &line)?;
        }
        let last = lettered(choices).last();
        let last = last.map_or_else(String::new, |(letter, _)| letter.to_string());
        let prompt = match (kind, choices) {
            (_, [_, ..]) => say!("study-predict-choice", last = last.as_str()),
            (AnswerKind::Number, []) => say!("study-predict-number"),
            (AnswerKind::Words, []) => say!("study-predict"),
        };
        loop {
            let lines = self.paint().fitted_in(Paint::advice, "  ", &prompt);
            // What was typed while a step ran is no answer to a question that nobody has read.
            let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
            out!("{} ", lines.join("\n"));
            io::stdout().flush()?;
            let Some(line) = self.line()? else {
                outln!("");
                return Ok(Said::Wish(Wish::Quit));
            };
            let said = line.trim();
            if let Some(command) = said.strip_prefix(COMMAND_MARK) {
                match wish_of(command) {
                    Some(wish) => return Ok(Said::Wish(wish)),
                    None => self.tell(Paint::dim, "  ", &say!("study-predict-help"))?,
                }
                continue;
            }
            let chosen = answer::chosen(said, choices);
            let refused = match (kind, choices, chosen) {
                _ if said.is_empty() => return Ok(Said::Nothing),
                (_, [_, ..], Some(choice)) => return Ok(Said::Words(choice.clone())),
                (_, [_, ..], None) => {
                    say!("study-no-choice", said = said, last = last.as_str())
                }
                (AnswerKind::Number, [], _) if !is_number(said) => {
                    say!("study-no-number", said = said)
                }
                (AnswerKind::Number | AnswerKind::Words, [], _) => {
                    return Ok(Said::Words(said.to_owned()));
                }
            };
            self.tell(Paint::notable, "  ", &refused)?;
        }
    }

    fn is_unbegun(&mut self, _exercise: &Step) -> io::Result<()> {
        self.tell(Paint::notable, "", &say!("study-unbegun"))
    }

    fn hint(&mut self, exercise: &Step, hint: Option<(&Clue, usize)>) -> io::Result<()> {
        let (lesson, name) = (self.lesson.stem.as_str(), exercise.id.as_str());
        let Some((clue, left)) = hint else {
            let none = say!("hint-none", lesson = lesson, name = name);
            return self.tell(Paint::dim, "", &none);
        };
        print_lines(hint::lines(clue, &self.paint()))?;
        let more = say!("hint-more", left = left, lesson = lesson, name = name);
        self.tell(Paint::dim, "", &more)
    }

    fn remembers(&mut self, question: &Check, prediction: &Prediction) -> io::Result<()> {
        let question = question.sentence.as_str();
        let line = match (&prediction.said, &prediction.answer) {
            (None, _) => say!("study-said-nothing", question = question),
            (Some(said), None) => {
                say!("study-said", question = question, said = said.as_str())
            }
            (Some(said), Some(answer)) => say!(
                "study-said-answered",
                question = question,
                said = said.as_str(),
                answer = answer.as_str()
            ),
        };
        self.tell(Paint::advice, "", &line)
    }

    fn answered(&mut self, _question: &Check, prediction: &Prediction) -> io::Result<()> {
        let Some(said) = prediction.said.as_deref() else {
            return Ok(());
        };
        match prediction.is_right() {
            true => self.tell(Paint::good, "    ", &say!("study-right", said = said)),
            false => self.tell(Paint::notable, "    ", &say!("study-other", said = said)),
        }
    }

    fn differs(&mut self, differs: Option<&Diff>) -> io::Result<()> {
        diff::edits(self.context, self.lesson, self.key).map_err(io::Error::other)?;
        let Some(differs) = differs else {
            return Ok(());
        };
        self.tell(Paint::dim, "", &say!("study-output-differs"))?;
        print_lines(difference::diff(differs, &self.paint()))
    }

    fn at_beginning(&mut self) -> io::Result<()> {
        self.tell(Paint::dim, "", &say!("study-at-beginning"))
    }

    fn resumed(&mut self, step: &Step, kept: Option<&Step>) -> io::Result<()> {
        let lesson = self.lesson.stem.as_str();
        let mut steps = self.lesson.steps();
        let number = steps.position(|one| one.id == step.id).unwrap_or(0) + 1;
        let first = self.lesson.steps().next();
        let place = say!(
            "study-place",
            step = step.id.as_str(),
            number = number.to_string(),
            count = self.lesson.steps().count().to_string(),
            first = first.map_or("", |first| &*first.id),
            lesson = lesson
        );
        self.tell(Paint::dim, "", &place)?;
        let line = match kept {
            None => say!("study-resumed"),
            Some(kept) if kept.id == step.id => {
                let mut before = self.lesson.steps().take_while(|one| one.id != step.id);
                match before.any(|one| one.on == Place::Kernel) {
                    true => say!("study-resumed-in-lab"),
                    false => say!("study-resumed-shell"),
                }
            }
            Some(kept) => say!(
                "study-resumed-anew",
                step = step.id.as_str(),
                back = kept.id.as_str(),
                lesson = lesson
            ),
        };
        self.tell(Paint::dim, "", &line)
    }

    fn rewound(&mut self, step: &Step, _taken: TakenBack) -> io::Result<()> {
        self.tell(
            Paint::dim,
            "",
            &say!("study-rewound", step = step.id.as_str()),
        )
    }

    fn progressed(&mut self, progress: &Progress) {
        if let Err(error) = self.store.set_progress(self.key, progress) {
            noteln!("{}", visible_text(&error.to_string()));
        }
    }
}

impl Keyboard<'_> {
    fn paint(&self) -> Paint {
        self.context.stdout.resized()
    }

    fn tell(&self, style: Style, lead: &str, text: &str) -> io::Result<()> {
        print_lines(self.paint().fitted_in(style, lead, text))
    }

    /// A line that is typed; nothing if the learner leaves, or there is no terminal any more.
    fn line(&self) -> io::Result<Option<String>> {
        if io::stdin().is_terminal() {
            loop {
                match key_is_ready() {
                    _ if self.interrupt.presses() > 0 => return Ok(None),
                    None => return Ok(None),
                    Some(true) => break,
                    Some(false) => {}
                }
            }
        }
        typed_line()
    }

    /// Waits for a key. A signal to end, or a terminal that is gone, is a wish to leave; nothing is
    /// wished by who stopped the program by Ctrl-Z and goes on with it.
    fn pressed(&self, stop: Stop<'_>, prompt: &[String]) -> io::Result<Option<Wish>> {
        // Before the prompt, so that no key comes in the usual mode.
        crossterm::terminal::enable_raw_mode()?;
        // A key that was pressed while a step ran is no answer to a question that nobody has read.
        let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
        let wish = self.asked(stop, prompt);
        crossterm::terminal::disable_raw_mode()?;
        wish
    }

    fn asked(&self, stop: Stop<'_>, prompt: &[String]) -> io::Result<Option<Wish>> {
        show(prompt)?;
        let mut is_helped = false;
        loop {
            // crossterm reads a terminal that hung up for ever, so it waits for nothing: this does.
            let ready = key_is_ready();
            if self.interrupt.presses() > 0 || ready.is_none() {
                break Ok(Some(Wish::Quit));
            }
            match crossterm::event::poll(Duration::ZERO) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => break Err(error),
            }
            match crossterm::event::read() {
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                    if is_suspend(key) {
                        // Raw mode keeps the terminal from doing it.
                        crossterm::terminal::disable_raw_mode()?;
                        let _ = raise(Signal::SIGTSTP);
                        crossterm::terminal::enable_raw_mode()?;
                        break Ok(None);
                    }
                    if let Some(wish) = wish_at(stop, key) {
                        break Ok(Some(wish));
                    }
                    // Once is enough: a held key, or a pasted text, comes as many.
                    if !is_helped {
                        is_helped = true;
                        let help = self.paint().fitted_in(Paint::dim, "", &keys(stop));
                        show(&[&[String::new()], &help[..], prompt].concat())?;
                    }
                }
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        }
    }
}

/// How often a wait for a key looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Shows lines, the last of them open. A terminal in raw mode does not go back to the first column by
/// itself.
fn show(lines: &[String]) -> io::Result<()> {
    out!("{} ", lines.join("\r\n"));
    io::stdout().flush()
}

/// Waits a little for a key; nothing if there is no terminal any more.
fn key_is_ready() -> Option<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let wait = PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO);
    let count = poll(&mut fds, wait).unwrap_or(0);
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    let is_gone = fds[0].revents().is_some_and(|found| found.intersects(gone));
    (!is_gone).then_some(count > 0)
}

fn is_suspend(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('z') && key.modifiers.contains(KeyModifiers::CONTROL)
}

fn prompt(stop: Stop<'_>) -> String {
    match stop {
        Stop::Section => say!("study-prompt-section"),
        Stop::Failure(step) if step.kind == StepKind::Exercise => {
            say!("study-prompt-unsolved", step = step.id.as_str())
        }
        Stop::Failure(step) => say!("study-prompt-failed", step = step.id.as_str()),
        Stop::Step { step, .. } if step.kind == StepKind::Exercise => {
            say!("study-prompt-exercise", step = step.id.as_str())
        }
        Stop::Step { step, is_predicted } => match is_predicted {
            true => say!("study-prompt-predicted", step = step.id.as_str()),
            false => say!("study-prompt", step = step.id.as_str()),
        },
    }
}

/// What the keys do there.
fn keys(stop: Stop<'_>) -> String {
    match stop {
        Stop::Section => say!("study-keys-section"),
        Stop::Failure(step) | Stop::Step { step, .. } if step.kind == StepKind::Exercise => {
            say!("study-keys-exercise")
        }
        Stop::Failure(_) => say!("study-keys-failed"),
        Stop::Step { is_predicted, .. } => match is_predicted {
            true => say!("study-keys-predicted"),
            false => say!("study-keys"),
        },
    }
}

fn wish_at(stop: Stop<'_>, key: KeyEvent) -> Option<Wish> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let word = match key.code {
        KeyCode::Char('c' | 'd') if control => "q",
        // Enter, where it comes as a line feed.
        KeyCode::Char('j') if control => "",
        KeyCode::Char(_) if control => return None,
        KeyCode::Enter | KeyCode::Char(' ') => "",
        KeyCode::Left | KeyCode::Backspace => "b",
        KeyCode::Esc => "q",
        KeyCode::Char(char) => &char.to_string(),
        _ => return None,
    };
    wish_named(stop, word)
}

/// The wish that a key, or the line of a pipe, names at a stop.
fn wish_named(stop: Stop<'_>, word: &str) -> Option<Wish> {
    match (word, stop) {
        ("" | "r" | "run", Stop::Failure(_)) => Some(Wish::Again),
        ("" | "r" | "run", Stop::Step { .. } | Stop::Section) => Some(Wish::GoOn),
        ("g" | "go", Stop::Failure(_) | Stop::Section) => Some(Wish::GoOn),
        ("g" | "go", Stop::Step { .. }) => None,
        ("p" | "predict", Stop::Step { is_predicted, .. }) => is_predicted.then_some(Wish::Predict),
        ("n", _) => Some(Wish::Skip),
        ("h" | "hint", Stop::Step { step, .. } | Stop::Failure(step))
            if step.kind != StepKind::Exercise =>
        {
            None
        }
        ("h" | "hint", Stop::Section) => None,
        (word, _) => wish_of(word),
    }
}

/// The wish of that name, or of the letter that it begins with.
fn wish_of(word: &str) -> Option<Wish> {
    match word {
        "s" | "skip" => Some(Wish::Skip),
        "a" | "again" => Some(Wish::Again),
        "d" | "diff" => Some(Wish::Diff),
        "h" | "hint" => Some(Wish::Hint),
        "b" | "back" => Some(Wish::Back),
        "q" | "quit" => Some(Wish::Quit),
        _ => None,
    }
}

fn typed(stop: Stop<'_>, prompt: &[String]) -> io::Result<Wish> {
    out!("{} ", prompt.join("\n"));
    io::stdout().flush()?;
    loop {
        let Some(line) = typed_line()? else {
            return Ok(Wish::Quit);
        };
        let word = line.trim();
        if let Some(wish) = wish_named(stop, word) {
            return Ok(wish);
        }
        outln!("{}", say!("study-unknown", typed = word, keys = keys(stop)));
    }
}
