//! Keeps what a lesson's prose says from being more than prose: HTML that is not allowed becomes text,
//! and so do links that would run something.
//!
//! It reads the finished page as mdBook will. What an edit uncovers is found in the next round, and
//! prose that is still not clean after a few is shown as it was written.

use super::code::{CODE_CLOSES, CODE_OPENS};
use super::html;
use crate::lesson::html::{allowed, is_address, is_image};
use crate::lesson::{MarkupKind, markup};
use crate::visible::visible_text;
use std::ops::Range;

/// A part of a page.
pub enum PagePart {
    /// Markdown that the book made of a step, a file, or a fact: safe already.
    Made(String),
    /// Prose of a lesson.
    Prose(String),
}

impl PagePart {
    /// Its Markdown.
    pub fn text(&self) -> &str {
        match self {
            PagePart::Made(text) | PagePart::Prose(text) => text,
        }
    }
}

/// Edits uncover others only where somebody meant them to.
const MOST_ROUNDS: usize = 8;

/// A page of these parts.
pub fn page(parts: &[PagePart]) -> String {
    let mut page = String::new();
    let mut prose = Vec::new();
    for part in parts.iter().filter(|part| !part.text().trim().is_empty()) {
        if !page.is_empty() {
            page.push_str("\n\n");
        }
        let start = page.len();
        let text = part.text().trim_matches('\n');
        match part {
            PagePart::Made(_) => page.push_str(text),
            PagePart::Prose(_) => {
                page.push_str(&visible_text(text));
                prose.push(start..page.len());
            }
        }
    }
    page.push('\n');
    for _ in 0..MOST_ROUNDS {
        let edits = edits(&page, &prose);
        if edits.is_empty() {
            return page;
        }
        apply(edits, &mut page, &mut prose);
    }
    let dirty = edits(&page, &prose);
    let is_dirty = |part: &&Range<usize>| {
        let first = dirty.partition_point(|edit| edit.span.start < part.start);
        dirty
            .get(first)
            .is_some_and(|edit| edit.span.start < part.end)
    };
    let shown = prose.iter().filter(is_dirty).map(|part| Edit {
        span: part.clone(),
        text: shown(&page[part.clone()]),
    });
    apply(shown.collect(), &mut page, &mut prose);
    page
}

struct Edit {
    span: Range<usize>,
    text: String,
}

/// The edits that the prose of a page needs, in order.
fn edits(page: &str, prose: &[Range<usize>]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for found in markup(page) {
        let span = found.span;
        let at = prose.partition_point(|part| part.end <= span.start);
        let Some(part) = prose.get(at).filter(|part| part.start <= span.start) else {
            continue;
        };
        let end = span.start + page[span.clone()].trim_end().len();
        let inside = span.start..end.min(part.end);
        let written = &page[inside.clone()];
        let text = match &found.kind {
            MarkupKind::Block if is_code(written) => continue,
            MarkupKind::Block | MarkupKind::Tag => match allowed(written) {
                Ok(kept) if end <= part.end && kept == written => continue,
                Ok(kept) if end <= part.end => kept,
                Ok(_) | Err(_) => match found.kind {
                    MarkupKind::Block => shown(written),
                    _ => html::markdown_lines(written),
                },
            },
            MarkupKind::Link(url) if is_address(url) => continue,
            MarkupKind::Image(url) if is_image(url) => continue,
            MarkupKind::Link(_) | MarkupKind::Image(_) => literal(written),
            MarkupKind::Attributes => written.replace('{', "&#123;"),
        };
        // An edit inside the last one waits for the next round.
        if edits
            .last()
            .is_none_or(|last| last.span.end <= inside.start)
        {
            edits.push(Edit { span: inside, text });
        }
    }
    edits
}

/// True for a block as the book makes it of code: text and the classes of its parts, and nothing else.
fn is_code(html: &str) -> bool {
    let inner = html
        .strip_prefix(CODE_OPENS)
        .and_then(|rest| rest.strip_suffix(CODE_CLOSES));
    inner.is_some_and(|inner| {
        inner.split('<').skip(1).all(|tag| {
            let class = tag.strip_prefix("span class=\"tk-");
            let class = class.and_then(|rest| rest.split_once("\">"));
            tag.starts_with("/span>")
                || class.is_some_and(|(class, _)| class.bytes().all(|b| b.is_ascii_lowercase()))
        })
    })
}

/// A link as the text that it is written as.
fn literal(link: &str) -> String {
    match link.strip_prefix('!') {
        Some(rest) => format!("\\!\\{rest}"),
        None => format!("\\{link}"),
    }
}

/// Lines as they were written, on one line, since they may stand in a list or a quote.
fn shown(text: &str) -> String {
    let text = html::text(text).replace('\n', "&#10;");
    format!("{CODE_OPENS}{text}{CODE_CLOSES}")
}

