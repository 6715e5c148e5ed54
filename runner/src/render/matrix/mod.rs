//! Lessons in several environments: a table a lesson, then what differs, once for each group of
//! equal outputs. For people here; documents and scripts have files of their own.

pub mod json;
pub mod markdown;

use super::paint::Paint;
use super::{difference, summary, verdict};
use crate::report::matrix::{CellMark, Group, Matrix, Reference, Row};
use crate::report::{Report, Strictness};
use crate::say;
use crate::transcript::RecordId;
use crate::visible::{visible_text, width};
use std::collections::BTreeMap;
use std::ops::Range;

/// One lesson, for a terminal.
pub fn lesson(columns: &[String], matrix: &Matrix<'_>, paint: &Paint) -> String {
    let Some(first) = matrix.lesson() else {
        return String::new();
    };
    let title = paint.fitted(&format!("{}  ", first.stem), &visible_text(&first.title));
    let mut text = title.join("\n") + "\n";
    if let Some(rest) = text.strip_prefix(&first.stem) {
        text = paint.bold(&first.stem) + rest;
    }
    let names: Vec<String> = matrix.rows.iter().map(|row| name(row.id)).collect();
    let names_width = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let marks = matrix.rows.iter().map(|row| word(row.cells[index]).len());
            marks.max().unwrap_or(0).max(width(column))
        })
        .collect();
    let line = |head: &str, cells: Vec<(String, usize)>, widths: &[usize]| {
        let mut line = format!("  {head}{}", " ".repeat(names_width - width(head)));
        let mut owed = 2;
        for ((cell, cell_width), column) in cells.into_iter().zip(widths) {
            line.push_str(&" ".repeat(owed));
            line.push_str(&cell);
            owed = 2 + column - cell_width;
        }
        line + "\n"
    };
    let room = match paint.live {
        true => paint.columns.saturating_sub(2 + names_width),
        false => usize::MAX,
    };
    for (number, part) in parts(&widths, room).into_iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let widths = &widths[part.clone()];
        let heads = columns[part.clone()].iter();
        let heads = heads.map(|name| (paint.dim(name), width(name)));
        text.push_str(&line("", heads.collect(), widths));
        for (row, name) in matrix.rows.iter().zip(&names) {
            let cells = row.cells[part.clone()].iter();
            let cells = cells.map(|mark| painted(*mark, paint));
            text.push_str(&line(name, cells.collect(), widths));
        }
    }
    for row in &matrix.rows {
        for group in row.groups.iter().filter(|group| group.is_worth_telling()) {
            text.push('\n');
            let heading = paint.fitted("  ", &heading(columns, row, group));
            for line in heading.into_iter().chain(details(group, paint)) {
                text.push_str(&format!("{line}\n"));
            }
        }
    }
    text
}

/// The columns of a table, in as many tables below each other as it takes for each to fit.
fn parts(widths: &[usize], room: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut taken = 0;
    for (index, width) in widths.iter().enumerate() {
        if index > start && taken + 2 + width > room {
            parts.push(start..index);
            start = index;
            taken = 0;
        }
        taken += 2 + width;
    }
    parts.push(start..widths.len());
    parts
}

