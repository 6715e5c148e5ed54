//! A root folder of its own (pivot_root(2)): the system's programs to be read, the folders of a
//! lesson, and nothing else that this machine has.

use super::{Confinement, doing, doing_to};
use crate::sys;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// What holds programs and what they need, as far as it is there.
const SYSTEM: [&str; 21] = [
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
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/current-system",
];

/// What in there is for the system's administrator.
const SECRET: [&str; 10] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/NetworkManager",
    "/etc/wireguard",
];

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
/// Where the new root is while it is made, and where the old one is.
const NEW: &str = "/new";
const OLD: &str = "/old";

const NONE: Option<&str> = None;

/// Makes a root folder of this process's own, as bubblewrap does it.
pub fn enter(confinement: &Confinement) -> io::Result<()> {
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    // Neither may be below the new root: both are made on a file system of their own.
    tmpfs(Path::new(BASE), "mode=755")?;
    for folder in [NEW, OLD] {
        fs::create_dir(format!("{BASE}{folder}"))?;
    }
    pivot_root(BASE, format!("{BASE}{OLD}").as_str()).map_err(doing("change the root folder"))?;
    std::env::set_current_dir("/")?;
    tmpfs(Path::new(NEW), "mode=755")?;
    for place in SYSTEM {
        bring_system(Path::new(place))?;
    }
    let fresh = |place: &str, options: &str| {
        let at = inside(Path::new(place));
        folders(&at)?;
        tmpfs(&at, options)
    };
    fresh("/tmp", "mode=1777")?;
    fresh("/var/tmp", "mode=1777")?;
    if !inside(Path::new("/run")).exists() {
        folders(&inside(Path::new("/run")))?;
    }
    devices()?;
    processes()?;
    for place in SECRET.iter().map(Path::new) {
        hide(place)?;
    }
    for place in &confinement.hidden {
        hide(place)?;
    }
    for place in &confinement.readable {
        bring_to_read(place)?;
    }
    for place in &confinement.writable {
        bring(place)?;
    }
    std::env::set_current_dir(NEW)?;
    pivot_root(".", ".").map_err(doing("change to the root folder"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(doing("let go of the old root folder"))?;
    std::env::set_current_dir("/")?;
    // Where this process was may not be there any more.
    let _ = std::env::set_current_dir(cwd);
    Ok(())
}

/// Where a path is in the root that is being made.
fn inside(path: &Path) -> PathBuf {
    below(NEW, path)
}

/// Where it is in the old one.
fn outside(path: &Path) -> PathBuf {
    below(OLD, path)
}

fn below(root: &str, path: &Path) -> PathBuf {
    Path::new(root).join(path.strip_prefix("/").unwrap_or(path))
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
        return symlink(target, inside(place));
    }
    bring_to_read(place)
}

fn bring_to_read(place: &Path) -> io::Result<()> {
    if !bring(place)? {
        return Ok(());
    }
    sys::read_only(&inside(place)).map_err(|error| at_place("protect", place, error))
}

/// Brings what is at a path, with all that is mounted below it. False if nothing is there.
fn bring(place: &Path) -> io::Result<bool> {
    // Links on the way lead through the old root.
    let Some(from) = resolved(place) else {
        return Ok(false);
    };
    let at = inside(place);
    match from.is_dir() {
        true => folders(&at)?,
        false => {
            folders(at.parent().unwrap_or(&at))?;
            if fs::symlink_metadata(&at).is_err() {
                File::create(&at).map_err(|error| at_place("make", place, error))?;
            }
        }
    }
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(&from), &at, NONE, bind, NONE).map_err(doing_to("bring", place))?;
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

/// Puts something empty over what is at a path.
fn hide(place: &Path) -> io::Result<()> {
    let at = inside(place);
    let Ok(there) = fs::symlink_metadata(&at) else {
        return Ok(());
    };
    if there.is_dir() {
        return tmpfs(&at, "mode=755,size=4k");
    }
    if there.is_file() {
        let null = outside(Path::new("/dev/null"));
        return mount(Some(&null), &at, NONE, MsFlags::MS_BIND, NONE)
            .map_err(doing_to("hide", place));
    }
    Ok(())
}

fn devices() -> io::Result<()> {
    let dev = inside(Path::new("/dev"));
    folders(&dev)?;
    tmpfs(&dev, "mode=755")?;
    for name in DEVICES {
        bring(&Path::new("/dev").join(name))?;
    }
    for (name, target) in OWN_FILES {
        symlink(target, dev.join(name))?;
    }
    folders(&dev.join("shm"))?;
    tmpfs(&dev.join("shm"), "mode=1777")?;
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

fn processes() -> io::Result<()> {
    let at = inside(Path::new("/proc"));
    folders(&at)?;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = mount(Some("proc"), &at, Some("proc"), plain, NONE);
    mounted.map_err(doing("mount proc"))?;
    // The kernel's settings are root's to write there, also where root is not the machine's.
    sys::read_only(&at).map_err(|error| at_place("protect", &at, error))
}
