//! The keys of a fence: which kind of fence takes which, and what they are set to.

use super::attributes::{Attribute, Word};
use super::values::{self, listed};
use crate::diagnostic::{Complaint, Findings, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// The kind of a fence with a brace group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FenceKind {
    File,
    Step,
    Check,
    Prediction,
    Exercise,
    Quiz,
}

impl FenceKind {
    const ALL: [FenceKind; 6] = [
        FenceKind::File,
        FenceKind::Step,
        FenceKind::Check,
        FenceKind::Prediction,
        FenceKind::Exercise,
        FenceKind::Quiz,
    ];

    /// The kinds in the order in which their keys decide: what has a key of another kind too is no step.
    fn by_name() -> impl Iterator<Item = FenceKind> {
        let others = FenceKind::ALL
            .into_iter()
            .filter(|kind| *kind != FenceKind::Step);
        others.chain([FenceKind::Step])
    }

    /// The key that names a fence of this kind.
    fn key(self) -> &'static str {
        self.keys()[0]
    }

    /// The keys that a fence of this kind takes; the first one names it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            FenceKind::File => &["file"],
            FenceKind::Step => &[
                "id",
                "was",
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
            FenceKind::Check => &["check", "of", "expect", "match", "range"],
            FenceKind::Prediction => &["predict", "of", "choices"],
            FenceKind::Exercise => &[
                "exercise",
                "after",
                "was",
                "on",
                "needs",
                "timeout",
                "exclusive",
            ],
            FenceKind::Quiz => &[
                "quiz",
                "was",
                "on",
                "needs",
                "timeout",
                "mask",
                "vary",
                "exclusive",
                "choices",
            ],
        }
    }
}

impl fmt::Display for FenceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            FenceKind::File => "file",
            FenceKind::Step => "step",
            FenceKind::Check => "check",
            FenceKind::Prediction => "prediction",
            FenceKind::Exercise => "exercise",
            FenceKind::Quiz => "quiz",
        })
    }
}

/// The keys of which each says of what kind its fence is, in the order in which they decide.
pub(super) fn naming_keys() -> impl Iterator<Item = &'static str> {
    FenceKind::by_name().map(FenceKind::key)
}

/// True if some kind of fence takes the key.
pub(crate) fn is_key(key: &str) -> bool {
    FenceKind::ALL.iter().any(|kind| kind.keys().contains(&key))
}

/// The attributes of one fence by their key, slips of the finger already put right.
pub(super) struct Keys<'a> {
    pub kind: FenceKind,
    pub found: BTreeMap<&'static str, &'a Attribute>,
    group: Range<usize>,
    /// `` step `build` ``, for messages.
    pub title: String,
}

impl<'a> Keys<'a> {
    pub fn of(attributes: &'a [Attribute], group: &Range<usize>, findings: &mut Findings) -> Self {
        let kind = kind(attributes);
        let mut keys = Keys {
            kind,
            found: BTreeMap::new(),
            group: group.clone(),
            title: title(kind, attributes),
        };
        for attribute in attributes {
            keys.add(attribute, attributes, findings);
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
        let owners: Vec<String> = FenceKind::ALL
            .iter()
            .filter(|kind| kind.keys().contains(&key))
            .map(|kind| format!("a {kind} (`{}=…`)", kind.keys()[0]))
            .collect();
        format!("it belongs on {}", owners.join(" or "))
    }

    /// Reads the value of a key that needs one.
    pub fn value<T>(
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
                findings.complain(value.span.clone(), complaint);
                None
            }
        }
    }

    pub fn flag(&mut self, key: &'static str, findings: &mut Findings) -> bool {
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
    pub fn names(
        &mut self,
        key: &'static str,
        example: &str,
        findings: &mut Findings,
    ) -> Vec<Word> {
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

    pub fn require(&self, key: &'static str, example: &str, findings: &mut Findings) {
        if self.found.contains_key(key) {
            return;
        }
        let help = match (self.kind, key) {
            (FenceKind::Step, _) => format!(
                "name it: `{key}={example}`; the name never changes, since it names the snapshot"
            ),
            (FenceKind::Check | FenceKind::Prediction, "of") => {
                format!("name the step that it belongs to: `of={example}`")
            }
            (
                FenceKind::Check
                | FenceKind::Prediction
                | FenceKind::File
                | FenceKind::Exercise
                | FenceKind::Quiz,
                _,
            ) => {
                format!("name it: `{key}={example}`")
            }
        };
        findings.error(
            self.group.clone(),
            format!("{} has no `{key}`", self.title),
            help,
        );
    }

    /// Where the value of a key stands, or the whole group where it is missing.
    pub fn span(&self, key: &str) -> Range<usize> {
        let attribute = self.found.get(key);
        attribute
            .and_then(|attribute| attribute.value.as_ref())
            .map_or_else(|| self.group.clone(), |value| value.span.clone())
    }

    pub fn named_span(&self) -> Range<usize> {
        self.span(self.kind.key())
    }
}

/// The kind that a fence's keys make it, slips of the finger allowed for.
fn kind(attributes: &[Attribute]) -> FenceKind {
    let has = |key: &str| attributes.iter().any(|attribute| attribute.key.text == key);
    if let Some(kind) = FenceKind::by_name().find(|kind| has(kind.key())) {
        return kind;
    }
    let unknown = attributes
        .iter()
        .filter(|attribute| !is_key(&attribute.key.text));
    for attribute in unknown {
        let meant = nearest(&attribute.key.text, naming_keys());
        if let Some(kind) = FenceKind::by_name().find(|kind| meant == Some(kind.key())) {
            return kind;
        }
    }
    match ["of", "expect", "match", "range"].into_iter().any(has) {
        true => FenceKind::Check,
        false if has("choices") => FenceKind::Prediction,
        false => FenceKind::Step,
    }
}

fn title(kind: FenceKind, attributes: &[Attribute]) -> String {
    let name = attributes
        .iter()
        .find(|attribute| attribute.key.text == kind.key())
        .and_then(|attribute| attribute.value.as_ref());
    match name {
        Some(name) if !name.text.is_empty() => format!("{kind} `{}`", name.text),
        Some(_) | None => format!("this {kind}"),
    }
}
