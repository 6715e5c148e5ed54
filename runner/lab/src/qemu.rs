//! QEMU itself: finding it, what it can do, and the command line of a machine.

use crate::architecture::Architecture;
use crate::note;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tutor_agent::guarded::Given;
use tutor_files::Stamp;

/// The oldest version whose machine and migration were tried.
pub const OLDEST: (u32, u32) = (7, 0);

/// The guest's memory, in MiB.
pub(crate) const MEMORY_MIB: u32 = 256;

/// How long QEMU may take to start with no machine at all.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A QEMU must not start programs, change its rights or its share of the processor.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// The device by which QEMU uses KVM.
pub const DEVICE: &str = "/dev/kvm";

/// The engine that runs a guest's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// QEMU translates it.
    Tcg,
    /// The processor runs it.
    Kvm {
        /// Tells the host's processor from other models: a state that was saved on one is not
        /// resumed on another.
        processor: String,
    },
}

impl Accelerator {
    /// QEMU's name for it.
    pub fn name(&self) -> &'static str {
        match self {
            Accelerator::Tcg => "tcg",
            Accelerator::Kvm { .. } => "kvm",
        }
    }

    /// The processor that its states are for; empty where that is QEMU's own.
    pub fn processor(&self) -> &str {
        match self {
            Accelerator::Tcg => "",
            Accelerator::Kvm { processor } => processor,
        }
    }
}

/// A restriction of a QEMU, which may have been taken over by its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QemuRestriction {
    /// It forbids itself system calls that it does not need.
    Seccomp,
    /// The kernel lets it open its own files and the lab's, and no others.
    Landlock,
}

impl QemuRestriction {
    /// Its name for scripts.
    pub fn name(self) -> &'static str {
        match self {
            QemuRestriction::Seccomp => "seccomp",
            QemuRestriction::Landlock => "landlock",
        }
    }
}

/// A QEMU that can run guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The program.
    pub program: PathBuf,
    /// Its version, as `7.2.22`.
    pub version: String,
    /// The machine that it makes.
    pub architecture: &'static Architecture,
    /// True if it can forbid itself system calls: a build may come without seccomp.
    pub has_sandbox: bool,
    /// The engine that runs the guests' code.
    pub accelerator: Accelerator,
}

/// No QEMU can be used.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// The lab knows no machine for this processor.
    #[error(
        "the lab has no machine for the processor architecture `{}`",
        std::env::consts::ARCH
    )]
    Architecture,
    /// There is none.
    #[error("there is no `{program}`")]
    Missing {
        /// Its program.
        program: &'static str,
    },
    /// It is too old for the lab.
    #[error("`{program}` is QEMU {version}, and the lab needs {}.{} or newer", OLDEST.0, OLDEST.1)]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// It does not say which version it is.
    #[error("`{program} -version` does not tell a version: {said}")]
    Strange {
        /// The program.
        program: PathBuf,
        /// Its output.
        said: String,
    },
}

impl Qemu {
    /// Finds QEMU in `PATH` or the usual folders. Its facts are asked once and noted in `cache`. It
    /// translates, unless it gets a different accelerator.
    pub fn find(cache: &Path) -> Result<Qemu, QemuError> {
        let architecture = Architecture::here().ok_or(QemuError::Architecture)?;
        let name = architecture.program;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        let mut folders = std::env::split_paths(&path).chain(usual);
        let program = folders
            .find_map(|folder| Some(folder.join(name)).filter(|path| is_program(path)))
            .ok_or(QemuError::Missing { program: name })?;
        Qemu::at(&program, architecture, cache)
    }

    /// Takes the QEMU at a path.
    pub fn at(
        program: &Path,
        architecture: &'static Architecture,
        cache: &Path,
    ) -> Result<Qemu, QemuError> {
        let QemuFacts {
            version, sandbox, ..
        } = facts(program, cache)?;
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        let minor = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if minor < OLDEST {
            return Err(QemuError::TooOld {
                program: program.to_owned(),
                version,
            });
        }
        Ok(Qemu {
            program: program.to_owned(),
            version,
            architecture,
            has_sandbox: sandbox,
            accelerator: Accelerator::Tcg,
        })
    }

