//! Verdicts in words, for a terminal.

use super::difference::{diff, environments};
use super::paint::Paint;
use crate::event::Stream;
use crate::lesson::{Background, ExpectedExit, Lesson};
use crate::normalize::StableText;
use crate::report::{Item, Verdict};
use crate::say;
use crate::snapshot::{Recorded, Stale, ending_words, stale_words};
use crate::transcript::{Ending, RecordId, Skip};
use crate::visible::{fold, visible_text, width};
use std::path::PathBuf;
use std::time::Duration;

/// Of what a failed check printed, so many lines are shown.
const SHOWN_LINES: usize = 12;

/// The value that a check found is shown up to this width.
const SHORT_COLUMNS: usize = 60;

/// How a line is styled.
pub type Style = fn(&Paint, &str) -> String;

/// Whether it is told how long something took.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShowTime {
    Shown,
    Hidden,
}

/// Returns the lines that say what became of a step or check.
pub fn lines(item: &Item, paint: &Paint) -> Vec<String> {
    lines_of(item, ShowTime::Shown, paint)
}

/// The same lines without how long it took, for what happened in more than one environment.
pub fn lines_without_time(item: &Item, paint: &Paint) -> Vec<String> {
    lines_of(item, ShowTime::Hidden, paint)
}

fn lines_of(item: &Item, time: ShowTime, paint: &Paint) -> Vec<String> {
    let mut lines = headline(item, time, paint);
    if is_maybe_edited(item) {
        let text = say!("edited-too", files = files(&item.edited));
        lines.extend(paint.fitted_in(Paint::notable, "    ", &text));
    }
    match &item.verdict {
        Verdict::Changed {
            diff: changed,
            stale,
        } => {
            if !stale.is_empty() {
                let why = say!("stale-why", reasons = stale_words(stale));
                lines.extend(paint.fitted_in(Paint::notable, "    ", &why));
            }
            lines.extend(diff(changed, paint));
        }
        Verdict::Edited(changed) => lines.extend(diff(changed, paint)),
        Verdict::DiffersHere {
            diff: changed,
            theirs,
            ours,
            why_unknown,
            meanings,
        } => {
            lines.extend(environments((theirs, ours), why_unknown, meanings, paint));
            lines.extend(diff(changed, paint));
        }
        Verdict::CheckFailed {
            expected,
            actual,
            ending,
            stderr,
            ..
        } => {
            let expected = say!("check-expected", expected = expected.to_string());
            lines.extend(paint.fitted("    ", &expected));
            lines.extend(bounded(
                &say!("check-actual", actual = actual.as_str()),
                paint,
            ));
            if let Some(ending) = ending {
                let ending = say!("check-ended", ending = ending_words(ending));
                lines.extend(paint.fitted("    ", &ending));
            }
            lines.extend(bounded(stderr, paint));
        }
        Verdict::Skipped(skip) => {
            lines.extend(remedy(skip).iter().flat_map(|text| help(text, paint)));
        }
        Verdict::Open {
            lesson,
            files: of_task,
        } => {
            let (lesson, RecordId::Step(name) | RecordId::Check(name)) =
                (lesson.as_str(), &item.id);
            let text = say!(
                "open-help",
                files = files(of_task),
                lesson = lesson,
                name = name.as_str()
            );
            lines.extend(help(&text, paint));
        }
        Verdict::Broken {
            help: Some(text), ..
        } => lines.extend(help(text, paint)),
        Verdict::TimedOut {
            awaited: Some(_), ..
        } => lines.extend(help(&say!("never-ready-help"), paint)),
        Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::WrongExit { .. }
        | Verdict::TimedOut { awaited: None, .. }
        | Verdict::Interrupted
        | Verdict::Solved
        | Verdict::Unsolved { .. }
        | Verdict::Recorded
        | Verdict::Broken { help: None, .. } => {}
    }
    lines
}

/// How many lines at either end of a long output tell why its step failed.
const END_LINES: usize = 100;

