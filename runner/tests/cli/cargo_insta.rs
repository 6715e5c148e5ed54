//! Our snapshots under cargo-insta: it shows and accepts what waits, and deletes nothing of ours.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tutor::lesson::Place;
use tutor::normalize::{Masks, StepFolders};
use tutor::snapshot::{
    CheckClaim, HeldCheck, Made, Recorded, SnapshotName, pending, register_references, write_new,
};
use tutor::transcript::{self, Capture};

/// By this variable the throw-away package's test finds this binary.
const THIS_TEST: &str = "TUTOR_INSTA_TEST";
/// By this one, [`registers_when_asked`] finds the snapshots.
const SNAPSHOTS: &str = "TUTOR_INSTA_SNAPSHOTS";

/// A package with nothing in it but a folder of snapshots and one test, which has this binary
/// register them as `cargo test` does in the real one.
fn package() -> TempDir {
    let package = tempfile::tempdir().expect("a folder");
    let manifest = "[package]\nname = \"throw-away\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
        [lib]\npath = \"lib.rs\"\n[workspace]\n";
    let test = format!(
        "#[test]\nfn registers() {{\n    \
         let Ok(test) = std::env::var(\"{THIS_TEST}\") else {{ return }};\n    \
         let status = std::process::Command::new(test)\n        \
         .args([\"--ignored\", \"--exact\", \"cargo_insta::registers_when_asked\"]).status().unwrap();\n    \
         assert!(status.success());\n}}\n"
    );
    fs::write(package.path().join("Cargo.toml"), manifest).expect("writable");
    fs::write(package.path().join("lib.rs"), test).expect("writable");
    package
}

/// Runs `cargo insta` in the package; `None`, with a line that says so, where it is not installed.
fn cargo_insta(package: &Path, arguments: &[&str]) -> Option<Output> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let insta = || {
        let mut insta = Command::new(&cargo);
        insta
            .arg("insta")
            .current_dir(package)
            .env("CARGO_TARGET_DIR", package.join("target"))
            .env("NO_COLOR", "1")
            .env(SNAPSHOTS, package.join("snapshots"))
            .envs(std::env::current_exe().map(|this| (THIS_TEST, this)))
            .env_remove("CI")
            .env_remove("INSTA_UPDATE")
            .env_remove("INSTA_WORKSPACE_ROOT");
        insta
    };
    let version = insta().arg("--version").output();
    if !version.is_ok_and(|version| version.status.success()) {
        // Past the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: `cargo insta` is not installed; `cargo install cargo-insta` brings it"
        );
        return None;
    }
    let output = insta().args(arguments).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo insta {arguments:?}: {said}");
    Some(output)
}

fn recorded(step: &str, stdout: &str) -> Recorded {
    let masks = Masks::of(&[], &StepFolders::default()).expect("no mask is asked for");
    let output = transcript::Output {
        stdout: Capture::from(stdout.as_bytes()),
        stderr: Capture::from(b"warning: \xff\n".as_slice()),
    };
    let size = HeldCheck {
        script: "# Lines: two\nstat -c %s hello.o".to_owned(),
        claim: CheckClaim {
            key: "range",
            wanted: "1..104".to_owned(),
        },
        value: "104".to_owned(),
    };
    Recorded {
        name: SnapshotName::base("hello", step),
        text: masks.stabilize(&output),
        exit: "0".to_owned(),
        command: "clang -O2 hello.bpf.c\nls -l \"$PWD\"\n"
            .trim_end()
            .to_owned(),
        made: Some(Made {
            on: Place::Kernel,
            mask: "pid,port,time".to_owned(),
            own_masks: BTreeMap::from([("port".to_owned(), "fedcba9876543210".to_owned())]),
            above: BTreeMap::from([("hello.bpf.c".to_owned(), "0123456789abcdef".to_owned())]),
            checks: BTreeMap::from([("size".to_owned(), size)]),
        }),
        environment: BTreeMap::from([("clang".to_owned(), "14".to_owned())]),
        versions: BTreeMap::from([("kernel".to_owned(), "6.12.57+deb13-amd64".to_owned())]),
        recorded: Some("2026-11-23".to_owned()),
        after_failure: Some("server".to_owned()),
    }
}

