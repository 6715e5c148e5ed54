//! Errors that end a command: the message, the help and the exit status.

use crate::backend::BackendError;
use crate::course::CourseError;
use crate::exit::Exit;
use crate::render::paint::{Color, Paint};
use crate::say;
use crate::snapshot::SnapshotError;
use crate::visible::visible_text;
use anstyle::AnsiColor;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// An error with the exit status of the process.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExitError {
    message: String,
    exit: Exit,
}

/// Returns an error that ends the process so.
pub fn ends(exit: Exit, message: impl Display) -> anyhow::Error {
    let message = message.to_string();
    ExitError { message, exit }.into()
}

/// The same with help, if there is any.
pub fn ends_with_help(
    exit: Exit,
    message: impl Display,
    help: Option<impl Display>,
) -> anyhow::Error {
    match help {
        Some(text) => {
            let help = say!("help", text = text.to_string());
            ends(exit, format!("{message}\n{help}"))
        }
        None => ends(exit, message),
    }
}

/// The end of a command whose work came to this, and which did more besides: every error of that is told, and
/// hides no worse exit status.
pub fn worst(
    exit: Exit,
    besides: impl IntoIterator<Item = anyhow::Result<()>>,
) -> anyhow::Result<Exit> {
    let errors: Vec<anyhow::Error> = besides.into_iter().filter_map(Result::err).collect();
    let exit = errors.iter().map(exit_of).fold(exit, Exit::worst);
    let told = errors.iter().filter(|error| !is_broken_pipe(error));
    let told: Vec<String> = told.map(|error| format!("{error:#}")).collect();
    match told.is_empty() {
        true => Ok(exit),
        false => Err(ends(exit, told.join(&format!("\n{}: ", say!("error"))))),
    }
}

/// The exit status that an error ends with.
fn exit_of(error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        // The same for results that are printed past `output::printed`.
        return Exit::Success;
    }
    let ending = error.downcast_ref::<ExitError>();
    ending.map_or(Exit::Lacking, |ending| ending.exit)
}

/// An error about the course or a lesson of it.
pub fn unusable(error: CourseError) -> anyhow::Error {
    ends_with_help(Exit::Usage, &error, error.help())
}

/// An error about a snapshot.
pub fn with_help(error: SnapshotError) -> anyhow::Error {
    ends_with_help(Exit::Lacking, &error, Some(error.help()))
}

/// An error of a guest that runs no lesson.
pub fn of_guest(error: BackendError) -> anyhow::Error {
    match error {
        // The error's own message speaks of a lesson's next steps.
        BackendError::Ended(why) | BackendError::Failed(why) => ends(Exit::Lacking, why),
        error => ends_with_help(Exit::Lacking, &error, error.help()),
    }
}

/// Prints an error on stderr, with all its causes. Returns the exit status.
pub fn complain(error: &anyhow::Error, color: Color) -> Exit {
    if is_broken_pipe(error) {
        return exit_of(error);
    }
    let paint = Paint::of_stream(color, io::stderr().is_terminal());
    let label = paint.style(AnsiColor::Red.on_default().bold(), &say!("error"));
    let mut stderr = io::stderr().lock();
    for line in complaint(&format!("{error:#}"), &paint) {
        // The color comes after the fitting, which would count it.
        let line = match line.strip_prefix(&say!("error")) {
            Some(rest) => format!("{label}{rest}"),
            None => line,
        };
        let _ = writeln!(stderr, "{line}");
    }
    exit_of(error)
}

/// Errors as lines: what each says, then its help, hanging below their labels.
/// Text of guests, steps, courses and paths is part of errors too, so all of it is made safe.
fn complaint(error: &str, paint: &Paint) -> Vec<String> {
    let error = visible_text(error);
    let label = format!("{}: ", say!("error"));
    let help = say!("help", text = "");
    let lines = error.split('\n').enumerate();
    let fitted = lines.flat_map(|(number, line)| match (number, line.strip_prefix(&help)) {
        (0, _) => paint.fitted(&label, line),
        (_, Some(text)) => paint.fitted(&help, text),
        (_, None) => match line.strip_prefix(&label) {
            Some(text) => paint.fitted(&label, text),
            None => paint.fitted("", line),
        },
    });
    fitted.collect()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
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
