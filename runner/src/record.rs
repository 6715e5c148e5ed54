//! Leaves what a test saw beside the accepted outputs, for somebody to read and accept.

use crate::course::{Course, Facet, Origin};
use crate::lesson::{Expectation, Lesson, Place, Step};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{
    CheckClaim, Environment, HeldCheck, Made, Pending, Recipe, Recorded, SnapshotError,
    SnapshotName, beginning, ending_words, name_for, pending_of, recipes, same_facets, write_new,
};
use crate::transcript::RecordId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What becomes of an output that is as accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsAccepted {
    /// What is accepted stays, and nothing waits.
    #[default]
    Stay,
    /// It waits, so that where it was made and what was checked can be accepted anew.
    Renew,
}

impl AsAccepted {
    /// From the option of the command line.
    pub fn renewed_if(renew: bool) -> AsAccepted {
        match renew {
            true => AsAccepted::Renew,
            false => AsAccepted::Stay,
        }
    }

    /// True for an output that is the accepted one and shall stay that; nothing where no output is
    /// compared.
    fn stays(self, verdict: &Verdict) -> Option<bool> {
        match verdict {
            Verdict::Passed => Some(self == AsAccepted::Stay),
            Verdict::New | Verdict::Changed { .. } | Verdict::DiffersHere { .. } => Some(false),
            Verdict::Shown
            | Verdict::Edited(_)
            | Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Interrupted
            | Verdict::Skipped(_)
            | Verdict::Recorded
            | Verdict::Broken { .. } => None,
        }
    }
}

/// The outputs that a test leaves to be read.
#[derive(Debug, Default)]
pub struct TestOutputs {
    /// The files that wait now.
    pub written: Vec<PathBuf>,
    /// Errors of those that could not be written or taken away; the others were.
    pub failed: Vec<SnapshotError>,
}

/// The folder that changed outputs of a course are left in, to be read; none under `CI=true`, and
/// none for a course that is inside the program.
pub fn folder(course: &Course) -> Option<PathBuf> {
    let Origin::Folder(root) = &course.origin else {
        return None;
    };
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    (!in_ci).then(|| root.join("snapshots"))
}

/// Writes `.snap.new` for every output that changed, is new or differs here, and takes away those
/// whose output is as accepted again.
pub fn changes(
    folder: &Path,
    lesson: &Lesson,
    facets: &Facets,
    report: &Report,
    as_accepted: AsAccepted,
) -> Result<TestOutputs, SnapshotError> {
    let run = RecordedRun::of(lesson, facets, report);
    let waiting: Vec<Pending> = pending_of(folder, &report.lesson)?;
    let mut changes = TestOutputs::default();
    for item in &report.items {
        let recorded = || run.recorded(item);
        match as_accepted.stays(&item.verdict) {
            Some(false) => {
                if let Some(recorded) = recorded().filter(|new| !run.is_lost(new, item)) {
                    match write_new(folder, &recorded) {
                        Ok(path) => changes.written.push(path),
                        Err(error) => changes.failed.push(error),
                    }
                }
            }
            Some(true) if !waiting.is_empty() => {
                if let Some(recorded) = recorded() {
                    let discarded = discard(&waiting, &recorded.name);
                    changes.failed.extend(discarded.err());
                }
            }
            Some(true) | None => {}
        }
    }
    Ok(changes)
}

/// The outputs that a matrix leaves to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatrixOutputs {
    /// The files that wait now.
    pub written: Vec<PathBuf>,
    /// Outputs that nothing was left of: environments disagree on them, and by what the step's
    /// author says of it one output has to serve them all.
    pub torn: Vec<SnapshotName>,
}

