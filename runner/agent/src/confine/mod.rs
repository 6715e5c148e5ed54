//! Confines the steps that an agent runs, so that they end with it and reach nothing of the
//! learner's: namespaces, a root folder of their own, Landlock, seccomp and limits.
//!
//! A container or AppArmor may forbid any of it, so the agent tries each. [`Guard`] says what an
//! agent is to try, [`Held`] what came of it.

mod error;
mod guard;
pub mod limits;
mod namespaces;
mod rights;
mod root;
mod system_calls;

use limits::ResourceLimits;
use nix::sched::CloneFlags;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

pub use guard::{Confinement, Guard};
use namespaces::Side;
pub use namespaces::{End, NEXT};

/// The first version of Landlock that keeps signals and abstract sockets in (Linux 6.12); where
/// there are no namespaces, an older one would not do.
const LANDLOCK_ALONE: i32 = 6;

/// The protections around the steps of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whether all processes end with the agent.
    pub namespaces: bool,
    /// Whether only what was named is there.
    pub root: bool,
    /// The version of Landlock that restricts them.
    pub landlock: Option<i32>,
    /// Whether system calls that no step needs are refused.
    pub seccomp: bool,
    /// Whether a control group counts their processes and their memory.
    pub group: bool,
    /// Whether they are in a user namespace.
    #[serde(skip)]
    pub user: bool,
    /// The process outside that waits for this one.
    #[serde(skip)]
    pub owner: u32,
    /// The protections tried in vain, each with what stood in the way.
    pub lacking: Vec<String>,
}

/// The role of this process after [`begin`].
#[derive(Debug)]
pub enum Begun {
    /// It is to serve.
    Serves(Held),
    /// Others did, and have ended.
    Ended(End),
}

/// Begins what can only begin with the agent. Several processes may come back from it: those that are
/// to serve, and those that waited for them.
pub fn begin(guard: Guard) -> Begun {
    let mut lacking = Vec::new();
    for flags in tries(guard) {
        let begun = match guard {
            Guard::Processes => break,
            Guard::Namespaces => guarded(flags),
            Guard::Confined { .. } => prepared(flags),
        };
        match begun {
            Ok(begun) => return begun,
            Err(error) => lacking.push(format!("namespaces: {error}")),
        }
    }
    // The last one is the one that needs least.
    let lacking = lacking.pop().into_iter().collect();
    Begun::Serves(Held {
        lacking,
        ..Held::default()
    })
}

/// The namespaces to be made, from what is wanted down to what will do.
fn tries(guard: Guard) -> Vec<CloneFlags> {
    let user = CloneFlags::CLONE_NEWUSER;
    let is_root = geteuid().is_root();
    match guard {
        Guard::Processes => Vec::new(),
        // Root stays the machine's own root, as a course that is trusted may need.
        Guard::Namespaces if is_root => vec![LESSON, LESSON | user],
        Guard::Namespaces => vec![LESSON | user],
        Guard::Confined { network } => {
            let mut own = LESSON | CloneFlags::CLONE_NEWIPC;
            own.set(CloneFlags::CLONE_NEWNET, !network);
            match is_root {
                true => vec![own | user, own],
                false => vec![own | user],
            }
        }
    }
}

/// The namespaces that the first process of a lesson has for itself.
const LESSON: CloneFlags = CloneFlags::CLONE_NEWPID.union(CloneFlags::CLONE_NEWNS);

/// Goes on in namespaces that end all processes with this one.
fn guarded(flags: CloneFlags) -> io::Result<Begun> {
    let ids = namespaces::own_ids();
    let user = flags.contains(CloneFlags::CLONE_NEWUSER);
    let side = namespaces::enter(flags, || {
        namespaces::keep_to_itself(flags, ids)?;
        namespaces::mount_proc()?;
        match user {
            // Its descendants have no capabilities either, and can open its pipes only if it has
            // none that they lack: ptrace(2), "access mode checking".
            true => {
                namespaces::bound_capabilities()?;
                namespaces::drop_capabilities()
            }
            false => Ok(()),
        }
    })?;
    Ok(match side {
        Side::Inside(owner) => Begun::Serves(Held {
            namespaces: true,
            user,
            owner,
            ..Held::default()
        }),
        Side::Outside(child) => Begun::Ended(guard_until_end(&child)),
    })
}

