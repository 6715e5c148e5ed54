//! `tutor run`.

use super::arguments::{On, RunArguments};
use super::asked::AskedLessons;
use super::context::Context;
use super::failure::{ends, worst};
use super::output::{out_json, printed};
use super::results::diagnostics;
use super::scripts;
use crate::course::{Course, Origin};
use crate::event::Event;
use crate::exit::Exit;
use crate::lesson::{Lesson, Place, Step};
use crate::notebook::{self, OnFailure, Reporter};
use crate::plan::{Plan, Selection};
use crate::render::terminal::{Detail, Terminal, rewound};
use crate::render::{NoView, View, json, verdict};
use crate::report::{Item, Report, Strictness, Verdict};
use crate::run::{ProbeCache, Sitting};
use crate::say;
use crate::transcript::{RecordId, Skip};
use crate::workspace::Workspace;
use std::io;
use std::slice;

pub fn run(context: &Context, arguments: &RunArguments) -> anyhow::Result<Exit> {
    let course = context.readers_course()?;
    let asked = AskedLessons::of(&course, slice::from_ref(&arguments.lesson), None)?;
    context.note_diagnostics(&course, &asked.errors);
    let Some(&lesson) = asked.lessons.first() else {
        let printed = match arguments.json {
            true => out_json(&json::document([], diagnostics(&course, &asked))),
            false => Ok(()),
        };
        return asked.end(printed.map(|()| Exit::Success).map_err(anyhow::Error::from));
    };
    let plan = Plan::new(lesson, &selection(arguments))
        .map_err(|error| ends(Exit::Usage, error.to_string()))?;
    if arguments.dry_run {
        out_json(&scripts::plan_as_json(&plan, &course, lesson))?;
        return Ok(Exit::Success);
    }
    context.may_run(&course, &[lesson], &arguments.running)?;
    let backends = context.backends(&course, &arguments.running)?;
    if arguments.running.place() == On::Host && plan.steps().any(|step| step.on == Place::Kernel) {
        context.note(&say!("on-host-note"));
    }
    let places = backends.places();
    let options = context.options(&course, &arguments.running)?;
    let probes = ProbeCache::default();
    let key = context.key(&course, lesson);
    context.store().check(&key)?;
    let workspace = match arguments.fresh {
        true => Workspace::fresh(&lesson.front.name, arguments.keep)?,
        false => Workspace::lasting(&context.folders, &key)?,
    };
    let folders = workspace.folders();
    let judge = notebook::judge(&course, lesson, &folders);
    let on_failure = if arguments.fail_fast {
        OnFailure::Stop
    } else {
        OnFailure::GoOn
    };
    let detail = if arguments.quiet {
        Detail::Steps
    } else {
        Detail::Whole
    };
    let mut terminal = Terminal::new(io::stdout(), context.stdout, detail);
    let mut nothing = NoView;
    let view: &mut dyn View = if arguments.json {
        &mut nothing
    } else {
        &mut terminal
    };
    let mut view = Noting {
        context,
        lesson,
        view,
    };
    let mut reporter = Reporter::new(&judge, on_failure, &mut view);
    let mut sitting = Sitting::new(
        &plan,
        &course,
        &places,
        &probes,
        &options,
        workspace,
        &mut reporter,
    );
    if !arguments.fresh && arguments.running.place() == On::Lab {
        sitting.keep_moments(context.moments(&key)?);
    }
    let whole = Plan::whole(lesson);
    let plan = match sitting.first_step().filter(|_| arguments.from.is_some()) {
        Some(first) if !goes_back(context, &mut sitting, first)? => &whole,
        Some(_) | None => &plan,
    };
    sitting.follow(plan);
    let asked_for_all = !plan.goes_on && arguments.until.is_none();
    let (transcript, done) = sitting.run_all();
    let report = reporter.report(&transcript);
    let is_whole = asked_for_all && done.is_ok() && options.interrupt.presses() == 0;
    // A fresh folder goes with all that was done there, so it is no place to go on from.
    let remembered = match arguments.fresh {
        true => Ok(()),
        false => remember(context, &course, lesson, &report, is_whole),
    };
    let told = match arguments.json {
        true => out_json(&json::document([&report], Vec::new())),
        false => {
            let mut lines = what_next(&course, lesson, &report, arguments, is_whole);
            let folder = folders.workspace.display().to_string();
            lines.extend(arguments.keep.then(|| say!("kept", folder = folder)));
            lines.iter().try_for_each(|line| context.tell(line))
        }
    };
    let printed = printed(terminal.error().map_or(Ok(()), Err)).and(told);
    let mut exit = match done.is_err() && report.items.is_empty() {
        // What kept it from beginning has a status of its own.
        true => Exit::Success,
        false => report.exit(Strictness::default()),
    };
    if options.interrupt.presses() > 0 {
        exit = Exit::Interrupted;
        if let Some(step) = broken_off(plan, &report).filter(|_| !arguments.fresh) {
            context.note(&say!(
                "next-interrupted",
                lesson = lesson.stem.as_str(),
                step = step.id.as_str()
            ));
        }
    }
    // What was seen is told by now; what could not be done or kept comes last.
    let (printed, done) = (printed.map_err(Into::into), done.map_err(Into::into));
    worst(exit, [printed, done, remembered])
}

