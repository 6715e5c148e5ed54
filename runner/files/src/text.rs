//! Paths as text, for JSON: a path in UTF-8 as it is; another one in hexadecimal behind a NUL, which
//! no path holds. `#[serde(with = "tutor_files::text")]` makes it so for a [`PathBuf`].

use crate::hash::{hex, unhex};
use serde::{Deserialize, Deserializer, Serializer, de};
use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Returns a path as text.
pub fn of(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) => text.into(),
        None => format!("\0{}", hex(path.as_os_str().as_bytes())).into(),
    }
}

/// Returns the path that a text says; nothing if it says none.
pub fn path(text: String) -> Option<PathBuf> {
    let bytes = match text.strip_prefix('\0') {
        Some(digits) => unhex(digits)?,
        None => text.into_bytes(),
    };
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes).into())
}

/// Writes a path.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&of(path))
}

/// Reads a path.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    path(String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("it is no path"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn every_path_comes_back_and_plain_ones_can_be_read() {
        assert_eq!(of(Path::new("naïve/file")), "naïve/file");
        for bytes in [&b"plain"[..], b"r\xe9sum\xe9", b"", "\u{202e}".as_bytes()] {
            let there = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(path(of(there).into_owned()).as_deref(), Some(there));
        }
        // Digits that are none, half a byte, a NUL as it is and one in hexadecimal.
        for bad in ["\u{0}zz", "\u{0}a", "a\u{0}b", "\u{0}00"] {
            assert_eq!(path(bad.to_owned()), None, "{bad:?}");
        }
    }
}
