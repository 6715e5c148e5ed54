//! The command line: what can be asked, and which module answers.

/// Prints results. Unlike std's, these macros panic at no full disk and no reader that left: they
/// return the error. And they write a text at once: standard output would hand it on line by line.
macro_rules! out {
    ($($text:tt)*) => { crate::cli::print(&format!($($text)*))? };
}

macro_rules! outln {
    ($($text:tt)*) => { out!("{}\n", format_args!($($text)*)) };
}

/// Prints notes for people, whom nothing helps if even that fails. Of what a terminal obeys only colors
/// get through.
macro_rules! note {
    ($($text:tt)*) => { drop(::std::io::Write::write_all(
        &mut ::std::io::stderr(),
        $crate::visible::drawn(&format!($($text)*)).as_bytes(),
    )) };
}

macro_rules! noteln {
    ($($text:tt)*) => { note!("{}\n", format_args!($($text)*)) };
}

mod arguments;
mod bench;
mod book;
mod bpf;
mod complete;
mod consent;
mod context;
mod course;
mod doctor;
mod guest;
mod lab;
mod lab_gc;
mod machine;
mod matrix;
mod progress;
mod read;
mod review;
mod run;
mod storage;
mod study;
mod test;

pub use arguments::{Cli, command};

use crate::diagnostic::nearest;
use crate::event::TakenBack;
use crate::exit::Exit;
use crate::lesson::Step;
use crate::say;
use crate::visible::{visible_json, visible_text};
use anstyle::AnsiColor;
use arguments::Command;
use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use context::Context;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Prints a text.
fn print(text: &str) -> io::Result<()> {
    printed(io::stdout().write_all(text.as_bytes()))
}

/// Prints JSON for programs. This is the one place that does: nothing in it is hidden.
fn out_json(value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    print(&(visible_json(json) + "\n"))
}

/// Says that all is as it was before a step, and what was taken back for it.
fn rewound(step: &Step, taken: TakenBack) -> String {
    let what = match (taken.lab, taken.shell) {
        (true, true) => say!("rewound-lab-and-shell"),
        (true, false) => say!("rewound-lab"),
        (false, true) => say!("rewound-shell"),
        (false, false) => say!("rewound-files"),
    };
    say!("rewound", step = step.id.as_str(), what = what)
}

/// What became of printing. A reader that left early, as that of `tutor test | head -1`, had what it
/// wanted, and what the command ends with is the same for it.
fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let message = say!("stdout-write", error = error.to_string());
            Err(io::Error::new(error.kind(), message))
        }
        Ok(()) => Ok(()),
    }
}

/// Runs `tutor` as the shell called it and returns what it ends with.
pub fn main() -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        noteln!("{}", visible_text(&panic.to_string()));
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            noteln!("{backtrace}");
        }
    }));
    // The agent must start fast: it is looked for before anything else is made ready.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "__agent") {
        return machine::agent(words);
    }
    clap_complete::CompleteEnv::with_factory(command).complete();
    let cli = Cli::try_parse().unwrap_or_else(|error| with_tip(error).exit());
    let color = cli.global.color;
    match dispatch(cli) {
        Ok(exit) => exit,
        Err(error) => complain(&error, color),
    }
}

