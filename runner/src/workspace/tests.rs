use super::temporary::{FRESH, KEPT, remove_abandoned_in};
use super::tree::{LIMIT_BYTES, Tree, UNFINISHED};
use super::*;
use crate::event::Written;
use crate::folders::Folders;
use crate::lesson::FileStep;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tutor_files::Below;

fn file(path: &str, content: &str) -> FileStep {
    FileStep {
        path: path.into(),
        language: "c".into(),
        content: content.into(),
        span: 0..0,
    }
}

/// A process that another test starts at this moment has our files until it is a program of its
/// own, and with them the lock of a workspace that was just given up.
fn lasting(home: &Path) -> Workspace {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Workspace::lasting(&Folders::below(home), "hello") {
            Err(WorkspaceError::Busy(_)) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// A step ends; what changed since the last look is of its time.
fn ran(workspace: &mut Workspace, step: &str) {
    workspace.look(&BTreeSet::from([step.to_owned()]));
}

/// The paths that are there.
fn left(tree: &Tree) -> Vec<PathBuf> {
    let seen = tree.sight().unwrap().seen;
    seen.keys().map(|path| path.path().to_owned()).collect()
}

fn below(path: impl AsRef<Path>) -> Below {
    Below::new(path).unwrap()
}

/// No step has run since the last look.
fn nothing_ran(workspace: &mut Workspace) {
    workspace.look(&BTreeSet::new());
}

/// All that begin and end a run in which the step `one` does that.
fn whole_run(home: &Path, one: impl FnOnce(&Path)) -> Vec<AsideFolder> {
    let mut workspace = lasting(home);
    workspace.begin().unwrap();
    workspace.write(&file("a.c", "lesson")).unwrap();
    nothing_ran(&mut workspace);
    one(workspace.files());
    ran(&mut workspace, "one");
    let left = workspace.settle(&|step| (step == "one").then_some(true));
    workspace.end().unwrap();
    left
}

#[test]
fn what_appears_while_no_step_runs_is_the_learners() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join("data/workspaces/hello");
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    fs::write(files.join("made"), "").unwrap();
    fs::write(files.join("edited"), "").unwrap();
    ran(&mut workspace, "one");
    fs::create_dir(files.join("own")).unwrap();
    fs::write(files.join("own/mine"), "").unwrap();
    fs::write(files.join("edited"), "mine").unwrap();
    nothing_ran(&mut workspace);
    ran(&mut workspace, "two");
    workspace.end().unwrap();
    drop(workspace);
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let left = left(&workspace.files);
    assert_eq!(left, ["edited", "own", "own/mine"].map(PathBuf::from));
}

#[test]
fn nobody_else_reaches_a_program_that_a_step_made() {
    let home = tempfile::tempdir().unwrap();
    let folders = ["data/workspaces", "state/workspaces"].map(|folder| home.path().join(folder));
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    lasting(home.path());
    for folder in &folders {
        assert_eq!(
            fs::metadata(folder).unwrap().permissions().mode() & 0o077,
            0
        );
    }
    let fresh = Workspace::fresh("hello", false).unwrap();
    assert_eq!(
        fs::metadata(fresh.files()).unwrap().permissions().mode() & 0o077,
        0
    );
}

#[test]
fn what_no_step_makes_again_is_kept_aside_and_the_rest_goes() {
    let home = tempfile::tempdir().unwrap();
    let workspaces = home.path().join("data/workspaces");
    let make = |files: &Path| {
        fs::create_dir_all(files.join("d")).unwrap();
        fs::write(files.join("d/made"), "").unwrap();
        fs::write(files.join("a.c"), "changed").unwrap();
    };
    let make_and_mine = |files: &Path| {
        make(files);
        fs::write(files.join("d/mine"), "mine").unwrap();
    };
    assert_eq!(whole_run(home.path(), make_and_mine), []);
    let left = whole_run(home.path(), make);
    let folder = workspaces.join("hello.old-1");
    let files = vec![PathBuf::from("d/mine")];
    assert_eq!(
        left,
        [AsideFolder {
            folder: folder.clone(),
            files
        }]
    );
    assert_eq!(fs::read_to_string(folder.join("d/mine")).unwrap(), "mine");
    assert!(!folder.join("d/made").exists() && !folder.join("a.c").exists());
    // It is told once, and nothing more piles up.
    assert_eq!(whole_run(home.path(), make), []);
    let mut names: Vec<_> = fs::read_dir(&workspaces).unwrap().flatten().collect();
    names.sort_by_key(|entry| entry.file_name());
    let names: Vec<_> = names.iter().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["hello", "hello.old-1"]);
}