    /// Finds out whether the system lets it make code and run it: where memory may not be both
    /// written and executed it cannot translate, and says so as it starts. An error is its words.
    pub fn may_translate(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        let words =
            "-nodefaults -no-user-config -display none -machine none -accel tcg -monitor stdio";
        let mut child = Command::new(&self.program)
            .args(words.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // If it ended already, its last words say why.
        let _ = child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(b"quit\n"));
        let deadline = Instant::now() + START_PATIENCE;
        while child.try_wait().map_err(failed)?.is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().find(|line| !line.trim().is_empty());
        Err(first.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned()))
    }

    /// Returns the restrictions that hold here beside those of every program.
    pub fn confined_by(&self) -> Vec<QemuRestriction> {
        let mut all = Vec::new();
        if self.has_sandbox {
            all.push(QemuRestriction::Seccomp);
        }
        if tutor_agent::guarded::is_restricted_here() {
            all.push(QemuRestriction::Landlock);
        }
        all
    }

    /// The same QEMU with another accelerator.
    pub fn under(&self, accelerator: Accelerator) -> Qemu {
        Qemu {
            accelerator,
            ..self.clone()
        }
    }
}

/// The facts that a QEMU gives of itself.
#[derive(Serialize, Deserialize)]
struct QemuFacts {
    stamp: Option<Stamp>,
    version: String,
    sandbox: bool,
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

/// Returns what a QEMU says of itself. It is asked once, and again when it is a different file.
fn facts(program: &Path, cache: &Path) -> Result<QemuFacts, QemuError> {
    let file = cache.join("qemu.json");
    let stamp = Stamp::of(program);
    if let Some(noted) = note::read::<QemuFacts>(&file)
        && noted.stamp == stamp
    {
        return Ok(noted);
    }
    // Options are read in their order, so a sandbox that it does not know ends it before it tells its
    // version (`qemu_init` in QEMU's `system/vl.c`).
    let sandboxed = ask_for_version(program, &["-sandbox", SANDBOX, "-version"]);
    let sandbox = sandboxed.is_ok();
    let version = sandboxed.or_else(|_| ask_for_version(program, &["-version"]))?;
    let facts = QemuFacts {
        stamp,
        version,
        sandbox,
    };
    note::write(&file, &facts);
    Ok(facts)
}

fn ask_for_version(program: &Path, words: &[&str]) -> Result<String, QemuError> {
    let strange = |said: String| QemuError::Strange {
        program: program.to_owned(),
        said,
    };
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| strange(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = version_in(&said).filter(|_| output.status.success());
    version.ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        strange(format!("{said}{complaint}").trim().to_owned())
    })
}

/// `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)` is version `7.2.22`.
fn version_in(said: &str) -> Option<String> {
    let (_, version) = said.split_once("version ")?;
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = &version[..end.unwrap_or(version.len())];
    version.contains('.').then(|| version.to_owned())
}

/// Where a guest begins.
#[derive(Clone, Copy, Debug)]
pub enum Beginning<'b> {
    /// It boots.
    Kernel {
        /// An ELF file that QEMU starts by its PVH note.
        vmlinux: &'b Path,
        /// The archive with `/init`.
        initramfs: &'b Path,
    },
    /// It goes on from a state that comes later.
    State,
}

/// The devices that a guest has: they are part of what its saved state means.
///
/// The channels are the process's standard files, so that no file descriptor has to be handed down
/// by number: standard input is the agent's port, standard output the monitor, standard error takes
/// QEMU's messages and the guest's console.
pub fn devices(qemu: &Qemu) -> Vec<String> {
    let Architecture {
        machine, processor, ..
    } = qemu.architecture;
    let accelerator = qemu.accelerator.name();
    let words = format!(
        "-nodefaults -no-user-config -no-reboot -display none -monitor none \
         -machine {machine} -accel {accelerator} -cpu {processor} -m {MEMORY_MIB} -smp 1 \
         -chardev file,id=console,path=/proc/self/fd/2 -serial chardev:console \
         -chardev socket,id=agent,fd=0 -device virtio-serial-pci \
         -device virtserialport,chardev=agent,name=tutor \
         -chardev socket,id=monitor,fd=1 -mon chardev=monitor,mode=control"
    );
    words.split(' ').map(str::to_owned).collect()
}

/// The words that start a guest.
pub fn command(qemu: &Qemu, beginning: Beginning<'_>) -> Vec<OsString> {
    let mut words = vec![qemu.program.clone().into_os_string()];
    words.extend(devices(qemu).into_iter().map(OsString::from));
    if qemu.has_sandbox {
        words.extend(["-sandbox", SANDBOX].map(OsString::from));
    }
    match beginning {
        Beginning::Kernel { vmlinux, initramfs } => words.extend([
            "-kernel".into(),
            vmlinux.into(),
            "-initrd".into(),
            initramfs.into(),
            "-append".into(),
            qemu.architecture.command_line().into(),
        ]),
        Beginning::State => words.extend(["-incoming", "defer"].map(OsString::from)),
    }
    words
}

