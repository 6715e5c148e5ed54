//! Reads files that must be regular ones, and no larger than text is: a FIFO or a device in the place
//! of one is an error and keeps nobody waiting.

use crate::say;
use std::io;
use std::path::Path;
use tutor_files::FilesError;
use tutor_files::root::read_regular;

/// No lesson, no file of one and no snapshot is longer.
const MOST_BYTES: u64 = 64 << 20;

/// The bytes of a regular file, 64 MiB at the most.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_regular(path, MOST_BYTES).map_err(|error| match error {
        FilesError::NotRegular(_) => io::Error::other(say!("not-a-regular-file")),
        FilesError::Limit { .. } => {
            io::Error::other(say!("longer-than", size = (MOST_BYTES >> 20).to_string()))
        }
        error => error.into(),
    })
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
    fn a_file_of_gigabytes_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(
            read(&path).unwrap_err().to_string(),
            "it is longer than 64 MiB"
        );
        file.set_len(1).unwrap();
        assert_eq!(read(&path).unwrap(), [0]);
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
