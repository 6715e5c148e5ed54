//! Every verdict, from a lesson, what a step printed, and what was accepted.

use super::*;
use crate::lesson::ExpectedExit;
use crate::lesson::{Background, Block, Expectation, FrontMatter, Place, StepKind};
use crate::snapshot::ending_words;
use crate::snapshot::tests::{environment, recorded as output_of};
use crate::transcript::{Capture, HEAD_BYTES, KnownFacets, Output, ShellFate};
use insta::assert_snapshot;
use std::path::{Path, PathBuf};
use std::time::Duration;

static NO_MASKS: BTreeMap<String, CourseMask> = BTreeMap::new();

/// A step `build` that is expected to succeed, and a check `size` that expects `104`.
fn lesson(change: impl FnOnce(&mut Step)) -> Lesson {
    let mut step = Step {
        was: None,
        after: None,
        id: "build".to_owned(),
        script: "make".to_owned(),
        on: Place::Host,
        needs: Vec::new(),
        timeout: Duration::from_secs(60),
        exit: ExpectedExit::Code(0),
        compare: Compare::Snapshot,
        masks: Vec::new(),
        vary: Vec::new(),
        background: None,
        exclusive: None,
        kind: StepKind::Plain,
        span: 0..0,
    };
    change(&mut step);
    let check = Check {
        name: "size".to_owned(),
        of: "build".to_owned(),
        script: "stat -c %s hello.o".to_owned(),
        expect: Expectation::Equals("104".to_owned()),
        sentence: "the program is 104 bytes".to_owned(),
        span: 0..0,
    };
    Lesson {
        stem: "lesson-2".to_owned(),
        path: PathBuf::from("lessons/lesson-2.md"),
        source: String::new(),
        front: FrontMatter {
            name: "hello".to_owned(),
            title: "Hello".to_owned(),
            ..FrontMatter::default()
        },
        blocks: vec![Block::Step(step), Block::Check(check)],
    }
}

fn record(id: RecordId, ending: Ending, stdout: &str) -> Record {
    Record {
        id,
        ending,
        output: Output {
            stdout: Capture::from(stdout.as_bytes()),
            stderr: Capture::default(),
        },
        duration: Duration::from_millis(3),
        place: Place::Host,
        shell: ShellFate::Kept,
        edited: Vec::new(),
        untouched: None,
    }
}

/// Judges one record where `build` has this accepted output, recorded on kernel 6.12 with
/// clang 14; it runs on kernel 6.18.
fn judged(lesson: &Lesson, accepted: Option<&str>, record: Record) -> Item {
    let accepted = accepted.map(|stdout| Recorded {
        exit: ending_words(&record.ending),
        ..accepted_output("build", stdout)
    });
    judged_beside(lesson, accepted, record)
}

/// An output of `build` that was accepted.
fn accepted_output(step: &str, stdout: &str) -> Recorded {
    Recorded {
        command: "make".to_owned(),
        ..output_of("hello", step, stdout)
    }
}

fn judged_beside(lesson: &Lesson, accepted: Option<Recorded>, record: Record) -> Item {
    let ours = environment("kernel 6.18, clang 14");
    let lookup = |_: &str, _: &[String], _: &Environment| Ok(accepted.clone());
    let facets = KnownFacets {
        values: ours,
        ..KnownFacets::default()
    };
    Judge::new(lesson, &StepFolders::default(), &NO_MASKS, lookup).item(&record, &facets)
}

fn step_judged(lesson: &Lesson, accepted: Option<&str>, ending: Ending, stdout: &str) -> Verdict {
    let id = RecordId::Step("build".to_owned());
    judged(lesson, accepted, record(id, ending, stdout)).verdict
}

fn check_judged(ending: Ending, stdout: &str) -> Verdict {
    let id = RecordId::Check("size".to_owned());
    judged(&lesson(|_| {}), None, record(id, ending, stdout)).verdict
}

const DONE: Ending = Ending::Exited(0);