#[test]
fn what_a_step_made_waits_for_that_step() {
    let home = tempfile::tempdir().unwrap();
    let make = |files: &Path| fs::write(files.join("made"), "").unwrap();
    whole_run(home.path(), make);
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let left = workspace.settle(&|_| Some(false));
    assert_eq!(left.len(), 1);
    workspace.end().unwrap();
    drop(workspace);
    assert_eq!(whole_run(home.path(), make), []);
    assert!(!left[0].folder.exists());
}

#[test]
fn a_file_of_the_lesson_that_a_step_changed_is_written_anew() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    workspace.write(&file("a.c", "lesson")).unwrap();
    fs::write(workspace.files().join("a.c"), "changed").unwrap();
    ran(&mut workspace, "one");
    let again = workspace.write(&file("a.c", "lesson")).unwrap();
    assert_eq!(again, Written::KeptChanged);
    workspace.end().unwrap();
    drop(workspace);
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let again = workspace.write(&file("a.c", "lesson")).unwrap();
    assert_eq!(again, Written::New);
}

#[test]
fn a_name_that_is_no_text_is_remembered() {
    let home = tempfile::tempdir().unwrap();
    let name = |byte| {
        use std::os::unix::ffi::OsStringExt;
        PathBuf::from(std::ffi::OsString::from_vec(vec![b'n', byte]))
    };
    let make = |files: &Path| {
        fs::create_dir(files.join(name(0xfe))).unwrap();
        fs::write(files.join(name(0xff)), "").unwrap();
    };
    whole_run(home.path(), make);
    let mut workspace = lasting(home.path());
    assert!(workspace.ledger.made.contains_key(&below(name(0xff))));
    workspace.begin().unwrap();
    assert_eq!(left(&workspace.files), [PathBuf::from("a.c")]);
    let works = Artifacts {
        files: BTreeMap::from([(below(name(0xff)), Artifact::File(0, 1))]),
        home: BTreeMap::new(),
    };
    let json = serde_json::to_vec(&works).unwrap();
    assert_eq!(
        serde_json::from_slice::<Artifacts<i32>>(&json).unwrap(),
        works
    );
}

#[test]
fn a_lesson_may_have_any_name() {
    for name in ["home", "state", "demo"] {
        let workspace = Workspace::fresh(name, false).unwrap();
        assert!(workspace.files().ends_with(name));
        assert!(workspace.home().ends_with(".home"));
        assert!(!workspace.home().starts_with(workspace.files()));
    }
}

#[test]
fn what_the_learner_edited_is_kept_and_what_the_lesson_changed_is_renewed() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    assert_eq!(
        workspace.write(&file("a.c", "one\n")).unwrap(),
        Written::New
    );
    assert_eq!(
        workspace.write(&file("a.c", "one\n")).unwrap(),
        Written::Unchanged
    );
    assert_eq!(
        workspace.write(&file("a.c", "two\n")).unwrap(),
        Written::Updated
    );
    fs::write(workspace.files().join("a.c"), "mine\n").unwrap();
    assert_eq!(
        workspace.write(&file("a.c", "three\n")).unwrap(),
        Written::KeptEdits
    );
    assert_eq!(
        fs::read_to_string(workspace.files().join("a.c")).unwrap(),
        "mine\n"
    );
}

#[test]
fn a_fifo_in_the_place_of_a_file_keeps_nobody_waiting() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    let path = workspace.files().join("a.c");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let written = workspace.write(&file("a.c", "one\n")).unwrap();
    assert_eq!(written, Written::KeptEdits);
}