#[test]
fn what_waits_is_shown_and_accepted_byte_for_byte() {
    let package = package();
    let snapshots = package.path().join("snapshots");
    let path = write_new(&snapshots, &recorded("build", "\nhello.o  \r\n")).expect("writable");
    let ours = fs::read_to_string(&path).expect("readable");

    let Some(list) = cargo_insta(package.path(), &["pending-snapshots"]) else {
        return;
    };
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("snapshots/hello/build.snap"), "{list}");
    let path = path.display().to_string();
    let shown = cargo_insta(package.path(), &["show", &path]).expect("installed");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("hello.o"), "{shown}");

    cargo_insta(package.path(), &["accept"]).expect("installed");
    let accepted = fs::read_to_string(snapshots.join("hello/build.snap")).expect("accepted");
    assert_eq!(accepted, ours);
    assert!(pending(&snapshots).expect("readable").is_empty());
}

/// It asks at a terminal and hears keys: script(1) gives it one.
#[test]
fn what_waits_is_accepted_and_skipped_in_review() {
    let package = package();
    let snapshots = package.path().join("snapshots");
    for step in ["build", "run"] {
        write_new(&snapshots, &recorded(step, "a\n")).expect("writable");
    }
    if cargo_insta(package.path(), &["pending-snapshots"]).is_none() {
        return;
    }
    if Command::new("script").arg("--version").output().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: `script` of util-linux is not installed"
        );
        return;
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut review = Command::new("script")
        .args(["-qec", &format!("'{cargo}' insta review"), "/dev/null"])
        .current_dir(package.path())
        .env("CARGO_TARGET_DIR", package.path().join("target"))
        .env("TERM", "xterm")
        .env_remove("CI")
        .env_remove("INSTA_UPDATE")
        .env_remove("INSTA_WORKSPACE_ROOT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut keys = review.stdin.take().expect("a pipe");
    let mut shown = String::new();
    let mut screen = review.stdout.take().expect("a pipe");
    // A key that comes before its question would be lost.
    for (question, key) in [(1, "a"), (2, "s")] {
        // The last line of each question's choices but for those that toggle.
        let asked = |shown: &str| shown.matches("keep both for now").count() >= question;
        let mut piece = [0; 4096];
        while !asked(&shown) {
            let count = screen.read(&mut piece).expect("readable");
            assert!(count > 0, "it ended early: {shown}");
            shown.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        keys.write_all(key.as_bytes()).expect("writable");
    }
    screen.read_to_string(&mut shown).expect("readable");
    assert!(review.wait().expect("it ends").success(), "{shown}");
    assert!(shown.contains("clang -O2 hello.bpf.c"), "{shown}");
    let accepted = snapshots.join("hello/build.snap").exists();
    let waiting = pending(&snapshots).expect("readable").len();
    assert_eq!((accepted, waiting), (true, 1), "{shown}");
}

#[test]
fn what_waits_is_rejected() {
    let package = package();
    let snapshots = package.path().join("snapshots");
    write_new(&snapshots, &recorded("build", "a\n")).expect("writable");
    if cargo_insta(package.path(), &["reject"]).is_some() {
        assert!(pending(&snapshots).expect("readable").is_empty());
        assert!(!snapshots.join("hello/build.snap").exists());
    }
}

#[test]
fn deleting_the_unreferenced_leaves_registered_snapshots_alone() {
    let package = package();
    let snapshots = package.path().join("snapshots");
    for root in ["snapshots", "elsewhere"] {
        let root = package.path().join(root);
        write_new(&root, &recorded("build", "a\n")).expect("writable");
        for one in pending(&root).expect("readable") {
            one.accept(None).expect("acceptable");
            // Older versions of cargo-insta delete any `.snap`, later ones only such as name a
            // Rust source. Ours do not, but the list must hold without that.
            let snapshot = fs::read_to_string(one.file()).expect("readable");
            let sourced = snapshot.replacen("---\n", "---\nsource: lib.rs\n", 1);
            fs::write(one.file(), sourced).expect("writable");
        }
    }
    let delete = ["test", "--unreferenced=delete"];
    let Some(output) = cargo_insta(package.path(), &delete) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(snapshots.join("hello/build.snap").exists(), "{said}");
    let unregistered = package.path().join("elsewhere/hello/build.snap");
    assert!(
        !unregistered.exists(),
        "what is not registered goes: {said}"
    );
}

/// Run by the throw-away package's test, within `cargo insta test`.
#[test]
#[ignore = "only with the variables that the test above sets"]
fn registers_when_asked() {
    if let Some(snapshots) = std::env::var_os(SNAPSHOTS) {
        register_references(Path::new(&snapshots)).expect("registered");
    }
}
