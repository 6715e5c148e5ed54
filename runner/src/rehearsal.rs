//! Runs lessons in fresh folders, side by side, for `test` and `matrix`.

use crate::course::Course;
use crate::lesson::Lesson;
use crate::notebook::{self, OnFailure, Reporter};
use crate::plan::Plan;
use crate::render::NoView;
use crate::report::Report;
use crate::run::{Interrupt, Options, Places, ProbeCache, Sitting};
use crate::workspace::{Workspace, WorkspaceError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Where and how lessons run.
pub struct Rehearsal<'b> {
    /// The course that they are of.
    pub course: &'b Course,
    /// Where steps run.
    pub places: &'b Places<'b>,
    /// The options for all of them.
    pub options: &'b Options,
    /// The probes' answers about these places. A different kernel has a cache of its own.
    pub probes: &'b ProbeCache,
    /// Whether a step that is not as expected stops its lesson.
    pub on_failure: OnFailure,
    /// Whether the folders of lessons stay.
    pub keep: bool,
}

/// The result of running a lesson.
pub struct Rehearsed {
    /// The report of the run.
    pub report: Report,
    /// Its folder, if that was kept.
    pub kept: Option<PathBuf>,
    /// The error that kept `tutor` from doing all of it.
    pub done: Result<(), WorkspaceError>,
}

impl Rehearsal<'_> {
    /// Runs a lesson in a fresh folder; an error if it could not begin.
    pub fn run(&self, lesson: &Lesson) -> Result<Rehearsed, WorkspaceError> {
        let plan = Plan::proof(lesson);
        let workspace = Workspace::fresh(&lesson.front.name, self.keep)?;
        let folders = workspace.folders();
        let judge = notebook::judge(self.course, lesson, &folders);
        let mut view = NoView;
        let mut reporter = Reporter::new(&judge, self.on_failure, &mut view);
        let sitting = Sitting::new(
            &plan,
            self.course,
            self.places,
            self.probes,
            self.options,
            workspace,
            &mut reporter,
        );
        let (transcript, done) = sitting.run_all();
        let report = reporter.report(&transcript);
        Ok(Rehearsed {
            report,
            kept: self.keep.then(|| folders.workspace.clone()),
            done,
        })
    }
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
        let (next, work) = (&next, &work);
        let worker = |send: mpsc::Sender<_>| {
            move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(task) = tasks.get(index) else {
                        return;
                    };
                    if interrupt.presses() > 0 || send.send((index, work(task))).is_err() {
                        return;
                    }
                }
            }
        };
        let start = || thread::Builder::new().spawn_scoped(scope, worker(send.clone()));
        let started = (0..jobs.min(tasks.len())).map_while(|_| start().ok());
        if started.count() == 0 {
            // No thread can be started, so this one does it.
            worker(send.clone())();
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
