//! Renders the mdBook source tree that `tutor book --emit` writes, in process and without search.
//!
//! The tree is written by a renderer of `tutor` itself. This crate is apart
//! because it brings a hundred others, which `tutor` builds without if its feature `book` is off.

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file that says that a folder holds a rendered book and nothing else.
const MARKER: &str = ".tutor-book-html";
const MARKER_TEXT: &str = "This folder was made by `tutor book`, which replaces it as a whole.\n";

/// Why a book cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The folder holds something that is not ours.
    #[error("cannot write the book to `{}`: it holds files that are not the book's", .0.display())]
    Occupied(PathBuf),
    /// mdBook could not do it.
    #[error("cannot render the book in `{}`: {reason}", tree.display())]
    Render {
        /// The source tree.
        tree: PathBuf,
        /// mdBook's answer.
        reason: String,
    },
    /// The system said no.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// The action: `write`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl BookError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BookError {
        let path = path.to_owned();
        move |source| BookError::Io {
            doing,
            path,
            source,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            BookError::Occupied(_) => Some("name a new or empty folder".to_owned()),
            BookError::Render { .. } | BookError::Io { .. } => None,
        }
    }
}

/// Renders the source tree as HTML into a folder of its own, whose earlier book it replaces.
///
/// The book comes into being beside that folder and takes its place when it is done, so that a
/// failure leaves the earlier one as it was. A folder that holds anything else is refused.
pub fn render(tree: &Path, out: &Path) -> Result<(), BookError> {
    // A link to the folder stays a link.
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    if !is_free(&out)? {
        return Err(BookError::Occupied(out));
    }
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(BookError::io("make", parent))?;
    let fresh = tempfile::Builder::new()
        .prefix(".tutor-book-")
        .tempdir_in(parent)
        .map_err(BookError::io("make a folder in", parent))?;
    let book = fresh.path().join("book");
    build(tree, &book)?;
    let marker = book.join(MARKER);
    fs::write(&marker, MARKER_TEXT).map_err(BookError::io("write", &marker))?;
    replace(&out, &book)
}

fn build(tree: &Path, out: &Path) -> Result<(), BookError> {
    let failed = |reason: &dyn std::fmt::Display| BookError::Render {
        tree: tree.to_owned(),
        reason: reason.to_string(),
    };
    // Not `MDBook::load`, which lets the environment change the book's settings.
    let config = Config::from_disk(tree.join("book.toml"));
    let mut config = config.map_err(|error| failed(&format_args!("{error:#}")))?;
    // mdBook takes the folder from the tree's own unless it is absolute.
    config.build.build_dir = std::path::absolute(out).map_err(BookError::io("find", out))?;
    let book = MDBook::load_with_config(tree, config);
    let book = book.map_err(|error| failed(&format_args!("{error:#}")))?;
    book.build()
        .map_err(|error| failed(&format_args!("{error:#}")))
}

/// True if nothing is there, or an earlier book.
fn is_free(out: &Path) -> Result<bool, BookError> {
    if out.join(MARKER).is_file() {
        return Ok(true);
    }
    match fs::read_dir(out) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(BookError::io("read", out)(error)),
    }
}

fn replace(out: &Path, book: &Path) -> Result<(), BookError> {
    match fs::remove_dir_all(out) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(BookError::io("replace", out)(error));
        }
        Ok(()) | Err(_) => {}
    }
    fs::rename(book, out).map_err(BookError::io("write", out))
}