/// The files that QEMU is given beside the system's: where it was installed to, what its guest boots,
/// and KVM's device. It writes to none: states and channels come as open files.
pub fn given(qemu: &Qemu, beginning: Beginning<'_>) -> Given {
    let place = fs::canonicalize(&qemu.program).unwrap_or(qemu.program.clone());
    let prefix = place.parent().and_then(Path::parent);
    let below = [
        "lib",
        "lib64",
        "libexec",
        "share/qemu",
        "share/seabios",
        "share/qemu-firmware",
    ];
    let installed = prefix
        .into_iter()
        .flat_map(|prefix| below.map(|name| prefix.join(name)));
    let boots = match beginning {
        Beginning::Kernel { vmlinux, initramfs } => [Some(vmlinux), Some(initramfs)],
        Beginning::State => [None, None],
    };
    let boots = boots.into_iter().flatten().map(Path::to_owned);
    let device = match qemu.accelerator {
        Accelerator::Tcg => None,
        Accelerator::Kvm { .. } => Some(PathBuf::from(DEVICE)),
    };
    Given {
        reads: installed.chain(boots).collect(),
        uses: device.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(folder: &Path, says: &str) -> PathBuf {
        let program = folder.join("qemu");
        fs::write(
            &program,
            format!(
                "#!/bin/sh\necho x >>{}\n{says}\n",
                folder.join("asked").display()
            ),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn at(program: &Path, cache: &Path) -> Result<Qemu, QemuError> {
        Qemu::at(program, Architecture::named("x86_64").unwrap(), cache)
    }

    #[test]
    fn a_version_is_read_from_what_distributions_print() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright";
        assert_eq!(version_in(debian).unwrap(), "7.2.22");
        assert_eq!(
            version_in("QEMU emulator version 10.0.2\n").unwrap(),
            "10.0.2"
        );
        assert_eq!(version_in("command not found"), None);
    }

    #[test]
    fn a_version_is_asked_for_once() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo QEMU emulator version 8.1.0");
        for _ in 0..2 {
            assert_eq!(at(&program, folder.path()).unwrap().version, "8.1.0");
        }
        assert_eq!(
            fs::read_to_string(folder.path().join("asked")).unwrap(),
            "x\n"
        );
    }

    #[test]
    fn a_sandbox_is_asked_for_where_qemu_has_one() {
        let without = "case \"$1\" in -sandbox) echo 'not enabled in this QEMU' >&2; exit 1;; esac\n\
                       echo QEMU emulator version 8.1.0";
        for (says, has) in [("echo QEMU emulator version 8.1.0", true), (without, false)] {
            let folder = tempfile::tempdir().unwrap();
            let program = fake(folder.path(), says);
            // The note says the same.
            for _ in 0..2 {
                let qemu = at(&program, folder.path()).unwrap();
                assert_eq!(qemu.has_sandbox, has);
                let words = command(&qemu, Beginning::State);
                assert_eq!(words.contains(&"-sandbox".into()), has, "{words:?}");
            }
        }
    }

    #[test]
    fn a_qemu_that_may_not_make_code_is_quoted() {
        let says = "case \"$*\" in *version*) echo QEMU emulator version 8.1.0;; \
                    *) echo 'qemu: Could not allocate dynamic translator buffer' >&2; exit 1;; esac";
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), says);
        let qemu = at(&program, folder.path()).unwrap();
        let said = "qemu: Could not allocate dynamic translator buffer";
        assert_eq!(qemu.may_translate(), Err(said.to_owned()));
        fake(folder.path(), "read -r line; test \"$line\" = quit");
        assert_eq!(qemu.may_translate(), Ok(()));
    }

    #[test]
    fn a_qemu_that_was_replaced_is_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo QEMU emulator version 8.1.0");
        assert_eq!(at(&program, folder.path()).unwrap().version, "8.1.0");
        fake(folder.path(), "echo QEMU emulator version 10.0.0");
        assert_eq!(at(&program, folder.path()).unwrap().version, "10.0.0");
    }

    #[test]
    fn a_qemu_that_is_too_old_is_named_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo QEMU emulator version 6.2.0");
        let error = at(&program, folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("is QEMU 6.2.0, and the lab needs 7.0 or newer"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_tells_no_version_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo broken >&2; exit 1");
        let error = at(&program, folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("does not tell a version: broken"),
            "{error}"
        );
    }
}
