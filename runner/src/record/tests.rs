//! Which outputs wait after runs in several environments.

use super::*;
use crate::report::{Item, diff};
use crate::snapshot::tests::{environment, recorded as output};
use crate::snapshot::{SnapshotFolder, find, pending, recipes};
use crate::transcript::Ending;
use std::time::Duration;

fn lesson(vary: &str) -> Lesson {
    lesson_of(vary, "load")
}

fn lesson_of(vary: &str, command: &str) -> Lesson {
    let source = format!(
        "---\nformat: 1\nname: hello\ntitle: Hello\n---\n\n# Hello\n\n```sh {{id=load{vary}}}\n{command}\n```\n"
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
    let recipe = &recipes(lesson, &BTreeMap::new())["load"];
    let stale = found.as_ref().map(|found| found.stale_for(recipe));
    let stale = stale.unwrap_or_default();
    let verdict = match &found {
        None => Verdict::New,
        Some(found) if stale.is_empty() && found.text == text => Verdict::Passed,
        Some(found) if !stale.is_empty() || same_facets(&step.vary, &found.environment, &ours) => {
            Verdict::Changed {
                diff: diff(&found.text, &text),
                stale,
            }
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
fn left(lesson: &Lesson, folder: &Path, outputs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let reports: Vec<Report> = outputs
        .iter()
        .map(|(kernel, stdout)| report(lesson, folder, kernel, stdout))
        .collect();
    let reports: Vec<&Report> = reports.iter().collect();
    let across = across(
        folder,
        lesson,
        &Course::default(),
        &reports,
        AsAccepted::Stay,
    )
    .unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    (
        across.written.iter().map(name).collect(),
        across.torn.iter().map(ToString::to_string).collect(),
    )
}

fn accept_all(folder: &Path) {
    for one in pending(folder).unwrap() {
        one.accept(None).unwrap();
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
fn an_output_of_another_command_is_renewed_where_it_serves_and_makes_no_variant() {
    let folder = tempfile::tempdir().unwrap();
    let outputs = [("6.12", "80\n"), ("6.1", "71\n"), ("7.3", "80\n")];
    left(&lesson(" vary=kernel"), folder.path(), &outputs);
    accept_all(folder.path());
    let other = lesson_of(" vary=kernel", "load it");
    let (written, torn) = left(&other, folder.path(), &outputs);
    assert_eq!(torn, Vec::<String>::new());
    assert_eq!(written, ["load.snap.new", "load@kernel-6.1.snap.new"]);
    accept_all(folder.path());
    assert_eq!(
        left(&other, folder.path(), &outputs),
        (Vec::new(), Vec::new())
    );

    let third = lesson_of(" vary=kernel", "load all");
    let outputs = [("6.12", "81\n"), ("6.1", "71\n"), ("7.3", "80\n")];
    let (written, torn) = left(&third, folder.path(), &outputs);
    assert_eq!(torn, Vec::<String>::new());
    let names = [
        "load.snap.new",
        "load@kernel-6.1.snap.new",
        "load@kernel-7.3.snap.new",
    ];
    assert_eq!(written, names);
    accept_all(folder.path());
    assert_eq!(
        left(&third, folder.path(), &outputs),
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
