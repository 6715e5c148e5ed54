//! Files that come and go over the channel.

use crate::protocol::{CHUNK_BYTES, Entry, Kind, LISTED_BYTES, LISTED_PATHS};
use nix::time::{ClockId, clock_gettime};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest wait for a clock tick, in milliseconds; the slowest kernels tick every ten.
const SETTLING_MS: u32 = 20;

/// A file whose bytes are on their way. It is written beside its place and renamed.
#[derive(Debug)]
pub struct Incoming {
    left_bytes: u64,
    target: PathBuf,
    mode: u32,
    file: io::Result<(PathBuf, File)>,
}

impl Incoming {
    /// A file that cannot be written, and whose bytes come nevertheless.
    pub fn refused(kind: &Kind, error: io::Error) -> Incoming {
        let left_bytes = match kind {
            Kind::File { bytes, .. } => *bytes,
            Kind::Folder { .. } | Kind::Link { .. } => 0,
        };
        Incoming {
            left_bytes,
            target: PathBuf::new(),
            mode: 0,
            file: Err(error),
        }
    }

    /// Takes the next bytes. True if they were the last.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
        if let Ok((path, file)) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            let _ = fs::remove_file(path);
            self.file = Err(error);
        }
        self.left_bytes == 0
    }

    /// Puts the file into its place.
    pub fn place(self) -> io::Result<()> {
        let (path, file) = self.file?;
        drop(file);
        let placed = fs::set_permissions(&path, Permissions::from_mode(self.mode))
            .and_then(|()| make_room(&self.target, false))
            .and_then(|()| fs::rename(&path, &self.target));
        if placed.is_err() {
            let _ = fs::remove_file(&path);
        }
        placed
    }
}

/// Makes what is to be at a path; a file comes back to be filled.
pub fn put(path: &Path, kind: &Kind) -> io::Result<Option<Incoming>> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match kind {
        Kind::Folder { mode } => {
            make_room(path, true)?;
            if !path.is_dir() {
                fs::create_dir(path)?;
            }
            fs::set_permissions(path, Permissions::from_mode(*mode))?;
            Ok(None)
        }
        Kind::Link { target } => {
            remove(path)?;
            symlink(target, path)?;
            Ok(None)
        }
        Kind::File { mode, bytes } => {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let beside = path.with_file_name(format!(".{}.incoming", name.display()));
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            let mut incoming = Incoming {
                left_bytes: *bytes,
                target: path.to_owned(),
                mode: *mode,
                file: Ok((beside, file)),
            };
            if *bytes > 0 {
                return Ok(Some(incoming));
            }
            incoming.take(&[]);
            incoming.place().map(|()| None)
        }
    }
}

