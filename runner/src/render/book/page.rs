//! The page of one lesson.

use super::clean::{self, PagePart};
use super::code::COMMAND;
use super::html;
use super::links::PageLinks;
use super::prose::PageContext;
use super::shared::Book;
use super::step::{SHELL, check, exercise, file, needs, question, step};
use crate::lesson::anchors::{Anchors, title_end};
use crate::lesson::{Block, Check, Clue, Lesson, Mark, StepKind};
use crate::snapshot::Recorded;
use std::collections::HashSet;

/// How a page finds the recorded outputs of a step.
pub type Outputs<'o> = dyn Fn(&str) -> &'o [Recorded] + 'o;

/// The Markdown of a lesson's page.
pub fn markdown(
    lesson: &Lesson,
    marks: &[Mark],
    book: &Book<'_>,
    links: &mut PageLinks<'_>,
    outputs: &Outputs<'_>,
) -> String {
    let mut context = PageContext {
        book,
        lesson,
        marks,
        anchors: Anchors::of(lesson),
        links,
        proven: proven(lesson, outputs),
    };
    let mut parts = Vec::new();
    let title_end = title_end(lesson, marks);
    if title_end.is_none() {
        let title = &lesson.front.title;
        let id = context.anchors.heading(title);
        let heading = format!("# {} {{#{id}}}", html::markdown(title));
        parts.push(PagePart::Made(heading));
        parts.push(PagePart::Made(intro(lesson, book)));
    }
    for block in &lesson.blocks {
        match block {
            Block::Clue(block) => clue(block, book, &mut context, &mut parts),
            Block::Prose(text) => {
                let mut span = text.span.clone();
                if let Some(end) = title_end.filter(|_| parts.is_empty()) {
                    let end = end.min(span.end);
                    parts.push(PagePart::Prose(context.markdown(span.start..end)));
                    parts.push(PagePart::Made(intro(lesson, book)));
                    span.start = end;
                }
                parts.push(PagePart::Prose(context.markdown(span)));
            }
            Block::File(block) => parts.push(PagePart::Made(file(block, book))),
            Block::Step(block) => match block.kind {
                StepKind::Plain => {
                    let step = step(lesson, block, book, outputs(&block.id));
                    parts.push(PagePart::Made(step));
                }
                StepKind::Exercise => {
                    parts.push(PagePart::Made(exercise(lesson, block, book)));
                }
                // Its command is with its answer, which folds.
                StepKind::Quiz => {}
            },
            Block::Check(block) => {
                let made = match block.is_question() {
                    true => question(lesson, block, book, outputs(&block.of)),
                    false => check(block, lesson.step(&block.of), book, outputs(&block.of)),
                };
                parts.push(PagePart::Made(made));
            }
        }
    }
    clean::page(&parts)
}

/// A hint or a solution, folded.
fn clue(
    clue: &Clue,
    book: &Book<'_>,
    context: &mut PageContext<'_, '_>,
    parts: &mut Vec<PagePart>,
) {
    parts.push(PagePart::Made(format!(
        "<details class=\"tutor-clue\" id=\"{}\">\n<summary>{}</summary>",
        html::line(&clue.anchor()),
        html::line(&clue.summary)
    )));
    for block in &clue.blocks {
        match block {
            Block::Prose(text) => {
                parts.push(PagePart::Prose(context.markdown(text.span.clone())));
            }
            Block::File(block) => parts.push(PagePart::Made(file(block, book))),
            Block::Step(_) | Block::Check(_) | Block::Clue(_) => {}
        }
    }
    parts.push(PagePart::Made("</details>".to_owned()));
}

/// Where links to the checks lead that a recorded output proves.
fn proven(lesson: &Lesson, outputs: &Outputs<'_>) -> HashSet<String> {
    let is_proven = |check: &&Check| {
        let recorded = outputs(&check.of).first();
        !check.is_question() && recorded.is_some_and(|recorded| recorded.proves(check).is_some())
    };
    let proven = lesson.checks().filter(is_proven);
    proven.map(|check| format!("#{}", check.anchor())).collect()
}

/// The lesson's goals, its length, and its needs.
fn intro(lesson: &Lesson, book: &Book<'_>) -> String {
    let front = &lesson.front;
    let mut facts: Vec<String> = front.time.iter().map(|time| html::line(time)).collect();
    if !front.needs.is_empty() {
        facts.push(needs(&front.needs, book.course));
    }
    let mut html = String::from("<div class=\"tutor-intro\">\n");
    if !facts.is_empty() {
        html.push_str(&format!("<p>{}</p>\n", facts.join(" · ")));
    }
    if !front.goals.is_empty() {
        html.push_str("<p>After this lesson you can:</p>\n<ul>\n");
        for goal in &front.goals {
            html.push_str(&format!("<li>{}</li>\n", html::line(goal)));
        }
        html.push_str("</ul>\n");
    }
    let command = format!("tutor run {}", lesson.stem);
    html.push_str(&book.codes.block(COMMAND, SHELL, &command));
    html.push_str("\n</div>");
    html
}
