//! `tutor study`, and `tutor` alone: goes on where the learner was.

use super::arguments::{On, RunningArguments, StudyArguments};
use super::context::Context;
use super::failure::ends;
use super::output::typed_line;
use crate::course::Course;
use crate::event::TakenBack;
use crate::exit::Exit;
use crate::lesson::answer::{self, lettered};
use crate::lesson::{Check, Expectation, Lesson, Place, Step};
use crate::notebook::{self, OnFailure, Reporter};
use crate::plan::{Plan, Selection};
use crate::render::paint::Paint;
use crate::render::terminal::{Detail, Terminal, rewound};
use crate::render::verdict::{self, Style};
use crate::report::Strictness;
use crate::run::{Interrupt, ProbeCache, Sitting};
use crate::say;
use crate::store::{Prediction, Progress, Store};
use crate::study::{self, Learner, Said, Studied, Wish};
use crate::visible::visible_text;
use crate::workspace::Workspace;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{FlushArg, tcflush};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

/// `tutor` alone.
pub fn resume(context: &Context, running: RunningArguments) -> anyhow::Result<Exit> {
    study(
        context,
        &StudyArguments {
            lesson: None,
            from: None,
            running,
        },
    )
}

/// `tutor study`.
pub fn study(context: &Context, arguments: &StudyArguments) -> anyhow::Result<Exit> {
    let course = context.readers_course()?;
    context.refuse(&course, course.own_errors())?;
    let lesson = match &arguments.lesson {
        Some(key) => Some(context.lesson(&course, key)?),
        None => open(context, &course)?,
    };
    let Some(lesson) = lesson else {
        context.tell(&say!("study-all-done"))?;
        return Ok(Exit::Success);
    };
    context.refuse(&course, course.errors_of(lesson))?;
    context.may_run(&course, &[lesson], &arguments.running)?;
    let key = context.key(&course, lesson);
    let store = context.store();
    store.check(&key)?;
    let mut progress = context.progress(&course, lesson)?;
    if let Some(step) = &arguments.from {
        Plan::new(lesson, &Selection::Until(step.clone()))
            .map_err(|error| ends(Exit::Usage, error.to_string()))?;
        progress.next = Some(step.clone());
    }
    let backends = context.backends(&course, &arguments.running)?;
    let places = backends.places();
    let options = context.options(&course, &arguments.running)?;
    let probes = ProbeCache::default();
    let workspace = Workspace::lasting(&context.folders, &key)?;
    let folders = workspace.folders();
    let judge = notebook::judge(&course, lesson, &folders);
    let plan = Plan::whole(lesson);
    let mut view = Terminal::new(io::stdout(), context.stdout, Detail::Whole);
    let mut reporter = Reporter::new(&judge, OnFailure::GoOn, &mut view);
    let mut sitting = Sitting::new(
        &plan,
        &course,
        &places,
        &probes,
        &options,
        workspace,
        &mut reporter,
    );
    if arguments.running.place() == On::Lab {
        sitting.keep_moments(context.moments(&key)?);
    }
    let mut learner = Keyboard {
        paint: context.stdout,
        store: &store,
        key: &key,
        lesson,
        interrupt: &options.interrupt,
    };
    let (transcript, studied) = study::study(
        sitting,
        lesson,
        &judge,
        &options.interrupt,
        progress,
        &mut learner,
    )?;
    let report = reporter.report(&transcript);
    match studied {
        Studied::Left => {
            let command = match arguments.running.place() {
                On::Host => "tutor study --on host",
                On::Lab => "tutor",
            };
            context.tell(&say!("study-left", command = command))?;
        }
        Studied::Finished => {
            if let Some(item) = report.items.iter().find(|item| item.verdict.is_failure()) {
                context.tell(&say!(
                    "study-again",
                    lesson = lesson.stem.as_str(),
                    step = verdict::step_of(&item.id, lesson)
                ))?;
            }
            let position = course
                .lessons
                .iter()
                .position(|other| other.stem == lesson.stem);
            let next = position.and_then(|index| course.lessons.get(index + 1));
            context.tell(&match next {
                Some(next) => say!(
                    "study-next",
                    lesson = next.stem.as_str(),
                    title = next.front.title.as_str()
                ),
                None => say!("next-none"),
            })?;
        }
    }
    if report.items.is_empty() {
        return Ok(Exit::Success);
    }
    Ok(report.exit(Strictness::default()))
}

