//! A placeholder takes the padding beside it: a number that got one digit longer moves no column.

use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;

/// A regular expression from a literal of ours.
pub(super) fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a mask's pattern is a literal that its tests compile")
}

/// Replaces the group of every match by the token: a pattern has one in each alternative.
///
/// Runs of blanks on both sides of the group become one blank; none at an end of the line and
/// none after an opening bracket or `=`, where a longer number would leave none either. A `=` with
/// a blank in front has one behind it as well.
pub(super) fn replaced<'t>(pattern: &Regex, text: &'t str, token: &str) -> Cow<'t, str> {
    replaced_by(pattern, text, |_| Some(token.to_owned()))
}

/// The same where the token depends on what was found; `None` leaves it as it is.
///
/// A token can make a word border where there was none, so a changed text is looked at again.
/// That ends: each round takes digits away, and no token holds any.
pub(super) fn replaced_by<'t>(
    pattern: &Regex,
    text: &'t str,
    token: impl Fn(&str) -> Option<String>,
) -> Cow<'t, str> {
    let mut masked = once(text, groups(pattern, text), &token);
    while let Cow::Owned(again) = once(&masked, groups(pattern, &masked), &token) {
        masked = Cow::Owned(again);
    }
    masked
}

/// The first group of each match that has one.
fn groups(pattern: &Regex, text: &str) -> impl Iterator<Item = Range<usize>> {
    let found = pattern.captures_iter(text);
    found.filter_map(|found| Some(found.iter().skip(1).flatten().next()?.range()))
}

/// Replaces these parts of a text by their token, with the padding beside them.
pub(super) fn once<'t>(
    text: &'t str,
    hidden: impl Iterator<Item = Range<usize>>,
    token: impl Fn(&str) -> Option<String>,
) -> Cow<'t, str> {
    let mut masked = String::new();
    let mut copied = 0;
    for hidden in hidden {
        let Some(token) = token(&text[hidden.clone()]) else {
            continue;
        };
        let before = &text[copied..hidden.start];
        let kept = before.trim_end_matches(BLANKS);
        masked.push_str(kept);
        let opened = masked.is_empty() || masked.ends_with(OPENERS);
        if is_behind_a_sign(&masked) || (kept.len() < before.len() && !opened) {
            masked.push(' ');
        }
        masked.push_str(&token);
        let after = &text[hidden.end..];
        let rest = after.trim_start_matches(BLANKS);
        let at_line_end = rest.is_empty() || rest.starts_with('\n');
        if rest.len() < after.len() && !at_line_end {
            masked.push(' ');
        }
        copied = text.len() - rest.len();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// True behind ` = `, ` == `, ` != ` and the like.
fn is_behind_a_sign(before: &str) -> bool {
    let sign_from = before.trim_end_matches(['=', '!', '<', '>']);
    before.ends_with('=') && sign_from.ends_with(BLANKS)
}

/// How often a text is looked at again, at most. A token can make a border where there was none, so
/// that more is found; a pattern that takes one letter in each round would take forever.
pub(super) const MOST_ROUNDS: usize = 50;

pub(super) const BLANKS: [char; 2] = [' ', '\t'];

const OPENERS: [char; 6] = ['\n', '[', '(', '{', '=', '"'];

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers_hidden(text: &str) -> String {
        replaced(&compiled("([0-9]+)"), text, "[N]").into_owned()
    }

    #[test]
    fn columns_do_not_move_when_a_number_gets_longer() {
        assert_eq!(numbers_hidden("a    7   b"), numbers_hidden("a 12345   b"));
        assert_eq!(numbers_hidden("    7: b"), numbers_hidden("12345: b"));
        assert_eq!(numbers_hidden("[    7.5] b"), numbers_hidden("[12345.5] b"));
        assert_eq!(numbers_hidden("a     7  \nb"), numbers_hidden("a 12345\nb"));
    }

    #[test]
    fn two_numbers_side_by_side_share_their_padding() {
        assert_eq!(numbers_hidden("1    2\n 3"), "[N] [N]\n[N]");
    }

    #[test]
    fn a_sign_between_blanks_keeps_one_on_each_side() {
        for line in ["a = 7", "a =     7", "a =12345"] {
            assert_eq!(numbers_hidden(line), "a = [N]");
        }
        assert_eq!(numbers_hidden("a=   7"), numbers_hidden("a=12345"));
        assert_eq!(numbers_hidden("a == 7, b != 8"), "a == [N], b != [N]");
    }
}
