//! Finds faulty snapshots of a course: damaged ones, those that nothing finds, and those that are
//! not of their step as it is now.

use super::error::SnapshotError;
use super::files::{Files, SnapshotFolder};
use super::find::read;
use super::name::SnapshotName;
use super::recipe::{Recipe, Stale, recipes, stale_words};
use super::recorded::Recorded;
use crate::course::Course;
use crate::diagnostic::Diagnostic;
use crate::lesson::{Compare, Lesson, Step};
use crate::say;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

/// The diagnostics, and the texts of the files that they point into.
#[derive(Clone, Debug, Default)]
pub struct SnapshotFindings {
    /// The message.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that are damaged, as far as they are text.
    pub texts: BTreeMap<PathBuf, String>,
}

/// Looks at the files below `snapshots` of lessons with the names that are asked for; those in the binary
/// were looked at when it was made.
pub fn check(course: &Course, is_asked: impl Fn(&str) -> bool) -> SnapshotFindings {
    let mut checked = SnapshotFindings::default();
    let Some(dir) = course.snapshot_dir() else {
        return checked;
    };
    if let Err(error) = look(course, &dir, is_asked, &mut checked) {
        let path = Path::new("snapshots");
        let unread = Diagnostic::error(path, 0..0, format!("this cannot be read: {error}"));
        checked.diagnostics.push(unread);
    }
    checked
}

fn look(
    course: &Course,
    dir: &Path,
    is_asked: impl Fn(&str) -> bool,
    checked: &mut SnapshotFindings,
) -> io::Result<()> {
    let owners = Owners::of(course);
    let mut stale = StaleOutputs::new();
    each(dir, &owners, is_asked, |found| {
        let path = Path::new("snapshots").join(&found.file);
        match (found.orphan, found.recorded) {
            (Some(orphan), _) => {
                let message = format!("this output {orphan}");
                let lost = Diagnostic::warning(&path, 0..0, message).help(orphan.help());
                checked.diagnostics.push(lost);
            }
            (None, Err(error)) => checked.damaged(dir, path, error),
            (None, Ok(Some(recorded))) => owners.judge(recorded, &mut stale),
            (None, Ok(None)) => {}
        }
    })?;
    let stale = stale.values().map(StaleOutput::diagnostic);
    checked.diagnostics.extend(stale);
    Ok(())
}

/// A file of the folder of all snapshots that is named as one, or as one that waits.
struct FoundFile {
    /// Below the folder of all snapshots.
    file: PathBuf,
    /// What an accepted one holds.
    recorded: Result<Option<Recorded>, SnapshotError>,
    orphan: Option<Orphan>,
}

fn each(
    dir: &Path,
    owners: &Owners<'_>,
    is_asked: impl Fn(&str) -> bool,
    mut found: impl FnMut(FoundFile),
) -> io::Result<()> {
    let files = SnapshotFolder::at(dir);
    let mut lessons = files.names(Path::new(""))?;
    lessons.sort();
    for lesson in lessons {
        if !is_asked(&lesson) || !dir.join(&lesson).is_dir() {
            continue;
        }
        let mut names = files.names(Path::new(&lesson))?;
        names.sort();
        for file in names {
            let accepted = file.strip_suffix(".new").unwrap_or(&file);
            let Some(name) = SnapshotName::parse(&lesson, accepted) else {
                continue;
            };
            let recorded = match accepted == file {
                true => read(&files, name.clone()),
                false => Ok(None),
            };
            let known = recorded.as_ref().ok().and_then(Option::as_ref);
            let is_replaced = || {
                let now = owners.name_now(&name)?;
                let is_there = dir.join(now.file()).symlink_metadata().is_ok();
                is_there.then_some(Orphan::Replaced)
            };
            let orphan = owners.orphan(&name, known).or_else(is_replaced);
            found(FoundFile {
                file: Path::new(&lesson).join(&file),
                recorded,
                orphan,
            });
        }
    }
    Ok(())
}

/// The files below the folder of all snapshots that nothing finds, each with the reason.
pub fn orphans(dir: &Path, owners: &Owners<'_>) -> Result<Vec<(PathBuf, Orphan)>, SnapshotError> {
    let mut orphans = Vec::new();
    let listed = each(
        dir,
        owners,
        |_| true,
        |found| {
            orphans.extend(found.orphan.map(|orphan| (found.file, orphan)));
        },
    );
    listed.map_err(|error| SnapshotError::listing(dir.to_owned(), error))?;
    Ok(orphans)
}

/// A reason why nothing finds a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// The course has no such step.
    NoStep,
    /// It is a variant by other facets than those that the step varies by; one whose output is not
    /// compared has no variants.
    NoVariant,
    /// It lies under the former name of a step that has one under its own.
    Replaced,
}

impl Display for Orphan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Orphan::NoStep => "is of no step of this course",
            Orphan::NoVariant => "is a variant of a step that does not vary by that now",
            Orphan::Replaced => "lies under the former name of a step, which has another one now",
        })
    }
}

impl Orphan {
    fn help(self) -> &'static str {
        match self {
            Orphan::NoStep => {
                "rename it if the step was renamed, or `tutor accept --prune` removes it"
            }
            Orphan::NoVariant | Orphan::Replaced => "`tutor accept --prune` removes it",
        }
    }
}

/// The outputs of one step that are not known to be of the step as it is now, for one set of
/// reasons.
struct StaleOutput<'c> {
    owner: &'c Owner<'c>,
    reasons: String,
    names: Vec<SnapshotName>,
}