#[test]
fn what_steps_made_goes_at_the_next_run_and_the_learners_own_files_stay() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    fs::write(workspace.files().join("notes"), "mine").unwrap();
    workspace.begin().unwrap();
    fs::write(workspace.files().join("made.o"), "object").unwrap();
    fs::write(workspace.files().join("made-and-edited"), "object").unwrap();
    ran(&mut workspace, "one");
    workspace.end().unwrap();
    drop(workspace);
    fs::write(
        home.path().join("data/workspaces/hello/made-and-edited"),
        "by the learner",
    )
    .unwrap();
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let left = left(&workspace.files);
    assert_eq!(
        left,
        [PathBuf::from("made-and-edited"), PathBuf::from("notes")]
    );
}

#[test]
fn a_run_that_goes_on_keeps_what_steps_made_and_claims_nothing_of_the_learners() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join("data/workspaces/hello");
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    fs::write(files.join("made.o"), "object").unwrap();
    ran(&mut workspace, "one");
    workspace.end().unwrap();
    drop(workspace);
    fs::write(files.join("notes"), "mine").unwrap();
    let mut workspace = lasting(home.path());
    workspace.go_on().unwrap();
    assert!(files.join("made.o").exists());
    workspace.end().unwrap();
    drop(workspace);
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let left = left(&workspace.files);
    assert_eq!(left, [PathBuf::from("notes")]);
}

#[test]
fn a_folder_that_steps_made_goes_when_nobody_has_anything_in_it() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join("data/workspaces/hello");
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    fs::create_dir_all(files.join("a/b")).unwrap();
    fs::create_dir(files.join("c")).unwrap();
    fs::write(files.join("a/b/made"), "").unwrap();
    fs::write(workspace.home().join("note"), "").unwrap();
    ran(&mut workspace, "one");
    workspace.end().unwrap();
    drop(workspace);
    fs::write(files.join("c/mine"), "").unwrap();
    fs::create_dir(files.join("empty")).unwrap();
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let left = left(&workspace.files);
    assert_eq!(left, ["c", "c/mine", "empty"].map(PathBuf::from));
    assert!(super::tests::left(&workspace.home).is_empty());
}

