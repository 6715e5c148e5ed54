//! The result of `tutor test`, for people: a line a lesson, details only of what is not as it should be.

use super::paint::Paint;
use super::verdict;
use crate::exit::Exit;
use crate::report::{Report, Strictness, Verdict};
use crate::say;
use crate::transcript::Skip;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One lesson.
pub fn lesson(report: &Report, strictness: Strictness, paint: &Paint) -> String {
    let failed = report
        .items
        .iter()
        .any(|item| strictness.exit_for(&item.verdict) != Exit::Success);
    let mark = match failed {
        true => paint.bad(paint.mark("✗", "x")),
        false => paint.good(paint.mark("✓", "+")),
    };
    let time = paint.dim(&format!("({})", verdict::duration(report.duration)));
    let mut text = format!(
        "{mark} {}  {} {time}\n",
        paint.bold(&report.stem),
        verdict::counts(report, paint)
    );
    for item in &report.items {
        let shown = match &item.verdict {
            Verdict::Passed | Verdict::Shown | Verdict::Recorded => false,
            Verdict::Skipped(Skip::StepSkipped(_)) => false,
            Verdict::New
            | Verdict::Changed(_)
            | Verdict::DiffersHere { .. }
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut(_)
            | Verdict::Interrupted
            | Verdict::Skipped(_)
            | Verdict::Broken { .. } => true,
        };
        if !shown {
            continue;
        }
        for line in verdict::lines(item, paint) {
            text.push_str(&format!("{line}\n"));
        }
        for line in verdict::output_of_failed(item, paint) {
            text.push_str(&format!("{line}\n"));
        }
    }
    for left in &report.leftovers {
        let step = left.step.clone().unwrap_or_else(|| say!("unknown"));
        let what = match left.still_there {
            true => say!("leftover-stays", what = left.what.as_str()),
            false => say!("leftover-ended", step = step, what = left.what.as_str()),
        };
        text.push_str(&format!("  {}\n", paint.notable(&what)));
    }
    text
}

/// All lessons together, and what to do next.
pub fn all(
    reports: &[Report],
    strictness: Strictness,
    written: &[PathBuf],
    paint: &Paint,
) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in reports.iter().flat_map(|report| &report.items) {
        *counts.entry(verdict::word(&item.verdict)).or_default() += 1;
    }
    let words: Vec<String> = counts
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    result(reports, strictness, &words, written.len(), paint)
}

/// Whether all is well, the counts, and how many outputs wait to be read.
pub fn result(
    reports: &[Report],
    strictness: Strictness,
    counts: &[String],
    written: usize,
    paint: &Paint,
) -> String {
    let mut verdicts = reports.iter().flat_map(|report| &report.items);
    let differs = verdicts.any(|item| matches!(item.verdict, Verdict::DiffersHere { .. }));
    let result = match crate::report::exit(reports, strictness) {
        Exit::Success if differs => paint.good(&say!("test-good-elsewhere")),
        Exit::Success => paint.good(&say!("test-good")),
        Exit::Lacking => paint.notable(&say!("test-lacking")),
        Exit::Interrupted => paint.notable(&say!("test-interrupted")),
        Exit::Different | Exit::Usage | Exit::Invalid | Exit::OfCommand(_) => {
            paint.bad(&say!("test-bad"))
        }
    };
    let counts = if counts.is_empty() {
        say!("count-none")
    } else {
        counts.join(", ")
    };
    let mut text = format!("{result}: {counts}\n");
    if written > 0 {
        text.push_str(&format!("{}\n", say!("test-review", count = written)));
    }
    text
}
