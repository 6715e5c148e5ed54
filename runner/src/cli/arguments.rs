//! The command line: one clap tree, from which help, completions and man pages come.

mod running;
mod settling;
mod testing;

pub use running::{On, RunningArguments};
pub use settling::{AcceptArguments, ReviewArguments, SettleArguments};
pub use testing::{
    Format, MatrixArguments, MatrixFormat, Partition, TestArguments, TestedArguments,
};

use super::complete;
use crate::render::paint::Color;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use std::ffi::OsString;
use std::path::PathBuf;

/// Lessons in Markdown that run for real: learn BPF programming in C at a terminal.
///
/// Without a command, `tutor` goes on where you were.
#[derive(Debug, Parser)]
#[command(name = "tutor", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 all as expected, 1 a step differs or failed, 2 wrong command line,
3 this machine lacks something, so nothing ran, 4 a lesson is invalid, 130 interrupted."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// How steps are run where no command is given.
    #[command(flatten)]
    pub running: RunningArguments,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What skips do to the exit status, for the commands that run steps.
const OF_SKIPS: &str = "\
Skipped steps, those whose need or place is missing and those after a step that
ended with status 80, leave the exit status 0 where other steps ran. Where none
ran it is 3; `tutor test --no-skip` makes every skip 3.";

/// The clap tree.
pub fn command() -> clap::Command {
    Cli::command()
}

#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// The course: a folder that holds `lessons/course.toml` [default: TUTOR_COURSE, else the nearest
    /// one upward from here, else the one in the program]
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub course: Option<PathBuf>,
    /// The language of the lessons, such as `zh` [default: TUTOR_LANG, else that of the locale, else that in
    /// which they were written]
    #[arg(long, global = true, value_name = "LANGUAGE", add = ArgValueCompleter::new(complete::language))]
    pub lang: Option<String>,
    /// When to color
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the lessons
    List(JsonArguments),
    /// Read a lesson without running it
    Show(ShowArguments),
    /// Run a lesson: every step for real, its output compared with the accepted one
    #[command(after_help = OF_SKIPS)]
    Run(RunArguments),
    /// Study a lesson step by step
    Study(StudyArguments),
    /// Run lessons as tests, in fresh folders
    #[command(after_help = OF_SKIPS)]
    Test(TestArguments),
    /// Run lessons on several kernels and compilers and show what differs
    #[command(after_help = OF_SKIPS)]
    Matrix(MatrixArguments),
    /// Look at changed outputs one by one and accept or reject them
    Review(ReviewArguments),
    /// Accept changed outputs
    Accept(AcceptArguments),
    /// Throw changed outputs away
    Reject(SettleArguments),
    /// Check the lessons' text; runs no step
    #[command(
        after_help = "Exit status: 4 where there is an error, or under --strict a warning; else 0."
    )]
    Check(CheckArguments),
    /// Translations: how far each is, and what of the original has changed since
    #[command(subcommand)]
    I18n(I18nCommand),
    /// Write a new lesson to start from
    New(NewArguments),
    /// Make a book of the lessons
    Book(BookArguments),
    /// Look into BPF programs and what this kernel can do
    Bpf(BpfArguments),
    /// Compile a BPF program in C, run it in the lab, and show what it prints
    #[command(
        after_help = "It is compiled as the lessons do it, and the command is shown. A program of a type that\n\
                      the kernel runs on request runs once; another one is attached for three seconds.\n\n\
                      Examples:\n  tutor try words.bpf.c\n  tutor try opens.bpf.c --while 'cat /etc/hostname'\n  \
                      tutor try words.bpf.c --kernel 5.10 -- -DWORDS='\"hello\"'"
    )]
    Try(TryArguments),
    /// Find out what this machine has and lacks for the lessons
    Doctor(DoctorArguments),
    /// The lab: a real kernel in a small virtual machine
    #[command(
        subcommand,
        after_help = "KVM runs the machine where a trial has shown that it works, else QEMU translates.\n\
                      TUTOR_LAB_ACCEL=tcg leaves KVM alone, TUTOR_LAB_ACCEL=kvm takes nothing else."
    )]
    Lab(LabCommand),
    /// Say that a course is your own: it is never asked about
    Trust(TrustArguments),
    /// Say what `tutor` keeps on the disk, and how much; remove all of it after asking
    Storage(StorageArguments),
    /// Show the next hint to an exercise, or its solution
    #[command(after_help = "`tutor run LESSON --only EXERCISE` judges what you made of it.")]
    Hint(HintArguments),
    /// Show what you changed in the files of a lesson, as a patch
    Diff(DiffArguments),
    /// Start a lesson afresh, or some of its files; what you wrote is kept aside
    Reset(ResetArguments),
    /// Print the code that makes a shell complete `tutor`
    Completions(CompletionsArguments),
    /// Write the man pages
    Man(ManArguments),
}

/// The arguments of a command that only shows something.
#[derive(Debug, Args)]
pub struct JsonArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `tutor check --deny` makes a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Denied {
    /// Sections of translations that are missing or stale.
    Stale,
}