/// Those of a course, in its order, and by their reasons.
type StaleOutputs<'c> = BTreeMap<((usize, usize), String), StaleOutput<'c>>;

impl StaleOutput<'_> {
    fn diagnostic(&self) -> Diagnostic {
        let Owner { lesson, step, .. } = self.owner;
        let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        let message = say!(
            "check-stale",
            count = names.len(),
            names = names.join(", "),
            reasons = self.reasons.as_str()
        );
        let is_variant = |name: &SnapshotName| name.variant().is_some();
        let help = match self.names.iter().any(is_variant) {
            true => say!("check-stale-variant-help", lesson = lesson.stem.as_str()),
            false => say!("check-stale-help", lesson = lesson.stem.as_str()),
        };
        Diagnostic::warning(&lesson.path, step.span.clone(), message).help(help)
    }
}

impl SnapshotFindings {
    fn damaged(&mut self, dir: &Path, path: PathBuf, error: SnapshotError) {
        let help = error.help().to_owned();
        let (span, message) = match error {
            SnapshotError::Refused { .. } => (0..0, error.to_string()),
            SnapshotError::Damaged { line, reason, .. } => {
                let file = dir.parent().unwrap_or(dir).join(&path);
                let bytes = crate::regular_file::read(&file).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let lines = text.split_inclusive('\n');
                let start: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
                let length = text[start..].lines().next().map_or(0, str::len);
                self.texts.insert(path.clone(), text);
                let message = format!("this accepted output is damaged: {reason}");
                (start..start + length, message)
            }
        };
        let damaged = Diagnostic::error(&path, span, message).help(help);
        self.diagnostics.push(damaged);
    }
}

/// The step that a snapshot is of.
#[derive(Clone, Debug)]
pub struct Owner<'c> {
    /// Its lesson.
    pub lesson: &'c Lesson,
    /// The step.
    pub step: &'c Step,
    /// What its snapshot depends on.
    pub recipe: Option<Recipe<'c>>,
    /// The place of its lesson in the course, and its own in the lesson.
    pub place: (usize, usize),
}

/// The steps of a course by the snapshots that are theirs.
pub struct Owners<'c>(HashMap<SnapshotName, Owner<'c>>);

impl<'c> Owners<'c> {
    /// Those of this course.
    pub fn of(course: &'c Course) -> Owners<'c> {
        let mut owners = HashMap::new();
        for (number, lesson) in course.lessons.iter().enumerate() {
            let mut recipes = recipes(lesson, &course.masks);
            for (index, step) in lesson.steps().enumerate() {
                let base = SnapshotName::base(&lesson.front.name, &step.id);
                owners.entry(base).or_insert_with(|| Owner {
                    lesson,
                    step,
                    recipe: recipes.remove(&*step.id),
                    place: (number, index),
                });
            }
        }
        // A name of now comes before a former one.
        let moved = owners.values().filter_map(|owner| {
            let was = owner.step.was.as_ref()?;
            Some((SnapshotName::former(was), owner.clone()))
        });
        for (name, owner) in moved.collect::<Vec<_>>() {
            owners.entry(name).or_insert(owner);
        }
        Owners(owners)
    }

    /// The name that the step of a snapshot has now, where that is another one.
    fn name_now(&self, name: &SnapshotName) -> Option<SnapshotName> {
        let Owner { lesson, step, .. } = self.owner(name)?;
        let now = SnapshotName::base(&lesson.front.name, &step.id).as_variant_of(name);
        (now != *name).then_some(now)
    }

    /// The name that a snapshot had before its step moved.
    pub fn former(&self, name: &SnapshotName) -> Option<SnapshotName> {
        let was = self.owner(name)?.step.was.as_ref()?;
        let former = SnapshotName::former(was).as_variant_of(name);
        (former != *name && self.name_now(&former).is_some()).then_some(former)
    }

    /// The step whose output a snapshot holds, if the course has it.
    pub fn owner(&self, name: &SnapshotName) -> Option<&Owner<'c>> {
        self.0.get(&name.base_of())
    }

    /// The reason why nothing finds a snapshot of that name, which holds `recorded`.
    pub fn orphan(&self, name: &SnapshotName, recorded: Option<&Recorded>) -> Option<Orphan> {
        let Some(owner) = self.owner(name) else {
            return Some(Orphan::NoStep);
        };
        let recorded = recorded.filter(|_| name.variant().is_some())?;
        let found = match owner.step.compare {
            Compare::Snapshot => name.variant_for(&owner.step.vary, &recorded.environment),
            Compare::None => name.base_of(),
        };
        (found != *name).then_some(Orphan::NoVariant)
    }

    /// The reasons why an output is not known to be of its step as it is now; none if it is.
    pub fn stale(&self, recorded: &Recorded) -> Vec<Stale> {
        let recipe = self
            .owner(&recorded.name)
            .and_then(|owner| owner.recipe.as_ref());
        recipe.map_or_else(Vec::new, |recipe| recorded.stale_for(recipe))
    }

    fn judge<'o>(&'o self, recorded: Recorded, outputs: &mut StaleOutputs<'o>) {
        let Some(owner) = self.owner(&recorded.name) else {
            return;
        };
        let stale = self.stale(&recorded);
        if stale.is_empty() {
            return;
        }
        let reasons = stale_words(&stale);
        let key = (owner.place, reasons.clone());
        let output = outputs.entry(key).or_insert_with(|| StaleOutput {
            owner,
            reasons,
            names: Vec::new(),
        });
        output.names.push(recorded.name);
    }
}
