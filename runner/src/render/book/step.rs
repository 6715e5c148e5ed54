//! The parts of a page that do something: files, steps and checks.

use super::shared::Book;
use super::{code, fold, html, output};
use crate::course::Course;
use crate::lesson::anchors::step_id;
use crate::lesson::{Check, Expectation, FileStep, Lesson, Need, Place, Step, StepKind};
use crate::snapshot::Recorded;
use std::collections::BTreeSet;

/// The language of steps and checks.
pub const SHELL: &str = "sh";

const KERNEL: &str = "runs where there is a kernel to load programs into";

/// A file of more lines than this is folded: it is there to be opened, not to be scrolled past.
const OPEN_FILE_LINES: usize = 60;

/// A file that the lesson writes.
pub fn file(file: &FileStep, book: &Book<'_>) -> String {
    let lines = file.content.lines().count();
    format!(
        "<details class=\"tutor-file\"{}>\n\
         <summary>{} <span class=\"tutor-note\">{}</span></summary>\n{}\n</details>",
        if lines > OPEN_FILE_LINES { "" } else { " open" },
        html::line(&file.path.to_string_lossy()),
        counted(lines, "line"),
        book.codes.block(code::CODE, &file.language, &file.content),
    )
}

/// A step: its command, and what is recorded of it.
pub fn step(lesson: &Lesson, step: &Step, book: &Book<'_>, recorded: &[Recorded]) -> String {
    let spoken = fold::spoken(lesson, step);
    let around = output::Around {
        stale: &book.stale,
        spoken: &spoken,
    };
    let id = html::line(&step_id(&step.id));
    let name = html::line(&step.id);
    let mut notes = Vec::new();
    match step.on {
        Place::Host => {}
        Place::Kernel => notes.push(format!("<abbr title=\"{KERNEL}\">kernel</abbr>")),
    }
    if !step.needs.is_empty() {
        notes.push(needs(&step.needs, book.course));
    }
    if step.background.is_some() {
        notes.push("goes on while later steps run".to_owned());
    }
    let notes: Vec<String> = notes
        .iter()
        .map(|note| format!(" <span class=\"tutor-note\">{note}</span>"))
        .collect();
    format!(
        "<section class=\"tutor-step\" id=\"{id}\" aria-label=\"Step {name}\">\n\
         <p class=\"tutor-head\"><a class=\"tutor-name\" href=\"#{id}\">{name}</a>{}</p>\n\
         {}\n{}</section>",
        notes.concat(),
        book.codes.block(code::COMMAND, SHELL, &step.script),
        output::block(step, &lesson.stem, recorded, &around),
    )
}

/// An exercise: how it is judged, and the command that does it.
pub fn exercise(lesson: &Lesson, exercise: &Step, book: &Book<'_>) -> String {
    let id = html::line(&step_id(&exercise.id));
    let command = format!("tutor run {} --only {}", lesson.stem, exercise.id);
    format!(
        "<section class=\"tutor-step tutor-exercise\" id=\"{id}\" aria-label=\"Exercise {name}\">\n\
         <p class=\"tutor-head\"><a class=\"tutor-name\" href=\"#{id}\">{name}</a> \
         <span class=\"tutor-note\">an exercise: change the file, then let it be judged</span></p>\n\
         {}\n<details class=\"tutor-check\">\n<summary>How it is judged</summary>\n{}\n</details>\n</section>",
        book.codes.block(code::COMMAND, SHELL, &command),
        book.codes.block(code::COMMAND, SHELL, &exercise.script),
        name = html::line(&exercise.id),
    )
}

/// The needs, each with its description as its title.
pub fn needs(needs: &[Need], course: &Course) -> String {
    let needs: Vec<String> = needs
        .iter()
        .map(|need| {
            let name = html::line(&need.to_string());
            match course.needs.get(&need.name) {
                Some(probe) => format!("<abbr title=\"{}\">{name}</abbr>", html::line(&probe.what)),
                None => name,
            }
        })
        .collect();
    format!("needs {}", needs.join(", "))
}

/// A check: what it found where it was recorded, or that no record shows it, and how it is found out.
/// The sentence stands in the prose, and links here.
pub fn check(check: &Check, step: Option<&Step>, book: &Book<'_>, recorded: &[Recorded]) -> String {
    let base = recorded.first();
    let held = base.and_then(|base| base.proves(check));
    let (tick, found) = match (step, base, held) {
        (Some(step), Some(base), Some(held)) => {
            let where_ = output::facts(step, base).join(" · ");
            (
                "✓",
                format!("{} · {where_}", found(&held.value, &check.expect)),
            )
        }
        _ => (
            "–",
            "checked on every run; this page has no record of it".to_owned(),
        ),
    };
    format!(
        "<details class=\"tutor-check\" id=\"{}\">\n\
         <summary><span class=\"tutor-tick\">{tick}</span> \
         <span class=\"tutor-note\">{found}</span></summary>\n{}\n</details>",
        html::line(&check.anchor()),
        book.codes.block(code::COMMAND, SHELL, &check.script),
    )
}

/// A question, folded over what came out where it was recorded, and how that is found out.
pub fn question(
    lesson: &Lesson,
    question: &Check,
    book: &Book<'_>,
    recorded: &[Recorded],
) -> String {
    let quiz = lesson
        .step(&question.of)
        .filter(|step| step.kind == StepKind::Quiz);
    let script = quiz.map_or(&question.script, |quiz| &quiz.script);
    let answers: BTreeSet<&str> = recorded
        .iter()
        .filter_map(|recorded| Some(&*recorded.proves(question)?.value))
        .collect();
    let answers: Vec<String> = answers
        .into_iter()
        .map(|answer| format!("<samp>{}</samp>", html::line(answer)))
        .collect();
    let answer = match answers.is_empty() {
        true => "not recorded yet".to_owned(),
        false => answers.join(", or elsewhere "),
    };
    format!(
        "<details class=\"tutor-check\" id=\"{}\">\n\
         <summary><span class=\"tutor-tick\">?</span> \
         <span class=\"tutor-sentence\">{}</span> \
         <span class=\"tutor-note\">the answer</span></summary>\n<p>{answer}</p>\n{}\n</details>",
        html::line(&question.anchor()),
        html::line(&question.sentence),
        book.codes.block(code::COMMAND, SHELL, script),
    )
}

/// What a check found, and what it had to be.
fn found(value: &str, expectation: &Expectation) -> String {
    let shown = |text: &str| match text.is_empty() {
        true => "nothing".to_owned(),
        false => format!("<samp>{}</samp>", html::line(text)),
    };
    let found = shown(value.lines().next().unwrap_or_default());
    let more = if value.lines().count() > 1 {
        " …"
    } else {
        ""
    };
    let wanted = shown(&expectation.to_string());
    match expectation {
        Expectation::Equals(_) | Expectation::Answer(_) => {
            format!("found {found}{more}, as it must")
        }
        Expectation::Matches(_) => format!("found {found}{more}, which must match {wanted}"),
        Expectation::Range(_, _) => format!("found {found}, which must lie in {wanted}"),
    }
}

/// `1 line`, `2 lines`.
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
