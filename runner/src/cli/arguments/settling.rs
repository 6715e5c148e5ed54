//! What `tutor review`, `accept` and `reject` take.

use crate::cli::complete;
use clap::{ArgGroup, Args};
use clap_complete::engine::ArgValueCompleter;

#[derive(Debug, Args)]
pub struct ReviewArguments {
    /// The lesson [default: all]
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: Option<String>,
    /// Print the changed outputs as JSON and change nothing
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AcceptArguments {
    #[command(flatten)]
    pub settle: SettleArguments,
    /// Accept outputs too that were made after a failure in the same run
    #[arg(long)]
    pub after_failure: bool,
    /// Remove the outputs of the whole course that are of no step, variants of other facets included
    #[arg(long, group = "which", conflicts_with = "after_failure")]
    pub prune: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["lesson", "all"]).required(true))]
pub struct SettleArguments {
    /// The lesson
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: Option<String>,
    /// The step [default: all of the lesson's]
    #[arg(add = ArgValueCompleter::new(complete::step))]
    pub step: Option<String>,
    /// Every lesson's
    #[arg(long)]
    pub all: bool,
}
