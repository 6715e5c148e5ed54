//! Tells whether a course would do what it did when somebody agreed to run it.

use super::{Course, Precision};
use crate::lesson::{Block, Lesson};
use sha2::{Digest, Sha256};

impl Course {
    /// A SHA-256 in hex over all that would be executed or written: probes, scripts and files.
    ///
    /// Prose is not part of it, so that a typo mended asks nobody again.
    pub fn fingerprint(&self) -> String {
        let mut hash = Fields(Sha256::new());
        hash.field("inventory", self.inventory.as_deref().unwrap_or_default());
        for (name, need) in &self.needs {
            hash.field("need", name);
            hash.field("on", &need.on.to_string());
            hash.field("probe", &need.probe);
        }
        for (name, facet) in &self.facets {
            hash.field("facet", name);
            hash.field("on", &facet.on.to_string());
            hash.field("probe", &facet.probe);
            hash.field(
                "precision",
                match facet.precision {
                    Precision::Major => "major",
                    Precision::Minor => "minor",
                    Precision::Full => "full",
                },
            );
        }
        for lesson in &self.lessons {
            hash.lesson(lesson);
        }
        hash.hex()
    }
}

struct Fields(Sha256);

impl Fields {
    // The length goes first, so that no two lists of fields look alike.
    fn field(&mut self, kind: &str, text: &str) {
        self.0.update(format!("{kind} {}\n", text.len()));
        self.0.update(text);
    }

    fn lesson(&mut self, lesson: &Lesson) {
        self.field("lesson", &lesson.front.name);
        for block in &lesson.blocks {
            match block {
                Block::Prose(_) => {}
                Block::File(file) => {
                    self.field("file", &file.path.to_string_lossy());
                    self.field("content", &file.content);
                }
                Block::Step(step) => {
                    self.field("step", &step.id);
                    self.field("on", &step.on.to_string());
                    self.field("script", &step.script);
                }
                Block::Check(check) => {
                    self.field("check", &check.name);
                    self.field("of", &check.of);
                    self.field("script", &check.script);
                }
            }
        }
    }

    fn hex(self) -> String {
        self.0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
