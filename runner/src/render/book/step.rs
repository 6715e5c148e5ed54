//! The parts of a page that do something: files, steps and checks.

use super::shared::Book;
use super::{code, html, output};
use crate::course::Course;
use crate::lesson::anchors::{id_of, step_id};
use crate::lesson::{Check, Expectation, FileStep, Need, Place, Step};
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
pub fn step(step: &Step, stem: &str, book: &Book<'_>, recorded: &[Recorded]) -> String {
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
        output::block(step, stem, recorded),
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

/// A check: the sentence with the words that claim something, what is expected, and how that is
/// found out.
pub fn check(check: &Check, claim: &str, book: &Book<'_>) -> String {
    format!(
        "<details class=\"tutor-check\" id=\"{}\">\n\
         <summary><span class=\"tutor-tick\">✓</span> \
         <span class=\"tutor-sentence\">{}</span> \
         <span class=\"tutor-note\">{} · checked on every run</span></summary>\n{}\n</details>",
        html::line(&id_of(check)),
        sentence(&check.sentence, claim),
        expected(&check.expect),
        book.codes.block(code::COMMAND, SHELL, &check.script),
    )
}

/// A question, folded over what came out where it was recorded, and how that is found out.
pub fn question(question: &Check, book: &Book<'_>, recorded: &[Recorded]) -> String {
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
        html::line(&id_of(question)),
        html::line(&question.sentence),
        book.codes.block(code::COMMAND, SHELL, &question.script),
    )
}

fn sentence(sentence: &str, claim: &str) -> String {
    let whole = claim.is_empty() || claim == sentence;
    let Some((before, after)) = sentence.split_once(claim).filter(|_| !whole) else {
        return html::line(sentence);
    };
    let mut html = html::text(before);
    html.push_str("<strong>");
    html::push_text(claim, &mut html);
    html.push_str("</strong>");
    html::push_text(after, &mut html);
    html
}

fn expected(expectation: &Expectation) -> String {
    let shown = format!("<samp>{}</samp>", html::line(&expectation.to_string()));
    match expectation {
        Expectation::Equals(_) => format!("must be {shown}"),
        Expectation::Matches(_) => format!("must match {shown}"),
        Expectation::Range(_, _) => format!("must lie in {shown}"),
        Expectation::Answer(_) => format!("answers {shown}"),
    }
}

/// `1 line`, `2 lines`.
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
