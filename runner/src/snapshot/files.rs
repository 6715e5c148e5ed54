//! Where snapshots are read from: a folder, or the binary.

use super::name::SnapshotName;
use crate::course::Course;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

/// Something that holds files. Paths are relative to the folder of all snapshots.
pub trait Files: Send + Sync {
    /// A file's content; `None` if there is no such file.
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>>;
    /// The names of the files in a folder, without those below it; none if there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The name of a file for messages.
    fn locate(&self, file: &Path) -> PathBuf;
}

/// A folder of the machine.
#[derive(Clone, Debug)]
pub struct SnapshotFolder(PathBuf);

impl SnapshotFolder {
    /// The folder that holds one folder a lesson.
    pub fn at(path: &Path) -> SnapshotFolder {
        SnapshotFolder(path.to_owned())
    }
}

impl Files for SnapshotFolder {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        match crate::regular_file::read(&self.0.join(file)) {
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

/// The snapshots of a course, wherever its files are.
///
/// Those of a step that has moved or was renamed are found under its former name, each until there
/// is one in its place.
#[derive(Clone, Debug)]
pub struct OfCourse<'c> {
    course: &'c Course,
    /// The former names by the names of now, both without a variant.
    former: HashMap<SnapshotName, SnapshotName>,
}

impl<'c> OfCourse<'c> {
    /// Those of this course.
    pub fn new(course: &'c Course) -> OfCourse<'c> {
        let mut former = HashMap::new();
        for lesson in &course.lessons {
            for step in lesson.steps() {
                let was = step.was.as_ref().map(SnapshotName::former);
                let name = SnapshotName::base(&lesson.front.name, &step.id);
                former.extend(was.map(|was| (name, was)));
            }
        }
        OfCourse { course, former }
    }

    fn is_there(&self, file: &Path) -> bool {
        match self.course.snapshot_dir() {
            Some(folder) => folder.join(file).symlink_metadata().is_ok(),
            None => self.course.read(&self.path(file)).is_ok(),
        }
    }

    /// Where a file lies: under its former name, if it lies there alone.
    fn found(&self, file: &Path) -> PathBuf {
        let name = SnapshotName::of_file(file);
        let former = name.and_then(|name| {
            let former = self.former.get(&name.base_of())?;
            Some(former.as_variant_of(&name).file())
        });
        match former {
            Some(former) if !self.is_there(file) && self.is_there(&former) => former,
            Some(_) | None => file.to_owned(),
        }
    }

    /// The names in a folder, as they lie there.
    fn listed(&self, folder: &Path) -> io::Result<Vec<String>> {
        match self.course.snapshot_dir() {
            Some(snapshots) => SnapshotFolder(snapshots).names(folder),
            None => Ok(self.course.embedded_names(&self.path(folder))),
        }
    }

    fn path(&self, file: &Path) -> PathBuf {
        let folder = self.course.snapshot_dir();
        folder
            .unwrap_or_else(|| PathBuf::from("snapshots"))
            .join(file)
    }
}

impl Files for OfCourse<'_> {
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        let file = self.found(file);
        match self.course.snapshot_dir() {
            Some(folder) => SnapshotFolder(folder).read(&file),
            None => Ok(self.course.read(&self.path(&file)).ok()),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = self.listed(folder)?;
        // By the lessons that steps of this one came from.
        let mut moved: BTreeMap<&str, HashMap<&SnapshotName, &SnapshotName>> = BTreeMap::new();
        let here = |name: &&SnapshotName| Path::new(name.lesson()) == folder;
        for (name, former) in self.former.iter().filter(|(name, _)| here(name)) {
            let from = moved.entry(former.lesson()).or_default();
            from.insert(former, name);
        }
        for (lesson, steps) in moved {
            let listed = self.listed(Path::new(lesson))?;
            let found = listed
                .iter()
                .filter_map(|file| SnapshotName::parse(lesson, file));
            let files = found.filter_map(|found| {
                let name = steps.get(&found.base_of())?.as_variant_of(&found);
                Some(name.file().file_name()?.to_str()?.to_owned())
            });
            names.extend(files);
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn locate(&self, file: &Path) -> PathBuf {
        self.path(&self.found(file))
    }
}
