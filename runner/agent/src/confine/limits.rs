//! Limits for what steps use: by a control group of their own where one can be made
//! (Documentation/admin-guide/cgroup-v2.rst of the kernel), else by getrlimit(2), where memory is not
//! counted, and root may do more.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most that the steps of a lesson may use at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimits {
    /// Processes and threads.
    pub processes: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// The length of a file in bytes.
    pub file_bytes: u64,
    /// Files that one process has open.
    pub open_files: u64,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits {
            processes: 2048,
            memory_bytes: 4 << 30,
            file_bytes: 4 << 30,
            open_files: 4096,
        }
    }
}

/// How the name of a control group of ours begins; the id of a process that is there as long
/// follows.
const GROUP: &str = "tutor-";

/// Where control groups are, alone or beside those of the first version (cgroups(7)).
const HIERARCHIES: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

/// Sets those that hold for each process. `is_in_user_namespace` says that only processes that are
/// there are counted, and not all that the learner has.
pub fn set(limits: &ResourceLimits, is_in_user_namespace: bool) -> io::Result<()> {
    let processes = (Resource::RLIMIT_NPROC, limits.processes);
    for (resource, most) in [
        (Resource::RLIMIT_FSIZE, limits.file_bytes),
        (Resource::RLIMIT_NOFILE, limits.open_files),
    ]
    .into_iter()
    .chain(is_in_user_namespace.then_some(processes))
    {
        let (soft, hard) = getrlimit(resource)?;
        let hard = hard.min(most);
        setrlimit(resource, soft.min(hard), hard)?;
    }
    Ok(())
}

/// Moves this process into a control group of its own, which counts all that it starts.
pub fn join_group(limits: &ResourceLimits, owner: u32) -> io::Result<()> {
    let beside = beside_own().ok_or_else(|| io::Error::other("no place to make one"))?;
    let folder = beside.join(format!("{GROUP}{owner}"));
    fs::create_dir(&folder)?;
    let joined = || -> io::Result<()> {
        fs::write(folder.join("pids.max"), limits.processes.to_string())?;
        fs::write(folder.join("memory.max"), limits.memory_bytes.to_string())?;
        // 0 is the process that writes it.
        fs::write(folder.join("cgroup.procs"), "0")
    };
    joined().inspect_err(|_| drop(fs::remove_dir(&folder)))
}

/// Removes the control group of a process, if nothing is in it.
pub fn remove_group(owner: u32) {
    if let Some(beside) = beside_own() {
        let _ = fs::remove_dir(beside.join(format!("{GROUP}{owner}")));
    }
}

/// Removes it, and those of processes that are gone.
pub fn remove_groups(owner: u32) {
    let entries = beside_own().map(fs::read_dir);
    for entry in entries.into_iter().flatten().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix(GROUP));
        let of = name.and_then(|of| of.parse::<u32>().ok());
        let is_over = |of: u32| of == owner || !Path::new(&format!("/proc/{of}")).exists();
        if let Some(of) = of.filter(|of| is_over(*of)) {
            remove_group(of);
        }
    }
}

/// The control group that this process's own lies in, if its members have their memory and their
/// processes counted.
fn beside_own() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // Below a root folder of our own no process writes to them.
    let root = Path::new(super::root::OLD);
    let root = if root.exists() { root } else { Path::new("/") };
    let hierarchy = HIERARCHIES.map(|below| root.join(below));
    let hierarchy = hierarchy
        .into_iter()
        .find(|root| root.join("cgroup.controllers").exists())?;
    let own = hierarchy.join(own);
    let beside = match own == hierarchy {
        true => own,
        false => own.parent()?.to_owned(),
    };
    let counts = fs::read_to_string(beside.join("cgroup.subtree_control")).ok()?;
    let counts: Vec<&str> = counts.split_whitespace().collect();
    ["memory", "pids"]
        .iter()
        .all(|one| counts.contains(one))
        .then_some(beside)
}
