//! Recorded output for a page: both streams apart, long ones folded, and where it was recorded.

use super::fold::{LineRun, runs};
use super::html;
use super::shared::StaleByName;
use crate::lesson::{Compare, ExpectedExit, Place, Step};
use crate::normalize::StreamText;
use crate::snapshot::Recorded;
use std::collections::BTreeSet;

/// What a recorded output is drawn with.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Why outputs are not of their steps as they are now.
    pub stale: &'a StaleByName,
    /// The code spans of the prose around the step.
    pub spoken: &'a BTreeSet<String>,
}

/// The part below a step's command: one recorded output or several, or why there is none.
pub fn block(step: &Step, stem: &str, recorded: &[Recorded], around: &Around<'_>) -> String {
    let Some((base, variants)) = recorded.split_first() else {
        return missing(step, stem);
    };
    let mut html = one(step, base, around);
    for variant in variants {
        html.push_str(&format!(
            "<details class=\"tutor-variant\">\n<summary>On {}{}</summary>\n{}</details>\n",
            machine(step, variant),
            if variant.text.is_same(&base.text) {
                ": the same"
            } else {
                ""
            },
            one(step, variant, around),
        ));
    }
    html
}

fn missing(step: &Step, stem: &str) -> String {
    let reason = match step.compare {
        Compare::Snapshot => "Not recorded yet",
        Compare::None => "Not recorded, as it is different on every machine",
    };
    let stem = html::line(stem);
    let fails = match &step.exit {
        ExpectedExit::Code(0) => String::new(),
        ExpectedExit::Code(code) => format!(". It must fail, with exit {code}"),
        ExpectedExit::NonZero => ". It must fail".to_owned(),
    };
    format!(
        "<p class=\"tutor-missing\">{reason}: <samp>tutor run {stem}</samp> shows yours{fails}</p>\n"
    )
}

fn one(step: &Step, recorded: &Recorded, around: &Around<'_>) -> String {
    let Around { stale, spoken } = *around;
    let sections = recorded.text.sections();
    let mut html = String::from("<div class=\"tutor-output\">\n");
    html.push_str(&format!(
        "<p class=\"tutor-label\">{}{}</p>\n",
        match step.compare {
            Compare::Snapshot => "Recorded output",
            Compare::None => "What one run printed; yours may differ",
        },
        exit(&step.exit, &recorded.exit)
    ));
    if sections.stdout.is_empty() && sections.stderr.is_empty() {
        html.push_str("<p class=\"tutor-nothing\">It printed nothing.</p>\n");
    }
    stream(
        "stdout",
        "standard output",
        &sections.stdout,
        spoken,
        &mut html,
    );
    if !sections.stderr.is_empty() {
        html.push_str("<p class=\"tutor-label\">Standard error</p>\n");
    }
    stream(
        "stderr",
        "standard error",
        &sections.stderr,
        spoken,
        &mut html,
    );
    html.push_str(&provenance(step, recorded, stale));
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

fn stream(
    class: &str,
    name: &str,
    section: &StreamText,
    spoken: &BTreeSet<String>,
    html: &mut String,
) {
    if section.is_empty() {
        return;
    }
    let lines = &section.lines;
    for run in runs(lines, spoken) {
        match run {
            LineRun::Shown(range) => pre(class, name, &lines[range], html),
            LineRun::Folded(range) => {
                let is_last = range.end == lines.len();
                let more = if is_last { "more lines" } else { "lines" };
                html.push_str(&format!(
                    "<details class=\"tutor-rest\">\n<summary>{} {more}</summary>\n",
                    range.len()
                ));
                pre(class, name, &lines[range], html);
                html.push_str("</details>\n");
            }
        }
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

fn provenance(step: &Step, recorded: &Recorded, stale: &StaleByName) -> String {
    let mut facts = facts(step, recorded);
    if let Some(reasons) = stale.get(&recorded.name) {
        facts.push(format!(
            "recorded of something else: {}",
            html::line(reasons)
        ));
    }
    let facts: Vec<_> = facts
        .iter()
        .map(|fact| format!("<span>{fact}</span>"))
        .collect();
    format!("<p class=\"tutor-provenance\">{}</p>\n", facts.join(" · "))
}

/// The day of a record and what it may depend on: the release of the kernel where the step ran on
/// one, the compiler, and what the step varies by.
pub fn facts(step: &Step, recorded: &Recorded) -> Vec<String> {
    let mut facts = vec![match &recorded.recorded {
        Some(day) => format!("recorded {}", html::line(day)),
        None => "recorded".to_owned(),
    }];
    facts.extend(facets(step, recorded));
    facts
}

fn facets(step: &Step, recorded: &Recorded) -> Vec<String> {
    let of_kernel = (step.on == Place::Kernel).then_some("kernel");
    let varied = step.vary.iter().map(String::as_str);
    let mut names: Vec<&str> = of_kernel
        .into_iter()
        .chain(["clang"])
        .chain(varied)
        .collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let known = names.into_iter().filter_map(|name| {
        let exact = recorded.versions.get(name);
        let value = exact.or_else(|| recorded.environment.get(name))?;
        Some(html::line(&format!("{name} {value}")))
    });
    known.collect()
}

fn machine(step: &Step, recorded: &Recorded) -> String {
    let facets = facets(step, recorded);
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
        block(
            step,
            "lesson-1",
            &[recorded("a", "build", stdout)],
            &Around {
                stale: &StaleByName::new(),
                spoken: &BTreeSet::new(),
            },
        )
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
