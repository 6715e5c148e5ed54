//! Makes a file, a step, a check or an exercise of a fence whose attributes were read.

use super::attributes::{Attribute, Word};
use super::keys::{FenceKind, Keys, is_key};
use super::mention::{Mention, Mentioned};
use super::model::{
    Background, Check, Compare, Expectation, FileStep, FormerName, Need, STEP_TIMEOUT, Step,
    StepKind, is_built_in_mask,
};
use super::values;
use crate::diagnostic::{Complaint, Findings};
use std::ops::Range;

/// A fence with its content.
pub(crate) struct Fence<'a> {
    pub language: &'a Word,
    pub attributes: &'a [Attribute],
    /// The brace group.
    pub group: Range<usize>,
    /// The text between the two rows of backticks.
    pub content: String,
    /// Where the whole fence stands.
    pub span: Range<usize>,
}

/// A block, and where its names stand.
pub(crate) enum NamedBlock {
    File {
        file: FileStep,
        path: Range<usize>,
    },
    Step {
        step: Step,
        id: Range<usize>,
    },
    Check {
        check: Check,
        name: Range<usize>,
        of: Range<usize>,
    },
    /// A step, and the question that it answers.
    Quiz {
        step: Step,
        question: Check,
        name: Range<usize>,
    },
}

/// Warns of attributes without braces: a fence like ```` ```sh id=build ```` is silently plain.
pub(crate) fn hint_at_braces(rest: &Word, findings: &mut Findings) {
    let mut words = rest.text.split_whitespace();
    let has_key = words.any(|word| {
        let word = word.trim_start_matches(['{', '[', '(']);
        word.split_once('=').is_some_and(|(key, _)| is_key(key))
    });
    if !has_key {
        return;
    }
    if rest.text.contains('{') {
        findings.error(
            rest.span.clone(),
            "the brace group does not stand right behind the language, so this fence is plain",
            "write the language, one blank and the group: `sh {id=build}`",
        );
        return;
    }
    let pairs = rest.text.trim_matches(['[', ']', '(', ')']);
    findings.warning(
        rest.span.clone(),
        "attributes without braces do nothing",
        format!("write `{{{pairs}}}` if this fence is to run"),
    );
}

