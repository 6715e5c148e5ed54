//! A folder that the host and a guest have in common: what changed on one side goes to the other.
//!
//! There is no share that both sides mount. Before a step in the guest, what changed on the host is
//! sent; after it, what changed in the guest is fetched. What changed on both sides is as on the
//! host, since a learner's own edits are never overwritten.

use crate::machine::{Machine, MachineError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tutor_agent::guest::files;
use tutor_agent::protocol::{CHUNK_BYTES, Entry, GuestRequest, Kind};

/// The most that a shared folder may hold, in bytes: the guest keeps it in its memory.
pub const LIMIT_BYTES: u64 = 96 * 1024 * 1024;

/// How the name of a file begins that is being fetched from a guest.
pub const UNFINISHED: &str = ".tutor-fetching-";

/// A folder could not be brought to the other side.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The machine failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A file on the host could not be used.
    #[error("cannot {doing} `{path}`: {error}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is too much in it.
    #[error(
        "`{folder}` holds {} MB, and the lab takes {} MB: remove what steps in the lab do not need",
        .bytes / 1_000_000, LIMIT_BYTES / 1_000_000
    )]
    TooMuch {
        /// Which folder.
        folder: PathBuf,
        /// How much is in it.
        bytes: u64,
    },
}

/// A folder at the same path on both sides. What is known of both can be kept beside a guest's
/// state, and means something with that state only.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shared {
    folder: PathBuf,
    known: BTreeMap<PathBuf, Known>,
}

/// What both sides had at a path when they last were the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    kind: Kind,
    /// Of a file's content.
    hash: Option<[u8; 32]>,
    /// What the host's looked like; nothing says that it has to be looked at again.
    host: Option<String>,
    /// What the guest's looked like.
    guest: Option<String>,
}

