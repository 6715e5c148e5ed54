//! `tutor test`: lessons in fresh folders, side by side.

use super::arguments::{Format, Partition, TestArguments};
use super::context::{Context, ends, unusable, with_help};
use crate::course::{Course, Origin};
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::notebook::{self, OnFailure};
use crate::plan::{Plan, Selection};
use crate::record;
use crate::render::paint::Paint;
use crate::render::{NoView, json, junit, summary};
use crate::report::{Item, Judge, Report, Strictness};
use crate::run::{Findings, Options, Pace, Places, Runner};
use crate::say;
use crate::snapshot::{self, Environment, OfCourse};
use crate::workspace::{Workspace, WorkspaceError, remove_abandoned};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

pub fn test(context: &Context, arguments: &TestArguments) -> anyhow::Result<Exit> {
    let course = context.sound_course()?;
    let lessons = chosen(&course, &arguments.lessons, arguments.partition)?;
    if lessons.is_empty() && arguments.partition.is_some() {
        // More parts than lessons: a part of a CI matrix that has nothing to do has done it.
        outln!("{}", say!("test-empty-part"));
        return Ok(Exit::Success);
    }
    context.may_run(&course, &lessons, &arguments.running)?;
    let backends = context.backends(&arguments.running)?;
    let places = backends.places();
    let findings = Findings::default();
    remove_abandoned();
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, |jobs| jobs.get());
    let on_failure = if arguments.fail_fast {
        OnFailure::Stop
    } else {
        OnFailure::GoOn
    };
    let options = Options {
        pace: match on_failure {
            OnFailure::GoOn => Pace::Ahead,
            OnFailure::Stop => Pace::StepByStep,
        },
        ..context.options(&arguments.running)?
    };
    let bench = Bench {
        course: &course,
        places: &places,
        options: &options,
        findings: &findings,
        on_failure,
        keep: arguments.keep,
    };
    let strictness = Strictness {
        differs_here_fails: arguments.strict,
        skip_fails: arguments.no_skip,
        new_fails: true,
    };
    let paint = context.stdout;
    let pretty = arguments.format == Format::Pretty;
    let mut reports = Vec::new();
    let mut broken = Vec::new();
    let mut printed = Ok(());
    let mut tell = |lesson: &Lesson, outcome: &Outcome| {
        if pretty && printed.is_ok() {
            printed = io::stdout().write_all(told(lesson, outcome, strictness, &paint).as_bytes());
        }
    };
    for (lesson, outcome) in bench.run(&lessons, jobs, &mut tell) {
        match outcome {
            Ok(tested) => {
                reports.push(tested.report);
                broken.extend(tested.done.err().map(|error| (lesson, error.into())));
            }
            Err(error) => broken.push((lesson, error)),
        }
    }
    printed?;
    let (written, recorded) = match record_changes(&course, &lessons, &reports) {
        Ok(written) => (written, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut exit = crate::report::exit(&reports, strictness);
    for (lesson, error) in &broken {
        // A lesson that was broken off must not look whole in a report.
        let item = Item::broken("lesson", format!("{error:#}"));
        match reports.iter_mut().find(|report| report.stem == lesson.stem) {
            Some(report) => report.items.push(item),
            None => reports.push(Report::of_items(lesson, vec![item])),
        }
    }
    match arguments.format {
        Format::Pretty => out!("{}", summary::all(&reports, strictness, &written, &paint)),
        Format::Json => {
            outln!("{:#}", json::document(&reports));
        }
        Format::Junit => out!("{}", junit::document(&reports, strictness)?),
    }
    for (lesson, error) in &broken {
        if !pretty {
            noteln!("{}: {error:#}", lesson.stem);
        }
    }
    if options.interrupt.presses() > 0 {
        return Ok(Exit::Interrupted);
    }
    if !broken.is_empty() {
        exit = exit.worst(Exit::Lacking);
    }
    // The results are told by now; that they could not be written comes last.
    recorded.map_err(|error| ends(exit.worst(Exit::Lacking), error.to_string()))?;
    Ok(exit)
}

/// One lesson's result, for people.
fn told(lesson: &Lesson, outcome: &Outcome, strictness: Strictness, paint: &Paint) -> String {
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

fn chosen<'c>(
    course: &'c Course,
    names: &[String],
    partition: Option<Partition>,
) -> anyhow::Result<Vec<&'c Lesson>> {
    let lessons: Vec<&Lesson> = if names.is_empty() {
        course.lessons.iter().collect()
    } else {
        let found = names.iter().map(|name| course.lesson(name));
        found.collect::<Result<_, _>>().map_err(unusable)?
    };
    let mut seen = std::collections::HashSet::new();
    let lessons: Vec<&Lesson> = lessons
        .into_iter()
        .filter(|lesson| seen.insert(&lesson.stem))
        .collect();
    let Some(Partition { part, parts }) = partition else {
        return Ok(lessons);
    };
    let mine = |(index, lesson)| (index % parts == part - 1).then_some(lesson);
    Ok(lessons.into_iter().enumerate().filter_map(mine).collect())
}