/// Leaves what one lesson printed in several environments, each as a variant where the step varies.
///
/// A new output of the first report becomes the base, so the first is that of the environment
/// which learners have most.
pub fn across(
    folder: &Path,
    lesson: &Lesson,
    facets: &Facets,
    reports: &[&Report],
    as_accepted: AsAccepted,
) -> Result<MatrixOutputs, SnapshotError> {
    let reports = reports.iter().copied();
    let runs: Vec<RecordedRun<'_>> = reports
        .map(|report| RecordedRun::of(lesson, facets, report))
        .collect();
    let waiting = pending_of(folder, &lesson.front.name)?;
    let mut across = MatrixOutputs::default();
    for step in lesson.steps() {
        let (settled, torn) = settled(step, &runs, as_accepted);
        across.torn.extend(torn);
        for (name, recorded) in settled {
            match recorded {
                Some(recorded) => across.written.push(write_new(folder, &recorded)?),
                None => discard(&waiting, &name)?,
            }
        }
    }
    Ok(across)
}

/// Takes away what waits for an output that is as accepted again.
fn discard(waiting: &[Pending], name: &SnapshotName) -> Result<(), SnapshotError> {
    let older = waiting.iter().find(|older| older.name == *name);
    older.map_or(Ok(()), Pending::reject)
}

/// An output as it belongs into a snapshot.
struct Candidate {
    recorded: Recorded,
    /// True if the snapshot holds already.
    is_accepted: bool,
    /// True if the snapshot has that text already, be it of another text of the lesson.
    is_as_found: bool,
}

