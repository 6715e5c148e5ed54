//! Reads `course.toml`, and says all that is wrong with it.

use super::asks::{self, Asks};
use super::keys::{Key, Value, key_help, quoted};
use super::languages::is_language;
use super::masks::{self, CourseMask, DeclaredMask};
use super::model::{Facet, NeedProbe};
use super::package;
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::lesson::is_name;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The contents of `course.toml`.
#[derive(Default)]
pub(super) struct Manifest {
    pub title: String,
    /// The language of the lessons; nothing where it does not say.
    pub language: Option<String>,
    /// The stems of the lessons, each usable as a file's name.
    pub lessons: Vec<ListedLesson>,
    pub needs: BTreeMap<String, NeedProbe>,
    pub facets: BTreeMap<String, Facet>,
    pub masks: BTreeMap<String, CourseMask>,
    pub inventory: Option<String>,
    /// The names of what only one step on the machine may hold at a time.
    pub exclusive: Vec<String>,
    /// The rights that steps ask for on the learner's machine.
    pub asks: Asks,
    /// Whether it is written in the format of another `tutor`.
    pub is_of_unknown_format: bool,
    /// Names of needs, facets and masks that are declared in a way that cannot be read.
    pub broken: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A text of the list `lessons`.
pub(super) struct ListedLesson {
    pub text: String,
    pub span: Range<usize>,
}

const KEYS: [&str; 10] = [
    "format",
    "title",
    "language",
    "lessons",
    "inventory",
    "exclusive",
    "steps",
    "needs",
    "facets",
    "masks",
];
const NEED_KEYS: [&str; 6] = ["on", "what", "why", "probe", "package", "remedy"];
const FACET_KEYS: [&str; 4] = ["on", "what", "probe", "precision"];

/// Reads the text of `course.toml`.
pub(super) fn read(path: &Path, source: &str) -> Manifest {
    let mut findings = Findings::of(path);
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = format!("this is no TOML: {}", first_line(error.message()));
        findings.error(span, message, "see https://toml.io for the way to write it");
    }
    let mut reader = ManifestReader {
        manifest: Manifest::default(),
        findings,
    };
    let table = table.into_inner();
    // A missing key may stand in the part that could not be read.
    if errors.is_empty() {
        reader.missing(&table);
    }
    for (key, value) in table {
        reader.entry(key, value);
    }
    let mut manifest = reader.manifest;
    manifest.diagnostics = reader.findings.sorted(source);
    manifest
}

struct ManifestReader {
    manifest: Manifest,
    findings: Findings,
}

impl ManifestReader {
    fn missing(&mut self, table: &DeTable<'_>) {
        for (key, example) in [
            ("format", "format = 1"),
            ("title", "title = \"…\""),
            ("lessons", "lessons = [\"lesson-1\"]"),
        ] {
            let misspelt = table
                .keys()
                .any(|found| nearest(found.get_ref(), KEYS) == Some(key));
            if !table.contains_key(key) && !misspelt {
                let message = format!("the course has no `{key}`");
                self.findings
                    .error(0..0, message, format!("add `{example}` at the top"));
            }
        }
    }

    fn entry(&mut self, key: Key<'_>, value: Value<'_>) {
        match key.get_ref().as_ref() {
            "format" => self.format(&value),
            "title" => self.manifest.title = self.typed("title", value).unwrap_or_default(),
            "language" => self.language(value),
            "inventory" => self.manifest.inventory = self.typed("inventory", value),
            "lessons" => self.lessons(value),
            "exclusive" => self.exclusive(value),
            "steps" => self.asks(key, value),
            "needs" => self.needs(value),
            "facets" => self.facets(value),
            "masks" => self.masks(value),
            unknown => {
                let message = format!("unknown key `{unknown}` in the course");
                let help = match asks::KEYS.contains(&unknown) {
                    true => format!("write it in the table `[steps]`: `steps.{unknown} = …`"),
                    false => key_help(unknown, &KEYS),
                };
                self.findings.error(key.span(), message, help);
            }
        }
    }

    fn language(&mut self, value: Value<'_>) {
        let span = value.span();
        let Some(language) = self.typed::<String>("language", value) else {
            return;
        };
        match is_language(&language) {
            true => self.manifest.language = Some(language),
            false => self.findings.error(
                span,
                format!("`{language}` is no language"),
                "write its code of two or three small letters: `en`, `zh`",
            ),
        }
    }

    fn format(&mut self, value: &Value<'_>) {
        let is_known =
            matches!(value.get_ref(), DeValue::Integer(number) if number.as_str() == "1");
        self.manifest.is_of_unknown_format = !is_known;
        if !is_known {
            let message = "this course format is not known";
            self.findings
                .error(value.span(), message, "this `tutor` reads `format = 1`");
        }
    }

