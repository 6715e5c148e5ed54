//! Applies the masks that a course declares. Their patterns are anybody's, so what is a token already
//! stays one.

use super::padding::{BLANKS, MOST_ROUNDS, compiled, once};
use crate::course::CourseMask;
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

static TOKEN: LazyLock<Regex> = LazyLock::new(|| compiled(r"\[[A-Z]+(?:-[A-Z]+)*\]"));

/// Returns the text with the mask's token in place of all that it hides.
///
/// Each round leaves less outside of tokens than there was, so after a few there is nothing left to
/// hide.
pub(super) fn apply<'t>(mask: &CourseMask, text: &'t str) -> Cow<'t, str> {
    let mut masked = Cow::Borrowed(text);
    for _ in 0..MOST_ROUNDS {
        let tokens: Vec<Range<usize>> = TOKEN
            .find_iter(&masked)
            .map(|token| token.range())
            .collect();
        let hidden = mask.hidden(&masked).map(|hidden| trimmed(&masked, hidden));
        let hidden = hidden.filter(|hidden| {
            let rest = TOKEN.replace_all(&masked[hidden.clone()], "");
            !rest.trim().is_empty() && !cuts(&tokens, hidden.start) && !cuts(&tokens, hidden.end)
        });
        match once(&masked, hidden, |_| Some(mask.token.clone())) {
            Cow::Owned(again) => masked = Cow::Owned(again),
            Cow::Borrowed(_) => break,
        }
    }
    masked
}

/// A part of a text without the blanks at its ends, which are padding.
fn trimmed(text: &str, part: Range<usize>) -> Range<usize> {
    let inner = text[part.clone()].trim_start_matches(BLANKS);
    let start = part.end - inner.len();
    start..start + inner.trim_end_matches(BLANKS).len()
}

/// True if a place lies within a token.
fn cuts(tokens: &[Range<usize>], place: usize) -> bool {
    let next = tokens.partition_point(|token| token.end <= place);
    tokens.get(next).is_some_and(|token| token.start < place)
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked_by;
    use super::*;
    use proptest::prelude::*;
    use regex::RegexBuilder;

    fn mask(pattern: &str) -> CourseMask {
        let pattern = RegexBuilder::new(pattern).multi_line(true).build();
        CourseMask::new(pattern.expect("a pattern"), "[PORT]".to_owned())
    }

    fn hidden(pattern: &str, text: &str) -> String {
        let mask = mask(pattern);
        masked_by(&|text| apply(&mask, text), text)
    }

    #[test]
    fn a_group_is_hidden_or_else_all_that_matches() {
        assert_eq!(
            hidden("port +([0-9]+)", "port    8080, 7\n"),
            "port [PORT], 7\n"
        );
        assert_eq!(hidden("port [0-9]+", "at port 8080, 7\n"), "at [PORT], 7\n");
        assert_eq!(hidden("a([0-9])|b([0-9])", "a1b2c3"), "a[PORT]b[PORT]c3");
        assert_eq!(
            hidden("^[0-9]+$", "7\n8 8\n 9\n10"),
            "[PORT]\n8 8\n 9\n[PORT]"
        );
    }

    #[test]
    fn what_is_a_token_already_stays_one() {
        assert_eq!(
            hidden(r"port (\S+)", "port [PID] port 7"),
            "port [PID] port [PORT]"
        );
        assert_eq!(hidden("[A-Z]+", "[PID] ID [PORT]"), "[PID] [PORT] [PORT]");
        assert_eq!(hidden("took .*", "it took [TIME] and 5"), "it [PORT]");
        assert_eq!(hidden(r"\](x)", "a]xxx"), "a][PORT][PORT][PORT]");
    }

    #[test]
    fn blanks_that_a_pattern_matches_are_padding() {
        assert_eq!(hidden("x| y|y ", "x  y  y"), "[PORT] [PORT] [PORT]");
        assert_eq!(hidden(r"\s+", "a  b\tc"), "a  b\tc");
    }

    #[test]
    fn a_pattern_that_takes_a_round_for_each_letter_comes_to_an_end_soon() {
        let text = "x".repeat(60_000);
        let masked = apply(&mask(r"\b(x)"), &text).into_owned();
        assert_eq!(masked.matches("[PORT]").count(), MOST_ROUNDS);
    }

    proptest! {
        #[test]
        fn whatever_the_pattern_twice_is_the_same_as_once(
            pattern in "([a-c\\]\\[. ]|\\\\S|\\\\s|[(]a|b[)]|[A-Z]+){1,5}", text in "[a-c A-C\\[\\]\n]{0,12}",
        ) {
            let Ok(pattern) = RegexBuilder::new(&pattern).build() else {
                return Ok(());
            };
            let mask = CourseMask::new(pattern, "[A-B]".to_owned());
            masked_by(&|text| apply(&mask, text), &text);
        }
    }
}