#[test]
fn the_accepted_output_passes() {
    let verdict = step_judged(&lesson(|_| {}), Some("ok\n"), DONE, "ok\n");
    assert_eq!(verdict, Verdict::Passed);
}

#[test]
fn an_output_of_which_a_part_was_not_kept_is_never_as_recorded() {
    let long = "x\n".repeat(HEAD_BYTES);
    let verdict = step_judged(&lesson(|_| {}), Some(&long), DONE, &long);
    let Verdict::Broken { message, help } = verdict else {
        panic!("{verdict:?}");
    };
    assert_snapshot!(message, @"of what it printed, 524288 bytes were not kept to be compared");
    assert_snapshot!(help.unwrap(), @"print less (`| head`), or give the step `compare=none`");
    let shown = lesson(|step| step.compare = Compare::None);
    assert_eq!(step_judged(&shown, None, DONE, &long), Verdict::Shown);
}

#[test]
fn masks_are_applied_before_comparing() {
    let masked = lesson(|step| step.masks = vec!["time".to_owned()]);
    let verdict = step_judged(&masked, Some("took [TIME]\n"), DONE, "took 12 ms\n");
    assert_eq!(verdict, Verdict::Passed);
}

#[test]
fn another_output_is_changed_even_where_a_facet_differs_that_the_step_does_not_name() {
    let verdict = step_judged(&lesson(|_| {}), Some("ok\n"), DONE, "no\n");
    assert!(matches!(verdict, Verdict::Changed { .. }), "{verdict:?}");
}