/// The lesson studied last, or the one after it where it is finished.
fn open<'c>(context: &Context, course: &'c Course) -> anyhow::Result<Option<&'c Lesson>> {
    let store = context.store();
    let last = store.last_lesson();
    let position = course
        .lessons
        .iter()
        .position(|lesson| Some(context.key(course, lesson)) == last);
    let start = position.unwrap_or(0);
    for lesson in course.lessons.iter().skip(start) {
        let progress = context.progress(course, lesson)?;
        if progress.next.is_some() || progress.done.is_empty() {
            return Ok(Some(lesson));
        }
    }
    Ok(None)
}

/// One key at a terminal, one line in a pipe.
struct Keyboard<'k> {
    paint: Paint,
    store: &'k Store,
    key: &'k str,
    lesson: &'k Lesson,
    interrupt: &'k Interrupt,
}

impl Learner for Keyboard<'_> {
    fn wish(&mut self, step: &Step) -> io::Result<Wish> {
        let prompt = say!("study-prompt", step = step.id.as_str());
        loop {
            let lines = self.paint.resized().fitted_in(Paint::bold, "", &prompt);
            let wish = match io::stdin().is_terminal() {
                true => pressed(self.paint, &lines, self.interrupt),
                false => typed(&lines).map(Some),
            };
            outln!("");
            if let Some(wish) = wish? {
                return Ok(wish);
            }
        }
    }

    fn predicts(&mut self, question: &Check) -> io::Result<Said> {
        let mut lines = vec![say!(
            "study-question",
            question = question.sentence.as_str()
        )];
        let choices = match &question.expect {
            Expectation::Answer(choices) => &**choices,
            Expectation::Equals(_) | Expectation::Matches(_) | Expectation::Range(..) => &[],
        };
        lines.extend(lettered(choices).map(|(letter, choice)| {
            let letter = letter.to_string();
            say!("study-choice", letter = letter, choice = choice.as_str())
        }));
        let letters = lettered(choices).last();
        let last = letters.map_or_else(String::new, |(letter, _)| letter.to_string());
        let paint = self.paint.resized();
        for line in lines
            .iter()
            .flat_map(|line| paint.fitted_in(Paint::bold, "", line))
        {
            outln!("{line}");
        }
        loop {
            out!(
                "{} ",
                paint.bold(&say!(
                    "study-predict",
                    count = choices.len(),
                    last = last.as_str()
                ))
            );
            io::stdout().flush()?;
            let Some(line) = self.line()? else {
                outln!("");
                return Ok(Said::Quit);
            };
            let said = line.trim();
            match chosen_answer(said, choices) {
                _ if said.is_empty() => return Ok(Said::Nothing),
                Some(answer) => return Ok(Said::Words(answer)),
                None => outln!(
                    "{}",
                    say!("study-no-choice", said = said, last = last.as_str())
                ),
            }
        }
    }

    fn answered(&mut self, _question: &Check, prediction: &Prediction) -> io::Result<()> {
        let Some(said) = prediction.said.as_deref() else {
            return Ok(());
        };
        let (style, line): (Style, String) = match prediction.is_right() {
            true => (Paint::good, say!("study-right", said = said)),
            false => (Paint::notable, say!("study-other", said = said)),
        };
        for line in self.paint.resized().fitted_in(style, "    ", &line) {
            outln!("{line}");
        }
        Ok(())
    }

    fn resumed(&mut self, step: &Step, kept: Option<&Step>) -> io::Result<()> {
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
                lesson = self.lesson.stem.as_str()
            ),
        };
        for line in self.paint.resized().fitted_in(Paint::dim, "", &line) {
            outln!("{line}");
        }
        Ok(())
    }

    fn rewound(&mut self, step: &Step, taken: TakenBack) -> io::Result<()> {
        let text = rewound(step, taken);
        for line in self.paint.resized().fitted_in(Paint::dim, "", &text) {
            outln!("{line}");
        }
        Ok(())
    }

    fn progressed(&mut self, progress: &Progress) {
        if let Err(error) = self.store.set_progress(self.key, progress) {
            noteln!("{}", visible_text(&error.to_string()));
        }
    }
}

