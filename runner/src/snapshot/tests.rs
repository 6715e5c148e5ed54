//! Tests of the whole way: written, accepted, found again.

use super::*;
use crate::normalize::{Masks, StableText, StepFolders};
use crate::transcript::{Capture, Output};
use crate::visible::{bytes, readable, visible};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A recorded output as a step would make it.
pub fn recorded(lesson: &str, step: &str, stdout: &str) -> Recorded {
    Recorded {
        name: SnapshotName::base(lesson, step),
        text: stabilized(stdout.as_bytes(), b""),
        exit: "0".to_owned(),
        command: format!("print {step}"),
        made: None,
        environment: environment("kernel 6.12, clang 14"),
        versions: Environment::new(),
        recorded: Some("2026-11-23".to_owned()),
        after_failure: None,
    }
}

fn stabilized(stdout: &[u8], stderr: &[u8]) -> StableText {
    let output = Output {
        stdout: Capture::from(stdout),
        stderr: Capture::from(stderr),
    };
    let masks = Masks::of(&[], &StepFolders::default()).expect("no mask is asked for");
    masks.stabilize(&output)
}

pub fn environment(facets: &str) -> Environment {
    facets
        .split_terminator(", ")
        .filter_map(|facet| facet.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn accepted(dir: &Path, recorded: &Recorded) {
    write_new(dir, recorded).expect("it can be written");
    let waiting = pending(dir).expect("the folder can be read");
    for one in waiting {
        one.accept(None).expect("it can be accepted");
    }
}

proptest! {
    #[test]
    fn the_bytes_of_an_output_come_back_from_the_file_also_when_insta_wrote_it(
        stdout in bytes(), stderr in bytes(),
    ) {
        let text = stabilized(&stdout, &stderr);
        let recorded = Recorded { text, ..recorded("hello", "build", "") };
        let form = super::form::write(&recorded);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &form).expect("writable");
        let theirs = insta::Snapshot::from_file(file.path()).expect("insta reads it");
        theirs.save(file.path()).expect("insta writes it");
        let again = std::fs::read(file.path()).expect("readable");
        for form in [form.clone().into_bytes(), form.replace('\n', "\r\n").into_bytes(), again] {
            let read = super::form::parse(&form, recorded.name.clone()).expect("a snapshot");
            prop_assert_eq!(read.text.bytes(), (stdout.clone(), stderr.clone()));
            prop_assert!(read.text.is_same(&recorded.text));
        }
    }

    #[test]
    fn an_output_that_an_earlier_tutor_stored_is_still_the_same(printed in bytes(), other in bytes()) {
        let (text, other_text) = (stabilized(&printed, b""), stabilized(&other, b""));
        // It wrote the text that is visible, and no format.
        let old = format!("---\ninfo:\n  exit: 0\n---\n{}\n", readable(text.as_str()));
        let old = super::form::parse(old.as_bytes(), SnapshotName::base("hello", "build"));
        let old = old.expect("a snapshot").text;
        prop_assert!(old.is_same(&text));
        prop_assert_eq!(old.is_same(&other_text), visible(&printed) == visible(&other));
    }
}

fn vary() -> Vec<String> {
    vec!["kernel".to_owned(), "clang".to_owned()]
}

#[test]
fn what_is_accepted_is_found_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorded = recorded("hello", "build", "a\r\nb  ");
    accepted(dir.path(), &recorded);
    let files = SnapshotFolder::at(dir.path());
    let found = find(&files, "hello", "build", &[], &Environment::new()).expect("readable");
    assert_eq!(found, Some(recorded));
    assert_eq!(
        find(&files, "hello", "run", &[], &Environment::new()).expect("readable"),
        None
    );
}

#[test]
fn the_exact_variant_comes_before_the_base() {
    let dir = tempfile::tempdir().expect("a folder");
    let base = recorded("hello", "build", "base\n");
    accepted(dir.path(), &base);
    let mut other = recorded("hello", "build", "other\n");
    other.environment = environment("kernel 6.18, clang 14");
    other.name = name_for("hello", "build", &vary(), &other.environment, Some(&base));
    assert_eq!(
        other.file(),
        Path::new("hello/build@clang-14+kernel-6.18.snap")
    );
    accepted(dir.path(), &other);

    let files = SnapshotFolder::at(dir.path());
    let found = |facets: &str| {
        find(&files, "hello", "build", &vary(), &environment(facets))
            .expect("readable")
            .expect("there is one")
            .text
    };
    assert_eq!(found("kernel 6.18, clang 14").as_str(), "other");
    assert_eq!(found("kernel 6.12, clang 14").as_str(), "base");
    assert_eq!(found("kernel 7.0, clang 14").as_str(), "base");
    let of_lesson = OfLesson::of(&files, "hello").expect("readable");
    let all: Vec<_> = of_lesson
        .all_variants("build")
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(all, [base, other]);
}

/// Very many files, and how often they were listed.
#[derive(Default)]
struct Many(std::sync::atomic::AtomicUsize);

impl Files for Many {
    fn read(&self, _: &Path) -> std::io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn names(&self, _: &Path) -> std::io::Result<Vec<String>> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok((0..20_000).map(|step| format!("s{step}.snap")).collect())
    }

    fn locate(&self, file: &Path) -> PathBuf {
        file.to_owned()
    }
}

#[test]
fn the_outputs_of_very_many_steps_are_listed_once() {
    let files = Many::default();
    let of_lesson = OfLesson::of(&files, "hello").expect("readable");
    for step in 0..20_000 {
        assert!(of_lesson.all_variants(&format!("s{step}")).is_empty());
    }
    assert_eq!(files.0.into_inner(), 1);
}

#[test]
fn an_output_from_the_same_environment_replaces_what_was_found() {
    let found = recorded("hello", "build", "a\n");
    let name = name_for("hello", "build", &vary(), &found.environment, Some(&found));
    assert_eq!(name, found.name);
}
