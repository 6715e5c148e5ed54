//! `tutor study`, and `tutor` alone: goes on where the learner was.

mod keyboard;

use super::arguments::{On, RunningArguments, StudyArguments};
use super::context::Context;
use super::failure::ends;
use crate::course::Course;
use crate::exit::Exit;
use crate::lesson::{Lesson, Step};
use crate::notebook::{self, OnFailure, Reporter};
use crate::plan::{Plan, Selection};
use crate::render::terminal::{Detail, Terminal};
use crate::render::verdict;
use crate::report::Strictness;
use crate::run::{ProbeCache, Sitting};
use crate::say;
use crate::store::StepProgress;
use crate::study::{self, Studied};
use crate::workspace::Workspace;
use keyboard::Keyboard;
use std::io;

/// `tutor` alone.
pub fn resume(context: &Context, running: RunningArguments) -> anyhow::Result<Exit> {
    study(
        context,
        &StudyArguments {
            lesson: None,
            from: None,
            running,
        },
    )
}

/// `tutor study`.
pub fn study(context: &Context, arguments: &StudyArguments) -> anyhow::Result<Exit> {
    let course = context.readers_course()?;
    context.refuse(&course, course.own_errors())?;
    let lesson = match &arguments.lesson {
        Some(key) => Some(context.lesson(&course, key)?),
        None => open(context, &course)?,
    };
    let Some(lesson) = lesson else {
        context.tell(&say!("study-all-done"))?;
        return Ok(Exit::Success);
    };
    context.refuse(&course, course.errors_of(lesson))?;
    context.may_run(&course, &[lesson], &arguments.running)?;
    let key = context.key(&course, lesson);
    let store = context.store();
    store.check(&key)?;
    let mut progress = context.progress(&course, lesson)?;
    if let Some(step) = &arguments.from {
        Plan::new(lesson, &Selection::Until(step.clone()))
            .map_err(|error| ends(Exit::Usage, error.to_string()))?;
        progress.next = Some(step.clone());
    }
    let backends = context.backends(&course, &arguments.running)?;
    let places = backends.places();
    let options = context.options(&course, &arguments.running)?;
    let probes = ProbeCache::default();
    let workspace = Workspace::lasting(&context.folders, &key)?;
    let folders = workspace.folders();
    let judge = notebook::judge(&course, lesson, &folders);
    let plan = Plan::whole(lesson);
    let mut view = Terminal::new(io::stdout(), context.stdout, Detail::Whole);
    view.tells_keys();
    let mut reporter = Reporter::new(&judge, OnFailure::GoOn, &mut view);
    let mut sitting = Sitting::new(
        &plan,
        &course,
        &places,
        &probes,
        &options,
        workspace,
        &mut reporter,
    );
    if arguments.running.place() == On::Lab {
        sitting.keep_moments(context.moments(&key)?);
    }
    let mut learner = Keyboard {
        context,
        store: &store,
        key: &key,
        lesson,
        workspace: &folders.workspace,
        interrupt: &options.interrupt,
    };
    let (transcript, studied) = study::study(
        sitting,
        lesson,
        &judge,
        &options.interrupt,
        progress,
        &mut learner,
    )?;
    let report = reporter.report(&transcript);
    match studied {
        Studied::Left => {
            let command = match arguments.running.place() {
                On::Host => "tutor study --on host",
                On::Lab => "tutor",
            };
            context.tell(&say!("study-left", command = command))?;
        }
        Studied::Finished => {
            let failed = report.items.iter().find(|item| item.verdict.is_failure());
            let progress = context.progress(&course, lesson)?;
            let is_open = |step: &&Step| progress.standing(step) != StepProgress::Done;
            let mut open = lesson.steps().filter(is_open);
            let stem = lesson.stem.as_str();
            let is_whole = match (failed, open.next()) {
                (Some(item), _) => {
                    let step = verdict::step_of(&item.id, lesson);
                    context.tell(&say!("study-again", lesson = stem, step = step))?;
                    false
                }
                (None, Some(first)) => {
                    let (count, step) = (open.count() + 1, first.id.as_str());
                    let line = say!("study-open", count = count, lesson = stem, step = step);
                    context.tell(&line)?;
                    false
                }
                (None, None) => true,
            };
            let position = course
                .lessons
                .iter()
                .position(|other| other.stem == lesson.stem);
            let next = position.and_then(|index| course.lessons.get(index + 1));
            match next {
                Some(next) => context.tell(&say!(
                    "study-next",
                    lesson = next.stem.as_str(),
                    title = next.front.title.as_str()
                ))?,
                None if is_whole => context.tell(&say!("next-none"))?,
                None => {}
            }
        }
    }
    if report.items.is_empty() {
        return Ok(Exit::Success);
    }
    Ok(report.exit(Strictness::default()))
}

/// The lesson studied last, or the one after it where it is finished.
fn open<'c>(context: &Context, course: &'c Course) -> anyhow::Result<Option<&'c Lesson>> {
    let store = context.store();
    let last = store.last_lesson();
    let position = course
        .lessons
        .iter()
        .position(|lesson| Some(context.key(course, lesson)) == last);
    let start = position.unwrap_or(0);
    for lesson in course.lessons.iter().skip(start) {
        let progress = context.progress(course, lesson)?;
        if progress.next.is_some() || progress.done.is_empty() {
            return Ok(Some(lesson));
        }
    }
    Ok(None)
}