/// The output of a step that failed, which tells why; nothing for all others. Of a long one both ends.
pub fn output_of_failed(item: &Item, paint: &Paint) -> Vec<String> {
    let failed = matches!(
        item.verdict,
        Verdict::WrongExit { .. } | Verdict::TimedOut { .. } | Verdict::Unsolved { .. }
    );
    let text = item.text.as_ref().filter(|_| failed);
    let all: Vec<(Stream, String)> = text.into_iter().flat_map(lines_of_streams).collect();
    let left_out = all.len().saturating_sub(2 * END_LINES);
    let (head, rest) = all.split_at(all.len().min(END_LINES));
    let drawn = |lines: &[(Stream, String)]| -> Vec<String> {
        let lines = lines.iter().flat_map(|(stream, line)| {
            behind_bar(&format!("    {} ", bar(*stream, paint)), 6, line, paint)
        });
        lines.collect()
    };
    let note = (left_out > 0).then(|| say!("lines-left-out", count = left_out));
    let note = note.map(|text| paint.dim(&format!("    {text}")));
    [
        drawn(head),
        note.into_iter().collect(),
        drawn(&rest[left_out..]),
    ]
    .concat()
}

/// A mark, the verdict in a word, what it is about, how long it took.
fn headline(item: &Item, time: ShowTime, paint: &Paint) -> Vec<String> {
    let text = sentence(item);
    let is_check = matches!(item.id, RecordId::Check(_));
    let is_doubtful = is_check && item.after_failed.is_some() && item.verdict == Verdict::Passed;
    let tone = match is_doubtful || (is_maybe_edited(item) && !has_failed(&item.verdict)) {
        true => Tone::Note,
        false => tone(&item.verdict),
    };
    let (style, mark): (Style, _) = match tone {
        Tone::Good => (Paint::good, paint.mark("✓", "+")),
        Tone::Bad => (Paint::bad, paint.mark("✗", "x")),
        Tone::Note => (Paint::notable, paint.mark("•", "-")),
        Tone::Quiet => (Paint::dim, paint.mark("•", "-")),
    };
    let lead = format!("  {mark} ");
    let mut lines = paint.fitted_in(style, &lead, &text);
    let shown = time == ShowTime::Shown && is_timed(&item.verdict);
    if let Some(last) = lines.last_mut().filter(|_| shown) {
        let time = format!("({})", duration(item.duration));
        let plain = paint.fitted(&lead, &text);
        let columns = plain.last().map_or(0, |line| width(line)) + 1 + width(&time);
        match paint.live && columns > paint.columns {
            true => lines.push(format!("{}{}", " ".repeat(width(&lead)), paint.dim(&time))),
            false => last.push_str(&format!(" {}", paint.dim(&time))),
        }
    }
    lines
}

/// True of what is not as in the lesson, where an edit of the learner's may be the cause.
fn is_maybe_edited(item: &Item) -> bool {
    let differs = match &item.verdict {
        Verdict::Changed { .. }
        | Verdict::DiffersHere { .. }
        | Verdict::CheckFailed { .. }
        | Verdict::WrongExit { .. }
        | Verdict::TimedOut { .. } => true,
        // Says so itself.
        Verdict::Edited(_) => false,
        Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::Interrupted
        | Verdict::Solved
        | Verdict::Unsolved { .. }
        | Verdict::Open { .. }
        | Verdict::Skipped(_)
        | Verdict::Recorded
        | Verdict::Broken { .. } => false,
    };
    differs && !item.edited.is_empty()
}

/// True of a failure that no lesson has in mind, whatever was edited.
fn has_failed(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::WrongExit { got, .. } => got.status() != Some(0),
        verdict => matches!(verdict, Verdict::TimedOut { .. }),
    }
}

/// Names of files, in backticks.
fn files(files: &[PathBuf]) -> String {
    let names = files.iter().map(|file| format!("`{}`", file.display()));
    names.collect::<Vec<_>>().join(", ")
}

