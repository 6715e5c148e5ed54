//! Makes a file, a step or a check of a fence whose attributes were read.

use super::attributes::{Attribute, Word};
use super::values::{self, Complaint, listed};
use super::{
    ALWAYS_MASKED, Background, Check, Compare, Expectation, FileStep, MASK_NAMES, STEP_TIMEOUT,
    Step,
};
use crate::diagnostic::{Findings, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// What a fence with a brace group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Step,
    Check,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::File, Kind::Step, Kind::Check];

    /// The keys that a fence of this kind takes; the first one names it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::File => &["file"],
            Kind::Step => &[
                "id",
                "on",
                "needs",
                "timeout",
                "exit",
                "compare",
                "mask",
                "vary",
                "background",
                "until",
                "exclusive",
            ],
            Kind::Check => &["check", "of", "expect", "match", "range"],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::File => "file",
            Kind::Step => "step",
            Kind::Check => "check",
        })
    }
}

/// True if some kind of fence takes the key.
pub(crate) fn is_key(key: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.keys().contains(&key))
}

/// A name that `course.toml` must declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub what: Mentioned,
    pub name: Word,
}

/// What kind of name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mentioned {
    Need,
    Facet,
}

/// A fence with its content.
pub(crate) struct Fence<'a> {
    pub language: &'a Word,
    pub attributes: &'a [Attribute],
    /// The brace group.
    pub group: Range<usize>,
    /// What stands between the two rows of backticks.
    pub content: String,
    /// Where the whole fence stands.
    pub span: Range<usize>,
}

/// A block, and where its names stand.
pub(crate) enum Read {
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
}