/// All lessons together: how many cells have which mark, and what to do next.
pub fn all(
    matrices: &[Matrix<'_>],
    end: &OpenWork<'_>,
    strictness: Strictness,
    paint: &Paint,
) -> String {
    let mut counts: BTreeMap<CellMark, usize> = BTreeMap::new();
    let rows = matrices.iter().flat_map(|matrix| &matrix.rows);
    for mark in rows.flat_map(|row| &row.cells).flatten() {
        *counts.entry(*mark).or_default() += 1;
    }
    let words = counts
        .iter()
        .map(|(mark, count)| format!("{count} {}", mark.word()));
    let words: Vec<String> = words.collect();
    let reports = matrices.iter().flat_map(|matrix| &matrix.reports);
    let reports: Vec<Report> = reports.map(|report| (*report).clone()).collect();
    let mut text = summary::result(&reports, strictness, &words, end.written, paint);
    for name in end.torn {
        let torn = say!("matrix-torn", name = name.as_str());
        for line in paint.fitted_in(Paint::notable, "", &torn) {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// The work that a whole matrix leaves for somebody.
#[derive(Clone, Copy, Debug)]
pub struct OpenWork<'e> {
    /// How many outputs wait to be read.
    pub written: usize,
    /// Snapshots that environments disagree on.
    pub torn: &'e [String],
}

/// A step's id, or that it is a check and its name.
pub fn name(id: &RecordId) -> String {
    match id {
        RecordId::Step(id) => id.clone(),
        RecordId::Check(name) => say!("check-name", name = name.as_str()),
    }
}

/// The word of a cell.
pub fn word(mark: Option<CellMark>) -> &'static str {
    mark.map_or("-", CellMark::word)
}

/// Where something happened, and what it is held against: `load on 5.10, 6.1: differs …`.
pub fn heading(columns: &[String], row: &Row<'_>, group: &Group<'_>) -> String {
    let named = |indexes: &[usize]| {
        let names: Vec<&str> = indexes.iter().map(|index| &*columns[*index]).collect();
        names.join(", ")
    };
    let name = name(row.id);
    let places = named(&group.columns);
    let mark = group.mark.word();
    match (&row.reference, &group.diff) {
        (Some(Reference::Recorded(recorded)), Some(_)) => say!(
            "matrix-beside-recorded",
            name = name,
            places = places,
            mark = mark,
            provenance = verdict::provenance(recorded)
        ),
        (Some(Reference::Group(other)), Some(_)) => say!(
            "matrix-beside-group",
            name = name,
            places = places,
            mark = mark,
            others = named(&row.groups[*other].columns)
        ),
        (Some(_) | None, _) => say!("matrix-group", name = name, places = places, mark = mark),
    }
}

/// The details of a group: a diff, or the verdict of its item.
fn details(group: &Group<'_>, paint: &Paint) -> Vec<String> {
    if let Some(diff) = &group.diff {
        return difference::diff(diff, paint);
    }
    let indented = Paint {
        columns: paint.columns.saturating_sub(2),
        ..*paint
    };
    let lines = verdict::lines_without_time(group.item, &indented);
    let mut lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
    lines.extend(verdict::output_of_failed(group.item, paint));
    lines
}

fn painted(mark: Option<CellMark>, paint: &Paint) -> (String, usize) {
    let word = word(mark);
    let text = match mark {
        None => paint.dim(word),
        Some(CellMark::Same | CellMark::Holds | CellMark::Done) => paint.good(word),
        Some(
            CellMark::Variant
            | CellMark::New
            | CellMark::Differs
            | CellMark::Skipped
            | CellMark::Interrupted,
        ) => paint.notable(word),
        Some(CellMark::Failed) => paint.bad(word),
    };
    (text, word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::matrix::tests::sample;
    use insta::assert_snapshot;

    fn columns() -> Vec<String> {
        ["5.10", "6.1", "6.12", "7.3"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_table_then_what_differs_once_a_group() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        assert_snapshot!(lesson(&columns(), &matrix, &Paint::plain(80)), @"
        lesson-2  Hello
                      5.10     6.1      6.12   7.3
          build       same     same     same   same
          load        differs  variant  same   same
          multi       skipped  done     done   done
          loop        failed   new      new    new
          check size  holds    holds    holds  holds

          load on 5.10: differs, beside what is recorded (clang 14, kernel 6.12, 2026-11-23)
            @@ -1 +1 @@
            -jited 80B
            +jited 70B

          load on 6.1: variant, beside what is recorded (clang 14, kernel 6.12, 2026-11-23)
            @@ -1 +1 @@
            -jited 80B
            +jited 71B

          multi on 5.10: skipped
            • multi: skipped: needs fprobe: no fprobe before 5.18
              help: another kernel

          loop on 5.10: failed
            ✗ loop: exit status 1, expected 0
            │ invalid func_info

          loop on 6.1: new, beside 6.12, 7.3
            @@ -1 +1 @@
            -jited 80B
            +jited 71B
        ");
    }

    #[test]
    fn at_a_narrow_terminal_the_table_goes_on_below_itself() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        let paint = Paint {
            live: true,
            ..Paint::plain(36)
        };
        let text = lesson(&columns(), &matrix, &paint);
        assert!(text.lines().all(|line| width(line) <= 36), "{text}");
        let beginning: Vec<&str> = text.lines().take(16).collect();
        assert_snapshot!(beginning.join("\n"), @"
        lesson-2  Hello
                      5.10     6.1
          build       same     same
          load        differs  variant
          multi       skipped  done
          loop        failed   new
          check size  holds    holds

                      6.12   7.3
          build       same   same
          load        same   same
          multi       done   done
          loop        new    new
          check size  holds  holds

          load on 5.10: differs, beside what
        ");
    }

    #[test]
    fn the_end_counts_cells_and_names_what_is_torn() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        let end = OpenWork {
            written: 2,
            torn: &["hello/load".to_owned()],
        };
        let text = all(&[matrix], &end, Strictness::default(), &Paint::plain(80));
        assert_snapshot!(text, @"
        not as expected: 6 same, 1 variant, 4 holds, 3 done, 3 new, 1 differs, 1 failed, 1 skipped
        2 outputs wait to be read: `tutor review`
        environments disagree on `hello/load` and the step does not vary by what tells them apart, so nothing was left to accept: add it to the step's `vary=`
        ");
    }

    #[test]
    fn a_document_has_the_same_in_markdown() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        assert_snapshot!(markdown::document(&columns(), &[matrix]), @"
        - 5.10: clang 14, kernel 5.10, machine QEMU 7.2
        - 6.1: clang 14, kernel 6.1, machine QEMU 7.2
        - 6.12: clang 14, kernel 6.12, machine QEMU 7.2
        - 7.3: clang 14, kernel 7.3, machine QEMU 7.2

        ## lesson-2: Hello

        | | 5.10 | 6.1 | 6.12 | 7.3 |
        |---|---|---|---|---|
        | build | same | same | same | same |
        | load | differs | variant | same | same |
        | multi | skipped | done | done | done |
        | loop | failed | new | new | new |
        | check size | holds | holds | holds | holds |

        load on 5.10: differs, beside what is recorded (clang 14, kernel 6.12, 2026-11-23)

        ```diff
        @@ -1 +1 @@
        -jited 80B
        +jited 70B
        ```

        load on 6.1: variant, beside what is recorded (clang 14, kernel 6.12, 2026-11-23)

        ```diff
        @@ -1 +1 @@
        -jited 80B
        +jited 71B
        ```

        multi on 5.10: skipped

        ```text
        • multi: skipped: needs fprobe: no fprobe before 5.18
          help: another kernel
        ```

        loop on 5.10: failed

        ```text
        ✗ loop: exit status 1, expected 0
          │ invalid func_info
        ```

        loop on 6.1: new, beside 6.12, 7.3

        ```diff
        @@ -1 +1 @@
        -jited 80B
        +jited 71B
        ```
        ");
    }

    #[test]
    fn json_names_the_environments_of_each_group() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        let document = json::document(&columns(), &[matrix], Vec::new());
        assert_eq!(document["format"], 1);
        assert_eq!(document["environments"], serde_json::json!(columns()));
        let lesson = &document["lessons"][0];
        assert_eq!(lesson["environments"][0]["facets"]["kernel"], "5.10");
        let row = &lesson["rows"][1];
        let groups = row["groups"].as_array().unwrap().iter();
        let groups: Vec<String> = groups
            .map(|group| format!("{}: {}", group["environments"], group["diff"]))
            .collect();
        assert_snapshot!(format!("{}\n{}\n{}", row["marks"], row["reference"], groups.join("\n")), @r#"
        {"5.10":"differs","6.1":"variant","6.12":"same","7.3":"same"}
        {"recorded_on":{"clang":"14","kernel":"6.12"}}
        ["5.10"]: ["@@ -1 +1 @@","-jited 80B","+jited 70B"]
        ["6.1"]: ["@@ -1 +1 @@","-jited 80B","+jited 71B"]
        ["6.12","7.3"]: null
        "#);
    }
}
