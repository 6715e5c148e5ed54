//! The agent as the init of a guest: mounts, modules, the loopback device, the port; then it serves.

use crate::guest::Guest;
use crate::network::bring_up_loopback;
use crate::serve::{AgentError, serve_guest};
use nix::fcntl::OFlag;
use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the virtio-serial port that leads to `tutor`.
pub const PORT: &str = "tutor";

/// How long the port may take to appear after its driver was loaded.
const PORT_PATIENCE: Duration = Duration::from_secs(30);

/// The mounts, in order: file system, place, options. The first three are needed; a kernel
/// may lack one of the others, and then what needs it says so.
const MOUNTS: [(&str, &str, &str); 11] = [
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", "ptmxmode=0666,mode=620"),
    ("tmpfs", "/dev/shm", "mode=1777"),
    ("tmpfs", "/tmp", "mode=1777"),
    ("tmpfs", "/run", "mode=755"),
    ("tracefs", "/sys/kernel/tracing", ""),
    ("debugfs", "/sys/kernel/debug", ""),
    ("bpf", "/sys/fs/bpf", "mode=700"),
    ("cgroup2", "/sys/fs/cgroup", ""),
];

/// The names of a process's own files, which devtmpfs has not; bash opens `<(…)` by the first.
const OWN_FILES: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

/// Makes the guest ready and serves until it is to end; then switches it off.
pub fn run() -> ! {
    if let Err(error) = serve() {
        // The console is what remains to be read when a guest is gone.
        eprintln!("tutor-agent: {error}");
    }
    power_off()
}

/// Switches the guest off.
fn power_off() -> ! {
    // It comes back only where this is no init; then there is nothing to switch off.
    let _ = reboot(RebootMode::RB_POWER_OFF);
    std::process::exit(1)
}

fn serve() -> Result<(), AgentError> {
    for (kind, place, options) in MOUNTS {
        let mounted = mount_one(kind, Path::new(place), options);
        if let Err(error) = mounted {
            eprintln!("tutor-agent: cannot mount {kind} at {place}: {error}");
        }
    }
    for (name, file) in OWN_FILES {
        if let Err(error) = symlink(file, name) {
            eprintln!("tutor-agent: cannot make {name}: {error}");
        }
    }
    load_modules(Path::new("/modules"))?;
    if let Err(error) = bring_up_loopback() {
        eprintln!("tutor-agent: cannot bring up the loopback device: {error}");
    }
    let port = open_port()?;
    serve_guest(port, Guest::default())
}

fn mount_one(kind: &str, place: &Path, options: &str) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o755).create(place)?;
    let options = Some(options).filter(|options| !options.is_empty());
    match mount(Some(kind), place, Some(kind), MsFlags::empty(), options) {
        // The kernel mounts devtmpfs itself where it is told to.
        Ok(()) | Err(nix::Error::EBUSY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Loads the modules that `order` in the folder names, one a line, in that order.
fn load_modules(folder: &Path) -> io::Result<()> {
    let order = match fs::read_to_string(folder.join("order")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        order => order?,
    };
    for name in order.lines().map(str::trim).filter(|name| !name.is_empty()) {
        let module = File::open(folder.join(name))?;
        match finit_module(module, c"", ModuleInitFlags::empty()) {
            Ok(()) | Err(nix::Error::EEXIST) => {}
            Err(error) => {
                return Err(io::Error::other(format!("cannot load {name}: {error}")));
            }
        }
    }
    Ok(())
}

/// Waits for the port to appear and opens it. Its device may be probed after init was started.
fn open_port() -> io::Result<OwnedFd> {
    let deadline = Instant::now() + PORT_PATIENCE;
    loop {
        if let Some(device) = find_port(Path::new("/sys/class/virtio-ports")) {
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(OFlag::O_CLOEXEC.bits())
                .open(Path::new("/dev").join(device));
            match opened {
                Ok(port) => return Ok(port.into()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => {}
            }
        } else if Instant::now() > deadline {
            let what = format!("no virtio-serial port named `{PORT}` appeared");
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn find_port(class: &Path) -> Option<PathBuf> {
    let ports = fs::read_dir(class).ok()?.flatten();
    let mut ours = ports.filter(|port| {
        fs::read_to_string(port.path().join("name")).is_ok_and(|name| name.trim_end() == PORT)
    });
    ours.next().map(|port| PathBuf::from(port.file_name()))
}