/// Reads a fence that does something; `None` for a file without a usable path.
pub(crate) fn read(
    fence: Fence<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<Read> {
    let mut keys = Keys::of(&fence, findings);
    if keys.kind != Kind::File {
        bash_only(&fence, keys.kind, findings);
    }
    match keys.kind {
        Kind::File => file(fence, &mut keys, findings),
        Kind::Step => Some(step(fence, &mut keys, mentions, findings)),
        Kind::Check => Some(check(fence, &mut keys, findings)),
    }
}

fn file(fence: Fence<'_>, keys: &mut Keys<'_>, findings: &mut Findings) -> Option<Read> {
    let path = keys.value("file", values::workspace_path, findings)?;
    Some(Read::File {
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
) -> Read {
    keys.require("id", "build", findings);
    let step = Step {
        id: keys.value("id", values::name, findings).unwrap_or_default(),
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
            .unwrap_or(Compare::Snapshot),
        masks: masks(keys, findings),
        vary: vary(keys, mentions, findings),
        background: background(keys, findings),
        exclusive: keys.value("exclusive", values::exclusive, findings),
        span: fence.span,
    };
    Read::Step {
        step,
        id: keys.span("id"),
    }
}

fn check(fence: Fence<'_>, keys: &mut Keys<'_>, findings: &mut Findings) -> Read {
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
    Read::Check {
        check,
        name: keys.span("check"),
        of: keys.span("of"),
    }
}

// Whether there is such a step is asked when the whole lesson is known.
fn as_written(text: &str) -> Result<String, Complaint> {
    Ok(text.to_owned())
}

fn bash_only(fence: &Fence<'_>, kind: Kind, findings: &mut Findings) {
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

fn needs(
    keys: &mut Keys<'_>,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Vec<super::Need> {
    let mut needs = Vec::new();
    for word in keys.names("needs", "kprobe", findings) {
        match values::need(&word.text) {
            Err(complaint) => report(word.span, complaint, findings),
            Ok(need) => {
                let name = Word {
                    text: need.name.clone(),
                    span: word.span,
                };
                mentions.push(Mention {
                    what: Mentioned::Need,
                    name,
                });
                needs.push(need);
            }
        }
    }
    needs
}

fn masks(keys: &mut Keys<'_>, findings: &mut Findings) -> Vec<String> {
    let words = keys.names("mask", "prog-id", findings);
    for word in &words {
        let known = MASK_NAMES.iter().chain(&ALWAYS_MASKED);
        if known.clone().any(|mask| *mask == word.text) {
            continue;
        }
        let help = match nearest(&word.text, known.copied()) {
            Some(mask) => format!("did you mean `{mask}`?"),
            None => format!("the masks are {}", listed(&MASK_NAMES, "and")),
        };
        findings.error(
            word.span.clone(),
            format!("unknown mask `{}`", word.text),
            help,
        );
    }
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

/// The attributes of one fence by their key, slips of the finger already put right.
struct Keys<'a> {
    kind: Kind,
    found: BTreeMap<&'static str, &'a Attribute>,
    group: Range<usize>,
    /// `step `build``, for messages.
    title: String,
}

impl<'a> Keys<'a> {
    fn of(fence: &Fence<'a>, findings: &mut Findings) -> Self {
        let kind = kind(fence.attributes);
        let mut keys = Keys {
            kind,
            found: BTreeMap::new(),
            group: fence.group.clone(),
            title: title(kind, fence.attributes),
        };
        for attribute in fence.attributes {
            keys.add(attribute, fence.attributes, findings);
        }
        keys
    }

    fn add(&mut self, attribute: &'a Attribute, all: &[Attribute], findings: &mut Findings) {
        let key = attribute.key.text.as_str();
        let span = attribute.key.span.clone();
        if let Some(known) = self.kind.keys().iter().find(|known| **known == key) {
            if self.found.insert(known, attribute).is_some() {
                let message = format!("`{key}` is given twice on {}", self.title);
                findings.error(span, message, "keep one of them");
            }
            return;
        }
        if is_key(key) {
            let message = format!("`{key}` has no meaning on {}", self.title);
            findings.error(span, message, self.where_it_belongs(key));
            return;
        }
        let meant = nearest(key, self.kind.keys().iter().copied());
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("a {} takes {}", self.kind, listed(self.kind.keys(), "and")),
        };
        findings.error(
            span,
            format!("unknown attribute `{key}` on {}", self.title),
            help,
        );
        // It is read as what was meant, so that what follows from it is not complained of too.
        let unused = meant.filter(|meant| all.iter().all(|other| other.key.text != **meant));
        if let Some(meant) = self
            .kind
            .keys()
            .iter()
            .find(|known| Some(**known) == unused)
        {
            self.found.entry(meant).or_insert(attribute);
        }
    }

    fn where_it_belongs(&self, key: &str) -> String {
        let owners: Vec<String> = Kind::ALL
            .iter()
            .filter(|kind| kind.keys().contains(&key))
            .map(|kind| format!("a {kind} (`{}=…`)", kind.keys()[0]))
            .collect();
        format!("it belongs on {}", owners.join(" or "))
    }

    /// Reads the value of a key that needs one.
    fn value<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, Complaint>,
        findings: &mut Findings,
    ) -> Option<T> {
        let attribute = self.found.get(key)?;
        let Some(value) = &attribute.value else {
            let message = format!("`{key}` needs a value");
            let help = format!("write `{key}=…`");
            findings.error(attribute.key.span.clone(), message, help);
            return None;
        };
        if value.text.is_empty() && key != "expect" {
            let message = format!("`{key}` has an empty value");
            let place = attribute.key.span.start..value.span.end;
            findings.error(place, message, format!("write `{key}=…`"));
            return None;
        }
        match read(&value.text) {
            Ok(value) => Some(value),
            Err(complaint) => {
                report(value.span.clone(), complaint, findings);
                None
            }
        }
    }

    fn flag(&mut self, key: &'static str, findings: &mut Findings) -> bool {
        let Some(attribute) = self.found.get(key) else {
            return false;
        };
        if let Some(value) = &attribute.value {
            let message = format!("`{key}` takes no value");
            let help = format!("write `{key}` alone");
            findings.error(value.span.clone(), message, help);
        }
        true
    }

    /// Reads the names of a list, each a usable one.
    fn names(&mut self, key: &'static str, example: &str, findings: &mut Findings) -> Vec<Word> {
        let Some(attribute) = self.found.get(key) else {
            return Vec::new();
        };
        let Some(value) = &attribute.value else {
            let message = format!("`{key}` needs a value");
            let help = format!("write `{key}={example}`");
            findings.error(attribute.key.span.clone(), message, help);
            return Vec::new();
        };
        let (named, empty): (Vec<Word>, Vec<Word>) = values::names(value)
            .into_iter()
            .partition(|word| !word.text.is_empty());
        if !empty.is_empty() {
            findings.error(
                attribute.key.span.start..value.span.end,
                format!("`{key}` has an empty name in its list"),
                format!("write names with commas and no blanks between them: `{key}={example}`"),
            );
        }
        named
    }

    fn require(&self, key: &'static str, example: &str, findings: &mut Findings) {
        if self.found.contains_key(key) {
            return;
        }
        let help = match (self.kind, key) {
            (Kind::Step, _) => format!(
                "name it: `{key}={example}`; the name never changes, since it names the snapshot"
            ),
            (Kind::Check, "of") => format!("name the step that it belongs to: `of={example}`"),
            (Kind::Check | Kind::File, _) => format!("name it: `{key}={example}`"),
        };
        findings.error(
            self.group.clone(),
            format!("{} has no `{key}`", self.title),
            help,
        );
    }

    /// Where the value of a key stands, or the whole group where it is missing.
    fn span(&self, key: &str) -> Range<usize> {
        let attribute = self.found.get(key);
        attribute
            .and_then(|attribute| attribute.value.as_ref())
            .map_or_else(|| self.group.clone(), |value| value.span.clone())
    }

    fn named_span(&self) -> Range<usize> {
        self.span(self.kind.keys()[0])
    }
}

/// The kind that a fence's keys make it, slips of the finger allowed for.
fn kind(attributes: &[Attribute]) -> Kind {
    let has = |key: &str| attributes.iter().any(|attribute| attribute.key.text == key);
    if has("file") {
        return Kind::File;
    }
    if has("check") {
        return Kind::Check;
    }
    if has("id") {
        return Kind::Step;
    }
    let unknown = attributes
        .iter()
        .filter(|attribute| !is_key(&attribute.key.text));
    for attribute in unknown {
        match nearest(&attribute.key.text, ["file", "check", "id"]) {
            Some("file") => return Kind::File,
            Some("check") => return Kind::Check,
            Some(_) => return Kind::Step,
            None => {}
        }
    }
    match ["of", "expect", "match", "range"].into_iter().any(has) {
        true => Kind::Check,
        false => Kind::Step,
    }
}

fn title(kind: Kind, attributes: &[Attribute]) -> String {
    let name = attributes
        .iter()
        .find(|attribute| attribute.key.text == kind.keys()[0])
        .and_then(|attribute| attribute.value.as_ref());
    match name {
        Some(name) if !name.text.is_empty() => format!("{kind} `{}`", name.text),
        Some(_) | None => format!("this {kind}"),
    }
}

fn report(span: Range<usize>, complaint: Complaint, findings: &mut Findings) {
    findings.error(span, complaint.message, complaint.help);
}
