//! The guard that is to be put around steps, and what confined steps may do.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The guard that an agent is to put around what it starts. It is said when the agent is started,
/// since a process cannot change its own PID namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// Nothing: processes are found and ended one by one.
    #[default]
    Processes,
    /// A PID namespace, so that all of them end with the agent, however that ends
    /// (pid_namespaces(7)), and mounts of their own.
    Namespaces,
    /// The same, and only what a [`Confinement`] names is there.
    Confined {
        /// Whether the machine's network is there; else only a loopback device is.
        network: bool,
    },
}

impl Guard {
    /// How a `tutor` tells it to the agent that it starts.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Guard::Processes => &[],
            Guard::Namespaces => &["namespaces"],
            Guard::Confined { network: false } => &["confined"],
            Guard::Confined { network: true } => &["confined-with-network"],
        }
    }

    /// Reads that again.
    pub fn of(word: Option<&str>) -> Guard {
        let all = [
            Guard::Namespaces,
            Guard::Confined { network: false },
            Guard::Confined { network: true },
        ];
        let named = all
            .into_iter()
            .find(|guard| guard.words().first().copied() == word);
        named.unwrap_or_default()
    }
}

/// The files and ports that confined steps may use, beside the system's programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files and folders that steps may change.
    pub writable: Vec<PathBuf>,
    /// Files and folders that they may read.
    pub readable: Vec<PathBuf>,
    /// Folders that are not there, though what they lie in is.
    pub hidden: Vec<PathBuf>,
    /// The TCP ports that may be connected to; all, if there is no list. It means something where
    /// the machine's network is there.
    pub ports: Option<Vec<u16>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_read_as_it_was_said() {
        for guard in [
            Guard::Processes,
            Guard::Namespaces,
            Guard::Confined { network: true },
            Guard::Confined { network: false },
        ] {
            assert_eq!(Guard::of(guard.words().first().copied()), guard);
        }
    }
}
