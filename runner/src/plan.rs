//! The actions of a run, in order. Doing them is left to [`crate::run`].

use crate::diagnostic::nearest;
use crate::lesson::{Block, Check, CheckKind, FileStep, Lesson, Node, Prose, Step};
use crate::say;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Which steps of a lesson to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// These alone, with their checks; files are written first.
    Only(Vec<String>),
    /// Those up to and including this one.
    Until(String),
    /// This one and all that follow; files are written first.
    From(String),
}

/// The actions of a run of one lesson.
#[derive(Clone, Debug)]
pub struct Plan<'l> {
    /// The lesson.
    pub lesson: &'l Lesson,
    /// The actions, in the order of the text.
    pub actions: Vec<Action<'l>>,
    /// True if the files that steps made in an earlier run are to stay: single steps build on them.
    pub goes_on: bool,
    /// True if steps in between are left out: each one runs in the state from before it.
    pub is_of_single_steps: bool,
    /// True if exercises are to be proved: what the learner begins with must not pass, and the
    /// solution must.
    pub proves_exercises: bool,
}

/// One thing to do.
#[derive(Clone, Copy, Debug)]
pub enum Action<'l> {
    /// Show prose: up to the next heading, if it has more than one.
    Read(&'l [Node]),
    /// Write a file into the workspace.
    Write {
        /// Which one.
        file: &'l FileStep,
        /// False for one that has to be there, and stands outside of what is read.
        shown: bool,
    },
    /// Run a step.
    Run(&'l Step),
    /// Prove a sentence.
    Check(&'l Check),
}

impl<'l> Action<'l> {
    /// The step that it runs.
    pub fn step(&self) -> Option<&'l Step> {
        match self {
            Action::Run(step) => Some(step),
            Action::Read(_) | Action::Write { .. } | Action::Check(_) => None,
        }
    }
}

/// A step that a command line names and the lesson lacks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.told())]
pub struct NoSuchStep {
    /// The lesson's stem.
    pub lesson: String,
    /// The name that was given.
    pub step: String,
    /// The names that would do.
    pub steps: Vec<String>,
    /// The one of them that was probably meant.
    pub meant: Option<String>,
}

impl NoSuchStep {
    fn told(&self) -> String {
        let (lesson, step) = (self.lesson.as_str(), self.step.as_str());
        match &self.meant {
            Some(meant) => say!(
                "plan-no-step-but",
                lesson = lesson,
                step = step,
                meant = meant.as_str()
            ),
            None => say!(
                "plan-no-step",
                lesson = lesson,
                step = step,
                count = self.steps.len(),
                steps = self.steps.join(", ")
            ),
        }
    }
}

impl<'l> Plan<'l> {
    /// Returns what to do for all of a lesson.
    pub fn whole(lesson: &'l Lesson) -> Plan<'l> {
        let action = |block: &'l Block| match block {
            Block::Prose(text) => sections(text).collect(),
            Block::File(file) => vec![Action::Write { file, shown: true }],
            Block::Step(step) => vec![Action::Run(step)],
            Block::Check(check) => vec![Action::Check(check)],
            Block::Clue(_) => Vec::new(),
        };
        Plan {
            lesson,
            actions: lesson.blocks.iter().flat_map(action).collect(),
            goes_on: false,
            is_of_single_steps: false,
            proves_exercises: false,
        }
    }

    /// Returns what to do for all of a lesson, its exercises proved.
    pub fn proof(lesson: &'l Lesson) -> Plan<'l> {
        Plan {
            proves_exercises: true,
            ..Plan::whole(lesson)
        }
    }

    /// Returns what to do for a selection of the lesson's steps.
    pub fn new(lesson: &'l Lesson, selection: &Selection) -> Result<Plan<'l>, NoSuchStep> {
        let wanted = wanted(lesson, selection)?;
        let first_shown = match selection {
            Selection::All | Selection::Until(_) => 0,
            Selection::Only(_) => lesson.blocks.len(),
            Selection::From(first) => lead(lesson, first),
        };
        let blocks = lesson.blocks.iter().enumerate();
        let mut actions: Vec<Action<'l>> = blocks
            .flat_map(|(index, block)| match block {
                Block::Prose(text) if index >= first_shown => sections(text).collect(),
                Block::Prose(_) => Vec::new(),
                Block::File(file) => vec![Action::Write {
                    file,
                    shown: index >= first_shown,
                }],
                Block::Step(step) if wanted.contains(&*step.id) => vec![Action::Run(step)],
                Block::Check(check) if wanted.contains(&*check.of) => vec![Action::Check(check)],
                Block::Step(_) | Block::Check(_) | Block::Clue(_) => Vec::new(),
            })
            .collect();
        if let Selection::Until(_) = selection {
            let end = actions
                .iter()
                .rposition(|action| matches!(action, Action::Run(_) | Action::Check(_)));
            actions.truncate(end.map_or(0, |index| index + 1));
        }
        Ok(Plan {
            lesson,
            actions,
            goes_on: matches!(selection, Selection::Only(_) | Selection::From(_)),
            is_of_single_steps: matches!(selection, Selection::Only(_)),
            proves_exercises: false,
        })
    }

    /// The steps that will run, in order.
    pub fn steps(&self) -> impl Iterator<Item = &'l Step> {
        self.actions.iter().filter_map(Action::step)
    }

    /// The plan for a script to read.
    pub fn to_json(&self) -> Value {
        let actions: Vec<Value> = self.actions.iter().filter_map(action_json).collect();
        json!({
            "lesson": self.lesson.stem,
            "name": self.lesson.front.name,
            "needs": self.lesson.front.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "actions": actions,
        })
    }
}

/// Prose part by part: each heading begins one.
fn sections(prose: &Prose) -> impl Iterator<Item = Action<'_>> {
    let is_within = |_: &Node, next: &Node| !matches!(next, Node::Heading { .. });
    prose.nodes.chunk_by(is_within).map(Action::Read)
}

fn action_json(action: &Action<'_>) -> Option<Value> {
    match action {
        Action::Read(_) => None,
        Action::Write { file, .. } => Some(json!({
            "do": "write",
            "file": file.path,
            "bytes": file.content.len(),
        })),
        Action::Run(step) => Some(json!({
            "do": "run",
            "step": step.id,
            "on": step.on.to_string(),
            "script": step.script,
            "needs": step.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "timeout_ms": step.timeout.as_millis() as u64,
            "exit": step.exit.to_string(),
            "background": step.background.is_some(),
            "exclusive": step.exclusive,
        })),
        Action::Check(check) => Some(json!({
            "do": "check",
            "check": check.name,
            "of": check.of,
            "script": check.script,
            "expect": check.expect.to_string(),
            "sentence": check.sentence,
        })),
    }
}

/// The ids of the selected steps.
fn wanted<'a>(
    lesson: &'a Lesson,
    selection: &'a Selection,
) -> Result<HashSet<&'a str>, NoSuchStep> {
    let ids = lesson.steps().map(|step| step.id.as_str());
    match selection {
        Selection::All => Ok(ids.collect()),
        Selection::Only(ids) => ids.iter().map(|id| step_of(lesson, id)).collect(),
        Selection::Until(last) => {
            known(lesson, last)?;
            let before = ids.take_while(|id| id != last);
            Ok(before.chain([last.as_str()]).collect())
        }
        Selection::From(first) => {
            known(lesson, first)?;
            Ok(ids.skip_while(|id| id != first).collect())
        }
    }
}

