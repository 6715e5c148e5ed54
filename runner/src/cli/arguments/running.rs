//! How and where steps run.

use crate::cli::complete;
use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use std::time::Duration;

/// How steps are run; the same for `run`, `study` and `test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RunningArguments {
    /// Where steps that need a kernel run [default: lab, and where there is none they are skipped]
    #[arg(long, value_enum, value_name = "PLACE")]
    pub on: Option<On>,
    /// The lab's kernel, for `--on lab`: a series such as `6.12`, a whole release, `latest` of those
    /// that are there, or a file [default: the one that the lessons were recorded on]
    #[arg(long, value_name = "KERNEL", add = ArgValueCompleter::new(complete::kernel))]
    pub kernel: Option<String>,
    /// Give every step this long, such as `30s` or `2m`
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Run a course that is not tutor's own without asking
    #[arg(long)]
    pub yes: bool,
    /// Let the steps of such a course reach all that you can reach yourself
    #[arg(long)]
    pub unconfined: bool,
}

impl RunningArguments {
    /// Where steps that need a kernel run, asked for or not.
    pub fn place(&self) -> On {
        self.on.unwrap_or_default()
    }

    /// True if the command line has any of them.
    pub fn is_given(&self) -> bool {
        *self != RunningArguments::default()
    }
}

/// Where steps that need a kernel run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// In the lab, a small virtual machine with a kernel of its own
    #[default]
    Lab,
    /// On this machine's own kernel
    Host,
}

pub fn parse_time(text: &str) -> Result<Duration, String> {
    crate::lesson::parse_duration(text).ok_or_else(|| crate::say!("bad-time", text = text))
}
