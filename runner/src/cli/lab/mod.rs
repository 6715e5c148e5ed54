//! `tutor lab`: the kernels of the lab, and machines for one's own experiments.

mod gc;
mod guest;
mod run;
mod setup;
mod shell;
mod status;

pub use guest::{code, perform, start};

use super::arguments::LabCommand;
use super::context::Context;
use crate::exit::Exit;
use tutor_lab::cache::Cache;

/// `tutor lab`.
pub fn lab(context: &Context, command: &LabCommand) -> anyhow::Result<Exit> {
    match command {
        LabCommand::Run(arguments) => run::run(context, arguments),
        LabCommand::Shell(arguments) => shell::shell(context, arguments),
        LabCommand::Setup(arguments) => setup::setup(context, arguments),
        LabCommand::Status(arguments) => status::status(context, arguments),
        LabCommand::Gc(arguments) => gc::gc(context, arguments),
    }
}

/// The series of which a kernel is there, the oldest first.
pub fn series(cache: &Cache) -> Vec<String> {
    let mut series: Vec<String> = cache
        .list()
        .into_iter()
        .flatten()
        .filter(|one| !one.is_file)
        .map(|one| one.kernel.series().to_owned())
        .collect();
    series.dedup();
    series
}