/// Says what was probably meant by a first word that is no command, where clap finds none like it.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let word = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => word.clone(),
        _ => return error,
    };
    let first = std::env::args_os().nth(1);
    let is_first = first.is_some_and(|first| *first == *word);
    if !is_first || error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let tree = command();
    let names = tree.get_subcommands().map(clap::Command::get_name);
    if let Some(name) = nearest(&word, names) {
        let names = ContextValue::Strings(vec![name.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, names);
    } else if word.starts_with("lesson") || word.starts_with(|first: char| first.is_ascii_digit()) {
        let tip = say!("tip-lesson", lesson = word.as_str());
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let context = Context::new(cli.global)?;
    if cli.command.is_some() && cli.running.is_given() {
        return Err(context::ends(Exit::Usage, say!("running-before-command")));
    }
    match cli.command {
        None => study::resume(&context, cli.running),
        Some(Command::List(arguments)) => read::list(&context, &arguments),
        Some(Command::Show(arguments)) => read::show(&context, &arguments),
        Some(Command::Run(arguments)) => run::run(&context, &arguments),
        Some(Command::Study(arguments)) => study::study(&context, &arguments),
        Some(Command::Test(arguments)) => test::test(&context, &arguments),
        Some(Command::Matrix(arguments)) => matrix::matrix(&context, &arguments),
        Some(Command::Review(arguments)) => review::review(&context, &arguments),
        Some(Command::Accept(arguments)) => {
            review::settle(&context, &arguments, review::Choice::Accept)
        }
        Some(Command::Reject(arguments)) => {
            review::settle(&context, &arguments, review::Choice::Reject)
        }
        Some(Command::Check(arguments)) => course::check(&context, &arguments),
        Some(Command::New(arguments)) => course::new(&context, &arguments),
        Some(Command::Book(arguments)) => book::book(&context, &arguments),
        Some(Command::Bpf(arguments)) => bpf::bpf(&context, &arguments),
        Some(Command::Doctor(arguments)) => doctor::doctor(&context, &arguments),
        Some(Command::Lab(command)) => lab::lab(&context, &command),
        Some(Command::Trust(arguments)) => consent::trust(&context, &arguments),
        Some(Command::Storage(arguments)) => storage::storage(&context, &arguments),
        Some(Command::Reset(arguments)) => progress::reset(&context, &arguments),
        Some(Command::Completions(arguments)) => machine::completions(&arguments),
        Some(Command::Man(arguments)) => machine::man(&arguments),
    }
}

/// Says what went wrong, on stderr, with all that led to it.
fn complain(error: &anyhow::Error, color: crate::render::paint::Color) -> Exit {
    if broken_pipe(error) {
        // The same for whoever writes past `printed`.
        return Exit::Success;
    }
    let paint = crate::render::paint::Paint::of_stream(color, io::stderr().is_terminal());
    let label = paint.style(AnsiColor::Red.on_default().bold(), &say!("error"));
    let mut stderr = io::stderr().lock();
    for line in complaint(&format!("{error:#}"), &paint) {
        // What wrote that fits is ours; the color comes after the fitting.
        let line = match line.strip_prefix(&say!("error")) {
            Some(rest) => format!("{label}{rest}"),
            None => line,
        };
        let _ = writeln!(stderr, "{line}");
    }
    error
        .downcast_ref::<context::Ends>()
        .map_or(Exit::Lacking, |ends| ends.exit)
}

/// An error as lines: what it says, then each help, hanging below their labels.
/// Guests, steps, courses and paths speak in errors too, so all of it is made safe.
fn complaint(error: &str, paint: &crate::render::paint::Paint) -> Vec<String> {
    let error = visible_text(error);
    let label = format!("{}: ", say!("error"));
    let help = say!("help", text = "");
    let lines = error.split('\n').enumerate();
    let fitted = lines.flat_map(|(number, line)| match (number, line.strip_prefix(&help)) {
        (0, _) => paint.fitted(&label, line),
        (_, Some(text)) => paint.fitted(&help, text),
        (_, None) => paint.fitted("", line),
    });
    fitted.collect()
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::paint::Paint;
    use tutor_lab::machine::MachineError;
    use tutor_lab::shared::SharedError;

    #[test]
    fn what_a_guest_says_is_shown_in_an_error_and_not_obeyed() {
        let what = "\x1b]0;owned\x07\x1b[31m\u{202e}\u{9b}2J".to_owned();
        let doing = "list files";
        let error = SharedError::from(MachineError::Refused { doing, what });
        let error = anyhow::Error::from(error).context("from \x1bhere");
        let lines = complaint(&format!("{error:#}"), &Paint::plain(80));
        let expected =
            r"error: from ␛here: the guest cannot list files: ␛]0;owned␇␛[31m\u{202e}\u{9b}2J";
        assert_eq!(lines, [expected]);
    }
}
