//! How many steps and checks there are of each verdict, in words.

use super::paint::Paint;
use super::verdict::Style;
use crate::report::{Counts, Report};
use crate::say;
use crate::visible::width;

/// The [`words`] for a report, behind a lead of that width, on lines that fit the terminal, with a
/// time at the end.
pub fn fitted_counts(
    (lead, lead_columns): (String, usize),
    time: &str,
    report: &Report,
    paint: &Paint,
) -> Vec<String> {
    let mut lines = vec![lead];
    let mut columns = lead_columns;
    let words = words(&report.counts());
    for (index, (style, text)) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        let needed = 1 + width(text) + comma.len();
        if paint.live && columns + needed > paint.columns {
            lines.push(" ".to_owned());
            columns = 1;
        }
        columns += needed;
        if let Some(line) = lines.last_mut() {
            line.push_str(&format!(" {}{comma}", style(paint, text)));
        }
    }
    match lines.last_mut() {
        Some(line) if !paint.live || columns + width(time) <= paint.columns => {
            line.push_str(&paint.dim(time));
        }
        Some(_) | None => lines.push(format!("  {}", paint.dim(time.trim_start()))),
    }
    lines
}

/// How many there are of each verdict, in words with their styles; those that are none are left out.
pub fn words(counts: &Counts) -> Vec<(Style, String)> {
    let Counts {
        passed,
        shown,
        new,
        changed,
        differs_here,
        edited,
        check_failed,
        wrong_exit,
        timed_out,
        interrupted,
        solved,
        unsolved,
        open,
        skipped,
        recorded: _,
        broken,
    } = *counts;
    let rows: [(usize, Style, String); 15] = [
        (passed, Paint::good, say!("count-passed", count = passed)),
        (shown, Paint::good, say!("count-shown", count = shown)),
        (new, Paint::notable, say!("count-new", count = new)),
        (changed, Paint::bad, say!("count-changed", count = changed)),
        (
            differs_here,
            Paint::notable,
            say!("count-differs-here", count = differs_here),
        ),
        (edited, Paint::notable, say!("count-edited", count = edited)),
        (
            check_failed,
            Paint::bad,
            say!("count-check-failed", count = check_failed),
        ),
        (
            wrong_exit,
            Paint::bad,
            say!("count-wrong-exit", count = wrong_exit),
        ),
        (
            timed_out,
            Paint::bad,
            say!("count-timed-out", count = timed_out),
        ),
        (
            interrupted,
            Paint::notable,
            say!("count-interrupted", count = interrupted),
        ),
        (solved, Paint::good, say!("count-solved", count = solved)),
        (
            unsolved,
            Paint::notable,
            say!("count-unsolved", count = unsolved),
        ),
        (open, Paint::dim, say!("count-open", count = open)),
        (
            skipped,
            Paint::notable,
            say!("count-skipped", count = skipped),
        ),
        (broken, Paint::bad, say!("count-broken", count = broken)),
    ];
    let some = rows.into_iter().filter(|(count, _, _)| *count > 0);
    let words: Vec<(Style, String)> = some.map(|(_, style, text)| (style, text)).collect();
    match words.is_empty() {
        true => vec![(|_, text| text.to_owned(), say!("count-none"))],
        false => words,
    }
}
