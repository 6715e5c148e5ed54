//! Where headings, links and code stand in a lesson's Markdown: for the book, which keeps the text
//! as it was written and changes only these.

use super::backticks;
use super::markup::OPTIONS;
use crate::lesson::html::{HtmlAddress, addresses};
use crate::lesson::model::Lesson;
use pulldown_cmark::{CodeBlockKind, Event, LinkType, Parser, Tag, TagEnd};
use std::ops::Range;

/// A place in [`Lesson::source`] that a renderer which keeps the text must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A heading.
    Heading {
        /// 1 for `#`.
        level: u8,
        /// Its text without marks.
        text: String,
        /// Where it stands.
        span: Range<usize>,
        /// The place for an id in braces: the end of its line and closing `#` signs.
        id: Range<usize>,
    },
    /// A link or an image with text of its own in brackets.
    Link {
        /// Where it leads.
        url: String,
        /// Its text without marks.
        text: String,
        /// True for an image.
        image: bool,
        /// The mark before its text: `[` or `![`.
        open: Range<usize>,
        /// The mark after its text: `](url)` or `][name]`.
        close: Range<usize>,
    },
    /// An address in HTML.
    Address(HtmlAddress),
    /// A plain fence that stands in no list or quote.
    Code {
        /// The language that it names, if any.
        language: Option<String>,
        /// Its text.
        text: String,
        /// Where it stands, the lines of its fence included.
        span: Range<usize>,
    },
}

impl Mark {
    /// Where it begins.
    pub fn start(&self) -> usize {
        match self {
            Mark::Heading { span, .. } => span.start,
            Mark::Link { open, .. } => open.start,
            Mark::Address(address) => address.span.start,
            Mark::Code { span, .. } => span.start,
        }
    }
}

/// The headings, links and plain fences of a lesson, in the order of the text.
pub fn marks(lesson: &Lesson) -> Vec<Mark> {
    let start = lesson.blocks.first().map_or(0, |block| block.span().start);
    let hidden = backticks::hide(&lesson.source, start);
    let mut reader = MarkReader {
        source: &lesson.source,
        marks: Vec::new(),
        headings: Vec::new(),
        links: Vec::new(),
        code: None,
        depth: 0,
    };
    for (event, range) in Parser::new_ext(&hidden.text[start..], OPTIONS).into_offset_iter() {
        reader.take(event, start + range.start..start + range.end);
    }
    reader.marks.sort_by_key(Mark::start);
    reader.marks
}

struct MarkReader<'a> {
    source: &'a str,
    marks: Vec<Mark>,
    /// Headings whose end has not come yet.
    headings: Vec<String>,
    /// Links whose end has not come yet.
    links: Vec<OpenLink>,
    code: Option<(Option<String>, String)>,
    /// How many lists and quotes are open.
    depth: usize,
}

struct OpenLink {
    url: String,
    text: String,
    image: bool,
    inline: bool,
    /// Where its text ends, as far as it was read.
    text_end: usize,
}

