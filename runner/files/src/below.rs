//! A path below a folder.

use crate::error::FilesError;
use crate::text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The most parts that a path may have.
pub const DEPTH: usize = 4096;

/// The longest that a path may be, in bytes.
pub const LENGTH_BYTES: usize = 64 * 1024;

/// A path below a folder: one plain name or more, none of them `..`, no `/` before them, of any bytes
/// that a path may hold. A folder comes before what is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Below(PathBuf);

impl Below {
    /// Takes a path, if it is one.
    pub fn new(path: impl AsRef<Path>) -> Result<Below, FilesError> {
        let path = path.as_ref();
        let bytes = path.as_os_str().as_bytes();
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let fits = bytes.len() <= LENGTH_BYTES && !bytes.contains(&0);
        if !fits || path.components().take(DEPTH + 1).count() > DEPTH {
            return Err(FilesError::NotBelow(shortened(path)));
        }
        if bytes.is_empty() || !path.components().all(is_plain) {
            return Err(FilesError::NotBelow(shortened(path)));
        }
        // A second `/` and `/./` are no part of it.
        Ok(Below(path.components().collect()))
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its last name.
    pub fn name(&self) -> &OsStr {
        self.0.file_name().unwrap_or_default()
    }

    /// The path that it lies in, unless that is the folder itself.
    pub fn parent(&self) -> Option<Below> {
        let parent = self.0.parent()?;
        (parent != Path::new("")).then(|| Below(parent.to_owned()))
    }

    /// The path of a name in it.
    pub fn join(&self, name: &OsStr) -> Result<Below, FilesError> {
        Below::new(self.0.join(Below::new(name)?.0))
    }

    /// The path beside it that has another last name.
    pub fn with_name(&self, name: &OsStr) -> Result<Below, FilesError> {
        match self.parent() {
            Some(parent) => parent.join(name),
            None => Below::new(name),
        }
    }

    /// How many names it has.
    pub fn depth(&self) -> usize {
        self.0.components().count()
    }

    /// True if it is `other`, or below it.
    pub fn is_in(&self, other: &Below) -> bool {
        self.0.starts_with(&other.0)
    }

    /// One that a listing found by plain names.
    pub(crate) fn of_names(path: PathBuf) -> Below {
        Below(path)
    }
}

/// Too long a path is no text to show.
fn shortened(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    OsStr::from_bytes(&bytes[..bytes.len().min(256)]).into()
}

impl AsRef<Path> for Below {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// Looking up by an ordinary path agrees with it in order, equality and hash.
impl std::borrow::Borrow<Path> for Below {
    fn borrow(&self) -> &Path {
        &self.0
    }
}

impl Serialize for Below {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Below {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Below, D::Error> {
        Below::new(text::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn only_plain_names_lead_below() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            ".",
            "./a",
            "a\0b",
        ] {
            assert!(Below::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b", ".a", "...", "a b/\u{202e}", "a//b", "a/./b/"] {
            assert!(Below::new(good).is_ok(), "{good:?}");
        }
        assert_eq!(Below::new("a//b/./c/").unwrap().path(), Path::new("a/b/c"));
        assert_eq!(Below::new("a/./b").unwrap(), Below::new("a/b").unwrap());
        assert!(Below::new("a/".repeat(DEPTH)).is_ok());
        assert!(Below::new("a/".repeat(DEPTH + 1)).is_err());
        assert!(Below::new("a".repeat(LENGTH_BYTES + 1)).is_err());
        let error = Below::new("../x").unwrap_err().to_string();
        assert_eq!(error, "`../x` is no path below a folder");
    }

    #[test]
    fn it_is_a_key_in_json_and_leads_nowhere_else_from_there_either() {
        let odd = Below::new(OsStr::from_bytes(b"d/r\xe9sum\xe9")).unwrap();
        let map = BTreeMap::from([(odd, 1), (Below::new("d").unwrap(), 2)]);
        let json = serde_json::to_string(&map).unwrap();
        let read: BTreeMap<Below, i32> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, map);
        assert_eq!(read.get(Path::new("d")), Some(&2));
        // `../x`, in hexadecimal.
        for bad in [r#""../x""#, r#""\u00002e2e2f78""#, r#""/x""#] {
            assert!(serde_json::from_str::<Below>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_lead_out(bytes in prop::collection::vec(prop_oneof![Just(b'/'), Just(b'.'), any::<u8>()], 0..12)) {
            if let Ok(below) = Below::new(OsStr::from_bytes(&bytes)) {
                let parts: Vec<_> = below.path().components().collect();
                prop_assert!(!parts.is_empty());
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
                let root = Path::new("/root").join(&below);
                prop_assert!(root.starts_with("/root") && root != Path::new("/root"));
            }
        }
    }
}
