//! Entries that come from a guest, on the host: they replace what both sides had, and lie beside what
//! the learner changed.

use super::content::Content;
use super::synced::{SyncedEntry, of_guest};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use tutor_files::error::failed_io;
use tutor_files::hash::Hasher;
use tutor_files::{Below, FilesError, Hash, Over, Root};
use tutor_files::{Found, Kind};

/// The end of the name of the lab's version, where the learner has a different one.
const FROM_LAB: &str = ".from-lab";

/// How many versions of the lab's are kept beside one entry.
const VERSIONS: usize = 9;

/// A guest's entry at a path.
pub(super) struct Version {
    pub(super) kind: Kind,
    /// Of a file's content.
    pub(super) hash: Option<Hash>,
    /// A file's.
    pub(super) content: Option<RefCell<Content>>,
}

/// The place that it got.
pub(super) enum Placed {
    /// It is there.
    There,
    /// None: at this path, or at one above, the learner has something.
    Theirs(Below),
}

/// The host's entry at a path.
enum Here {
    Nothing,
    /// The one that both sides had.
    Known(Found),
    /// A different one.
    Other(Found),
    /// None: this path above it is no folder, or cannot be entered.
    Blocked(Below),
}

impl Version {
    /// Puts it in its place, unless the learner has something different there.
    pub(super) fn take(
        &self,
        root: &Root,
        path: &Below,
        known: Option<&SyncedEntry>,
    ) -> Result<Placed, FilesError> {
        let there = match here(root, path, known)? {
            Here::Blocked(above) => return Ok(Placed::Theirs(above)),
            Here::Other(found) if self.is(root, &found) => return Ok(Placed::There),
            Here::Other(_) => return Ok(Placed::Theirs(path.clone())),
            Here::Known(found) => Some(found),
            Here::Nothing => None,
        };
        match self.place(root, path, there.as_ref()) {
            Ok(true) => Ok(Placed::There),
            Ok(false) => Ok(Placed::Theirs(path.clone())),
            Err(error) if is_theirs(&error) => Ok(Placed::Theirs(path.clone())),
            Err(error) => Err(error),
        }
    }

    /// Replaces the known entry. False if that is a folder that is not empty.
    fn place(&self, root: &Root, path: &Below, there: Option<&Found>) -> Result<bool, FilesError> {
        let is_folder = self.kind.is_folder();
        let over = match there {
            Some(there) if there.kind.is_folder() && is_folder => {
                return self.set_mode(root, path).map(|()| true);
            }
            Some(there) if there.kind.is_folder() => match root.remove_folder(path)? {
                true => Over::Nothing,
                false => return Ok(false),
            },
            Some(there) if is_folder => {
                root.remove(path, Over::Known(&there.stamp))?;
                Over::Nothing
            }
            Some(there) => Over::Known(&there.stamp),
            None => Over::Nothing,
        };
        self.put(root, path, over)?;
        Ok(true)
    }

    fn put(&self, root: &Root, path: &Below, over: Over<'_>) -> Result<(), FilesError> {
        root.make_parents(path)?;
        match of_guest(&self.kind) {
            Kind::File { mode, .. } => {
                let Some(content) = &self.content else {
                    return Ok(());
                };
                let mut content = content.borrow_mut();
                let bytes = content.read().map_err(failed_io("read", root.full(path)))?;
                root.write_from(path, bytes, mode, over)
            }
            Kind::Folder { mode } => root.make_folder(path, mode),
            Kind::Link { target } => root.link(path, &target, over),
            Kind::Other => Ok(()),
        }
    }

    fn set_mode(&self, root: &Root, path: &Below) -> Result<(), FilesError> {
        match of_guest(&self.kind) {
            Kind::File { mode, .. } | Kind::Folder { mode } => root.set_mode(path, mode),
            Kind::Link { .. } | Kind::Other => Ok(()),
        }
    }

    /// True if the host has the same entry.
    fn is(&self, root: &Root, found: &Found) -> bool {
        match (&self.kind, &found.kind) {
            (Kind::Folder { .. }, Kind::Folder { .. }) => true,
            (Kind::Link { target }, Kind::Link { target: other }) => target == other,
            (Kind::File { bytes, .. }, Kind::File { bytes: other, .. }) => {
                bytes == other && hash_of(root, found) == self.hash
            }
            _ => false,
        }
    }