impl MarkReader<'_> {
    fn take(&mut self, event: Event<'_>, span: Range<usize>) {
        if let Some(link) = self.links.last_mut()
            && !matches!(event, Event::End(_))
        {
            link.text_end = link.text_end.max(span.end);
        }
        match event {
            Event::Start(tag) => self.begin(tag, &span),
            Event::End(tag) => self.end(tag, &span),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::InlineHtml(_) => self.addresses(&span),
            Event::Html(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Rule
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn addresses(&mut self, span: &Range<usize>) {
        for mut address in addresses(&self.source[span.clone()]) {
            for place in [&mut address.span, &mut address.carrier] {
                *place = span.start + place.start..span.start + place.end;
            }
            self.marks.push(Mark::Address(address));
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(heading) = self.headings.last_mut() {
            heading.push_str(text);
        }
        for link in &mut self.links {
            link.text.push_str(text);
        }
    }

    fn begin(&mut self, tag: Tag<'_>, span: &Range<usize>) {
        match tag {
            Tag::Heading { .. } => self.headings.push(String::new()),
            Tag::List(_) | Tag::BlockQuote(_) => self.depth += 1,
            Tag::HtmlBlock => self.addresses(span),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) if self.depth == 0 => {
                self.code = Some((language(&info), String::new()));
            }
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => self.links.push(OpenLink {
                url: dest_url.into_string(),
                text: String::new(),
                image: false,
                inline: has_text(link_type),
                text_end: span.start + 1,
            }),
            Tag::Image {
                link_type,
                dest_url,
                ..
            } => self.links.push(OpenLink {
                url: dest_url.into_string(),
                text: String::new(),
                image: true,
                inline: has_text(link_type),
                text_end: span.start + 2,
            }),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, span: &Range<usize>) {
        match tag {
            TagEnd::Heading(level) => {
                if let Some(text) = self.headings.pop() {
                    let id = heading_end(self.source, span);
                    self.marks.push(Mark::Heading {
                        level: level as u8,
                        text,
                        span: span.clone(),
                        id,
                    });
                }
            }
            TagEnd::List(_) | TagEnd::BlockQuote(_) => self.depth = self.depth.saturating_sub(1),
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    let written = self.source[span.clone()].trim_end().len();
                    let span = span.start..span.start + written;
                    let code = Mark::Code {
                        language,
                        text,
                        span,
                    };
                    self.marks.push(code);
                }
            }
            TagEnd::Link | TagEnd::Image => self.end_link(span),
            _ => {}
        }
    }

    fn end_link(&mut self, span: &Range<usize>) {
        let Some(link) = self.links.pop() else {
            return;
        };
        let rest = &self.source[link.text_end.min(span.end)..span.end];
        let Some(bracket) = rest.find(']').filter(|_| link.inline) else {
            return;
        };
        self.marks.push(Mark::Link {
            url: link.url,
            text: link.text,
            image: link.image,
            open: span.start..span.start + 1 + usize::from(link.image),
            close: link.text_end + bracket..span.end,
        });
    }
}

/// The word that says which language it is.
fn language(info: &str) -> Option<String> {
    let word = info.split([' ', '\t', '{']).next().unwrap_or_default();
    Some(word.to_owned()).filter(|word| !word.is_empty())
}

/// False for `<https://…>`, which is its own text.
fn has_text(link: LinkType) -> bool {
    !matches!(link, LinkType::Autolink | LinkType::Email)
}

/// The place for an id in the heading at `span`.
fn heading_end(source: &str, span: &Range<usize>) -> Range<usize> {
    let text = source[span.clone()].trim_end();
    let end = span.start + text.len();
    if text.starts_with('#') {
        let open = text.trim_end_matches('#');
        // `# C#` has no closing signs: those stand after a blank.
        let closed = open.len() < text.len() && open.ends_with([' ', '\t']);
        let content = if closed { open.trim_end() } else { text };
        return span.start + content.len()..end;
    }
    let content = text.rfind('\n').map_or(text, |line| &text[..line]);
    let at = span.start + content.trim_end().len();
    at..at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse;
    use insta::assert_snapshot;
    use std::path::Path;

    /// The marks of a text: what an id, a link's ends, or a fence stand on.
    fn marked(text: &str) -> String {
        let source = format!("---\nformat: 1\nname: a\ntitle: A\n---\n{text}");
        let (lesson, _) = parse(
            "lesson-1",
            Path::new("lessons/lesson-1.md"),
            &source,
            &|_| Err(crate::lesson::NotIncluded::Missing),
        );
        let line = |mark: &Mark| match mark {
            Mark::Heading {
                level, text, id, ..
            } => {
                let before = source[..id.start].rsplit('\n').next().unwrap_or_default();
                format!("{level} {text:?}: {before:?} + {:?}", &source[id.clone()])
            }
            Mark::Link {
                url,
                text,
                image,
                open,
                close,
            } => format!(
                "{url}: {}{text:?}: {:?} {:?} {:?}",
                if *image { "image " } else { "" },
                &source[open.clone()],
                &source[open.end..close.start],
                &source[close.clone()]
            ),
            Mark::Address(HtmlAddress {
                url, image, span, ..
            }) => {
                let image = if *image { "image " } else { "" };
                format!("{url}: {image}{:?}", &source[span.clone()])
            }
            Mark::Code {
                language,
                text,
                span,
            } => format!("{language:?} {text:?} at {:?}", &source[span.clone()]),
        };
        marks(&lesson)
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_end_of_a_heading_is_found() {
        let text = "# A `b` c\n\n## D ## \n\n### C#\n\n##\n\nE\nf\n---\n\n> # G\n";
        assert_snapshot!(marked(text), @r####"
        1 "A b c": "# A `b` c" + ""
        2 "D": "## D" + " ##"
        3 "C#": "### C#" + ""
        2 "": "##" + ""
        2 "E f": "f" + ""
        1 "G": "> # G" + ""
        "####);
    }

    #[test]
    fn a_link_is_its_text_and_what_stands_around_it() {
        let text = "[a](b.md) [*c* `]` d](<e f>) [g][h] [h] ![i \\]](j.png \"k\") <https://l.m>\n\
            [](n) [![o](p)](q)\n\n[h]: http://x.y\n";
        assert_snapshot!(marked(text), @r#"
        b.md: "a": "[" "a" "](b.md)"
        e f: "c ] d": "[" "*c* `]` d" "](<e f>)"
        http://x.y: "g": "[" "g" "][h]"
        http://x.y: "h": "[" "h" "]"
        j.png: image "i ]": "![" "i \\]" "](j.png \"k\")"
        n: "": "[" "" "](n)"
        q: "o": "[" "![o](p)" "](q)"
        p: image "o": "![" "o" "](p)"
        "#);
    }

    #[test]
    fn the_addresses_of_html_are_marks_too() {
        let text = "a <a href=\"b.md\">c</a> `<img src=\"d\">`\n\n<p>\n<img\nsrc='e.png'>\n</p>\n";
        assert_snapshot!(marked(text), @r#"
        b.md: "b.md"
        e.png: image "e.png"
        "#);
    }

    #[test]
    fn a_plain_fence_is_code_and_one_in_a_list_is_not() {
        let text = "```c\n# a\n[b](c)\n```\ntext\n~~~\nd\n~~~\n\n- e\n\n  ```\n  f\n  ```\n";
        assert_snapshot!(marked(text), @r##"
        Some("c") "# a\n[b](c)\n" at "```c\n# a\n[b](c)\n```"
        None "d\n" at "~~~\nd\n~~~"
        "##);
    }
}
