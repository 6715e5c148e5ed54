//! The difference between two outputs, as data that a renderer colors.
//!
//! Only changed lines with some context. On changed lines what cannot be seen is shown: a tab as
//! `→`, blanks at the end as `·`. Work and size are bounded whatever was printed.

use super::emphasis::{self, Segment, shown};
use crate::normalize::StableText;
use crate::visible::mark;
use similar::{Algorithm, DiffOp, TextDiff};
use std::time::Duration;

/// The number of unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;
/// The most lines that a diff holds.
const MOST_LINES: usize = 400;
/// After this, the search for the shortest difference gives way to a longer one.
const PATIENCE: Duration = Duration::from_millis(300);

/// The changed lines of a text with their context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Runs of lines, in order.
    pub hunks: Vec<Hunk>,
    /// How many changed lines are not shown because there are too many.
    pub left_out_lines: usize,
}

/// A run of lines that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The number of its first line in the accepted output, counted from 1.
    pub old_start: usize,
    /// The number of its first line in the new output, counted from 1.
    pub new_start: usize,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// On which side it stands.
    pub kind: LineKind,
    /// Its text in pieces.
    pub segments: Vec<Segment>,
}

/// On which side a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// On both.
    Context,
    /// In the accepted output only.
    Removed,
    /// In the new output only.
    Added,
}

impl DiffLine {
    /// The whole line.
    pub fn text(&self) -> String {
        self.segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect()
    }
}

/// The difference from the accepted output `old` to the new one.
pub fn diff(old: &StableText, new: &StableText) -> Diff {
    let (old, new) = old.alike(new);
    let (old, new) = (lines(&old), lines(&new));
    let text_diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(PATIENCE)
        .diff_slices(&old, &new);
    let mut diff = Diff::default();
    let mut shown_lines = 0;
    for group in text_diff.grouped_ops(CONTEXT_LINES) {
        if shown_lines >= MOST_LINES {
            diff.left_out_lines += group.iter().map(changed_lines).sum::<usize>();
            continue;
        }
        let mut hunk = Hunk {
            old_start: group.first().map_or(0, |op| op.old_range().start) + 1,
            new_start: group.first().map_or(0, |op| op.new_range().start) + 1,
            lines: Vec::new(),
        };
        for op in &group {
            let room = MOST_LINES - shown_lines - hunk.lines.len();
            let (old, new) = (&old[op.old_range()], &new[op.new_range()]);
            if let DiffOp::Equal { .. } = op {
                hunk.lines.extend(old.iter().take(room).map(context));
                continue;
            }
            let removed = old.len().min(room.saturating_sub(new.len()).max(room / 2));
            let added = new.len().min(room - removed);
            diff.left_out_lines += old.len() - removed + new.len() - added;
            push_changed(&old[..removed], &new[..added], &mut hunk.lines);
        }
        shown_lines += hunk.lines.len();
        diff.hunks.push(hunk);
    }
    diff
}

/// The difference between two versions of a file as a patch: the unified format of POSIX `diff -u`.
pub fn patch(file: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(PATIENCE)
        .diff_lines(old, new);
    let (old, new) = (format!("a/{file}"), format!("b/{file}"));
    diff.unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&old, &new)
        .to_string()
}

fn lines(form: &str) -> Vec<&str> {
    if form.is_empty() {
        return Vec::new();
    }
    form.split('\n').collect()
}

fn changed_lines(op: &DiffOp) -> usize {
    match op {
        DiffOp::Equal { .. } => 0,
        DiffOp::Delete { old_len, .. } => *old_len,
        DiffOp::Insert { new_len, .. } => *new_len,
        DiffOp::Replace {
            old_len, new_len, ..
        } => old_len + new_len,
    }
}

fn context(line: &&str) -> DiffLine {
    DiffLine {
        kind: LineKind::Context,
        segments: vec![emphasis::plain(line)],
    }
}

/// All removed lines, then all added ones; the first of each are compared word by word, and so on.
fn push_changed(old: &[&str], new: &[&str], lines: &mut Vec<DiffLine>) {
    let pairs = old.len().min(new.len());
    let mut added = Vec::with_capacity(new.len());
    for (old, new) in old.iter().zip(new) {
        let (mut before, mut after) = (shown(old), shown(new));
        if before == after {
            (before, after) = (shown(&signs_marked(old)), shown(&signs_marked(new)));
        }
        let (old, new) = emphasis::between(&before, &after);
        lines.push(changed(LineKind::Removed, old));
        added.push(changed(LineKind::Added, new));
    }
    let alone = |kind| move |line: &&str| changed(kind, vec![emphasis::plain(&shown(line))]);
    lines.extend(old[pairs..].iter().map(alone(LineKind::Removed)));
    lines.append(&mut added);
    lines.extend(new[pairs..].iter().map(alone(LineKind::Added)));
}

