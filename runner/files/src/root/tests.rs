//! What a root keeps to, by either way of going paths.

use super::*;
use crate::error::Limit;
use crate::found::{Closed, Mounts};
use crate::found::{Limits, Listing};
use crate::place::Over;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

/// A folder with another one beside it, which nothing may reach.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/theirs"), "theirs").unwrap();
        Place { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("root").join(name)
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    /// By either way.
    fn roots(&self) -> [Root; 2] {
        let open = || Root::open(&self.at("")).unwrap();
        [open(), open().stepwise()]
    }

    fn nothing_happened_outside(&self) {
        let names = fs::read_dir(self.outside()).unwrap();
        assert_eq!(names.count(), 1);
        let theirs = fs::read_to_string(self.outside().join("theirs"));
        assert_eq!(theirs.unwrap(), "theirs");
    }
}

fn below(path: &str) -> Below {
    Below::new(path).unwrap()
}

fn paths(listing: &Listing) -> Vec<String> {
    let paths = listing.entries.iter();
    let mut paths: Vec<_> = paths
        .map(|found| found.path.path().display().to_string())
        .collect();
    paths.sort();
    paths
}

#[test]
fn this_kernel_goes_paths_by_itself_or_says_that_it_cannot() {
    let place = Place::new();
    let [root, stepwise] = place.roots();
    if root.way == Way::Stepwise {
        println!("skipped: no openat2 here, paths are gone name by name only");
    }
    assert_eq!(stepwise.way, Way::Stepwise);
}

#[test]
fn nothing_is_read_made_moved_or_removed_behind_a_link() {
    let place = Place::new();
    symlink(place.outside(), place.at("link")).unwrap();
    symlink("../outside", place.at("relative")).unwrap();
    symlink(place.outside().join("theirs"), place.at("file")).unwrap();
    fs::create_dir(place.at("own")).unwrap();
    fs::write(place.at("own/x"), "x").unwrap();
    for root in place.roots() {
        for link in ["link", "relative"] {
            let theirs = below(&format!("{link}/theirs"));
            let new = below(&format!("{link}/new"));
            let deep = below(&format!("{link}/a/b/new"));
            let tree = below(link).join(OsStr::new("theirs")).unwrap();
            let told = [
                root.look(&theirs).unwrap_err(),
                root.read(&theirs, 100).unwrap_err(),
                root.write(&new, b"", 0o644, Over::Nothing).unwrap_err(),
                root.write(&theirs, b"", 0o644, Over::Anything).unwrap_err(),
                root.link(&new, Path::new("x"), Over::Nothing).unwrap_err(),
                root.make_folder(&new, 0o755).unwrap_err(),
                root.make_parents(&deep).unwrap_err(),
                root.set_mode(&theirs, 0o777).unwrap_err(),
                root.remove(&theirs, Over::Anything).unwrap_err(),
                root.remove_folder(&theirs).unwrap_err(),
                root.remove_tree(&tree).unwrap_err(),
                root.rename(&theirs, &root, &below("own/y")).unwrap_err(),
                root.rename(&below("own/x"), &root, &new).unwrap_err(),
                root.below(&below(link)).unwrap_err(),
            ];
            for error in told {
                assert!(matches!(error, FilesError::Behind(_)), "{error:?}");
            }
        }
        // The link itself is looked at, and neither read nor given permissions.
        let link = root.look(&below("file")).unwrap().unwrap();
        assert!(matches!(link.kind, Kind::Link { .. }));
        assert!(root.read(&below("file"), 100).is_err());
        assert!(root.set_mode(&below("file"), 0o777).is_err());
        let error = root.make_folder(&below("link"), 0o755).unwrap_err();
        assert!(matches!(error, FilesError::Changed(_)), "{error:?}");
        let listed = paths(&root.walk(&Limits::default()).unwrap());
        assert_eq!(listed, ["file", "link", "own", "own/x", "relative"]);
        place.nothing_happened_outside();
    }
}

#[test]
fn a_link_in_its_place_is_replaced_and_what_it_leads_to_stays() {
    let place = Place::new();
    for root in place.roots() {
        symlink(place.outside().join("theirs"), place.at("file")).unwrap();
        root.write(&below("file"), b"ours", 0o644, Over::Anything)
            .unwrap();
        assert_eq!(root.read(&below("file"), 4).unwrap(), b"ours");
        fs::remove_file(place.at("file")).unwrap();
        symlink(place.outside(), place.at("tree")).unwrap();
        root.remove_tree(&below("tree")).unwrap();
        assert!(root.look(&below("tree")).unwrap().is_none());
        place.nothing_happened_outside();
    }
}

