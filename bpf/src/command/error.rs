//! The error of a command: where, why, and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::console::visible;

/// Why a command of `tutor bpf` has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The input is not as it should be.
    #[error("{place}{message}")]
    Input {
        /// The file, and the place in it.
        place: FilePlace,
        /// The error, in lower case and without a period.
        message: String,
        /// The advice on what to do next.
        help: Option<String>,
        /// True where this machine's kernel, or the rights of this process, stand in the way: another
        /// kernel may do it.
        is_of_this_kernel: bool,
    },
    /// The answer could not be written, or the question not read.
    #[error("cannot read the question or write the answer")]
    Io(#[from] io::Error),
}

impl CommandError {
    /// Returns an error about something that came from no file.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::at(FilePlace::default(), message)
    }

    /// Returns an error about a place in a file.
    pub fn at(place: FilePlace, message: impl fmt::Display) -> Self {
        Self::Input {
            place,
            message: message.to_string(),
            help: None,
            is_of_this_kernel: false,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_help(self, text: impl Into<String>) -> Self {
        self.with_help_if(Some(text.into()))
    }

    /// Adds what to do next, where there is something.
    #[must_use]
    pub fn with_help_if(mut self, text: Option<String>) -> Self {
        if let (Self::Input { help, .. }, Some(text)) = (&mut self, text) {
            *help = Some(text);
        }
        self
    }

    /// Notes that another kernel may do it.
    #[must_use]
    pub fn of_this_kernel_if(mut self, is_so: bool) -> Self {
        if let Self::Input {
            is_of_this_kernel, ..
        } = &mut self
        {
            *is_of_this_kernel = is_so;
        }
        self
    }

    /// True where another kernel may do what this one refused.
    pub fn is_of_this_kernel(&self) -> bool {
        match self {
            Self::Input {
                is_of_this_kernel, ..
            } => *is_of_this_kernel,
            Self::Io(_) => false,
        }
    }

    /// Returns what to do next, where there is something.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Input { help, .. } => help.as_deref(),
            Self::Io(_) => None,
        }
    }
}

/// A file, and an offset in it; shown as `hello.bpf.o:0x40: `, or as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePlace {
    file: Option<PathBuf>,
    offset: Option<u64>,
}

impl FilePlace {
    /// Returns the place that is the whole file.
    pub fn file(path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            offset: None,
        }
    }

    /// Narrows the place to an offset from the start of the file, in bytes.
    #[must_use]
    pub fn offset(mut self, offset: Option<u64>) -> Self {
        self.offset = offset;
        self
    }
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", visible(&file.to_string_lossy()))?;
        }
        if let Some(offset) = self.offset {
            write!(f, "{offset:#x}:")?;
        }
        match self.file.is_some() || self.offset.is_some() {
            true => f.write_str(" "),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_comes_first_and_the_help_stands_by_itself() {
        let place = FilePlace::file(Path::new("a.o")).offset(Some(64));
        let error = CommandError::at(place, "the section ends early").with_help("compile it again");
        assert_eq!(error.to_string(), "a.o:0x40: the section ends early");
        assert_eq!(error.help(), Some("compile it again"));
        assert_eq!(CommandError::new("7 bytes").to_string(), "7 bytes");
    }
}