enum Tone {
    Good,
    Bad,
    Note,
    Quiet,
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Passed | Verdict::Shown | Verdict::Solved => Tone::Good,
        Verdict::New
        | Verdict::DiffersHere { .. }
        | Verdict::Edited(_)
        | Verdict::Interrupted
        | Verdict::Unsolved {
            by_solution: false, ..
        }
        | Verdict::Open { .. }
        | Verdict::Skipped(_) => Tone::Note,
        Verdict::Recorded => Tone::Quiet,
        Verdict::Changed { .. }
        | Verdict::CheckFailed { .. }
        | Verdict::WrongExit { .. }
        | Verdict::TimedOut { .. }
        | Verdict::Unsolved {
            by_solution: true, ..
        }
        | Verdict::Broken { .. } => Tone::Bad,
    }
}

/// A verdict as a sentence, the same in every run that ended so.
pub fn sentence(item: &Item) -> String {
    let name = match &item.id {
        RecordId::Step(id) => id.clone(),
        RecordId::Check(name) if item.is_question => say!("question-name", name = name.as_str()),
        RecordId::Check(name) => say!("check-name", name = name.as_str()),
    };
    match &item.verdict {
        Verdict::New if item.is_question => {
            let answer = item.answer().unwrap_or_default();
            say!("answer-new", name = name, answer = answer)
        }
        Verdict::Passed | Verdict::Shown if item.is_question => match item.answer() {
            Some(answer) => say!("answer-is", name = name, answer = answer),
            None => say!("answer-none", name = name),
        },
        Verdict::DiffersHere { .. } if item.is_question => {
            say!("answer-differs-here", name = name)
        }
        Verdict::CheckFailed { sentence, .. } if item.is_question => {
            let sentence = sentence.as_str();
            say!("answer-differs", name = name, question = sentence)
        }
        Verdict::Passed if matches!(item.id, RecordId::Check(_)) => holds(item, &name),
        Verdict::Passed => match failing(item) {
            Some(exit) => say!("verdict-passed-failing", name = name, exit = exit),
            None => say!("verdict-passed", name = name),
        },
        Verdict::Shown => match failing(item) {
            Some(exit) => say!("verdict-shown-failing", name = name, exit = exit),
            None => say!("verdict-shown", name = name),
        },
        Verdict::New => say!("verdict-new", name = name),
        Verdict::Recorded => say!("verdict-recorded", name = name),
        Verdict::Changed { diff, .. } if diff.hunks.is_empty() => {
            say!("verdict-stale", name = name)
        }
        Verdict::Changed { .. } => say!("verdict-changed", name = name),
        Verdict::DiffersHere { .. } => say!("verdict-differs-here", name = name),
        Verdict::Edited(_) => say!("verdict-edited", name = name, files = files(&item.edited)),
        Verdict::CheckFailed { sentence, .. } => {
            let sentence = sentence.as_str();
            say!("verdict-check-failed", name = name, sentence = sentence)
        }
        Verdict::WrongExit { expected, got } => wrong_exit(name, *expected, got),
        Verdict::TimedOut { limit, awaited } => {
            let limit = duration(*limit);
            match awaited.as_ref().and_then(in_vain) {
                Some(why) => say!(
                    "verdict-never-ready",
                    name = name,
                    limit = limit,
                    reason = why
                ),
                None => say!("verdict-timed-out", name = name, limit = limit),
            }
        }
        Verdict::Interrupted => say!("verdict-interrupted", name = name),
        Verdict::Solved => say!("verdict-solved", name = name),
        Verdict::Unsolved { by_solution, .. } => match by_solution {
            true => say!("verdict-unproved", name = name),
            false => say!("verdict-unsolved", name = name),
        },
        Verdict::Open { .. } => say!("verdict-open", name = name),
        Verdict::Skipped(skip) => say!("verdict-skipped", name = name, reason = reason(skip)),
        Verdict::Broken { message, .. } => {
            let message = message.as_str();
            match item.ending {
                Some(Ending::Exited(_) | Ending::Signaled(_) | Ending::Stopped) => {
                    say!("verdict-unjudged", name = name, message = message)
                }
                Some(_) | None => say!("verdict-broken", name = name, message = message),
            }
        }
    }
}

