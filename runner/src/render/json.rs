//! A report for scripts. What changes here in a way that breaks one raises `format`.

use super::verdict;
use crate::diagnostic::{Diagnostic, Lines, Severity};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{Environment, ending_words, stale_words};
use crate::transcript::{Leftover, RecordId, ShellFate};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the JSON that `tutor` prints.
pub const FORMAT: u32 = 1;

/// Several reports as one document.
#[derive(Debug, Serialize)]
pub struct Document<'r> {
    format: u32,
    lessons: Vec<LessonJson<'r>>,
    /// The reason why lessons were not run: what is wrong with their texts.
    diagnostics: Vec<Value>,
}

/// One lesson's report.
#[derive(Debug, Serialize)]
pub struct LessonJson<'r> {
    lesson: &'r str,
    name: &'r str,
    /// Below the course root, as diagnostics have it.
    file: Cow<'r, str>,
    title: &'r str,
    environment: &'r Environment,
    duration_ms: u64,
    items: Vec<ItemJson<'r>>,
    leftovers: Vec<LeftoverJson<'r>>,
}

/// One step or check. A field that says nothing of this verdict is left out.
#[derive(Debug, Serialize)]
pub struct ItemJson<'r> {
    kind: &'static str,
    name: &'r str,
    line: Option<usize>,
    on: String,
    verdict: &'static str,
    exit: Option<String>,
    duration_ms: u64,
    shell_lost: bool,
    shell_new: bool,
    #[serde(flatten)]
    printed: Option<PrintedJson>,
    #[serde(flatten)]
    recorded: Option<AcceptedJson<'r>>,
    #[serde(flatten)]
    why: Option<ReasonJson<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edited: Vec<String>,
}

/// The accepted output, where it is not the one above.
#[derive(Debug, Serialize)]
struct AcceptedJson<'r> {
    recorded_stdout: String,
    recorded_stderr: String,
    recorded_on: &'r Environment,
}

#[derive(Debug, Serialize)]
struct PrintedJson {
    stdout: String,
    stderr: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ReasonJson<'r> {
    Lacking {
        reason: String,
        remedy: Option<String>,
    },
    CheckFailed {
        sentence: &'r str,
        expected: String,
        actual: &'r str,
    },
    DiffersHere {
        ran_on: &'r Environment,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        unknown: &'r BTreeMap<String, String>,
    },
    TimedOut {
        limit_ms: u64,
        reason: Option<String>,
    },
    WrongExit {
        expected: String,
    },
    Stale {
        reason: String,
    },
}

#[derive(Debug, Serialize)]
struct LeftoverJson<'r> {
    step: Option<&'r str>,
    what: &'r str,
    still_there: bool,
}

impl LeftoverJson<'_> {
    fn of(left: &Leftover) -> LeftoverJson<'_> {
        LeftoverJson {
            step: left.step.as_deref(),
            what: &left.what,
            still_there: left.still_there,
        }
    }
}

/// Several reports as one document, and what is wrong with the course that could not be run.
pub fn document<'r>(
    reports: impl IntoIterator<Item = &'r Report>,
    diagnostics: Vec<Value>,
) -> Document<'r> {
    Document {
        format: FORMAT,
        lessons: reports.into_iter().map(report).collect(),
        diagnostics,
    }
}

/// Diagnostics, which stand in the order of files; `source` gives the text of a file.
pub fn diagnostics<'s>(
    found: &[Diagnostic],
    source: impl Fn(&Path) -> Option<&'s str>,
) -> Vec<Value> {
    let of_files = found.chunk_by(|one, next| one.path == next.path);
    let rows = of_files.flat_map(|of_file| {
        let lines = Lines::of(source(&of_file[0].path).unwrap_or_default());
        of_file.iter().map(move |found| diagnostic(&lines, found))
    });
    rows.collect()
}

