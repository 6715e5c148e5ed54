//! An output that is not the accepted one, in lines: what changed in it, and what is different around
//! it.

use super::paint::Paint;
use crate::report::{Diff, LineKind};
use crate::say;
use crate::snapshot::Environment;
use crate::visible::{fold, visible_text, width};
use anstyle::AnsiColor;
use std::collections::{BTreeMap, BTreeSet};

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
                LineKind::Context => (" ", anstyle::Style::new().dimmed()),
                LineKind::Removed => ("-", AnsiColor::Red.on_default()),
                LineKind::Added => ("+", AnsiColor::Green.on_default()),
            };
            let whole: String = line.segments.iter().map(|one| &*one.text).collect();
            let room = paint.columns.saturating_sub(5).max(5);
            if paint.live && width(&visible_text(&whole)) > room {
                for (number, piece) in fold(&visible_text(&whole), room).iter().enumerate() {
                    let sign = if number == 0 { sign } else { " " };
                    lines.push(format!(
                        "    {}",
                        paint.style(style, &format!("{sign}{piece}"))
                    ));
                }
                continue;
            }
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

/// The facets that differ, each with what it means, and which do not.
pub fn environments(
    (theirs, ours): (&Environment, &Environment),
    why_unknown: &BTreeMap<String, String>,
    meanings: &Environment,
    paint: &Paint,
) -> Vec<String> {
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let (same, different): (Vec<&String>, Vec<&String>) = names
        .into_iter()
        .partition(|name| theirs.get(*name) == ours.get(*name));
    let mut lines = Vec::new();
    for name in different {
        let facet = match meanings.get(name) {
            Some(what) => say!("facet-meaning", name = name.as_str(), what = what.as_str()),
            None => name.clone(),
        };
        let here = ours.get(name).or(why_unknown.get(name));
        let text = match (theirs.get(name), here) {
            (Some(theirs), Some(ours)) => say!(
                "facet",
                name = facet,
                theirs = theirs.as_str(),
                ours = ours.as_str()
            ),
            (None, ours) => say!(
                "facet-not-there",
                name = facet,
                ours = ours.map_or("", String::as_str)
            ),
            (Some(theirs), None) => {
                say!("facet-not-here", name = facet, theirs = theirs.as_str())
            }
        };
        lines.extend(paint.fitted_in(Paint::notable, "    ", &text));
    }
    if !same.is_empty() {
        let same: Vec<&str> = same.into_iter().map(String::as_str).collect();
        let text = say!("facets-same", names = same.join(", "));
        lines.extend(paint.fitted_in(Paint::dim, "    ", &text));
    }
    lines
}
