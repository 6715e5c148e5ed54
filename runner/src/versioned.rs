//! Files that `tutor` keeps for itself, each with the number of its format: one that a newer `tutor`
//! wrote is told apart from one that is damaged.

use crate::say;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A newer `tutor` wrote a file, so that this one neither reads nor writes it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", say!("too-new", path = .path.display().to_string(), format = .format, known = .known))]
pub struct TooNew {
    /// The file.
    pub path: PathBuf,
    /// The format it is in.
    pub format: u64,
    /// The newest format that is known here.
    pub known: u64,
}

/// A value with the number of its format, as it is written.
#[derive(Serialize)]
pub struct Versioned<'v, T> {
    /// The number.
    pub format: u64,
    /// The value, a map in JSON.
    #[serde(flatten)]
    pub value: &'v T,
}

/// Before formats were numbered.
fn first() -> u64 {
    1
}

#[derive(Deserialize)]
struct Head {
    #[serde(default = "first")]
    format: u64,
}

/// Returns what a file holds in a format from `oldest` to `known`. One that is missing, damaged or
/// older is as good as none.
pub fn read<T: DeserializeOwned>(
    path: &Path,
    oldest: u64,
    known: u64,
) -> Result<Option<T>, TooNew> {
    let Ok(bytes) = fs::read(path) else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(Head { format }) if format > known => Err(TooNew {
            path: path.to_owned(),
            format,
            known,
        }),
        Ok(Head { format }) if format >= oldest => Ok(serde_json::from_slice(&bytes).ok()),
        Ok(_) | Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read_as(text: &str) -> Result<Option<BTreeMap<String, u64>>, TooNew> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.json");
        fs::write(&file, text).unwrap();
        read(&file, 1, 2)
    }

    #[test]
    fn a_newer_file_is_told_apart_from_a_damaged_one() {
        assert_eq!(read_as(r#"{"a": 1}"#).unwrap().unwrap()["a"], 1);
        assert!(read_as(r#"{"format": 2}"#).unwrap().is_some());
        assert_eq!(read_as(r#"{"form"#), Ok(None));
        let newer = read_as(r#"{"format": 3, "a": "of another kind"}"#).unwrap_err();
        assert_eq!((newer.format, newer.known), (3, 2));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let value = BTreeMap::from([("a", 1)]);
        let json = serde_json::to_string(&Versioned {
            format: 2,
            value: &value,
        });
        assert_eq!(json.unwrap(), r#"{"format":2,"a":1}"#);
    }
}
