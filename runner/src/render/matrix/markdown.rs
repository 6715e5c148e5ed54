//! A matrix as Markdown, for a document: tables, and differences in fences.

use super::{heading, name, word};
use crate::render::paint::Paint;
use crate::render::{difference, verdict};
use crate::report::matrix::{Group, Matrix};
use crate::snapshot::Environment;
use crate::visible::visible_text;

/// Returns the whole document, without a heading of its own.
pub fn document(columns: &[String], matrices: &[Matrix<'_>]) -> String {
    let mut text = environments(columns, matrices);
    for matrix in matrices {
        text.push_str(&lesson(columns, matrix));
    }
    text
}

/// The environment of each column.
fn environments(columns: &[String], matrices: &[Matrix<'_>]) -> String {
    let mut text = String::new();
    for (index, column) in columns.iter().enumerate() {
        let reports = matrices.iter().map(|matrix| matrix.reports[index]);
        let facets: Environment = reports
            .flat_map(|report| report.environment.clone())
            .collect();
        let facets: Vec<String> = facets
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        text.push_str(&format!(
            "- {}: {}\n",
            cell(column),
            cell(&facets.join(", "))
        ));
    }
    text
}

fn lesson(columns: &[String], matrix: &Matrix<'_>) -> String {
    let Some(first) = matrix.lesson() else {
        return String::new();
    };
    let mut text = format!("\n## {}: {}\n\n", cell(&first.stem), cell(&first.title));
    let heads: Vec<String> = columns.iter().map(|column| cell(column)).collect();
    text.push_str(&format!("| | {} |\n", heads.join(" | ")));
    text.push_str(&format!("|---|{}\n", "---|".repeat(columns.len())));
    for row in &matrix.rows {
        let words: Vec<&str> = row.cells.iter().map(|mark| word(*mark)).collect();
        text.push_str(&format!(
            "| {} | {} |\n",
            cell(&name(row.id)),
            words.join(" | ")
        ));
    }
    for row in &matrix.rows {
        for group in row.groups.iter().filter(|group| group.is_worth_telling()) {
            let heading = cell(&heading(columns, row, group));
            text.push_str(&format!("\n{heading}\n\n{}", fenced(group)));
        }
    }
    text
}

fn fenced(group: &Group<'_>) -> String {
    let paint = Paint::plain(80);
    let (language, lines) = match &group.diff {
        Some(diff) => ("diff", difference::diff(diff, &paint)),
        None => {
            let mut lines = verdict::lines_without_time(group.item, &paint);
            lines.extend(verdict::output_of_failed(group.item, &paint));
            ("text", lines)
        }
    };
    let indent = lines
        .iter()
        .map(|line| line.len() - line.trim_start().len());
    let indent = indent.min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| &line[indent..]).collect();
    let body = lines.join("\n");
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    format!("{fence}{language}\n{body}\n{fence}\n")
}

/// The most backticks that stand together: a fence has more.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text that means nothing in a table, and that no mark of Markdown is read in.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in visible_text(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_shown_in_a_cell() {
        assert_eq!(cell("a\u{202e}b|c\u{1b}[2J"), "a\\\\u{202e}b\\|c␛\\[2J");
    }
}
