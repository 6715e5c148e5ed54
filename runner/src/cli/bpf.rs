//! `tutor bpf`, on this machine's kernel or on one of the lab's.

use super::arguments::{BpfArguments, On};
use super::context::{Context, listen_for_interrupts, place};
use super::failure::{ends, ends_with_help, of_guest};
use super::lab;
use super::output::printed;
use crate::exit::Exit;
use crate::say;
use anyhow::Context as _;
use std::io::{self, Write as _};
use tutor_bpf::command::{BpfCommand, CommandError, CommandVerdict, Console, KernelUse};

/// `tutor bpf`.
pub fn bpf(context: &Context, arguments: &BpfArguments) -> anyhow::Result<Exit> {
    let wanted = arguments.kernel.as_deref();
    let command = &arguments.command;
    match (place(arguments.on, wanted)?, command.kernel_use()) {
        (Some(_), KernelUse::None) => Err(ends(Exit::Usage, say!("bpf-no-kernel"))),
        // Each machine of the lab is a new one.
        (Some(On::Lab), KernelUse::Loaded) => Err(ends(Exit::Usage, say!("bpf-nothing-loaded"))),
        (Some(On::Lab), KernelUse::Any) => in_lab(context, wanted.unwrap_or("default"), command),
        (Some(On::Host), KernelUse::Any | KernelUse::Loaded) | (None, _) => here(context, command),
    }
}

/// On a kernel of the lab: the same command by the `tutor` that is there, with its files.
fn in_lab(context: &Context, kernel: &str, command: &BpfCommand) -> anyhow::Result<Exit> {
    let json = serde_json::to_string(command);
    let json = json.map_err(|_| ends(Exit::Usage, say!("lab-command-text")))?;
    // What is no object needs no machine, and how to make one is told by this machine.
    command.check_object().map_err(unanswered)?;
    let interrupt = listen_for_interrupts()?;
    let lab = context.lab(kernel)?;
    let mut session = lab.session().map_err(of_guest)?;
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    // Relative paths mean the same there.
    let here = std::env::current_dir().context(say!("no-current-folder"))?;
    session.make(&here).map_err(of_guest)?;
    for file in command.reads() {
        session.bring(&here.join(file)).map_err(of_guest)?;
    }
    let color = match context.stdout.color {
        true => ("CLICOLOR_FORCE", "1".to_owned()),
        false => ("NO_COLOR", "1".to_owned()),
    };
    let columns = ("COLUMNS", context.stdout.columns.to_string());
    lab::start(&mut session, &here, &[color, columns]).map_err(of_guest)?;
    let words = ["tutor", "__bpf", &json];
    let status = lab::perform(context, &mut session, &words, &interrupt, &mut || ())?;
    if interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::OfCommand(lab::code(status)))
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
    let verdict = tutor_bpf::command::run(command, &mut console);
    printed(out.flush())?;
    let verdict = verdict.map_err(unanswered)?;
    Ok(match verdict {
        CommandVerdict::Works => Exit::Success,
        CommandVerdict::Refused => Exit::Different,
    })
}

/// An error of `tutor bpf`, with what to do about it.
fn unanswered(error: CommandError) -> anyhow::Error {
    if let CommandError::Io(_) = error {
        return error.into();
    }
    let in_lab = error.is_of_this_kernel().then(|| say!("bpf-on-lab"));
    let help = match (error.help(), in_lab) {
        (Some(help), Some(in_lab)) => Some(format!("{help}; {in_lab}")),
        (help, in_lab) => help.map(str::to_owned).or(in_lab),
    };
    ends_with_help(Exit::Different, &error, help.as_deref())
}