    /// Keeps it beside the learner's entry: `theirs` is at its own path, or above it. Returns the path
    /// that stands for `theirs`, if it could be kept.
    pub(super) fn keep_beside(
        &self,
        root: &Root,
        path: &Below,
        theirs: &Below,
    ) -> Result<Option<Below>, FilesError> {
        for number in 1..=VERSIONS {
            let mut name = OsString::from(theirs.name());
            name.push(FROM_LAB);
            if number > 1 {
                name.push(format!("-{number}"));
            }
            // The name may be too long by now.
            let Ok(beside) = theirs.with_name(&name) else {
                return Ok(None);
            };
            let taken = match root.look(&beside) {
                Err(error) if is_theirs(&error) => return Ok(None),
                taken => taken?,
            };
            match taken {
                // The same one was kept before.
                Some(taken)
                    if path == theirs && !self.kind.is_folder() && self.is(root, &taken) =>
                {
                    return Ok(Some(beside));
                }
                Some(_) => continue,
                None => {}
            }
            let place = elsewhere(path, &BTreeMap::from([(theirs.clone(), beside.clone())]));
            let place = place.unwrap_or_else(|| beside.clone());
            return Ok(self.keep_at(root, &place)?.then_some(beside));
        }
        Ok(None)
    }

    /// Puts it at a path where nothing is. False if that cannot be.
    pub(super) fn keep_at(&self, root: &Root, place: &Below) -> Result<bool, FilesError> {
        match self.put(root, place, Over::Nothing) {
            Err(error) if is_theirs(&error) => Ok(false),
            put => put.map(|()| true),
        }
    }
}

/// Removes an entry that both sides had, as the guest did. False if it stays: the learner changed it, or
/// it is a folder in which they have something.
pub(super) fn remove(
    root: &Root,
    path: &Below,
    known: Option<&SyncedEntry>,
) -> Result<bool, FilesError> {
    let removed = match here(root, path, known)? {
        Here::Nothing | Here::Blocked(_) => Ok(true),
        Here::Other(_) => Ok(false),
        Here::Known(found) if found.kind.is_folder() => root.remove_folder(path),
        Here::Known(found) => root.remove(path, Over::Known(&found.stamp)).map(|_| true),
    };
    match removed {
        Err(error) if is_theirs(&error) => Ok(false),
        removed => removed,
    }
}

fn here(root: &Root, path: &Below, known: Option<&SyncedEntry>) -> Result<Here, FilesError> {
    let found = match root.look(path) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Here::Nothing),
        Err(error) if is_theirs(&error) => return Ok(Here::Blocked(blocked(root, path))),
        Err(error) => return Err(error),
    };
    let is_known = known.is_some_and(|known| match (&known.kind, &found.kind) {
        (Kind::Folder { .. }, Kind::Folder { .. }) => true,
        (Kind::Link { target }, Kind::Link { target: now }) => target == now,
        (Kind::File { bytes, .. }, Kind::File { bytes: now, .. }) => {
            let stamp = found.sure_stamp();
            let is_seen = stamp.is_some() && stamp == known.host;
            is_seen || (bytes == now && hash_of(root, &found) == known.hash)
        }
        _ => false,
    });
    Ok(match is_known {
        true => Here::Known(found),
        false => Here::Other(found),
    })
}

/// Returns the first on the way to a path that is no folder, or cannot be entered.
fn blocked(root: &Root, path: &Below) -> Below {
    let mut above: Vec<Below> = Vec::new();
    let mut next = path.parent();
    while let Some(parent) = next {
        next = parent.parent();
        above.push(parent);
    }
    let is_folder = |path: &Below| {
        let found = root.look(path).ok().flatten();
        found.is_some_and(|found| found.kind.is_folder())
    };
    let first = above.iter().rev().find(|above| !is_folder(above));
    first.or(above.first()).unwrap_or(path).clone()
}

/// Returns a file's hash; none if it cannot be read.
fn hash_of(root: &Root, found: &Found) -> Option<Hash> {
    let mut hash = Hasher::default();
    let file = root.file(&found.path).ok()?;
    // A file that grew has a different hash.
    hash.read(file.take(found.kind.bytes() + 1)).ok()?;
    Some(hash.done())
}

/// Returns where the entry of a path lies that is at or below one of the moved ones.
pub(super) fn elsewhere(path: &Below, moved: &BTreeMap<Below, Below>) -> Option<Below> {
    let mut ancestors = path.path().ancestors();
    let (above, place) = ancestors.find_map(|above| moved.get_key_value(above))?;
    match path.path().strip_prefix(above) {
        Ok(rest) if rest.as_os_str().is_empty() => Some(place.clone()),
        Ok(rest) => Below::new(place.path().join(rest)).ok(),
        Err(_) => None,
    }
}

/// True for an error by which the learner did something there meanwhile.
fn is_theirs(error: &FilesError) -> bool {
    match error {
        FilesError::Changed(_) | FilesError::Behind(_) | FilesError::Mount(_) => true,
        FilesError::Io { error, .. } => matches!(
            error.kind(),
            ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::InvalidFilename
        ),
        FilesError::NotBelow(_)
        | FilesError::Replaced(_)
        | FilesError::NotRegular(_)
        | FilesError::Limit { .. }
        | FilesError::Listing { .. } => false,
    }
}