/// A line in which the signs that show tabs and blanks are told from those that were printed.
fn signs_marked(line: &str) -> String {
    line.replace('→', &mark('→')).replace('·', &mark('·'))
}

fn changed(kind: LineKind, segments: Vec<Segment>) -> DiffLine {
    DiffLine { kind, segments }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::recorded;
    use insta::assert_snapshot;

    fn text(stdout: &str) -> StableText {
        recorded("hello", "build", stdout).text
    }

    /// Emphasis stands in braces.
    fn drawn(old: &str, new: &str) -> String {
        let diff = diff(&text(old), &text(new));
        let mut drawn = String::new();
        for hunk in &diff.hunks {
            drawn += &format!("@ {} {}\n", hunk.old_start, hunk.new_start);
            for line in &hunk.lines {
                drawn += match line.kind {
                    LineKind::Context => " ",
                    LineKind::Removed => "-",
                    LineKind::Added => "+",
                };
                for segment in &line.segments {
                    drawn += &match segment.emphasis {
                        true => format!("{{{}}}", segment.text),
                        false => segment.text.clone(),
                    };
                }
                drawn += "\n";
            }
        }
        if diff.left_out_lines > 0 {
            drawn += &format!("{} more", diff.left_out_lines);
        }
        drawn
    }

    #[test]
    fn only_the_changed_words_of_changed_lines_are_emphasized() {
        assert_snapshot!(drawn(
            "117: kprobe  name bpf_prog\n\txlated 104B  jited 75B\n",
            "117: kprobe  name bpf_prog\n\txlated 104B  jited 80B\n",
        ), @"
        @ 1 1
         117: kprobe  name bpf_prog
        -→xlated 104B  jited {75B}
        +→xlated 104B  jited {80B}
        ");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_on_changed_lines_only() {
        assert_snapshot!(drawn("a\tb  \nc\td\n", "a\tb\nc\td\n"), @"
        @ 1 1
        -a→b{··}
        +a→b
         c	d
        ");
        assert_snapshot!(drawn("a\n", "a\r\n"), @"
        @ 1 1
        -a
        +a{␍}
        ");
        assert_snapshot!(drawn("a\n", "a"), @"
        @ 1 1
         a
        +--- no newline at the end ---
        ");
    }

    #[test]
    fn changes_far_apart_are_hunks_of_their_own() {
        let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let new = old.replacen("2\n", "two\n", 1).replace("19\n", "");
        assert_snapshot!(drawn(&old, &new), @"
        @ 1 1
         1
        -2
        +two
         3
         4
         5
        @ 16 16
         16
         17
         18
        -19
         20
        ");
    }

    #[test]
    fn lines_that_have_nothing_in_common_have_no_emphasis() {
        assert_snapshot!(drawn("call 6\n", "Error: No libbfd support\n"), @"
        @ 1 1
        -call 6
        +Error: No libbfd support
        ");
        assert_snapshot!(drawn("", "a\n"), @"
        @ 1 1
        +a
        ");
    }

    #[test]
    fn a_change_far_into_a_long_line_is_still_seen() {
        let long = "x ".repeat(20_000);
        let drawn = drawn(&format!("{long}old end\n"), &format!("{long}new end\n"));
        assert!(
            drawn.contains("{old}") && drawn.contains("{new}"),
            "{}",
            drawn.len()
        );
        assert!(drawn.len() < 10_000);
    }

    #[test]
    fn work_and_size_are_bounded() {
        let many = |word: &str| {
            (0..60_000)
                .map(|line| format!("{word} {}\n", line * 7 % 1013))
                .collect()
        };
        let (old, new): (String, String) = (many("a"), many("b"));
        let began = std::time::Instant::now();
        let diff = diff(&text(&old), &text(&new));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(
            diff.hunks
                .iter()
                .map(|hunk| hunk.lines.len())
                .sum::<usize>(),
            MOST_LINES
        );
        assert_eq!(diff.left_out_lines, 120_000 - MOST_LINES);
    }

    #[test]
    fn a_sign_that_was_printed_is_told_from_what_it_shows() {
        let lines = |old: &str, new: &str| {
            let diff = diff(&text(old), &text(new));
            let lines = diff.hunks.iter().flat_map(|hunk| &hunk.lines);
            lines.map(DiffLine::text).collect::<Vec<_>>()
        };
        assert_eq!(lines("a\tb\n", "a→b\n"), ["a→b", r"a\u{2192}b"]);
        assert_eq!(lines("a \nx\n", "a·\nx\n"), ["a·", r"a\u{b7}", "x"]);
        assert_eq!(lines("a → b\n", "a → c\n"), ["a → b", "a → c"]);
    }
}
