//! Commands about the program itself: the agent, completions, man pages.

use super::arguments::{CompletionsArguments, ManArguments, command};
use super::output::printed;
use crate::exit::Exit;
use crate::say;
use anyhow::Context as _;
use clap_complete::env::Shells;
use std::ffi::OsString;
use std::io;
use tutor_agent::confine::Guard;

/// Becomes the agent that keeps a shell: the channel to `tutor` is its standard input. With the
/// words `guarded PARENT PROGRAM …` it becomes a program that ends with its parent.
pub fn agent(mut words: impl Iterator<Item = OsString>) -> Exit {
    let word = words.next();
    if word.as_ref().is_some_and(|word| word == "guarded") {
        let parent = words.next().and_then(|word| word.to_str()?.parse().ok());
        let words: Vec<OsString> = words.collect();
        let error = tutor_agent::guarded::become_guarded(parent.unwrap_or(0), &words);
        noteln!("{}", say!("guarded-failed", error = error.to_string()));
        return Exit::Lacking;
    }
    let guard = Guard::of(word.as_ref().and_then(|word| word.to_str()));
    match tutor_agent::serve_guarded(guard) {
        Ok(()) => Exit::Success,
        Err(error) => {
            noteln!("{}", say!("agent-failed", error = error.to_string()));
            Exit::Lacking
        }
    }
}

/// `tutor completions`.
pub fn completions(arguments: &CompletionsArguments) -> anyhow::Result<Exit> {
    let (shells, name) = (Shells::builtins(), arguments.shell.to_string());
    // clap may learn of more shells before its completer does.
    let Some(shell) = shells.completer(&name) else {
        anyhow::bail!(say!("completions-none", shell = name));
    };
    let out = &mut io::stdout().lock();
    let written = shell.write_registration("COMPLETE", "tutor", "tutor", "tutor", out);
    printed(written)?;
    Ok(Exit::Success)
}

/// `tutor man`.
pub fn man(arguments: &ManArguments) -> anyhow::Result<Exit> {
    let folder = &arguments.folder;
    let doing = || say!("man-failed", folder = folder.display().to_string());
    std::fs::create_dir_all(folder).with_context(doing)?;
    clap_mangen::generate_to(command(), folder).with_context(doing)?;
    outln!(
        "{}",
        say!("man-written", folder = folder.display().to_string())
    );
    Ok(Exit::Success)
}