#[test]
fn what_steps_made_is_as_it_was_and_the_learners_own_stays() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let files = workspace.files().to_owned();
    let at = |name: &str| files.join(name);
    fs::create_dir_all(at("d/e")).unwrap();
    fs::write(at("d/e/f"), "1").unwrap();
    fs::set_permissions(at("d/e"), fs::Permissions::from_mode(0o500)).unwrap();
    std::os::unix::fs::symlink("d", at("l")).unwrap();
    fs::write(at("edited"), "1").unwrap();
    ran(&mut workspace, "one");
    let then = workspace.works(&ArtifactCache::default(), &mut |content| {
        Some(content.to_vec())
    });
    let then = then.unwrap().works;
    // Steps change it all, and make more.
    fs::set_permissions(at("d/e"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(at("d")).unwrap();
    fs::write(at("d"), "now a file").unwrap();
    fs::remove_file(at("l")).unwrap();
    fs::create_dir_all(at("l/deep")).unwrap();
    fs::create_dir_all(at("more/of")).unwrap();
    nix::unistd::mkfifo(&at("more/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(workspace.home().join("h"), "").unwrap();
    ran(&mut workspace, "one");
    workspace.end().unwrap();
    // And the learner puts something in, and edits something.
    fs::write(at("mine"), "1").unwrap();
    fs::write(at("more/mine"), "1").unwrap();
    fs::write(at("edited"), "other").unwrap();
    workspace.restore(&then, &|_, _| false).unwrap();
    let read = |name: &str| fs::read_to_string(at(name)).unwrap();
    assert_eq!(read("l/e/f"), "1");
    assert_eq!(read("edited"), "other");
    let mode = fs::metadata(at("d/e")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o500);
    let left = left(&workspace.files);
    let expected = [
        "d",
        "d/e",
        "d/e/f",
        "edited",
        "l",
        "mine",
        "more",
        "more/mine",
    ];
    assert_eq!(left, expected.map(PathBuf::from));
    assert!(super::tests::left(&workspace.home).is_empty());
    // What a step made at that path once is a step's, though nobody saw it end.
    fs::write(at("mine"), "known").unwrap();
    let known = Artifact::File(0, b"known".to_vec());
    let is_known = |path: &Below, made: &Artifact<Vec<u8>>| match (made, &known) {
        (Artifact::File(_, made), Artifact::File(_, known)) => {
            path.name() == "mine" && made == known
        }
        _ => false,
    };
    workspace.restore(&then, &is_known).unwrap();
    assert!(!at("mine").exists());
    fs::set_permissions(at("d/e"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn too_much_and_what_is_no_file_is_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    workspace.begin().unwrap();
    let is_kept = |workspace: &mut Workspace| {
        ran(workspace, "one");
        let kept = workspace.works(&ArtifactCache::default(), &mut |_: &[u8]| Some(()));
        kept.is_some()
    };
    let large = File::create(workspace.files().join("large")).unwrap();
    large.set_len(LIMIT_BYTES).unwrap();
    assert!(is_kept(&mut workspace));
    fs::write(workspace.home().join("one"), "1").unwrap();
    assert!(!is_kept(&mut workspace));
    large.set_len(0).unwrap();
    let fifo = workspace.files().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(!is_kept(&mut workspace));
}

#[test]
fn what_was_being_written_when_a_tutor_was_killed_goes() {
    let home = tempfile::tempdir().unwrap();
    let files = lasting(home.path()).files().to_owned();
    fs::create_dir(files.join("sub")).unwrap();
    for prefix in UNFINISHED {
        fs::write(files.join(format!("sub/{prefix}x")), "half").unwrap();
    }
    fs::write(files.join("sub/mine"), "").unwrap();
    let left = left(&lasting(home.path()).files);
    assert_eq!(left, ["sub", "sub/mine"].map(PathBuf::from));
}

#[test]
fn folders_of_processes_that_are_gone_are_removed_and_no_others() {
    let place = tempfile::tempdir().unwrap();
    let ended = std::process::Command::new("true").spawn().unwrap();
    let gone = ended.id();
    ended.wait_with_output().unwrap();
    let here = std::process::id();
    let mut names = vec![
        format!("{FRESH}{gone}-locked"),
        format!("{FRESH}{here}-ours"),
        format!("{FRESH}{gone}"),
        format!("{KEPT}{gone}-x"),
        "somebody's".to_owned(),
    ];
    let abandoned = place.path().join(format!("{FRESH}{gone}-abandoned"));
    fs::create_dir_all(abandoned.join("hello/sub")).unwrap();
    for name in &names {
        fs::create_dir(place.path().join(name)).unwrap();
    }
    let lock = File::open(place.path().join(&names[0])).unwrap();
    lock.try_lock_shared().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let link = format!("{FRESH}{gone}-link");
    std::os::unix::fs::symlink(outside.path(), place.path().join(&link)).unwrap();
    names.push(link);
    remove_abandoned_in(place.path());
    let left = fs::read_dir(place.path()).unwrap().flatten();
    let mut left: Vec<String> = left
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    names.sort();
    assert_eq!(left, names);
    assert!(outside.path().exists());
}

#[test]
fn two_runs_at_once_in_one_workspace_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let _first = lasting(home.path());
    let second = Workspace::lasting(&Folders::below(home.path()), "hello");
    assert!(matches!(second, Err(WorkspaceError::Busy(_))));
}

#[test]
fn a_link_that_a_step_made_does_not_lead_a_file_out() {
    let home = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut workspace = lasting(home.path());
    std::os::unix::fs::symlink(outside.path(), workspace.files().join("sub")).unwrap();
    let result = workspace.write(&file("sub/a.c", "text"));
    assert!(matches!(result, Err(WorkspaceError::InTheWay { .. })));
    assert!(!outside.path().join("a.c").exists());
}
