//! An entry of a shared folder, as both sides had it when they last agreed.

use serde::{Deserialize, Serialize};
use tutor_files::{Hash, Kind, Stamp};

/// The entry at a path, as both sides had it when they last agreed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SyncedEntry {
    /// As the guest has it.
    pub(super) kind: Kind,
    /// Of a file's content.
    pub(super) hash: Option<Hash>,
    /// The stamp of the host's; where there is none, it is read again.
    pub(super) host: Option<Stamp>,
    /// The stamp of the guest's.
    pub(super) guest: Option<Stamp>,
}

/// True if the host has the same as the guest. The host's owner can always read it, and enter folders,
/// since `tutor` has to bring it back; and a set-user-ID program of the guest is a plain one here.
pub(super) fn is_same(guest: &Kind, host: &Kind) -> bool {
    guest == host || of_guest(guest) == *host
}

/// Returns a guest's kind of entry, as it is on the host.
pub(super) fn of_guest(kind: &Kind) -> Kind {
    match kind.clone() {
        Kind::File { mode, bytes } => Kind::File {
            mode: mode & 0o777 | 0o400,
            bytes,
        },
        Kind::Folder { mode } => Kind::Folder {
            mode: mode & 0o777 | 0o700,
        },
        kind @ (Kind::Link { .. } | Kind::Other) => kind,
    }
}
