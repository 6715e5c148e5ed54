//! The YAML between two `---` lines at the top of a lesson.

use super::attributes::Word;
use super::mention::Mention;
use super::model::FrontMatter;
use super::values::{self, listed};
use crate::diagnostic::{Findings, line_end, nearest};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

/// The version of the lesson format that this program reads.
const FORMAT: &str = "1";

const KEYS: [&str; 6] = ["format", "name", "title", "goals", "time", "needs"];

const EXAMPLE: &str =
    "a lesson begins with `---`, `format: 1`, `name: hello`, `title: Hello`, `---`";

/// The front matter of a lesson and what follows from it.
pub(crate) struct Preamble {
    pub front: FrontMatter,
    /// Where the name stands.
    pub name: Range<usize>,
    /// Where the lesson's text begins.
    pub body: usize,
    pub mentions: Vec<Mention>,
}

/// Reads the front matter; a lesson without a usable name gets its stem as one.
pub(crate) fn read(stem: &str, source: &str, findings: &mut Findings) -> Preamble {
    let start = if source.starts_with('\u{feff}') { 3 } else { 0 };
    let mut read = Preamble {
        front: FrontMatter::default(),
        name: start..line_end(source, start),
        body: start,
        mentions: Vec::new(),
    };
    match find(source, start) {
        YamlPart::Nothing => {
            findings.error(start..line_end(source, start), "no front matter", EXAMPLE);
        }
        YamlPart::Unclosed { body } => {
            read.body = body;
            findings.error(
                start..start + 3,
                "the front matter is not closed",
                "end it with a line `---`",
            );
        }
        YamlPart::Yaml { yaml, body } => {
            read.body = body;
            FrontMatterReader {
                source,
                offset: yaml.start,
                read: &mut read,
                findings,
            }
            .read(&source[yaml]);
        }
    }
    if read.front.name.is_empty() {
        read.front.name = stem.to_owned();
    }
    if read.front.title.is_empty() {
        read.front.title = stem.to_owned();
    }
    read
}

/// The byte of a line and a column, both from 1, the column in characters.
fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = lines.map(str::len).sum();
    let characters = text[start..].char_indices().nth(column.saturating_sub(1));
    characters.map_or(text.len(), |(offset, _)| start + offset)
}

enum YamlPart {
    Nothing,
    Unclosed { body: usize },
    Yaml { yaml: Range<usize>, body: usize },
}

fn find(source: &str, start: usize) -> YamlPart {
    let mut lines = lines(source, start);
    let Some(first) = lines.next().filter(|line| is_rule(source, line)) else {
        return YamlPart::Nothing;
    };
    for line in lines {
        if is_rule(source, &line) {
            return YamlPart::Yaml {
                yaml: first.end..line.start,
                body: line.end,
            };
        }
    }
    YamlPart::Unclosed { body: first.end }
}

fn is_rule(source: &str, line: &Range<usize>) -> bool {
    source[line.clone()].trim_end() == "---"
}

/// The lines from `start` on, each with its line end.
fn lines(source: &str, start: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = start;
    source[start..].split_inclusive('\n').map(move |line| {
        at += line.len();
        at - line.len()..at
    })
}

struct FrontMatterReader<'a> {
    source: &'a str,
    offset: usize,
    read: &'a mut Preamble,
    findings: &'a mut Findings,
}