/// What to do with translations.
#[derive(Debug, Subcommand)]
pub enum I18nCommand {
    /// Say how far each translation is
    Status(JsonArguments),
    /// Show what changed in the originals of sections since they were translated
    Diff(TranslationArguments),
    /// Note that sections agree with their originals as these are now
    Accept(TranslationArguments),
}

#[derive(Debug, Args)]
pub struct TranslationArguments {
    /// The lesson
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: String,
    /// The sections, by the ids of their headings [default: all that are stale]
    pub sections: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The lessons, or their files [default: all, and the course]
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lessons: Vec<String>,
    /// A warning is a failure
    #[arg(long)]
    pub strict: bool,
    /// What of a translation is a failure: `stale` for a section that is not translated, or whose original
    /// has changed since
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Vec<Denied>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The lesson: `lesson-2`, its name, or its number
    #[arg(required_unless_present = "all", add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: Option<String>,
    /// Show all that it would run and write, and nothing else: steps, checks, probes, files; of all
    /// lessons where none is named
    #[arg(long)]
    pub all: bool,
    /// Print JSON: the lesson's steps, files and checks, and what is asked before
    #[arg(long)]
    pub json: bool,
    /// Print it at once even if it is longer than the screen
    #[arg(long)]
    pub no_pager: bool,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// The lesson: `lesson-2`, its name, or its number
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: String,
    /// Run this step only, in the state from before it: what other steps made is there again
    /// afterwards, and your edits stay; may be given more than once, and each step has its own state
    #[arg(long, value_name = "STEP", conflicts_with = "until", add = ArgValueCompleter::new(complete::step))]
    pub only: Vec<String>,
    /// Run the steps up to and including this one
    #[arg(long, value_name = "STEP", add = ArgValueCompleter::new(complete::step))]
    pub until: Option<String>,
    /// Go on from the state before this step, as an earlier run left it in the lab
    #[arg(long, value_name = "STEP", conflicts_with_all = ["only", "until", "fresh"], add = ArgValueCompleter::new(complete::step))]
    pub from: Option<String>,
    /// Stop at the first step that is not as expected
    #[arg(long)]
    pub fail_fast: bool,
    /// Use a fresh folder, not your own workspace; your progress stays as it is
    #[arg(long)]
    pub fresh: bool,
    /// Keep the fresh folder and say where it is
    #[arg(long, requires = "fresh")]
    pub keep: bool,
    /// Print what would run, as JSON, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long, conflicts_with = "dry_run")]
    pub json: bool,
    /// Leave the prose out
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub running: RunningArguments,
}

#[derive(Debug, Args)]
pub struct StudyArguments {
    /// The lesson; without one, the lesson you were in
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: Option<String>,
    /// Begin at this step
    #[arg(long, value_name = "STEP", add = ArgValueCompleter::new(complete::step))]
    pub from: Option<String>,
    #[command(flatten)]
    pub running: RunningArguments,
}

#[derive(Debug, Args)]
pub struct NewArguments {
    /// The new lesson's place in the course, such as `lesson-11`
    pub lesson: String,
}

#[derive(Debug, Args)]
pub struct BookArguments {
    /// Write the mdBook source tree there and render nothing
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub emit: Option<PathBuf>,
    /// Where the book goes
    #[arg(long, value_name = "FOLDER", default_value = "book/out", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Make the book although recorded outputs are missing, or not of their steps as they are now, which
    /// the pages say; or although files are that lessons show or link to
    #[arg(long)]
    pub allow_missing: bool,
}

/// `--on` and `--kernel` have ids of their own: a global argument shares its value with one of the same
/// id before the command.
#[derive(Debug, Args)]
pub struct BpfArguments {
    /// Whose kernel is asked, where one is: this machine's own, or the lab's [default: host]
    #[arg(
        id = "bpf-on",
        long = "on",
        global = true,
        value_enum,
        value_name = "PLACE"
    )]
    pub on: Option<On>,
    /// A kernel of the lab: a series such as `6.12`, a whole release, `latest` of those that are there, or
    /// a file; with it, `--on lab` goes without saying
    #[arg(id = "bpf-kernel", long = "kernel", global = true, value_name = "KERNEL", add = ArgValueCompleter::new(complete::kernel))]
    pub kernel: Option<String>,
    /// What to look into
    #[command(subcommand)]
    pub command: tutor_bpf::command::BpfCommand,
}

