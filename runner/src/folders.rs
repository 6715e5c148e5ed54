//! Where `tutor` keeps things: the XDG base directories, or one folder named by `TUTOR_HOME`.

use crate::say;
use etcetera::BaseStrategy;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The folders of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Workspaces: the learner's own files.
    pub data: PathBuf,
    /// Progress, what was seen last, trust.
    pub state: PathBuf,
    /// Locks that end with their holder.
    pub runtime: PathBuf,
    /// Data that can be made again: the lab's kernels and states.
    pub cache: PathBuf,
}

/// No folder is known to keep anything in.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!("folders-none"))]
pub struct NoFolders;

impl Folders {
    /// Returns the folders for this process's environment. Relative and empty values of the XDG
    /// variables are ignored, as the XDG Base Directory Specification asks.
    pub fn of_user() -> Result<Folders, NoFolders> {
        if let Some(home) = std::env::var_os("TUTOR_HOME").filter(|home| !home.is_empty()) {
            return Ok(Folders::below(home));
        }
        let base = etcetera::base_strategy::Xdg::new().map_err(|_| NoFolders)?;
        let state = base
            .state_dir()
            .unwrap_or_else(|| base.data_dir())
            .join("tutor");
        Ok(Folders {
            cache: base.cache_dir().join("tutor"),
            data: base.data_dir().join("tutor"),
            runtime: base
                .runtime_dir()
                .map_or_else(|| state.join("run"), |run| run.join("tutor")),
            state,
        })
    }

    /// Returns folders below one that holds them all.
    pub fn below(home: impl AsRef<OsStr>) -> Folders {
        let home = std::path::absolute(PathBuf::from(home.as_ref()))
            .unwrap_or_else(|_| PathBuf::from(home.as_ref()));
        Folders {
            data: home.join("data"),
            state: home.join("state"),
            runtime: home.join("run"),
            cache: home.join("cache"),
        }
    }
}
