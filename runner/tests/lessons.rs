//! Every lesson of the course, run by the program itself and compared with its accepted outputs.
//!
//! Kernel steps run in the lab; they load programs into this machine's kernel only where that is
//! asked for by `TUTOR_TEST_ON=host`; `TUTOR_STRICT=1` makes an output fail that differs only because the
//! environment does. What did not run is printed and counted.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tutor::folders::Folders;

fn lesson(stem: &str) {
    let home = tempfile::tempdir().unwrap();
    // The lab's kernel and saved states are the user's own: they can be made again, and take a while.
    let cache = Folders::of_user().unwrap().cache;
    std::fs::create_dir_all(&cache).unwrap();
    std::os::unix::fs::symlink(cache, home.path().join("cache")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
    command
        .args([
            "test",
            stem,
            "--yes",
            "--format",
            "json",
            "--course",
            env!("CARGO_MANIFEST_DIR"),
        ])
        .env("TUTOR_HOME", home.path());
    if let Ok(place) = std::env::var("TUTOR_TEST_ON") {
        command.args(["--on", &place]);
    }
    if std::env::var_os("TUTOR_STRICT").is_some() {
        command.arg("--strict");
    }
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let items = report["lessons"][0]["items"].as_array().unwrap();
    for item in items {
        let verdict = item["verdict"].as_str().unwrap();
        if matches!(verdict, "skipped" | "differs here") {
            let reason = item["reason"].as_str().unwrap_or("the environment differs");
            println!(
                "skipped: {stem}, {} {}: {verdict}: {reason}",
                item["kind"].as_str().unwrap(),
                item["name"]
            );
        }
    }
    let ran = items
        .iter()
        .filter(|item| item["verdict"] != "skipped")
        .count();
    assert!(ran > 0, "no step of {stem} ran");
    if !output.status.success() {
        let bad = |item: &&Value| {
            !matches!(
                item["verdict"].as_str(),
                Some("passed" | "shown" | "solved" | "skipped")
            )
        };
        let bad: Vec<String> = items
            .iter()
            .filter(bad)
            .map(|item| format!("{item:#}"))
            .collect();
        panic!(
            "{stem} is not as recorded ({}); see `tutor review`:\n{}",
            output.status,
            bad.join("\n")
        );
    }
}

#[test]
fn lesson_1_is_as_recorded() {
    lesson("lesson-1");
}

#[test]
fn lesson_2_is_as_recorded() {
    lesson("lesson-2");
}

#[test]
fn lesson_3_is_as_recorded() {
    lesson("lesson-3");
}

#[test]
fn lesson_4_is_as_recorded() {
    lesson("lesson-4");
}

#[test]
fn lesson_5_is_as_recorded() {
    lesson("lesson-5");
}

#[test]
fn lesson_6_is_as_recorded() {
    lesson("lesson-6");
}

#[test]
fn lesson_7_is_as_recorded() {
    lesson("lesson-7");
}

#[test]
fn environment_is_as_recorded() {
    lesson("environment");
}

#[test]
fn the_texts_are_sound_and_translations_are_current() {
    let course = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
    command.args(["check", "--strict", "--deny", "stale", "--course", course]);
    let home = tempfile::tempdir().unwrap();
    let output = command.env("TUTOR_HOME", home.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

#[test]
fn every_lesson_has_a_test_here() {
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons/course.toml"))
            .unwrap();
    let here = include_str!("lessons.rs");
    let list = manifest
        .lines()
        .find(|line| line.starts_with("lessons = "))
        .unwrap();
    for stem in list.split('"').filter(|word| word.starts_with("lesson-")) {
        assert!(
            here.contains(&format!("lesson(\"{stem}\")")),
            "{stem} is not tested"
        );
    }
}

#[test]
fn cargo_insta_is_told_which_snapshots_are_in_use() {
    tutor::snapshot::register_references(&Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots"))
        .unwrap();
}
