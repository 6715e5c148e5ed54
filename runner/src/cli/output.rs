//! Printing: results on stdout, notes for people on stderr, questions, and long texts by a pager.

use super::failure::{ends, ends_with_help};
use crate::exit::Exit;
use crate::say;
use crate::visible::{drawn, visible_json};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints results. Unlike std's, these macros do not panic at a full disk or when the reader has
/// left: they return the error. They write a text at once; standard output would pass it on line by
/// line.
macro_rules! out {
    ($($text:tt)*) => { crate::cli::output::print(&format!($($text)*))? };
}

macro_rules! outln {
    ($($text:tt)*) => { out!("{}\n", format_args!($($text)*)) };
}

/// Prints notes for people. If even that fails, there is no way to tell. Of what a terminal obeys only
/// colors get through.
macro_rules! note {
    ($($text:tt)*) => { drop(::std::io::Write::write_all(
        &mut ::std::io::stderr(),
        $crate::visible::drawn(&format!($($text)*)).as_bytes(),
    )) };
}

macro_rules! noteln {
    ($($text:tt)*) => { note!("{}\n", format_args!($($text)*)) };
}

/// Prints a text.
pub fn print(text: &str) -> io::Result<()> {
    printed(io::stdout().write_all(text.as_bytes()))
}

/// Prints lines.
pub fn print_lines(lines: Vec<String>) -> io::Result<()> {
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    print(&text)
}

/// Prints JSON for programs. This is the only place that does, and it hides nothing.
pub fn out_json(value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    print(&(visible_json(json) + "\n"))
}

/// A file that a result is to be written into, by its name on the command line.
pub struct ResultFile<'f> {
    path: &'f Path,
}

impl<'f> ResultFile<'f> {
    /// Refuses what is there already and is no regular file: a link, a terminal or a pipe would be
    /// replaced by one.
    pub fn new(path: &'f Path) -> anyhow::Result<ResultFile<'f>> {
        let there = std::fs::symlink_metadata(path);
        let is_free = there.as_ref().map_or(true, |there| there.is_file());
        if is_free && path.file_name().is_some() {
            return Ok(ResultFile { path });
        }
        let message = say!("result-no-file", path = path.display().to_string());
        Err(ends_with_help(
            Exit::Usage,
            message,
            Some(say!("result-no-file-help")),
        ))
    }

    /// Writes the whole result, or leaves what is there.
    pub fn write(&self, text: &str) -> anyhow::Result<()> {
        let written = tutor_files::write(self.path, text.as_bytes(), 0o644);
        written.map_err(|error| {
            let path = self.path.display().to_string();
            let message = say!("result-write", path = path, error = error.to_string());
            ends(Exit::Lacking, message)
        })
    }
}

/// The result of printing. A reader that left early, such as that of `tutor test | head -1`, had what
/// it wanted, so the command ends as it would have.
pub fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            let message = say!("stdout-write", error = error.to_string());
            Err(io::Error::new(error.kind(), message))
        }
        Ok(()) => Ok(()),
    }
}

/// True if a question on stderr can be answered at a terminal.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question on a stream; every answer but `y` and `yes` is a no.
pub fn confirmed(mut to: impl Write, question: &str) -> io::Result<bool> {
    write!(to, "{} ", drawn(question))?;
    to.flush()?;
    let answer = typed_line()?.unwrap_or_default();
    Ok(matches!(answer.trim(), "y" | "yes"))
}

/// Waits for a line that is typed; nothing at the end of input. A byte that is no UTF-8, from a
/// keyboard of another encoding, reads as a mark, and is no reason to end.
pub fn typed_line() -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let count = io::stdin().lock().read_until(b'\n', &mut line)?;
    Ok((count > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// Prints by a pager, if this is a terminal; `less -FRX` prints a short text as it is.
pub fn paged(text: &str) -> anyhow::Result<()> {
    let variable = |name: &&str| std::env::var(name).ok();
    let pager = ["TUTOR_PAGER", "PAGER"].iter().find_map(variable);
    let pager = pager.unwrap_or_else(|| "less".to_owned());
    if !io::stdout().is_terminal() || pager.is_empty() || pager == "cat" {
        out!("{text}");
        return Ok(());
    }
    let options = std::env::var("LESS").unwrap_or_else(|_| "FRX".to_owned());
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).env("LESS", options);
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else {
        out!("{text}");
        return Ok(());
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its end; that is no error.
        let _ = stdin.write_all(text.as_bytes());
    }
    // The exit status of a shell that found no such program, or one that it may not run.
    if let Some(126 | 127) = child.wait()?.code() {
        out!("{text}");
    }
    Ok(())
}