    fn lessons(&mut self, value: Value<'_>) {
        let Some(entries) = self.typed::<Vec<Spanned<String>>>("lessons", value) else {
            return;
        };
        let mut listed = HashSet::new();
        for entry in entries {
            let span = entry.span();
            let text = entry.into_inner();
            if !is_name(&text) {
                let message = format!("`{text}` is no name of a lesson");
                let help =
                    "write the stem of its file, of lower-case letters, digits and `-`: `lesson-2`";
                self.findings.error(span, message, help);
            } else if !listed.insert(text.clone()) {
                let message = format!("lesson `{text}` is listed twice");
                self.findings.error(span, message, "keep one of them");
            } else {
                self.manifest.lessons.push(ListedLesson { text, span });
            }
        }
    }

    fn exclusive(&mut self, value: Value<'_>) {
        let names = self.typed::<Vec<Spanned<String>>>("exclusive", value);
        for name in names.into_iter().flatten() {
            let span = name.span();
            let name = name.into_inner();
            if !is_name(&name) {
                let message = format!("`{name}` is no exclusive name");
                let help = "use lower-case letters, digits and `-`: `port-8080`";
                self.findings.error(span, message, help);
            }
            self.manifest.exclusive.push(name);
        }
    }

    fn asks(&mut self, key: Key<'_>, value: Value<'_>) {
        let name = Spanned::new(key.span(), "steps".into());
        let Some(asks) = self.declared::<Asks>("table", &asks::KEYS, &name, value) else {
            return;
        };
        for (span, fault) in asks.faults() {
            let help = "docs/lesson-format.md says what steps can ask for";
            self.findings.error(span, fault, help);
        }
        self.manifest.asks = asks;
    }

    fn needs(&mut self, value: Value<'_>) {
        for (key, mut value) in self.tables("needs", value) {
            let name = key.get_ref().to_string();
            let package = match value.get_mut() {
                DeValue::Table(table) => table.remove("package"),
                _ => None,
            };
            let package = package.and_then(|value| package::read(&name, value, &mut self.findings));
            match self.declared::<NeedProbe>("need", &NEED_KEYS, &key, value) {
                Some(need) => {
                    self.manifest
                        .needs
                        .insert(name, NeedProbe { package, ..need });
                }
                None => self.manifest.broken.push(name),
            }
        }
    }

    fn facets(&mut self, value: Value<'_>) {
        for (key, value) in self.tables("facets", value) {
            let name = key.get_ref().to_string();
            match self.declared::<Facet>("facet", &FACET_KEYS, &key, value) {
                Some(facet) => {
                    self.manifest.facets.insert(name, facet);
                }
                None => self.manifest.broken.push(name),
            }
        }
    }

    fn masks(&mut self, value: Value<'_>) {
        for (key, value) in self.tables("masks", value) {
            let name = key.get_ref().to_string();
            let declared = self.declared::<DeclaredMask>("mask", &masks::KEYS, &key, value);
            match declared.and_then(|mask| masks::read(&key, &mask, &mut self.findings)) {
                Some(mask) => {
                    self.manifest.masks.insert(name, mask);
                }
                None => self.manifest.broken.push(name),
            }
        }
    }

    fn tables<'a>(&mut self, key: &str, value: Value<'a>) -> Vec<(Key<'a>, Value<'a>)> {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            let help = format!("write a table for each: `[{key}.clang]`");
            self.findings
                .error(span, format!("`{key}` is no table"), help);
            return Vec::new();
        };
        table.into_iter().collect()
    }

    fn declared<'a, T: Deserialize<'a>>(
        &mut self,
        what: &str,
        keys: &[&str],
        name: &Key<'a>,
        value: Value<'a>,
    ) -> Option<T> {
        let shown = name.get_ref();
        if !is_name(shown) {
            let message = format!("`{shown}` is no name of a {what}");
            let help = "use lower-case letters, digits and `-`";
            self.findings.error(name.span(), message, help);
        }
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            let message = format!("{what} `{shown}` is no table");
            let help = format!("write `[{what}s.{shown}]` and its keys below");
            self.findings.error(span, message, help);
            return None;
        };
        let (known, unknown): (Vec<_>, Vec<_>) = table
            .into_iter()
            .partition(|(key, _)| keys.contains(&key.get_ref().as_ref()));
        for (key, _) in &unknown {
            let message = format!("unknown key `{}` of {what} `{shown}`", key.get_ref());
            self.findings
                .error(key.span(), message, key_help(key.get_ref(), keys));
        }
        let table: DeTable<'a> = known.into_iter().collect();
        let value = Spanned::new(span, DeValue::Table(table));
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(declared) => Some(declared),
            Err(error) => {
                let place = error.span().unwrap_or_else(|| name.span());
                let message = format!("{what} `{shown}`: {}", first_line(error.message()));
                let help = format!("a {what} takes {}", quoted(keys));
                self.findings.error(place, message, help);
                None
            }
        }
    }

    fn typed<'a, T: Deserialize<'a>>(&mut self, key: &str, value: Value<'a>) -> Option<T> {
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("`{key}`: {}", first_line(error.message()));
                let help = match key {
                    "lessons" => "write a list of texts: `[\"lesson-1\", \"lesson-2\"]`",
                    "exclusive" => "write a list of names: `[\"port-8080\"]`",
                    _ => "write a text in quotes",
                };
                self.findings
                    .error(error.span().unwrap_or(span), message, help);
                None
            }
        }
    }
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
