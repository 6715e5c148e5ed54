//! Recorded output for a page: both streams apart, long ones folded, and where it was recorded.

use super::html;
use crate::lesson::{Compare, ExpectedExit, Step};
use crate::normalize::StreamText;
use crate::snapshot::{Environment, Recorded};

/// The number of lines of a stream that are shown unfolded.
const SHOWN_LINES: usize = 20;
/// A stream is not folded for fewer lines than this.
const FEWEST_FOLDED: usize = 4;

/// The part below a step's command: one recorded output or several, or why there is none.
pub fn block(step: &Step, stem: &str, recorded: &[Recorded]) -> String {
    let Some((base, variants)) = recorded.split_first() else {
        return missing(step, stem);
    };
    let mut html = one(step, base);
    for variant in variants {
        html.push_str(&format!(
            "<details class=\"tutor-variant\">\n<summary>On {}{}</summary>\n{}</details>\n",
            machine(&variant.environment),
            if variant.text.is_same(&base.text) {
                ": the same"
            } else {
                ""
            },
            one(step, variant),
        ));
    }
    html
}

fn missing(step: &Step, stem: &str) -> String {
    let reason = match step.compare {
        Compare::Snapshot => "not recorded yet",
        Compare::None => "not recorded, as it is different on every machine",
    };
    let stem = html::line(stem);
    let fails = match &step.exit {
        ExpectedExit::Code(0) => String::new(),
        ExpectedExit::Code(code) => format!(". It must fail, with exit {code}"),
        ExpectedExit::NonZero => ". It must fail".to_owned(),
    };
    format!("<p class=\"tutor-missing\">{reason}: run <samp>tutor run {stem}</samp>{fails}</p>\n")
}

fn one(step: &Step, recorded: &Recorded) -> String {
    let sections = recorded.text.sections();
    let mut html = String::from("<div class=\"tutor-output\">\n");
    html.push_str(&format!(
        "<p class=\"tutor-label\">Recorded output{}</p>\n",
        exit(&step.exit, &recorded.exit)
    ));
    if sections.stdout.is_empty() && sections.stderr.is_empty() {
        html.push_str("<p class=\"tutor-nothing\">It printed nothing.</p>\n");
    }
    stream("stdout", "standard output", &sections.stdout, &mut html);
    if !sections.stderr.is_empty() {
        html.push_str("<p class=\"tutor-label\">Standard error</p>\n");
    }
    stream("stderr", "standard error", &sections.stderr, &mut html);
    html.push_str(&provenance(step, recorded));
    html.push_str("</div>\n");
    html
}

fn exit(expected: &ExpectedExit, got: &str) -> String {
    let number = got.parse::<i32>();
    let status = match number {
        Ok(number) => format!("exit {number}"),
        Err(_) => html::line(got),
    };
    let wanted = match (expected, number) {
        (ExpectedExit::Code(0), _) => "",
        (ExpectedExit::Code(code), Ok(number)) if *code == number => ", as expected",
        (ExpectedExit::NonZero, Ok(number)) if number != 0 => ", as expected",
        (ExpectedExit::Code(_) | ExpectedExit::NonZero, _) => "",
    };
    format!(" <span class=\"tutor-exit\">{status}{wanted}</span>")
}

fn stream(class: &str, name: &str, section: &StreamText, html: &mut String) {
    if section.is_empty() {
        return;
    }
    let lines = &section.lines;
    let folded = lines.len() >= SHOWN_LINES + FEWEST_FOLDED;
    let shown = if folded { SHOWN_LINES } else { lines.len() };
    pre(class, name, &lines[..shown], html);
    if folded {
        let rest = lines.len() - shown;
        html.push_str(&format!(
            "<details class=\"tutor-rest\">\n<summary>{rest} more lines</summary>\n"
        ));
        pre(class, name, &lines[shown..], html);
        html.push_str("</details>\n");
    }
    if section.unfinished {
        html.push_str("<p class=\"tutor-nothing\">No newline at the end.</p>\n");
    }
}