/// Removes what is there and is of another sort than what is to come.
fn make_room(path: &Path, folder: bool) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() != folder => remove(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a file, a link, or a folder with all that is in it.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Hands out a plain file's first bytes, piece by piece.
pub fn read(path: &Path, at_most_bytes: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    // A pipe that a step made would wait for its other end.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("no plain file"));
    }
    let mut file = file.take(at_most_bytes);
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Names what is below a folder, folders before what is in them: files, folders and links with
/// names in UTF-8; no devices, pipes or sockets. Nothing is below a folder that is not there.
///
/// Files carry times of the coarse clock. One that changed within the tick of a listing could change
/// once more without showing it, so this waits for the next tick and looks again.
pub fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let began = coarse_now()?;
    let entries = list_at(folder, began)?;
    if !entries.iter().any(|entry| entry.fresh) {
        return Ok(entries);
    }
    let mut now = began;
    for _ in 0..SETTLING_MS {
        if now > began {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        now = coarse_now()?;
    }
    list_at(folder, now)
}

fn list_at(folder: &Path, now: i128) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let read = match fs::read_dir(folder.join(&below)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        for found in read {
            let found = found?;
            let path = below.join(found.file_name());
            let there = match found.metadata() {
                // It went while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                there => there?,
            };
            if path.to_str().is_none() {
                continue;
            }
            let Some(kind) = kind(&folder.join(&path), &there) else {
                continue;
            };
            if matches!(kind, Kind::Folder { .. }) {
                folders.push(path.clone());
            }
            let changed = nanoseconds(there.ctime(), there.ctime_nsec());
            let entry = Entry {
                path,
                kind,
                stamp: stamp(&there),
                fresh: changed >= now,
            };
            bytes += entry.bytes();
            if entries.len() == LISTED_PATHS || bytes > LISTED_BYTES {
                let what = format!("more than {LISTED_PATHS} files, or their names are too long");
                return Err(io::Error::other(what));
            }
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// What changes with a file.
pub fn stamp(there: &Metadata) -> String {
    let changed = nanoseconds(there.ctime(), there.ctime_nsec());
    format!("{}.{changed}.{}", there.ino(), there.len())
}

fn coarse_now() -> io::Result<i128> {
    let now = clock_gettime(ClockId::CLOCK_REALTIME_COARSE)?;
    Ok(nanoseconds(now.tv_sec(), now.tv_nsec()))
}

fn kind(path: &Path, there: &Metadata) -> Option<Kind> {
    let mode = there.mode() & 0o7777;
    if there.is_dir() {
        return Some(Kind::Folder { mode });
    }
    if there.is_symlink() {
        let target = fs::read_link(path).ok()?;
        return target.to_str().is_some().then_some(Kind::Link { target });
    }
    let bytes = there.len();
    there.is_file().then_some(Kind::File { mode, bytes })
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_file(path: &Path, mode: u32, pieces: &[&[u8]]) -> io::Result<()> {
        let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
        let Some(mut incoming) = put(path, &Kind::File { mode, bytes })? else {
            return Ok(());
        };
        for piece in pieces {
            incoming.take(piece);
        }
        incoming.place()
    }

    fn listed(folder: &Path) -> Vec<(String, Kind)> {
        let entries = list(folder).unwrap().into_iter();
        let mut all: Vec<_> = entries
            .map(|entry| (entry.path.display().to_string(), entry.kind))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    #[test]
    fn what_is_put_is_listed_and_read_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        put_file(&at("sub/run"), 0o755, &[b"#!", b"/bin/sh\n"]).unwrap();
        put_file(&at("empty"), 0o600, &[]).unwrap();
        let target = PathBuf::from("sub/run");
        put(
            &at("link"),
            &Kind::Link {
                target: target.clone(),
            },
        )
        .unwrap();
        put(&at("more"), &Kind::Folder { mode: 0o700 }).unwrap();
        let sub = listed(folder.path()).remove(3);
        assert!(matches!(sub.1, Kind::Folder { .. }), "{sub:?}");
        let mut all = listed(folder.path());
        all.remove(3);
        assert_eq!(
            all,
            [
                (
                    "empty".to_owned(),
                    Kind::File {
                        mode: 0o600,
                        bytes: 0
                    }
                ),
                ("link".to_owned(), Kind::Link { target }),
                ("more".to_owned(), Kind::Folder { mode: 0o700 }),
                (
                    "sub/run".to_owned(),
                    Kind::File {
                        mode: 0o755,
                        bytes: 10
                    }
                ),
            ]
        );
        let mut text = Vec::new();
        read(&at("sub/run"), 100, |bytes| text.extend_from_slice(bytes)).unwrap();
        assert_eq!(text, b"#!/bin/sh\n");
        text.clear();
        read(&at("sub/run"), 2, |bytes| text.extend_from_slice(bytes)).unwrap();
        assert_eq!(text, b"#!", "no more than is wanted");
    }

    #[test]
    fn one_sort_of_thing_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        put_file(&path.join("in it"), 0o644, &[b"1"]).unwrap();
        put_file(&path, 0o644, &[b"2"]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        put(&path, &Kind::Folder { mode: 0o755 }).unwrap();
        assert!(path.is_dir());
        put(&path, &Kind::Link { target: "y".into() }).unwrap();
        put_file(&path, 0o644, &[b"3"]).unwrap();
        assert_eq!(
            listed(folder.path()).len(),
            1,
            "the link's target was not written"
        );
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(listed(folder.path()).is_empty());
    }

    #[test]
    fn a_pipe_is_neither_listed_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(listed(folder.path()).is_empty());
        assert!(read(&pipe, 1, |_| ()).is_err());
    }

    #[test]
    fn a_change_right_after_a_listing_shows_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for number in 0..50u8 {
            fs::write(&file, [number]).unwrap();
            let before = list(folder.path()).unwrap().remove(0);
            fs::write(&file, [number, 0].split_at(1).0).unwrap();
            let after = list(folder.path()).unwrap().remove(0);
            assert!(
                before.fresh || before.stamp != after.stamp,
                "{before:?} {after:?}"
            );
        }
    }
}
