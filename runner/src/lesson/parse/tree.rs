//! Builds prose of our own from the Markdown parser's events.

use crate::lesson::names::Claims;
use crate::lesson::prose::{Inline, Node, plain_text};
use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, Tag, TagEnd};
use std::ops::Range;

// Text nested deeper than this is kept and its nesting is not, so that whoever walks the tree may
// recurse. A page for people comes nowhere near it.
const DEEPEST: usize = 40;

/// The nodes so far, and the containers that are still open.
#[derive(Default)]
pub(super) struct ProseBuilder {
    /// The links that bind checks.
    pub claims: Claims,
    done: Container,
    open: Vec<(ContainerKind, Container)>,
    /// How many containers are open that were too deep to be kept.
    skipped: usize,
}

/// The kind of an open container.
enum ContainerKind {
    Paragraph,
    Heading(u8),
    Quote,
    Code(Option<String>),
    Html,
    List(Option<u64>),
    Item,
    Table,
    Row,
    Cell,
    Emphasis,
    Strong,
    Strikethrough,
    Link(String),
    Image(String),
    /// Something that has no shape of its own.
    Plain,
}

/// The contents of an open container so far.
#[derive(Default)]
struct Container {
    nodes: Vec<Node>,
    inlines: Vec<Inline>,
    text: String,
    items: Vec<Vec<Node>>,
    cells: Vec<Vec<Inline>>,
    rows: Vec<Vec<Vec<Inline>>>,
}

impl Container {
    /// The nodes, with loose inline content (a tight list item has such) as a paragraph.
    fn into_nodes(mut self) -> Vec<Node> {
        self.flush();
        self.nodes
    }

    fn flush(&mut self) {
        if !self.inlines.is_empty() {
            let inlines = std::mem::take(&mut self.inlines);
            self.nodes.push(Node::Paragraph(inlines));
        }
    }

    fn push(&mut self, node: Node) {
        self.flush();
        self.nodes.push(node);
    }
}

impl ProseBuilder {
    /// True if no container is open.
    pub fn is_top(&self) -> bool {
        self.open.is_empty() && self.skipped == 0
    }

    /// The nodes since the last time.
    pub fn finish(&mut self) -> Vec<Node> {
        std::mem::take(&mut self.done).into_nodes()
    }