/// Goes on in namespaces and a root folder that confined lessons have in common, and there as one
/// process after the other, each for one lesson: what takes long is done once.
fn prepared(flags: CloneFlags) -> io::Result<Begun> {
    let ids = namespaces::own_ids();
    let side = namespaces::enter(flags, || {
        namespaces::keep_to_itself(flags, ids)?;
        if flags.contains(CloneFlags::CLONE_NEWNET) {
            // A server on the loopback device with a client beside it needs no other network.
            crate::network::bring_up_loopback()?;
        }
        root::prepare(!flags.contains(CloneFlags::CLONE_NEWNET))?;
        namespaces::bound_capabilities()?;
        system_calls::forbid(true).map_err(io::Error::other)
    })?;
    let owner = match side {
        Side::Inside(owner) => owner,
        Side::Outside(child) => {
            return Ok(Begun::Ended(guard_until_end(&child)));
        }
    };
    loop {
        let end = match namespaces::enter(LESSON, root::settle) {
            Ok(Side::Inside(_)) => {
                return Ok(Begun::Serves(Held {
                    namespaces: true,
                    user: flags.contains(CloneFlags::CLONE_NEWUSER),
                    owner,
                    ..Held::default()
                }));
            }
            Ok(Side::Outside(child)) => {
                let end = child.wait(io::stdin().as_fd());
                // Before the next one makes its own, under the same name.
                limits::remove_group(owner);
                end
            }
            Err(_) => End::Badly,
        };
        match end {
            End::Next => {}
            End::Well | End::Badly => return Ok(Begun::Ended(end)),
        }
    }
}

/// Waits for the process that serves, or for that which waits for it, and removes what is left of
/// control groups.
fn guard_until_end(child: &namespaces::Child) -> End {
    let end = child.wait(io::stdin().as_fd());
    limits::remove_groups(std::process::id());
    end
}

/// Limits what this process and all that it starts may use.
pub fn limit(limits: &ResourceLimits, held: &mut Held) -> io::Result<()> {
    // One for each agent, and it lasts as long.
    if held.owner != 0 && !held.group {
        match limits::join_group(limits, held.owner) {
            Ok(()) => held.group = true,
            Err(error) => held.lacking.push(format!("a control group: {error}")),
        }
    }
    limits::set(limits, held.user && !held.group)
}

/// Confines this process and all that it starts. Returns a variable for the environment of steps, if
/// they need one for it. An error says why it cannot be done here.
pub fn confine(
    confinement: &Confinement,
    held: &mut Held,
) -> Result<Option<(String, String)>, String> {
    if held.namespaces {
        root::complete(confinement)
            .map_err(|error| format!("a root folder of its own: {error}"))?;
        held.root = true;
    } else if let Some(home) = exposed(confinement) {
        let home = home.display();
        return Err(format!(
            "`{home}` lies among the system's programs, and without namespaces it cannot be hidden"
        ));
    }
    let bound = match held.root {
        // They were, once for all lessons.
        true => Ok(()),
        false => namespaces::bound_capabilities(),
    };
    bound
        .and_then(|()| namespaces::drop_capabilities())
        .map_err(|error| format!("capabilities: {error}"))?;
    match rights::restrict(confinement, held.root) {
        Ok(version) => held.landlock = Some(version),
        Err(error) => held.lacking.push(format!("Landlock: {error}")),
    }
    let is_enough = |version| version >= LANDLOCK_ALONE;
    if !held.root && !held.landlock.is_some_and(is_enough) {
        return Err(held.lacking.join("; "));
    }
    let forbidden = match held.root {
        true => Ok(()),
        false => system_calls::forbid(false),
    };
    forbidden
        .and_then(|()| system_calls::forbid_mounts())
        .map_err(|error| format!("seccomp: {error}"))?;
    held.seccomp = true;
    let home = confinement.writable.last().filter(|_| !held.root);
    home.map_or(Ok(None), |home| temporary_folder(home).map(Some))
}

/// Returns a path that is to be hidden and lies in a readable folder of the system.
fn exposed(confinement: &Confinement) -> Option<&Path> {
    let is_exposed = |hidden: &&PathBuf| {
        let real = hidden.canonicalize();
        let real = real.as_ref().unwrap_or(hidden);
        let mut system = root::SYSTEM.iter();
        system.any(|place| hidden.starts_with(place) || real.starts_with(place))
    };
    confinement
        .hidden
        .iter()
        .find(is_exposed)
        .map(PathBuf::as_path)
}

/// Makes a place for temporary files where the machine's own is not for steps.
fn temporary_folder(home: &Path) -> Result<(String, String), String> {
    let folder = home.join(".tmp");
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(format!("a folder for temporary files: {error}"))
        }
        Ok(()) | Err(_) => Ok(("TMPDIR".to_owned(), folder.display().to_string())),
    }
}
