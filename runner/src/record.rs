//! Leaves what a test saw beside the accepted outputs, for somebody to read and accept.

use crate::lesson::{Lesson, Step};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{Pending, Recorded, SnapshotError, name_for, pending_of, write_new};
use crate::transcript::{Ending, RecordId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Writes `.snap.new` for every output that changed, is new or differs here, and takes away those
/// whose output is as accepted again. Returns the files that wait now.
pub fn changes(
    folder: &Path,
    lesson: &Lesson,
    report: &Report,
) -> Result<Vec<PathBuf>, SnapshotError> {
    let steps: HashMap<&str, &Step> = lesson.steps().map(|step| (&*step.id, step)).collect();
    let waiting: Vec<Pending> = pending_of(folder, &report.lesson)?;
    let mut written = Vec::new();
    for item in &report.items {
        let Some(recorded) = recorded(&steps, report, item) else {
            continue;
        };
        match item.verdict {
            Verdict::New | Verdict::Changed(_) | Verdict::DiffersHere { .. } => {
                written.push(write_new(folder, &recorded)?);
            }
            Verdict::Passed => {
                // The output is as accepted again.
                let older = waiting.iter().find(|older| older.name == recorded.name);
                older.map_or(Ok(()), Pending::reject)?;
            }
            Verdict::Shown
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut(_)
            | Verdict::Interrupted
            | Verdict::Skipped(_)
            | Verdict::Recorded
            | Verdict::Broken { .. } => {}
        }
    }
    Ok(written)
}

/// What a step's output would be recorded as.
fn recorded(steps: &HashMap<&str, &Step>, report: &Report, item: &Item) -> Option<Recorded> {
    let RecordId::Step(id) = &item.id else {
        return None;
    };
    let step = steps.get(id.as_str())?;
    let found = item.recorded.as_ref();
    Some(Recorded {
        name: name_for(&report.lesson, id, &step.vary, &report.environment, found),
        text: item.text.clone()?,
        exit: exit(item.ending.as_ref()?),
        command: step.script.trim_end().to_owned(),
        environment: report.environment.clone(),
        recorded: Some(chrono::Utc::now().date_naive().to_string()),
    })
}

/// How a step ended, in a snapshot's words.
pub fn exit(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => code.to_string(),
        Ending::Signaled(signal) => format!("signal {signal}"),
        Ending::Stopped => "stopped".to_owned(),
        Ending::TimedOut(_) => "timed out".to_owned(),
        Ending::Skipped(_) => "skipped".to_owned(),
        Ending::Interrupted => "interrupted".to_owned(),
        Ending::Broken(_) => "broken".to_owned(),
    }
}
