//! The model of a lesson: prose, files, steps and checks, in the order of the text.

use super::number::Number;
use super::prose::Node;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// The time a step may take unless its fence says otherwise.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// The time all steps of a lesson may take together.
pub const LESSON_TIMEOUT: Duration = Duration::from_secs(600);

/// The exit status by which a step skips the rest of its lesson.
pub const SKIP_REST: i32 = 80;

/// The masks that a step may name; `normalize` knows how each works.
pub const MASK_NAMES: [&str; 9] = [
    "prog-id",
    "map-id",
    "btf-id",
    "link-id",
    "pid",
    "time",
    "tag",
    "trace",
    "source-line",
];

/// The masks that are applied to every step; naming one is allowed and changes nothing.
pub const ALWAYS_MASKED: [&str; 5] = [
    "address",
    "helper-offset",
    "home",
    "shell-line",
    "workspace",
];

/// True for a mask that every course has.
pub fn is_built_in_mask(name: &str) -> bool {
    MASK_NAMES.contains(&name) || ALWAYS_MASKED.contains(&name)
}

/// One lesson, read from Markdown.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// The stem of its file, which is its place in the course: `lesson-2`.
    pub stem: String,
    /// Where the text came from, relative to the course root, with `/`: `lessons/lesson-2.md`.
    pub path: PathBuf,
    /// The whole text, front matter included. Spans point into it.
    pub source: String,
    /// Name, title, goals.
    pub front: FrontMatter,
    /// The parts of the text, in order.
    pub blocks: Vec<Block>,
}

impl Lesson {
    /// The parts of the text, with those of hints and solutions in the place of these.
    pub fn flattened(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Clue(clue) => clue.blocks.as_slice(),
            Block::Prose(_) | Block::File(_) | Block::Step(_) | Block::Check(_) => {
                std::slice::from_ref(block)
            }
        })
    }

    /// The steps, in the order of the text.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Step(step) => Some(step),
            Block::Prose(_) | Block::File(_) | Block::Check(_) | Block::Clue(_) => None,
        })
    }

    /// The checks, in the order of the text.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Check(check) => Some(check),
            Block::Prose(_) | Block::File(_) | Block::Step(_) | Block::Clue(_) => None,
        })
    }

    /// The questions that a step answers, in the order of the text.
    pub fn questions(&self, step: &Step) -> impl Iterator<Item = &Check> {
        let of_step = |check: &&Check| check.is_question() && check.of == step.id;
        self.checks().filter(of_step)
    }

    /// The files that the lesson writes, in the order of the text.
    pub fn files(&self) -> impl Iterator<Item = &FileStep> {
        self.blocks.iter().filter_map(|block| match block {
            Block::File(file) => Some(file),
            Block::Prose(_) | Block::Check(_) | Block::Step(_) | Block::Clue(_) => None,
        })
    }

    /// The hints and solutions, in the order of the text.
    pub fn clues(&self) -> impl Iterator<Item = &Clue> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Clue(clue) => Some(clue),
            Block::Prose(_) | Block::File(_) | Block::Check(_) | Block::Step(_) => None,
        })
    }

    /// The exercises, in the order of the text.
    pub fn exercises(&self) -> impl Iterator<Item = &Step> {
        self.steps().filter(|step| step.kind == StepKind::Exercise)
    }

    /// The hints of an exercise, in the order of the text.
    pub fn hints(&self, exercise: &Step) -> impl Iterator<Item = &Clue> {
        let is_its_hint =
            |clue: &&Clue| clue.exercise == exercise.id && matches!(clue.kind, ClueKind::Hint(_));
        self.clues().filter(is_its_hint)
    }

    /// The solution of an exercise.
    pub fn solution(&self, exercise: &Step) -> Option<&Clue> {
        let is_it = |clue: &&Clue| clue.exercise == exercise.id && clue.kind == ClueKind::Solution;
        self.clues().find(is_it)
    }

    /// What an exercise begins with: of each file of its solution, what the lesson wrote last above
    /// it.
    pub fn starts(&self, exercise: &Step) -> Vec<&FileStep> {
        let solution = self.solution(exercise).into_iter();
        let above = |file: &FileStep| {
            let is_it =
                |one: &&FileStep| one.path == file.path && one.span.end <= exercise.span.start;
            self.files().filter(is_it).last()
        };
        solution
            .flat_map(|solution| solution.files().filter_map(above))
            .collect()
    }

    /// The step of that id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps().find(|step| step.id == id)
    }
}

/// The lesson's description of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontMatter {
    /// The permanent key of snapshots and progress: `hello`.
    pub name: String,
    /// The title.
    pub title: String,
    /// The abilities that the learner will have.
    pub goals: Vec<String>,
    /// How long it takes, in the author's words: `20 min`.
    pub time: Option<String>,
    /// The needs of every step of the lesson.
    pub needs: Vec<Need>,
}