    /// Takes the next event; `span` is its place in the source.
    pub fn take(&mut self, event: Event<'_>, span: Range<usize>) {
        match event {
            Event::Start(tag) => self.begin(tag, span),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.claims.text(&text);
                self.inline(Inline::Code(text.into_string()));
            }
            Event::SoftBreak => {
                self.claims.text(" ");
                self.inline(Inline::SoftBreak);
            }
            Event::HardBreak => {
                self.claims.text(" ");
                self.inline(Inline::HardBreak);
            }
            Event::Html(text) => self.top().text.push_str(&text),
            Event::InlineHtml(text) => self.inline(Inline::Html(text.into_string())),
            Event::Rule => self.top().push(Node::Rule),
            // Both belong to extensions that are off.
            Event::FootnoteReference(text) => self.text(&text),
            Event::TaskListMarker(_) => {}
        }
    }

    /// A code block begins.
    pub fn begin_code(&mut self, language: Option<String>) {
        self.open(ContainerKind::Code(language));
    }

    /// Text of a paragraph, or of a code block.
    pub fn text(&mut self, text: &str) {
        if let Some((ContainerKind::Code(_) | ContainerKind::Html, frame)) = self.open.last_mut() {
            frame.text.push_str(text);
            return;
        }
        self.claims.text(text);
        if let Some(Inline::Text(last)) = self.top().inlines.last_mut() {
            last.push_str(text);
            return;
        }
        self.inline(Inline::Text(text.to_owned()));
    }

    fn top(&mut self) -> &mut Container {
        match self.open.last_mut() {
            Some((_, frame)) => frame,
            None => &mut self.done,
        }
    }

    fn inline(&mut self, inline: Inline) {
        self.top().inlines.push(inline);
    }

    fn open(&mut self, kind: ContainerKind) {
        if self.open.len() >= DEEPEST || self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        self.open.push((kind, Container::default()));
    }

    fn begin(&mut self, tag: Tag<'_>, span: Range<usize>) {
        let alert = match &tag {
            Tag::BlockQuote(kind) => *kind,
            _ => None,
        };
        let kind = match tag {
            Tag::Paragraph => ContainerKind::Paragraph,
            Tag::Heading { level, .. } => ContainerKind::Heading(level as u8),
            Tag::BlockQuote(_) => ContainerKind::Quote,
            Tag::CodeBlock(CodeBlockKind::Indented) => ContainerKind::Code(None),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                ContainerKind::Code(Some(info.into_string()))
            }
            Tag::HtmlBlock => ContainerKind::Html,
            Tag::List(start) => ContainerKind::List(start),
            Tag::Item => ContainerKind::Item,
            Tag::Table(_) => ContainerKind::Table,
            Tag::TableHead | Tag::TableRow => ContainerKind::Row,
            Tag::TableCell => ContainerKind::Cell,
            Tag::Emphasis => ContainerKind::Emphasis,
            Tag::Strong => ContainerKind::Strong,
            Tag::Strikethrough => ContainerKind::Strikethrough,
            Tag::Link { dest_url, .. } => {
                self.claims.begin(&dest_url, span);
                ContainerKind::Link(dest_url.into_string())
            }
            Tag::Image { dest_url, .. } => ContainerKind::Image(dest_url.into_string()),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_)
            | Tag::Superscript
            | Tag::Subscript => ContainerKind::Plain,
        };
        if matches!(
            kind,
            ContainerKind::List(_)
                | ContainerKind::Quote
                | ContainerKind::Paragraph
                | ContainerKind::Table
        ) {
            self.claims.close();
        }
        self.open(kind);
        if let Some(alert) = alert {
            // As GitHub shows it: a label above the text.
            let label = Inline::Text(label(alert).to_owned());
            let node = Node::Paragraph(vec![Inline::Strong(vec![label])]);
            self.top().push(node);
        }
    }

    /// A container ends.
    pub fn end(&mut self, tag: TagEnd) {
        if tag == TagEnd::Link {
            self.claims.end();
        }
        if matches!(
            tag,
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell
        ) {
            self.claims.close();
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let Some((kind, frame)) = self.open.pop() else {
            return;
        };
        self.close(kind, frame);
    }

    fn close(&mut self, kind: ContainerKind, frame: Container) {
        let outer = self.top();
        match kind {
            ContainerKind::Paragraph => outer.push(Node::Paragraph(frame.inlines)),
            ContainerKind::Heading(level) => outer.push(Node::Heading {
                level,
                content: frame.inlines,
            }),
            ContainerKind::Quote => outer.push(Node::Quote(frame.into_nodes())),
            ContainerKind::Code(language) => outer.push(Node::Code {
                language,
                text: frame.text,
            }),
            ContainerKind::Html => outer.push(Node::Html(frame.text)),
            ContainerKind::Item => outer.items.push(frame.into_nodes()),
            ContainerKind::List(start) => outer.push(list(start, frame)),
            ContainerKind::Cell => outer.cells.push(frame.inlines),
            ContainerKind::Row => outer.rows.push(frame.cells),
            ContainerKind::Table => outer.push(table(frame)),
            ContainerKind::Emphasis => outer.inlines.push(Inline::Emphasis(frame.inlines)),
            ContainerKind::Strong => outer.inlines.push(Inline::Strong(frame.inlines)),
            ContainerKind::Strikethrough => {
                outer.inlines.push(Inline::Strikethrough(frame.inlines))
            }
            ContainerKind::Link(url) => outer.inlines.push(Inline::Link {
                url,
                content: frame.inlines,
            }),
            ContainerKind::Image(url) => outer.inlines.push(Inline::Image {
                url,
                description: plain_text(&frame.inlines),
            }),
            ContainerKind::Plain => outer.inlines.extend(frame.inlines),
        }
    }
}

/// What an alert such as `> [!NOTE]` is called.
fn label(alert: BlockQuoteKind) -> &'static str {
    match alert {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

fn list(start: Option<u64>, mut frame: Container) -> Node {
    let mut items = std::mem::take(&mut frame.items);
    let rest = frame.into_nodes();
    if !rest.is_empty() {
        items.push(rest);
    }
    Node::List { start, items }
}

fn table(frame: Container) -> Node {
    let mut rows = frame.rows.into_iter();
    Node::Table {
        head: rows.next().unwrap_or_default(),
        rows: rows.collect(),
    }
}