/// The index of the first block that leads to a step: what stands between it and the step or check
/// before it.
fn lead(lesson: &Lesson, first: &str) -> usize {
    let is_first = |block: &Block| matches!(block, Block::Step(step) if step.id == first);
    let start = lesson.blocks.iter().position(is_first).unwrap_or(0);
    let mut before = lesson.blocks[..start].iter();
    let earlier = before.rposition(|block| matches!(block, Block::Step(_) | Block::Check(_)));
    earlier.map_or(0, |index| index + 1)
}

/// The step of that id, or the one that a check of that name belongs to.
fn step_of<'l>(lesson: &'l Lesson, id: &'l str) -> Result<&'l str, NoSuchStep> {
    let name = CheckKind::of_anchor(id).map_or(id, |(_, name)| name);
    let check = lesson.checks().find(|check| check.name == name);
    match check.filter(|_| lesson.step(id).is_none()) {
        Some(check) => Ok(&check.of),
        None => known(lesson, id).map(|()| id),
    }
}

/// Fails if a lesson has no step of that name.
pub fn known(lesson: &Lesson, id: &str) -> Result<(), NoSuchStep> {
    if lesson.step(id).is_some() {
        return Ok(());
    }
    let steps: Vec<String> = lesson
        .steps()
        .map(|step| format!("`{}`", step.id))
        .collect();
    Err(NoSuchStep {
        lesson: lesson.stem.clone(),
        step: id.to_owned(),
        steps,
        meant: nearest(id, lesson.steps().map(|step| step.id.as_str())).map(str::to_owned),
    })
}