fn diagnostic(lines: &Lines<'_>, found: &Diagnostic) -> Value {
    let (line, column) = lines.line_column(found.span.start);
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    json!({
        "severity": severity,
        "file": found.path,
        "line": line,
        "column": column,
        "message": found.message,
        "help": found.help,
    })
}

/// One lesson's report.
pub fn report(report: &Report) -> LessonJson<'_> {
    LessonJson {
        lesson: &report.stem,
        name: &report.lesson,
        file: report.file.to_string_lossy(),
        title: &report.title,
        environment: &report.environment,
        duration_ms: report.duration.as_millis() as u64,
        items: report
            .items
            .iter()
            .map(|one| item(one, report.lines.get(&one.id).copied()))
            .collect(),
        leftovers: report.leftovers.iter().map(LeftoverJson::of).collect(),
    }
}

/// One step or check, and the line that it stands on.
pub fn item(item: &Item, line: Option<usize>) -> ItemJson<'_> {
    let (kind, name) = match &item.id {
        RecordId::Step(id) => ("step", id),
        RecordId::Check(name) => ("check", name),
    };
    let printed = item.text.as_ref().map(|text| {
        let sections = text.sections();
        PrintedJson {
            stdout: sections.stdout.text(),
            stderr: sections.stderr.text(),
        }
    });
    ItemJson {
        kind,
        name,
        line,
        on: item.place.to_string(),
        verdict: verdict::word(&item.verdict),
        exit: item.ending.as_ref().map(ending_words),
        duration_ms: item.duration.as_millis() as u64,
        shell_lost: item.shell == ShellFate::Lost,
        shell_new: item.shell == ShellFate::New,
        printed,
        recorded: accepted(item),
        why: why(&item.verdict),
        edited: item
            .edited
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
    }
}

fn accepted(item: &Item) -> Option<AcceptedJson<'_>> {
    // A sample is no measure of what was printed now.
    let is_sample = item.verdict == Verdict::Shown;
    let recorded = item.recorded.as_ref().filter(|_| !is_sample)?;
    let differs = !item
        .text
        .as_ref()
        .is_some_and(|text| text.is_same(&recorded.text));
    let sections = differs.then(|| recorded.text.sections())?;
    Some(AcceptedJson {
        recorded_stdout: sections.stdout.text(),
        recorded_stderr: sections.stderr.text(),
        recorded_on: &recorded.environment,
    })
}

fn why(verdict: &Verdict) -> Option<ReasonJson<'_>> {
    match verdict {
        Verdict::Skipped(skip) => Some(ReasonJson::Lacking {
            reason: verdict::reason(skip),
            remedy: verdict::remedy(skip),
        }),
        Verdict::Broken { message, help } => Some(ReasonJson::Lacking {
            reason: message.clone(),
            remedy: help.clone(),
        }),
        Verdict::CheckFailed {
            sentence,
            expected,
            actual,
            ..
        } => Some(ReasonJson::CheckFailed {
            sentence,
            expected: expected.to_string(),
            actual,
        }),
        Verdict::DiffersHere {
            ours, why_unknown, ..
        } => Some(ReasonJson::DiffersHere {
            ran_on: ours,
            unknown: why_unknown,
        }),
        Verdict::TimedOut { limit, awaited } => Some(ReasonJson::TimedOut {
            limit_ms: limit.as_millis() as u64,
            reason: awaited.as_ref().and_then(verdict::in_vain),
        }),
        Verdict::WrongExit { expected, .. } => Some(ReasonJson::WrongExit {
            expected: expected.to_string(),
        }),
        Verdict::Changed { stale, .. } => (!stale.is_empty()).then(|| ReasonJson::Stale {
            reason: stale_words(stale),
        }),
        Verdict::Edited(_)
        | Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::Interrupted
        | Verdict::Solved
        | Verdict::Unsolved { .. }
        | Verdict::Open { .. }
        | Verdict::Recorded => None,
    }
}
