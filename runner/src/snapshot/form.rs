//! insta's text form: metadata as YAML between two `---` lines, then the content.
//!
//! Of insta's own keys, `expression` holds the command and `info` the exit, the environment, the
//! day, the checks that held, and what else of the lesson the output depends on. No path of a
//! machine goes in, and no time of day.

use super::name::{Environment, SnapshotName};
use super::recorded::{CheckClaim, HeldCheck, Made, PREDICT, Recorded};
use super::yaml;
use crate::lesson::Place;
use crate::normalize::StableText;
use crate::visible::visible_text;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A fault in a file, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub line: usize,
    pub reason: String,
    pub help: &'static str,
}

/// The newest format that is known.
const FORMAT: u64 = 2;

const RESOLVE: &str =
    "keep one side of the conflict, or delete the file and accept the output again";
const RESTORE: &str =
    "restore the file from version control, or delete it and accept the output again";

/// The metadata that matters here; whatever else insta wrote is left alone.
#[derive(Deserialize, Debug, Default, PartialEq)]
#[serde(default)]
struct Metadata {
    expression: Option<String>,
    info: Option<SnapshotInfo>,
}

#[derive(Deserialize, Debug, Default, PartialEq)]
#[serde(default)]
struct SnapshotInfo {
    /// None is the first format. In the second one the output is exact text; it is written where that
    /// makes a difference.
    format: Option<u64>,
    exit: Option<String>,
    recorded: Option<String>,
    after_failure: Option<String>,
    /// None is a snapshot of an earlier `tutor`, which noted nothing of what follows.
    place: Option<Place>,
    mask: Option<String>,
    masks: Option<BTreeMap<String, String>>,
    above: Option<BTreeMap<String, String>>,
    environment: Option<Environment>,
    versions: Option<Environment>,
    checks: Option<BTreeMap<String, CheckInfo>>,
}

/// A check with one of `expect`, `match` and `range`.
#[derive(Deserialize, Debug, Default, PartialEq)]
#[serde(default)]
struct CheckInfo {
    script: String,
    expect: Option<String>,
    r#match: Option<String>,
    range: Option<String>,
    predict: Option<String>,
    value: String,
}

impl CheckInfo {
    /// Nothing if it claims nothing that is known.
    fn held(self) -> Option<HeldCheck> {
        let claims = [
            ("expect", self.expect),
            ("match", self.r#match),
            ("range", self.range),
            (PREDICT, self.predict),
        ];
        let mut claims = claims.into_iter();
        let (key, wanted) = claims.find_map(|(key, wanted)| Some((key, wanted?)))?;
        Some(HeldCheck {
            script: self.script,
            claim: CheckClaim { key, wanted },
            value: self.value,
        })
    }
}

impl SnapshotInfo {
    fn made(&mut self) -> Option<Made> {
        let checks = self.checks.take().unwrap_or_default();
        let held = checks
            .into_iter()
            .filter_map(|(name, check)| Some((name, check.held()?)));
        Some(Made {
            on: self.place?,
            mask: self.mask.take().unwrap_or_default(),
            own_masks: self.masks.take().unwrap_or_default(),
            above: self.above.take().unwrap_or_default(),
            checks: held.collect(),
        })
    }
}

/// Reads the bytes of the snapshot of that name.
pub(super) fn parse(bytes: &[u8], name: SnapshotName) -> Result<Recorded, Damage> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        damage(line, "a byte that is no UTF-8")
    })?;
    check_for_conflict(text)?;
    let (header, content) = split(text)?;
    let metadata = metadata(header)?;
    let mut info = metadata.info.unwrap_or_default();
    if let Some(format) = info.format.filter(|format| *format > FORMAT) {
        return Err(Damage {
            line: 1,
            reason: format!("a newer `tutor` wrote it, in format {format}"),
            help: "use that `tutor`, or delete the file and accept the output again",
        });
    }
    let content = content.replace("\r\n", "\n");
    let text = match info.format {
        None | Some(..=1) => StableText::recorded_loosely(&content),
        Some(_) => StableText::recorded(&content),
    };
    let made = info.made();
    Ok(Recorded {
        name,
        text,
        exit: info.exit.unwrap_or_else(|| "0".to_owned()),
        command: metadata.expression.unwrap_or_default(),
        made,
        environment: info.environment.unwrap_or_default(),
        versions: info.versions.unwrap_or_default(),
        recorded: info.recorded,
        after_failure: info.after_failure,
    })
}

