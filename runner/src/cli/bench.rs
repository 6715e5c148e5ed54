//! Runs lessons in fresh folders, side by side; `test` and `matrix` do it by the same code.

use crate::course::{Course, Origin};
use crate::lesson::Lesson;
use crate::notebook::{self, OnFailure};
use crate::plan::{Plan, Selection};
use crate::render::NoView;
use crate::report::{Judge, Report};
use crate::run::{Findings, Interrupt, Options, Places, Runner};
use crate::snapshot::{self, Environment, OfCourse};
use crate::workspace::{Workspace, WorkspaceError};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Where and how lessons run.
pub struct Bench<'b> {
    pub course: &'b Course,
    pub places: &'b Places<'b>,
    pub options: &'b Options,
    /// What these places have. Another kernel has findings of its own.
    pub findings: &'b Findings,
    pub on_failure: OnFailure,
    pub keep: bool,
}

/// What became of a lesson, its folder if that was kept, and what kept `tutor` from doing all of it.
pub struct Tested {
    pub report: Report,
    pub kept: Option<PathBuf>,
    pub done: Result<(), WorkspaceError>,
}

/// What became of a lesson, or why it could not begin.
pub type Outcome = anyhow::Result<Tested>;

impl Bench<'_> {
    /// Runs a lesson in a fresh folder.
    pub fn lesson(&self, lesson: &Lesson) -> Outcome {
        let plan = Plan::new(lesson, &Selection::All)?;
        let workspace = Workspace::fresh(&lesson.front.name, self.keep)?;
        let folders = workspace.folders();
        let files = OfCourse(self.course);
        let lookup = |step: &str, vary: &[String], environment: &Environment| {
            snapshot::find(&files, &lesson.front.name, step, vary, environment)
        };
        let judge = Judge::new(lesson, &folders, &lookup).with_facets(&self.course.facets);
        let runner = Runner::new(
            lesson,
            self.course,
            self.places,
            self.findings,
            self.options,
            workspace,
        );
        let (report, done) = notebook::run(&plan, runner, &judge, self.on_failure, &mut NoView);
        Ok(Tested {
            report,
            kept: self.keep.then_some(folders.workspace),
            done,
        })
    }
}

/// As many as were asked for, else as many as this machine has processors.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

/// Does the tasks on that many threads and returns what became of them, in their order; `done`
/// hears of them in that order too. After Ctrl-C no task is begun.
pub fn side_by_side<'t, Task: Sync, Done: Send>(
    tasks: &'t [Task],
    jobs: usize,
    interrupt: &Interrupt,
    work: impl Fn(&'t Task) -> Done + Sync,
    done: &mut dyn FnMut(&'t Task, &Done),
) -> Vec<(&'t Task, Done)> {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut outcomes: Vec<Option<Done>> = tasks.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..jobs.min(tasks.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(index) else {
                        return;
                    };
                    if interrupt.presses() > 0 || send.send((index, work(task))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut told = 0;
        for (index, outcome) in receive {
            outcomes[index] = Some(outcome);
            while let Some(Some(outcome)) = outcomes.get(told) {
                done(&tasks[told], outcome);
                told += 1;
            }
        }
    });
    tasks
        .iter()
        .zip(outcomes)
        .filter_map(|(task, outcome)| outcome.map(|outcome| (task, outcome)))
        .collect()
}

/// The lessons of these names, each once, or all of them.
pub fn lessons<'c>(course: &'c Course, names: &[String]) -> anyhow::Result<Vec<&'c Lesson>> {
    let lessons: Vec<&Lesson> = if names.is_empty() {
        course.lessons.iter().collect()
    } else {
        let found = names.iter().map(|name| course.lesson(name));
        found
            .collect::<Result<_, _>>()
            .map_err(super::failure::unusable)?
    };
    let mut seen = std::collections::HashSet::new();
    Ok(lessons
        .into_iter()
        .filter(|lesson| seen.insert(&lesson.stem))
        .collect())
}

/// The folder that changed outputs are left in, to be read; none under `CI=true`, and none for a
/// course that is inside the program.
pub fn recording_folder(course: &Course) -> Option<PathBuf> {
    let Origin::Folder(root) = &course.origin else {
        return None;
    };
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    (!in_ci).then(|| Path::new(root).join("snapshots"))
}
