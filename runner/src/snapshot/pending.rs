//! Outputs that wait for somebody to read them: `.snap.new` files.

use super::error::SnapshotError;
use super::files::{Files, SnapshotFolder};
use super::find::read;
use super::form;
use super::name::SnapshotName;
use super::recorded::Recorded;
use super::write::{self, new_file};
use std::path::{Path, PathBuf};

/// One output that waits for review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The folder of all snapshots.
    dir: PathBuf,
    /// Which snapshot it would become.
    pub name: SnapshotName,
}

/// All outputs that wait for review below a folder, ordered by lesson and step.
pub fn pending(dir: &Path) -> Result<Vec<Pending>, SnapshotError> {
    let mut waiting = Vec::new();
    for lesson in list(dir, "")? {
        if dir.join(&lesson).is_dir() {
            waiting.extend(pending_of(dir, &lesson)?);
        }
    }
    waiting.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(waiting)
}

/// The outputs of one lesson that wait for review, in no order.
pub fn pending_of(dir: &Path, lesson: &str) -> Result<Vec<Pending>, SnapshotError> {
    let files = list(dir, lesson)?;
    let accepted = files.iter().filter_map(|file| file.strip_suffix(".new"));
    let names = accepted.filter_map(|file| SnapshotName::parse(lesson, file));
    let waiting = names.map(|name| Pending {
        dir: dir.to_owned(),
        name,
    });
    Ok(waiting.collect())
}

fn list(dir: &Path, folder: &str) -> Result<Vec<String>, SnapshotError> {
    let names = SnapshotFolder::at(dir).names(Path::new(folder));
    names.map_err(|error| SnapshotError::listing(dir.join(folder), error))
}

impl Pending {
    /// The file that waits.
    pub fn new_file(&self) -> PathBuf {
        new_file(&self.dir, &self.name)
    }

    /// The file that it would replace.
    pub fn file(&self) -> PathBuf {
        self.dir.join(self.name.file())
    }

    /// The output that waits.
    pub fn new_output(&self) -> Result<Recorded, SnapshotError> {
        let path = self.new_file();
        let bytes = crate::regular_file::read(&path)
            .map_err(|error| SnapshotError::reading(path.clone(), error))?;
        form::parse(&bytes, self.name.clone())
            .map_err(|damage| SnapshotError::damaged(path, damage))
    }

    /// The accepted output, if there is one: under its own name, or under the former one.
    pub fn old_output(
        &self,
        former: Option<&SnapshotName>,
    ) -> Result<Option<Recorded>, SnapshotError> {
        let read = |name: &SnapshotName| read(&SnapshotFolder::at(&self.dir), name.clone());
        match (read(&self.name)?, former) {
            (None, Some(former)) => read(former),
            (found, _) => Ok(found),
        }
    }

    /// The accepted output that serves where no variant does, if this is a variant.
    pub fn base_output(&self) -> Result<Option<Recorded>, SnapshotError> {
        match self.name.variant() {
            None => Ok(None),
            Some(_) => read(&SnapshotFolder::at(&self.dir), self.name.base_of()),
        }
    }

    /// Makes it the accepted output.
    ///
    /// Refused if either file is damaged: a conflict in the accepted one is for a person to end.
    /// One under the step's former name is taken away.
    pub fn accept(&self, former: Option<&SnapshotName>) -> Result<(), SnapshotError> {
        self.new_output()?;
        self.old_output(former)?;
        write::accept(&self.dir, &self.name)?;
        match former {
            Some(former) if self.dir.join(former.file()).symlink_metadata().is_ok() => {
                write::remove(&self.dir, &former.file())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes it away; the accepted output stays.
    pub fn reject(&self) -> Result<(), SnapshotError> {
        write::reject(&self.dir, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::super::write_new;
    use super::*;
    use std::fs;

    fn waiting(dir: &Path) -> Vec<String> {
        let pending = pending(dir).expect("readable");
        pending.iter().map(|one| one.name.to_string()).collect()
    }

    #[test]
    fn outputs_are_accepted_or_rejected_one_by_one() {
        let dir = tempfile::tempdir().expect("a folder");
        for step in ["run", "build"] {
            write_new(dir.path(), &recorded("hello", step, "a\n")).expect("writable");
        }
        assert_eq!(waiting(dir.path()), ["hello/build", "hello/run"]);
        let all = pending(dir.path()).expect("readable");
        assert_eq!(all[0].old_output(None).expect("readable"), None);
        all[0].accept(None).expect("acceptable");
        all[1].reject().expect("rejectable");
        assert!(waiting(dir.path()).is_empty());
        assert!(all[0].file().exists() && !all[1].file().exists());
    }

    #[test]
    fn no_folder_means_nothing_waits() {
        assert!(waiting(Path::new("/nowhere/at/all")).is_empty());
    }

    #[test]
    fn a_conflict_in_the_accepted_file_is_not_overwritten() {
        let dir = tempfile::tempdir().expect("a folder");
        write_new(dir.path(), &recorded("hello", "build", "a\n")).expect("writable");
        let one = &pending(dir.path()).expect("readable")[0];
        let conflict = "---\nexpression: x\n---\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> b\n";
        fs::write(one.file(), conflict).expect("writable");
        let error = one
            .accept(None)
            .expect_err("the conflict must be ended first");
        assert!(
            error
                .to_string()
                .ends_with("line 4: the mark of a merge conflict"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(one.file()).expect("readable"), conflict);
        assert!(one.new_file().exists());
    }
}