/// Git's marks stand at the start of a line, where nothing of ours begins like that: `normalize`
/// escapes such lines of an output.
fn check_for_conflict(text: &str) -> Result<(), Damage> {
    if !text.contains("<<<<<<<") && !text.contains(">>>>>>>") {
        return Ok(());
    }
    let mark = |line: &str| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
    match text.lines().position(mark) {
        Some(index) => Err(Damage {
            line: index + 1,
            reason: "the mark of a merge conflict".to_owned(),
            help: RESOLVE,
        }),
        None => Ok(()),
    }
}

fn split(text: &str) -> Result<(&str, &str), Damage> {
    let Some((first, rest)) = text.split_once('\n') else {
        return Err(damage(1, "the file is empty or cut off"));
    };
    if first.trim_end() != "---" {
        return Err(damage(1, "a snapshot begins with a line `---`"));
    }
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok((&rest[..end], &rest[end + line.len()..]));
        }
        end += line.len();
    }
    let lines = text.lines().count();
    Err(damage(
        lines,
        "the line `---` that ends the metadata is missing",
    ))
}

fn metadata(header: &str) -> Result<Metadata, Damage> {
    if header.trim().is_empty() {
        return Ok(Metadata::default());
    }
    serde_saphyr::from_str(header).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        // The header begins on the file's second line.
        let line = usize::try_from(line).unwrap_or(1) + 1;
        damage(
            line,
            "the metadata is no valid YAML, or not what a snapshot holds",
        )
    })
}

fn damage(line: usize, reason: &str) -> Damage {
    Damage {
        line,
        reason: reason.to_owned(),
        help: RESTORE,
    }
}

/// The file's text, byte for byte as insta would write it.
pub(super) fn write(recorded: &Recorded) -> String {
    let mut form = String::from("---\n");
    // insta writes some control characters bare when it saves a file again, and YAML has none.
    let command = visible_text(recorded.command.trim_end());
    form.push_str(&format!("expression: {}\ninfo:\n", yaml::text(&command)));
    if recorded.text.relies_on_marks() {
        form.push_str("  format: 2\n");
    }
    let exit = yaml::number_or_text(&recorded.exit);
    form.push_str(&format!("  exit: {exit}\n"));
    if let Some(day) = &recorded.recorded {
        form.push_str(&format!("  recorded: {}\n", yaml::text(day)));
    }
    if let Some(failed) = &recorded.after_failure {
        form.push_str(&format!("  after_failure: {}\n", yaml::text(failed)));
    }
    if let Some(made) = &recorded.made {
        form.push_str(&format!("  place: {}\n", yaml::text(&made.on.to_string())));
        if !made.mask.is_empty() {
            form.push_str(&format!("  mask: {}\n", yaml::text(&made.mask)));
        }
        push_table("masks", &made.own_masks, &mut form);
        push_table("above", &made.above, &mut form);
    }
    push_table("environment", &recorded.environment, &mut form);
    push_table("versions", &recorded.versions, &mut form);
    if let Some(made) = &recorded.made {
        push_checks(&made.checks, &mut form);
    }
    form.push_str("---\n");
    form.push_str(recorded.text.as_str());
    form.push('\n');
    form
}

