//! The initial RAM disk of the guest: the agent, and the tools that steps use.
//!
//! Tools whose output lessons compare come from this machine, so that `ls`, `od` or `awk` say
//! the same on the host and in the lab: bash, bpftool, grep, sed, awk, diffutils and coreutils,
//! each with its libraries. Where such a tool would bring libraries of more than
//! [`EXTRA_LIMIT`] bytes that nothing else needs, and for all other tools, busybox stands in: one
//! small file that makes the guest whole.

mod cpio;
mod tools;

use crate::inputs::Inputs;
use crate::kernel::Kernel;
use crate::needed::{Linker, NeededError};
use cpio::Archive;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tutor_files::FilesError;
use tutor_files::error::failed_io;
use tutor_files::root::read_regular;

/// The folder of the kernel's modules in the guest. Its file `order` names them, one a line, in
/// the order to load them; it is there, and empty, where the kernel needs none.
pub const MODULES: &str = "/modules";

/// The most that a tool's own libraries may add, in bytes, before busybox stands in for it.
pub const EXTRA_LIMIT: u64 = 2 << 20;

/// The tool that stands in for all that this machine does not give.
const BUSYBOX: &str = "busybox";

/// The largest file that goes into the archive, in bytes.
const FILE_LIMIT: u64 = 256 << 20;

/// The parts of an initial RAM disk beside the tools of this machine.
#[derive(Clone, Copy, Debug)]
pub struct InitramfsContents<'c> {
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
    #[error(
        "the lab needs a program `{0}`, and there is none (package `{0}`); a script does not do"
    )]
    MissingTool(&'static str),
    /// A file could not be read, or is far too large for the guest's memory.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A program's libraries are not known.
    #[error(transparent)]
    Needed(#[from] NeededError),
    /// Busybox did not say what it can do.
    #[error("`busybox --list` failed: {what}")]
    Busybox {
        /// Its error.
        what: String,
    },
}

/// Makes the initial RAM disk: an archive that is not packed, which the kernel takes fastest.
/// The same files give the same bytes. All files that are looked at on the way, and all that are
/// looked for in vain, are noted.
pub fn build(contents: InitramfsContents<'_>, inputs: &Inputs) -> Result<Vec<u8>, InitramfsError> {
    let mut image = ArchiveBuilder {
        archive: Archive::default(),
        placed: BTreeMap::new(),
        inputs,
        linker: Linker::new(inputs),
    };
    image.skeleton();
    image.program(contents.agent, "/init")?;
    if let Some(tutor) = contents.tutor {
        image.program(tutor, "/usr/bin/tutor")?;
    }
    image.modules(contents.kernel)?;
    image.config(contents.kernel)?;
    for tool in tools::REQUIRED {
        let path = tools::find(tool, inputs).ok_or(InitramfsError::MissingTool(tool))?;
        image.tool(tool, &path)?;
    }
    for name in tools::PREFERRED {
        if let Some(path) = tools::find(name, inputs)
            && image.extra(&path)? <= EXTRA_LIMIT
        {
            image.tool(name, &path)?;
        }
    }
    image.busybox()?;
    image.terminals();
    image.locale();
    Ok(image.archive.finish())
}

/// Returns a program of this machine by its name, looked for in the `PATH` and in the folders for
/// administrators.
pub fn tool(name: &str) -> Option<PathBuf> {
    tools::find(name, &Inputs::default())
}

/// Returns the tools that [`build`] cannot do without and that are not installed. Each has a row of its
/// name in `runner/packages`.
pub fn missing_tools() -> Vec<&'static str> {
    let required = tools::REQUIRED.into_iter().chain([BUSYBOX]);
    required.filter(|name| tool(name).is_none()).collect()
}

/// The archive, and where this machine's files lie in it.
struct ArchiveBuilder<'i> {
    archive: Archive,
    /// Programs by their true path here.
    placed: BTreeMap<PathBuf, String>,
    inputs: &'i Inputs,
    linker: Linker<'i>,
}