impl Shared {
    /// A folder of which the guest has nothing yet.
    pub fn new(folder: &Path) -> Shared {
        Shared {
            folder: folder.to_owned(),
            known: BTreeMap::new(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sends what changed on the host. Returns the programs among it.
    pub fn push(&mut self, machine: &mut Machine) -> Result<Vec<PathBuf>, SharedError> {
        machine.begin_sharing();
        let folder = self.folder.clone();
        let here = files::list(&folder).map_err(failed("list", &folder))?;
        self.hold_to_limit(&here)?;
        let mut asked = Vec::new();
        let mut programs = Vec::new();
        if self.known.is_empty() {
            // The folder itself, which may be empty.
            let id = machine.next_id();
            let (path, kind) = (folder.clone(), Kind::Folder { mode: 0o755 });
            machine.request(&GuestRequest::Put { id, path, kind })?;
            asked.push(id);
        }
        asked.extend(self.remove_in_guest(&here, machine)?);
        for entry in here {
            let known = self.known.get(&entry.path);
            let host = Some(entry.stamp).filter(|_| !entry.fresh);
            if known.is_some_and(|known| {
                known.kind == entry.kind && host.is_some() && known.host == host
            }) {
                continue;
            }
            let path = folder.join(&entry.path);
            let content = match entry.kind {
                Kind::File { .. } => match fs::read(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    content => Some(content.map_err(failed("read", &path))?),
                },
                Kind::Folder { .. } | Kind::Link { .. } => None,
            };
            let hash = content.as_deref().map(hash_of);
            // It may have grown since it was listed.
            let kind = match (&content, entry.kind) {
                (Some(content), Kind::File { mode, .. }) => Kind::File {
                    mode,
                    bytes: content.len() as u64,
                },
                (Some(_) | None, kind) => kind,
            };
            let guest = match known {
                Some(known) if known.kind == kind && known.hash == hash => known.guest.clone(),
                Some(_) | None => {
                    asked.push(send(machine, &path, &kind, content.as_deref())?);
                    if is_program(&kind, content.as_deref()) {
                        programs.push(path);
                    }
                    None
                }
            };
            let known = Known {
                kind,
                hash,
                host,
                guest,
            };
            self.known.insert(entry.path, known);
        }
        if asked.is_empty() {
            return Ok(programs);
        }
        for id in asked {
            machine.done(id, "take files")?;
        }
        for entry in self.listed(machine)? {
            if let Some(known) = self.known.get_mut(&entry.path)
                && known.guest.is_none()
            {
                known.guest = Some(entry.stamp).filter(|_| !entry.fresh);
            }
        }
        Ok(programs)
    }

    /// Fetches what changed in the guest.
    pub fn pull(&mut self, machine: &mut Machine) -> Result<(), SharedError> {
        machine.begin_sharing();
        let there = self.listed(machine)?;
        self.hold_to_limit(&there)?;
        let paths: BTreeSet<&Path> = there.iter().map(|entry| entry.path.as_path()).collect();
        let gone: Vec<PathBuf> = self
            .known
            .keys()
            .filter(|path| !paths.contains(path.as_path()))
            .cloned()
            .collect();
        // What is in a folder goes before the folder.
        for path in gone.into_iter().rev() {
            self.remove_on_host(&path)?;
        }
        for entry in there {
            self.take(entry, machine)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry, machine: &mut Machine) -> Result<(), SharedError> {
        let known = self.known.get(&entry.path);
        let guest = Some(entry.stamp).filter(|_| !entry.fresh);
        if known.is_some_and(|known| {
            known.kind == entry.kind && guest.is_some() && known.guest == guest
        }) {
            return Ok(());
        }
        let path = self.folder.join(&entry.path);
        let content = match entry.kind {
            Kind::File { bytes, .. } => {
                let id = machine.next_id();
                machine.request(&GuestRequest::Get {
                    id,
                    path: path.clone(),
                    at_most_bytes: bytes,
                })?;
                let mut content = Vec::new();
                let got = machine.answer(id, "send a file", &mut |bytes| content.extend(bytes));
                match got {
                    // It went after it was listed.
                    Err(MachineError::Refused { .. }) => return Ok(()),
                    got => got?,
                };
                Some(content)
            }
            Kind::Folder { .. } | Kind::Link { .. } => None,
        };
        let hash = content.as_deref().map(hash_of);
        let kind = match (&content, entry.kind) {
            (Some(content), Kind::File { mode, .. }) => Kind::File {
                mode,
                bytes: content.len() as u64,
            },
            (Some(_) | None, kind) => kind,
        };
        if let Some(known) = self.known.get_mut(&entry.path)
            && known.kind == kind
            && known.hash == hash
        {
            known.guest = guest;
            return Ok(());
        }
        if self.changed_on_host(&entry.path)? {
            // Forgetting it makes the next push send the host's.
            self.known.remove(&entry.path);
            return Ok(());
        }
        place(&path, &kind, content.as_deref()).map_err(failed("write", &path))?;
        let known = Known {
            kind,
            hash,
            host: None,
            guest,
        };
        self.known.insert(entry.path, known);
        Ok(())
    }

    fn listed(&self, machine: &mut Machine) -> Result<Vec<Entry>, SharedError> {
        let id = machine.next_id();
        let folder = self.folder.clone();
        machine.request(&GuestRequest::List { id, folder })?;
        Ok(machine.answer(id, "list files", &mut |_| ())?)
    }

    fn hold_to_limit(&self, entries: &[Entry]) -> Result<(), SharedError> {
        let bytes = entries.iter().map(|entry| match entry.kind {
            Kind::File { bytes, .. } => bytes,
            Kind::Folder { .. } | Kind::Link { .. } => 0,
        });
        let bytes = bytes.fold(0, u64::saturating_add);
        if bytes > LIMIT_BYTES {
            let folder = self.folder.clone();
            return Err(SharedError::TooMuch { folder, bytes });
        }
        Ok(())
    }

    fn remove_in_guest(
        &mut self,
        here: &[Entry],
        machine: &mut Machine,
    ) -> Result<Vec<u32>, SharedError> {
        let paths: BTreeSet<&Path> = here.iter().map(|entry| entry.path.as_path()).collect();
        let mut gone = Vec::new();
        self.known.retain(|path, _| {
            let stays = paths.contains(path.as_path());
            if !stays {
                gone.push(path.clone());
            }
            stays
        });
        let mut asked = Vec::new();
        for path in gone {
            let id = machine.next_id();
            let path = self.folder.join(path);
            machine.request(&GuestRequest::Remove { id, path })?;
            asked.push(id);
        }
        Ok(asked)
    }

    fn remove_on_host(&mut self, relative: &Path) -> Result<(), SharedError> {
        let changed = self.changed_on_host(relative)?;
        let Some(known) = self.known.remove(relative) else {
            return Ok(());
        };
        if changed {
            return Ok(());
        }
        let path = self.folder.join(relative);
        let removed = match known.kind {
            Kind::Folder { .. } => fs::remove_dir(&path),
            Kind::File { .. } | Kind::Link { .. } => fs::remove_file(&path),
        };
        match removed {
            Err(error)
                if matches!(
                    error.kind(),
                    // A file that the learner put there stays, and so does its folder.
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Ok(())
            }
            removed => removed.map_err(failed("remove", &path)),
        }
    }

    /// True if what the host has at a path is not what both sides last had.
    fn changed_on_host(&self, relative: &Path) -> Result<bool, SharedError> {
        let path = self.folder.join(relative);
        let there = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there.map_err(failed("look at", &path))?,
        };
        let Some(known) = self.known.get(relative) else {
            return Ok(true);
        };
        Ok(match &known.kind {
            Kind::Folder { .. } => !there.is_dir(),
            Kind::Link { target } => !fs::read_link(&path).is_ok_and(|now| now == *target),
            Kind::File { .. } if !there.is_file() => true,
            Kind::File { .. } if known.host.as_ref() == Some(&files::stamp(&there)) => false,
            Kind::File { .. } => {
                let content = fs::read(&path).map_err(failed("read", &path))?;
                known.hash != Some(hash_of(&content))
            }
        })
    }
}

/// Makes an error of what the system said of a file.
pub fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SharedError {
    let path = path.to_owned();
    move |error| SharedError::File { doing, path, error }
}

/// Sends a file to a guest, without waiting for it to be there.
pub fn send(
    machine: &mut Machine,
    path: &Path,
    kind: &Kind,
    content: Option<&[u8]>,
) -> Result<u32, MachineError> {
    let id = machine.next_id();
    machine.request(&GuestRequest::Put {
        id,
        path: path.to_owned(),
        kind: kind.clone(),
    })?;
    for chunk in content.unwrap_or_default().chunks(CHUNK_BYTES) {
        machine.send_data(id, chunk)?;
    }
    Ok(id)
}

/// Puts on the host what came from the guest.
fn place(path: &Path, kind: &Kind, content: Option<&[u8]>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let there = fs::symlink_metadata(path).ok();
    let is_folder = matches!(kind, Kind::Folder { .. });
    if there.is_some_and(|there| there.is_dir() != is_folder) {
        files::remove(path)?;
    }
    match kind {
        Kind::Folder { mode } => {
            if !path.is_dir() {
                fs::create_dir(path)?;
            }
            fs::set_permissions(path, Permissions::from_mode(*mode))
        }
        Kind::Link { target } => {
            files::remove(path)?;
            symlink(target, path)
        }
        Kind::File { mode, .. } => {
            let mut beside = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .tempfile_in(folder)?;
            beside.write_all(content.unwrap_or_default())?;
            // What root made in the guest is the caller's here, so no set-user-ID.
            let permissions = Permissions::from_mode(mode & 0o777);
            beside.as_file().set_permissions(permissions)?;
            beside.persist(path)?;
            Ok(())
        }
    }
}

fn hash_of(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// True for an ELF file that may be run.
fn is_program(kind: &Kind, content: Option<&[u8]>) -> bool {
    let runs = matches!(kind, Kind::File { mode, .. } if mode & 0o111 != 0);
    let mut magic = [0; 4];
    runs && content.is_some_and(|mut bytes| bytes.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}
