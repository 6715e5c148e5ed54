//! The command line: a file for each command, and which of them runs.

#[macro_use]
mod output;

mod arguments;
mod asked;
mod book;
mod bpf;
mod complete;
mod consent;
mod context;
mod course;
mod courses;
mod diff;
mod doctor;
mod failure;
mod hint;
mod i18n;
mod lab;
mod list;
mod machine;
mod matrix;
mod reset;
mod results;
mod review;
mod run;
mod scripts;
mod show;
mod storage;
mod study;
mod test;
mod trial;
mod trust;

pub use arguments::{Cli, command};

use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::say;
use crate::visible::visible_text;
use arguments::Command;
use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use context::Context;

/// Runs `tutor` as the shell called it and returns the exit status.
pub fn main() -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        noteln!("{}", visible_text(&panic.to_string()));
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            noteln!("{backtrace}");
        }
    }));
    // The agent must start fast, so it comes before all other preparation.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "__agent") {
        return machine::agent(words);
    }
    clap_complete::CompleteEnv::with_factory(command).complete();
    let cli = Cli::try_parse().unwrap_or_else(|error| with_tip(error).exit());
    let color = cli.global.color;
    match dispatch(cli) {
        Ok(exit) => exit,
        Err(error) => failure::complain(&error, color),
    }
}

/// Adds a tip to the error about an unknown command, if clap has none.
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
        return Err(failure::ends(Exit::Usage, say!("running-before-command")));
    }
    match cli.command {
        None => study::resume(&context, cli.running),
        Some(Command::List(arguments)) => list::list(&context, &arguments),
        Some(Command::Show(arguments)) => show::show(&context, &arguments),
        Some(Command::Run(arguments)) => run::run(&context, &arguments),
        Some(Command::Study(arguments)) => study::study(&context, &arguments),
        Some(Command::Test(arguments)) => test::test(&context, &arguments),
        Some(Command::Matrix(arguments)) => matrix::matrix(&context, &arguments),
        Some(Command::Review(arguments)) => review::review(&context, &arguments),
        Some(Command::Accept(arguments)) => review::accept(&context, &arguments),
        Some(Command::Reject(arguments)) => {
            review::settle(&context, &arguments, review::Decision::Reject)
        }
        Some(Command::Check(arguments)) => course::check(&context, &arguments),
        Some(Command::I18n(command)) => i18n::i18n(&context, &command),
        Some(Command::New(arguments)) => course::new(&context, &arguments),
        Some(Command::Book(arguments)) => book::book(&context, &arguments),
        Some(Command::Bpf(arguments)) => bpf::bpf(&context, &arguments),
        Some(Command::Try(arguments)) => trial::try_out(&context, &arguments),
        Some(Command::Doctor(arguments)) => doctor::doctor(&context, &arguments),
        Some(Command::Lab(command)) => lab::lab(&context, &command),
        Some(Command::Trust(arguments)) => trust::trust(&context, &arguments),
        Some(Command::Storage(arguments)) => storage::storage(&context, &arguments),
        Some(Command::Hint(arguments)) => hint::hint(&context, &arguments),
        Some(Command::Diff(arguments)) => diff::diff(&context, &arguments),
        Some(Command::Reset(arguments)) => reset::reset(&context, &arguments),
        Some(Command::Completions(arguments)) => machine::completions(&arguments),
        Some(Command::Man(arguments)) => machine::man(&arguments),
    }
}
