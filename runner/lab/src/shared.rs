//! A folder that the host and a guest share: changes on one side go to the other.
//!
//! There is no share that both sides mount. Before a step in the guest, what changed on the host is
//! sent; after it, what changed in the guest is fetched. What changed on both sides is as on the
//! host, since a learner's own edits are never overwritten; the guest's version lies beside it, and
//! a [`Conflict`] says so.
//!
//! The guest is not trusted. What it lists is held to limits and to itself before anything is made,
//! and lands below the folder and nowhere else, whatever links are there.

mod content;
mod host;
mod synced;

use crate::machine::{Machine, MachineError};
use content::Content;
use host::{Placed, Version};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use synced::{SyncedEntry, is_same};
use tutor_agent::protocol::{CHUNK_BYTES, GuestRequest, listing_limits};
use tutor_files::error::failed_io;
use tutor_files::{Below, FilesError, Found, Kind, Root, hash, text};

/// The most that a shared folder may hold, in bytes: the guest keeps it in its memory.
pub const LIMIT_BYTES: u64 = 96 * 1024 * 1024;

/// A folder could not be brought to the other side.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The machine failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Something on the host could not be used.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There is too much in it.
    #[error(
        "`{folder}` holds {} MB, of which `{}` has {} MB, and the lab takes {} MB: remove what steps in the lab do not need",
        .bytes / 1_000_000, .largest.path.path().display(), .largest.kind.bytes() / 1_000_000, LIMIT_BYTES / 1_000_000
    )]
    TooMuch {
        /// Which folder.
        folder: PathBuf,
        /// How much is in it.
        bytes: u64,
        /// The largest file.
        largest: Box<Found>,
    },
}

/// The learner and the lab both changed something, and what is the learner's stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path, where the learner's version stays.
    pub path: Below,
    /// The fate of the lab's version.
    pub of_lab: LabVersion,
}

/// The fate of the lab's version of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabVersion {
    /// It lies here.
    Kept(Below),
    /// The lab removed it.
    Removed,
    /// It could not be kept.
    Lost,
}

/// What the lab did to an entry of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostChange {
    /// It made it, or wrote it again.
    Written,
    /// It removed it.
    Removed,
}

/// A folder at the same path on both sides. It can be kept beside a guest's state, and is valid with
/// that state only.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shared {
    #[serde(with = "text")]
    folder: PathBuf,
    known: BTreeMap<Below, SyncedEntry>,
    #[serde(skip)]
    root: Option<Arc<Root>>,
    /// The conflicts since the guest got the learner's version last, and whether they were returned.
    #[serde(skip)]
    conflicts: BTreeMap<Below, (LabVersion, bool)>,
    /// Folders of the guest that lie elsewhere on the host until then.
    #[serde(skip)]
    moved: BTreeMap<Below, Below>,
    /// The changes of the guest that the host has.
    #[serde(skip)]
    changes: BTreeMap<Below, HostChange>,
}

