//! QEMU itself: finding it, its version, and the command line of a machine.

use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program that emulates the guest's machine.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// The oldest version whose machine and migration were tried.
pub const OLDEST: (u32, u32) = (7, 0);

/// What the guest's memory is, in MiB.
const MEMORY_MIB: u32 = 256;

/// The kernel's command line. `nokaslr` makes the kernel's addresses the same in every guest, and
/// `norandmaps` those of programs. QEMU 7.2 finds what it has translated by virtual address, so that
/// without it each start of a program is translated anew, which takes four times as long.
/// `cryptomgr.notests` and the timer's settings spare time that emulation makes long.
/// They are explained in the kernel's `Documentation/admin-guide/kernel-parameters.txt`.
pub const KERNEL_ARGUMENTS: &str = "quiet panic=-1 nokaslr norandmaps mitigations=off \
     cryptomgr.notests tsc=reliable no_timer_check random.trust_cpu=on nr_cpus=1 console=ttyS0";

/// A QEMU that can run guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The program.
    pub program: PathBuf,
    /// Its version, as `7.2.22`.
    pub version: String,
}

/// No QEMU can be used.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// There is none.
    #[error("`{PROGRAM}` is not installed")]
    Missing,
    /// It is of a time before what the lab needs.
    #[error("`{program}` is QEMU {version}, and the lab needs {}.{} or newer", OLDEST.0, OLDEST.1)]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// It does not say which version it is.
    #[error("`{program} --version` does not tell a version: {said}")]
    Strange {
        /// The program.
        program: PathBuf,
        /// What came instead.
        said: String,
    },
}

impl Qemu {
    /// Finds QEMU in `PATH` or the usual folders. Its version is read once and noted in `cache`.
    pub fn find(cache: &Path) -> Result<Qemu, QemuError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        let mut folders = std::env::split_paths(&path).chain(usual);
        let program = folders
            .find_map(|folder| Some(folder.join(PROGRAM)).filter(|path| is_program(path)))
            .ok_or(QemuError::Missing)?;
        Qemu::at(&program, cache)
    }

    /// Takes the QEMU at a path.
    pub fn at(program: &Path, cache: &Path) -> Result<Qemu, QemuError> {
        let version = match noted(program, cache) {
            Some(version) => version,
            None => {
                let version = ask(program)?;
                note(program, cache, &version);
                version
            }
        };
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
        })
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

fn ask(program: &Path) -> Result<String, QemuError> {
    let strange = |said: String| QemuError::Strange {
        program: program.to_owned(),
        said,
    };
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| strange(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    version_in(&said).ok_or_else(|| {
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

/// What tells one installation of a program from another.
fn stamp(program: &Path) -> Option<Value> {
    let there = fs::metadata(program).ok()?;
    Some(json!([
        program.display().to_string(),
        there.mtime(),
        there.mtime_nsec(),
        there.len()
    ]))
}

fn noted(program: &Path, cache: &Path) -> Option<String> {
    let note: Value = serde_json::from_slice(&fs::read(cache.join("qemu.json")).ok()?).ok()?;
    let same = note["stamp"] == stamp(program)?;
    note["version"].as_str().filter(|_| same).map(str::to_owned)
}

/// A note that cannot be written costs a question the next time, and nothing else.
fn note(program: &Path, cache: &Path, version: &str) {
    let note = json!({"stamp": stamp(program), "version": version});
    let _ = crate::state::write_beside(&cache.join("qemu.json"), note.to_string().as_bytes());
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
/// QEMU 7.2 emulates `cmpxchg16b` wrongly where a kernel needs it, hence no `cx16`. With `rdrand`
/// the kernel has its random numbers at once (`random.trust_cpu`); without it, the first program
/// that asks for some waits until the kernel has gathered them from its own timing, which is a third
/// of a boot (`try_to_generate_entropy` in its `drivers/char/random.c`). The channels
/// are the process's standard files, so that no file descriptor has to be handed down by number:
/// standard input is the agent's port, standard output the monitor, standard error takes QEMU's
/// messages and the guest's console.
pub fn devices() -> Vec<String> {
    let memory = MEMORY_MIB.to_string();
    [
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-monitor",
        "none",
        "-machine",
        "q35",
        "-accel",
        "tcg",
        "-cpu",
        "qemu64,-cx16,+rdrand",
        "-m",
        &memory,
        "-smp",
        "1",
        "-chardev",
        "file,id=console,path=/proc/self/fd/2",
        "-serial",
        "chardev:console",
        "-chardev",
        "socket,id=agent,fd=0",
        "-device",
        "virtio-serial-pci",
        "-device",
        "virtserialport,chardev=agent,name=tutor",
        "-chardev",
        "socket,id=monitor,fd=1",
        "-mon",
        "chardev=monitor,mode=control",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The words that start a guest.
pub fn command(qemu: &Qemu, beginning: Beginning<'_>) -> Vec<OsString> {
    let mut words = vec![qemu.program.clone().into_os_string()];
    words.extend(devices().into_iter().map(OsString::from));
    let sandbox = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
    words.extend(["-sandbox", sandbox].map(OsString::from));
    match beginning {
        Beginning::Kernel { vmlinux, initramfs } => words.extend([
            "-kernel".into(),
            vmlinux.into(),
            "-initrd".into(),
            initramfs.into(),
            "-append".into(),
            KERNEL_ARGUMENTS.into(),
        ]),
        Beginning::State => words.extend(["-incoming", "defer"].map(OsString::from)),
    }
    words
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
            assert_eq!(Qemu::at(&program, folder.path()).unwrap().version, "8.1.0");
        }
        assert_eq!(
            fs::read_to_string(folder.path().join("asked")).unwrap(),
            "x\n"
        );
    }

    #[test]
    fn a_qemu_that_is_too_old_is_named_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo QEMU emulator version 6.2.0");
        let error = Qemu::at(&program, folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("is QEMU 6.2.0, and the lab needs 7.0 or newer"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_tells_no_version_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), "echo broken >&2; exit 1");
        let error = Qemu::at(&program, folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("does not tell a version: broken"),
            "{error}"
        );
    }
}
