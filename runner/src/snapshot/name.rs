//! The names of snapshots: lesson, step, and the facets of a variant.

use crate::lesson::FormerName;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Facts about a machine by name, cut to the precision that makes a difference: `kernel` → `6.12`.
pub type Environment = BTreeMap<String, String>;

/// Which step's output a snapshot holds, and of which variant.
///
/// Its file is `<lesson>/<step>.snap` or `<lesson>/<step>@<facet>-<value>+….snap`, the facets in
/// alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotName {
    lesson: String,
    step: String,
    variant: Option<String>,
}

impl SnapshotName {
    /// The snapshot that serves every environment without one of its own.
    pub fn base(lesson: &str, step: &str) -> SnapshotName {
        SnapshotName {
            lesson: file_safe(lesson),
            step: file_safe(step),
            variant: None,
        }
    }

    /// The variant of this environment, or the base if no facet makes a difference.
    pub fn variant_for(&self, vary: &[String], environment: &Environment) -> SnapshotName {
        let mut facets: Vec<String> = vary
            .iter()
            .filter_map(|facet| {
                let value = environment.get(facet)?;
                Some(file_safe(&format!("{facet}-{value}")))
            })
            .collect();
        facets.sort();
        facets.dedup();
        SnapshotName {
            variant: (!facets.is_empty()).then(|| facets.join("+")),
            ..self.clone()
        }
    }

    /// The name that a file in the folder of `lesson` stands for; `None` if it is no snapshot.
    pub(super) fn parse(lesson: &str, file: &str) -> Option<SnapshotName> {
        let stem = file.strip_suffix(".snap")?;
        let (step, variant) = match stem.split_once('@') {
            Some((step, variant)) => (step, Some(variant.to_owned())),
            None => (stem, None),
        };
        Some(SnapshotName {
            lesson: lesson.to_owned(),
            step: step.to_owned(),
            variant,
        })
    }

    /// The name that a file below the folder of all snapshots stands for; `None` if it is none.
    pub(super) fn of_file(file: &Path) -> Option<SnapshotName> {
        let lesson = file.parent()?.to_str()?;
        SnapshotName::parse(lesson, file.file_name()?.to_str()?)
    }

    /// The name that a step's snapshots had before it moved.
    pub(super) fn former(was: &FormerName) -> SnapshotName {
        SnapshotName::base(&was.lesson, &was.step)
    }

    /// The same with the variant of another.
    pub(super) fn as_variant_of(&self, other: &SnapshotName) -> SnapshotName {
        SnapshotName {
            variant: other.variant.clone(),
            ..self.clone()
        }
    }

    /// The same without a variant.
    pub(super) fn base_of(&self) -> SnapshotName {
        SnapshotName {
            variant: None,
            ..self.clone()
        }
    }

    /// The lesson's permanent name.
    pub fn lesson(&self) -> &str {
        &self.lesson
    }

    /// The step's id.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The facets of a variant: `clang-14+kernel-6.12`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// The file, relative to the folder of all snapshots.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(format!("{self}.snap"))
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.lesson, self.step)?;
        match &self.variant {
            Some(variant) => write!(formatter, "@{variant}"),
            None => Ok(()),
        }
    }
}

/// A part of a file's name; whatever could leave the folder or part the name is replaced.
fn file_safe(part: &str) -> String {
    let safe = |character: char| match character {
        '@' | '+' => '_',
        '.' | '-' | '_' => character,
        _ if character.is_alphanumeric() => character,
        _ => '_',
    };
    let part: String = part.chars().map(safe).collect();
    match part.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => part,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::environment;
    use super::*;

    fn named(vary: &[&str]) -> String {
        let vary: Vec<String> = vary.iter().map(|facet| (*facet).to_owned()).collect();
        SnapshotName::base("hello", "build")
            .variant_for(&vary, &environment("kernel 6.12, llvm 14"))
            .file()
            .display()
            .to_string()
    }

    #[test]
    fn facets_stand_in_the_files_name_in_alphabetical_order() {
        assert_eq!(named(&[]), "hello/build.snap");
        assert_eq!(
            named(&["llvm", "kernel"]),
            "hello/build@kernel-6.12+llvm-14.snap"
        );
        assert_eq!(
            named(&["kernel", "unknown"]),
            "hello/build@kernel-6.12.snap"
        );
    }

    #[test]
    fn no_name_leaves_the_folder() {
        let file = SnapshotName::base("../..", "/etc/passwd").file();
        assert_eq!(file.display().to_string(), "_._../_etc_passwd.snap");
    }

    #[test]
    fn a_files_name_says_which_snapshot_it_is() {
        for vary in [&[][..], &["kernel"]] {
            let file = named(vary);
            let name = SnapshotName::parse("hello", file.trim_start_matches("hello/"));
            assert_eq!(
                name.map(|name| name.file().display().to_string()),
                Some(file)
            );
        }
        assert_eq!(SnapshotName::parse("hello", "build.snap.new"), None);
    }
}
