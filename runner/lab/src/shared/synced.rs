//! What both sides of a shared folder had when they last were the same.

use serde::{Deserialize, Serialize};
use tutor_agent::protocol::Kind;
use tutor_files::{Hash, Stamp};

/// What both sides had at a path when they last were the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SyncedEntry {
    /// As the guest has it.
    pub(super) kind: Kind,
    /// Of a file's content.
    pub(super) hash: Option<Hash>,
    /// What the host's looked like; nothing says that it has to be looked at again.
    pub(super) host: Option<Stamp>,
    /// What the guest's looked like.
    pub(super) guest: Option<Stamp>,
}

/// True if the host has what the guest has. The host's owner may always read it, and enter folders,
/// or nobody could bring it back; and what root made in a guest is no set-user-ID program here.
pub(super) fn is_same(guest: &Kind, host: &Kind) -> bool {
    guest == host || of_guest(guest) == *host
}

/// What the guest has, as it is on the host.
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