#[derive(Debug, Args)]
pub struct TryArguments {
    /// The program in C
    #[arg(value_name = "FILE.c", value_hint = ValueHint::FilePath)]
    pub source: PathBuf,
    /// Whose kernel runs it: the lab's, or this machine's own
    #[arg(long, value_enum, value_name = "PLACE", default_value = "lab")]
    pub on: On,
    /// A kernel of the lab: a series such as `6.12`, a whole release, `latest` of those that are there, or
    /// a file
    #[arg(long, value_name = "KERNEL", add = ArgValueCompleter::new(complete::kernel))]
    pub kernel: Option<String>,
    /// The function of this name; needed where the file has several
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Run it this often on request
    #[arg(long, value_name = "TIMES", conflicts_with_all = ["attach", "meanwhile"], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: Option<u32>,
    /// Attach it for this many seconds instead
    #[arg(long, value_name = "SECONDS", value_parser = tutor_bpf::command::seconds)]
    pub attach: Option<f64>,
    /// Run this command by `sh` while the program is attached
    #[arg(long = "while", value_name = "COMMAND")]
    pub meanwhile: Option<String>,
    /// Show only printed lines with this text in them
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Further options for clang
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Install what is missing, after asking
    #[arg(long, conflicts_with = "json")]
    pub fix: bool,
    /// Write what somebody needs to know who looks for a fault of tutor into this file: versions, the
    /// kernel, limits, all findings, the lab; no names, keys or paths of your home
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "tutor-report.json", conflicts_with_all = ["json", "fix"], value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    /// Do not ask: neither before installing, nor before running the probes of a course that is
    /// not tutor's own
    #[arg(long)]
    pub yes: bool,
    /// Let the probes of such a course reach all that you can reach yourself
    #[arg(long)]
    pub unconfined: bool,
    /// Whose kernel is asked: the one that steps would run on
    #[arg(long, value_enum, value_name = "PLACE", default_value_t)]
    pub on: On,
}

#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Run a command in a machine of its own
    Run(LabRunArguments),
    /// Open a shell in a machine of its own
    Shell(LabShellArguments),
    /// Get a kernel for the lab, without root, after asking
    Setup(LabSetupArguments),
    /// Show the kernels, what else is kept, KVM or not, and what is missing
    Status(JsonArguments),
    /// List kernels that no lesson asks for and what can be made again, and remove it after asking
    Gc(LabGcArguments),
}

#[derive(Debug, Args)]
pub struct LabRunArguments {
    /// Which guest
    #[command(flatten)]
    pub guest: GuestArguments,
    /// Write how long each part took into this file, as JSON; a checkpoint is taken for it when the
    /// command has ended
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub measure: Option<PathBuf>,
    /// The command and its arguments, after `--`
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct LabShellArguments {
    /// Which guest
    #[command(flatten)]
    pub guest: GuestArguments,
}

/// Which guest of the lab, and with which files.
#[derive(Debug, Args)]
pub struct GuestArguments {
    /// The kernel: a series such as `6.12`, a whole release, `latest` of those that are there, or a file
    #[arg(long, value_name = "KERNEL", default_value = "default", add = ArgValueCompleter::new(complete::kernel))]
    pub kernel: String,
    /// Bring a copy of this folder along and start in it: what you write to it meanwhile does not get
    /// there, and what changes there comes back at the end. Without it no file of yours is there, not
    /// even a lesson's workspace, and it starts in `/root`
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LabSetupArguments {
    /// A series such as `6.12`, or `latest`, or a .deb, bzImage or vmlinux by its path; may be given
    /// more than once [default: the one that lessons use]
    #[arg(long, value_name = "SERIES|PATH", value_hint = ValueHint::FilePath)]
    pub kernel: Vec<String>,
    /// Fetch from this mirror of Debian's archive, such as `https://HOST/debian`, and not by apt
    #[arg(long, value_name = "URL", env = "TUTOR_LAB_MIRROR", value_hint = ValueHint::Url)]
    pub mirror: Option<String>,
    /// Fetch without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct LabGcArguments {
    /// Remove without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct TrustArguments {
    /// The course: a folder that holds `lessons/course.toml` [default: the one that `tutor run` would
    /// take]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// List the courses that are your own, and those of which you agreed to lessons
    #[arg(long, conflicts_with_all = ["folder", "revoke"])]
    pub list: bool,
    /// Forget what you agreed to of the course in this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "folder", value_hint = ValueHint::DirPath)]
    pub revoke: Option<PathBuf>,
    /// Print the list as JSON
    #[arg(long, conflicts_with_all = ["folder", "revoke"])]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StorageArguments {
    /// Remove all of it, your own files in workspaces too, after asking
    #[arg(long)]
    pub remove_all: bool,
    /// Remove without asking
    #[arg(long, requires = "remove_all")]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct HintArguments {
    /// The lesson
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: String,
    /// The exercise [default: list those of the lesson]
    #[arg(add = ArgValueCompleter::new(complete::exercise))]
    pub exercise: Option<String>,
    /// All hints
    #[arg(long, requires = "exercise")]
    pub all: bool,
    /// The solution
    #[arg(long, requires = "exercise", conflicts_with = "all")]
    pub solution: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DiffArguments {
    /// The lesson
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: String,
    /// Only these files
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::file))]
    pub files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ResetArguments {
    /// The lesson
    #[arg(add = ArgValueCompleter::new(complete::lesson))]
    pub lesson: String,
    /// Only these files: the lesson's own text goes in their place
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::file))]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// Where the pages go
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clap_tree_is_sound() {
        command().debug_assert();
    }
}