impl ArchiveBuilder<'_> {
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
        self.archive.file(guest, 0o755, self.read(host)?);
        self.libraries(host)
    }

    fn libraries(&mut self, program: &Path) -> Result<(), InitramfsError> {
        for (library, guest) in self.new_libraries(program)? {
            self.archive.file(&guest, 0o755, self.read(&library)?);
        }
        Ok(())
    }

    /// Returns the libraries of a program that are not in the archive yet, and where they belong there.
    fn new_libraries(&self, program: &Path) -> Result<Vec<(PathBuf, String)>, InitramfsError> {
        let libraries = self.linker.closure(program)?;
        let placed = libraries.iter().map(|library| {
            let guest = self.linker.place(library, &libraries);
            (library.clone(), guest.to_string_lossy().into_owned())
        });
        Ok(placed
            .filter(|(_, guest)| !self.archive.has(guest))
            .collect())
    }

    /// Returns how many bytes of libraries a program would add.
    fn extra(&self, program: &Path) -> Result<u64, InitramfsError> {
        let new = self.new_libraries(program)?.into_iter();
        Ok(new
            .filter_map(|(library, _)| fs::metadata(library).ok())
            .map(|meta| meta.len())
            .sum())
    }

    /// Adds a tool of this machine. One file behind several names, as with alternatives or with
    /// one program for many commands, is stored once.
    fn tool(&mut self, name: &str, path: &Path) -> Result<(), InitramfsError> {
        let guest = format!("/usr/bin/{name}");
        let real = fs::canonicalize(path).map_err(failed_io("find", path))?;
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

    /// Reads a file of this machine.
    fn read(&self, path: &Path) -> Result<Vec<u8>, InitramfsError> {
        self.inputs.look(path);
        Ok(read_regular(path, FILE_LIMIT)?)
    }

    fn modules(&mut self, kernel: &Kernel) -> Result<(), InitramfsError> {
        let mut order = String::new();
        for module in &kernel.modules {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            let guest = format!("{MODULES}/{name}");
            self.archive.file(&guest, 0o644, self.read(module)?);
            order.push_str(&name);
            order.push('\n');
        }
        self.archive.file(&format!("{MODULES}/order"), 0o644, order);
        Ok(())
    }

    /// Adds the kernel's configuration, where libbpf and others look for it.
    fn config(&mut self, kernel: &Kernel) -> Result<(), InitramfsError> {
        if let Some(config) = kernel.config.file() {
            let guest = format!("/boot/config-{}", kernel.release);
            self.archive.file(&guest, 0o644, self.read(config)?);
        }
        Ok(())
    }

    /// Adds busybox, and its commands where no tool of this machine has the name.
    fn busybox(&mut self) -> Result<(), InitramfsError> {
        let missing = InitramfsError::MissingTool(BUSYBOX);
        let busybox = tools::find(BUSYBOX, self.inputs).ok_or(missing)?;
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

    /// Adds the locale that steps run in, where the C library keeps it in a file: bash warns where it
    /// is missing, and `LC_ALL=C.UTF-8` is in the environment of every step.
    fn locale(&mut self) {
        for name in ["C.utf8", "C.UTF-8"] {
            let folder = Path::new("/usr/lib/locale").join(name);
            for part in ["", "LC_MESSAGES"] {
                self.inputs.look(&folder.join(part));
                let Ok(entries) = fs::read_dir(folder.join(part)) else {
                    continue;
                };
                let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                files.sort();
                for file in files {
                    self.inputs.look(&file);
                    if let (Some(guest), Ok(text)) = (file.to_str(), fs::read(&file)) {
                        self.archive.file(guest, 0o644, text);
                    }
                }
            }
        }
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
                .find_map(|path| self.inputs.look(&path).then(|| fs::read(path).ok())?);
            if let Some(text) = texts {
                // ncurses looks here on every distribution.
                let guest = format!("/usr/share/terminfo/{file}");
                self.archive.file(&guest, 0o644, text);
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::cpio::tests::listed;
    use super::*;
    use crate::kernel::KeptConfig;

    fn kernel(folder: &Path) -> Kernel {
        let modules = ["z.ko", "a.ko"].map(|name| folder.join(name));
        for module in &modules {
            fs::write(module, module.to_string_lossy().as_bytes()).unwrap();
        }
        let config = folder.join("config");
        fs::write(&config, "CONFIG_HZ=250\n").unwrap();
        Kernel {
            release: "6.1.7".to_owned(),
            vmlinux: folder.join("vmlinux"),
            modules: modules.to_vec(),
            config: KeptConfig::In(config),
            id: String::new(),
            source: String::new(),
            unknown: Vec::new(),
        }
    }

    #[test]
    fn it_holds_what_steps_need_and_is_the_same_twice() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = kernel(folder.path());
        // Any program of this machine does for an agent.
        let agent = tool("cat").unwrap();
        let contents = InitramfsContents {
            agent: &agent,
            tutor: Some(&agent),
            kernel: &kernel,
        };
        let inputs = Inputs::default();
        let bytes = match build(contents, &inputs) {
            Ok(bytes) => bytes,
            Err(error @ InitramfsError::MissingTool(_)) => {
                eprintln!("skipped: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(bytes, build(contents, &Inputs::default()).unwrap());
        let lines = listed(&bytes);
        let starts = |start: &str| lines.iter().any(|line| line.starts_with(start));
        for start in [
            "100755 0:0 init \u{7f}ELF",
            "100755 0:0 usr/bin/tutor \u{7f}ELF",
            "100755 0:0 usr/bin/bash \u{7f}ELF",
            "100755 0:0 usr/bin/busybox \u{7f}ELF",
            "120777 0:0 usr/bin/vi busybox",
            "120777 0:0 usr/sbin/bpftool ../bin/bpftool",
            "120777 0:0 bin usr/bin",
            "20600 5:1 dev/console ",
            "40755 0:0 proc ",
            "41777 0:0 tmp ",
            "100644 0:0 etc/hostname lab\n",
            "100644 0:0 modules/order z.ko\na.ko\n",
            "100644 0:0 boot/config-6.1.7 CONFIG_HZ=250\n",
        ] {
            assert!(starts(start), "{start}");
        }
        assert!(!starts("120777 0:0 usr/bin/bash busybox"));
        // Each link within the archive leads to something in it.
        let names: std::collections::BTreeSet<&str> = lines
            .iter()
            .filter_map(|line| line.split(' ').nth(2))
            .collect();
        for line in lines
            .iter()
            .filter(|line| line.starts_with("120777 0:0 usr/bin/"))
        {
            let target = format!("usr/bin/{}", line.split(' ').nth(3).unwrap());
            assert!(names.contains(target.as_str()), "{line}");
        }
    }

    #[test]
    fn an_agent_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = kernel(folder.path());
        let contents = InitramfsContents {
            agent: Path::new("/nowhere/agent"),
            tutor: None,
            kernel: &kernel,
        };
        let error = build(contents, &Inputs::default());
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("cannot read `/nowhere/agent`: "), "{text}");
    }
}