#[test]
fn a_root_is_the_folder_that_was_opened_and_no_link() {
    let place = Place::new();
    symlink(place.at(""), place.folder.path().join("to root")).unwrap();
    let through = Root::open(&place.folder.path().join("to root"));
    assert!(matches!(through.unwrap_err(), FilesError::Replaced(_)));
    for root in place.roots() {
        let moved = place.folder.path().join("moved");
        root.check().unwrap();
        fs::rename(place.at(""), &moved).unwrap();
        assert!(matches!(root.check(), Err(FilesError::Replaced(_))));
        symlink(place.outside(), place.folder.path().join("root")).unwrap();
        let error = root.check().unwrap_err().to_string();
        assert!(error.contains("is not the folder that it was"), "{error}");
        // It is the old one still.
        root.write(&below("file"), b"", 0o644, Over::Anything)
            .unwrap();
        assert!(moved.join("file").exists());
        place.nothing_happened_outside();
        fs::remove_file(place.folder.path().join("root")).unwrap();
        fs::create_dir(place.at("")).unwrap();
        assert!(matches!(root.check(), Err(FilesError::Replaced(_))));
        fs::remove_dir(place.at("")).unwrap();
        fs::rename(&moved, place.at("")).unwrap();
        root.check().unwrap();
    }
}

#[test]
fn names_of_any_bytes_are_found_and_written() {
    let place = Place::new();
    let odd = Below::new(OsStr::from_bytes(b"d\xff/r\xe9sum\xe9")).unwrap();
    for root in place.roots() {
        root.make_parents(&odd).unwrap();
        root.write(&odd, b"text", 0o644, Over::Anything).unwrap();
        let listing = root.walk(&Limits::default()).unwrap();
        assert!(listing.entries.iter().any(|found| found.path == odd));
        assert_eq!(root.read(&odd, 4).unwrap(), b"text");
    }
}

#[test]
fn what_is_no_plain_file_is_not_read_and_keeps_nobody_waiting() {
    let place = Place::new();
    nix::unistd::mkfifo(&place.at("pipe"), Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.at("socket")).unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("file"), "12345").unwrap();
    for root in place.roots() {
        for name in ["pipe", "socket"] {
            let error = root.read(&below(name), 100).unwrap_err();
            assert!(matches!(error, FilesError::NotRegular(_)), "{error:?}");
            let found = root.look(&below(name)).unwrap().unwrap();
            assert_eq!(found.kind, Kind::Other);
        }
        assert!(root.read(&below("folder"), 100).is_err());
        assert!(root.read(&below("file"), 4).is_err());
        assert_eq!(root.read(&below("file"), 5).unwrap(), b"12345");
        let missing = root.read(&below("none"), 5).unwrap_err();
        assert!(missing.is_missing());
    }
    assert!(read_regular(Path::new("/dev/zero"), 100).is_err());
    assert!(read_regular(&place.at("pipe"), 100).is_err());
    // A link of our own is followed.
    symlink("file", place.at("link")).unwrap();
    assert_eq!(read_regular(&place.at("link"), 5).unwrap(), b"12345");
}

