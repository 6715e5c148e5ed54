//! The engine on the scripted backend: no shell, no files but the workspace's own.

use super::*;
use crate::backend::scripted::Scripted;
use crate::course::Course;
use crate::event::{Event, Listener};
use crate::lesson::{LESSON_TIMEOUT, Place};
use crate::plan::Plan;
use crate::surroundings::Surroundings;
use crate::transcript::{Ending, KnownFacets, Record, RecordId, ShellFate, Skip};
use crate::workspace::Workspace;
use insta::assert_snapshot;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A listener that is a closure.
struct Hears<L>(L);

impl<L: FnMut(&Event<'_>) -> ControlFlow<Skip>> Listener for Hears<L> {
    fn hear(&mut self, event: &Event<'_>, _facets: &KnownFacets) -> ControlFlow<Skip> {
        self.0(event)
    }
}

/// Runs a lesson and returns one line for each record, and one for each thing left behind.
fn ran(backend: &Scripted, markdown: &str, stop_at_failure: bool) -> String {
    ran_while(backend, markdown, &|event, _| match event {
        Event::StepEnded { step, record }
            if stop_at_failure && record.ending != Ending::Exited(0) =>
        {
            ControlFlow::Break(Skip::StoppedEarly(step.id.clone()))
        }
        _ => ControlFlow::Continue(()),
    })
}

