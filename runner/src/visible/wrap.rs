//! How wide text is on a terminal, and where a line may break.

use std::ops::Range;
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The number of columns that text takes on a terminal; a Chinese character takes two.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The line with its tabs as blanks up to the next multiple of eight columns.
pub fn expand_tabs(line: &str) -> String {
    let mut expanded = String::with_capacity(line.len() + 8);
    let mut columns = 0;
    for (index, piece) in line.split('\t').enumerate() {
        if index > 0 {
            let blanks = 8 - columns % 8;
            expanded.extend(std::iter::repeat_n(' ', blanks));
            columns += blanks;
        }
        expanded.push_str(piece);
        columns += width(piece);
    }
    expanded
}

/// Where a text may be broken into lines of `columns` columns, by byte, its end included: where
/// Unicode (UAX #14) allows it, so that Chinese breaks between characters. What lies in one of the
/// ranges of `whole`, which are in order, such as a command, is broken only if it is too long for a line, and then
/// between its words if that does.
pub fn breaks(
    text: &str,
    whole: &[Range<usize>],
    columns: usize,
) -> Vec<(usize, BreakOpportunity)> {
    let all = opportunities(text);
    if whole.is_empty() {
        return all;
    }
    let inside = |at: usize| {
        let before = whole.partition_point(|range| range.start < at);
        before > 0 && at < whole[before - 1].end
    };
    let reluctance = |at: usize, opportunity| match text[..at].ends_with(' ') {
        _ if opportunity == BreakOpportunity::Mandatory || !inside(at) => 0,
        true => 1,
        false => 2,
    };
    let mut by_reluctance = [const { Vec::new() }; 3];
    for (at, opportunity) in all {
        by_reluctance[reluctance(at, opportunity)].push((at, opportunity));
    }
    let [mut chosen, words, characters] = by_reluctance;
    for next in [words, characters] {
        let mut next = next.into_iter().peekable();
        let mut start = 0;
        let mut finer = Vec::new();
        for (at, opportunity) in chosen {
            let is_too_wide = width(text[start..at].trim_end()) > columns;
            while let Some(between) = next.next_if(|(between, _)| *between < at) {
                finer.extend(is_too_wide.then_some(between));
            }
            finer.push((at, opportunity));
            start = at;
        }
        chosen = finer;
    }
    chosen
}

/// Where Unicode allows a break, but before a path and not after its first `/`: Unicode has it the
/// other way round.
fn opportunities(text: &str) -> Vec<(usize, BreakOpportunity)> {
    let paths = text.match_indices(" /");
    let paths = paths.map(|(at, _)| (at + 1, BreakOpportunity::Allowed));
    let is_root = |at: usize| at < text.len() && text[..at].ends_with(" /");
    let of_unicode = linebreaks(text).filter(|(at, _)| !is_root(*at));
    let mut all: Vec<_> = of_unicode.chain(paths).collect();
    all.sort_by_key(|(at, _)| *at);
    all.dedup_by_key(|(at, _)| *at);
    all
}

/// Text as lines of at most `columns` columns, broken where Unicode allows it, and between backticks
/// only if need be.
///
/// A word longer than a line is cut between graphemes. Blanks at a break are dropped; newlines in
/// the text stay line ends. Empty text is one empty line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    text.split('\n')
        .flat_map(|line| wrap_line(line, &code(line), columns.max(1)))
        .collect()
}

/// The texts between backticks, with them.
fn code(line: &str) -> Vec<Range<usize>> {
    let ticks: Vec<usize> = line.match_indices('`').map(|(at, _)| at).collect();
    let pairs = ticks.chunks_exact(2);
    pairs.map(|pair| pair[0]..pair[1] + 1).collect()
}

