//! Saved states of machines: files that a guest resumes from in a fraction of the time of a boot.

use crate::qemu::{Qemu, devices};
use sha2::{Digest, Sha256};
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tutor_agent::protocol::VERSION;

/// How a guest is made ready before its state is saved: what most lessons need is then in its
/// memory. A part of the key.
pub const WARM_UP: &str = "bpftool prog show; bpftool version; ls / | sort | grep -c .; sleep 0";

/// zstd's fastest level makes a third of a state; the next ones cost more than they save.
const LEVEL: i32 = 1;

/// The name of a state: everything that must be the same for it to be resumed.
pub fn key(qemu: &Qemu, image: &str) -> String {
    let mut hash = Sha256::new();
    let version = VERSION.to_string();
    let devices = devices(qemu).join("\n");
    let line = qemu.architecture.command_line();
    let parts = [
        qemu.version.as_bytes(),
        image.as_bytes(),
        line.as_bytes(),
        devices.as_bytes(),
        qemu.accelerator.processor().as_bytes(),
        version.as_bytes(),
        WARM_UP.as_bytes(),
    ];
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where the base state with a key is kept.
pub fn file(states: &Path, key: &str) -> PathBuf {
    states.join(format!("{key}.base"))
}

/// Reads a base state; an error if it is missing, cut short or damaged.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    let state = fs::read(file)?;
    zstd::stream::decode_all(state.as_slice())
}

/// Keeps a base state, for this user alone: it holds a guest's memory.
pub fn write(file: &Path, state: &[u8]) -> io::Result<()> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(state)?;
    write_beside(file, &encoder.finish()?)
}

/// Writes a file so that it is there as a whole or not at all, for this user alone.
pub fn write_beside(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut beside = tempfile::Builder::new()
        .prefix(".saving-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    beside.write_all(bytes)?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::qemu::Accelerator;

    #[test]
    fn a_state_comes_back_whole_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder.path().join("states"), "k");
        let state: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        write(&path, &state).unwrap();
        assert_eq!(read(&path).unwrap(), state);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_state_that_is_cut_short_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "k");
        write(&path, &vec![7; 100_000]).unwrap();
        let whole = fs::read(&path).unwrap();
        for end in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(
                end == 0 || read(&path).is_err(),
                "{end} of {} bytes",
                whole.len()
            );
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn the_key_changes_with_what_a_state_depends_on() {
        let qemu = |version: &str| Qemu {
            program: "qemu".into(),
            version: version.to_owned(),
            architecture: Architecture::named("x86_64").unwrap(),
            has_sandbox: true,
            accelerator: Accelerator::Tcg,
        };
        let kvm = |processor: &str| {
            let processor = processor.to_owned();
            qemu("7.2.1").under(Accelerator::Kvm { processor })
        };
        let keys = [
            key(&qemu("7.2.1"), "kernel archive"),
            key(&qemu("7.2.2"), "kernel archive"),
            key(&qemu("7.2.1"), "kernel archives"),
            key(&kvm("one model"), "kernel archive"),
            key(&kvm("another"), "kernel archive"),
        ];
        let mut different = keys.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), keys.len());
        assert_eq!(keys[0], key(&qemu("7.2.1"), "kernel archive"));
    }
}
