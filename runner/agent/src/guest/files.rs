//! Files that come and go over the channel. Each lies below a folder that the request names, and
//! nothing of it is reached through a link.

use crate::protocol::{CHUNK_BYTES, listing_limits};
use std::io::{self, Read, Write};
use std::path::Path;
use tutor_files::{Below, Beside, FilesError, Found, Kind, Over, Root};

/// A file whose bytes are on their way. It is written beside its place and renamed.
#[derive(Debug)]
pub struct Upload {
    left_bytes: u64,
    file: io::Result<UploadTarget>,
}

#[derive(Debug)]
struct UploadTarget {
    root: Root,
    path: Below,
    mode: u32,
    beside: Beside,
}

impl Upload {
    /// A file that cannot be written, and whose bytes come nevertheless.
    pub fn refused(kind: &Kind, error: io::Error) -> Upload {
        Upload {
            left_bytes: kind.bytes(),
            file: Err(error),
        }
    }

    /// Takes the next bytes. True if they were the last.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
        if let Ok(place) = &mut self.file
            && let Err(error) = place.beside.write_all(bytes)
        {
            self.file = Err(error);
        }
        self.left_bytes == 0
    }

    /// Puts the file into its place.
    pub fn place(self) -> io::Result<()> {
        let UploadTarget {
            root,
            path,
            mode,
            mut beside,
        } = self.file?;
        beside.set_mode(mode)?;
        make_room(&root, &path, false)?;
        beside.place(path.name(), Over::Anything)?;
        Ok(())
    }
}

