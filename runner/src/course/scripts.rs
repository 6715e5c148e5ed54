//! Everything that a course would run and write, part by part: a learner agrees to it first.

use super::files::MANIFEST;
use super::model::{Course, Precision};
use crate::lesson::{Block, Lesson, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tutor_files::Hasher;

/// The kind of a part of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScriptKind {
    /// The probe of a need.
    Need,
    /// The probe of a facet.
    Facet,
    /// The command that lists what outlives processes on a kernel.
    Inventory,
    /// A file that a lesson writes.
    File,
    /// A step.
    Step,
    /// A check.
    Check,
}

impl ScriptKind {
    /// The word for it, for scripts and for what is remembered.
    pub fn word(self) -> &'static str {
        match self {
            ScriptKind::Need => "need",
            ScriptKind::Facet => "facet",
            ScriptKind::Inventory => "inventory",
            ScriptKind::File => "file",
            ScriptKind::Step => "step",
            ScriptKind::Check => "check",
        }
    }
}

/// One thing that a course would run or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script<'c> {
    /// Its kind.
    pub what: ScriptKind,
    /// The lesson that has it; none for what all lessons share.
    pub lesson: Option<&'c str>,
    /// The file that says it.
    pub path: &'c Path,
    /// Its name; for a file its path in the workspace.
    pub name: String,
    /// Where it runs; none for a file.
    pub on: Option<Place>,
    /// The text.
    pub text: &'c str,
    /// Further text that counts.
    more: &'c str,
}

/// Parts of a course by key, each with the SHA-256 in hex of all that counts of it.
pub type PartHashes = BTreeMap<String, String>;

/// The key of a lesson as a whole, with the order of its parts.
pub fn lesson_key(name: &str) -> String {
    format!("lesson {name}")
}

/// The prefix of the keys of a lesson's parts.
pub fn lesson_prefix(name: &str) -> String {
    format!("{name}: ")
}

impl Script<'_> {
    /// The key that it is remembered by; two files of one name in a lesson share it.
    pub fn key(&self) -> String {
        let (word, name) = (self.what.word(), &self.name);
        match self.lesson {
            Some(lesson) => format!("{}{word} {name}", lesson_prefix(lesson)),
            None => format!("{word} {name}"),
        }
    }
}

impl Course {
    /// Everything that a run of these lessons would run and write, in order: first the probes, then
    /// each lesson.
    pub fn scripts<'c>(&'c self, lessons: &[&'c Lesson]) -> Vec<Script<'c>> {
        let steps = || lessons.iter().flat_map(|lesson| lesson.steps());
        let needs = steps().flat_map(|step| &step.needs);
        let needs = needs.chain(lessons.iter().flat_map(|lesson| &lesson.front.needs));
        let needs: BTreeSet<&str> = needs.map(|need| need.name.as_str()).collect();
        let places: BTreeSet<Place> = steps().map(|step| step.on).collect();
        let mut scripts = self.probes();
        scripts.retain(|probe| needs.contains(&*probe.name));
        let facets = self.facets.iter();
        scripts.extend(facets.filter(|(_, facet)| places.contains(&facet.on)).map(
            |(name, facet)| Script {
                what: ScriptKind::Facet,
                on: Some(facet.on),
                more: match facet.precision {
                    Precision::Major => "major",
                    Precision::Minor => "minor",
                    Precision::Full => "full",
                },
                ..shared(name, &facet.probe)
            },
        ));
        if let Some(inventory) = &self.inventory
            && places.contains(&Place::Kernel)
        {
            scripts.push(Script {
                what: ScriptKind::Inventory,
                on: Some(Place::Kernel),
                ..shared("of the kernel", inventory)
            });
        }
        for lesson in lessons {
            let places: BTreeMap<&str, Place> =
                lesson.steps().map(|step| (&*step.id, step.on)).collect();
            let blocks = lesson.flattened();
            scripts.extend(blocks.filter_map(|block| of_block(lesson, block, &places)));
        }
        scripts
    }

    /// The probes of all needs.
    pub fn probes(&self) -> Vec<Script<'_>> {
        let needs = self.needs.iter();
        needs
            .map(|(name, need)| Script {
                on: Some(need.on),
                ..shared(name, &need.probe)
            })
            .collect()
    }
}

/// A part that all lessons share.
fn shared<'c>(name: &str, text: &'c str) -> Script<'c> {
    Script {
        what: ScriptKind::Need,
        lesson: None,
        path: Path::new(MANIFEST),
        name: name.to_owned(),
        on: None,
        text,
        more: "",
    }
}

fn of_block<'c>(
    lesson: &'c Lesson,
    block: &'c Block,
    places: &BTreeMap<&str, Place>,
) -> Option<Script<'c>> {
    let of_lesson = |what, name: &str, text, on, more| Script {
        what,
        lesson: Some(&lesson.front.name),
        path: &lesson.path,
        name: name.to_owned(),
        on,
        text,
        more,
    };
    match block {
        Block::Prose(_) | Block::Clue(_) => None,
        Block::File(file) => {
            let name = file.path.to_string_lossy();
            Some(of_lesson(ScriptKind::File, &name, &file.content, None, ""))
        }
        Block::Step(step) => {
            let on = Some(step.on);
            Some(of_lesson(ScriptKind::Step, &step.id, &step.script, on, ""))
        }
        Block::Check(check) => {
            let on = places.get(&*check.of).copied();
            Some(of_lesson(
                ScriptKind::Check,
                &check.name,
                &check.script,
                on,
                &check.of,
            ))
        }
    }
}

/// The parts that are agreed to with these scripts: each of them, and each lesson as a whole.
///
/// Prose is not part of it, so that a typo mended asks nobody again.
pub fn parts(scripts: &[Script<'_>]) -> PartHashes {
    let mut parts: BTreeMap<String, PartHasher> = BTreeMap::new();
    for script in scripts {
        let key = script.key();
        let fields = parts.entry(key.clone()).or_default();
        let on = script.on.map(|on| on.to_string()).unwrap_or_default();
        fields.field("on", &on);
        fields.field("more", script.more);
        fields.field("text", script.text);
        if let Some(lesson) = script.lesson {
            let fields = parts.entry(lesson_key(lesson)).or_default();
            fields.field("key", &key);
            fields.field("text", script.text);
        }
    }
    let hashed = parts.into_iter().map(|(key, fields)| (key, fields.hex()));
    hashed.collect()
}

/// The hash of some lines that are a part as well.
pub fn part_of(lines: &[String]) -> String {
    let mut fields = PartHasher::default();
    for line in lines {
        fields.field("line", line);
    }
    fields.hex()
}

#[derive(Default)]
struct PartHasher(Hasher);

impl PartHasher {
    // The length goes first, so that no two lists of fields look alike.
    fn field(&mut self, kind: &str, text: &str) {
        self.0.update(format!("{kind} {}\n", text.len()).as_bytes());
        self.0.update(text.as_bytes());
    }

    fn hex(self) -> String {
        self.0.done().to_string()
    }
}
