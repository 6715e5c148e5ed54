//! Leaves what a test saw beside the accepted outputs, for somebody to read and accept.

use crate::course::{Course, Origin};
use crate::lesson::{Lesson, Step};
use crate::report::{Item, Report, Verdict};
use crate::snapshot::{
    Pending, Recorded, SnapshotError, SnapshotName, name_for, pending_of, same_facets, write_new,
};
use crate::transcript::{Ending, RecordId};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

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
    report: &Report,
) -> Result<TestOutputs, SnapshotError> {
    let steps: HashMap<&str, &Step> = lesson.steps().map(|step| (&*step.id, step)).collect();
    let waiting: Vec<Pending> = pending_of(folder, &report.lesson)?;
    let mut changes = TestOutputs::default();
    for item in &report.items {
        let recorded = || recorded(&steps, report, item);
        match is_as_accepted(&item.verdict) {
            Some(false) => {
                if let Some(recorded) = recorded().filter(|new| !is_lost(new, item)) {
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
    reports: &[&Report],
) -> Result<MatrixOutputs, SnapshotError> {
    let waiting = pending_of(folder, &lesson.front.name)?;
    let mut across = MatrixOutputs::default();
    for step in lesson.steps() {
        let (settled, torn) = settled(step, reports);
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

/// True for an output that is the accepted one; nothing where no output is compared.
fn is_as_accepted(verdict: &Verdict) -> Option<bool> {
    match verdict {
        Verdict::Passed => Some(true),
        Verdict::New | Verdict::Changed(_) | Verdict::DiffersHere { .. } => Some(false),
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

/// Takes away what waits for an output that is as accepted again.
fn discard(waiting: &[Pending], name: &SnapshotName) -> Result<(), SnapshotError> {
    let older = waiting.iter().find(|older| older.name == *name);
    older.map_or(Ok(()), Pending::reject)
}

/// An output as it belongs into a snapshot, and whether it is there already.
struct Candidate {
    recorded: Recorded,
    is_accepted: bool,
}

/// Returns for each snapshot of a step what is to be left beside it, or nothing where what is
/// accepted holds; and those that environments disagree on.
fn settled(
    step: &Step,
    reports: &[&Report],
) -> (BTreeMap<SnapshotName, Option<Recorded>>, Vec<SnapshotName>) {
    let mut torn = Vec::new();
    let mut settled = BTreeMap::new();
    for (name, mut candidates) in candidates(step, reports) {
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
fn candidates(step: &Step, reports: &[&Report]) -> BTreeMap<SnapshotName, Vec<Candidate>> {
    let steps = HashMap::from([(step.id.as_str(), step)]);
    let id = RecordId::Step(step.id.clone());
    let mut candidates: BTreeMap<SnapshotName, Vec<Candidate>> = BTreeMap::new();
    let mut first_new: Option<Recorded> = None;
    for report in reports {
        let Some(item) = report.items.iter().find(|item| item.id == id) else {
            continue;
        };
        let Some(mut recorded) = recorded(&steps, report, item) else {
            continue;
        };
        let Some(is_accepted) = is_as_accepted(&item.verdict) else {
            continue;
        };
        if is_lost(&recorded, item) {
            continue;
        }
        if item.verdict == Verdict::New {
            let base = first_new.get_or_insert_with(|| recorded.clone());
            if base.text != recorded.text {
                recorded.name = beside(step, report, base);
            }
        }
        if let (true, Some(found)) = (is_accepted, &item.recorded) {
            recorded.name = found.name.clone();
        }
        let of_name = candidates.entry(recorded.name.clone()).or_default();
        of_name.push(Candidate {
            recorded,
            is_accepted,
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
            let keeps = is_apart && other.is_accepted && own != wanted.name;
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

/// True for an output that would take the place of the one that serves all, only because nothing is
/// known here of what that one was recorded on.
fn is_lost(new: &Recorded, item: &Item) -> bool {
    let differs = matches!(item.verdict, Verdict::DiffersHere { .. });
    differs && new.name.variant().is_none()
}

/// A step's output as it would be recorded.
fn recorded(steps: &HashMap<&str, &Step>, report: &Report, item: &Item) -> Option<Recorded> {
    let RecordId::Step(id) = &item.id else {
        return None;
    };
    let step = steps.get(id.as_str())?;
    let found = item.recorded.as_ref();
    Some(Recorded {
        name: name_for(&report.lesson, id, &step.vary, &report.environment, found),
        text: item.text.clone()?,
        exit: exit(item.ending.as_ref()?),
        command: step.script.trim_end().to_owned(),
        environment: report.environment.clone(),
        recorded: Some(chrono::Utc::now().date_naive().to_string()),
    })
}

/// How a step ended, in a snapshot's words.
pub fn exit(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => code.to_string(),
        Ending::Signaled(signal) => format!("signal {signal}"),
        Ending::Stopped => "stopped".to_owned(),
        Ending::TimedOut(_) => "timed out".to_owned(),
        Ending::Skipped(_) => "skipped".to_owned(),
        Ending::Interrupted => "interrupted".to_owned(),
        Ending::Broken(_) => "broken".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Lesson;
    use crate::report::diff;
    use crate::snapshot::tests::{environment, recorded as output};
    use crate::snapshot::{SnapshotFolder, find, pending};
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
            Some(found) if same_facets(&step.vary, &found.environment, &ours) => {
                Verdict::Changed(diff(&found.text, &text))
            }
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
        let across = across(folder, lesson, &reports).unwrap();
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