impl Keyboard<'_> {
    /// A line that is typed; nothing if the learner leaves, or there is no terminal any more.
    fn line(&self) -> io::Result<Option<String>> {
        if io::stdin().is_terminal() {
            // What was typed while a step ran is no answer to a question that nobody has read.
            let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
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
}

/// The answer that was typed; nothing if it is none of those to choose from.
fn chosen_answer(said: &str, choices: &[String]) -> Option<String> {
    match choices.is_empty() {
        true => Some(said.to_owned()),
        false => answer::chosen(said, choices).cloned(),
    }
}

/// How often a wait for a key looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Waits for a key. A signal to end, or a terminal that is gone, is a wish to leave; nothing is
/// wished by who stopped the program by Ctrl-Z and goes on with it.
fn pressed(paint: Paint, prompt: &[String], interrupt: &Interrupt) -> io::Result<Option<Wish>> {
    // Before the prompt, so that no key comes in the usual mode.
    crossterm::terminal::enable_raw_mode()?;
    // A key that was pressed while a step ran is no answer to a question that nobody has read.
    let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
    let wish = asked(paint, prompt, interrupt);
    crossterm::terminal::disable_raw_mode()?;
    wish
}

fn asked(paint: Paint, prompt: &[String], interrupt: &Interrupt) -> io::Result<Option<Wish>> {
    show(prompt)?;
    let mut is_helped = false;
    loop {
        // crossterm reads a terminal that hung up for ever, so it waits for nothing: this does.
        let ready = key_is_ready();
        if interrupt.presses() > 0 || ready.is_none() {
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
                if let Some(wish) = wish_of(key) {
                    break Ok(Some(wish));
                }
                // Once is enough: a held key, or a pasted text, comes as many.
                if !is_helped {
                    is_helped = true;
                    let help = paint
                        .resized()
                        .fitted_in(Paint::dim, "", &say!("study-keys"));
                    show(&[&[String::new()], &help[..], prompt].concat())?;
                }
            }
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    }
}

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

fn wish_of(key: KeyEvent) -> Option<Wish> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => Some(Wish::Quit),
        // Enter, where it comes as a line feed.
        KeyCode::Char('j') if control => Some(Wish::Run),
        KeyCode::Char(_) if control => None,
        KeyCode::Enter | KeyCode::Char('r' | ' ') => Some(Wish::Run),
        KeyCode::Char('s' | 'n') => Some(Wish::Skip),
        KeyCode::Char('b') | KeyCode::Left | KeyCode::Backspace => Some(Wish::Back),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Quit),
        _ => None,
    }
}

fn typed(prompt: &[String]) -> io::Result<Wish> {
    out!("{} ", prompt.join("\n"));
    io::stdout().flush()?;
    loop {
        let Some(line) = typed_line()? else {
            return Ok(Wish::Quit);
        };
        match line.trim() {
            "" | "r" | "run" => return Ok(Wish::Run),
            "s" | "skip" => return Ok(Wish::Skip),
            "b" | "back" => return Ok(Wish::Back),
            "q" | "quit" => return Ok(Wish::Quit),
            other => outln!("{}", say!("study-unknown", typed = other)),
        }
    }
}