/// Returns for each snapshot of a step what is to be left beside it, or nothing where what is
/// accepted holds; and those that environments disagree on.
fn settled(
    step: &Step,
    runs: &[RecordedRun<'_>],
    as_accepted: AsAccepted,
) -> (BTreeMap<SnapshotName, Option<Recorded>>, Vec<SnapshotName>) {
    let mut torn = Vec::new();
    let mut settled = BTreeMap::new();
    for (name, mut candidates) in candidates(step, runs, as_accepted) {
        let new = candidates.iter().position(|one| !one.is_accepted);
        let Some(index) = new else {
            settled.insert(name, None);
            continue;
        };
        let wanted = candidates.swap_remove(index).recorded;
        match moved(step, &wanted, candidates) {
            Some(moved) => {
                settled.insert(name, Some(wanted));
                settled.extend(moved.into_iter().map(|one| (one.name.clone(), Some(one))));
            }
            None => torn.push(name),
        }
    }
    (settled, torn)
}

/// The output of each environment, by the snapshot that it would be.
fn candidates(
    step: &Step,
    runs: &[RecordedRun<'_>],
    as_accepted: AsAccepted,
) -> BTreeMap<SnapshotName, Vec<Candidate>> {
    let id = RecordId::Step(step.id.clone());
    let mut candidates: BTreeMap<SnapshotName, Vec<Candidate>> = BTreeMap::new();
    let mut first_new: Option<Recorded> = None;
    for run in runs {
        let Some(item) = run.report.items.iter().find(|item| item.id == id) else {
            continue;
        };
        let Some(mut recorded) = run.recorded(item) else {
            continue;
        };
        let Some(is_accepted) = as_accepted.stays(&item.verdict) else {
            continue;
        };
        if run.is_lost(&recorded, item) {
            continue;
        }
        if item.verdict == Verdict::New {
            let base = first_new.get_or_insert_with(|| recorded.clone());
            if base.text != recorded.text {
                recorded.name = beside(step, run.report, base);
            }
        }
        let found = item.recorded.as_ref();
        let is_as_found = found.is_some_and(|found| found.text.is_same(&recorded.text));
        let of_name = candidates.entry(recorded.name.clone()).or_default();
        of_name.push(Candidate {
            recorded,
            is_accepted,
            is_as_found,
        });
    }
    candidates
}

/// The other outputs of one name that become variants; nothing if one of them contradicts `wanted`.
fn moved(step: &Step, wanted: &Recorded, others: Vec<Candidate>) -> Option<Vec<Recorded>> {
    let differ = others
        .into_iter()
        .filter(|other| other.recorded.text != wanted.text);
    differ
        .map(|other| {
            let environment = &other.recorded.environment;
            let own = SnapshotName::base(wanted.name.lesson(), &step.id)
                .variant_for(&step.vary, environment);
            let is_apart = !same_facets(&step.vary, &wanted.environment, environment);
            // The base changes for others; what still prints it keeps it as a variant.
            let keeps = is_apart && other.is_as_found && own != wanted.name;
            keeps.then_some(Recorded {
                name: own,
                ..other.recorded
            })
        })
        .collect()
}

/// The name of an output beside the one that becomes the base.
fn beside(step: &Step, report: &Report, base: &Recorded) -> SnapshotName {
    name_for(
        &report.lesson,
        &step.id,
        &step.vary,
        &report.environment,
        Some(base),
    )
}

/// The facets of a course by name.
type Facets = BTreeMap<String, Facet>;

/// One run of a lesson, with what belongs into its snapshots.
struct RecordedRun<'r> {
    report: &'r Report,
    facets: &'r Facets,
    recipes: HashMap<&'r str, Recipe<'r>>,
    checks: HashMap<&'r str, &'r Item>,
    /// The first step in the text by which, or by a check of which, the run went wrong.
    failed: Option<(usize, String)>,
    /// The places of the steps in the text.
    places: HashMap<&'r str, usize>,
}

impl<'r> RecordedRun<'r> {
    fn of(lesson: &'r Lesson, facets: &'r Facets, report: &'r Report) -> RecordedRun<'r> {
        let steps = lesson.steps().enumerate();
        let places: HashMap<&str, usize> = steps.map(|(place, step)| (&*step.id, place)).collect();
        let owners: HashMap<&str, &str> = lesson
            .checks()
            .map(|check| (&*check.name, &*check.of))
            .collect();
        let questions = lesson.checks().filter(|check| check.is_question());
        let questions: HashSet<&str> = questions.map(|check| &*check.name).collect();
        let is_question = |id: &RecordId| match id {
            RecordId::Check(name) => questions.contains(&**name),
            RecordId::Step(_) => false,
        };
        let mut checks = HashMap::new();
        let mut failed: Option<(usize, String)> = None;
        for item in &report.items {
            let step = match &item.id {
                RecordId::Step(id) => Some(&**id),
                RecordId::Check(name) => {
                    checks.insert(&**name, item);
                    owners.get(&**name).copied()
                }
            };
            let place = step.and_then(|step| places.get(step)).copied();
            if let Some(place) = place.filter(|_| spoils(&item.verdict) && !is_question(&item.id))
                && failed.as_ref().is_none_or(|(first, _)| place < *first)
            {
                let (RecordId::Step(name) | RecordId::Check(name)) = &item.id;
                failed = Some((place, name.clone()));
            }
        }
        RecordedRun {
            report,
            facets,
            recipes: recipes(lesson),
            checks,
            failed,
            places,
        }
    }

    /// A step's output as it would be recorded.
    fn recorded(&self, item: &Item) -> Option<Recorded> {
        let RecordId::Step(id) = &item.id else {
            return None;
        };
        let recipe = self.recipes.get(id.as_str())?;
        let step = recipe.step;
        let text = item.text.clone()?;
        let ours = &self.report.environment;
        let name = match &item.recorded {
            // It serves this environment too.
            Some(found) if found.text.is_same(&text) => found.name.clone(),
            found => name_for(&self.report.lesson, id, &step.vary, ours, found.as_ref()),
        };
        let place = self.places.get(id.as_str());
        let after = self
            .failed
            .as_ref()
            .filter(|(failed, _)| place >= Some(failed));
        Some(Recorded {
            name,
            text,
            exit: ending_words(item.ending.as_ref()?),
            command: step.script.trim_end().to_owned(),
            made: Some(self.made(recipe)),
            environment: self.known_of(step, ours),
            versions: self.known_of(step, &self.report.versions),
            recorded: Some(chrono::Utc::now().date_naive().to_string()),
            after_failure: after.map(|(_, name)| name.clone()),
        })
    }

    fn made(&self, recipe: &Recipe<'_>) -> Made {
        let held = recipe.checks.iter().filter_map(|check| {
            let item = self.checks.get(&*check.name)?;
            let text = item.text.as_ref()?.sections().stdout.text();
            let claim = CheckClaim::of(check);
            // Masks would hide the very text that is expected.
            let value = match check.expect {
                Expectation::Equals(_) => &claim.wanted,
                Expectation::Matches(_) | Expectation::Range(..) | Expectation::Answer(_) => {
                    text.trim()
                }
            };
            let held = HeldCheck {
                script: check.script.trim_end().to_owned(),
                value: beginning(value),
                claim,
            };
            let holds = match check.is_question() {
                true => item.answer().is_some(),
                false => item.verdict == Verdict::Passed,
            };
            holds.then(|| (check.name.clone(), held))
        });
        Made {
            checks: held.collect(),
            ..recipe.made()
        }
    }

    /// What is known of the environment, as far as a step may depend on it: one that runs on the
    /// host depends on no kernel, but for what its author says it varies by.
    fn known_of(&self, step: &Step, known: &Environment) -> Environment {
        let is_of_kernel = |name: &String| match self.facets.get(name) {
            Some(facet) => facet.on == Place::Kernel,
            // The machine that the kernel runs in.
            None => true,
        };
        let counts = |name: &String| {
            step.on == Place::Kernel || step.vary.contains(name) || !is_of_kernel(name)
        };
        let known = known.iter().filter(|(name, _)| counts(name));
        known
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// True for an output that would take the place of the one that serves all, although nothing is
    /// known here of what that one was recorded on.
    fn is_lost(&self, new: &Recorded, item: &Item) -> bool {
        let (Some(found), Some(recipe)) = (&item.recorded, self.recipes.get(new.name.step()))
        else {
            return false;
        };
        let is_lost = |facet: &String| {
            found.environment.contains_key(facet) && !new.environment.contains_key(facet)
        };
        new.name.variant().is_none() && recipe.step.vary.iter().any(is_lost)
    }
}

/// True if what follows in the same run may be spoiled.
fn spoils(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::CheckFailed { .. }
        | Verdict::WrongExit { .. }
        | Verdict::TimedOut { .. }
        | Verdict::Interrupted
        | Verdict::Broken { .. } => true,
        Verdict::Passed
        | Verdict::Shown
        | Verdict::New
        | Verdict::Changed { .. }
        | Verdict::DiffersHere { .. }
        | Verdict::Edited(_)
        | Verdict::Skipped(_)
        | Verdict::Recorded => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Lesson;
    use crate::report::diff;
    use crate::snapshot::tests::{environment, recorded as output};
    use crate::snapshot::{SnapshotFolder, find, pending};
    use crate::transcript::Ending;
    use std::time::Duration;

    fn lesson(vary: &str) -> Lesson {
        let source = format!(
            "---\nformat: 1\nname: hello\ntitle: Hello\n---\n\n# Hello\n\n```sh {{id=load{vary}}}\nload\n```\n"
        );
        let path = Path::new("lessons/lesson-2.md");
        crate::lesson::parse("lesson-2", path, &source, &|_| {
            Err(crate::lesson::NotIncluded::Missing)
        })
        .0
    }

    /// What a step that printed this on a kernel amounts to beside what was accepted.
    fn report(lesson: &Lesson, folder: &Path, kernel: &str, stdout: &str) -> Report {
        let ours = environment(&format!("kernel {kernel}, clang 14"));
        let step = lesson.steps().next().unwrap();
        let files = SnapshotFolder::at(folder);
        let found = find(&files, "hello", "load", &step.vary, &ours).unwrap();
        let text = output("hello", "load", stdout).text;
        let verdict = match &found {
            None => Verdict::New,
            Some(found) if found.text == text => Verdict::Passed,
            Some(found) if same_facets(&step.vary, &found.environment, &ours) => Verdict::Changed {
                diff: diff(&found.text, &text),
                stale: Vec::new(),
            },
            Some(found) => Verdict::DiffersHere {
                diff: diff(&found.text, &text),
                theirs: found.environment.clone(),
                ours: ours.clone(),
                why_unknown: BTreeMap::new(),
                meanings: Default::default(),
            },
        };
        let mut report = Report::of_items(lesson, vec![Item::broken("load", String::new())]);
        report.environment = ours;
        report.items[0] = Item {
            verdict,
            ending: Some(Ending::Exited(0)),
            duration: Duration::ZERO,
            text: Some(text),
            recorded: found,
            ..report.items[0].clone()
        };
        report
    }

    /// Runs a step on kernels that print this, the default one first, and returns the names of what
    /// was left to read, and of what is torn.
    fn left(
        lesson: &Lesson,
        folder: &Path,
        outputs: &[(&str, &str)],
    ) -> (Vec<String>, Vec<String>) {
        let reports: Vec<Report> = outputs
            .iter()
            .map(|(kernel, stdout)| report(lesson, folder, kernel, stdout))
            .collect();
        let reports: Vec<&Report> = reports.iter().collect();
        let across = across(folder, lesson, &Facets::new(), &reports, AsAccepted::Stay).unwrap();
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        (
            across.written.iter().map(name).collect(),
            across.torn.iter().map(ToString::to_string).collect(),
        )
    }

    fn accept_all(folder: &Path) {
        for one in pending(folder).unwrap() {
            one.accept().unwrap();
        }
    }

    #[test]
    fn what_differs_by_kernel_becomes_variants_beside_the_first_and_then_all_pass() {
        let folder = tempfile::tempdir().unwrap();
        let lesson = lesson(" vary=kernel");
        let outputs = [
            ("6.12", "80\n"),
            ("5.10", "70\n"),
            ("6.1", "71\n"),
            ("7.3", "80\n"),
        ];
        let (written, torn) = left(&lesson, folder.path(), &outputs);
        assert_eq!(torn, Vec::<String>::new());
        assert_eq!(
            written,
            [
                "load.snap.new",
                "load@kernel-5.10.snap.new",
                "load@kernel-6.1.snap.new"
            ]
        );
        accept_all(folder.path());
        assert_eq!(
            left(&lesson, folder.path(), &outputs),
            (Vec::new(), Vec::new())
        );
        for (kernel, stdout) in outputs {
            let verdict = &report(&lesson, folder.path(), kernel, stdout).items[0].verdict;
            assert_eq!(*verdict, Verdict::Passed, "{kernel}");
        }
    }

    #[test]
    fn a_base_that_changes_for_one_kernel_is_kept_as_a_variant_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let lesson = lesson(" vary=kernel");
        left(&lesson, folder.path(), &[("6.12", "80\n")]);
        accept_all(folder.path());
        let outputs = [("6.12", "81\n"), ("7.3", "80\n")];
        let (written, torn) = left(&lesson, folder.path(), &outputs);
        assert_eq!(torn, Vec::<String>::new());
        assert_eq!(written, ["load.snap.new", "load@kernel-7.3.snap.new"]);
        accept_all(folder.path());
        assert_eq!(
            left(&lesson, folder.path(), &outputs),
            (Vec::new(), Vec::new())
        );
    }

    #[test]
    fn kernels_that_disagree_on_a_step_that_does_not_vary_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lesson = lesson("");
        let outputs = [("6.12", "80\n"), ("5.10", "70\n")];
        let torn = (Vec::new(), vec!["hello/load".to_owned()]);
        assert_eq!(left(&lesson, folder.path(), &outputs), torn);
        left(&lesson, folder.path(), &[("6.12", "80\n")]);
        accept_all(folder.path());
        assert_eq!(left(&lesson, folder.path(), &outputs), torn);
        let (written, _) = left(
            &lesson,
            folder.path(),
            &[("6.12", "81\n"), ("5.10", "81\n")],
        );
        assert_eq!(written, ["load.snap.new"]);
    }

    #[test]
    fn what_is_as_accepted_again_waits_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let lesson = lesson(" vary=kernel");
        left(&lesson, folder.path(), &[("6.12", "80\n")]);
        accept_all(folder.path());
        left(&lesson, folder.path(), &[("6.12", "81\n")]);
        assert_eq!(pending(folder.path()).unwrap().len(), 1);
        left(&lesson, folder.path(), &[("6.12", "80\n")]);
        assert_eq!(pending(folder.path()).unwrap().len(), 0);
    }
}