#[test]
fn another_output_differs_here_where_a_facet_differs_that_the_step_names() {
    let varying = lesson(|step| step.vary = vec!["kernel".to_owned()]);
    let verdict = step_judged(&varying, Some("ok\n"), DONE, "no\n");
    let Verdict::DiffersHere { theirs, ours, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!((&*theirs["kernel"], &*ours["kernel"]), ("6.12", "6.18"));

    let same_clang = lesson(|step| step.vary = vec!["clang".to_owned()]);
    let verdict = step_judged(&same_clang, Some("ok\n"), DONE, "no\n");
    assert!(matches!(verdict, Verdict::Changed { .. }), "{verdict:?}");
}

#[test]
fn an_output_that_nobody_accepted_is_new() {
    let verdict = step_judged(&lesson(|_| {}), None, DONE, "ok\n");
    assert_eq!(verdict, Verdict::New);
}

/// The reasons why an accepted output is changed, where a step ends so and prints the same.
fn why_changed(lesson: &Lesson, accepted: Recorded, ending: Ending) -> Vec<Stale> {
    let printed = accepted.text.sections().stdout.text();
    let record = record(RecordId::Step("build".to_owned()), ending, &printed);
    match judged_beside(lesson, Some(accepted), record).verdict {
        Verdict::Passed => Vec::new(),
        Verdict::Changed { diff, stale } => {
            assert!(diff.hunks.is_empty() && !stale.is_empty(), "{diff:?}");
            stale
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn another_status_than_the_recorded_one_is_a_change() {
    let with_exit = |exit: &str| Recorded {
        exit: exit.to_owned(),
        ..accepted_output("build", "ok\n")
    };
    let five = lesson(|step| step.exit = ExpectedExit::Code(5));
    let why = |lesson: &Lesson, exit: &str, ending: i32| {
        why_changed(lesson, with_exit(exit), Ending::Exited(ending))
    };
    assert_eq!(why(&five, "4", 5), [Stale::Exit("4".to_owned())]);
    assert_eq!(why(&five, "5", 5), []);
    let any = lesson(|step| step.exit = ExpectedExit::NonZero);
    assert_eq!(why(&any, "1", 2), [Stale::Exit("1".to_owned())]);
    assert_eq!(why(&any, "signal 9", 137), []);
    let goes_on = lesson(|step| step.background = Some(Background::AtOnce));
    assert_eq!(why(&goes_on, "stopped", 0), []);
}

#[test]
fn the_output_of_another_command_is_changed_though_it_is_the_same() {
    let other = Recorded {
        command: "make all".to_owned(),
        ..accepted_output("build", "ok\n")
    };
    assert_eq!(why_changed(&lesson(|_| {}), other, DONE), [Stale::Command]);
}

#[test]
fn a_wrong_exit_beats_a_changed_output() {
    let verdict = step_judged(&lesson(|_| {}), Some("ok\n"), Ending::Exited(2), "no\n");
    let wrong = Verdict::WrongExit {
        expected: ExpectedExit::Code(0),
        got: Ending::Exited(2),
    };
    assert_eq!(verdict, wrong);
}

#[test]
fn a_failure_that_the_author_expects_passes() {
    for (expected, ending, right) in [
        (ExpectedExit::Code(1), Ending::Exited(1), true),
        (ExpectedExit::Code(1), Ending::Exited(0), false),
        (ExpectedExit::NonZero, Ending::Exited(7), true),
        (ExpectedExit::NonZero, Ending::Exited(0), false),
        (ExpectedExit::Code(137), Ending::Signaled(9), true),
        (ExpectedExit::Code(0), Ending::Signaled(9), false),
        (ExpectedExit::Code(80), Ending::Exited(80), true),
    ] {
        let lesson = lesson(|step| step.exit = expected);
        let verdict = step_judged(&lesson, Some("ok\n"), ending.clone(), "ok\n");
        assert_eq!(
            verdict == Verdict::Passed,
            right,
            "{expected} and {ending:?}"
        );
    }
}

#[test]
fn a_step_that_skips_the_rest_is_skipped_and_not_wrong() {
    for expected in [ExpectedExit::Code(0), ExpectedExit::NonZero] {
        let lesson = lesson(|step| step.exit = expected);
        let verdict = step_judged(&lesson, None, Ending::Exited(80), "no BTF here\n");
        assert_eq!(
            verdict,
            Verdict::Skipped(Skip::BySelf {
                said: Some("no BTF here".to_owned())
            })
        );
    }
}

#[test]
fn a_background_step_that_tutor_stopped_has_no_exit_to_judge() {
    let background = lesson(|step| step.background = Some(Background::AtOnce));
    let verdict = step_judged(&background, Some("ok\n"), Ending::Stopped, "ok\n");
    assert_eq!(verdict, Verdict::Passed);
    let verdict = step_judged(&background, Some("ok\n"), Ending::Exited(1), "ok\n");
    assert!(matches!(verdict, Verdict::WrongExit { .. }), "{verdict:?}");
}

#[test]
fn a_step_without_a_snapshot_is_shown() {
    let shown = lesson(|step| step.compare = Compare::None);
    assert_eq!(step_judged(&shown, None, DONE, "anything"), Verdict::Shown);
    let verdict = step_judged(&shown, None, Ending::Exited(1), "anything");
    assert!(matches!(verdict, Verdict::WrongExit { .. }), "{verdict:?}");
}

#[test]
fn what_did_not_come_to_its_own_end_says_so() {
    let lesson = lesson(|_| {});
    let verdict = |ending| step_judged(&lesson, Some("ok\n"), ending, "ok\n");
    let limit = Duration::from_secs(60);
    let awaited = None;
    assert_eq!(
        verdict(Ending::TimedOut(limit)),
        Verdict::TimedOut { limit, awaited }
    );
    assert_eq!(verdict(Ending::Interrupted), Verdict::Interrupted);
    let broken = verdict(Ending::Broken("cannot start bash".to_owned()));
    assert!(matches!(broken, Verdict::Broken { message, .. } if message == "cannot start bash"));
}

#[test]
fn a_step_that_was_skipped_keeps_its_accepted_output_to_show() {
    let skip = Skip::NoPlace {
        reason: "no kernel to load programs into".to_owned(),
        remedy: None,
    };
    let id = RecordId::Step("build".to_owned());
    let item = judged(
        &lesson(|_| {}),
        Some("ok\n"),
        record(id, Ending::Skipped(skip.clone()), ""),
    );
    assert_eq!(item.verdict, Verdict::Skipped(skip));
    assert_eq!(item.text, None);
    assert_eq!(
        item.recorded
            .map(|recorded| recorded.text.as_str().to_owned()),
        Some("ok".to_owned())
    );
}

#[test]
fn a_check_holds_or_shows_its_sentence_and_both_values() {
    assert_eq!(check_judged(DONE, "  104\n"), Verdict::Passed);
    let failed = Verdict::CheckFailed {
        sentence: "the program is 104 bytes".to_owned(),
        expected: Expectation::Equals("104".to_owned()),
        actual: "112".to_owned(),
        ending: None,
        stderr: String::new(),
    };
    assert_eq!(check_judged(DONE, "112\n"), failed);
}

#[test]
fn a_check_that_fails_to_run_does_not_hold_whatever_it_printed() {
    let verdict = check_judged(Ending::Exited(1), "104\n");
    let Verdict::CheckFailed { ending, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(ending, Some(Ending::Exited(1)));
    let skip = Skip::StepSkipped("build".to_owned());
    assert_eq!(
        check_judged(Ending::Skipped(skip.clone()), ""),
        Verdict::Skipped(skip)
    );
}

#[test]
fn a_damaged_snapshot_breaks_its_step_only_and_says_what_to_do() {
    let lesson = lesson(|_| {});
    let files = Damaged;
    let lookup = |step: &str, vary: &[String], ours: &Environment| {
        crate::snapshot::find(&files, "hello", step, vary, ours)
    };
    let id = RecordId::Step("build".to_owned());
    let folders = StepFolders::default();
    let judge = Judge::new(&lesson, &folders, &NO_MASKS, lookup);
    let facets = KnownFacets {
        values: environment(""),
        ..KnownFacets::default()
    };
    let verdict = judge.item(&record(id, DONE, "ok\n"), &facets).verdict;
    let Verdict::Broken { message, help } = verdict else {
        panic!("{verdict:?}");
    };
    assert_snapshot!(format!("{message}\n{}", help.unwrap_or_default()), @"
    cannot read snapshot `snapshots/hello/build.snap`: line 4: the mark of a merge conflict
    keep one side of the conflict, or delete the file and accept the output again
    ");
}

struct Damaged;

impl crate::snapshot::Files for Damaged {
    fn read(&self, _: &Path) -> std::io::Result<Option<Vec<u8>>> {
        Ok(Some(b"---\nexpression: x\n---\n<<<<<<< HEAD\n".to_vec()))
    }

    fn names(&self, _: &Path) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn locate(&self, file: &Path) -> PathBuf {
        Path::new("snapshots").join(file)
    }
}

#[test]
fn a_report_without_a_run_holds_what_was_accepted() {
    let lookup = |step: &str, _: &[String], _: &Environment| -> Result<_, SnapshotError> {
        Ok(Some(accepted_output(step, "ok\n")))
    };
    let report = recorded(&lesson(|_| {}), &lookup);
    assert_eq!(report.lesson, "hello");
    assert_eq!(report.items.len(), 1);
    assert_eq!(report.items[0].verdict, Verdict::Recorded);
}

#[test]
fn a_thousand_steps_are_judged_in_the_order_of_their_records() {
    let step = |number: usize| {
        lesson(|step| step.id = format!("step-{number}"))
            .steps()
            .next()
            .cloned()
            .map(Block::Step)
    };
    let mut lesson = lesson(|_| {});
    lesson.blocks = (0..1000).filter_map(step).collect();
    let records = (0..1000).map(|number| {
        let id = RecordId::Step(format!("step-{number}"));
        record(id, DONE, &format!("{number}\n"))
    });
    let transcript = Transcript {
        records: records.collect(),
        ..Transcript::default()
    };
    let lookup = |step: &str, _: &[String], _: &Environment| {
        let number = step.trim_start_matches("step-");
        Ok(Some(accepted_output(step, &format!("{number}\n"))))
    };
    let report =
        Judge::new(&lesson, &StepFolders::default(), &NO_MASKS, lookup).report(&transcript);
    assert_eq!(report.counts().passed, 1000);
}
