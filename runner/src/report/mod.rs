//! Says what each step and check of a transcript amounts to. Drawing it is left to `render`.

mod check;
mod diff;
mod emphasis;
mod judge;
pub mod matrix;
mod verdict;

pub use diff::{Diff, DiffLine, Hunk, LineKind, Segment, diff};
pub use judge::{Judge, recorded};
pub use verdict::{Counts, Strictness, Verdict, exit};

use crate::exit::Exit;
use crate::lesson::{Lesson, Place};
use crate::normalize::StableText;
use crate::snapshot::{Environment, Recorded, SnapshotError};
use crate::transcript::{Ending, Leftover, RecordId, ShellFate};
use std::time::Duration;

/// What one lesson's run amounts to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The lesson's permanent name.
    pub lesson: String,
    /// The stem of its file.
    pub stem: String,
    /// Its title.
    pub title: String,
    /// Its steps and checks, in the order in which they were to run.
    pub items: Vec<Item>,
    /// What the lesson left behind.
    pub leftovers: Vec<Leftover>,
    /// Where it ran.
    pub environment: Environment,
    /// How long it took in all.
    pub duration: Duration,
}

/// What one step or check amounts to.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which one it is.
    pub id: RecordId,
    /// What it amounts to.
    pub verdict: Verdict,
    /// How it ended; nothing where no run is judged.
    pub ending: Option<Ending>,
    /// Where it ran.
    pub place: Place,
    /// How long it took.
    pub duration: Duration,
    /// What it printed, made stable; nothing where it did not run.
    pub text: Option<StableText>,
    /// The accepted output, if there is one.
    pub recorded: Option<Recorded>,
    /// What became of the lesson's shell.
    pub shell: ShellFate,
}

impl Item {
    /// Something that kept a whole lesson from going on.
    pub fn broken(name: &str, message: String) -> Item {
        Item {
            id: RecordId::Step(name.to_owned()),
            verdict: Verdict::Broken {
                message,
                help: None,
            },
            ending: None,
            place: Place::Host,
            duration: Duration::ZERO,
            text: None,
            recorded: None,
            shell: ShellFate::Kept,
        }
    }
}

impl Report {
    /// A report of a lesson that holds these items and nothing else.
    pub fn of_items(lesson: &Lesson, items: Vec<Item>) -> Report {
        Report {
            lesson: lesson.front.name.clone(),
            stem: lesson.stem.clone(),
            title: lesson.front.title.clone(),
            items,
            leftovers: Vec::new(),
            environment: Environment::new(),
            duration: Duration::ZERO,
        }
    }

    /// How many items there are of each verdict.
    pub fn counts(&self) -> Counts {
        self.items.iter().map(|item| &item.verdict).collect()
    }

    /// What a process that ran this lesson alone ends with.
    pub fn exit(&self, strictness: Strictness) -> Exit {
        exit([self], strictness)
    }
}

/// How the accepted output of a step is looked up: by its id, the facets it varies by, and the
/// environment.
pub type Lookup<'a> =
    dyn Fn(&str, &[String], &Environment) -> Result<Option<Recorded>, SnapshotError> + 'a;
