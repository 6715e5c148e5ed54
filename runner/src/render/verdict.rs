//! Verdicts in words, for a terminal.

use super::paint::Paint;
use crate::lesson::Lesson;
use crate::report::{Diff, Item, LineKind, Report, Verdict};
use crate::say;
use crate::snapshot::{Environment, Recorded};
use crate::transcript::{Ending, RecordId, Skip};
use crate::visible::{visible_text, width};
use anstyle::{AnsiColor, Style};
use std::time::Duration;

/// Of what a failed check printed, so many lines are shown.
const SHOWN_LINES: usize = 12;

/// What a check found is shown up to this width.
const SHORT_COLUMNS: usize = 60;

/// Returns the lines that say what became of a step or check.
pub fn lines(item: &Item, paint: &Paint) -> Vec<String> {
    let mut lines = vec![format!("  {}", headline(item, paint))];
    match &item.verdict {
        Verdict::Changed(changed) => lines.extend(diff(changed, paint)),
        Verdict::DiffersHere {
            diff: changed,
            theirs,
            ours,
        } => {
            lines.extend(environments(theirs, ours, paint));
            lines.extend(diff(changed, paint));
        }
        Verdict::CheckFailed {
            expected,
            actual,
            ending,
            stderr,
            ..
        } => {
            lines.push(format!(
                "    {}",
                say!("check-expected", expected = expected.to_string())
            ));
            lines.extend(bounded(
                &say!("check-actual", actual = actual.as_str()),
                paint,
            ));
            if let Some(ending) = ending {
                lines.push(format!(
                    "    {}",
                    say!("check-ended", ending = crate::record::exit(ending))
                ));
            }
            lines.extend(bounded(stderr, paint));
        }
        Verdict::Skipped(skip) => lines.extend(remedy(skip).map(|text| help(&text, paint))),
        Verdict::Broken {
            help: Some(text), ..
        } => lines.push(help(text, paint)),
        Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::WrongExit { .. }
        | Verdict::TimedOut(_)
        | Verdict::Interrupted
        | Verdict::Recorded
        | Verdict::Broken { help: None, .. } => {}
    }
    lines
}

/// The same lines without how long it took, for what happened in more than one environment.
pub fn lines_without_time(item: &Item, paint: &Paint) -> Vec<String> {
    let mut lines = lines(item, paint);
    let time = paint.dim(&format!("({})", duration(item.duration)));
    if let Some(first) = lines.first_mut()
        && let Some(shorter) = first.strip_suffix(&time)
    {
        *first = shorter.trim_end().to_owned();
    }
    lines
}

/// The output of a step that failed, which tells why; nothing for all others.
pub fn output_of_failed(item: &Item, paint: &Paint) -> Vec<String> {
    let failed = matches!(
        item.verdict,
        Verdict::WrongExit { .. } | Verdict::TimedOut(_)
    );
    let text = item.text.as_ref().filter(|_| failed);
    let bar = paint.dim(paint.mark("│", "|"));
    text.into_iter()
        .flat_map(|text| text.as_str().lines())
        .map(|line| format!("    {bar} {line}"))
        .collect()
}

/// One line: a mark, the verdict in a word, what it is about, how long it took.
pub fn headline(item: &Item, paint: &Paint) -> String {
    let (good, bad, note) = (
        paint.mark("✓", "+"),
        paint.mark("✗", "x"),
        paint.mark("•", "-"),
    );
    let name = match &item.id {
        RecordId::Step(id) => id.clone(),
        RecordId::Check(name) => say!("check-name", name = name.as_str()),
    };
    let time = paint.dim(&format!("({})", duration(item.duration)));
    match &item.verdict {
        Verdict::Passed if matches!(item.id, RecordId::Check(_)) => {
            format!(
                "{} {time}",
                paint.good(&format!("{good} {}", holds(item, &name)))
            )
        }
        Verdict::Passed => format!(
            "{} {time}",
            paint.good(&format!("{good} {}", say!("verdict-passed", name = name)))
        ),
        Verdict::Shown => format!(
            "{} {time}",
            paint.good(&format!("{good} {}", say!("verdict-shown", name = name)))
        ),
        Verdict::New => format!(
            "{} {time}",
            paint.notable(&format!("{note} {}", say!("verdict-new", name = name)))
        ),
        Verdict::Recorded => {
            paint.dim(&format!("{note} {}", say!("verdict-recorded", name = name)))
        }
        Verdict::Changed(_) => format!(
            "{} {time}",
            paint.bad(&format!("{bad} {}", say!("verdict-changed", name = name)))
        ),
        Verdict::DiffersHere { .. } => {
            format!(
                "{} {time}",
                paint.notable(&format!(
                    "{note} {}",
                    say!("verdict-differs-here", name = name)
                ))
            )
        }
        Verdict::CheckFailed { sentence, .. } => {
            let text = say!(
                "verdict-check-failed",
                name = name,
                sentence = sentence.as_str()
            );
            paint.bad(&format!("{bad} {text}"))
        }
        Verdict::WrongExit { expected, got } => {
            let got = crate::record::exit(got);
            let text = say!(
                "verdict-wrong-exit",
                name = name,
                expected = expected.to_string(),
                got = got
            );
            format!("{} {time}", paint.bad(&format!("{bad} {text}")))
        }
        Verdict::TimedOut(limit) => paint.bad(&format!(
            "{bad} {}",
            say!("verdict-timed-out", name = name, limit = duration(*limit))
        )),
        Verdict::Interrupted => paint.notable(&format!(
            "{note} {}",
            say!("verdict-interrupted", name = name)
        )),
        Verdict::Skipped(skip) => {
            let text = say!("verdict-skipped", name = name, reason = reason(skip));
            paint.notable(&format!("{note} {text}"))
        }
        Verdict::Broken { message, .. } => paint.bad(&format!(
            "{bad} {}",
            say!("verdict-broken", name = name, message = message.as_str())
        )),
    }
}