/// A part of a lesson's text.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Text to read, plain fences included.
    Prose(Prose),
    /// A fence that writes a file into the workspace.
    File(FileStep),
    /// A fence that runs.
    Step(Step),
    /// A fence that proves a sentence.
    Check(Check),
    /// A hint or a solution.
    Clue(Clue),
}

impl Block {
    /// Where it stands in [`Lesson::source`].
    pub fn span(&self) -> Range<usize> {
        match self {
            Block::Prose(prose) => prose.span.clone(),
            Block::File(file) => file.span.clone(),
            Block::Step(step) => step.span.clone(),
            Block::Check(check) => check.span.clone(),
            Block::Clue(clue) => clue.span.clone(),
        }
    }
}

/// A run of Markdown between fences that do something.
#[derive(Clone, Debug, PartialEq)]
pub struct Prose {
    /// Where it stands in [`Lesson::source`]: the book takes the Markdown as it was written.
    pub span: Range<usize>,
    /// The same as a tree: the terminal draws this.
    pub nodes: Vec<Node>,
}

/// A file that the lesson writes into the workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct FileStep {
    /// Relative to the workspace, never leaving it.
    pub path: PathBuf,
    /// The language named by the fence, for highlighting.
    pub language: String,
    /// The content, includes resolved, ending with a newline.
    pub content: String,
    /// Where the fence stands in [`Lesson::source`].
    pub span: Range<usize>,
}

/// A fence that runs in the lesson's shell.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The author's name for it: names the snapshot, survives reordering.
    pub id: String,
    /// The name that it had before it moved or was renamed.
    pub was: Option<FormerName>,
    /// Of an exercise: the step above that is run anew before it is judged.
    pub after: Option<String>,
    /// The script for bash.
    pub script: String,
    /// Where it runs.
    pub on: Place,
    /// Its needs, besides the lesson's own.
    pub needs: Vec<Need>,
    /// The longest it may take.
    pub timeout: Duration,
    /// The exit status that its author expects.
    pub exit: ExpectedExit,
    /// Whether its output has a snapshot.
    pub compare: Compare,
    /// Names of masks to apply besides those that always are.
    pub masks: Vec<String>,
    /// Names of facets of the environment that have a snapshot of their own.
    pub vary: Vec<String>,
    /// Set for a step that goes on while the later ones run.
    pub background: Option<Background>,
    /// Something only one step on the machine may hold while it runs: `trace`.
    pub exclusive: Option<String>,
    /// What it is for.
    pub kind: StepKind,
    /// Where the fence stands in [`Lesson::source`].
    pub span: Range<usize>,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepKind {
    /// To be seen.
    #[default]
    Plain,
    /// It judges what the learner made of a task: status 0 says that it is solved.
    Exercise,
    /// It finds the answer to a question, which is all that it prints.
    Quiz,
}

/// What belongs to an exercise and is shown to those who ask for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Clue {
    /// The exercise that it belongs to.
    pub exercise: String,
    /// What it is.
    pub kind: ClueKind,
    /// What is shown of it before, as HTML: the content of `<summary>`.
    pub summary: String,
    /// Its content: prose, and the files of a solution.
    pub blocks: Vec<Block>,
    /// Where it stands in [`Lesson::source`], from `<details>` to `</details>`.
    pub span: Range<usize>,
}

impl Clue {
    /// The files of a solution.
    pub fn files(&self) -> impl Iterator<Item = &FileStep> {
        self.blocks.iter().filter_map(|block| match block {
            Block::File(file) => Some(file),
            Block::Prose(_) | Block::Check(_) | Block::Step(_) | Block::Clue(_) => None,
        })
    }

    /// The name that links lead to.
    pub fn anchor(&self) -> String {
        match self.kind {
            ClueKind::Hint(number) => format!("hint-{}-{number}", self.exercise),
            ClueKind::Solution => format!("solution-{}", self.exercise),
        }
    }
}

/// The kind of an [`Clue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClueKind {
    /// This one of the hints, from 1.
    Hint(usize),
    /// A solution.
    Solution,
}

/// The name that a step had: `sections/slot-10`. Snapshots and a learner's progress are still found by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerName {
    /// The permanent name of its lesson.
    pub lesson: String,
    /// Its id there.
    pub step: String,
    /// Where it stands in [`Lesson::source`].
    pub span: Range<usize>,
}

impl fmt::Display for FormerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.lesson, self.step)
    }
}

impl Check {
    /// Whether it proves or answers.
    pub fn kind(&self) -> CheckKind {
        match self.expect {
            Expectation::Answer(_) => CheckKind::Prediction,
            Expectation::Equals(_) | Expectation::Matches(_) | Expectation::Range(..) => {
                CheckKind::Check
            }
        }
    }

