//! Saved states of machines: files that a guest resumes from in a fraction of the time of a boot.

use crate::hashes::noted_hash;
use crate::qemu::{Qemu, devices};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use tutor_agent::protocol::VERSION;
use tutor_files::root::{read_regular, regular_file};
use tutor_files::{Hash, Hasher, hash, hex};
use zstd::stream::read::Decoder;
use zstd::zstd_safe;

/// zstd's fastest level makes a third of a state; the next ones cost more than they save.
const LEVEL: i32 = 1;

/// The most that a state may unpack to, in bytes.
pub const STATE_BYTES: u64 = 1 << 30;

/// The longest header, which has the unpacked size (RFC 8878, 3.1.1.1).
const HEADER_BYTES: u64 = 18;

/// The length of a hash in hexadecimal.
const HASH_BYTES: u64 = 64;

/// The size of a piece that is handed on, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// The state that guests resume from, unpacked.
#[derive(Debug)]
pub struct Base {
    bytes: Vec<u8>,
    hash: OnceLock<Hash>,
}

impl Base {
    /// Takes a state.
    pub fn new(bytes: Vec<u8>) -> Base {
        let hash = OnceLock::new();
        Base { bytes, hash }
    }

    /// Its SHA-256, which identifies it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash.get_or_init(|| hash(&self.bytes)).0
    }
}

impl Deref for Base {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The name of a state: everything that must be the same for it to be resumed.
pub fn key(qemu: &Qemu, image: &str) -> String {
    let mut hasher = Hasher::default();
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
    ];
    for part in parts {
        hasher.part(part);
    }
    hex(&hasher.done().0[..16])
}

/// Where the base state with a key is kept.
pub fn file(states: &Path, key: &str) -> PathBuf {
    states.join(format!("{key}.base"))
}

/// Where the SHA-256 of a state's file is kept.
pub(crate) fn hash_file(file: &Path) -> PathBuf {
    file.with_extension("sha256")
}

/// True if a file has the bytes that were saved. They are hashed once, and again when it has changed.
fn is_as_saved(file: &Path) -> io::Result<bool> {
    let saved = read_regular(&hash_file(file), HASH_BYTES)?;
    let notes = file.with_file_name("hashes.json");
    Ok(noted_hash(file, &notes)?.as_bytes() == saved)
}

/// A base state in its file, of which the beginning was read.
#[derive(Debug)]
pub struct Packed {
    header: Vec<u8>,
    rest: File,
    bytes: usize,
}