fn push_table(key: &str, table: &BTreeMap<String, String>, form: &mut String) {
    if table.is_empty() {
        return;
    }
    form.push_str(&format!("  {key}:\n"));
    for (name, value) in table {
        let (name, value) = (yaml::text(name), yaml::text(value));
        form.push_str(&format!("    {name}: {value}\n"));
    }
}

fn push_checks(checks: &BTreeMap<String, HeldCheck>, form: &mut String) {
    if checks.is_empty() {
        return;
    }
    form.push_str("  checks:\n");
    for (name, check) in checks {
        form.push_str(&format!("    {}:\n", yaml::text(name)));
        let script = visible_text(check.script.trim_end());
        for (key, value) in [
            ("script", &*script),
            (check.claim.key, &visible_text(&check.claim.wanted)),
            ("value", &check.value),
        ] {
            form.push_str(&format!("      {key}: {}\n", yaml::text(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{environment, recorded};
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Recorded, Damage> {
        parse(text.as_bytes(), SnapshotName::base("hello", "build"))
    }

    fn damaged(text: &str) -> String {
        let damage = read(text).expect_err("it is damaged");
        format!("{}: {}", damage.line, damage.reason)
    }

    #[test]
    fn a_snapshot_holds_the_command_the_exit_the_environment_and_the_day() {
        let recorded = recorded("hello", "build", "hello.o\n");
        assert_snapshot!(write(&recorded), @r#"
        ---
        expression: print build
        info:
          exit: 0
          recorded: 2026-11-23
          environment:
            clang: "14"
            kernel: "6.12"
        ---
        hello.o
        "#);
    }

    #[test]
    fn a_snapshot_holds_what_was_checked_and_what_it_was_made_of() {
        let mut recorded = recorded("hello", "build", "hello.o\n");
        let check = |key, wanted: &str, value: &str| HeldCheck {
            script: "wc -c < hello.o\n".trim_end().to_owned(),
            claim: CheckClaim {
                key,
                wanted: wanted.to_owned(),
            },
            value: value.to_owned(),
        };
        recorded.made = Some(Made {
            on: Place::Kernel,
            mask: "pid,port,time".to_owned(),
            own_masks: environment("port fedcba9876543210"),
            above: environment("hello.bpf.c 0123456789abcdef"),
            checks: BTreeMap::from([
                ("size".to_owned(), check("expect", "104", "104")),
                ("soon".to_owned(), check("range", "..5", "1.5")),
            ]),
        });
        recorded.versions = environment("kernel 6.12.57+deb13-amd64");
        recorded.after_failure = Some("server".to_owned());
        let form = write(&recorded);
        assert_eq!(read(&form), Ok(recorded));
        assert_snapshot!(form, @r#"
        ---
        expression: print build
        info:
          exit: 0
          recorded: 2026-11-23
          after_failure: server
          place: kernel
          mask: "pid,port,time"
          masks:
            port: fedcba9876543210
          above:
            hello.bpf.c: 0123456789abcdef
          environment:
            clang: "14"
            kernel: "6.12"
          versions:
            kernel: 6.12.57+deb13-amd64
          checks:
            size:
              script: wc -c < hello.o
              expect: "104"
              value: "104"
            soon:
              script: wc -c < hello.o
              range: "..5"
              value: "1.5"
        ---
        hello.o
        "#);
    }

    #[test]
    fn a_merge_conflict_is_named_with_its_line() {
        assert_snapshot!(damaged("---\nexpression: a\n---\nx\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n"), @"5: the mark of a merge conflict");
        assert_snapshot!(damaged("---\n<<<<<<< HEAD\nexpression: a\n"), @"2: the mark of a merge conflict");
        assert_eq!(read("<<<<<<<").expect_err("damaged").help, RESOLVE);
    }

    #[test]
    fn damaged_metadata_is_named_with_its_line() {
        assert_snapshot!(damaged("---\nexpression: a\ninfo:\n  exit: [1\n---\nx\n"), @"4: the metadata is no valid YAML, or not what a snapshot holds");
        assert_snapshot!(damaged("---\nexpression: a\ninfo: {exit: {a: 1}}\n---\nx\n"), @"3: the metadata is no valid YAML, or not what a snapshot holds");
        assert_snapshot!(damaged("---\nexpression: \"a\n---\nx\n"), @"2: the metadata is no valid YAML, or not what a snapshot holds");
    }

    #[test]
    fn a_file_that_was_cut_off_is_no_snapshot() {
        assert_snapshot!(damaged(""), @"1: the file is empty or cut off");
        assert_snapshot!(damaged("hello\nworld\n"), @"1: a snapshot begins with a line `---`");
        assert_snapshot!(damaged("---\nexpression: a\n"), @"2: the line `---` that ends the metadata is missing");
        let damage = parse(b"---\na: b\n---\n\xff", SnapshotName::base("a", "b"));
        assert_eq!(damage.expect_err("damaged").line, 4);
    }

    #[test]
    fn keys_of_insta_that_mean_nothing_here_are_left_alone() {
        let recorded = read("---\nsource: a.rs\nassertion_line: 3\nexpression: x\r\n---\na\r\nb\n");
        let recorded = recorded.expect("it is a snapshot");
        assert_eq!(recorded.text.as_str(), "a\nb");
        assert_eq!(recorded.command, "x");
        assert_eq!(recorded.exit, "0");
    }

    #[test]
    fn versions_stay_text_even_where_somebody_took_the_quotes_away() {
        let recorded = read("---\ninfo:\n  exit: 1\n  environment:\n    kernel: 6.10\n---\n");
        let recorded = recorded.expect("it is a snapshot");
        assert_eq!(recorded.exit, "1");
        assert_eq!(recorded.environment["kernel"], "6.10");
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ -~\n]{0,20}",
            "(true|null|~|1|1.5|-|:|#| |0x1|on|[.]inf|2026-11-23|---|é|世){1,3}",
        ]
        .prop_map(|value: String| visible_text(&value).into_owned())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same_here_and_by_insta(
            command in value(), exit in value(), facet in value(), version in value(), stdout in value(),
        ) {
            let mut recorded = recorded("hello", "build", &stdout);
            recorded.command = command.trim_end().to_owned();
            recorded.exit = exit;
            recorded.environment.insert(facet, version);
            let form = write(&recorded);
            prop_assert_eq!(read(&form).expect("readable"), recorded.clone(), "{}", form);

            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), &form).expect("writable");
            let theirs = insta::Snapshot::from_file(file.path()).expect("insta reads it");
            prop_assert_eq!(theirs.metadata().expression().unwrap_or(""), &recorded.command);
            let content = theirs.as_text().expect("text").to_string();
            prop_assert_eq!(content, recorded.text.as_str());

            // `cargo insta accept` reads the file and saves it again.
            theirs.save(file.path()).expect("insta writes it");
            let again = std::fs::read_to_string(file.path()).expect("readable");
            prop_assert_eq!(read(&again).expect("readable"), recorded);
        }

        #[test]
        fn ordinary_values_are_written_byte_for_byte_as_insta_would(
            command in "[ -~\n\t]{0,40}", version in "[0-9.]{1,6}", stdout in "[ -~\n]{0,40}",
        ) {
            let mut recorded = recorded("hello", "build", &stdout);
            recorded.command = command;
            recorded.environment.insert("clang".to_owned(), version);
            let form = write(&recorded);
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), &form).expect("writable");
            let theirs = insta::Snapshot::from_file(file.path()).expect("insta reads it");
            theirs.save(file.path()).expect("insta writes it");
            prop_assert_eq!(std::fs::read_to_string(file.path()).expect("readable"), form);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>, text in "(---\n|a: |b\n|[{\\[\"\n-]){0,12}") {
            let name = || SnapshotName::base("a", "b");
            let _ = parse(&bytes, name());
            let _ = parse(text.as_bytes(), name());
        }
    }
}