    /// True if it answers a question, which the learner is asked before the step runs.
    pub fn is_question(&self) -> bool {
        self.kind() == CheckKind::Prediction
    }

    /// The anchor that its sentence or question links to.
    pub fn anchor(&self) -> String {
        self.kind().anchor(&self.name)
    }
}

/// The kind of a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// It proves a sentence.
    Check,
    /// It answers a question.
    Prediction,
}

impl CheckKind {
    /// Both kinds.
    pub const ALL: [CheckKind; 2] = [CheckKind::Check, CheckKind::Prediction];

    /// The key that names one in its fence, which begins its anchor too.
    pub fn key(self) -> &'static str {
        match self {
            CheckKind::Check => "check",
            CheckKind::Prediction => "predict",
        }
    }

    /// The anchor of the one with this name.
    pub fn anchor(self, name: &str) -> String {
        format!("{}-{name}", self.key())
    }

    /// What an anchor is of, if it is that of a check or a prediction.
    pub fn of_anchor(anchor: &str) -> Option<(CheckKind, &str)> {
        CheckKind::ALL.into_iter().find_map(|kind| {
            let name = anchor.strip_prefix(kind.key())?.strip_prefix('-')?;
            Some((kind, name))
        })
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            CheckKind::Check => "check",
            CheckKind::Prediction => "prediction",
        })
    }
}

/// A fence that proves a sentence of the prose, or answers a question in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name: the sentence links to `#check-<name>`, or `#predict-<name>` where it is a question.
    pub name: String,
    /// The step whose shell it runs in; it is skipped when that step is.
    pub of: String,
    /// The script for bash, in a subshell.
    pub script: String,
    /// The expectation of its trimmed standard output.
    pub expect: Expectation,
    /// The sentence that it proves, or the question, as plain text.
    pub sentence: String,
    /// Where the fence stands in [`Lesson::source`].
    pub span: Range<usize>,
}

/// Where a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// On the learner's machine, as the learner.
    #[default]
    Host,
    /// Where there is a kernel to load programs into.
    Kernel,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Place::Host => "host",
            Place::Kernel => "kernel",
        })
    }
}

/// Something that must be there: a name from `course.toml`, and the oldest version that will do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Need {
    /// The name under `[needs]` in `course.toml`.
    pub name: String,
    /// The oldest version that will do, as its numbers: `clang>=14.0` is `[14, 0]`.
    pub at_least: Option<Vec<u64>>,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        let Some(version) = &self.at_least else {
            return Ok(());
        };
        let numbers: Vec<String> = version.iter().map(u64::to_string).collect();
        write!(formatter, ">={}", numbers.join("."))
    }
}

/// The exit status that a step's author expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedExit {
    /// This one.
    Code(i32),
    /// Any but 0.
    NonZero,
}

impl ExpectedExit {
    /// True if a step that ends with this status ends as its author expects.
    pub fn allows(self, status: i32) -> bool {
        match self {
            ExpectedExit::Code(code) => status == code,
            ExpectedExit::NonZero => status != 0 && status != SKIP_REST,
        }
    }
}

impl Default for ExpectedExit {
    fn default() -> Self {
        ExpectedExit::Code(0)
    }
}

impl fmt::Display for ExpectedExit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedExit::Code(code) => write!(formatter, "{code}"),
            ExpectedExit::NonZero => formatter.write_str("nonzero"),
        }
    }
}

/// Whether a step's output is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// With its accepted snapshot.
    #[default]
    Snapshot,
    /// Not at all: it is shown only.
    None,
}

/// How a background step tells that it is ready, so that the next step may start.
#[derive(Clone, Debug, PartialEq)]
pub enum Background {
    /// At once.
    AtOnce,
    /// When a line of its output matches this regular expression.
    Line(String),
    /// When this file exists (relative to the workspace).
    File(PathBuf),
    /// When something listens on this TCP port of the place it runs in.
    Port(u16),
}

/// The expectation of a check's trimmed standard output.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Exactly this.
    Equals(String),
    /// Something this regular expression matches.
    Matches(String),
    /// A number in this range, both ends included; at least one end is not open.
    Range(Option<Number>, Option<Number>),
    /// What was accepted for it: it answers a question that is put to the learner before the step
    /// runs, with these answers to choose from, if any.
    Answer(Vec<String>),
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expectation::Equals(text) => formatter.write_str(text),
            Expectation::Matches(pattern) => write!(formatter, "/{pattern}/"),
            Expectation::Range(low, high) => {
                let end = |number: &Option<Number>| number.map(|number| number.to_string());
                let (low, high) = (end(low), end(high));
                write!(
                    formatter,
                    "{}..{}",
                    low.unwrap_or_default(),
                    high.unwrap_or_default()
                )
            }
            Expectation::Answer(choices) => formatter.write_str(&choices.join("|")),
        }
    }
}