impl Packed {
    /// Opens the file; an error if it is missing, begins wrongly, has another key, or is not what was
    /// saved.
    pub fn open(file: &Path, key: &str) -> io::Result<Packed> {
        let mut rest = regular_file(file)?;
        let mut begin = Vec::new();
        let length = key.len() as u64;
        (&mut rest).take(length).read_to_end(&mut begin)?;
        if begin != key.as_bytes() {
            let error = "it is the state of another machine";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        // No more is known of a state whose hash is gone.
        if !is_as_saved(file).unwrap_or(false) {
            let error = "its bytes are not those that were saved";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let mut header = Vec::new();
        (&mut rest).take(HEADER_BYTES).read_to_end(&mut header)?;
        let bytes = match zstd_safe::get_frame_content_size(&header) {
            Ok(Some(bytes @ 1..=STATE_BYTES)) => bytes as usize,
            Ok(_) | Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(Packed {
            header,
            rest,
            bytes,
        })
    }

    /// Unpacks it; an error if it was cut short or is damaged. `meanwhile` gets the pieces as they are
    /// ready; after an error they are worth nothing.
    pub fn unpack<T>(
        self,
        meanwhile: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T,
    ) -> io::Result<(Base, T)> {
        let mut decoder = Decoder::new(self.header.chain(self.rest))?;
        let mut state = vec![0; self.bytes];
        let (ready, pieces) = mpsc::channel::<&[u8]>();
        let done = std::thread::scope(|scope| {
            let parts = state.chunks_mut(PIECE_BYTES);
            let unpacking = std::thread::Builder::new().spawn_scoped(scope, move || {
                for part in parts {
                    decoder.read_exact(part)?;
                    // The receiver may have failed, and returns its error.
                    let _ = ready.send(part);
                }
                // The checksum is behind the last byte.
                match decoder.read(&mut [0])? {
                    0 => Ok(()),
                    _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
                }
            })?;
            let done = meanwhile(&mut pieces.into_iter());
            let unpacked = unpacking.join();
            unpacked
                .unwrap_or_else(|_| Err(io::Error::other("it could not be unpacked")))
                .map(|()| done)
        })?;
        Ok((Base::new(state), done))
    }
}

/// Reads a base state; an error if it is missing, cut short, damaged, or has another key.
pub fn read(file: &Path, key: &str) -> io::Result<Base> {
    Ok(Packed::open(file, key)?.unpack(|_| ())?.0)
}

/// Keeps a base state behind its key, and its hash beside it, for this user alone: it holds a guest's
/// memory.
pub fn write(file: &Path, key: &str, state: &[u8]) -> io::Result<()> {
    let mut encoder = zstd::stream::Encoder::new(key.as_bytes().to_vec(), LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(state.len() as u64))?;
    encoder.write_all(state)?;
    let packed = encoder.finish()?;
    tutor_files::write(file, &packed, 0o600)?;
    let hash = hash(&packed).to_string();
    tutor_files::write(&hash_file(file), hash.as_bytes(), 0o600).map_err(|error| {
        // It would be refused.
        let _ = remove(file);
        error.into()
    })
}

/// Removes a base state.
pub fn remove(file: &Path) -> io::Result<()> {
    let _ = std::fs::remove_file(hash_file(file));
    std::fs::remove_file(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::qemu::Accelerator;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_state_comes_back_whole_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder.path().join("states"), "k");
        let state: Vec<u8> = (0..700_000u32).flat_map(u32::to_le_bytes).collect();
        write(&path, "k", &state).unwrap();
        let mut taken = Vec::new();
        let unpacked = Packed::open(&path, "k").unwrap().unpack(|pieces| {
            pieces.for_each(|piece| taken.extend_from_slice(piece));
        });
        assert!(*unpacked.unwrap().0 == *state && taken == state);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_state_that_is_cut_short_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "k");
        write(&path, "k", &vec![7; 100_000]).unwrap();
        let whole = fs::read(&path).unwrap();
        for end in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read(&path, "k").is_err(), "{end} of {} bytes", whole.len());
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(read(&path, "k").is_err());
    }

    #[test]
    fn a_state_whose_bytes_are_not_those_that_were_saved_is_refused_however_whole_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| file(folder.path(), name));
        write(&one, "k", &[7; 1000]).unwrap();
        write(&other, "k", &[8; 1000]).unwrap();
        assert_eq!(*read(&other, "k").unwrap(), [8; 1000]);
        fs::copy(&other, &one).unwrap();
        let error = read(&one, "k").unwrap_err().to_string();
        assert_eq!(error, "its bytes are not those that were saved");
        fs::remove_file(hash_file(&other)).unwrap();
        assert!(read(&other, "k").is_err());
        remove(&one).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_in_the_place_of_a_state_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "k");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read(&path, "k").is_err());
        write(&path, "k", &[7; 1000]).unwrap();
        assert_eq!(*read(&path, "k").unwrap(), [7; 1000]);
    }

    #[test]
    fn a_state_under_another_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "two"].map(|key| file(folder.path(), key));
        write(&one, "one", &[7; 1000]).unwrap();
        fs::rename(&one, &other).unwrap();
        fs::rename(hash_file(&one), hash_file(&other)).unwrap();
        let error = read(&other, "two").unwrap_err().to_string();
        assert_eq!(error, "it is the state of another machine");
        assert_eq!(*read(&other, "one").unwrap(), [7; 1000]);
    }

    #[test]
    fn a_state_is_unpacked_as_a_whole_even_if_its_pieces_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "k");
        write(&path, "k", &vec![7; 3 * PIECE_BYTES]).unwrap();
        let unpacked = Packed::open(&path, "k")
            .unwrap()
            .unpack(|pieces| pieces.next().is_some());
        let (base, taken) = unpacked.unwrap();
        assert!(base.len() == 3 * PIECE_BYTES && taken);
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
