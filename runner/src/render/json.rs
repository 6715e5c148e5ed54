//! A report for scripts. What changes here in a way that breaks one raises `format`.

use super::verdict;
use crate::report::{Item, Report, Verdict};
use crate::transcript::RecordId;
use serde_json::{Value, json};

/// The version of the JSON that `tutor` prints.
pub const FORMAT: u32 = 1;

/// Several reports as one document.
pub fn document<'r>(reports: impl IntoIterator<Item = &'r Report>) -> Value {
    let lessons: Vec<Value> = reports.into_iter().map(report).collect();
    json!({ "format": FORMAT, "lessons": lessons })
}

/// One lesson's report.
pub fn report(report: &Report) -> Value {
    let leftovers: Vec<Value> = report
        .leftovers
        .iter()
        .map(
            |left| json!({ "step": left.step, "what": left.what, "still_there": left.still_there }),
        )
        .collect();
    json!({
        "lesson": report.stem,
        "name": report.lesson,
        "title": report.title,
        "environment": report.environment,
        "duration_ms": report.duration.as_millis() as u64,
        "items": report.items.iter().map(item).collect::<Vec<_>>(),
        "leftovers": leftovers,
    })
}

/// One step or check.
pub fn item(item: &Item) -> Value {
    let (kind, name) = match &item.id {
        RecordId::Step(id) => ("step", id),
        RecordId::Check(name) => ("check", name),
    };
    let mut row = json!({
        "kind": kind,
        "name": name,
        "on": item.place.to_string(),
        "verdict": verdict::word(&item.verdict),
        "exit": item.ending.as_ref().map(crate::record::exit),
        "duration_ms": item.duration.as_millis() as u64,
        "shell_lost": item.shell_lost,
    });
    if let Some(text) = &item.text {
        let sections = text.sections();
        row["stdout"] = json!(sections.stdout.text());
        row["stderr"] = json!(sections.stderr.text());
    }
    match &item.verdict {
        Verdict::Skipped(skip) => {
            row["reason"] = json!(verdict::reason(skip));
            row["remedy"] = json!(verdict::remedy(skip));
        }
        Verdict::CheckFailed {
            sentence,
            expected,
            actual,
            ..
        } => {
            row["sentence"] = json!(sentence);
            row["expected"] = json!(expected.to_string());
            row["actual"] = json!(actual);
        }
        Verdict::DiffersHere { theirs, ours, .. } => {
            row["recorded_on"] = json!(theirs);
            row["ran_on"] = json!(ours);
        }
        Verdict::WrongExit { expected, .. } => row["expected"] = json!(expected.to_string()),
        Verdict::Broken { message, help } => {
            row["reason"] = json!(message);
            row["remedy"] = json!(help);
        }
        Verdict::Changed(_)
        | Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::TimedOut(_)
        | Verdict::Interrupted
        | Verdict::Recorded => {}
    }
    row
}
