//! The lints of `tutor check`: constructs that are allowed in a lesson and still not good.

use super::model::{Block, Compare, LESSON_TIMEOUT, Lesson, Step};
use crate::diagnostic::Findings;
use std::collections::HashSet;
use std::ops::Range;

/// A heading of the prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub level: u8,
    pub span: Range<usize>,
}

/// Notes what an author should look at.
pub(crate) fn lints(lesson: &Lesson, headings: &[Heading], body: usize, findings: &mut Findings) {
    title(lesson, headings, body, findings);
    levels(headings, findings);
    if lesson.steps().next().is_none() {
        findings.warning(
            body..body,
            "this lesson has no step",
            "add a fence such as `sh {id=build}`: a plain fence never runs",
        );
    }
    for step in lesson.steps() {
        step_lints(step, findings);
    }
    meant_failures(lesson, findings);
    unrecorded_answers(lesson, findings);
    last_background(lesson, findings);
}

fn title(lesson: &Lesson, headings: &[Heading], body: usize, findings: &mut Findings) {
    let mut tops = headings.iter().filter(|heading| heading.level == 1);
    if tops.next().is_none() {
        findings.warning(
            body..body,
            "no heading of the first level",
            format!("begin the text with `# {}`", lesson.front.title),
        );
    }
    for second in tops {
        findings.warning(
            second.span.clone(),
            "a second heading of the first level",
            "a lesson is one page: begin its parts with `##`",
        );
    }
}

fn levels(headings: &[Heading], findings: &mut Findings) {
    for pair in headings.windows(2) {
        if pair[1].level > pair[0].level + 1 {
            findings.warning(
                pair[1].span.clone(),
                format!(
                    "a heading of level {} after one of level {}",
                    pair[1].level, pair[0].level
                ),
                format!("write `{}`", "#".repeat(usize::from(pair[0].level) + 1)),
            );
        }
    }
}

fn step_lints(step: &Step, findings: &mut Findings) {
    let fence = step.span.clone();
    if step.script.trim().is_empty() {
        let message = format!("step `{}` holds no command", step.id);
        findings.warning(
            fence.clone(),
            message,
            "write what bash shall run, or make it a plain fence",
        );
    }
    if step.compare == Compare::None && !(step.masks.is_empty() && step.vary.is_empty()) {
        findings.warning(
            fence.clone(),
            format!(
                "step `{}` has masks or `vary` but compares nothing",
                step.id
            ),
            "take `compare=none` away, or the masks and `vary`",
        );
    }
    if step.timeout > LESSON_TIMEOUT {
        findings.warning(
            fence,
            format!("step `{}` may take longer than its whole lesson", step.id),
            format!(
                "a lesson is stopped after {} minutes",
                LESSON_TIMEOUT.as_secs() / 60
            ),
        );
    }
}

/// Many ways lead to a failure: where its output is not compared, only a check tells the meant one.
fn meant_failures(lesson: &Lesson, findings: &mut Findings) {
    let checked: HashSet<&str> = lesson.checks().map(|check| &*check.of).collect();
    for step in lesson.steps() {
        let must_fail = !step.exit.allows(0);
        if must_fail && step.compare == Compare::None && !checked.contains(&*step.id) {
            findings.warning(
                step.span.clone(),
                format!(
                    "step `{}` must fail, and nothing says in which way",
                    step.id
                ),
                "add a check of what it prints, or take `compare=none` away",
            );
        }
    }
}

/// The answer to a question is kept in the snapshot of its step.
fn unrecorded_answers(lesson: &Lesson, findings: &mut Findings) {
    for question in lesson.checks().filter(|check| check.is_question()) {
        let step = lesson.step(&question.of);
        if step.is_some_and(|step| step.compare == Compare::None) {
            findings.warning(
                question.span.clone(),
                format!("the answer to `{}` is recorded nowhere", question.name),
                format!(
                    "step `{}` has no snapshot to keep it in: take `compare=none` away",
                    question.of
                ),
            );
        }
    }
}

fn last_background(lesson: &Lesson, findings: &mut Findings) {
    let last = lesson.blocks.iter().rev().find_map(|block| match block {
        Block::Step(step) => Some(Some(step)),
        Block::Check(_) => Some(None),
        Block::Prose(_) | Block::File(_) | Block::Clue(_) => None,
    });
    if let Some(Some(step)) = last
        && step.background.is_some()
    {
        findings.warning(
            step.span.clone(),
            format!("nothing runs after background step `{}`", step.id),
            "it is stopped as soon as it started: use it in a later step, or take `background` away",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::line_column;
    use crate::lesson::parse::read;
    use insta::assert_snapshot;
    use std::path::Path;

    /// What an author should look at; line 1 is the text's first.
    fn linted(text: &str) -> String {
        let source = format!("---\nformat: 1\nname: a\ntitle: A\n---\n{text}");
        let reading = read("a", Path::new("lessons/a.md"), &source, &|_| {
            Err(crate::lesson::NotIncluded::Missing)
        });
        let lines: Vec<String> = reading
            .lints
            .iter()
            .map(|found| {
                let line = line_column(&source, found.span.start).0 - 5;
                format!(
                    "{line}: {}; {}",
                    found.message,
                    found.help.as_deref().unwrap_or_default()
                )
            })
            .collect();
        lines.join("\n")
    }

    #[test]
    fn a_page_has_one_title_and_no_level_left_out() {
        assert_snapshot!(linted("# A\n### B\n# C\n```sh {id=a}\ntrue\n```\n"), @"
        2: a heading of level 3 after one of level 1; write `##`
        3: a second heading of the first level; a lesson is one page: begin its parts with `##`
        ");
    }

    #[test]
    fn a_page_without_title_or_step_is_named() {
        assert_snapshot!(linted("Text.\n"), @"
        1: no heading of the first level; begin the text with `# A`
        1: this lesson has no step; add a fence such as `sh {id=build}`: a plain fence never runs
        ");
    }

    #[test]
    fn a_step_that_makes_no_sense_is_named() {
        assert_snapshot!(linted("# A\n```sh {id=a compare=none mask=pid timeout=11m}\n```\n```sh {id=b background}\nsleep 9\n```\n"), @"
        2: step `a` holds no command; write what bash shall run, or make it a plain fence
        2: step `a` has masks or `vary` but compares nothing; take `compare=none` away, or the masks and `vary`
        2: step `a` may take longer than its whole lesson; a lesson is stopped after 10 minutes
        4: nothing runs after background step `b`; it is stopped as soon as it started: use it in a later step, or take `background` away
        ");
    }

    #[test]
    fn a_failure_that_may_be_any_is_named() {
        let step = |keys: &str| format!("```sh {{id=a {keys}}}\nfalse\n```\n");
        let check = "```sh {check=why of=a expect=x}\necho x\n```\n[x](#check-why)\n";
        let any = "# A\n".to_owned() + &step("exit=1 compare=none");
        assert_snapshot!(linted(&any), @"2: step `a` must fail, and nothing says in which way; add a check of what it prints, or take `compare=none` away");
        assert_eq!(linted(&(any + check)), "");
        assert_eq!(linted(&("# A\n".to_owned() + &step("exit=1"))), "");
    }
}
