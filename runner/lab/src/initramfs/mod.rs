//! The initial RAM disk of the guest: the agent, and the tools that steps use.
//!
//! Tools whose output lessons compare come from this machine, so that `ls`, `od` or `awk` say
//! the same on the host and in the lab: bash, bpftool, grep, sed, awk, diffutils and coreutils,
//! each with its libraries. Where such a tool would bring libraries of more than
//! [`EXTRA_LIMIT`] bytes that nothing else needs, and for all other tools, busybox stands in: one
//! small file that makes the guest whole.

mod cpio;
mod tools;

use crate::kernel::Kernel;
use crate::needed::{self, NeededError};
use cpio::Archive;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the kernel's modules in the guest. Its file `order` names them, one a line, in
/// the order to load them; it is there, and empty, where the kernel needs none.
pub const MODULES: &str = "/modules";

/// The `PATH` that the guest's folders are made for.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The most that a tool's own libraries may add, in bytes, before busybox stands in for it.
pub const EXTRA_LIMIT: u64 = 2 << 20;

/// The largest file that goes into the archive, in bytes.
const FILE_LIMIT: u64 = 256 << 20;

/// What goes into the initial RAM disk beside the tools of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'c> {
    /// The agent, which becomes `/init`; with its libraries where it is linked dynamically.
    pub agent: &'c Path,
    /// A `tutor` for steps that call `tutor bpf …`, which becomes `/usr/bin/tutor`.
    pub tutor: Option<&'c Path>,
    /// The kernel, whose modules come along.
    pub kernel: &'c Kernel,
}