/// Makes what is to be at a path; a file comes back to be filled.
pub fn put(folder: &Path, path: &Below, kind: &Kind) -> io::Result<Option<Upload>> {
    let root = Root::make(folder)?;
    make_way(&root, path)?;
    match kind {
        Kind::Folder { mode } => {
            make_room(&root, path, true)?;
            match root.make_folder(path, *mode) {
                // It is there.
                Err(FilesError::Changed(_)) => root.set_mode(path, *mode)?,
                made => made?,
            }
            Ok(None)
        }
        Kind::Link { target } => {
            make_room(&root, path, false)?;
            root.link(path, target, Over::Anything)?;
            Ok(None)
        }
        Kind::File { mode, bytes } => {
            let beside = root.beside(path)?;
            let mut incoming = Upload {
                left_bytes: *bytes,
                file: Ok(UploadTarget {
                    root,
                    path: path.clone(),
                    mode: *mode,
                    beside,
                }),
            };
            if *bytes > 0 {
                return Ok(Some(incoming));
            }
            incoming.take(&[]);
            incoming.place().map(|()| None)
        }
        Kind::Other => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Makes the folders on the way to a path, in place of whatever else is there.
fn make_way(root: &Root, path: &Below) -> io::Result<()> {
    match root.make_parents(path) {
        Err(FilesError::Behind(_)) => {}
        made => return Ok(made?),
    }
    if let Some(parent) = path.parent() {
        make_way(root, &parent)?;
        make_room(root, &parent, true)?;
    }
    Ok(root.make_parents(path)?)
}

/// Removes what is there and is of another sort than what is to come.
fn make_room(root: &Root, path: &Below, folder: bool) -> io::Result<()> {
    if let Some(there) = root.look(path)?
        && there.kind.is_folder() != folder
    {
        root.remove_tree(path)?;
    }
    Ok(())
}

/// Removes what is there, unless it is a folder that holds something.
pub fn remove(folder: &Path, path: &Below) -> io::Result<()> {
    let root = match Root::open(folder) {
        Err(error) if error.is_missing() => return Ok(()),
        root => root?,
    };
    let removed = match root.remove_folder(path) {
        Err(FilesError::Changed(_)) => root.remove(path, Over::Anything).map(drop),
        removed => removed.map(drop),
    };
    match removed {
        // The file behind a link is not the one that was meant, and that one is gone.
        Err(FilesError::Behind(_)) => Ok(()),
        removed => Ok(removed?),
    }
}

/// Hands out a plain file's first bytes, piece by piece.
pub fn read(
    folder: &Path,
    path: &Below,
    at_most_bytes: u64,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut file = Root::open(folder)?.file(path)?.take(at_most_bytes);
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

/// Names what is below a folder, folders before what is in them: files, folders and links; no
/// devices, pipes or sockets. Nothing is below a folder that is not there.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let root = match Root::open(folder) {
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        root => root?,
    };
    let mut entries = root.settled(&listing_limits())?.entries;
    entries.retain(|found| found.kind != Kind::Other);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    fn below(path: &str) -> Below {
        Below::new(path).unwrap()
    }

    fn put_file(folder: &Path, path: &str, mode: u32, pieces: &[&[u8]]) -> io::Result<()> {
        let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
        let kind = Kind::File { mode, bytes };
        let Some(mut incoming) = put(folder, &below(path), &kind)? else {
            return Ok(());
        };
        for piece in pieces {
            incoming.take(piece);
        }
        incoming.place()
    }

    fn put_link(folder: &Path, path: &str, target: &str) {
        let target = target.into();
        put(folder, &below(path), &Kind::Link { target }).unwrap();
    }

    fn listed(folder: &Path) -> Vec<(String, Kind)> {
        let entries = list(folder).unwrap().into_iter();
        let mut all: Vec<_> = entries
            .map(|found| (found.path.path().display().to_string(), found.kind))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    #[test]
    fn what_is_put_is_listed_and_read_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let folder = &place.path().join("new/folder");
        assert_eq!(listed(folder), []);
        put_file(folder, "sub/run", 0o755, &[b"#!", b"/bin/sh\n"]).unwrap();
        put_file(folder, "empty", 0o600, &[]).unwrap();
        put_link(folder, "link", "sub/run");
        put(folder, &below("more"), &Kind::Folder { mode: 0o700 }).unwrap();
        let sub = listed(folder).remove(3);
        assert!(sub.1.is_folder(), "{sub:?}");
        let mut all = listed(folder);
        all.remove(3);
        let target = PathBuf::from("sub/run");
        let file = |mode, bytes| Kind::File { mode, bytes };
        let expected = [
            ("empty", file(0o600, 0)),
            ("link", Kind::Link { target }),
            ("more", Kind::Folder { mode: 0o700 }),
            ("sub/run", file(0o755, 10)),
        ];
        assert_eq!(all, expected.map(|(path, kind)| (path.to_owned(), kind)));
        let text = |most| {
            let mut text = Vec::new();
            let take = |bytes: &[u8]| text.extend_from_slice(bytes);
            read(folder, &below("sub/run"), most, take).unwrap();
            text
        };
        assert_eq!(text(100), b"#!/bin/sh\n");
        assert_eq!(text(2), b"#!", "no more than is wanted");
    }

    #[test]
    fn names_of_any_bytes_travel() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        let odd = Below::new(std::ffi::OsStr::from_bytes(b"d/r\xe9sum\xe9")).unwrap();
        let kind = Kind::File {
            mode: 0o644,
            bytes: 1,
        };
        let mut incoming = put(folder, &odd, &kind).unwrap().unwrap();
        assert!(incoming.take(b"x"));
        incoming.place().unwrap();
        let found = list(folder).unwrap().pop().unwrap();
        assert_eq!(found.path, odd);
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Found>(&json).unwrap(), found);
    }

    #[test]
    fn one_sort_of_thing_takes_the_place_of_another() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        put_file(folder, "x/in it", 0o644, &[b"1"]).unwrap();
        put_file(folder, "x", 0o644, &[b"2"]).unwrap();
        assert_eq!(fs::read(folder.join("x")).unwrap(), b"2");
        put(folder, &below("x"), &Kind::Folder { mode: 0o755 }).unwrap();
        assert!(folder.join("x").is_dir());
        put_link(folder, "x", "y");
        put_file(folder, "x", 0o644, &[b"3"]).unwrap();
        assert_eq!(listed(folder).len(), 1, "the link's target was not written");
        remove(folder, &below("x")).unwrap();
        remove(folder, &below("x")).unwrap();
        assert!(listed(folder).is_empty());
    }

    #[test]
    fn nothing_is_written_or_removed_behind_a_link() {
        let place = tempfile::tempdir().unwrap();
        let folder = &place.path().join("folder");
        let etc = place.path().join("etc");
        for made in [folder, &etc] {
            fs::create_dir(made).unwrap();
        }
        fs::write(etc.join("passwd"), "root").unwrap();
        symlink(&etc, folder.join("l")).unwrap();
        remove(folder, &below("l/passwd")).unwrap();
        assert!(read(folder, &below("l/passwd"), 9, |_| ()).is_err());
        // The host says that it is a folder.
        put_file(folder, "l/passwd", 0o644, &[b"none"]).unwrap();
        put_file(folder, "l/passwd/a/b", 0o644, &[b"none"]).unwrap();
        assert!(folder.join("l/passwd/a/b").is_file());
        assert_eq!(fs::read(etc.join("passwd")).unwrap(), b"root");
        symlink(&etc, place.path().join("linked")).unwrap();
        assert!(put_file(&place.path().join("linked"), "x", 0o644, &[b"1"]).is_err());
        assert_eq!(fs::read_dir(etc).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_holds_something_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        put_file(folder, "d/kept", 0o644, &[b"1"]).unwrap();
        remove(folder, &below("d")).unwrap();
        assert!(folder.join("d/kept").exists());
        remove(folder, &below("d/kept")).unwrap();
        remove(folder, &below("d")).unwrap();
        assert!(listed(folder).is_empty());
    }

    #[test]
    fn a_pipe_is_neither_listed_nor_read() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(listed(place.path()).is_empty());
        assert!(read(place.path(), &below("pipe"), 1, |_| ()).is_err());
    }
}