/// The same with a listener that can press Ctrl-C.
fn ran_while(
    backend: &Scripted,
    markdown: &str,
    listen: &dyn Fn(&Event<'_>, &Interrupt) -> ControlFlow<Skip>,
) -> String {
    ran_within(LESSON_TIMEOUT, backend, markdown, listen)
}

/// The same where all steps together may take so long.
fn ran_within(
    lesson_timeout: Duration,
    backend: &Scripted,
    markdown: &str,
    listen: &dyn Fn(&Event<'_>, &Interrupt) -> ControlFlow<Skip>,
) -> String {
    let places = Places {
        host: backend,
        kernel: KernelPlace::None {
            reason: "no kernel".to_owned(),
            remedy: None,
        },
    };
    ran_in(&places, lesson_timeout, markdown, listen)
}

/// The same in these places.
fn ran_in(
    places: &Places<'_>,
    lesson_timeout: Duration,
    markdown: &str,
    listen: &dyn Fn(&Event<'_>, &Interrupt) -> ControlFlow<Skip>,
) -> String {
    let source = format!("---\nformat: 1\nname: demo\ntitle: Demo\n---\n\n{markdown}");
    let (lesson, _) = crate::lesson::parse(
        "lesson-1",
        Path::new("lessons/lesson-1.md"),
        &source,
        &|_| Err(crate::lesson::NotIncluded::Missing),
    );
    let mut course = Course::default();
    course.needs.insert("gcc".to_owned(), need("gcc --version"));
    let options = Options {
        timeout: Some(lesson_timeout).filter(|limit| *limit < LESSON_TIMEOUT),
        lesson_timeout,
        tutor: PathBuf::from("/opt"),
        programs: None,
        surroundings: Surroundings::default(),
        interrupt: Interrupt::default(),
    };
    let probes = ProbeCache::default();
    let workspace = Workspace::fresh("demo", false).unwrap();
    let plan = Plan::whole(&lesson);
    let mut listener = Hears(|event: &Event<'_>| listen(event, &options.interrupt));
    let sitting = Sitting::new(
        &plan,
        &course,
        places,
        &probes,
        &options,
        workspace,
        &mut listener,
    );
    let (transcript, done) = sitting.run_all();
    done.unwrap();
    let line = |record: &Record| {
        let (RecordId::Step(name) | RecordId::Check(name)) = &record.id;
        let text = String::from_utf8_lossy(&record.output.stdout.bytes())
            .trim_end()
            .to_owned();
        let lost = match record.shell {
            ShellFate::Kept => "",
            ShellFate::New => ", shell new",
            ShellFate::Lost => ", shell lost",
        };
        format!("{name}: {:?}{lost} {text:?}", record.ending)
    };
    let left = transcript.leftovers.iter().map(|left| {
        let step = left.step.as_deref().unwrap_or("unknown");
        let stays = if left.still_there { ", and stays" } else { "" };
        format!("{step} left behind{stays}: {}", left.what)
    });
    let records = transcript.records.iter().map(line);
    records.chain(left).collect::<Vec<_>>().join("\n")
}

fn need(probe: &str) -> crate::course::NeedProbe {
    crate::course::NeedProbe {
        on: Place::Host,
        what: "a compiler".to_owned(),
        why: "it compiles".to_owned(),
        probe: probe.to_owned(),
        package: None,
        remedy: Some("install it".to_owned()),
    }
}

#[test]
fn steps_run_in_order_and_keep_what_they_printed() {
    let backend = Scripted::default()
        .prints("a", "one\n", 0)
        .prints("b", "two\n", 3);
    let lesson = "```sh {id=first}\na\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Exited(0) "one"
    second: Exited(3) "two"
    "#);
}

#[test]
fn a_lesson_that_takes_too_long_ends_at_its_step() {
    let backend = Scripted::default().hangs("sleep").prints("b", "two\n", 0);
    let lesson = "```sh {id=first}\nsleep\n```\n\n```sh {id=second}\nb\n```\n\n```sh {check=second of=second expect=x}\nb\n```\n";
    let goes_on = |_: &Event<'_>, _: &Interrupt| ControlFlow::Continue(());
    assert_snapshot!(ran_within(Duration::from_millis(50), &backend, lesson, &goes_on), @r#"
    first: TimedOut(50ms), shell lost ""
    second: Skipped(LessonTimeout(50ms)) ""
    second: Skipped(StepSkipped("second")) ""
    "#);
}

#[test]
fn a_step_that_hangs_times_out_and_the_next_one_runs() {
    let backend = Scripted::default().hangs("sleep").prints("b", "two\n", 0);
    let lesson = "```sh {id=first timeout=50ms}\nsleep\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: TimedOut(50ms), shell lost ""
    second: Exited(0) "two"
    "#);
}

#[test]
fn a_step_that_cannot_be_ended_is_left_behind_by_name() {
    let backend = Scripted::default()
        .cannot_be_ended("stuck")
        .prints("b", "two\n", 0);
    let lesson = "```sh {id=first timeout=50ms}\nstuck\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: TimedOut(50ms), shell lost ""
    second: Exited(0) "two"
    first left behind, and stays: a process of `first` that does not end, though it was killed: it waits for the kernel
    "#);
}

#[test]
fn an_interrupt_that_comes_as_a_step_begins_ends_it() {
    let backend = Scripted::default().hangs("sleep");
    let lesson = "```sh {id=first timeout=2s}\nsleep\n```\n\n```sh {id=second}\nb\n```\n";
    let records = ran_while(&backend, lesson, &|event, interrupt| {
        if matches!(event, Event::StepStarted(_)) {
            interrupt.press();
        }
        ControlFlow::Continue(())
    });
    assert_snapshot!(records, @r#"first: Interrupted, shell lost """#);
}

#[test]
fn a_step_that_ends_its_shell_ends_that_step_only() {
    let backend = Scripted::default()
        .ends_shell("exit 4", 4)
        .prints("b", "two\n", 0);
    let lesson = "```sh {id=first exit=4}\nexit 4\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Exited(4), shell lost ""
    second: Exited(0) "two"
    "#);
}

#[test]
fn a_missing_tool_skips_the_step_and_its_check_and_names_it() {
    let backend = Scripted::default()
        .prints("gcc --version", "gcc: not found\n", 127)
        .prints("b", "two\n", 0);
    let lesson = "[It works.](#check-works)\n\n```sh {id=first needs=gcc}\na\n```\n\n```sh {check=works of=first expect=1}\nc\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Skipped(Need { need: "gcc", reason: "gcc: not found", remedy: Some("install it") }) ""
    works: Skipped(StepSkipped("first")) ""
    second: Exited(0) "two"
    "#);
}

/// Not even for the next step: it may have been the machine that was slow.
#[test]
fn a_probe_that_does_not_answer_is_unknown_and_asked_again() {
    let backend = Scripted::default().hangs("gcc --version");
    let lesson = "```sh {id=first needs=gcc}\na\n```\n\n```sh {id=second needs=gcc}\na\n```\n";
    let asked = std::cell::Cell::new(0);
    let began = std::time::Instant::now();
    let counts = |event: &Event<'_>, _: &Interrupt| {
        if let Event::StepEnded { .. } = event {
            asked.set(began.elapsed().as_secs());
        }
        ControlFlow::Continue(())
    };
    assert_snapshot!(ran_within(Duration::from_secs(1), &backend, lesson, &counts), @r#"
    first: Skipped(NeedUnknown { need: "gcc", reason: "its probe did not answer in time" }) ""
    second: Skipped(NeedUnknown { need: "gcc", reason: "its probe did not answer in time" }) ""
    "#);
    assert!(asked.get() >= 2, "the second step asked nothing");
}

#[test]
fn a_probe_that_is_interrupted_is_unknown() {
    let backend = Scripted::default().hangs("gcc --version");
    let lesson = "```sh {id=first needs=gcc}\na\n```\n";
    let records = ran_while(&backend, lesson, &|event, interrupt| {
        if let Event::StepReached(_) = event {
            let interrupt = interrupt.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                interrupt.press();
            });
        }
        ControlFlow::Continue(())
    });
    assert_snapshot!(records, @r#"first: Skipped(NeedUnknown { need: "gcc", reason: "its probe was interrupted" }) """#);
}

#[test]
fn a_tool_that_is_too_old_skips_the_step() {
    let backend = Scripted::default().prints("gcc --version", "gcc 12.2\n", 0);
    let lesson =
        "```sh {id=first needs=gcc>=13}\na\n```\n\n```sh {id=second needs=gcc>=12}\na\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Skipped(Need { need: "gcc>=13", reason: "a compiler is 12.2 here, and 13 or later is needed", remedy: Some("install it") }) ""
    second: Exited(0) ""
    "#);
}

#[test]
fn a_kernel_step_without_a_kernel_is_skipped() {
    let lesson = "```sh {id=first on=kernel}\na\n```\n";
    assert_snapshot!(ran(&Scripted::default(), lesson, false), @r#"first: Skipped(NoPlace { reason: "no kernel", remedy: None }) """#);
}

#[test]
fn status_80_skips_the_rest() {
    let backend = Scripted::default().prints("a", "", 80);
    let lesson = "```sh {id=first}\na\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Exited(80) ""
    second: Skipped(RestSkipped { step: "first", said: None }) ""
    "#);
}

#[test]
fn a_listener_can_end_the_run() {
    let backend = Scripted::default().prints("a", "", 1);
    let lesson = "```sh {id=first}\na\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, true), @r#"
    first: Exited(1) ""
    second: Skipped(StoppedEarly("first")) ""
    "#);
}

#[test]
fn a_background_step_goes_on_and_is_stopped_at_the_end() {
    let backend = Scripted::default()
        .prints("server", "ready\n", 0)
        .prints("b", "two\n", 0);
    let lesson = "```sh {id=first background until=\"line:^ready$\"}\nserver\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Stopped "ready"
    second: Exited(0) "two"
    "#);
}

#[test]
fn a_background_step_that_ended_before_it_was_to_be_stopped_was_not_stopped() {
    let backend = Scripted::default().ends_unheard("server", 4);
    let lesson = "```sh {id=first background}\nserver\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Exited(4) ""
    second: Exited(0) ""
    "#);
}

#[test]
fn a_background_step_that_is_never_ready_times_out() {
    let backend = Scripted::default().prints("server", "starting\n", 0);
    let lesson = "```sh {id=first background until=\"line:^ready$\" timeout=50ms}\nserver\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"first: TimedOut(50ms) "starting""#);
}

#[test]
fn a_step_whose_place_is_gone_keeps_what_it_printed() {
    let backend = Scripted::default().loses_place("a", "one\n");
    let lesson = "```sh {id=first}\na\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"first: Broken("the process that keeps the lesson's shell is gone; the next step starts a new one"), shell lost "one""#);
}

#[test]
fn a_place_that_is_gone_is_no_concern_of_another_one() {
    let backend = Scripted::default().loses_place("a", "").hangs("sleep");
    let lesson = "```sh {id=first on=kernel background}\na\n```\n\n```sh {id=second}\nsleep\n```\n";
    let places = Places {
        host: &backend,
        kernel: KernelPlace::Backend(&backend),
    };
    let limit = Duration::from_millis(100);
    let ran = ran_in(&places, limit, lesson, &|_, _| ControlFlow::Continue(()));
    let second = ran.lines().last().unwrap_or_default();
    assert!(second.starts_with("second: TimedOut("), "{ran}");
}

#[test]
fn a_probe_that_ends_its_place_keeps_no_other_step_from_running() {
    let backend = Scripted::default()
        .loses_place("gcc --version", "")
        .prints("b", "two\n", 0);
    let lesson = "```sh {id=first needs=gcc}\na\n```\n\n```sh {id=second}\nb\n```\n";
    assert_snapshot!(ran(&backend, lesson, false), @r#"
    first: Broken("the process that keeps the lesson's shell is gone; the next step starts a new one") ""
    second: Exited(0), shell new "two"
    "#);
}
