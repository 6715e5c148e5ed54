//! The files of a course, from its folder or from the binary, each text remembered.

use super::embedded;
use crate::diagnostic::Diagnostic;
use crate::lesson::{Included, NotIncluded};
use crate::say;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file that makes a folder a course, by its path below the course root.
pub const MANIFEST: &str = "lessons/course.toml";

/// Where a course's files are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// In the binary.
    #[default]
    Embedded,
    /// In this folder, which holds `lessons/course.toml`.
    Folder(PathBuf),
}

/// Reads the files of a course and remembers their texts.
pub(super) struct CourseFiles {
    root: Option<PathBuf>,
    pub sources: RefCell<BTreeMap<PathBuf, String>>,
}

/// Whether something is in the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// A file or a folder.
    There,
    /// It is not there.
    Missing,
    /// A link leads out of the course.
    Outside,
}

impl CourseFiles {
    pub fn of(origin: &Origin) -> Self {
        let root = match origin {
            Origin::Embedded => None,
            Origin::Folder(root) => Some(root.clone()),
        };
        CourseFiles {
            root,
            sources: RefCell::default(),
        }
    }

    /// The bytes of a file, `None` if it is not there.
    pub fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let Some(root) = &self.root else {
            return Ok(embedded::file(path).map(<[u8]>::to_vec));
        };
        match crate::regular_file::read(&root.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file or a folder at this path.
    pub fn presence(&self, path: &Path) -> Presence {
        let Some(root) = &self.root else {
            let there = embedded::paths().any(|known| Path::new(known).starts_with(path));
            return if there {
                Presence::There
            } else {
                Presence::Missing
            };
        };
        match is_inside(root, path) {
            Ok(true) => Presence::There,
            Ok(false) => Presence::Outside,
            Err(_) => Presence::Missing,
        }
    }

    /// The names of what lies in a folder, in order.
    pub fn names(&self, folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = match &self.root {
            None => embedded::paths()
                .filter_map(|path| Path::new(path).strip_prefix(folder).ok())
                .filter_map(|path| path.iter().next()?.to_str().map(str::to_owned))
                .collect(),
            Some(root) => std::fs::read_dir(root.join(folder))
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect(),
        };
        names.sort();
        names.dedup();
        names
    }

    /// The bytes of a file that a lesson names.
    pub fn named(&self, path: &Path) -> Result<Vec<u8>, NotIncluded> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => NotIncluded::Missing,
            io::ErrorKind::IsADirectory => NotIncluded::Unreadable(say!("not-a-regular-file")),
            _ => NotIncluded::Unreadable(error.to_string()),
        };
        if self.presence(path) == Presence::Outside {
            return Err(NotIncluded::Outside);
        }
        let bytes = self.read(path).map_err(unreadable)?;
        bytes.ok_or(NotIncluded::Missing)
    }

    /// The text of a file that a lesson includes.
    pub fn include(&self, path: &Path) -> Included {
        if let Some(text) = self.sources.borrow().get(path) {
            return Ok(text.clone());
        }
        let text = String::from_utf8(self.named(path)?)
            .map_err(|error| NotIncluded::Unreadable(error.utf8_error().to_string()))?;
        self.sources
            .borrow_mut()
            .insert(path.to_owned(), text.clone());
        Ok(text)
    }

    /// The bytes as text; what is no UTF-8 is replaced and complained of.
    pub fn text(&self, path: &Path, bytes: Vec<u8>, diagnostics: &mut Vec<Diagnostic>) -> String {
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let bad = Diagnostic::error(path, at..at + 3, "a byte that is no UTF-8");
            diagnostics.push(bad.help("save the file as UTF-8"));
            text
        });
        let mut sources = self.sources.borrow_mut();
        sources.insert(path.to_owned(), text.clone());
        text
    }
}

/// False for what a link leads to outside of the course.
fn is_inside(root: &Path, path: &Path) -> io::Result<bool> {
    let real = root.join(path).canonicalize()?;
    Ok(real.starts_with(root.canonicalize()?))
}
