//! Tests of reading a page, through one helper for what it holds and one for what is wrong.

mod blocks;
mod errors;
mod exercises;
mod front;
mod lost;
mod properties;

use super::*;
use crate::diagnostic::line_column;
use crate::lesson::prose::plain_text;
use crate::lesson::{Background, Compare, ExpectedExit, Inline, Node, STEP_TIMEOUT, Step};
use insta::assert_snapshot;

const FRONT: &str = "---\nformat: 1\nname: hello\ntitle: Hello\n---\n";

fn files(path: &Path) -> Included {
    (path == Path::new("bpf/a.c"))
        .then(|| "// ANCHOR: b\nint b;\n// ANCHOR_END: b\nint c;\n".to_owned())
        .ok_or(super::super::NotIncluded::Missing)
}

fn reading(text: &str) -> Reading {
    let path = Path::new("lessons/lesson-1.md");
    read("lesson-1", path, &format!("{FRONT}{text}"), &files)
}

/// What the page holds, one block a line.
fn parsed(text: &str) -> String {
    let reading = reading(text);
    let blocks: Vec<String> = reading.lesson.blocks.iter().map(block).collect();
    let mut lines = blocks.join("\n");
    if !reading.diagnostics.is_empty() {
        lines.push_str(&format!("\n{} wrong", reading.diagnostics.len()));
    }
    lines
}

/// What is wrong with the page: place, marked text, message, help. Line 1 is the text's first.
fn wrong(text: &str) -> String {
    let reading = reading(text);
    told(&reading.diagnostics, &reading.lesson.source)
}

/// What an author should look at on the page.
fn linted(text: &str) -> String {
    let reading = reading(text);
    told(&reading.lints, &reading.lesson.source)
}

/// Findings as lines, for a text that begins in line 6 of its page.
pub(crate) fn told(found: &[Diagnostic], source: &str) -> String {
    let lines: Vec<String> = found
        .iter()
        .map(|found| {
            let (line, column) = line_column(source, found.span.start);
            let marked = &source[found.span.clone()];
            let help = found.help.as_deref().unwrap_or("NO HELP");
            format!(
                "{}:{column} {marked:?} {}\n    {help}",
                line - 5,
                found.message
            )
        })
        .collect();
    lines.join("\n")
}

fn block(shown: &Block) -> String {
    match shown {
        Block::Prose(prose) => format!("prose {}", nodes(&prose.nodes)),
        Block::File(file) => format!(
            "file {} ({}): {:?}",
            file.path.display(),
            file.language,
            file.content
        ),
        Block::Clue(clue) => {
            let blocks: Vec<String> = clue.blocks.iter().map(block).collect();
            format!(
                "{} ({}): [{}]",
                clue.anchor(),
                clue.summary,
                blocks.join("; ")
            )
        }
        Block::Step(step) => format!("step {}{}: {:?}", step.id, options(step), step.script),
        Block::Check(check) => format!(
            "check {} of {} = {}: {:?} proves {:?}",
            check.name, check.of, check.expect, check.script, check.sentence
        ),
    }
}

fn options(step: &Step) -> String {
    let mut text = format!(" on {}", step.on);
    for need in &step.needs {
        text.push_str(&format!(", needs {need}"));
    }
    if step.timeout != STEP_TIMEOUT {
        text.push_str(&format!(", timeout {:?}", step.timeout));
    }
    if step.exit != ExpectedExit::Code(0) {
        text.push_str(&format!(", exit {}", step.exit));
    }
    if step.compare == Compare::None {
        text.push_str(", not compared");
    }
    if !step.masks.is_empty() {
        text.push_str(&format!(", masks {}", step.masks.join("+")));
    }
    if !step.vary.is_empty() {
        text.push_str(&format!(", varies by {}", step.vary.join("+")));
    }
    if let Some(background) = &step.background {
        text.push_str(match background {
            Background::AtOnce => ", background",
            Background::Line(_) => ", background until line",
            Background::File(_) => ", background until file",
            Background::Port(_) => ", background until port",
        });
    }
    if let Some(exclusive) = &step.exclusive {
        text.push_str(&format!(", exclusive {exclusive}"));
    }
    text
}

fn nodes(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect::<Vec<_>>().join(" ")
}

fn node(node: &Node) -> String {
    match node {
        Node::Heading { level, content } => format!("h{level}({})", inlines(content)),
        Node::Paragraph(content) => format!("p({})", inlines(content)),
        Node::List { start, items } => {
            let items: Vec<String> = items.iter().map(|item| nodes(item)).collect();
            let kind = start.map_or_else(|| "ul".to_owned(), |start| format!("ol{start}"));
            format!("{kind}({})", items.join(" | "))
        }
        Node::Quote(inner) => format!("quote({})", nodes(inner)),
        Node::Code { language, text } => {
            format!("code({}: {text:?})", language.as_deref().unwrap_or("-"))
        }
        Node::Table { head, rows } => {
            let row = |cells: &Vec<Vec<Inline>>| {
                cells
                    .iter()
                    .map(|cell| inlines(cell))
                    .collect::<Vec<_>>()
                    .join(" | ")
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            format!("table({} / {})", row(head), rows.join(" / "))
        }
        Node::Rule => "rule".to_owned(),
        Node::Html(text) => format!("html({text:?})"),
    }
}

fn inlines(content: &[Inline]) -> String {
    content.iter().map(inline).collect()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) => text.clone(),
        Inline::Code(text) => format!("`{text}`"),
        Inline::Emphasis(inner) => format!("*{}*", inlines(inner)),
        Inline::Strong(inner) => format!("**{}**", inlines(inner)),
        Inline::Strikethrough(inner) => format!("~~{}~~", inlines(inner)),
        Inline::Link { url, content } => format!("[{}]({url})", inlines(content)),
        Inline::Image { url, description } => format!("![{description}]({url})"),
        Inline::SoftBreak => "␤".to_owned(),
        Inline::HardBreak => "⏎".to_owned(),
        Inline::Html(text) => format!("<{text}>"),
    }
}
