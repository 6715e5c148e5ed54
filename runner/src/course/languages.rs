//! The lessons of a course in other languages: pages beside the lessons, `lesson-1.zh.md`.

use super::model::Course;
use crate::diagnostic::Diagnostic;
use crate::lesson::Lesson;
use crate::lesson::translation::{Notices, SectionState, Translated, translated};
use std::collections::BTreeSet;
use std::path::Path;

/// The language of a course that does not say which.
pub(super) const ORIGINAL: &str = "en";

/// A lesson in another language.
#[derive(Clone, Debug)]
pub struct LessonTranslation<'c> {
    /// The original.
    pub lesson: &'c Lesson,
    /// The language: `zh`.
    pub language: &'c str,
    /// Where its page is, below the course root.
    pub path: &'c Path,
    /// The text of that page.
    pub source: &'c str,
    /// The lesson that both make.
    pub translated: Translated,
}

impl Course {
    /// The languages that a lesson or more can be read in, that of the originals first.
    pub fn languages(&self) -> Vec<&str> {
        let others: BTreeSet<&str> = self.pages.keys().map(|(_, other)| other.as_str()).collect();
        let others = others.into_iter().filter(|other| *other != self.language);
        [self.language.as_str()].into_iter().chain(others).collect()
    }

    /// The pages of a lesson's translations, below the course root.
    pub fn pages_of(&self, lesson: &Lesson) -> impl Iterator<Item = &Path> {
        let pages = self.pages.iter();
        let of_lesson = pages.filter(|((stem, _), _)| *stem == lesson.stem);
        of_lesson.map(|(_, path)| path.as_path())
    }

    /// The translations of these lessons, in their order.
    pub fn translations<'c>(&'c self, lessons: &[&'c Lesson]) -> Vec<LessonTranslation<'c>> {
        let of_lesson = |lesson: &&'c Lesson| {
            let lesson = *lesson;
            let of_this = move |((stem, _), _): &(&'c (String, String), &_)| *stem == lesson.stem;
            self.pages
                .iter()
                .filter(of_this)
                .filter_map(move |((_, language), path)| self.translation(lesson, language, path))
        };
        lessons.iter().flat_map(of_lesson).collect()
    }

    fn translation<'c>(
        &'c self,
        lesson: &'c Lesson,
        language: &'c str,
        path: &'c Path,
    ) -> Option<LessonTranslation<'c>> {
        let source = self.source(path)?;
        Some(LessonTranslation {
            lesson,
            language,
            path,
            source,
            translated: translated(lesson, path, source, notices(language)),
        })
    }

    /// The same course with its lessons in another language; those that are not translated stay in
    /// their own.
    pub fn in_language(mut self, language: &str) -> Course {
        let mut lessons = std::mem::take(&mut self.lessons);
        for lesson in &mut lessons {
            let page = self.pages.get(&(lesson.stem.clone(), language.to_owned()));
            if let Some(path) = page
                && let Some(translation) = self.translation(lesson, language, path)
            {
                let translated = translation.translated.lesson;
                *lesson = translated;
            }
        }
        self.lessons = lessons;
        self
    }
}

impl LessonTranslation<'_> {
    /// What of the original is not translated, or has changed since it was.
    pub fn outdated(&self) -> Vec<Diagnostic> {
        let sections = self.translated.sections.iter();
        let told = sections.filter_map(|section| {
            let id = &section.id;
            let (span, message, help) = match &section.state {
                SectionState::Current(_) => return None,
                SectionState::Missing => (
                    0..0,
                    format!("section `{id}` is not translated"),
                    format!(
                        "translate it below a heading and `<!-- section: {id} {} -->`",
                        section.hash
                    ),
                ),
                SectionState::Stale { hash, .. } => (
                    hash.clone(),
                    match hash.is_empty() {
                        true => format!("section `{id}` does not say which original it is of"),
                        false => format!("the original of section `{id}` is another one"),
                    },
                    format!(
                        "make the text agree with it, then `tutor i18n accept {} --lang {} {id}`",
                        self.lesson.stem, self.language
                    ),
                ),
            };
            Some(Diagnostic::note(self.path, span, message).help(help))
        });
        told.collect()
    }
}

/// True for the code of a language as ISO 639 has it: `en`, `zh`.
pub fn is_language(text: &str) -> bool {
    matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The lines that stand above what is not translated, in the language of the page.
fn notices(language: &str) -> Notices<'static> {
    match language {
        "zh" => Notices {
            stale: "**注意：** 这一节写成之后，英文原文又有改动；代码和输出以原文为准。",
            missing: "**注意：** 这一节还没有中文版，下面是英文原文。",
        },
        _ => Notices {
            stale: "**Note:** the original of this section has changed since it was translated.",
            missing: "**Note:** this section is not translated yet; this is the original.",
        },
    }
}
