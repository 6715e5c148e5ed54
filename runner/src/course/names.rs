//! The names of lessons on the command line: the stem of a file (`lesson-2`), a lesson's name (`hello`), its
//! number (`2`), or the path of its file.

use crate::diagnostic::Guesses;
use crate::lesson::Lesson;
use std::collections::HashMap;
use std::path::Path;

/// Finds lessons by their names. What looks up many asks one of these: it is made in time in proportion to
/// the lessons, and asked in none to speak of.
pub(super) struct LessonNames<'c> {
    by_stem: HashMap<&'c str, &'c Lesson>,
    by_name: HashMap<&'c str, &'c Lesson>,
    /// Stems and names by the digits in them.
    by_digits: HashMap<String, Vec<&'c str>>,
}

impl<'c> LessonNames<'c> {
    pub fn of(lessons: &'c [Lesson]) -> LessonNames<'c> {
        let mut names = LessonNames {
            by_stem: HashMap::new(),
            by_name: HashMap::new(),
            by_digits: HashMap::new(),
        };
        for lesson in lessons {
            // Of two with one name the first is meant.
            names.by_stem.entry(&lesson.stem).or_insert(lesson);
            names.by_name.entry(&lesson.front.name).or_insert(lesson);
        }
        let stems = lessons.iter().map(|lesson| lesson.stem.as_str());
        let others = lessons.iter().map(|lesson| lesson.front.name.as_str());
        for name in stems.chain(others) {
            names.by_digits.entry(digits(name)).or_default().push(name);
        }
        names
    }

    /// The lesson of that stem, name or number.
    pub fn lesson(&self, key: &str) -> Option<&'c Lesson> {
        let stem = stem(key);
        let by_number = || self.by_stem.get(&*numbered(stem));
        let found = self.by_stem.get(stem).or_else(|| self.by_name.get(stem));
        found.or_else(by_number).copied()
    }

    /// The stem or name that is nearly this one.
    pub fn nearest(&self, key: &str, guesses: &mut Guesses) -> Option<&'c str> {
        // A learner who asks for lesson 9 does not mean lesson 1.
        let names = self.by_digits.get(&digits(key))?;
        guesses.nearest(key, names.iter().copied())
    }

    /// The lesson that was probably meant by a name.
    pub fn meant(&self, key: &str, guesses: &mut Guesses) -> Option<&'c Lesson> {
        let nearest = |guesses| self.lesson(self.nearest(key, guesses)?);
        self.lesson(key).or_else(|| nearest(guesses))
    }
}

/// True for the stem of a lesson that is called so: by its stem, its number or the path of its file.
pub(super) fn is_called(lesson_stem: &str, key: &str) -> bool {
    let stem = stem(key);
    lesson_stem == stem || lesson_stem == numbered(stem)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The stem of the lesson with this number.
fn numbered(number: &str) -> String {
    format!("lesson-{number}")
}

/// The stem in the path of a page, as a shell completes it; else the word itself.
fn stem(key: &str) -> &str {
    page_stem(key).unwrap_or(key)
}

fn page_stem(key: &str) -> Option<&str> {
    let path = Path::new(key);
    let folder = path.parent()?.file_name();
    let is_of_course = folder.is_none_or(|name| name == "lessons");
    let is_page = path.extension().is_some_and(|end| end == "md");
    let stem = match is_page {
        true => path.file_stem(),
        false => path.file_name().filter(|_| folder.is_some()),
    };
    stem?.to_str().filter(|_| is_of_course)
}