fn wrong_exit(name: String, expected: ExpectedExit, got: &Ending) -> String {
    let (expected, end) = (expected.to_string(), ending_words(got));
    match got {
        Ending::Signaled(_) => {
            say!(
                "verdict-wrong-end",
                name = name,
                expected = expected,
                got = end
            )
        }
        Ending::Exited(_)
        | Ending::TimedOut(_)
        | Ending::Stopped
        | Ending::Interrupted
        | Ending::Skipped(_)
        | Ending::Broken(_) => {
            say!(
                "verdict-wrong-exit",
                name = name,
                expected = expected,
                got = end
            )
        }
    }
}

/// The sign of a background step that was awaited, and did not come.
pub fn in_vain(awaited: &Background) -> Option<String> {
    match awaited {
        Background::AtOnce => None,
        Background::Line(pattern) => Some(say!("awaited-line", pattern = pattern.as_str())),
        Background::File(path) => Some(say!("awaited-file", path = path.display().to_string())),
        Background::Port(port) => Some(say!("awaited-port", port = port.to_string())),
    }
}

/// The exit of a step that had to fail, so that errors above a good verdict are no riddle.
fn failing(item: &Item) -> Option<String> {
    let ending = item.ending.as_ref()?;
    match ending {
        Ending::Exited(0) => None,
        Ending::Exited(status) => Some(say!("exit-status", status = status.to_string())),
        Ending::Signaled(_) => Some(ending_words(ending)),
        Ending::TimedOut(_)
        | Ending::Interrupted
        | Ending::Stopped
        | Ending::Skipped(_)
        | Ending::Broken(_) => None,
    }
}

/// True where it says something how long it took.
fn is_timed(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::Changed { .. }
        | Verdict::DiffersHere { .. }
        | Verdict::Edited(_)
        | Verdict::Solved
        | Verdict::Unsolved { .. }
        | Verdict::WrongExit { .. } => true,
        Verdict::Recorded
        | Verdict::Open { .. }
        | Verdict::CheckFailed { .. }
        | Verdict::TimedOut { .. }
        | Verdict::Interrupted
        | Verdict::Skipped(_)
        | Verdict::Broken { .. } => false,
    }
}

/// The first lines of a text that may be long, and how many there are more.
fn bounded(text: &str, paint: &Paint) -> Vec<String> {
    let count = text.lines().count();
    let shown = text.lines().take(SHOWN_LINES);
    let mut lines: Vec<String> = shown.flat_map(|line| paint.fitted("    ", line)).collect();
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
    let holds = match found.is_empty() || found.contains('\n') || width(found) > SHORT_COLUMNS {
        true => say!("verdict-holds", name = name),
        false => say!("verdict-holds-value", name = name, value = found),
    };
    match &item.after_failed {
        Some(step) => say!("verdict-holds-after", holds = holds, step = step.as_str()),
        None => holds,
    }
}

/// A verdict in one word, for summaries and scripts.
pub fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Shown => "shown",
        Verdict::New => "new",
        Verdict::Changed { .. } => "changed",
        Verdict::DiffersHere { .. } => "differs here",
        Verdict::Edited(_) => "edited",
        Verdict::CheckFailed { .. } => "check failed",
        Verdict::WrongExit { .. } => "wrong exit",
        Verdict::TimedOut { .. } => "timed out",
        Verdict::Interrupted => "interrupted",
        Verdict::Solved => "solved",
        Verdict::Unsolved { .. } => "unsolved",
        Verdict::Open { .. } => "open",
        Verdict::Skipped(_) => "skipped",
        Verdict::Recorded => "recorded",
        Verdict::Broken { .. } => "broken",
    }
}

