//! Files that go to a guest and back.

use crate::shell::{Shell, lab};
use crate::support::PATIENCE;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use tutor::backend::{Happening, Mode, Status};
use tutor::event::{KeptYours, OfLab};

#[test]
fn files_go_to_and_fro_with_their_permissions() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::write(folder.join("script"), "#!/bin/sh\necho ran\n").unwrap();
        fs::set_permissions(folder.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/old"), "1").unwrap();
        symlink("sub/old", folder.join("link")).unwrap();
    });
    assert_eq!(
        shell.prints("./script; readlink link; cat link"),
        "ran\nsub/old\n1"
    );
    shell.prints("rm -r sub; printf '#!/bin/sh\\necho made' >made; chmod 700 made; mkdir -p a/b; echo deep >a/b/c; ln -s a other");
    assert!(!shell.at("sub").exists());
    assert_eq!(fs::read(shell.at("a/b/c")).unwrap(), b"deep\n");
    assert_eq!(fs::read_link(shell.at("other")).unwrap(), Path::new("a"));
    let mode = fs::metadata(shell.at("made")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    fs::remove_dir_all(shell.at("a")).unwrap();
    fs::write(shell.at("made"), "#!/bin/sh\necho edited").unwrap();
    assert_eq!(
        shell.prints("ls; ./made"),
        "link\nmade\nother\nscript\nedited\n"
    );
}

#[test]
fn a_file_of_the_same_size_that_changed_at_once_is_seen_by_the_other_side() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    for number in 0..10 {
        fs::write(shell.at("file"), format!("h{number}")).unwrap();
        assert_eq!(shell.prints("cat file"), format!("h{number}"));
        shell.prints(&format!("printf g{number} >file"));
        assert_eq!(
            fs::read_to_string(shell.at("file")).unwrap(),
            format!("g{number}")
        );
    }
}

#[test]
fn an_edit_on_the_host_outlives_what_a_step_wrote_meanwhile() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open_with(&lab, |folder| fs::write(folder.join("file"), "1").unwrap());
    let id = shell.begin(
        Mode::Step,
        "echo guest >file; until [ -e /tmp/go ]; do sleep 0.01; done",
    );
    fs::write(shell.at("file"), "the learner's").unwrap();
    let go = shell.begin(Mode::Aside, ": >/tmp/go");
    let (mut ended, mut kept) = (Vec::new(), Vec::new());
    while ended.len() < 2 {
        match shell.session.next(PATIENCE).unwrap() {
            Some(Happening::Ended { id, .. }) => ended.push(id),
            Some(Happening::KeptYours(one)) => kept.push(one),
            Some(_) | None => {}
        }
    }
    assert!(ended.contains(&id) && ended.contains(&go));
    let beside = OfLab::Kept("file.from-lab".into());
    let expected = KeptYours {
        path: "file".into(),
        of_lab: beside,
    };
    assert_eq!(kept, [expected]);
    let of_lab = fs::read_to_string(shell.at("file.from-lab"));
    assert_eq!(of_lab.unwrap(), "guest\n");
    assert_eq!(
        fs::read_to_string(shell.at("file")).unwrap(),
        "the learner's"
    );
    assert_eq!(shell.prints("cat file"), "the learner's");
}

#[test]
fn what_a_learner_saves_in_a_folder_that_a_step_removes_is_not_lost() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::create_dir(folder.join("d")).unwrap();
        fs::write(folder.join("d/old"), "1").unwrap();
    });
    let step = "rm -r d; echo guest >d; until [ -e /tmp/go ]; do sleep 0.01; done";
    let id = shell.begin(Mode::Step, step);
    fs::write(shell.at("d/notes.txt"), "the learner's").unwrap();
    shell.begin(Mode::Aside, ": >/tmp/go");
    shell.end_of(id).unwrap();
    let notes = fs::read_to_string(shell.at("d/notes.txt"));
    assert_eq!(notes.unwrap(), "the learner's");
    assert_eq!(
        fs::read_to_string(shell.at("d.from-lab")).unwrap(),
        "guest\n"
    );
    assert_eq!(shell.prints("cat d/*"), "the learner's");
}

#[test]
fn names_that_are_no_utf_8_go_to_and_fro() {
    let Some(lab) = lab() else { return };
    let name = |name: &[u8]| OsStr::from_bytes(name).to_owned();
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::create_dir(folder.join("d")).unwrap();
        fs::write(folder.join(name(b"d/r\xe9sum\xe9")), "mine").unwrap();
    });
    let said = shell.prints(r"cat $'d/r\xe9sum\xe9'; echo lab >$'d/\xff'");
    assert_eq!(said, "mine");
    let folder = shell.at("d");
    assert_eq!(fs::read(folder.join(name(b"\xff"))).unwrap(), b"lab\n");
    shell.prints("rm -r d; echo >d");
    assert_eq!(fs::read(folder).unwrap(), b"\n");
}

#[test]
fn a_folder_that_nobody_may_enter_keeps_no_later_step_from_running() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    shell.prints("mkdir -m 000 z; echo x >z/f; chmod 000 z/f");
    let said = shell.prints("stat -c '%a %n' z z/f; cat z/f");
    assert_eq!(said, "0 z\n0 z/f\nx\n", "as the step made it");
    // The learner may read it and remove it.
    let mode = |name: &str| {
        let there = fs::metadata(shell.at(name)).unwrap();
        there.permissions().mode() & 0o7777
    };
    assert_eq!((mode("z"), mode("z/f")), (0o700, 0o400));
    shell.prints("rm -r z");
    assert!(!shell.at("z").exists());
}

#[test]
fn a_program_brings_the_libraries_that_the_guest_lacks() {
    let Some(lab) = lab() else { return };
    let program = Path::new("/usr/bin/openssl");
    let program = if program.exists() {
        program
    } else {
        Path::new("/usr/bin/curl")
    };
    if !program.exists() {
        println!("skipped: a_program_brings_the_libraries_that_the_guest_lacks: no such program");
        return;
    }
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::copy(program, folder.join("program")).unwrap();
    });
    let (status, said) = shell
        .run("./program version || ./program --version")
        .unwrap();
    assert_eq!(status, Status::Exited(0), "{said}");
}

#[test]
fn too_large_a_workspace_is_refused_by_name() {
    let Some(lab) = lab() else { return };
    let mut shell = Shell::open(&lab);
    let large = fs::File::create(shell.at("large")).unwrap();
    large.set_len(200_000_000).unwrap();
    let error = shell
        .session
        .run(1, Mode::Step, "true")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("holds 200 MB, of which `large` has 200 MB, and the lab takes 100 MB"),
        "{error}"
    );
}