impl FrontMatterReader<'_> {
    fn read(&mut self, yaml: &str) {
        match serde_saphyr::from_str_with_options::<YamlEntries>(
            yaml,
            serde_saphyr::options! {
                with_snippet: false,
                duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
            },
        ) {
            Ok(map) => self.entries(map.0),
            Err(error) => self.invalid(yaml, &error),
        }
    }

    fn invalid(&mut self, yaml: &str, error: &serde_saphyr::Error) {
        let start = error.location().map_or(self.offset, |place| {
            self.offset + byte_at(yaml, place.line() as usize, place.column() as usize)
        });
        let text = error.without_snippet().to_string();
        let reason = text.lines().next().unwrap_or_default();
        // The place is told by the span, and the library counts lines from the YAML's first.
        let reason = reason.split(" at line ").next().unwrap_or_default();
        self.findings.error(
            start..line_end(self.source, start),
            format!("the front matter is no YAML that can be read: {reason}"),
            "write `key: value` lines; put a value that holds `: ` or `#` in quotes",
        );
    }

    fn entries(&mut self, entries: Vec<(Spanned<String>, Spanned<YamlValue>)>) {
        let has = |key: &str| entries.iter().any(|(found, _)| found.value == key);
        let missing: Vec<&str> = ["format", "name", "title"]
            .into_iter()
            .filter(|key| !has(key))
            .collect();
        let mut seen = HashSet::new();
        for (key, item) in &entries {
            if seen.insert(key.value.as_str()) {
                self.entry(key, item);
            } else {
                let message = format!("`{}` is given twice in the front matter", key.value);
                let span = self.span(key);
                self.findings.error(span, message, "keep one of them");
            }
        }
        for key in missing {
            let misspelt = entries
                .iter()
                .any(|(found, _)| nearest(&found.value, KEYS) == Some(key));
            if !misspelt {
                self.missing(key);
            }
        }
    }

    fn missing(&mut self, key: &str) {
        let help = match key {
            "format" => "add `format: 1`",
            "name" => "add a permanent name, as in `name: hello`: it names the snapshots",
            _ => "add `title: …`",
        };
        let first = self.offset.saturating_sub(1);
        let start = crate::diagnostic::line_start(self.source, first);
        self.findings.error(
            start..line_end(self.source, start),
            format!("the front matter has no `{key}`"),
            help,
        );
    }

    fn entry(&mut self, key: &Spanned<String>, item: &Spanned<YamlValue>) {
        match key.value.as_str() {
            "format" => self.format(item),
            "name" => self.name(item),
            "title" => self.read.front.title = self.text("title", item).unwrap_or_default(),
            "time" => self.read.front.time = self.text("time", item),
            "goals" => {
                self.read.front.goals = self
                    .list("goals", item)
                    .into_iter()
                    .map(|word| word.text)
                    .collect()
            }
            "needs" => self.needs(item),
            unknown => {
                let help = match nearest(unknown, KEYS) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the keys are {}", listed(&KEYS, "and")),
                };
                let span = self.span(key);
                self.findings.error(
                    span,
                    format!("unknown key `{unknown}` in the front matter"),
                    help,
                );
            }
        }
    }

    fn format(&mut self, item: &Spanned<YamlValue>) {
        let written = match &item.value {
            YamlValue::Text(text) => text.as_str(),
            YamlValue::List(_) | YamlValue::Other => "",
        };
        if written != FORMAT {
            let span = self.span(item);
            let message = match written {
                "" => "`format` is no number".to_owned(),
                _ => format!("lesson format `{written}` is not known"),
            };
            self.findings
                .error(span, message, "this `tutor` reads `format: 1`");
        }
    }

    fn name(&mut self, item: &Spanned<YamlValue>) {
        let span = self.span(item);
        self.read.name = span.clone();
        let Some(text) = self.text("name", item) else {
            return;
        };
        match values::name(&text) {
            Ok(name) => self.read.front.name = name,
            Err(complaint) => self.findings.complain(span, complaint),
        }
    }

    fn needs(&mut self, item: &Spanned<YamlValue>) {
        for word in self.list("needs", item) {
            match values::need(&word.text) {
                Err(complaint) => self.findings.complain(word.span, complaint),
                Ok(need) => {
                    self.read.mentions.push(Mention::of_need(&need, word.span));
                    self.read.front.needs.push(need);
                }
            }
        }
    }

    fn text(&mut self, key: &str, item: &Spanned<YamlValue>) -> Option<String> {
        self.text_or(key, item, &format!("write `{key}: some words`"))
    }

    fn text_or(&mut self, key: &str, item: &Spanned<YamlValue>, help: &str) -> Option<String> {
        match &item.value {
            YamlValue::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            YamlValue::Text(_) | YamlValue::List(_) | YamlValue::Other => {
                let span = self.span(item);
                self.findings
                    .error(span, format!("`{key}` is no text"), help);
                None
            }
        }
    }

    fn list(&mut self, key: &str, item: &Spanned<YamlValue>) -> Vec<Word> {
        let YamlValue::List(items) = &item.value else {
            let span = self.span(item);
            let help =
                format!("write `{key}: [one, two]`, or each on a line of its own after `- `");
            self.findings
                .error(span, format!("`{key}` is no list"), help);
            return Vec::new();
        };
        let mut words = Vec::new();
        for item in items {
            if let Some(text) = self.text_or(key, item, "each item is a text: `- some words`") {
                let span = self.span(item);
                words.push(Word { text, span });
            }
        }
        words
    }

    fn span<T>(&self, spanned: &Spanned<T>) -> Range<usize> {
        let span = spanned.referenced.span();
        let start = self.offset + span.byte_offset().unwrap_or_default() as usize;
        match span.byte_len() {
            Some(length @ 1..) => start..start + length as usize,
            Some(0) | None => start..line_end(self.source, start),
        }
    }
}

/// The entries of a YAML map, in order, all of them kept.
struct YamlEntries(Vec<(Spanned<String>, Spanned<YamlValue>)>);

impl<'de> Deserialize<'de> for YamlEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = YamlEntries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`key: value` lines")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<YamlEntries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(YamlEntries(entries))
            }

            fn visit_unit<E>(self) -> Result<YamlEntries, E> {
                Ok(YamlEntries(Vec::new()))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

/// A YAML value as far as a front matter has use for it.
enum YamlValue {
    Text(String),
    List(Vec<Spanned<YamlValue>>),
    Other,
}

impl<'de> Deserialize<'de> for YamlValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = YamlValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<YamlValue, E> {
                Ok(YamlValue::Text(text.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<YamlValue, E> {
                Ok(YamlValue::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<YamlValue, E> {
                Ok(YamlValue::Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<YamlValue, E> {
                Ok(YamlValue::Text(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<YamlValue, E> {
                Ok(YamlValue::Text(value.to_string()))
            }

            fn visit_unit<E>(self) -> Result<YamlValue, E> {
                Ok(YamlValue::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<YamlValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(YamlValue::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<YamlValue, A::Error> {
                while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(YamlValue::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
