//! Descriptions of files, folders and links, and listings of them.

use crate::below::Below;
use crate::error::{FilesError, Limit};
use crate::stamp::Stamp;
use crate::text;
use nix::sys::stat::{FileStat, SFlag};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The kind of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A plain file.
    File {
        /// Its permissions.
        mode: u32,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A folder.
    Folder {
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        #[serde(with = "text")]
        target: PathBuf,
    },
    /// A pipe, a socket, a device: nothing that is read, sent or put aside.
    Other,
}

impl Kind {
    /// The kind that a look at it gives; a link's target has to be read.
    pub(crate) fn of(there: &FileStat, target: impl FnOnce() -> Option<PathBuf>) -> Option<Kind> {
        let mode = there.st_mode & 0o7777;
        Some(
            match SFlag::from_bits_truncate(there.st_mode) & SFlag::S_IFMT {
                SFlag::S_IFREG => Kind::File {
                    mode,
                    bytes: there.st_size.try_into().unwrap_or(0),
                },
                SFlag::S_IFDIR => Kind::Folder { mode },
                SFlag::S_IFLNK => Kind::Link { target: target()? },
                _ => Kind::Other,
            },
        )
    }

    /// True of a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self, Kind::Folder { .. })
    }

    /// The length of a file; nothing else counts.
    pub fn bytes(&self) -> u64 {
        match self {
            Kind::File { bytes, .. } => *bytes,
            Kind::Folder { .. } | Kind::Link { .. } | Kind::Other => 0,
        }
    }
}

/// One path below a folder, as it was when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// From the folder on.
    pub path: Below,
    /// Its kind.
    pub kind: Kind,
    /// Changes with it, unless it is `fresh`.
    pub stamp: Stamp,
    /// True if it changed so shortly ago that another change might leave the stamp as it is.
    pub fresh: bool,
}

impl Found {
    /// How many bytes its path and a link's target have.
    pub fn text_bytes(&self) -> usize {
        let target = match &self.kind {
            Kind::Link { target } => target.as_os_str().len(),
            Kind::File { .. } | Kind::Folder { .. } | Kind::Other => 0,
        };
        self.path.path().as_os_str().len() + target
    }

    /// The stamp, if every later change will show in it.
    pub fn sure_stamp(&self) -> Option<Stamp> {
        Some(self.stamp).filter(|_| !self.fresh)
    }
}

/// A listing of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// All of it, a folder before what is in it.
    pub entries: Vec<Found>,
    /// Folders among it that may not be read: what is in them is not known.
    pub closed: Vec<Below>,
    /// Folders among it that something is mounted at, if those are not entered.
    pub mounts: Vec<Below>,
}

/// How much of a folder is looked at, and how.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most files, folders and links.
    pub entries: usize,
    /// The most folders in each other.
    pub depth: usize,
    /// The most that all files may hold together, as they say themselves.
    pub bytes: u64,
    /// The most that the text of all paths and of what links say may take.
    pub path_bytes: usize,
    /// The longest that it may take.
    pub time: Duration,
    /// How mounts are treated.
    pub mounts: Mounts,
    /// How folders are treated that may not be read.
    pub closed: Closed,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 1_000_000,
            depth: crate::below::DEPTH,
            bytes: u64::MAX,
            path_bytes: 1 << 30,
            time: Duration::from_secs(120),
            mounts: Mounts::Name,
            closed: Closed::Name,
        }
    }
}

/// How a mount below a folder is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounts {
    /// Look into it.
    Enter,
    /// Name it as a mount.
    Name,
}

/// How a folder is treated that may not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Name it as closed.
    Name,
    /// Give its owner, whoever runs this, all permissions.
    OpenUp,
}

impl Limits {
    /// Counts one entry more; an error if that is too much.
    pub(crate) fn count(
        &self,
        folder: &Path,
        sum: &mut Sum,
        found: &Found,
        depth: usize,
    ) -> Result<(), FilesError> {
        let exceeded = |limit| FilesError::Limit {
            path: folder.to_owned(),
            limit,
        };
        sum.entries += 1;
        sum.path_bytes = sum.path_bytes.saturating_add(found.text_bytes());
        sum.bytes = sum.bytes.saturating_add(found.kind.bytes());
        if sum.entries > self.entries {
            return Err(exceeded(Limit::Entries(self.entries)));
        }
        if depth > self.depth {
            return Err(exceeded(Limit::Depth(self.depth)));
        }
        if sum.path_bytes > self.path_bytes {
            return Err(exceeded(Limit::PathBytes(self.path_bytes)));
        }
        if sum.bytes > self.bytes {
            return Err(exceeded(Limit::Bytes(self.bytes)));
        }
        Ok(())
    }

