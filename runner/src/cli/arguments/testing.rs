//! The arguments of `test` and `matrix`.

use super::running::{RunningArguments, parse_time};
use crate::cli::complete;
use crate::report::Strictness;
use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What is tested, and what is a failure; the same for `test` and `matrix`.
#[derive(Debug, Args)]
pub struct TestedArguments {
    /// The lessons [default: all]
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lessons: Vec<String>,
    /// Write the result into this file too, as JUnit's XML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// A step that is skipped is a failure
    #[arg(long)]
    pub no_skip: bool,
    /// An output that differs only because the environment does is a failure
    #[arg(long)]
    pub strict: bool,
}

impl TestedArguments {
    /// What counts as a failure.
    pub fn strictness(&self) -> Strictness {
        Strictness {
            differs_here_fails: self.strict,
            skip_fails: self.no_skip,
            new_fails: true,
        }
    }
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// How many lessons run side by side [default: the number of processors]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Run one part of the lessons only, such as `1/4`
    #[arg(long, value_name = "K/N", value_parser = parse_partition)]
    pub partition: Option<Partition>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub tested: TestedArguments,
    /// Stop a lesson at its first step that is not as expected
    #[arg(long)]
    pub fail_fast: bool,
    /// Leave what is as recorded, or is not compared, to be accepted anew too, with where it was made and what was checked
    #[arg(long)]
    pub renew: bool,
    /// Keep the folders that the lessons ran in and say where they are
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub running: RunningArguments,
}

#[derive(Debug, Args)]
pub struct MatrixArguments {
    /// The lab's kernels: series such as `5.10,6.12`, whole releases, `latest`, or files [default: every
    /// series that is there, see `tutor lab status`]
    #[arg(long, value_name = "KERNELS", value_delimiter = ',', add = ArgValueCompleter::new(complete::kernel))]
    pub kernels: Vec<String>,
    /// Major versions of clang and LLVM, such as `14,16`: steps find each as `clang`, `llc`, `llvm-…`
    /// [default: the one that they find anyway]
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', add = ArgValueCompleter::new(complete::clang))]
    pub clang: Vec<String>,
    /// How many lessons run side by side, each with a machine of its own [default: the number of
    /// processors]
    #[arg(long, short, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: MatrixFormat,
    #[command(flatten)]
    pub tested: TestedArguments,
    /// Leave what is as recorded to be accepted anew too, with where it was made and what was checked
    #[arg(long)]
    pub renew: bool,
    /// Give every step this long, such as `30s` or `2m`
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Run a course that is not tutor's own without asking
    #[arg(long)]
    pub yes: bool,
}

/// How a matrix is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MatrixFormat {
    /// For people
    #[default]
    Pretty,
    /// For scripts
    Json,
    /// JUnit's XML, for CI services: a suite for each lesson and environment
    Junit,
    /// Markdown, for a document
    Md,
}

/// How a test's result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Pretty,
    /// For scripts
    Json,
    /// JUnit's XML, for CI services
    Junit,
}

/// One part of the lessons: the `part`-th of `parts`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    pub part: usize,
    pub parts: usize,
}

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| crate::say!("bad-jobs", text = text))
}

fn parse_partition(text: &str) -> Result<Partition, String> {
    let bad = || crate::say!("bad-partition", text = text);
    let (part, parts) = text.split_once('/').ok_or_else(bad)?;
    let (part, parts) = (
        part.parse().map_err(|_| bad())?,
        parts.parse().map_err(|_| bad())?,
    );
    if part == 0 || part > parts {
        return Err(bad());
    }
    Ok(Partition { part, parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_counted_from_one() {
        assert_eq!(parse_partition("1/4"), Ok(Partition { part: 1, parts: 4 }));
        assert!(parse_partition("0/4").is_err());
        assert!(parse_partition("5/4").is_err());
        assert!(parse_partition("4").is_err());
    }
}