/// Why an initial RAM disk could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// A tool that the guest cannot do without is not installed.
    #[error("the lab needs `{tool}`, which is not installed (package `{package}`)")]
    MissingTool {
        /// The command's name.
        tool: &'static str,
        /// Its name in the list of packages, `runner/packages`.
        package: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read `{path}` for the lab: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A file is far larger than what the guest's memory can hold.
    #[error("`{path}` is too large for the lab: {bytes} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A program's libraries are not known.
    #[error(transparent)]
    Needed(#[from] NeededError),
    /// Busybox did not say what it can do.
    #[error("`busybox --list` failed: {what}")]
    Busybox {
        /// What was seen.
        what: String,
    },
}

/// Makes the initial RAM disk: an archive that is not packed, which the kernel takes fastest.
/// The same files give the same bytes.
pub fn build(contents: Contents<'_>) -> Result<Vec<u8>, InitramfsError> {
    let mut image = Image::default();
    image.skeleton();
    image.program(contents.agent, "/init")?;
    if let Some(tutor) = contents.tutor {
        image.program(tutor, "/usr/bin/tutor")?;
    }
    image.modules(contents.kernel)?;
    for tool in tools::REQUIRED {
        let path = tools::find(tool.name).ok_or(InitramfsError::MissingTool {
            tool: tool.name,
            package: tool.package,
        })?;
        image.tool(tool.name, &path)?;
    }
    for name in tools::PREFERRED {
        if let Some(path) = tools::find(name)
            && image.extra(&path)? <= EXTRA_LIMIT
        {
            image.tool(name, &path)?;
        }
    }
    image.busybox()?;
    image.terminals();
    Ok(image.archive.finish())
}

/// The archive, and where this machine's files lie in it.
#[derive(Default)]
struct Image {
    archive: Archive,
    /// Programs by their true path here.
    placed: BTreeMap<PathBuf, String>,
}

impl Image {
    fn skeleton(&mut self) {
        let archive = &mut self.archive;
        for folder in ["bin", "sbin", "lib", "lib64"] {
            archive.folder(&format!("/usr/{folder}"), 0o755);
            archive.link(&format!("/{folder}"), &format!("usr/{folder}"));
        }
        for folder in ["dev", "etc", "mnt", "proc", "run", "sys", "usr", "var"] {
            archive.folder(&format!("/{folder}"), 0o755);
        }
        archive.folder("/root", 0o700);
        archive.folder("/tmp", 0o1777);
        archive.folder("/var/tmp", 0o1777);
        archive.link("/var/run", "../run");
        // The kernel opens the console for `/init` before anything is mounted.
        archive.device("/dev/console", 0o600, 5, 1);
        archive.device("/dev/null", 0o666, 1, 3);
        let files = [
            (
                "passwd",
                "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
            ),
            ("group", "root:x:0:\nnogroup:x:65534:\n"),
            ("hostname", "lab\n"),
            (
                "hosts",
                "127.0.0.1 localhost\n127.0.1.1 lab\n::1 localhost\n",
            ),
            (
                "nsswitch.conf",
                "passwd: files\ngroup: files\nhosts: files\n",
            ),
            ("shells", "/bin/sh\n/bin/bash\n"),
        ];
        for (name, text) in files {
            archive.file(&format!("/etc/{name}"), 0o644, text);
        }
        archive.link("/etc/mtab", "../proc/self/mounts");
    }

    /// Adds a program under a name of its own, and its libraries.
    fn program(&mut self, host: &Path, guest: &str) -> Result<(), InitramfsError> {
        self.archive.file(guest, 0o755, read(host)?);
        self.libraries(host)
    }

    fn libraries(&mut self, program: &Path) -> Result<(), InitramfsError> {
        let libraries = needed::closure(program)?;
        for library in &libraries {
            let guest = merged(&needed::place(library, &libraries));
            if !self.archive.has(&guest) {
                self.archive.file(&guest, 0o755, read(library)?);
            }
        }
        Ok(())
    }

    /// Returns how many bytes of libraries a program would add.
    fn extra(&self, program: &Path) -> Result<u64, InitramfsError> {
        let libraries = needed::closure(program)?;
        let new = libraries.iter().filter(|library| {
            let guest = merged(&needed::place(library, &libraries));
            !self.archive.has(&guest)
        });
        Ok(new
            .filter_map(|library| fs::metadata(library).ok())
            .map(|meta| meta.len())
            .sum())
    }

    /// Adds a tool of this machine. One file behind several names, as with alternatives or with
    /// one program for many commands, is stored once.
    fn tool(&mut self, name: &str, path: &Path) -> Result<(), InitramfsError> {
        let guest = format!("/usr/bin/{name}");
        let real = fs::canonicalize(path).map_err(|error| InitramfsError::Read {
            path: path.to_owned(),
            error,
        })?;
        let file = real.file_name().unwrap_or_default().to_string_lossy();
        let own = match self.placed.get(&real) {
            Some(place) => place.clone(),
            None => {
                let place = format!("/usr/bin/{file}");
                self.program(&real, &place)?;
                self.placed.insert(real.clone(), place.clone());
                place
            }
        };
        if own != guest {
            self.archive
                .link(&guest, own.trim_start_matches("/usr/bin/"));
        }
        Ok(())
    }

    fn modules(&mut self, kernel: &Kernel) -> Result<(), InitramfsError> {
        let mut order = String::new();
        for module in &kernel.modules {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            let guest = format!("{MODULES}/{name}");
            self.archive.file(&guest, 0o644, read(module)?);
            order.push_str(&name);
            order.push('\n');
        }
        self.archive.file(&format!("{MODULES}/order"), 0o644, order);
        Ok(())
    }

    /// Adds busybox, and its commands where no tool of this machine has the name.
    fn busybox(&mut self) -> Result<(), InitramfsError> {
        let busybox = tools::find("busybox").ok_or(InitramfsError::MissingTool {
            tool: "busybox",
            package: "busybox",
        })?;
        self.program(&busybox, "/usr/bin/busybox")?;
        for command in applets(&busybox)? {
            let is_taken = ["bin", "sbin"]
                .iter()
                .any(|folder| self.archive.has(&format!("/usr/{folder}/{command}")));
            if !is_taken && !tools::LEFT_OUT.contains(&command.as_str()) {
                self.archive.link(&format!("/usr/bin/{command}"), "busybox");
            }
        }
        // Programs are often called by these paths.
        for tool in ["bpftool", "modprobe", "insmod", "ip", "sysctl"] {
            if self.archive.has(&format!("/usr/bin/{tool}")) {
                let path = format!("/usr/sbin/{tool}");
                self.archive.link(&path, &format!("../bin/{tool}"));
            }
        }
        Ok(())
    }

    /// Adds what an interactive shell has to know of the usual terminals, where this machine has it.
    fn terminals(&mut self) {
        let names = [
            "linux",
            "screen-256color",
            "tmux-256color",
            "vt100",
            "xterm",
            "xterm-256color",
        ];
        for name in names {
            let file = format!("{}/{name}", &name[..1]);
            let folders = ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"];
            let texts = folders
                .iter()
                .map(|folder| Path::new(folder).join(&file))
                .find_map(|path| fs::read(path).ok());
            if let Some(text) = texts {
                // ncurses looks here on every distribution.
                let guest = format!("/usr/share/terminfo/{file}");
                self.archive.file(&guest, 0o644, text);
            }
        }
    }
}

/// Returns a path in the guest, whose `/bin`, `/sbin`, `/lib` and `/lib64` are links into `/usr`.
fn merged(path: &Path) -> String {
    let path = path.to_string_lossy();
    let first = path.trim_start_matches('/').split('/').next();
    match first {
        Some("bin" | "sbin" | "lib" | "lib64") => format!("/usr{path}"),
        _ => path.into_owned(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, InitramfsError> {
    let failed = |error| InitramfsError::Read {
        path: path.to_owned(),
        error,
    };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > FILE_LIMIT {
        return Err(InitramfsError::TooLarge {
            path: path.to_owned(),
            bytes,
        });
    }
    fs::read(path).map_err(failed)
}

/// Returns the commands that busybox knows.
fn applets(busybox: &Path) -> Result<Vec<String>, InitramfsError> {
    let failed = |what: String| InitramfsError::Busybox { what };
    let output = Command::new(busybox)
        .arg("--list")
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let is_plain = |name: &&str| !name.is_empty() && !name.contains('/');
    Ok(text.lines().filter(is_plain).map(str::to_owned).collect())
}
