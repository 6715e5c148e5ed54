//! The files that something was made of, as they were then, so that it need not be made again to learn
//! that it would be the same.
//!
//! A file that is written to, replaced, renamed or given other permissions gets a new change time
//! from the kernel, which no program can set (inode(7)), and so a new [`Stamp`]. A second change within
//! the same tick of the clock could be missed; so a file that changed shortly before is not taken for
//! known.

use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tutor_files::Stamp;

/// All paths that were looked at, also those where nothing was.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Inputs {
    looked_at: RefCell<BTreeMap<PathBuf, Option<Stamp>>>,
    #[serde(skip)]
    known: BTreeSet<PathBuf>,
}

impl Inputs {
    /// None yet. The files at the paths `known` are known by other means, and may change.
    pub fn besides(known: &[&Path]) -> Inputs {
        Inputs {
            looked_at: RefCell::default(),
            known: known.iter().map(|path| (*path).to_owned()).collect(),
        }
    }

    /// Notes the state of a path; to be called before a file is read or a folder listed. Returns true
    /// if something is there.
    pub fn look(&self, path: &Path) -> bool {
        if self.known.contains(path) {
            return path.exists();
        }
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some(known) = looked_at.get(path) {
            return known.is_some();
        }
        let stamp = Stamp::of(path);
        let is_there = stamp.is_some();
        looked_at.insert(path.to_owned(), stamp);
        is_there
    }

    /// True if looking again would show the same everywhere.
    pub fn are_the_same(&self) -> bool {
        let looked_at = self.looked_at.borrow();
        looked_at
            .iter()
            .all(|(path, stamp)| Stamp::of(path) == *stamp)
    }

    /// True if nothing of it changed shortly before a time.
    pub fn are_settled(&self, now: SystemTime) -> bool {
        let looked_at = self.looked_at.borrow();
        let mut stamps = looked_at.values().flatten();
        stamps.all(|stamp| stamp.is_settled(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::time::Duration;

    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(10)
    }

    #[test]
    fn every_sort_of_change_shows_even_with_the_same_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let put_back = |name: &str, time| {
            let file = File::options().append(true).open(at(name)).unwrap();
            file.set_modified(time).unwrap();
        };
        type Change<'c> = &'c dyn Fn();
        let written = || fs::write(at("file"), "2").unwrap();
        let replaced = || {
            fs::write(at("new"), "2").unwrap();
            fs::rename(at("new"), at("file")).unwrap();
        };
        let permitted = || fs::set_permissions(at("file"), Permissions::from_mode(0o700)).unwrap();
        let added = || fs::write(at("folder/more"), "").unwrap();
        let appeared = || fs::write(at("missing"), "").unwrap();
        let turned = || {
            fs::remove_file(at("link")).unwrap();
            symlink("other", at("link")).unwrap();
        };
        let gone = || fs::remove_file(at("file")).unwrap();
        let changes: [Change<'_>; 7] = [
            &written, &replaced, &permitted, &added, &appeared, &turned, &gone,
        ];
        for (number, change) in changes.iter().enumerate() {
            fs::create_dir_all(at("folder")).unwrap();
            let _ = fs::remove_file(at("missing"));
            let _ = fs::remove_file(at("link"));
            fs::write(at("file"), "1").unwrap();
            fs::write(at("other"), "1").unwrap();
            symlink("file", at("link")).unwrap();
            let time = fs::metadata(at("file")).unwrap().modified().unwrap();
            let inputs = Inputs::default();
            let there = ["file", "folder", "missing", "link"].map(|name| inputs.look(&at(name)));
            assert_eq!(there, [true, true, false, true]);
            assert!(inputs.are_the_same());
            assert!(!inputs.are_settled(SystemTime::now()) && inputs.are_settled(later()));
            // Times are of the coarse clock: wait until it has moved on.
            let began = fs::metadata(at("other")).unwrap().ctime_nsec();
            while {
                fs::write(at("clock"), "").unwrap();
                fs::metadata(at("clock")).unwrap().ctime_nsec() == began
            } {}
            change();
            if at("file").exists() {
                put_back("file", time);
            }
            assert!(!inputs.are_the_same(), "change {number}");
        }
    }

    #[test]
    fn what_is_known_otherwise_may_change() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let inputs = Inputs::besides(&[file.path()]);
        assert!(inputs.look(file.path()));
        fs::write(file.path(), "more").unwrap();
        assert!(inputs.are_the_same());
    }

    #[test]
    fn what_was_seen_can_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = Inputs::default();
        inputs.look(folder.path());
        inputs.look(&folder.path().join("nothing"));
        let kept = serde_json::to_vec(&inputs).unwrap();
        let read: Inputs = serde_json::from_slice(&kept).unwrap();
        assert!(read.are_the_same());
        fs::write(folder.path().join("nothing"), "").unwrap();
        assert!(!read.are_the_same());
    }
}
