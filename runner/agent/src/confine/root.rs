//! A root folder of its own (pivot_root(2)): the system's programs to be read, the folders of a
//! lesson, and nothing else that this machine has.

use super::error::{doing, doing_to};
use super::guard::Confinement;
use super::namespaces;
use crate::sys;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{geteuid, pivot_root};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// The folders of programs and of what they need, as far as they exist.
pub const SYSTEM: [&str; 19] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/libexec",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/boot",
    "/sys",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/pacman",
    "/var/lib/flatpak",
    "/run/current-system",
];

/// The folders of name resolvers, for steps that have the network.
const RESOLVERS: [&str; 2] = ["/run/systemd/resolve", "/run/resolvconf"];

/// The most of `/etc` that is looked at; a system has a few thousand files there.
const CONFIGURATIONS: usize = 100_000;

/// The devices that a program may expect.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// The names of a process's own files; bash opens `<(…)` by the first.
const OWN_FILES: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// A folder that every system has, to begin in.
const BASE: &str = "/tmp";
/// Where the old root is, as long as something may be brought from there.
pub const OLD: &str = "/old";

/// The most that files in memory take together: a part of the machine's (tmpfs(5)). Where no control
/// group counts memory, steps would fill it else.
const SIZE: &str = "mode=1777,size=25%";

const NONE: Option<&str> = None;

/// Makes a root folder with what all lessons find, for this process and those that it starts. The old
/// one stays below it for now.
pub fn prepare(has_network: bool) -> io::Result<()> {
    tmpfs(Path::new(BASE), "mode=755")?;
    let old = format!("{BASE}{OLD}");
    fs::create_dir(&old)?;
    pivot_root(BASE, old.as_str()).map_err(doing("change the root folder"))?;
    std::env::set_current_dir("/")?;
    let resolvers = RESOLVERS.iter().filter(|_| has_network);
    for place in SYSTEM.iter().chain(resolvers) {
        bring_system(Path::new(place))?;
    }
    if geteuid().is_root() {
        hide_from_others(Path::new("/etc"))?;
    }
    for place in ["/tmp", "/var/tmp", "/run", "/proc"] {
        folders(Path::new(place))?;
    }
    devices()?;
    // To see whether that is permitted, and for this process.
    namespaces::mount_proc()
}

/// Gives the first process of a lesson what is of that lesson only.
pub fn settle() -> io::Result<()> {
    // No process here can unmount it from what it covers.
    namespaces::mount_proc()?;
    // The kernel's settings are root's to write there, also where root is not the machine's.
    protect(Path::new("/proc"))?;
    let all = Path::new("/tmp");
    tmpfs(all, SIZE)?;
    for place in ["/var/tmp", "/dev/shm"].map(Path::new) {
        mount(Some(all), place, NONE, MsFlags::MS_BIND, NONE).map_err(doing_to("make", place))?;
    }
    Ok(())
}

/// Brings what a lesson and its course have besides, and lets go of the old root folder.
pub fn complete(confinement: &Confinement) -> io::Result<()> {
    for place in &confinement.hidden {
        hide(place)?;
    }
    for place in &confinement.readable {
        bring_to_read(place)?;
    }
    for place in &confinement.writable {
        bring(place)?;
    }
    umount2(OLD, MntFlags::MNT_DETACH).map_err(doing("let go of the old root folder"))?;
    // It is that of the next lesson, too.
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(
        NONE,
        "/",
        NONE,
        flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        NONE,
    )
    .map_err(doing("protect the root folder"))
}

/// Where it is in the old one.
fn outside(path: &Path) -> PathBuf {
    Path::new(OLD).join(path.strip_prefix("/").unwrap_or(path))
}

fn tmpfs(at: &Path, options: &str) -> io::Result<()> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), plain, Some(options)).map_err(doing_to("mount", at))
}

/// Makes a folder and those above it.
fn folders(at: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o755).create(at);
    made.map_err(|error| at_place("make", at, error))
}

fn at_place(what: &str, place: &Path, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{what} `{}`: {error}", place.display()),
    )
}

