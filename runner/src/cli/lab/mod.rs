//! `tutor lab`: the kernels of the lab, and machines for the learner's own experiments.

mod gc;
mod guest;
mod run;
mod setup;
mod shell;
pub mod status;

pub use guest::{code, perform, start};

use super::arguments::LabCommand;
use super::context::Context;
use crate::exit::Exit;

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
