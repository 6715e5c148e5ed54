//! A matrix for scripts. What changes here in a way that breaks one raises `format`.

use crate::render::difference;
use crate::render::json::item;
use crate::render::paint::Paint;
use crate::report::Report;
use crate::report::matrix::{CellMark, Group, Matrix, Reference, Row};
use crate::transcript::RecordId;
use serde_json::{Value, json};

/// The version of this JSON.
pub const FORMAT: u32 = 1;

/// The whole document.
pub fn document(columns: &[String], matrices: &[Matrix<'_>], diagnostics: Vec<Value>) -> Value {
    let lessons = matrices.iter().map(|matrix| lesson(columns, matrix));
    json!({
        "format": FORMAT,
        "environments": columns,
        "lessons": lessons.collect::<Vec<_>>(),
        "diagnostics": diagnostics,
    })
}

fn lesson(columns: &[String], matrix: &Matrix<'_>) -> Value {
    let first = matrix.lesson();
    let environments = columns.iter().zip(&matrix.reports).map(|(name, report)| {
        json!({
            "name": name,
            "facets": report.environment,
            "duration_ms": report.duration.as_millis() as u64,
        })
    });
    let rows = matrix.rows.iter().map(|row| self::row(columns, first, row));
    json!({
        "lesson": first.map(|report| &report.stem),
        "name": first.map(|report| &report.lesson),
        "file": first.map(|report| &report.file),
        "title": first.map(|report| &report.title),
        "environments": environments.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn row(columns: &[String], lesson: Option<&Report>, row: &Row<'_>) -> Value {
    let (kind, name) = match row.id {
        RecordId::Step(id) => ("step", id),
        RecordId::Check(name) => ("check", name),
    };
    let line = lesson.and_then(|report| report.lines.get(row.id).copied());
    let marks = columns.iter().zip(&row.cells);
    let marks = marks.map(|(column, mark)| (column.clone(), json!(mark.map(CellMark::word))));
    let reference = match &row.reference {
        Some(Reference::Recorded(recorded)) => json!({ "recorded_on": recorded.environment }),
        Some(Reference::Group(index)) => json!({ "group": index }),
        None => Value::Null,
    };
    let groups = row.groups.iter().map(|one| group(columns, line, one));
    json!({
        "kind": kind,
        "name": name,
        "line": line,
        "marks": marks.collect::<serde_json::Map<_, _>>(),
        "reference": reference,
        "groups": groups.collect::<Vec<_>>(),
    })
}

/// The item is that of the group's first environment, as in `tutor test --format json`.
fn group(columns: &[String], line: Option<usize>, group: &Group<'_>) -> Value {
    let names: Vec<&String> = group.columns.iter().map(|index| &columns[*index]).collect();
    let diff = group.diff.as_ref().map(|diff| {
        let lines = difference::diff(diff, &Paint::plain(80));
        let lines = lines
            .iter()
            .map(|line| line.trim_start_matches("    ").to_owned());
        lines.collect::<Vec<_>>()
    });
    json!({
        "environments": names,
        "mark": group.mark.word(),
        "item": item(group.item, line),
        "diff": diff,
    })
}
