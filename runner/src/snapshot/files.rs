//! Where snapshots are read from: a folder, or the binary.

use std::io;
use std::path::{Path, PathBuf};

/// Something that holds files. Paths are relative to the folder of all snapshots.
pub trait Files: Send + Sync {
    /// A file's content; `None` if there is no such file.
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>>;
    /// The names of the files in a folder, without those below it; none if there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// What to call a file in a message.
    fn locate(&self, file: &Path) -> PathBuf;
}

/// A folder of the machine.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that holds one folder a lesson.
    pub fn at(path: &Path) -> Folder {
        Folder(path.to_owned())
    }
}

impl Files for Folder {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.0.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn locate(&self, file: &Path) -> PathBuf {
        self.0.join(file)
    }
}

/// A folder in the binary: the snapshots of the embedded course.
#[derive(Clone, Debug)]
pub struct Embedded(pub &'static include_dir::Dir<'static>);

impl Embedded {
    fn inside(&self, path: &Path) -> PathBuf {
        self.0.path().join(path)
    }
}

impl Files for Embedded {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        let file = self.0.get_file(self.inside(file));
        Ok(file.map(|file| file.contents().to_vec()))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let Some(folder) = self.0.get_dir(self.inside(folder)) else {
            return Ok(Vec::new());
        };
        let names = folder.files().filter_map(|file| file.path().file_name());
        Ok(names
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }

    fn locate(&self, file: &Path) -> PathBuf {
        Path::new("snapshots").join(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use include_dir::{Dir, DirEntry, File};

    static FILES: [DirEntry; 1] = [DirEntry::File(File::new(
        "snapshots/hello/build.snap",
        b"x",
    ))];
    static LESSONS: [DirEntry; 1] = [DirEntry::Dir(Dir::new("snapshots/hello", &FILES))];
    static SNAPSHOTS: Dir = Dir::new("snapshots", &LESSONS);

    #[test]
    fn a_folder_in_the_binary_is_read_like_any_other() {
        let files = Embedded(&SNAPSHOTS);
        let file = Path::new("hello/build.snap");
        assert_eq!(files.read(file).expect("readable"), Some(b"x".to_vec()));
        assert_eq!(
            files.read(Path::new("hello/no.snap")).expect("readable"),
            None
        );
        assert_eq!(
            files.names(Path::new("hello")).expect("readable"),
            ["build.snap"]
        );
        assert!(
            files
                .names(Path::new("other"))
                .expect("readable")
                .is_empty()
        );
        assert_eq!(files.locate(file), Path::new("snapshots/hello/build.snap"));
    }
}
