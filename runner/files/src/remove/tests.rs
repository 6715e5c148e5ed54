//! What goes and what stays.

use super::*;
use crate::found::Limits;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

fn below(path: &str) -> Below {
    Below::new(path).unwrap()
}

#[test]
fn only_what_is_known_goes() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "1").unwrap();
    let known = root.look(&below("file")).unwrap().unwrap().stamp;
    fs::write(at("file"), "22").unwrap();
    let changed = root.remove(&below("file"), Over::Known(&known));
    assert!(matches!(changed, Err(FilesError::Changed(_))));
    let unknown = root.remove(&below("file"), Over::Nothing);
    assert!(matches!(unknown, Err(FilesError::Changed(_))));
    let known = root.look(&below("file")).unwrap().unwrap().stamp;
    assert!(root.remove(&below("file"), Over::Known(&known)).unwrap());
    assert!(!root.remove(&below("file"), Over::Known(&known)).unwrap());
    assert!(!root.remove(&below("no/file"), Over::Anything).unwrap());
    fs::create_dir_all(at("d/e")).unwrap();
    let as_file = root.remove(&below("d"), Over::Anything);
    assert!(matches!(as_file, Err(FilesError::Changed(_))));
    assert!(!root.remove_folder(&below("d")).unwrap());
    assert!(root.remove_folder(&below("d/e")).unwrap());
    assert!(root.remove_folder(&below("d")).unwrap());
    assert!(root.remove_folder(&below("d")).unwrap());
    fs::write(at("d"), "").unwrap();
    assert!(root.remove_folder(&below("d")).is_err());
}

#[test]
fn a_tree_goes_whatever_permissions_it_has_and_what_its_links_lead_to_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for root in [
        Root::open(folder.path()),
        Root::open(folder.path()).map(Root::stepwise),
    ] {
        fs::create_dir_all(at("tree/a/b")).unwrap();
        fs::create_dir_all(at("theirs/in")).unwrap();
        fs::write(at("tree/a/b/file"), "").unwrap();
        fs::write(at("theirs/in/file"), "").unwrap();
        symlink("../theirs", at("tree/link")).unwrap();
        symlink(at("theirs"), at("tree/a/link")).unwrap();
        nix::unistd::mkfifo(&at("tree/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in ["tree/a/b", "tree/a", "tree"] {
            fs::set_permissions(at(path), Permissions::from_mode(0o000)).unwrap();
        }
        let root = root.unwrap();
        root.remove_tree(&below("tree")).unwrap();
        assert!(!at("tree").exists());
        assert!(at("theirs/in/file").exists());
        root.remove_tree(&below("tree")).unwrap();
        root.remove_tree(&below("tree/none")).unwrap();
    }
}

#[test]
fn a_temporary_folder_goes_by_its_path_and_a_link_in_its_place_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("tree/a")).unwrap();
    fs::create_dir_all(at("theirs/a")).unwrap();
    remove_tree(&at("tree")).unwrap();
    assert!(!at("tree").exists());
    remove_tree(&at("tree")).unwrap();
    remove_tree(&at("none/tree")).unwrap();
    symlink("theirs", at("tree")).unwrap();
    remove_tree(&at("tree")).unwrap();
    assert!(at("theirs/a").is_dir() && fs::symlink_metadata(at("tree")).is_err());
    assert!(remove_tree(Path::new("/")).is_err());
}

#[test]
fn what_cannot_go_stays_and_is_named_and_the_rest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["tree/a", "tree/m/deep", "tree/z", "theirs"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    for name in ["tree/a/f", "tree/m/g", "tree/z/f", "theirs/file"] {
        fs::write(at(name), "").unwrap();
    }
    std::thread::scope(|scope| {
        let removes = || {
            if !crate::root::tests::mounted(&at("theirs"), &at("tree/m/deep")) {
                return;
            }
            let error = remove_tree(&at("tree")).unwrap_err();
            let path = at("tree/m/deep").canonicalize().unwrap();
            assert!(
                matches!(&error, FilesError::Mount(mount) if *mount == path),
                "{error:?}"
            );
            let left = Root::open(&at("tree")).unwrap();
            let left = left.walk(&Limits::default()).unwrap().entries;
            let left: Vec<_> = left.iter().map(|found| found.path.path()).collect();
            assert_eq!(left, [Path::new("m"), Path::new("m/deep")]);
        };
        scope.spawn(removes).join().unwrap();
    });
    assert!(at("theirs/file").exists());
}