#[test]
fn each_limit_says_that_it_was_reached() {
    let place = Place::new();
    fs::create_dir_all(place.at("a/b/c")).unwrap();
    fs::write(place.at("a/file"), "12345").unwrap();
    let all = Limits::default();
    let told = |limits: Limits| {
        let [root, _] = place.roots();
        match root.walk(&limits) {
            Err(FilesError::Limit { path, limit }) => {
                assert_eq!(path, place.at(""));
                Some(limit)
            }
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    assert_eq!(
        told(Limits {
            entries: 4,
            ..all.clone()
        }),
        None
    );
    assert_eq!(
        told(Limits {
            entries: 3,
            ..all.clone()
        }),
        Some(Limit::Entries(3))
    );
    assert_eq!(
        told(Limits {
            depth: 3,
            ..all.clone()
        }),
        None
    );
    assert_eq!(
        told(Limits {
            depth: 2,
            ..all.clone()
        }),
        Some(Limit::Depth(2))
    );
    assert_eq!(
        told(Limits {
            bytes: 5,
            ..all.clone()
        }),
        None
    );
    assert_eq!(
        told(Limits {
            bytes: 4,
            ..all.clone()
        }),
        Some(Limit::Bytes(4))
    );
    assert_eq!(
        told(Limits {
            path_bytes: 14,
            ..all.clone()
        }),
        Some(Limit::PathBytes(14))
    );
    let time = Duration::ZERO;
    assert_eq!(told(Limits { time, ..all }), Some(Limit::Time(time)));
}

#[test]
fn a_closed_folder_is_named_or_opened() {
    let place = Place::new();
    let shut = || {
        fs::create_dir_all(place.at("z")).unwrap();
        fs::set_permissions(place.at("z"), Permissions::from_mode(0o700)).unwrap();
        fs::write(place.at("z/f"), "x").unwrap();
        fs::set_permissions(place.at("z"), Permissions::from_mode(0o000)).unwrap();
    };
    shut();
    let is_root = fs::read_dir(place.at("z")).is_ok();
    for root in place.roots() {
        shut();
        let listing = root.walk(&Limits::default()).unwrap();
        match is_root {
            true => println!("skipped: nothing is closed to root"),
            false => {
                assert_eq!(paths(&listing), ["z"]);
                assert_eq!(listing.closed, [below("z")]);
                // Names may be read, and nothing else.
                fs::set_permissions(place.at("z"), Permissions::from_mode(0o400)).unwrap();
                let listing = root.walk(&Limits::default()).unwrap();
                assert_eq!(paths(&listing), ["z"]);
                assert_eq!(listing.closed, [below("z")]);
            }
        }
        shut();
        let limits = Limits {
            closed: Closed::OpenUp,
            ..Limits::default()
        };
        let listing = root.walk(&limits).unwrap();
        assert_eq!(paths(&listing), ["z", "z/f"]);
        assert_eq!(listing.closed, []);
        // The root itself, too.
        fs::set_permissions(place.at(""), Permissions::from_mode(0o000)).unwrap();
        assert_eq!(paths(&root.walk(&limits).unwrap()), ["z", "z/f"]);
    }
}

#[test]
fn a_thousand_levels_cost_neither_descriptors_nor_stack() {
    let place = Place::new();
    for (root, levels) in place.roots().into_iter().zip([1100, 250]) {
        // Longer than any path that a system call takes.
        let mut at = root.folder.try_clone().unwrap();
        let name = "n".repeat(20);
        for _ in 0..levels {
            nix::sys::stat::mkdirat(&at, name.as_str(), Mode::S_IRWXU).unwrap();
            let file = OFlag::O_CREAT | OFlag::O_WRONLY;
            openat(&at, "file", file, Mode::S_IRUSR).unwrap();
            at = openat(&at, name.as_str(), PASS, Mode::empty()).unwrap();
        }
        let listing = root.walk(&Limits::default()).unwrap();
        assert_eq!(listing.entries.len(), 2 * levels);
        let deepest = listing
            .entries
            .iter()
            .max_by_key(|found| found.path.depth());
        let deepest = deepest.unwrap();
        assert!(deepest.path.path().as_os_str().len() > way::PATH_BYTES);
        assert!(root.look(&deepest.path).unwrap().is_some());
        root.remove_tree(&below(&name)).unwrap();
        assert_eq!(paths(&root.walk(&Limits::default()).unwrap()), ["file"]);
        fs::remove_file(place.at("file")).unwrap();
    }
}

#[test]
fn a_change_right_after_a_listing_shows_in_the_next() {
    let place = Place::new();
    let [root, _] = place.roots();
    let list = || root.settled(&Limits::default()).unwrap().entries.remove(0);
    for number in 0..50u8 {
        fs::write(place.at("file"), [number]).unwrap();
        let before = list();
        fs::write(place.at("file"), [number + 1]).unwrap();
        let after = list();
        assert!(
            before.fresh || before.stamp != after.stamp,
            "{before:?} {after:?}"
        );
    }
}

/// Mounts one folder at another, in mounts that only this thread sees; false where that is forbidden.
pub(crate) fn mounted(from: &Path, to: &Path) -> bool {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    let none: Option<&str> = None;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let done = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(none, "/", none, private, none))
        .and_then(|()| mount(Some(from), to, none, MsFlags::MS_BIND, none));
    if let Err(error) = &done {
        println!("skipped: no mounts of its own for this test: {error}");
    }
    done.is_ok()
}

#[test]
fn a_mount_is_named_and_only_looked_into_if_asked() {
    let place = Place::new();
    fs::create_dir(place.at("m")).unwrap();
    // The mount is of the same file system, and has no other device number.
    std::thread::scope(|scope| {
        let looks = || {
            if !mounted(&place.outside(), &place.at("m")) {
                return;
            }
            for root in place.roots() {
                let listing = root.walk(&Limits::default()).unwrap();
                assert_eq!(paths(&listing), ["m"]);
                assert_eq!(listing.mounts, [below("m")]);
                let limits = Limits {
                    mounts: Mounts::Enter,
                    ..Limits::default()
                };
                assert_eq!(paths(&root.walk(&limits).unwrap()), ["m", "m/theirs"]);
                let told = [
                    root.remove(&below("m/theirs"), Over::Anything).unwrap_err(),
                    root.remove_folder(&below("m")).unwrap_err(),
                    root.remove_tree(&below("m")).unwrap_err(),
                    root.remove_tree(&below("m/theirs")).unwrap_err(),
                    root.rename(&below("m/theirs"), &root, &below("x"))
                        .unwrap_err(),
                ];
                for error in told {
                    assert!(matches!(error, FilesError::Mount(_)), "{error:?}");
                }
                place.nothing_happened_outside();
            }
            // Over the root itself.
            let [root, _] = place.roots();
            root.check().unwrap();
            if mounted(&place.outside(), &place.at("")) {
                assert!(matches!(root.check(), Err(FilesError::Replaced(_))));
            }
        };
        scope.spawn(looks).join().unwrap();
    });
    place.nothing_happened_outside();
}
