//! The page of one lesson.

use super::anchors::Anchors;
use super::links::Links;
use super::prose::{self, Context};
use super::step::{self, check, file, needs};
use super::{code, html};
use crate::course::Course;
use crate::lesson::{Block, Lesson, Mark, marks};
use crate::snapshot::Recorded;

/// How a page finds the recorded outputs of a step.
pub type Outputs<'o> = dyn Fn(&str) -> &'o [Recorded] + 'o;

/// The Markdown of a lesson's page.
pub fn markdown<'c>(
    lesson: &Lesson,
    course: &'c Course,
    links: &mut Links<'c>,
    outputs: &Outputs<'_>,
) -> String {
    let marks = marks(lesson);
    let mut anchors = Anchors::of(lesson);
    let mut parts = Vec::new();
    let title_end = title_end(lesson, &marks);
    if title_end.is_none() {
        let title = &lesson.front.title;
        let id = anchors.heading(title);
        parts.push(format!("# {} {{#{id}}}", html::markdown(title)));
        parts.push(intro(lesson, course));
    }
    let mut context = Context {
        lesson,
        marks: &marks,
        anchors: &mut anchors,
        links,
    };
    for block in &lesson.blocks {
        match block {
            Block::Prose(text) => {
                let mut span = text.span.clone();
                if let Some(end) = title_end.filter(|_| parts.is_empty()) {
                    parts.push(prose::markdown(span.start..end.min(span.end), &mut context));
                    parts.push(intro(lesson, course));
                    span.start = end.min(span.end);
                }
                parts.push(prose::markdown(span, &mut context));
            }
            Block::File(block) => parts.push(file(block)),
            Block::Step(block) => {
                parts.push(step::step(block, &lesson.stem, course, outputs(&block.id)));
            }
            Block::Check(block) => parts.push(check(block)),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_matches('\n')).collect();
    parts.join("\n\n") + "\n"
}

/// Where the title ends, if the text begins with one.
fn title_end(lesson: &Lesson, marks: &[Mark]) -> Option<usize> {
    let start = lesson.blocks.first()?.span().start;
    match marks.first()? {
        Mark::Heading { level: 1, span, .. } if span.start == start => Some(span.end),
        Mark::Heading { .. } | Mark::Link { .. } | Mark::Code { .. } => None,
    }
}

/// What the lesson is for, how long it takes, and what it needs.
fn intro(lesson: &Lesson, course: &Course) -> String {
    let front = &lesson.front;
    let mut facts: Vec<String> = front.time.iter().map(|time| html::line(time)).collect();
    if !front.needs.is_empty() {
        facts.push(needs(&front.needs, course));
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
    html.push_str(&code::block(code::COMMAND, "sh", &command));
    html.push_str("\n</div>");
    html
}
