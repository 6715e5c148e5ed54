//! Finds accepted outputs: of a step in an environment, or all variants of a lesson.

use super::error::SnapshotError;
use super::files::Files;
use super::form;
use super::name::{Environment, SnapshotName};
use super::recorded::Recorded;
use std::collections::BTreeMap;
use std::path::Path;

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

/// Reads the snapshot of that name, if there is one.
pub(super) fn read(
    files: &dyn Files,
    name: SnapshotName,
) -> Result<Option<Recorded>, SnapshotError> {
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
