//! Prose as a tree of our own, so that no renderer needs a Markdown parser.

/// A block of prose.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A heading of level 1 to 6.
    Heading {
        /// 1 for `#`.
        level: u8,
        /// Its text.
        content: Vec<Inline>,
    },
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list; `start` is the first number of an ordered one.
    List {
        /// The first number of an ordered list.
        start: Option<u64>,
        /// One list of blocks an item.
        items: Vec<Vec<Node>>,
    },
    /// A block quote.
    Quote(Vec<Node>),
    /// A plain fence or an indented block: shown, never run.
    Code {
        /// The language named by the fence, if any.
        language: Option<String>,
        /// Its text.
        text: String,
    },
    /// A table.
    Table {
        /// The head row.
        head: Vec<Vec<Inline>>,
        /// The other rows.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A thematic break.
    Rule,
    /// A block of HTML, which no terminal shows.
    Html(String),
}

/// A piece of text within a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Plain text.
    Text(String),
    /// A code span.
    Code(String),
    /// Emphasis.
    Emphasis(Vec<Inline>),
    /// Strong emphasis.
    Strong(Vec<Inline>),
    /// Struck through.
    Strikethrough(Vec<Inline>),
    /// A link; one to `#check-<name>` binds a check to its sentence.
    Link {
        /// Where it leads.
        url: String,
        /// The text that is shown.
        content: Vec<Inline>,
    },
    /// An image, shown by its description.
    Image {
        /// Where it is.
        url: String,
        /// Its description.
        description: String,
    },
    /// A line end in the source that is no break: a blank when shown.
    SoftBreak,
    /// A forced line break.
    HardBreak,
    /// Inline HTML, which no terminal shows.
    Html(String),
}

/// The text of inline content without its marks.
pub fn plain_text(content: &[Inline]) -> String {
    let mut text = String::new();
    collect(content, &mut text);
    text
}

fn collect(content: &[Inline], text: &mut String) {
    for inline in content {
        match inline {
            Inline::Text(piece) | Inline::Code(piece) => text.push_str(piece),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Strikethrough(inner) => {
                collect(inner, text);
            }
            Inline::Link { content, .. } => collect(content, text),
            Inline::Image { description, .. } => text.push_str(description),
            Inline::SoftBreak | Inline::HardBreak => text.push(' '),
            Inline::Html(_) => {}
        }
    }
}