/// Goes back to the moment before a step, and says so. False if all steps before it run again.
fn goes_back(context: &Context, sitting: &mut Sitting<'_>, first: &Step) -> anyhow::Result<bool> {
    if sitting.is_first_of_lesson(first) {
        return Ok(false);
    }
    let taken = sitting.rewind(first)?;
    context.note(&match taken {
        Some(taken) => rewound(first, taken),
        None => say!("not-rewound", step = first.id.as_str()),
    });
    Ok(taken.is_some())
}

/// Notes beside what is shown what was taken back for single steps.
struct Noting<'n> {
    context: &'n Context,
    lesson: &'n Lesson,
    view: &'n mut dyn View,
}

impl View for Noting<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::TakenBack {
                step,
                taken: Some(taken),
            } => {
                let note = rewound(step, *taken);
                self.context
                    .note(&say!("rewound-single", rewound = note.as_str()));
            }
            Event::TakenBack { step, taken: None } => self.context.note(&say!(
                "not-rewound-single",
                lesson = self.lesson.stem.as_str(),
                step = step.id.as_str()
            )),
            other => self.view.event(other),
        }
    }

    fn judged(&mut self, item: &Item) {
        self.view.judged(item);
    }

    fn closed(&mut self, report: &Report) {
        self.view.closed(report);
    }
}

fn selection(arguments: &RunArguments) -> Selection {
    if let Some(step) = &arguments.from {
        return Selection::From(step.clone());
    }
    match (&arguments.until, arguments.only.is_empty()) {
        (Some(step), _) => Selection::Until(step.clone()),
        (None, false) => Selection::Only(arguments.only.clone()),
        (None, true) => Selection::All,
    }
}

/// Keeps what was seen, and counts the steps that ran well as done.
fn remember(
    context: &Context,
    course: &Course,
    lesson: &Lesson,
    report: &Report,
    is_whole: bool,
) -> anyhow::Result<()> {
    let store = context.store();
    let key = context.key(course, lesson);
    store.set_last_run(&key, &json::report(report))?;
    let mut progress = context.progress(course, lesson)?;
    let done = |item: &&Item| item.verdict.is_done();
    for item in report.items.iter().filter(done) {
        if let RecordId::Step(id) = &item.id
            && let Some(step) = lesson.step(id)
        {
            progress.did(step);
        }
    }
    if is_whole && !report.items.iter().any(|item| item.verdict.is_failure()) {
        progress.next = None;
    } else {
        // Where `tutor` alone goes on.
        progress.find_next(lesson);
    }
    Ok(store.set_progress(&key, &progress)?)
}

/// The first step of a plan that did not end by itself.
fn broken_off<'r>(plan: &Plan<'r>, report: &Report) -> Option<&'r Step> {
    let ended = |step: &Step| {
        let is_its_own = |item: &&Item| item.id == RecordId::Step(step.id.clone());
        let item = report.items.iter().find(is_its_own);
        item.is_some_and(|item| item.verdict != Verdict::Interrupted)
    };
    plan.steps().find(|step| !ended(step))
}

/// What the learner may do now.
fn what_next(
    course: &Course,
    lesson: &Lesson,
    report: &Report,
    arguments: &RunArguments,
    is_whole: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    let stem = lesson.stem.as_str();
    let failed = report.items.iter().find(|item| item.verdict.is_failure());
    if let Some(item) = failed {
        let step = verdict::step_of(&item.id, lesson);
        // Whoever ran it alone knows how.
        if arguments.only != [step.as_str()] {
            lines.push(say!("next-again", lesson = stem, step = step));
        }
    }
    // What a step skipped by its own choice is nothing that this machine lacks.
    let is_lacking = |item: &Item| {
        let verdict = &item.verdict;
        matches!(
            verdict,
            Verdict::Skipped(Skip::Need { .. } | Skip::NoPlace { .. })
        )
    };
    let is_edited =
        |item: &Item| !item.edited.is_empty() && !matches!(item.verdict, Verdict::Passed);
    if !arguments.fresh && report.items.iter().any(is_edited) {
        lines.push(say!("next-diff", lesson = stem));
    }
    let is_lacking_some = report.items.iter().any(is_lacking);
    if is_lacking_some {
        lines.push(match arguments.running.place() {
            On::Lab => say!("next-doctor"),
            On::Host => say!("next-doctor-host"),
        });
    }
    let is_new = |item: &Item| matches!(item.verdict, Verdict::New);
    let is_ours = matches!(course.origin, Origin::Folder(_));
    if is_ours && report.items.iter().any(is_new) {
        lines.push(say!("next-record", lesson = stem));
    }
    let is_through = is_whole && failed.is_none() && report.counts().ran() > 0;
    let mut lessons = course.lessons.iter();
    let position = lessons.position(|other| other.stem == stem && is_through);
    match position.map(|position| course.lessons.get(position + 1)) {
        Some(Some(next)) => lines.push(say!(
            "next-lesson",
            lesson = next.stem.as_str(),
            title = next.front.title.as_str()
        )),
        Some(None) if !is_lacking_some => lines.push(say!("next-none")),
        Some(None) | None => {}
    }
    lines
}