/// Leaves a `.snap.new` beside the snapshot of each step whose output changed or is new; under
/// `CI=true`, and in a course that is inside the program, nothing is written.
fn record_changes(
    course: &Course,
    lessons: &[&Lesson],
    reports: &[Report],
) -> anyhow::Result<Vec<PathBuf>> {
    let Origin::Folder(root) = &course.origin else {
        return Ok(Vec::new());
    };
    if std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1") {
        return Ok(Vec::new());
    }
    let folder = root.join("snapshots");
    let mut written = Vec::new();
    for report in reports {
        let Some(lesson) = lessons.iter().find(|lesson| lesson.stem == report.stem) else {
            continue;
        };
        written.extend(record::changes(&folder, lesson, report).map_err(with_help)?);
    }
    Ok(written)
}

/// What lessons that run side by side share.
struct Bench<'b> {
    course: &'b Course,
    places: &'b Places<'b>,
    options: &'b Options,
    findings: &'b Findings,
    on_failure: OnFailure,
    keep: bool,
}

/// What became of a lesson, its folder if that was kept, and what kept `tutor` from doing all of it.
struct Tested {
    report: Report,
    kept: Option<PathBuf>,
    done: Result<(), WorkspaceError>,
}

type Outcome = anyhow::Result<Tested>;

impl<'b> Bench<'b> {
    /// Runs the lessons on that many threads; `done` hears of them in the order of the course.
    fn run(
        &self,
        lessons: &[&'b Lesson],
        jobs: usize,
        done: &mut dyn FnMut(&Lesson, &Outcome),
    ) -> Vec<(&'b Lesson, Outcome)> {
        let next = AtomicUsize::new(0);
        let (send, receive) = mpsc::channel();
        let mut outcomes: Vec<Option<Outcome>> = lessons.iter().map(|_| None).collect();
        thread::scope(|scope| {
            for _ in 0..jobs.min(lessons.len()) {
                let (send, next) = (send.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(lesson) = lessons.get(index) else {
                            return;
                        };
                        if self.options.interrupt.presses() > 0
                            || send.send((index, self.lesson(lesson))).is_err()
                        {
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
                    done(lessons[told], outcome);
                    told += 1;
                }
            }
        });
        lessons
            .iter()
            .zip(outcomes)
            .filter_map(|(lesson, outcome)| outcome.map(|outcome| (*lesson, outcome)))
            .collect()
    }

    fn lesson(&self, lesson: &'b Lesson) -> Outcome {
        let plan = Plan::new(lesson, &Selection::All)?;
        let workspace = Workspace::fresh(&lesson.front.name, self.keep)?;
        let folder = workspace.files().to_owned();
        let files = OfCourse(self.course);
        let lookup = |step: &str, vary: &[String], environment: &Environment| {
            snapshot::find(&files, &lesson.front.name, step, vary, environment)
        };
        let judge = Judge::new(lesson, &folder, &lookup);
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
            kept: self.keep.then_some(folder),
            done,
        })
    }
}
