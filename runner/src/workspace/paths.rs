//! Paths in JSON. One that is no UTF-8 is written in hexadecimal, behind a NUL, which no path holds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub(crate) fn serialize<V: Serialize, S: Serializer>(
    map: &BTreeMap<PathBuf, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(path, value)| (text(path), value)))
}

pub(crate) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<PathBuf, V>, D::Error> {
    let map = BTreeMap::<String, V>::deserialize(deserializer)?;
    Ok(map
        .into_iter()
        .map(|(text, it)| (path(&text), it))
        .collect())
}

/// The same for a set of them.
pub(super) mod set {
    use super::{path, text};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    pub(in crate::workspace) fn serialize<S: Serializer>(
        set: &BTreeSet<PathBuf>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(set.iter().map(|path| text(path)))
    }

    pub(in crate::workspace) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<PathBuf>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Ok(texts.iter().map(|text| path(text)).collect())
    }
}

fn text(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    match path.to_str() {
        Some(text) => text.to_owned(),
        None => bytes
            .iter()
            .fold("\0".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}

fn path(text: &str) -> PathBuf {
    let Some(digits) = text.strip_prefix('\0') else {
        return PathBuf::from(text);
    };
    let pairs = (0..digits.len()).step_by(2);
    let bytes = pairs.map_while(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    PathBuf::from(OsString::from_vec(bytes.collect()))
}