/// The first lines of a text that may be long, and how many there are more.
fn bounded(text: &str, paint: &Paint) -> Vec<String> {
    let count = text.lines().count();
    let shown = text.lines().take(SHOWN_LINES);
    let mut lines: Vec<String> = shown.map(|line| format!("    {line}")).collect();
    if count > SHOWN_LINES {
        let more = say!("lines-left-out", count = count - SHOWN_LINES);
        lines.push(format!("    {}", paint.dim(&more)));
    }
    lines
}

/// That a check holds, with what it found where that is short.
fn holds(item: &Item, name: &str) -> String {
    let found = item.text.as_ref().map(|text| text.sections().stdout.text());
    let found = found.as_deref().map_or("", str::trim);
    match found.is_empty() || found.contains('\n') || width(found) > SHORT_COLUMNS {
        true => say!("verdict-holds", name = name),
        false => say!("verdict-holds-value", name = name, value = found),
    }
}

/// A verdict in one word, for summaries and scripts.
pub fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Shown => "shown",
        Verdict::New => "new",
        Verdict::Changed(_) => "changed",
        Verdict::DiffersHere { .. } => "differs here",
        Verdict::CheckFailed { .. } => "check failed",
        Verdict::WrongExit { .. } => "wrong exit",
        Verdict::TimedOut(_) => "timed out",
        Verdict::Interrupted => "interrupted",
        Verdict::Skipped(_) => "skipped",
        Verdict::Recorded => "recorded",
        Verdict::Broken { .. } => "broken",
    }
}

/// How many there are of each verdict, in words; those that are none are left out.
pub fn counts(report: &Report, paint: &Paint) -> String {
    let counts = report.counts();
    let rows = [
        (
            counts.passed,
            paint.good(&say!("count-passed", count = counts.passed)),
        ),
        (
            counts.shown,
            paint.good(&say!("count-shown", count = counts.shown)),
        ),
        (
            counts.new,
            paint.notable(&say!("count-new", count = counts.new)),
        ),
        (
            counts.changed,
            paint.bad(&say!("count-changed", count = counts.changed)),
        ),
        (
            counts.differs_here,
            paint.notable(&say!("count-differs-here", count = counts.differs_here)),
        ),
        (
            counts.check_failed,
            paint.bad(&say!("count-check-failed", count = counts.check_failed)),
        ),
        (
            counts.wrong_exit,
            paint.bad(&say!("count-wrong-exit", count = counts.wrong_exit)),
        ),
        (
            counts.timed_out,
            paint.bad(&say!("count-timed-out", count = counts.timed_out)),
        ),
        (
            counts.interrupted,
            paint.notable(&say!("count-interrupted", count = counts.interrupted)),
        ),
        (
            counts.skipped,
            paint.notable(&say!("count-skipped", count = counts.skipped)),
        ),
        (
            counts.broken,
            paint.bad(&say!("count-broken", count = counts.broken)),
        ),
    ];
    let words: Vec<String> = rows
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, text)| text)
        .collect();
    if words.is_empty() {
        say!("count-none")
    } else {
        words.join(", ")
    }
}