/// Reads a fence that does something; `None` for a file without a usable path.
pub(crate) fn read(
    fence: Fence<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<NamedBlock> {
    let mut keys = Keys::of(fence.attributes, &fence.group, findings);
    if keys.kind != FenceKind::File {
        bash_only(&fence, keys.kind, findings);
    }
    match keys.kind {
        FenceKind::File => file(fence, &mut keys, findings),
        FenceKind::Step | FenceKind::Exercise => {
            let step = step(fence, &mut keys, mentions, findings);
            let id = keys.named_span();
            Some(NamedBlock::Step { step, id })
        }
        FenceKind::Quiz => Some(quiz(fence, &mut keys, mentions, findings)),
        FenceKind::Check => Some(check(fence, &mut keys, findings)),
        FenceKind::Prediction => Some(prediction(fence, &mut keys, findings)),
    }
}

fn file(fence: Fence<'_>, keys: &mut Keys<'_>, findings: &mut Findings) -> Option<NamedBlock> {
    let path = keys.value("file", values::workspace_path, findings)?;
    Some(NamedBlock::File {
        file: FileStep {
            path,
            language: fence.language.text.clone(),
            content: fence.content,
            span: fence.span,
        },
        path: keys.span("file"),
    })
}

fn step(
    fence: Fence<'_>,
    keys: &mut Keys<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Step {
    // An exercise or a quiz is a step that takes fewer keys; an exercise compares nothing.
    let (name, kind, compare) = match keys.kind {
        FenceKind::Exercise => ("exercise", StepKind::Exercise, Compare::None),
        FenceKind::Quiz => ("quiz", StepKind::Quiz, Compare::Snapshot),
        FenceKind::Step | FenceKind::File | FenceKind::Check | FenceKind::Prediction => {
            ("id", StepKind::Plain, Compare::Snapshot)
        }
    };
    keys.require(name, "build", findings);
    Step {
        id: keys.value(name, values::name, findings).unwrap_or_default(),
        was: was(keys, findings),
        after: keys.value("after", as_written, findings),
        script: fence.content,
        on: keys
            .value("on", values::place, findings)
            .unwrap_or_default(),
        needs: needs(keys, mentions, findings),
        timeout: keys
            .value("timeout", values::duration, findings)
            .unwrap_or(STEP_TIMEOUT),
        exit: keys
            .value("exit", values::exit, findings)
            .unwrap_or_default(),
        compare: keys
            .value("compare", values::compare, findings)
            .unwrap_or(compare),
        masks: masks(keys, mentions, findings),
        vary: vary(keys, mentions, findings),
        background: background(keys, findings),
        exclusive: exclusive(keys, mentions, findings),
        kind,
        span: fence.span,
    }
}

fn was(keys: &mut Keys<'_>, findings: &mut Findings) -> Option<FormerName> {
    let (lesson, step) = keys.value("was", values::lesson_and_step, findings)?;
    let span = keys.span("was");
    Some(FormerName { lesson, step, span })
}

/// A step, and the prediction that takes all that it prints for the answer.
fn quiz(
    fence: Fence<'_>,
    keys: &mut Keys<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> NamedBlock {
    let choices = keys.value("choices", values::choices, findings);
    let step = step(fence, keys, mentions, findings);
    let question = Check {
        name: step.id.clone(),
        of: step.id.clone(),
        script: PRINTED.to_owned(),
        expect: Expectation::Answer(choices.unwrap_or_default()),
        sentence: String::new(),
        span: step.span.end..step.span.end,
    };
    NamedBlock::Quiz {
        step,
        question,
        name: keys.named_span(),
    }
}

/// Prints what the step printed.
const PRINTED: &str = "cat \"$TUTOR_STDOUT\"\n";

fn check(fence: Fence<'_>, keys: &mut Keys<'_>, findings: &mut Findings) -> NamedBlock {
    keys.require("check", "size", findings);
    keys.require("of", "build", findings);
    let check = Check {
        name: keys
            .value("check", values::name, findings)
            .unwrap_or_default(),
        of: keys.value("of", as_written, findings).unwrap_or_default(),
        script: fence.content,
        expect: expectation(keys, findings),
        sentence: String::new(),
        span: fence.span,
    };
    NamedBlock::Check {
        check,
        name: keys.span("check"),
        of: keys.span("of"),
    }
}

fn prediction(fence: Fence<'_>, keys: &mut Keys<'_>, findings: &mut Findings) -> NamedBlock {
    keys.require("predict", "lines", findings);
    keys.require("of", "run", findings);
    let choices = keys.value("choices", values::choices, findings);
    let check = Check {
        name: keys
            .value("predict", values::name, findings)
            .unwrap_or_default(),
        of: keys.value("of", as_written, findings).unwrap_or_default(),
        script: fence.content,
        expect: Expectation::Answer(choices.unwrap_or_default()),
        sentence: String::new(),
        span: fence.span,
    };
    NamedBlock::Check {
        check,
        name: keys.span("predict"),
        of: keys.span("of"),
    }
}

// Whether there is such a step is asked when the whole lesson is known.
fn as_written(text: &str) -> Result<String, Complaint> {
    Ok(text.to_owned())
}

fn bash_only(fence: &Fence<'_>, kind: FenceKind, findings: &mut Findings) {
    let language = fence.language.text.as_str();
    if matches!(language, "sh" | "bash" | "") {
        return;
    }
    let help = match language {
        "console" | "shell" | "zsh" | "text" => {
            "write the commands alone into an `sh` fence; `tutor` shows their output".to_owned()
        }
        _ => format!("write it with `{language} {{file=…}}` and run it from an `sh` step"),
    };
    findings.error(
        fence.language.span.clone(),
        format!("`{language}` does not run: a {kind} is `sh` or `bash`"),
        help,
    );
}

fn needs(keys: &mut Keys<'_>, mentions: &mut Vec<Mention>, findings: &mut Findings) -> Vec<Need> {
    let mut needs = Vec::new();
    for word in keys.names("needs", "kprobe", findings) {
        match values::need(&word.text) {
            Err(complaint) => findings.complain(word.span, complaint),
            Ok(need) => {
                mentions.push(Mention::of_need(&need, word.span));
                needs.push(need);
            }
        }
    }
    needs
}

fn exclusive(
    keys: &mut Keys<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<String> {
    let name = keys.value("exclusive", values::name, findings)?;
    mentions.push(Mention {
        what: Mentioned::Exclusive,
        name: Word {
            text: name.clone(),
            span: keys.span("exclusive"),
        },
    });
    Some(name)
}

fn masks(keys: &mut Keys<'_>, mentions: &mut Vec<Mention>, findings: &mut Findings) -> Vec<String> {
    let words = keys.names("mask", "prog-id", findings);
    let own = words.iter().filter(|word| !is_built_in_mask(&word.text));
    mentions.extend(own.map(|name| Mention {
        what: Mentioned::Mask,
        name: name.clone(),
    }));
    words.into_iter().map(|word| word.text).collect()
}

fn vary(keys: &mut Keys<'_>, mentions: &mut Vec<Mention>, findings: &mut Findings) -> Vec<String> {
    let words = keys.names("vary", "kernel", findings);
    mentions.extend(words.iter().map(|name| Mention {
        what: Mentioned::Facet,
        name: name.clone(),
    }));
    words.into_iter().map(|word| word.text).collect()
}

fn background(keys: &mut Keys<'_>, findings: &mut Findings) -> Option<Background> {
    let set = keys.flag("background", findings);
    let until = keys.value("until", values::until, findings);
    if let (false, Some(attribute)) = (set, keys.found.get("until")) {
        findings.error(
            attribute.key.span.clone(),
            "`until` without `background`: a step in the foreground is over when it ends",
            "add `background` to the brace group, or take `until` away",
        );
    }
    set.then(|| until.unwrap_or(Background::AtOnce))
}

fn expectation(keys: &mut Keys<'_>, findings: &mut Findings) -> Expectation {
    let given: Vec<&str> = ["expect", "match", "range"]
        .into_iter()
        .filter(|key| keys.found.contains_key(key))
        .collect();
    if given.is_empty() {
        findings.error(
            keys.named_span(),
            format!("{} does not say what to expect", keys.title),
            "add one of `expect=TEXT`, `match=REGEX` and `range=1..5`",
        );
    }
    for extra in given.iter().skip(1) {
        findings.error(
            keys.found[extra].key.span.clone(),
            format!("{} has `{}` and `{extra}`", keys.title, given[0]),
            "keep one of `expect`, `match` and `range`; write a second check for the other",
        );
    }
    let equals = keys.value(
        "expect",
        |text| Ok(Expectation::Equals(text.to_owned())),
        findings,
    );
    let matches = keys.value(
        "match",
        |text| values::regex(text).map(Expectation::Matches),
        findings,
    );
    let range = keys.value("range", values::range, findings);
    let found = equals.or(matches).or(range);
    found.unwrap_or_else(|| Expectation::Equals(String::new()))
}
