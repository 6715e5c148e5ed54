//! References that are not defined: `[the words][label]` without a line `[label]: …`.
//!
//! Markdown takes one for text. Only what can hardly be meant as text is named: `array[i][j]` and
//! `[1]` are prose.

use crate::diagnostic::Findings;
use std::ops::Range;

/// Two pairs of brackets, of which the second holds a label that no line defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undefined {
    pub label: String,
    /// Where it stands, both pairs included, and the `!` of an image.
    pub span: Range<usize>,
}

/// Names the references that were meant as links, and the footnotes. `defined` are the labels of the
/// page and the lines that define them.
pub(crate) fn lints(
    undefined: &[Undefined],
    defined: &[(String, Range<usize>)],
    source: &str,
    findings: &mut Findings,
) {
    for (label, span) in defined.iter().filter(|(label, _)| label.starts_with('^')) {
        findings.warning(
            span.clone(),
            format!("a lesson has no footnotes, so what `[{label}]` says is shown nowhere"),
            "put it into the text".to_owned(),
        );
    }
    for reference in undefined {
        let label = reference.label.as_str();
        let known = defined.iter().map(|(label, _)| label.as_str());
        let meant = findings.guesses.nearest(label, known);
        if !is_link(source, reference, meant) {
            continue;
        }
        let help = match meant {
            Some(meant) => format!("did you mean `[{meant}]`?"),
            None => format!(
                "define it on a line of its own, `[{label}]: https://…`, or write a backslash before the brackets"
            ),
        };
        findings.warning(
            reference.span.clone(),
            format!("`[{label}]` is not defined, so this is text and no link"),
            help,
        );
    }
}

fn is_link(source: &str, reference: &Undefined, meant: Option<&str>) -> bool {
    let span = &reference.span;
    let before = source[..span.start].chars().next_back();
    let after = source[span.end..].chars().next();
    // `array[i][j]`, `f(x)[i][j]`, `a[i][j][k]`.
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || "_)]`".contains(c)) || after == Some('[')
    {
        return false;
    }
    // `[LESSON][--only STEP]`, `[…][…]`.
    if !reference.label.starts_with(char::is_alphanumeric) {
        return false;
    }
    let written = &source[span.clone()];
    let words = written
        .rsplit_once("][")
        .map_or(written, |(words, _)| words);
    words.starts_with('!')
        || meant.is_some() && reference.label.len() > 2
        || is_phrase(words)
        || is_word(words.trim_start_matches('[')) && is_word(&reference.label)
}

/// True for one word as it stands in a sentence, and false for an index.
fn is_word(text: &str) -> bool {
    text.len() > 2 && text.chars().all(|c| c.is_ascii_lowercase())
}

/// True for words as they stand in a sentence, and false for `i` and `i + 1`.
fn is_phrase(text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    // Some languages put no blanks between words.
    let others = text.chars().filter(|c| c.is_alphabetic() && !c.is_ascii());
    others.count() >= 2
        || text
            .split_whitespace()
            .filter(|word| letters(word) >= 2)
            .count()
            >= 2
}

#[cfg(test)]
mod tests {
    use crate::lesson::parse::read;
    use crate::lesson::parse::tests::told;
    use insta::assert_snapshot;
    use std::path::Path;

    /// The references of a text that are named; line 1 is the text's first.
    fn named(text: &str) -> String {
        let source = format!(
            "---\nformat: 1\nname: a\ntitle: A\n---\n{text}\n\n# A\n\n```sh {{id=a}}\ntrue\n```\n"
        );
        let reading = read("a", Path::new("lessons/a.md"), &source, &|_| {
            Err(crate::lesson::NotIncluded::Missing)
        });
        assert_eq!(reading.diagnostics, []);
        told(&reading.lints, &source)
    }

    #[test]
    fn a_reference_of_words_needs_its_label() {
        assert_snapshot!(named(
            "See [the kernel's\npages][kernel], ![a picture][picture], or [的文档][docs].\n\
             > *[`bpf_trace_printk` in short][1]*\n"
        ), @r#"
        1:5 "[the kernel's\npages][kernel]" `[kernel]` is not defined, so this is text and no link
            define it on a line of its own, `[kernel]: https://…`, or write a backslash before the brackets
        2:17 "![a picture][picture]" `[picture]` is not defined, so this is text and no link
            define it on a line of its own, `[picture]: https://…`, or write a backslash before the brackets
        2:43 "[的文档][docs]" `[docs]` is not defined, so this is text and no link
            define it on a line of its own, `[docs]: https://…`, or write a backslash before the brackets
        3:4 "[`bpf_trace_printk` in short][1]" `[1]` is not defined, so this is text and no link
            define it on a line of its own, `[1]: https://…`, or write a backslash before the brackets
        "#);
    }

    #[test]
    fn a_label_that_is_nearly_one_of_the_page_was_meant() {
        assert_snapshot!(named("[Here][kernal] and [here][Kernel].\n\n[kernel]: https://docs.kernel.org\n"), @r#"
        1:1 "[Here][kernal]" `[kernal]` is not defined, so this is text and no link
            did you mean `[kernel]`?
        "#);
    }

    #[test]
    fn a_reference_of_one_word_needs_its_label_too() {
        assert_snapshot!(named("[file][nolabel]: it stands [here][elsewhere].\n"), @r#"
        1:1 "[file][nolabel]" `[nolabel]` is not defined, so this is text and no link
            define it on a line of its own, `[nolabel]: https://…`, or write a backslash before the brackets
        1:28 "[here][elsewhere]" `[elsewhere]` is not defined, so this is text and no link
            define it on a line of its own, `[elsewhere]: https://…`, or write a backslash before the brackets
        "#);
    }

    #[test]
    fn a_footnote_is_named() {
        assert_snapshot!(named("Once[^1] and[^2].\n\n[^1]: foot\n[^2]: It is text.\n"), @r#"
        3:1 "[^1]: foot" a lesson has no footnotes, so what `[^1]` says is shown nowhere
            put it into the text
        "#);
    }

    #[test]
    fn brackets_in_prose_are_prose() {
        assert_eq!(
            named(
                "`a[b c][d]` array[i][j], the element [i][j], [1], [1][2], [the first part], [a b][],\n\
                 m[row of it][column], call(x)[some text][more], [one two][three][four], \\[not this][one],\n\
                 [i + 1][n - 1], [x, 0][1, y], vec![some text][nope], [LESSON NAME][--only STEP], [α][β],\n\
                 [^1], [ ][x], <https://a.b>\n\n```\n[some text][nope]\n```\n\n[i]: https://a.b\n"
            ),
            ""
        );
    }
}
