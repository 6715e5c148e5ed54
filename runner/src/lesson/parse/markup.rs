//! The parts of a page's Markdown that reach a browser as more than text: raw HTML, addresses, attributes of
//! headings. Which of it may is said by [`crate::lesson::html`].

use pulldown_cmark::{Event, Options, Parser, Tag};
use std::ops::Range;

/// A part of a page that is more than text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markup {
    /// Its kind.
    pub kind: MarkupKind,
    /// Where it stands.
    pub span: Range<usize>,
}

/// The kind of a part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkupKind {
    /// Lines of HTML.
    Block,
    /// A tag or a comment within text.
    Tag,
    /// A link to this address.
    Link(String),
    /// An image at this address.
    Image(String),
    /// A heading that asks for classes or attributes.
    Attributes,
}

/// The Markdown that a lesson may have. Footnotes stay off: neither the terminal nor the study mode has a
/// foot to put them at.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_GFM);

// The Markdown that mdBook reads with the settings of an emitted book. It is more than lessons have:
// a footnote that is none in a lesson would be one there, with all that it holds.
const BOOK_OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_GFM)
    .union(Options::ENABLE_HEADING_ATTRIBUTES);

/// The parts of a page that are more than text, as mdBook reads it, in order.
pub fn markup(text: &str) -> Vec<Markup> {
    let mut found = Vec::new();
    for (event, span) in Parser::new_ext(text, BOOK_OPTIONS).into_offset_iter() {
        let kind = match event {
            Event::Start(Tag::HtmlBlock) => MarkupKind::Block,
            Event::InlineHtml(_) => MarkupKind::Tag,
            Event::Start(Tag::Link { dest_url, .. }) => MarkupKind::Link(dest_url.into_string()),
            Event::Start(Tag::Image { dest_url, .. }) => MarkupKind::Image(dest_url.into_string()),
            Event::Start(Tag::Heading { classes, attrs, .. })
                if !(classes.is_empty() && attrs.is_empty()) =>
            {
                MarkupKind::Attributes
            }
            _ => continue,
        };
        found.push(Markup { kind, span });
    }
    found
}