/// Why something did not run.
pub fn reason(skip: &Skip) -> String {
    match skip {
        Skip::Need { need, reason, .. } => {
            say!("skip-need", need = need.as_str(), reason = reason.as_str())
        }
        Skip::NoPlace { reason, .. } => reason.clone(),
        Skip::StepSkipped(step) => say!("skip-step", step = step.as_str()),
        Skip::RestSkipped(step) => say!("skip-rest", step = step.as_str()),
        Skip::StoppedEarly(step) => say!("skip-stopped", step = step.as_str()),
        Skip::LessonTimeout(limit) => say!("skip-timeout", limit = duration(*limit)),
        Skip::ByLearner => say!("skip-learner"),
    }
}

/// What to do so that it runs.
pub fn remedy(skip: &Skip) -> Option<String> {
    match skip {
        Skip::Need { remedy, .. } | Skip::NoPlace { remedy, .. } => remedy.clone(),
        Skip::StepSkipped(_)
        | Skip::RestSkipped(_)
        | Skip::StoppedEarly(_)
        | Skip::LessonTimeout(_)
        | Skip::ByLearner => None,
    }
}

/// Where an accepted output came from: `kernel 6.18, clang 14, 2026-11-23`.
pub fn provenance(recorded: &Recorded) -> String {
    let facets = recorded
        .environment
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    let mut words: Vec<String> = facets.collect();
    words.extend(recorded.recorded.clone());
    words.join(", ")
}

/// An accepted output, labelled as one.
pub fn as_recorded(recorded: &Recorded, paint: &Paint) -> Vec<String> {
    let label = say!("show-recorded", provenance = provenance(recorded));
    let bar = paint.dim(paint.mark("│", "|"));
    let lines = recorded.text.as_str().lines().map(|line| {
        let line = format!("  {bar} {}", visible_text(line));
        line.trim_end().to_owned()
    });
    std::iter::once(paint.dim(&format!("  {label}")))
        .chain(lines)
        .collect()
}

/// The step that an item is, or belongs to.
pub fn step_of(id: &RecordId, lesson: &Lesson) -> String {
    match id {
        RecordId::Step(step) => step.clone(),
        RecordId::Check(name) => {
            let check = lesson.checks().find(|check| check.name == *name);
            check.map_or_else(|| name.clone(), |check| check.of.clone())
        }
    }
}

/// A length of time as people read it: `41 ms`, `1.2 s`, `2 min 5 s`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match duration.as_millis() {
        0 => format!("{} µs", duration.as_micros()),
        millis @ 1..1000 => format!("{millis} ms"),
        _ if seconds < 60 => {
            let text = format!("{:.1}", duration.as_secs_f64());
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn help(text: &str, paint: &Paint) -> String {
    format!(
        "    {}",
        paint.style(AnsiColor::Cyan.on_default(), &say!("help", text = text))
    )
}

/// The changed lines with their context; `-` and `+` say what color repeats.
pub fn diff(diff: &Diff, paint: &Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for hunk in &diff.hunks {
        lines.push(format!(
            "    {}",
            paint.dim(&format!("@@ -{} +{} @@", hunk.old_start, hunk.new_start))
        ));
        for line in &hunk.lines {
            let (sign, style) = match line.kind {
                LineKind::Context => (" ", Style::new().dimmed()),
                LineKind::Removed => ("-", AnsiColor::Red.on_default()),
                LineKind::Added => ("+", AnsiColor::Green.on_default()),
            };
            let pieces = line.segments.iter().map(|segment| {
                let style = if segment.emphasis {
                    style.underline()
                } else {
                    style
                };
                paint.style(style, &visible_text(&segment.text))
            });
            let text: String = pieces.collect();
            lines.push(format!("    {}{text}", paint.style(style, sign)));
        }
    }
    if diff.left_out_lines > 0 {
        lines.push(format!(
            "    {}",
            paint.dim(&say!("diff-left-out", count = diff.left_out_lines))
        ));
    }
    lines
}

fn environments(theirs: &Environment, ours: &Environment, paint: &Paint) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let none = say!("unknown");
        let (theirs, ours) = (
            theirs.get(name).unwrap_or(&none),
            ours.get(name).unwrap_or(&none),
        );
        let text = say!(
            "facet",
            name = name.as_str(),
            theirs = theirs.as_str(),
            ours = ours.as_str()
        );
        lines.push(match theirs == ours {
            true => format!("    {}", paint.dim(&text)),
            false => format!("    {}", paint.notable(&text)),
        });
    }
    lines
}

/// True if the ending is one that a learner chose.
pub fn by_learner(ending: Option<&Ending>) -> bool {
    matches!(
        ending,
        Some(Ending::Interrupted | Ending::Skipped(Skip::ByLearner))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_what_matters() {
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [of(41), of(1000), of(1250), of(60_000), of(125_000)],
            ["41 ms", "1 s", "1.2 s", "1 min", "2 min 5 s"]
        );
    }
}
