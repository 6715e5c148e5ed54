//! Mounts of a shell's own: what steps mount or pin ends with the shell (mount_namespaces(7)).

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;

/// Where pins live.
const BPFFS: &str = "/sys/fs/bpf";
/// Where `trace_pipe` is since Linux 4.1.
const TRACEFS: &str = "/sys/kernel/tracing";

/// Gives this process, and all that it starts from now on, mounts of its own: an empty bpffs, and
/// tracefs where it was not mounted. Says why it could not.
pub fn isolate() -> Result<(), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: nix::Error| format!("{what}: {}", error.desc())
    };
    let none: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS).map_err(failed("cannot have mounts of its own"))?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(failed("cannot make mounts private"))?;
    if Path::new(BPFFS).is_dir() {
        mount(Some("bpf"), BPFFS, Some("bpf"), MsFlags::empty(), none)
            .map_err(failed("cannot mount bpffs"))?;
    }
    if Path::new(TRACEFS).is_dir() && !Path::new(TRACEFS).join("trace_pipe").exists() {
        // Lockdown may forbid it; the need for tracefs is probed by itself.
        let _ = mount(
            Some("tracefs"),
            TRACEFS,
            Some("tracefs"),
            MsFlags::empty(),
            none,
        );
    }
    Ok(())
}