/// One line as lines of at most `columns` columns; those after the first hang by two, so that they
/// are not taken for lines of their own. Tabs become blanks.
pub fn fold(line: &str, columns: usize) -> Vec<String> {
    let line = expand_tabs(line);
    if width(&line) <= columns {
        return vec![line];
    }
    let mut lines = wrap_line(&line, &[], columns.max(1));
    lines.truncate(1);
    let rest = line[lines[0].len()..].trim_start_matches(' ');
    let hanging = wrap_line(rest, &[], columns.saturating_sub(HANG.len()).max(1));
    lines.extend(hanging.iter().map(|line| format!("{HANG}{line}")));
    lines
}

const HANG: &str = "  ";

fn wrap_line(text: &str, whole: &[Range<usize>], columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut start = 0;
    for (end, _) in breaks(text, whole, columns) {
        let piece = &text[start..end];
        start = end;
        if width(&line) + width(piece.trim_end_matches(' ')) <= columns {
            line.push_str(piece);
            continue;
        }
        if !line.is_empty() {
            lines.push(finished(&line));
            line.clear();
        }
        for grapheme in piece.graphemes(true) {
            let full = width(&line) + width(grapheme) > columns;
            if full && grapheme != " " && !line.is_empty() {
                lines.push(finished(&line));
                line.clear();
            }
            line.push_str(grapheme);
        }
    }
    lines.push(finished(&line));
    lines
}

fn finished(line: &str) -> String {
    line.trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn wrapped(text: &str, columns: usize) -> String {
        wrap(text, columns)
            .iter()
            .map(|line| format!("|{line}|\n"))
            .collect()
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_snapshot!(wrapped("load is not attach, and attach is not run", 16), @r"
        |load is not|
        |attach, and|
        |attach is not|
        |run|
        ");
    }

    #[test]
    fn a_path_begins_a_line_where_it_does_not_fit() {
        assert_snapshot!(wrapped("it is in /tmp/a now", 12), @r"
        |it is in|
        |/tmp/a now|
        ");
    }

    #[test]
    fn chinese_breaks_anywhere_but_before_punctuation() {
        assert_snapshot!(wrapped("装入不是挂接。程序要先装入，再挂接。", 14), @r"
        |装入不是挂接。|
        |程序要先装入，|
        |再挂接。|
        ");
    }

    #[test]
    fn a_word_longer_than_the_line_is_cut() {
        assert_snapshot!(wrapped("see 0123456789abcdef now", 10), @r"
        |see|
        |0123456789|
        |abcdef now|
        ");
    }

    #[test]
    fn a_command_is_whole_where_it_fits_a_line() {
        assert_snapshot!(wrapped("get one with `tutor lab setup`, or pass `--on host`", 20), @r"
        |get one with|
        |`tutor lab setup`,|
        |or pass `--on host`|
        ");
        assert_snapshot!(wrapped("see `tutor lab setup --kernel 6.1`.", 20), @r"
        |see `tutor lab setup|
        |--kernel 6.1`.|
        ");
        assert_snapshot!(wrapped("see `show /sys/fs/bpf/hits --json` of it", 16), @r"
        |see `show|
        |/sys/fs/bpf/hits|
        |--json` of it|
        ");
    }

    #[test]
    fn empty_lines_and_line_ends_stay() {
        assert_snapshot!(wrapped("a\n\nb", 10), @r"
        |a|
        ||
        |b|
        ");
    }

    #[test]
    fn what_a_line_goes_on_with_hangs() {
        let folded = |line: &str| fold(line, 12).join("|");
        assert_eq!(
            folded("  load the kernel has it"),
            "  load the|  kernel has|  it"
        );
        assert_eq!(folded("short  "), "short  ");
        assert_eq!(folded("0123456789abcdef"), "0123456789ab|  cdef");
        assert_eq!(folded("a\tb"), "a       b");
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(expand_tabs("\ta\t世界\tb"), "        a       世界    b");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_nothing_but_blanks_is_lost(
            text in "[a-z 世界，。0-9`-]{0,60}", columns in 2usize..30
        ) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
