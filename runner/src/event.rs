//! Events of a run while it goes on. Renderers listen; nothing is judged here.

use crate::lesson::{Check, FileStep, Lesson, Node, Step};
use crate::transcript::{KnownFacets, Leftover, Record, Skip};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use crate::transcript::Stream;

/// Whoever hears of a run while it goes on.
pub trait Listener {
    /// Hears what happened, and what is known of the environment by now. Breaking skips what is left.
    fn hear(&mut self, event: &Event<'_>, facets: &KnownFacets) -> ControlFlow<Skip>;
}

/// Hears nothing.
pub struct Deaf;

impl Listener for Deaf {
    fn hear(&mut self, _event: &Event<'_>, _facets: &KnownFacets) -> ControlFlow<Skip> {
        ControlFlow::Continue(())
    }
}

/// Something that happened just now.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A lesson begins in this workspace.
    LessonStarted {
        /// Which one.
        lesson: &'e Lesson,
        /// Where its files are.
        workspace: &'e Path,
    },
    /// Prose is reached: a section, or the part of one.
    Prose(&'e [Node]),
    /// A file of the lesson is in the workspace.
    File {
        /// Which one.
        file: &'e FileStep,
        /// The outcome.
        written: Written,
        /// False for one that has to be there, and stands outside of what is read.
        shown: bool,
    },
    /// A step runs without those before it: in the state from before it, or with what is there,
    /// where no such state fits.
    TakenBack {
        /// Which one.
        step: &'e Step,
        /// The parts that went back.
        taken: Option<TakenBack>,
    },
    /// What a step is to find was made before a file changed.
    Outdated(&'e Outdated),
    /// A step is reached: its command is known, nothing of it has run yet.
    StepReached(&'e Step),
    /// A step began to run.
    StepStarted(&'e Step),
    /// A step that runs alone waits for its turn.
    StepWaits(&'e Step),
    /// A step goes on.
    StepTicks {
        /// Which one.
        step: &'e Step,
        /// For how long it has run.
        running: std::time::Duration,
        /// For how long it has printed nothing.
        silent: std::time::Duration,
    },
    /// Something was printed. `step` may have ended already: a process it left behind writes on.
    Output {
        /// The step that printed it; none for what shells print when they close.
        step: Option<&'e str>,
        /// Where it was printed.
        stream: Stream,
        /// The bytes as they came.
        bytes: &'e [u8],
    },
    /// A background step is ready, and goes on.
    StepReady(&'e Step),
    /// A step ended or was skipped.
    StepEnded {
        /// Which one.
        step: &'e Step,
        /// How it ended.
        record: &'e Record,
    },
    /// A check ended or was skipped.
    CheckEnded {
        /// Which one.
        check: &'e Check,
        /// How it ended.
        record: &'e Record,
    },
    /// Something outlived the lesson.
    LeftBehind(&'e Leftover),
    /// Something is as the learner changed it, and the lab has something else there.
    KeptYours(&'e KeptYours),
    /// Something that was to keep steps from the rest of the machine was refused.
    Unguarded(&'e str),
    /// A step wrote over files of the learner's, or removed them.
    WrittenOver {
        /// Where they are kept as the learner had them.
        folder: &'e Path,
        /// The files in it.
        files: &'e [PathBuf],
    },
    /// The lab's machine ran out of memory, and its kernel ended the process of this name.
    OutOfMemory(&'e str),
    /// Something of an earlier run was not made again.
    KeptAside {
        /// Where it is kept.
        folder: &'e Path,
        /// The files in it.
        files: &'e [PathBuf],
    },
}

/// A file of the lesson that has changed since a step ran that reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outdated {
    /// The file, below the workspace.
    pub file: PathBuf,
    /// The first step to run again.
    pub step: String,
}

/// A file that the learner and the lab both changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptYours {
    /// The learner's file: in the workspace, or in the steps' home folder.
    pub path: PathBuf,
    /// The fate of the lab's version.
    pub of_lab: OfLab,
}

/// The fate of the lab's version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfLab {
    /// It lies here, beside the learner's.
    Kept(PathBuf),
    /// The lab removed it.
    Removed,
    /// It could not be kept.
    Lost,
}

/// The state that went back to the moment before a step, beside the files that steps made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The lab with its shell.
    pub lab: bool,
    /// The shell of host steps.
    pub shell: bool,
}

/// The outcome of writing a file of the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there and was written.
    New,
    /// It was there, the same.
    Unchanged,
    /// The lesson's older text was replaced by its newer one.
    Updated,
    /// The learner had edited it, and it was kept.
    KeptEdits,
    /// A step had changed it, in this run or in one that this one goes on from, and it was kept.
    KeptChanged,
}

/// The changes in a guest that came back to the learner's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// What was made there or written again.
    pub written: Vec<PathBuf>,
    /// What was removed there.
    pub removed: Vec<PathBuf>,
}
