//! The result of `tutor test`, for people: a line a lesson, details only of what is not as it should be.

use super::paint::Paint;
use super::{counts, verdict};
use crate::exit::Exit;
use crate::report::{Report, Strictness, Verdict};
use crate::say;
use crate::transcript::Skip;
use crate::visible::width;
use std::path::PathBuf;

/// One lesson.
pub fn lesson(report: &Report, strictness: Strictness, paint: &Paint) -> String {
    let failed = report
        .items
        .iter()
        .any(|item| strictness.exit_for(&item.verdict) != Exit::Success);
    let mark = match (failed, report.counts().ran()) {
        (true, _) => paint.bad(paint.mark("✗", "x")),
        // All of it was skipped, or it has no steps. Beside a lesson that ran that is no failure.
        (false, 0) => paint.notable(paint.mark("•", "-")),
        (false, _) => paint.good(paint.mark("✓", "+")),
    };
    let lead = format!("{mark} {} ", paint.bold(&report.stem));
    let lead = (lead, width(&report.stem) + 3);
    let time = format!(" ({})", verdict::duration(report.duration));
    let lines = counts::fitted_counts(lead, &time, report, paint);
    let mut text = lines.join("\n") + "\n";
    for item in &report.items {
        let shown = match &item.verdict {
            Verdict::Passed | Verdict::Shown | Verdict::Solved | Verdict::Recorded => false,
            Verdict::Skipped(Skip::StepSkipped(_) | Skip::StepFailed(_)) => false,
            Verdict::New
            | Verdict::Changed { .. }
            | Verdict::DiffersHere { .. }
            | Verdict::Edited(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Unsolved { .. }
            | Verdict::Open { .. }
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
        for line in paint.fitted_in(Paint::notable, "  ", &what) {
            text.push_str(&format!("{line}\n"));
        }
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
    let items = reports.iter().flat_map(|report| &report.items);
    let words = counts::words(&items.map(|item| &item.verdict).collect());
    let words: Vec<String> = words.into_iter().map(|(_, text)| text).collect();
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
    let (style, result): (fn(&Paint, &str) -> String, _) =
        match crate::report::exit(reports, strictness) {
            Exit::Success if differs => (Paint::good, say!("test-good-elsewhere")),
            Exit::Success => (Paint::good, say!("test-good")),
            Exit::Lacking => (Paint::notable, say!("test-lacking")),
            Exit::Interrupted => (Paint::notable, say!("test-interrupted")),
            Exit::Different | Exit::Usage | Exit::Invalid | Exit::OfCommand(_) => {
                (Paint::bad, say!("test-bad"))
            }
        };
    let counts = if counts.is_empty() {
        say!("count-none")
    } else {
        counts.join(", ")
    };
    let mut lines = paint.fitted("", &format!("{result}: {counts}"));
    if let Some(rest) = lines[0].strip_prefix(&result) {
        lines[0] = style(paint, &result) + rest;
    }
    if written > 0 {
        lines.extend(paint.fitted("", &say!("test-review", count = written)));
    }
    lines.join("\n") + "\n"
}