/// Not `code`: mdBook would put a button there that copies it.
fn pre(class: &str, name: &str, lines: &[String], html: &mut String) {
    html.push_str(&format!(
        "<pre class=\"tutor-{class}\" aria-label=\"{name}\"><samp>"
    ));
    html.push_str(&html::text(&lines.join("\n")));
    html.push_str("</samp></pre>\n");
}

fn provenance(step: &Step, recorded: &Recorded) -> String {
    let mut facts = vec![match &recorded.recorded {
        Some(day) => format!("recorded {}", html::line(day)),
        None => "recorded".to_owned(),
    }];
    facts.extend(facets(&recorded.environment));
    if recorded.command.trim_end() != step.script.trim_end() {
        facts.push("the command was another then".to_owned());
    }
    let facts: Vec<_> = facts
        .iter()
        .map(|fact| format!("<span>{fact}</span>"))
        .collect();
    format!("<p class=\"tutor-provenance\">{}</p>\n", facts.join(" · "))
}

/// The facts about a machine, its kernel first.
fn facets(environment: &Environment) -> impl Iterator<Item = String> {
    let kernel = environment.get_key_value("kernel");
    let others = environment.iter().filter(|(name, _)| *name != "kernel");
    kernel
        .into_iter()
        .chain(others)
        .map(|(name, value)| html::line(&format!("{name} {value}")))
}

fn machine(environment: &Environment) -> String {
    let facets: Vec<String> = facets(environment).collect();
    match facets.is_empty() {
        true => "another machine".to_owned(),
        false => facets.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Lesson;
    use crate::lesson::parse;
    use crate::snapshot::tests::recorded;
    use proptest::prelude::*;
    use std::path::Path;

    fn lesson() -> Lesson {
        let source = "---\nformat: 1\nname: a\ntitle: A\n---\n```sh {id=build}\nprint build\n```\n";
        parse(
            "lesson-1",
            Path::new("lessons/lesson-1.md"),
            source,
            &|_| Err(crate::lesson::NotIncluded::Missing),
        )
        .0
    }

    fn shown(stdout: &str) -> String {
        let lesson = lesson();
        let step = lesson.step("build").expect("it has that step");
        block(step, "lesson-1", &[recorded("a", "build", stdout)])
    }

    /// What a browser makes of the references that [`html::text`] writes.
    fn read_back(html: &str) -> String {
        let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")];
        let mut text = named
            .iter()
            .fold(html.to_owned(), |text, (name, character)| {
                text.replace(name, character)
            });
        for code in ['{', ' ', '\t', '\n', '\u{a0}', '\u{3000}'] {
            text = text.replace(&format!("&#{};", u32::from(code)), &code.to_string());
        }
        text.replace("&amp;", "&")
    }

    #[test]
    fn an_output_is_folded_where_that_hides_more_than_it_costs() {
        let numbers = |last: usize| -> String { (1..=last).map(|n| format!("{n}\n")).collect() };
        assert!(!shown(&numbers(23)).contains("<details"));
        assert!(shown(&numbers(24)).contains("<summary>4 more lines</summary>"));
    }

    fn stdout() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("</samp></pre></section>".to_owned()),
            Just("<script>".to_owned()),
            Just("-->".to_owned()),
            Just("```".to_owned()),
            Just("&#10;&lt;".to_owned()),
            Just("{{#include a}}".to_owned()),
            Just("\u{a0}\u{3000}\t ".to_owned()),
            Just("\x1b[2J\r".to_owned()),
            any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(piece, 1..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_a_step_prints_stays_text(stdout in stdout()) {
            let stdout = format!("x{stdout}x\n");
            let page = shown(&stdout);
            let (before, rest) = page.split_once("<samp>").expect("a beginning");
            let (inside, after) = rest.split_once("</samp>").expect("an end");
            let around = shown("x\n");
            prop_assert_eq!(format!("{before}<samp>x</samp>{after}"), around);
            prop_assert!(!inside.contains('<') && !page.contains("{{"));
            prop_assert!(page.lines().all(|line| !line.trim().is_empty()));
            let text = crate::visible::visible(stdout.as_bytes());
            prop_assert_eq!(read_back(inside) + "\n", text);
        }
    }
}
