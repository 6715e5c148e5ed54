//! `tutor test`: lessons in fresh folders, side by side.

use super::arguments::{Format, TestArguments};
use super::context::{Context, jobs};
use super::failure::{with_help, worst};
use super::output::{out_json, print};
use super::results::{Results, named};
use crate::course::Course;
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::notebook::OnFailure;
use crate::record::{self, AsAccepted, TestOutputs};
use crate::rehearsal::{Rehearsal, Rehearsed, side_by_side};
use crate::render::paint::Paint;
use crate::render::{json, summary};
use crate::report::{Item, Report, Strictness};
use crate::run::ProbeCache;
use crate::say;
use crate::visible::visible_text;
use crate::workspace::{WorkspaceError, remove_abandoned};
use std::thread;

pub fn test(context: &Context, arguments: &TestArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let results = Results::of(context, &course, &arguments.tested, arguments.partition)?;
    let asked = results.asked();
    if !asked.lessons.is_empty() {
        return asked.end(rehearse(context, arguments, &course, &results));
    }
    if arguments.format == Format::Pretty
        && asked.errors.is_empty()
        && arguments.partition.is_some()
    {
        // More parts than lessons: a part of a CI matrix that has nothing to do has done it.
        outln!("{}", say!("test-empty-part"));
    }
    let told = tell(&results, arguments.format, &[]);
    asked.end(told.map(|()| Exit::Success))
}

/// Runs lessons side by side, and tells what came of it.
fn rehearse(
    context: &Context,
    arguments: &TestArguments,
    course: &Course,
    results: &Results<'_>,
) -> anyhow::Result<Exit> {
    let lessons = &*results.asked().lessons;
    let strictness = results.strictness();
    let backends = context.backends(course, &arguments.running)?;
    backends.get_ready();
    context.may_run(course, lessons, &arguments.running)?;
    let places = backends.places();
    let probes = ProbeCache::default();
    let jobs = jobs(arguments.jobs);
    let on_failure = if arguments.fail_fast {
        OnFailure::Stop
    } else {
        OnFailure::GoOn
    };
    let options = context.options(course, &arguments.running)?;
    let rehearsal = Rehearsal {
        course,
        places: &places,
        options: &options,
        probes: &probes,
        on_failure,
        keep: arguments.keep,
    };
    let paint = context.stdout;
    let pretty = arguments.format == Format::Pretty;
    let mut reports = Vec::new();
    let mut broken = Vec::new();
    let mut printed = Ok(());
    let mut tell_one = |lesson: &&Lesson, outcome: &Result<Rehearsed, WorkspaceError>| {
        if pretty && printed.is_ok() {
            printed = print(&told(lesson, outcome, strictness, &paint));
        }
    };
    let work = |lesson: &&Lesson| rehearsal.run(lesson);
    let (outcomes, stays) = thread::scope(|scope| {
        // What stays for want of a thread is removed another time.
        let abandoned = thread::Builder::new().spawn_scoped(scope, remove_abandoned);
        let outcomes = side_by_side(lessons, jobs, &options.interrupt, work, &mut tell_one);
        let stays = abandoned.ok().and_then(|thread| thread.join().ok());
        (outcomes, stays.unwrap_or_default())
    });
    for error in stays {
        context.note(&say!("abandoned-stays", error = error.to_string()));
    }
    for (lesson, outcome) in outcomes {
        match outcome {
            Ok(tested) => {
                reports.push(tested.report);
                broken.extend(tested.done.err().map(|error| (lesson, error)));
            }
            Err(error) => broken.push((lesson, error)),
        }
    }
    let as_accepted = AsAccepted::renewed_if(arguments.renew);
    let TestOutputs { written, failed } = record_changes(course, lessons, &reports, as_accepted);
    let mut exit = crate::report::exit(&reports, strictness);
    for (lesson, error) in &broken {
        exit = exit.worst(Exit::Lacking);
        // A lesson that was broken off must not look whole in a report.
        let item = Item::broken("lesson", format!("{error:#}"));
        match reports.iter_mut().find(|report| report.stem == lesson.stem) {
            Some(report) => report.items.push(item),
            None => reports.push(Report::of_items(lesson, vec![item])),
        }
    }
    if options.interrupt.presses() > 0 {
        exit = Exit::Interrupted;
    }
    if pretty {
        let whole = || print(&summary::all(&reports, strictness, &written, &paint));
        printed = printed.and_then(|()| whole());
    }
    let told = tell(results, arguments.format, &reports);
    for (lesson, error) in &broken {
        if !pretty {
            noteln!("{}: {}", lesson.stem, visible_text(&format!("{error:#}")));
        }
    }
    // What was seen is told by now; what could not be written comes last.
    let failed = failed.into_iter().map(|error| Err(with_help(error)));
    let printed = printed.map_err(Into::into);
    worst(exit, [printed, told].into_iter().chain(failed))
}

/// Tells programs the results: in the file beside the log, and on standard output.
fn tell(results: &Results<'_>, format: Format, reports: &[Report]) -> anyhow::Result<()> {
    results.tell(named(reports), || match format {
        Format::Pretty => Ok(()),
        Format::Json => Ok(out_json(&json::document(reports, results.diagnostics()))?),
        Format::Junit => Ok(print(&results.junit(named(reports))?)?),
    })
}

/// One lesson's result, for people.
fn told(
    lesson: &Lesson,
    outcome: &Result<Rehearsed, WorkspaceError>,
    strictness: Strictness,
    paint: &Paint,
) -> String {
    let trouble = |error: &dyn std::fmt::Display| format!("{}: {error:#}\n", lesson.stem);
    let tested = match outcome {
        Ok(tested) => tested,
        Err(error) => return trouble(error),
    };
    let mut text = summary::lesson(&tested.report, strictness, paint);
    if let Some(folder) = &tested.kept {
        let folder = folder.display().to_string();
        text.push_str(&format!("  {}\n", say!("kept", folder = folder)));
    }
    if let Err(error) = &tested.done {
        text.push_str(&trouble(error));
    }
    text
}

/// Leaves a `.snap.new` beside the snapshot of each step whose output changed or is new; under
/// `CI=true`, and in a course that is inside the program, nothing is written.
fn record_changes(
    course: &Course,
    lessons: &[&Lesson],
    reports: &[Report],
    as_accepted: AsAccepted,
) -> TestOutputs {
    let mut all = TestOutputs::default();
    let Some(folder) = record::folder(course) else {
        return all;
    };
    for report in reports {
        let Some(lesson) = lessons.iter().find(|lesson| lesson.stem == report.stem) else {
            continue;
        };
        match record::changes(&folder, lesson, course, report, as_accepted) {
            Ok(changes) => {
                all.written.extend(changes.written);
                all.failed.extend(changes.failed);
            }
            Err(error) => all.failed.push(error),
        }
    }
    all
}