fn apply(edits: Vec<Edit>, page: &mut String, prose: &mut [Range<usize>]) {
    let mut edited = String::with_capacity(page.len() + 64 * edits.len());
    let mut at = 0;
    // Where each edit ends, before and after.
    let mut ends = vec![(0, 0)];
    for Edit { span, text } in edits {
        edited.push_str(&page[at..span.start]);
        edited.push_str(&text);
        at = span.end;
        ends.push((at, edited.len()));
    }
    edited.push_str(&page[at..]);
    *page = edited;
    let moved = |at: usize| {
        let (before, after) = ends[ends.partition_point(|(end, _)| *end <= at) - 1];
        after + at - before
    };
    for part in prose {
        *part = moved(part.start)..moved(part.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn cleaned(prose: &str) -> String {
        page(&[PagePart::Prose(prose.to_owned())])
    }

    #[test]
    fn what_prose_needs_stays_as_it_is() {
        let prose = "Press <kbd>Ctrl</kbd>-<kbd>C</kbd>.<br>\n\n<details>\n<summary>More</summary>\n\n\
            [a](https://a.b) <https://c.d> ![e](f.png) [g](mailto:h@i) 1 < 2 && a[b](c)\n\n</details>\n\n\
            | a |\n|---|\n| <b>c</b> |\n\n- <sub>x</sub>\n\n```html\n<script>\n```\n\n    <script>\n\n`<script>`\n";
        assert_eq!(cleaned(prose), prose);
    }

    #[test]
    fn what_would_be_more_than_prose_is_shown() {
        for (prose, expected) in [
            ("a <!-- b --> c", "a  c\n"),
            ("<!-- b -->", "\n"),
            ("a <script>b</script>", "a \\<script\\>b\\</script\\>\n"),
            ("[a](javascript:b)", "\\[a](javascript:b)\n"),
            ("![a](data:b)", "\\!\\[a](data:b)\n"),
            ("<javascript:b>", "\\<javascript:b>\n"),
            ("[a](java&#115;cript:b)", "\\[a](java&#115;cript:b)\n"),
            (
                "[a][b]\n\n[b]: JavaScript:c",
                "\\[a]\\[b]\n\n[b]: JavaScript:c\n",
            ),
        ] {
            assert_eq!(cleaned(prose), expected, "{prose}");
        }
    }

    #[test]
    fn blocks_become_text_on_one_line_wherever_they_stand() {
        assert_snapshot!(cleaned(
            "a\n\n<script>\nb\n\n[c](javascript:d)\n</script>\n\n- <iframe src=\"x\">\n  e\n\n> <style>\n> f\n\n[^1]: <base href=\"g\">\n\nh[^1]\n\n<!-- no end\n\n<script>i</script>\n"
        ), @r#"
        a

        <pre class="tutor-code"><code class="nohighlight">&lt;script&gt;&#10;b&#10;&#10;[c](javascript:d)&#10;&lt;/script&gt;</code></pre>

        - <pre class="tutor-code"><code class="nohighlight">&lt;iframe src=&quot;x&quot;&gt;&#10;&#32; e</code></pre>

        > <pre class="tutor-code"><code class="nohighlight">&lt;style&gt;&#10;&gt; f</code></pre>

        [^1]: <pre class="tutor-code"><code class="nohighlight">&lt;base href=&quot;g&quot;&gt;</code></pre>

        h[^1]

        <pre class="tutor-code"><code class="nohighlight">&lt;!-- no end&#10;&#10;&lt;script&gt;i&lt;/script&gt;</code></pre>
        "#);
    }

    #[test]
    fn what_an_edit_uncovers_is_found_too() {
        for prose in [
            "<scr<!-- -->ipt>alert(1)</scr<!-- -->ipt>",
            "[a](java<!-- -->script:b)",
            "<x [a](javascript:b) y=\"<script>\">",
            "<script><!-- </script><script>a</script> -->",
            "<div><!-- --></div><script>a</script>",
            "[^a]: ## b {onclick=c}\n\nd[^a]",
            "[a <img src=x onerror=b>](javascript:c)",
            "[![a](data:b)](javascript:c)",
            "[<javascript:a>](b)",
            "<a href=\"b\" [c](javascript:d)>",
        ] {
            let page = cleaned(prose);
            assert!(
                edits(&page, std::slice::from_ref(&(0..page.len() - 1))).is_empty(),
                "{prose}: {page}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_mixture_is_clean_afterwards(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "<", ">", "<!--", "-->", "<script>", "</script>", "<b>", "<a href=\"", "\"", "'", "[", "]",
                "(", ")", "](javascript:x)", "![", "[a]: javascript:x", "[a]", "[^1]", ":", "\n", "\n\n",
                "- ", "> ", "`", "```", "    ", "\\", "&lt;", "# ", " {#a onclick=b}", "|", "---", "a", " ",
                "<!DOCTYPE", "<?", "<![CDATA[", "]]>", "<pre>", "<details>", "*", "javascript:x", "\u{200b}",
            ]), 0..24)
        ) {
            let page = super::page(&[
                PagePart::Prose(pieces.concat()),
                PagePart::Made("<pre>made</pre>".to_owned()),
                PagePart::Prose(pieces.concat()),
            ]);
            let ours = page.find("<pre>made</pre>");
            for found in markup(&page) {
                let text = &page[found.span.clone()];
                let is_clean = match &found.kind {
                    MarkupKind::Block | MarkupKind::Tag => {
                        is_code(text.trim_end())
                            || text.starts_with("<pre>made</pre>")
                            || allowed(text.trim_end()).as_deref() == Ok(text.trim_end())
                    }
                    MarkupKind::Link(url) => is_address(url),
                    MarkupKind::Image(url) => is_image(url),
                    MarkupKind::Attributes => false,
                };
                proptest::prop_assert!(is_clean, "{text:?} in {page:?} {ours:?}");
            }
        }
    }
}
