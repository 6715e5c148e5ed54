//! `tutor new`: a page to begin with, and its place in the course.

use super::files::MANIFEST;
use crate::diagnostic::{line_end, line_start};
use crate::lesson::{is_name, new_page};
use serde::Deserialize;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The reason why a page is not written.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The stem cannot name a lesson.
    #[error("cannot name a lesson `{0}`: use lower-case letters, digits and `-`")]
    BadName(String),
    /// The page is there already.
    #[error("cannot create `{}`: it is there already", .0.display())]
    Exists(PathBuf),
    /// `course.toml` has no list that could be added to.
    #[error("cannot add `{stem}` to `lessons/course.toml`: {reason}")]
    BadManifest {
        /// The lesson.
        stem: String,
        /// The fault in the file.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("cannot write the lesson: `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Writes the page of a new lesson, lists it in `course.toml` and returns its path.
///
/// Nothing that is there is overwritten, and nothing is written unless both can be.
pub fn create(course_root: &Path, stem: &str) -> Result<PathBuf, CreateError> {
    if !is_name(stem) {
        return Err(CreateError::BadName(stem.to_owned()));
    }
    // A number is one everywhere on the command line.
    let numbered = format!("lesson-{stem}");
    let stem = match stem.bytes().all(|byte| byte.is_ascii_digit()) {
        true => &numbered,
        false => stem,
    };
    let manifest = course_root.join(MANIFEST);
    let old = fs::read_to_string(&manifest).map_err(|source| io_error(&manifest, source))?;
    let new = with_lesson(&old, stem).map_err(|reason| CreateError::BadManifest {
        stem: stem.to_owned(),
        reason,
    })?;
    let page = course_root.join(format!("lessons/{stem}.md"));
    write_new(&page, &new_page(stem))?;
    if new != old {
        replace(&manifest, &new)?;
    }
    match write_new(&course_root.join(".gitignore"), IGNORED) {
        Ok(()) | Err(CreateError::Exists(_)) => Ok(page),
        Err(error) => Err(error),
    }
}

/// What a course does not keep under version control.
const IGNORED: &str = "# Outputs that wait to be read by `tutor review`.\n*.snap.new\n";

/// Begins a course without lessons in a folder that is empty but for hidden files. False if it is not,
/// or if there is none.
pub fn begin(folder: &Path) -> Result<bool, CreateError> {
    let Ok(folder) = folder.canonicalize() else {
        return Ok(false);
    };
    let mut entries = fs::read_dir(&folder).map_err(|error| io_error(&folder, error))?;
    let is_seen = |name: &OsStr| !name.as_encoded_bytes().starts_with(b".");
    if entries.any(|entry| entry.is_ok_and(|entry| is_seen(&entry.file_name()))) {
        return Ok(false);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let title = toml::Value::from(name.into_owned());
    let manifest = folder.join(MANIFEST);
    let lessons = manifest.parent().unwrap_or(&folder);
    fs::create_dir(lessons).map_err(|error| io_error(lessons, error))?;
    write_new(
        &manifest,
        &format!("format = 1\ntitle = {title}\nlessons = []\n"),
    )?;
    Ok(true)
}

fn io_error(path: &Path, source: io::Error) -> CreateError {
    CreateError::Io {
        path: path.to_owned(),
        source,
    }
}

fn write_new(page: &Path, text: &str) -> Result<(), CreateError> {
    let mut options = OpenOptions::new();
    let mut file = match options.write(true).create_new(true).open(page) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CreateError::Exists(page.to_owned()));
        }
        Err(error) => return Err(io_error(page, error)),
    };
    file.write_all(text.as_bytes())
        .map_err(|source| io_error(page, source))
}

// As a whole: a full disk must not leave half a list.
fn replace(path: &Path, text: &str) -> Result<(), CreateError> {
    tutor_files::write(path, text.as_bytes(), 0o644).map_err(|error| io_error(path, error.into()))
}

#[derive(Deserialize)]
struct LessonList {
    lessons: Spanned<Vec<Spanned<String>>>,
}

/// The text of `course.toml` with one more lesson, all else as it was written.
fn with_lesson(text: &str, stem: &str) -> Result<String, String> {
    let LessonList { lessons } = toml::from_str(text).map_err(|error: toml::de::Error| {
        error
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    let list = lessons.span();
    let entries = lessons.into_inner();
    if entries.iter().any(|entry| entry.get_ref() == stem) {
        return Ok(text.to_owned());
    }
    let added = match entries.last() {
        None => inserted(text, list.start + 1, &format!("\"{stem}\"")),
        Some(last) => after(text, &list, &last.span(), stem),
    };
    added.ok_or_else(|| "its list `lessons` cannot be found".to_owned())
}

/// The text with `stem` behind the last entry of the list.
fn after(text: &str, list: &Range<usize>, last: &Range<usize>, stem: &str) -> Option<String> {
    let line = line_start(text, last.start);
    let indent = text.get(line..last.start)?;
    let end = line_end(text, last.end);
    let own_line = line > list.start && list.end > end && indent.trim().is_empty();
    if !own_line {
        return inserted(text, last.end, &format!(", \"{stem}\""));
    }
    // One entry a line stays one entry a line, and comments stay with theirs.
    let has_comma = text.get(last.end..end)?.trim_start().starts_with(',');
    let comma = if has_comma { "," } else { "" };
    let added = inserted(text, end, &format!("\n{indent}\"{stem}\"{comma}"))?;
    match has_comma {
        true => Some(added),
        false => inserted(&added, last.end, ","),
    }
}

fn inserted(text: &str, at: usize, added: &str) -> Option<String> {
    let (before, after) = text.split_at_checked(at)?;
    Some(format!("{before}{added}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn listed(lessons: &str) -> String {
        with_lesson(&format!("format = 1\n{lessons}\n[needs]\n"), "lesson-3")
            .unwrap_or_else(|reason| reason)
    }

    #[test]
    fn a_lesson_is_added_to_the_list_as_the_list_is_written() {
        assert_snapshot!(listed("lessons = [\"lesson-1\", 'lesson-2']  # order"), @r#"
        format = 1
        lessons = ["lesson-1", 'lesson-2', "lesson-3"]  # order
        [needs]
        "#);
        assert_snapshot!(listed("lessons = [\n  \"lesson-1\",\n  \"lesson-2\",  # second\n]"), @r#"
        format = 1
        lessons = [
          "lesson-1",
          "lesson-2",  # second
          "lesson-3",
        ]
        [needs]
        "#);
        assert_snapshot!(listed("lessons = [\n\t\"lesson-1\"\n]"), @r#"
        format = 1
        lessons = [
        	"lesson-1",
        	"lesson-3"
        ]
        [needs]
        "#);
        assert_snapshot!(listed("lessons = [\n\t\"lesson-1\"]"), @r#"
        format = 1
        lessons = [
        	"lesson-1", "lesson-3"]
        [needs]
        "#);
        assert_snapshot!(listed("lessons = []"), @r#"
        format = 1
        lessons = ["lesson-3"]
        [needs]
        "#);
        assert_snapshot!(listed("lessons = [\"lesson-3\"]"), @r#"
        format = 1
        lessons = ["lesson-3"]
        [needs]
        "#);
    }

    #[test]
    fn a_list_that_is_not_there_is_named() {
        assert_snapshot!(listed(""), @"missing field `lessons`");
        assert_snapshot!(listed("lessons = 1"), @"invalid type: integer `1`, expected a sequence");
    }
}