/// Brings a part of the system, to be read only; a link, as `/bin` is today, as one.
fn bring_system(place: &Path) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(outside(place)) else {
        return Ok(());
    };
    if there.is_symlink() {
        let target = fs::read_link(outside(place))?;
        return symlink(target, place);
    }
    bring_to_read(place)
}

fn bring_to_read(place: &Path) -> io::Result<()> {
    if !bring(place)? {
        return Ok(());
    }
    protect(place)
}

/// Makes what is mounted at a path read-only.
fn protect(place: &Path) -> io::Result<()> {
    sys::read_only(place).map_err(|error| at_place("protect", place, error))
}

/// Brings what is at a path, with all that is mounted below it. False if nothing is there.
fn bring(place: &Path) -> io::Result<bool> {
    // Links on the way lead through the old root.
    let Some(from) = resolved(place) else {
        return Ok(false);
    };
    match from.is_dir() {
        true => folders(place)?,
        false => {
            folders(place.parent().unwrap_or(place))?;
            if fs::symlink_metadata(place).is_err() {
                File::create(place).map_err(|error| at_place("make", place, error))?;
            }
        }
    }
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(&from), place, NONE, bind, NONE).map_err(doing_to("bring", place))?;
    Ok(true)
}

/// The path in the old root without links, at most as many as the kernel follows
/// (path_resolution(7)).
fn resolved(place: &Path) -> Option<PathBuf> {
    let mut links = 40;
    let mut todo: Vec<_> = place
        .components()
        .rev()
        .map(|part| part.as_os_str().to_owned())
        .collect();
    let mut path = PathBuf::from("/");
    while let Some(part) = todo.pop() {
        match part.to_str() {
            Some("/" | ".") => continue,
            Some("..") => {
                path.pop();
                continue;
            }
            _ => path.push(part),
        }
        let there = fs::symlink_metadata(outside(&path)).ok()?;
        if there.is_symlink() {
            links -= 1;
            if links == 0 {
                return None;
            }
            let target = fs::read_link(outside(&path)).ok()?;
            match target.is_absolute() {
                true => path = PathBuf::from("/"),
                false => drop(path.pop()),
            }
            todo.extend(
                target
                    .components()
                    .rev()
                    .map(|part| part.as_os_str().to_owned()),
            );
        }
    }
    Some(outside(&path))
}

/// Hides what only some users may read, in a folder of which root may read all.
fn hide_from_others(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let (path, there) = {
                let entry = entry?;
                (entry.path(), entry.metadata()?)
            };
            looked_at += 1;
            if looked_at > CONFIGURATIONS {
                return Err(io::Error::other("there is too much in `/etc`"));
            }
            let others_need = match (there.is_dir(), there.is_file()) {
                (true, _) => 0o5,
                (false, true) => 0o4,
                (false, false) => continue,
            };
            if there.mode() & others_need != others_need {
                hide(&path)?;
            } else if there.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// Puts something empty over what is at a path.
fn hide(place: &Path) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(place) else {
        return Ok(());
    };
    if there.is_dir() {
        return tmpfs(place, "mode=755,size=4k");
    }
    if there.is_file() {
        let null = outside(Path::new("/dev/null"));
        return mount(Some(&null), place, NONE, MsFlags::MS_BIND, NONE)
            .map_err(doing_to("hide", place));
    }
    Ok(())
}

fn devices() -> io::Result<()> {
    let dev = Path::new("/dev");
    folders(dev)?;
    tmpfs(dev, "mode=755,size=64k")?;
    for name in DEVICES {
        bring(&Path::new("/dev").join(name))?;
    }
    for (name, target) in OWN_FILES {
        symlink(target, dev.join(name))?;
    }
    folders(&dev.join("shm"))?;
    folders(&dev.join("pts"))?;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=620");
    // A course that wants a terminal says so itself.
    let _ = mount(
        Some("devpts"),
        &dev.join("pts"),
        Some("devpts"),
        plain,
        options,
    );
    Ok(())
}
