//! Reads files that must be regular ones: a FIFO or a device in the place of one is an error and
//! keeps nobody waiting.

use crate::say;
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The bytes of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        // Opening a FIFO would wait for somebody to write (fifo(7)).
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    let kind = file.metadata()?;
    // Reading a folder says well by itself that it is one.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other(say!("not-a-regular-file")));
    }
    // Room for one more byte, so that the end is seen; a `File` alone would ask for its size again.
    let mut bytes = Vec::with_capacity(kind.len() as usize + 1);
    file.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let error = read(&fifo).unwrap_err().to_string();
        assert_eq!(error, "it is no regular file");
        assert!(read(Path::new("/dev/zero")).is_err());
    }

    #[test]
    fn a_regular_file_comes_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "text\n").unwrap();
        assert_eq!(read(&file).unwrap(), b"text\n");
        assert!(read(&folder.path().join("none")).is_err());
    }
}