impl Shared {
    /// A folder of which the guest has nothing yet.
    pub fn new(folder: &Path) -> Shared {
        Shared {
            folder: folder.to_owned(),
            known: BTreeMap::new(),
            root: None,
            conflicts: BTreeMap::new(),
            moved: BTreeMap::new(),
            changes: BTreeMap::new(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the changes of the guest that came to the host since the last call.
    pub fn take_changes(&mut self) -> BTreeMap<Below, HostChange> {
        std::mem::take(&mut self.changes)
    }

    /// Returns the conflicts since the last call.
    pub fn take_conflicts(&mut self) -> Vec<Conflict> {
        let untold = self.conflicts.iter_mut().filter(|(_, (_, told))| !told);
        let conflicts = untold.map(|(path, (of_lab, told))| {
            *told = true;
            Conflict {
                path: path.clone(),
                of_lab: of_lab.clone(),
            }
        });
        conflicts.collect()
    }

    /// The folder on the host, which has to be the one that it was at the first look.
    fn root(&mut self) -> Result<Arc<Root>, SharedError> {
        if let Some(root) = &self.root {
            root.check()?;
            return Ok(Arc::clone(root));
        }
        let root = Arc::new(Root::open(&self.folder)?);
        Ok(Arc::clone(self.root.insert(root)))
    }

    /// Sends the changes of the host. Returns the programs among them.
    pub fn push(&mut self, machine: &mut Machine) -> Result<Vec<PathBuf>, SharedError> {
        machine.sharing(|machine| self.push_all(machine))
    }

    fn push_all(&mut self, machine: &mut Machine) -> Result<Vec<PathBuf>, SharedError> {
        let root = self.root()?;
        self.conflicts.retain(|_, (_, told)| !*told);
        self.moved.clear();
        let mut here = root.settled(&listing_limits())?;
        here.entries.retain(|found| found.kind != Kind::Other);
        self.hold_to_limit(&here.entries)?;
        let mut asked = Vec::new();
        let mut programs = Vec::new();
        if self.known.is_empty() {
            // The folder itself may be empty.
            let (id, folder) = (machine.next_id(), self.folder.clone());
            machine.request(&GuestRequest::Make { id, folder })?;
            asked.push(id);
        }
        asked.extend(self.remove_in_guest(&here.entries, &here.closed, machine)?);
        for found in here.entries {
            asked.extend(self.push_entry(&root, found, machine, &mut programs)?);
        }
        if asked.is_empty() {
            return Ok(programs);
        }
        for id in asked {
            machine.done(id, "take files")?;
        }
        for found in machine.list(&self.folder)? {
            if let Some(known) = self.known.get_mut(&found.path)
                && known.guest.is_none()
            {
                known.guest = found.sure_stamp();
            }
        }
        Ok(programs)
    }

    /// Sends the host's entry at a path, if the guest does not have it. Returns the request's id, and
    /// adds a program to the others.
    fn push_entry(
        &mut self,
        root: &Root,
        found: Found,
        machine: &mut Machine,
        programs: &mut Vec<PathBuf>,
    ) -> Result<Option<u32>, SharedError> {
        let known = self.known.get_mut(&found.path);
        let host = found.sure_stamp();
        if known.as_ref().is_some_and(|known| {
            is_same(&known.kind, &found.kind) && host.is_some() && known.host == host
        }) {
            return Ok(None);
        }
        let content = match found.kind {
            Kind::File { .. } => match root.read(&found.path, LIMIT_BYTES) {
                // It went meanwhile, or may not be read: the guest has what it has.
                Err(error) if is_passing(&error) => return Ok(None),
                content => Some(content?),
            },
            Kind::Folder { .. } | Kind::Link { .. } | Kind::Other => None,
        };
        let content = content.as_deref();
        let hash = content.map(hash);
        let kind = with_length(found.kind, content.map(|content| content.len() as u64));
        if let Some(known) = known
            && is_same(&known.kind, &kind)
            && known.hash == hash
        {
            known.host = host;
            return Ok(None);
        }
        let id = send(machine, &self.folder, &found.path, &kind, content)?;
        if is_program(&kind, content) {
            programs.push(root.full(&found.path));
        }
        let entry = SyncedEntry {
            kind,
            hash,
            host,
            guest: None,
        };
        self.known.insert(found.path, entry);
        Ok(Some(id))
    }

    /// Fetches the changes of the guest.
    pub fn pull(&mut self, machine: &mut Machine) -> Result<(), SharedError> {
        machine.sharing(|machine| self.pull_all(machine))
    }

    fn pull_all(&mut self, machine: &mut Machine) -> Result<(), SharedError> {
        let there = machine.list(&self.folder)?;
        self.hold_to_limit(&there)?;
        let there = listing_limits().check(&self.folder, there);
        let there = there.map_err(|error| machine.broke(error.to_string()))?;
        let root = self.root()?;
        let paths: BTreeSet<&Below> = there.iter().map(|found| &found.path).collect();
        let gone = self.known.keys().filter(|path| !paths.contains(path));
        // The entries of a folder go before the folder.
        for path in gone.cloned().collect::<Vec<_>>().into_iter().rev() {
            self.remove_on_host(&root, &path)?;
        }
        for found in there {
            self.take(&root, found, machine)?;
        }
        Ok(())
    }

    /// Takes the guest's entry at a path.
    fn take(
        &mut self,
        root: &Root,
        found: Found,
        machine: &mut Machine,
    ) -> Result<(), SharedError> {
        let known = self.known.get(&found.path);
        let guest = found.sure_stamp();
        if known.is_some_and(|known| {
            known.kind == found.kind && guest.is_some() && known.guest == guest
        }) {
            return Ok(());
        }
        let Some(version) = self.fetched(root, &found, machine)? else {
            return Ok(());
        };
        if let Some(known) = self.known.get_mut(&found.path)
            && known.kind == version.kind
            && known.hash == version.hash
        {
            known.guest = guest;
            return Ok(());
        }
        let path = &found.path;
        if let Some(place) = host::elsewhere(path, &self.moved) {
            version.keep_at(root, &place)?;
            return Ok(());
        }
        match version.take(root, path, self.known.get(path))? {
            Placed::There => {
                let Version { kind, hash, .. } = version;
                let known = SyncedEntry {
                    kind,
                    hash,
                    host: None,
                    guest,
                };
                self.changes.insert(found.path.clone(), HostChange::Written);
                self.known.insert(found.path, known);
            }
            Placed::Theirs(theirs) => {
                // Forgetting it makes the next push send the host's.
                self.known.remove(&theirs);
                let kept = version.keep_beside(root, path, &theirs)?;
                self.conflict(
                    &theirs,
                    kept.clone().map_or(LabVersion::Lost, LabVersion::Kept),
                );
                if let Some(kept) = kept.filter(|_| version.kind.is_folder() || theirs != *path) {
                    self.moved.insert(theirs, kept);
                }
            }
        }
        Ok(())
    }

    /// Fetches the guest's entry at a path; none if it is gone by now, or does not travel.
    fn fetched(
        &self,
        root: &Root,
        found: &Found,
        machine: &mut Machine,
    ) -> Result<Option<Version>, SharedError> {
        let mut content = match found.kind {
            Kind::File { bytes, .. } => {
                let id = machine.next_id();
                machine.request(&GuestRequest::Get {
                    id,
                    folder: self.folder.clone(),
                    path: found.path.clone(),
                    at_most_bytes: bytes,
                })?;
                let mut content = Content::new(root.path());
                let got = machine.answer(id, "send a file", &mut |bytes| content.take(bytes));
                match got {
                    // It went after it was listed.
                    Err(MachineError::Refused { .. }) => return Ok(None),
                    got => got?,
                };
                Some(content)
            }
            Kind::Folder { .. } | Kind::Link { .. } => None,
            Kind::Other => return Ok(None),
        };
        let hash = content.as_mut().map(Content::hash).transpose();
        let hash = hash.map_err(failed_io("write", root.full(&found.path)))?;
        Ok(Some(Version {
            kind: with_length(found.kind.clone(), content.as_ref().map(Content::count)),
            hash,
            content: content.map(RefCell::new),
        }))
    }

    fn hold_to_limit(&self, entries: &[Found]) -> Result<(), SharedError> {
        let bytes = entries.iter().map(|found| found.kind.bytes());
        let bytes = bytes.fold(0, u64::saturating_add);
        let largest = entries.iter().max_by_key(|found| found.kind.bytes());
        match largest {
            Some(largest) if bytes > LIMIT_BYTES => Err(SharedError::TooMuch {
                folder: self.folder.clone(),
                bytes,
                largest: Box::new(largest.clone()),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Removes entries that are not here any more. Those of a closed folder may be.
    fn remove_in_guest(
        &mut self,
        here: &[Found],
        closed: &[Below],
        machine: &mut Machine,
    ) -> Result<Vec<u32>, SharedError> {
        let paths: BTreeSet<&Below> = here.iter().map(|found| &found.path).collect();
        let closed: BTreeSet<&Path> = closed.iter().map(Below::path).collect();
        let mut gone = Vec::new();
        self.known.retain(|path, _| {
            let is_closed = || path.path().ancestors().any(|above| closed.contains(above));
            let stays = paths.contains(path) || is_closed();
            if !stays {
                gone.push(path.clone());
            }
            stays
        });
        let mut asked = Vec::new();
        // The entries of a folder go before the folder.
        for path in gone.into_iter().rev() {
            let (id, folder) = (machine.next_id(), self.folder.clone());
            machine.request(&GuestRequest::Remove { id, folder, path })?;
            asked.push(id);
        }
        Ok(asked)
    }

    fn remove_on_host(&mut self, root: &Root, path: &Below) -> Result<(), SharedError> {
        let known = self.known.remove(path);
        if host::remove(root, path, known.as_ref())? {
            self.changes.insert(path.clone(), HostChange::Removed);
            return Ok(());
        }
        // A folder stays for what is in it, which was named if it was known.
        let mut from = self.conflicts.range::<Below, _>(path..);
        if !from.next().is_some_and(|(first, _)| first.is_in(path)) {
            self.conflict(path, LabVersion::Removed);
        }
        Ok(())
    }

    fn conflict(&mut self, path: &Below, of_lab: LabVersion) {
        let is_noted = self.conflicts.get(path).map(|(of_lab, _)| of_lab) == Some(&of_lab);
        if !is_noted {
            self.conflicts.insert(path.clone(), (of_lab, false));
        }
    }
}

/// It may have grown since it was listed.
fn with_length(kind: Kind, bytes: Option<u64>) -> Kind {
    match (kind, bytes) {
        (Kind::File { mode, .. }, Some(bytes)) => Kind::File { mode, bytes },
        (kind, _) => kind,
    }
}

/// True for a file that is gone, or that only its owner could make readable.
fn is_passing(error: &FilesError) -> bool {
    error.is_missing()
        || error.kind() == io::ErrorKind::PermissionDenied
        || matches!(error, FilesError::NotRegular(_) | FilesError::Behind(_))
}

/// Sends a file to below a folder of a guest, without waiting for it to be there.
pub fn send(
    machine: &mut Machine,
    folder: &Path,
    path: &Below,
    kind: &Kind,
    content: Option<&[u8]>,
) -> Result<u32, MachineError> {
    let id = machine.next_id();
    machine.request(&GuestRequest::Put {
        id,
        folder: folder.to_owned(),
        path: path.clone(),
        kind: kind.clone(),
    })?;
    for chunk in content.unwrap_or_default().chunks(CHUNK_BYTES) {
        machine.send_data(id, chunk)?;
    }
    Ok(id)
}

/// True for an ELF file that may be run.
fn is_program(kind: &Kind, content: Option<&[u8]>) -> bool {
    let runs = matches!(kind, Kind::File { mode, .. } if mode & 0o111 != 0);
    runs && content.is_some_and(|bytes| bytes.starts_with(b"\x7fELF"))
}