    /// Holds somebody else's listing of `folder` to the limits and to itself: each path once, and in
    /// a folder that is listed as one. Returns it in order, a folder before what is in it.
    pub fn check(&self, folder: &Path, entries: Vec<Found>) -> Result<Vec<Found>, FilesError> {
        let mut sum = Sum::default();
        let mut is_folder: BTreeMap<&Path, bool> = BTreeMap::new();
        for found in &entries {
            let depth = found.path.depth();
            self.count(folder, &mut sum, found, depth)?;
            let seen = is_folder.insert(found.path.path(), found.kind.is_folder());
            if seen.is_some() {
                return Err(contradicts(&found.path, "twice"));
            }
        }
        for found in &entries {
            let parent = found.path.path().parent().unwrap_or(Path::new(""));
            if parent != Path::new("") && is_folder.get(parent) != Some(&true) {
                return Err(contradicts(&found.path, "in something that is no folder"));
            }
            if let Kind::Link { target } = &found.kind
                && !(1..crate::way::PATH_BYTES).contains(&target.as_os_str().len())
            {
                return Err(contradicts(&found.path, "as a link that leads nowhere"));
            }
        }
        let mut entries = entries;
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }
}

fn contradicts(path: &Below, what: &'static str) -> FilesError {
    FilesError::Listing {
        path: path.path().to_owned(),
        what,
    }
}

/// The quantities counted until now.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    entries: usize,
    bytes: u64,
    path_bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, kind: Kind) -> Found {
        let stamp = Stamp::of(Path::new("/")).unwrap();
        Found {
            path: Below::new(path).unwrap(),
            kind,
            stamp,
            fresh: false,
        }
    }

    fn file(path: &str, bytes: u64) -> Found {
        found(path, Kind::File { mode: 0o644, bytes })
    }

    fn folder(path: &str) -> Found {
        found(path, Kind::Folder { mode: 0o755 })
    }

    fn link(path: &str, target: &str) -> Found {
        let target = target.into();
        found(path, Kind::Link { target })
    }

    fn checked(limits: &Limits, entries: Vec<Found>) -> String {
        match limits.check(Path::new("/f"), entries) {
            Ok(entries) => {
                let paths = entries.iter().map(|found| found.path.path().to_str());
                paths.collect::<Option<Vec<_>>>().unwrap().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_listing_comes_in_order_whatever_order_it_had() {
        let entries = vec![
            file("d/e/f", 1),
            folder("d"),
            folder("d/e"),
            link("a", "/etc"),
        ];
        assert_eq!(checked(&Limits::default(), entries), "a d d/e d/e/f");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let told = |entries| checked(&Limits::default(), entries);
        let twice = vec![folder("l"), file("l/a", 1), link("l", "/home")];
        assert_eq!(told(twice), "a listing has `l` twice");
        let no_folder = "a listing has `l/a` in something that is no folder";
        assert_eq!(told(vec![link("l", "/home"), file("l/a", 1)]), no_folder);
        assert_eq!(told(vec![file("l", 1), file("l/a", 1)]), no_folder);
        assert_eq!(told(vec![file("l/a", 1)]), no_folder);
        assert_eq!(
            told(vec![link("l", "")]),
            "a listing has `l` as a link that leads nowhere"
        );
    }

    #[test]
    fn what_is_too_much_is_refused_and_sums_do_not_wrap() {
        let limits = Limits {
            entries: 3,
            depth: 2,
            bytes: 100,
            path_bytes: 20,
            ..Limits::default()
        };
        let told = |entries| checked(&limits, entries);
        assert_eq!(told(vec![file("a", 60), file("b", 40)]), "a b");
        let bytes = "`/f` holds more than 100 bytes";
        assert_eq!(told(vec![file("a", 60), file("b", 41)]), bytes);
        assert_eq!(told(vec![file("a", u64::MAX), file("b", 2)]), bytes);
        assert_eq!(
            told(["a", "b", "c", "d"].map(|path| file(path, 0)).to_vec()),
            "`/f` holds more than 3 files and folders"
        );
        assert_eq!(
            told(vec![folder("a"), folder("a/b"), file("a/b/c", 0)]),
            "`/f` holds more than 2 folders in each other"
        );
        assert_eq!(
            told(vec![file(&"a".repeat(21), 0)]),
            "`/f` holds more than 20 bytes of names"
        );
    }
}