/// Why something did not run.
pub fn reason(skip: &Skip) -> String {
    match skip {
        Skip::Need { need, reason, .. } => {
            say!("skip-need", need = need.as_str(), reason = reason.as_str())
        }
        Skip::NeedUnknown { need, reason } => {
            say!(
                "skip-need-unknown",
                need = need.as_str(),
                reason = reason.as_str()
            )
        }
        Skip::NoPlace { reason, .. } => reason.clone(),
        Skip::StepSkipped(step) => say!("skip-step", step = step.as_str()),
        Skip::StepFailed(step) => say!("skip-failed", step = step.as_str()),
        Skip::RestSkipped { step, said: None } => say!("skip-rest", step = step.as_str()),
        Skip::RestSkipped {
            step,
            said: Some(said),
        } => say!("skip-rest-said", step = step.as_str(), said = said.as_str()),
        Skip::BySelf { said: None } => say!("skip-self"),
        Skip::BySelf { said: Some(said) } => say!("skip-self-said", said = said.as_str()),
        Skip::StoppedEarly(step) => say!("skip-stopped", step = step.as_str()),
        Skip::LessonTimeout(limit) => say!("skip-timeout", limit = duration(*limit)),
        Skip::ByLearner => say!("skip-learner"),
        Skip::Exercise(_) => say!("skip-exercise"),
    }
}

/// How to make it run.
pub fn remedy(skip: &Skip) -> Option<String> {
    match skip {
        Skip::Need { remedy, .. } | Skip::NoPlace { remedy, .. } => remedy.clone(),
        Skip::NeedUnknown { .. }
        | Skip::StepSkipped(_)
        | Skip::StepFailed(_)
        | Skip::RestSkipped { .. }
        | Skip::BySelf { .. }
        | Skip::StoppedEarly(_)
        | Skip::LessonTimeout(_)
        | Skip::ByLearner
        | Skip::Exercise(_) => None,
    }
}

/// Where an accepted output came from: `kernel 6.18, clang 14, 2026-11-23`.
pub fn provenance(recorded: &Recorded) -> String {
    let facets = recorded.environment.iter().map(|(name, value)| {
        let whole = recorded.versions.get(name).unwrap_or(value);
        format!("{name} {whole}")
    });
    let mut words: Vec<String> = facets.collect();
    words.extend(recorded.recorded.clone());
    words.join(", ")
}

/// An accepted output, labelled as one, and as none of the step as it is now if that is so.
pub fn as_recorded(recorded: &Recorded, stale: &[Stale], paint: &Paint) -> Vec<String> {
    let label = say!("show-recorded", provenance = provenance(recorded));
    let mut lines = paint.fitted_in(Paint::dim, "  ", &label);
    if !stale.is_empty() {
        let why = say!("stale-why", reasons = stale_words(stale));
        lines.extend(paint.fitted_in(Paint::notable, "  ", &why));
    }
    let printed = lines_of_streams(&recorded.text);
    lines.extend(printed.into_iter().flat_map(|(stream, line)| {
        let bar = format!("  {} ", bar(stream, paint));
        let lines = behind_bar(&bar, 4, &visible_text(&line), paint);
        lines.into_iter().map(|line| line.trim_end().to_owned())
    }));
    lines
}

/// The lines of an output with the stream that each stood on.
fn lines_of_streams(text: &StableText) -> Vec<(Stream, String)> {
    let sections = text.sections();
    let on = |stream| move |line| (stream, line);
    let stdout = sections.stdout.lines.into_iter().map(on(Stream::Stdout));
    let stderr = sections.stderr.lines.into_iter().map(on(Stream::Stderr));
    stdout.chain(stderr).collect()
}

/// The bar before a line of output. Standard error has a mark of its own, not only a color.
pub fn bar(stream: Stream, paint: &Paint) -> String {
    match stream {
        Stream::Stdout => paint.dim(paint.mark("│", "|")),
        Stream::Stderr => paint.notable(paint.mark("┆", "!")),
    }
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

fn help(text: &str, paint: &Paint) -> Vec<String> {
    paint.fitted_in(Paint::advice, "    ", &say!("help", text = text))
}

/// A line of output behind its bar, and on a terminal what does not fit below it, behind a bar too.
pub fn behind_bar(bar: &str, bar_columns: usize, line: &str, paint: &Paint) -> Vec<String> {
    let columns = paint.columns.saturating_sub(bar_columns).max(bar_columns);
    match paint.live {
        true => fold(line, columns),
        false => vec![line.to_owned()],
    }
    .iter()
    .map(|line| format!("{bar}{line}"))
    .collect()
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
