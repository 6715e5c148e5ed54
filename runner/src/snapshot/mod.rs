//! Accepted outputs, in insta's file format: `snapshots/<lesson>/<step>.snap`.
//!
//! insta itself is not called. Its reader takes a path only, while the course can lie in the
//! binary; it names no line when a file is damaged, unwraps some numbers, and prints to standard
//! error. So the format is read and written here, from and to bytes, and the tests hold both
//! directions against insta's own reader and writer. Judging is left to [`crate::report`].

mod check;
mod error;
mod files;
mod form;
mod name;
mod pending;
mod references;
mod write;
mod yaml;

pub use check::{Checked, Owners, check, is_of_now};
pub use error::SnapshotError;
pub use files::{Files, Folder, OfCourse};
pub use name::SnapshotName;
pub use pending::{Pending, pending, pending_of};
pub use references::register_references;
pub use write::write_new;

use crate::normalize::StableText;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Facts about a machine by name, cut to the precision that makes a difference: `kernel` → `6.12`.
pub type Environment = BTreeMap<String, String>;

/// An output with its provenance, as a snapshot holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which snapshot it is.
    pub name: SnapshotName,
    /// What was printed, made stable.
    pub text: StableText,
    /// The exit status, or how else it ended: `0`, `signal 9`, `stopped`.
    pub exit: String,
    /// The script that printed it.
    pub command: String,
    /// Where it was recorded.
    pub environment: Environment,
    /// The day: `2026-11-23`.
    pub recorded: Option<String>,
}

impl Recorded {
    /// The file, relative to the folder of all snapshots: `hello/build.snap`.
    pub fn file(&self) -> PathBuf {
        self.name.file()
    }
}

/// The accepted output of a step here: that of the variant for this environment, else the base.
///
/// `vary` names the facets of which a variant makes a difference.
pub fn find(
    files: &dyn Files,
    lesson: &str,
    step: &str,
    vary: &[String],
    environment: &Environment,
) -> Result<Option<Recorded>, SnapshotError> {
    let base = SnapshotName::base(lesson, step);
    let variant = base.variant_for(vary, environment);
    if variant != base {
        let recorded = read(files, variant)?;
        if recorded.is_some() {
            return Ok(recorded);
        }
    }
    read(files, base)
}

/// The accepted outputs of a lesson. Its folder is listed once for all steps.
pub struct OfLesson<'f> {
    files: &'f dyn Files,
    /// By step.
    names: BTreeMap<String, Vec<SnapshotName>>,
    lesson: &'f str,
}

impl<'f> OfLesson<'f> {
    /// Those that lie in the lesson's folder.
    pub fn of(files: &'f dyn Files, lesson: &'f str) -> Result<OfLesson<'f>, SnapshotError> {
        let base = SnapshotName::base(lesson, "");
        let folder = Path::new(base.lesson());
        let listed = files
            .names(folder)
            .map_err(|error| SnapshotError::listing(files.locate(folder), error))?;
        let mut names: BTreeMap<String, Vec<SnapshotName>> = BTreeMap::new();
        for file in &listed {
            if let Some(name) = SnapshotName::parse(lesson, file) {
                names.entry(name.step().to_owned()).or_default().push(name);
            }
        }
        Ok(OfLesson {
            files,
            names,
            lesson,
        })
    }

    /// All of a step, the base first; each stands for itself where one is damaged.
    pub fn all_variants(&self, step: &str) -> Vec<Result<Recorded, SnapshotError>> {
        let base = SnapshotName::base(self.lesson, step);
        let mut names = self.names.get(base.step()).cloned().unwrap_or_default();
        names.sort();
        let recorded = names.into_iter().map(|name| read(self.files, name));
        recorded.filter_map(Result::transpose).collect()
    }
}

/// The name under which an output made in `environment` belongs beside what is there already.
///
/// The first one is the base; a later one takes the base's place if it was made where the facets
/// in `vary` are the same, and else becomes a variant.
pub fn name_for(
    lesson: &str,
    step: &str,
    vary: &[String],
    environment: &Environment,
    found: Option<&Recorded>,
) -> SnapshotName {
    match found {
        None => SnapshotName::base(lesson, step),
        Some(found) if same_facets(vary, &found.environment, environment) => found.name.clone(),
        Some(_) => SnapshotName::base(lesson, step).variant_for(vary, environment),
    }
}

/// True if every one of these facets has the same value in both places.
pub fn same_facets(vary: &[String], one: &Environment, other: &Environment) -> bool {
    vary.iter().all(|facet| one.get(facet) == other.get(facet))
}

fn read(files: &dyn Files, name: SnapshotName) -> Result<Option<Recorded>, SnapshotError> {
    let file = name.file();
    let bytes = match files.read(&file) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) => return Err(SnapshotError::reading(files.locate(&file), error)),
    };
    match form::parse(&bytes, name) {
        Ok(recorded) => Ok(Some(recorded)),
        Err(damage) => Err(SnapshotError::damaged(files.locate(&file), damage)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::normalize::{Masks, StepFolders};
    use crate::transcript::{Capture, Output};

    /// A recorded output as a step would make it.
    pub fn recorded(lesson: &str, step: &str, stdout: &str) -> Recorded {
        let output = Output {
            stdout: Capture::from(stdout.as_bytes()),
            stderr: Capture::default(),
        };
        let masks = Masks::of(&[], &StepFolders::default()).expect("no mask is asked for");
        Recorded {
            name: SnapshotName::base(lesson, step),
            text: masks.stabilize(&output),
            exit: "0".to_owned(),
            command: format!("print {step}"),
            environment: environment("kernel 6.12, clang 14"),
            recorded: Some("2026-11-23".to_owned()),
        }
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
            one.accept().expect("it can be accepted");
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
        let files = Folder::at(dir.path());
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

        let files = Folder::at(dir.path());
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
}
