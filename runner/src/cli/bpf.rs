//! `tutor bpf`, on this machine's kernel or on one of the lab's.

use super::arguments::{BpfArguments, GuestArguments, On, command};
use super::context::{Context, listen_for_interrupts};
use super::failure::{ends, ends_with_help};
use super::guest::{Guest, code, environment};
use super::output::printed;
use crate::exit::Exit;
use crate::say;
use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{ArgMatches, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use tutor_agent::protocol::{GuestRequest, Kind};
use tutor_bpf::command::{BpfCommand, CommandError, Console, Verdict};
use tutor_files::Below;
use tutor_files::root::read_regular;
use tutor_lab::shared::{LIMIT_BYTES, send};

/// `tutor bpf`.
pub fn bpf(context: &Context, arguments: &BpfArguments) -> anyhow::Result<Exit> {
    let wanted = arguments.kernel.as_deref();
    let place = match (arguments.on, wanted) {
        (Some(On::Host), Some(_)) => {
            return Err(ends(Exit::Usage, say!("kernel-of-lab")));
        }
        (Some(on), None | Some(_)) => Some(on),
        (None, wanted) => wanted.map(|_| On::Lab),
    };
    let files = files(&arguments.command);
    match (place, files) {
        (Some(_), None) => Err(ends(Exit::Usage, say!("bpf-no-kernel"))),
        (Some(On::Lab), Some(files)) => in_lab(context, wanted.unwrap_or("default"), files?),
        (Some(On::Host), Some(_)) | (None, None | Some(_)) => here(context, &arguments.command),
    }
}

/// The files that a command about a kernel reads; nothing for a command that asks no kernel.
fn files(command: &BpfCommand) -> Option<anyhow::Result<Vec<&Path>>> {
    match command {
        BpfCommand::Probe(_) | BpfCommand::Features(_) => Some(Ok(Vec::new())),
        BpfCommand::Compare(arguments) => Some(Ok(vec![&arguments.file])),
        BpfCommand::Run(arguments) => {
            let data = arguments.data.as_deref();
            Some(Ok(data.into_iter().chain([&*arguments.file]).collect()))
        }
        BpfCommand::Xlated(arguments) => Some(object(&arguments.subject.what)),
        BpfCommand::Jited(arguments) => Some(object(&arguments.subject.what)),
        BpfCommand::Sections(_)
        | BpfCommand::Symbols(_)
        | BpfCommand::Disasm(_)
        | BpfCommand::Insn(_)
        | BpfCommand::Expand(_)
        | BpfCommand::Pipeline(_) => None,
    }
}

/// An object's file. A program that is loaded already is not in the lab, where each machine is new.
fn object(words: &[String]) -> anyhow::Result<Vec<&Path>> {
    match words {
        [file] => Ok(vec![Path::new(file)]),
        _ => Err(ends(Exit::Usage, say!("bpf-nothing-loaded"))),
    }
}

/// On a kernel of the lab: the same command by the `tutor` that is there, with its files.
fn in_lab(context: &Context, kernel: &str, files: Vec<&Path>) -> anyhow::Result<Exit> {
    let matches = command().get_matches();
    let words = matches
        .subcommand_matches("bpf")
        .and_then(ArgMatches::subcommand)
        .map(|(name, matches)| words(name, matches))
        .unwrap_or_default();
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.to_str())
        .collect::<Option<_>>()
        .ok_or_else(|| ends(Exit::Usage, say!("lab-command-text")))?;
    let interrupt = listen_for_interrupts()?;
    let mut guest = Guest::open(
        context,
        &GuestArguments {
            kernel: kernel.to_owned(),
            folder: None,
        },
    )?;
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    // Relative paths mean the same there.
    let here = std::env::current_dir().context(say!("no-current-folder"))?;
    make(&mut guest, &here)?;
    for file in files {
        bring(&mut guest, &here, file)?;
    }
    let mut variables = vec![("COLUMNS", context.stdout.columns.to_string())];
    variables.push(match context.stdout.color {
        true => ("CLICOLOR_FORCE", "1".to_owned()),
        false => ("NO_COLOR", "1".to_owned()),
    });
    let status = guest.perform(
        &here,
        &environment(&variables),
        &words,
        &interrupt,
        &mut || (),
    )?;
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::OfCommand(code(status)))
}

/// The words of a command as they are for the `tutor` in the lab: what holds for `tutor` or `tutor bpf`
/// as a whole is not among them.
fn words(name: &str, matches: &ArgMatches) -> Vec<OsString> {
    let tree = BpfCommand::augment_subcommands(clap::Command::new("bpf"));
    let mut words: Vec<OsString> = ["tutor", "bpf", name].map(OsString::from).to_vec();
    let mut last = vec![OsString::from("--")];
    let arguments = tree.find_subcommand(name).into_iter();
    for argument in arguments.flat_map(clap::Command::get_arguments) {
        let id = argument.get_id().as_str();
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten();
        match argument.get_long() {
            None => last.extend(values.map(OsString::from)),
            Some(long) if !argument.get_action().takes_values() => {
                words.push(format!("--{long}").into());
            }
            Some(long) => words.extend(values.map(|value| {
                let mut word = OsString::from(format!("--{long}="));
                word.push(value);
                word
            })),
        }
    }
    words.extend(last);
    words
}

/// Brings a file to the same place in the guest. One that cannot be read is left out, so that the
/// command says what it always says.
fn bring(guest: &mut Guest, here: &Path, file: &Path) -> anyhow::Result<()> {
    let path = here.join(file);
    if !path.is_file() {
        return Ok(());
    }
    let Ok(content) = read_regular(&path, LIMIT_BYTES) else {
        return Ok(());
    };
    let kind = Kind::File {
        mode: 0o644,
        bytes: content.len() as u64,
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    // The way to it may lead up and down again.
    make(guest, folder)?;
    let id = send(
        guest.machine(),
        folder,
        &Below::new(name)?,
        &kind,
        Some(&content),
    )?;
    guest.machine().done(id, "take a file")?;
    Ok(())
}

fn make(guest: &mut Guest, folder: &Path) -> anyhow::Result<()> {
    let machine = guest.machine();
    let (id, folder) = (machine.next_id(), folder.to_owned());
    machine.request(&GuestRequest::Make { id, folder })?;
    machine.done(id, "make a folder")?;
    Ok(())
}

/// On this machine's kernel, or without any.
fn here(context: &Context, command: &BpfCommand) -> anyhow::Result<Exit> {
    // One buffer for all of it: standard output alone would write line by line.
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut console = Console {
        input: &mut io::stdin().lock(),
        out: &mut out,
        color: context.stdout.color,
        columns: context.stdout.columns,
    };
    let verdict = tutor_bpf::command::run(command, &mut console).map_err(unanswered)?;
    printed(out.flush())?;
    Ok(match verdict {
        Verdict::Works => Exit::Success,
        Verdict::Refused => Exit::Different,
    })
}

/// An error of `tutor bpf`, with what to do about it.
fn unanswered(error: CommandError) -> anyhow::Error {
    if let CommandError::Io(_) = error {
        return error.into();
    }
    ends_with_help(Exit::Different, &error, error.help())
}
